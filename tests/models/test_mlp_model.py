"""The MLP, against torch's own layers, autograd and finite differences."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.models.base import BYTES_PER_WEIGHT, NOTHING, LanguageModel, ModelSizeError, one_hot_difference
from embedviz.models.initialization import make_generator
from embedviz.models.mlp import MLPLanguageModel

V, T, C, H, B = 11, 3, 4, 20, 6
CONFIG = RunConfig(
    model="mlp", block_size=T, n_embd=C, hidden=H, init="normal-1", layer_init="xavier", batch_size=B
)


def make(config: RunConfig = CONFIG, vocab_size: int = V) -> MLPLanguageModel:
    model = MLPLanguageModel(config, vocab_size)
    model.initialize(torch.zeros(0, dtype=torch.int64), make_generator(config.seed, "initialization"))
    return model


def with_biases(model: MLPLanguageModel) -> MLPLanguageModel:
    with torch.no_grad():
        for bias in (model.b1, model.b2):
            bias.normal_(generator=torch.Generator().manual_seed(2))
    return model


def random_ids(*shape: int, vocab_size: int = V) -> Tensor:
    return torch.randint(vocab_size, shape, generator=torch.Generator().manual_seed(5))


def layers(model: MLPLanguageModel) -> tuple[torch.nn.Linear, torch.nn.Linear]:
    """Make torch's own linear layers of the same weights."""
    made = torch.nn.Linear(T * C, H), torch.nn.Linear(H, V)
    for linear, weight, bias in zip(made, (model.W1, model.W2), (model.b1, model.b2), strict=True):
        linear.load_state_dict({"weight": weight.detach().T, "bias": bias.detach()})
    return made


def gradients(model: MLPLanguageModel) -> dict[str, Tensor]:
    found = {}
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        found[name] = parameter.grad.clone()
    return found


def test_its_parameters_are_makemores() -> None:
    shapes = {name: tuple(parameter.shape) for name, parameter in make().named_parameters()}
    table = shapes.pop("token_embedding_table.weight")
    assert table == (V, C)
    assert shapes == {"W1": (T * C, H), "b1": (H,), "W2": (H, V), "b2": (V,)}
    assert make().lookup_tables()["token"].shape == (V, C)
    count = sum(parameter.numel() for parameter in make().parameters())
    assert MLPLanguageModel.weight_count(CONFIG, V) == count == V * C + T * C * H + H + H * V + V


def test_forward_is_that_of_torchs_layers() -> None:
    model, text = with_biases(make()), random_ids(B, T + 1)
    idx, targets = text[:, :-1], text[:, 1:]
    hidden, output = layers(model)
    expected = output(torch.tanh(hidden(F.embedding(idx, model.table).flatten(1))))
    logits, loss = model(idx, targets)
    assert logits.shape == (B, 1, V)
    torch.testing.assert_close(logits[:, 0], expected)
    torch.testing.assert_close(loss, F.cross_entropy(expected, targets[:, -1]))
    assert model(idx)[1] is None
    assert model.loss(idx, targets) == pytest.approx(loss.item(), rel=1e-6)


@pytest.mark.parametrize("t", [0, 1, 2])
def test_before_the_beginning_stand_rows_of_zeros(t: int) -> None:
    model, idx = with_biases(make()), random_ids(B, t)
    rows = torch.cat((torch.zeros(B, T - t, C), F.embedding(idx, model.table)), 1)
    expected = torch.tanh(rows.flatten(1) @ model.W1 + model.b1) @ model.W2 + model.b2
    torch.testing.assert_close(model(idx)[0][:, 0], expected)


def test_it_reads_the_last_block_only() -> None:
    model, idx = make(), random_ids(B, T + 2)
    assert torch.equal(model(idx)[0], model(idx[:, 2:])[0])
    assert model.context_length == T
    for place in range(T):
        changed = idx.clone()
        changed[:, 2 + place] = (changed[:, 2 + place] + 1) % V
        assert (model(changed)[0] != model(idx)[0]).any(2).all()


def test_the_last_target_alone_counts() -> None:
    model, text = make(), random_ids(B, T + 1)
    other = text.clone()
    other[:, 1:T] = (other[:, 1:T] + 1) % V
    assert torch.equal(model(text[:, :-1], text[:, 1:])[1], model(text[:, :-1], other[:, 1:])[1])


@pytest.mark.parametrize("shape", [(1, T), (B, T), (40, T), (B, 1), (B, 0), (B, T + 2)])
def test_gradient_by_hand_is_that_of_autograd(shape: tuple[int, int]) -> None:
    model, idx = with_biases(make()), random_ids(*shape)
    targets = random_ids(shape[0], max(1, shape[1]))
    for _ in range(2):  # twice: neither may add to what is there
        loss = model.accumulate_gradients(idx, targets)
    by_hand = gradients(model)
    torch.testing.assert_close(LanguageModel.accumulate_gradients(model, idx, targets), loss)
    for name, gradient in gradients(model).items():
        torch.testing.assert_close(by_hand[name], gradient, atol=1e-7, rtol=1e-5)


def test_gradient_agrees_with_finite_differences() -> None:
    model, text = with_biases(make()).double(), random_ids(B, T + 1)
    idx, targets = text[:, :-1], text[:, 1:]
    model.accumulate_gradients(idx, targets)
    step = 1e-5
    for parameter in model.parameters():
        assert parameter.grad is not None
        gradient, weights = parameter.grad.flatten(), parameter.data.view(-1)
        for place in range(0, len(weights), max(1, len(weights) // 7)):
            before = weights[place].item()
            losses = []
            for sign in (1, -1):
                weights[place] = before + sign * step
                losses.append(model.loss(idx, targets))
            weights[place] = before
            slope = (losses[0] - losses[1]) / (2 * step)
            assert slope == pytest.approx(gradient[place].item(), rel=1e-6, abs=1e-9)


def test_rows_that_no_context_reads_have_no_gradient() -> None:
    model = make()
    model.accumulate_gradients(torch.tensor([[1, 2, 3]]), torch.tensor([[2, 3, 4]]))
    model.accumulate_gradients(torch.tensor([[5, 5, 7]]), torch.tensor([[5, 7, 1]]))
    assert model.table.grad is not None
    assert model.table.grad.abs().sum(1).nonzero().flatten().tolist() == [5, 7]


@pytest.mark.parametrize("vocab_size", [27, 65, 256])
@pytest.mark.parametrize("layer_init", ["kaiming", "zeros"])
def test_the_first_loss_is_about_ln_v(layer_init: str, vocab_size: int) -> None:
    config = RunConfig(model="mlp", block_size=3, init="normal-1", layer_init=layer_init)
    model, text = make(config, vocab_size), random_ids(1000, 4, vocab_size=vocab_size)
    assert model.loss(text[:, :-1], text[:, 1:]) == pytest.approx(math.log(vocab_size), abs=0.005)


def test_large_layers_begin_with_a_large_loss() -> None:
    model, text = make(CONFIG.replace(layer_init="normal-1")), random_ids(1000, T + 1)
    assert model.loss(text[:, :-1], text[:, 1:]) > 2 * math.log(V)


def test_units_that_begin_alike_never_part() -> None:
    model = make(CONFIG.replace(layer_init="zeros"))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(20):
        text = random_ids(B, T + 1)
        model.accumulate_gradients(text[:, :-1], text[:, 1:])
        optimizer.step()
    assert torch.equal(model.W1, model.W1[:, :1].expand(-1, H))
    assert torch.equal(model.W2, model.W2[:1].expand(H, -1))
    assert model.b2.abs().max() > 0.1  # while it does learn how frequent each token is


def test_a_start_of_the_one_leaves_the_others_alone() -> None:
    model = make()
    for init in ("normal-1", "xavier", "zeros"):
        for layer_init in catalog.LAYER_STARTS:
            other = make(CONFIG.replace(init=init, layer_init=layer_init))
            assert torch.equal(other.table, model.table) == (init == "normal-1")
            assert torch.equal(other.W1, model.W1) == torch.equal(other.W2, model.W2) == (layer_init == "xavier")
            assert not other.b1.any()
            assert not other.b2.any()
    assert not torch.equal(make(CONFIG.replace(seed=1)).W1, model.W1)


@pytest.mark.parametrize("t", [1, T, T + 1])
def test_a_trace_is_what_torch_computes(t: int) -> None:
    model, idx = with_biases(make()), random_ids(t)
    trace = model.trace(idx)
    assert list(trace) == [
        "ids",
        "rows",
        "one-hot difference",
        "concatenation",
        "hidden weights",
        "hidden product",
        "hidden bias",
        "preactivation",
        "hidden",
        "logits",
        "probabilities",
    ]
    assert trace["one-hot difference"].item() == 0
    missing = max(0, T - t)
    assert trace["ids"].tolist() == [NOTHING] * missing + idx[-T:].tolist()
    rows = F.pad(F.embedding(idx[-T:], model.table), (0, 0, missing, 0))
    assert torch.equal(trace["rows"], rows)
    assert torch.equal(trace["concatenation"], rows.flatten())
    hidden, output = layers(model)
    torch.testing.assert_close(trace["preactivation"], hidden(rows.flatten()))
    torch.testing.assert_close(trace["hidden"], torch.tanh(trace["preactivation"]))
    torch.testing.assert_close(trace["logits"], output(trace["hidden"]))
    torch.testing.assert_close(trace["logits"], model(idx[None])[0][0, 0])
    torch.testing.assert_close(trace["probabilities"], torch.softmax(trace["logits"], 0))
    assert not any(array.requires_grad for array in trace.values())


def test_a_worked_example_is_a_column_of_torchs_layers() -> None:
    model, idx = with_biases(make()), random_ids(T)
    trace, (hidden, output) = model.trace(idx, target=2), layers(model)
    unit = model.points(trace)["unit"]
    assert trace["hidden"].abs().max() == trace["hidden"][unit].abs()
    assert torch.equal(trace["hidden weights"], hidden.weight[unit].detach())
    assert trace["hidden bias"] == hidden.bias[unit]
    torch.testing.assert_close(trace["hidden product"] + trace["hidden bias"], trace["preactivation"][unit])
    assert torch.equal(trace["output weights"], output.weight[2].detach())
    torch.testing.assert_close(trace["output product"] + output.bias[2].detach(), trace["logits"][2])
    assert trace["output bias"] == output.bias[2]
    assert model.points(trace)["likeliest"] == trace["logits"].argmax()


def test_the_difference_from_a_one_hot_product_is_found() -> None:
    table, ids = torch.randn(V, C, generator=torch.Generator().manual_seed(1)), random_ids(4)
    rows = table[ids]
    rows[2, 1] += 0.25
    assert one_hot_difference(table, ids, rows).item() == pytest.approx(0.25)
    assert one_hot_difference(table, ids[:0], rows[:0]).item() == 0


def test_activations_are_the_hidden_layer() -> None:
    model, idx = with_biases(make()), random_ids(B, T)
    activations = model.activations(idx)
    assert list(activations) == ["hidden"]
    for context, hidden in zip(idx, activations["hidden"], strict=True):
        torch.testing.assert_close(hidden, model.trace(context)["hidden"])


def test_size_counts_all_that_is_kept_and_what_a_batch_makes() -> None:
    weights = MLPLanguageModel.weight_count(CONFIG, V)
    context = 2 * T * C + 3 * H + 2 * V
    size = MLPLanguageModel.size_bytes
    assert size(CONFIG.replace(batch_size=5000), V) == BYTES_PER_WEIGHT * (4 * weights + 5000 * context)
    read = 4096 * context  # contexts that a reading takes at once: more than a batch of 6
    assert size(CONFIG, V) == BYTES_PER_WEIGHT * (4 * weights + read)
    assert size(CONFIG.replace(batch_size=0), V) == BYTES_PER_WEIGHT * (5 * weights + read)


@pytest.mark.parametrize("batch_size", [0, 32])
def test_size_covers_a_reading_with_a_large_vocabulary(batch_size: int) -> None:
    config = CONFIG.replace(hidden=200, batch_size=batch_size)
    contexts = MLPLanguageModel.contexts_at_once(config, 60_000)
    made = BYTES_PER_WEIGHT * contexts * MLPLanguageModel.numbers_per_context(config, 60_000)
    assert 63 * 2**20 < made <= 64 * 2**20
    kept = BYTES_PER_WEIGHT * 4 * MLPLanguageModel.weight_count(config, 60_000)
    assert MLPLanguageModel.size_bytes(config, 60_000) >= kept + made


@pytest.mark.parametrize(
    ("changes", "vocab_size", "numbers", "remedy"),
    [
        (
            {"block_size": 1024, "n_embd": 1024, "hidden": 4096},
            56,
            "68.8 GB while AdamW trains it, 68.7 GB of it for the hidden layer",
            "Choose a smaller block size, a smaller embedding width, or fewer hidden units.",
        ),
        (
            {"hidden": 4096},
            65_536,
            "4.37 GB while AdamW trains it, 4.30 GB of it for the output layer",
            "Choose fewer hidden units, or a tokenizer with fewer tokens.",
        ),
        (
            {"n_embd": 1024, "hidden": 1, "block_size": 1},
            200_000,
            "3.35 GB while AdamW trains it, 3.28 GB of it for the table",
            "Choose a smaller embedding width, or a tokenizer with fewer tokens.",
        ),
        (
            {"batch_size": 65_536},
            7000,
            "3.69 GB while AdamW trains it, 3.69 GB of it for a batch",
            "Choose a smaller batch.",
        ),
    ],
)
def test_what_is_too_large_is_refused_before_memory_is_taken(
    changes: dict[str, int], vocab_size: int, numbers: str, remedy: str
) -> None:
    with pytest.raises(ModelSizeError) as caught:
        MLPLanguageModel(CONFIG.replace(optimizer="adamw", **changes), vocab_size)
    assert caught.value.sentence == (
        f"An MLP for {vocab_size:,} tokens would take {numbers}; the most that embedviz takes is 2.15 GB. {remedy}"
    )
