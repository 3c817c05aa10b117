"""TinyTransformer and the LLaMA-style model: forward and gradients, against torch's layers and plain formulas."""

import pytest
import torch
import torch.nn.functional as F
from small_models import (
    DECODERS,
    MODELS,
    B,
    C,
    H,
    T,
    V,
    agrees_with_finite_differences,
    config_of,
    gradients,
    layers_of,
    make,
    make_decoder,
    positions_of,
    random_ids,
    stirred,
    switched,
)
from torch import Tensor, nn

from embedviz.models.decoder import DecoderLanguageModel
from embedviz.models.llama import EPSILON, RMSNorm
from embedviz.training.state import make_optimizer

every_decoder = pytest.mark.parametrize("name", DECODERS)
every_model = pytest.mark.parametrize("name", MODELS)


def torchs_transformer(model: DecoderLanguageModel) -> nn.TransformerEncoder:
    """Make torch's own blocks and last norm, of the weights of a TinyTransformer."""
    layer = nn.TransformerEncoderLayer(
        C, H, 4 * C, dropout=0.0, activation=F.gelu, batch_first=True, norm_first=True
    )
    blocks = nn.TransformerEncoder(layer, len(model.blocks), nn.LayerNorm(C), enable_nested_tensor=False)
    names = {"norm1": "norm_1", "norm2": "norm_2", "linear1": "feed_forward.up", "linear2": "feed_forward.down"}
    names |= {"self_attn.out_proj": "attention.projection"}
    state = blocks.state_dict()
    own = model.state_dict()
    for number in range(len(model.blocks)):
        for theirs, ours in names.items():
            for kind in ("weight", "bias"):
                state[f"layers.{number}.{theirs}.{kind}"] = own[f"blocks.{number}.{ours}.{kind}"]
        state[f"layers.{number}.self_attn.in_proj_weight"] = own[f"blocks.{number}.attention.qkv.weight"]
        state[f"layers.{number}.self_attn.in_proj_bias"] = torch.zeros(3 * C)
    state |= {f"norm.{kind}": own[f"norm.{kind}"] for kind in ("weight", "bias")}
    blocks.load_state_dict(state)
    return blocks


@pytest.mark.parametrize("t", [1, 3, T])
@pytest.mark.parametrize(("layers", "tie", "scaled"), [(1, False, False), (3, False, True), (2, True, False)])
def test_a_transformer_is_that_of_torchs_own_layers(layers: int, tie: bool, scaled: bool, t: int) -> None:
    model = stirred(make_decoder("transformer", n_layer=layers, tie=tie, scale_embeddings=scaled))
    idx, targets = random_ids(B, t), random_ids(B, t, seed=6)
    tables = model.lookup_tables()
    x = F.embedding(idx, tables["token"]) * (C**0.5 if scaled else 1) + tables["position"][:t]
    x = torchs_transformer(model)(x, mask=nn.Transformer.generate_square_subsequent_mask(t))
    expected = x @ (tables["token"] if tie else model.head.weight).T
    logits, loss = model(idx, targets)
    assert logits.shape == (B, t, V)
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(loss, F.cross_entropy(expected.flatten(0, 1), targets.flatten()))
    assert model(idx)[1] is None
    assert model.loss(idx, targets) == pytest.approx(loss.item(), rel=1e-6)


def root_mean_square(x: Tensor, gamma: Tensor) -> Tensor:
    return x / (x.pow(2).mean(-1, keepdim=True) + 1e-6).sqrt() * gamma


def turned(x: Tensor) -> Tensor:
    time, size = x.shape[-2:]
    speeds = 10_000.0 ** (-torch.arange(0, size, 2).double() / size)
    turns = torch.polar(torch.ones(time, size // 2).double(), torch.arange(time).double()[:, None] * speeds)
    return torch.view_as_real(torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous()) * turns).flatten(-2)


def plain_llama(model: DecoderLanguageModel, idx: Tensor) -> Tensor:
    """Return the logits as the formulas of llama.py say them, in float64, each matrix by itself."""
    own = {name: array.double() for name, array in model.state_dict().items()}
    t, size = idx.shape[1], C // H
    x = own["embedding.token"][idx]
    for number in range(len(model.blocks)):
        of = {name.removeprefix(f"blocks.{number}."): array for name, array in own.items()}
        y = root_mean_square(x, of["norm_1.weight"])
        q, k, v = ((y @ m.T).view(-1, t, H, size).transpose(1, 2) for m in of["attention.qkv.weight"].split(C))
        scores = turned(q) @ turned(k).transpose(-2, -1) / size**0.5
        weights = scores.masked_fill(torch.ones(t, t).tril() == 0, -torch.inf).softmax(-1)
        x = x + (weights @ v).transpose(1, 2).flatten(2) @ of["attention.projection.weight"].T
        y = root_mean_square(x, of["norm_2.weight"])
        width = len(of["feed_forward.up.weight"]) // 2
        w1, w3 = of["feed_forward.up.weight"].split(width)
        z = y @ w1.T
        x = x + (z * torch.sigmoid(z) * (y @ w3.T)) @ of["feed_forward.down.weight"].T
    return root_mean_square(x, own["norm.weight"]) @ own["head.weight"].T


@pytest.mark.parametrize("t", [1, 3, T])
@pytest.mark.parametrize("tie", [False, True])
def test_a_llama_is_what_its_formulas_say(tie: bool, t: int) -> None:
    model, idx = stirred(make_decoder("llama", tie=tie)), random_ids(B, t)
    assert not any("bias" in name for name, _ in model.named_parameters())
    torch.testing.assert_close(model(idx)[0].double(), plain_llama(model, idx), atol=1e-5, rtol=1e-5)


@every_decoder
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_norms_are_torchs_and_the_formulas(name: str, size: float) -> None:
    norm = stirred(make_decoder(name)).norm
    x = torch.randn(4, T, C, generator=torch.Generator().manual_seed(1)) * size + size / 2
    gamma, z = norm.get_parameter("weight").detach().double(), x.double()
    if isinstance(norm, RMSNorm):
        torchs: nn.Module = nn.RMSNorm(C, eps=EPSILON)
        expected = root_mean_square(z, gamma)
    else:
        torchs = nn.LayerNorm(C)
        deviation = (z.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()
        expected = (z - z.mean(-1, keepdim=True)) / deviation * gamma + norm.get_parameter(
            "bias"
        ).detach().double()
    torchs.load_state_dict(norm.state_dict())
    torch.testing.assert_close(norm(x), torchs(x))
    torch.testing.assert_close(norm(x).double(), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("width", "middle"), [(8, 24), (32, 88), (96, 256), (128, 344), (1, 8), (3, 8)])
def test_the_middle_of_a_swiglu_is_eight_thirds_in_whole_eights(width: int, middle: int) -> None:
    assert DECODERS["llama"].feed_forward.width(width) == middle
    assert middle % 8 == 0
    assert 0 <= middle - 8 * width / 3 < 8


@every_decoder
@pytest.mark.parametrize("tie", [False, True])
def test_without_blocks_it_is_a_norm_and_a_head_of_the_sum(name: str, tie: bool) -> None:
    model, idx = stirred(make_decoder(name, n_layer=0, position="learned", tie=tie)), random_ids(B, T)
    tokens, positions, head = nn.Embedding(V, C), nn.Embedding(T, C), nn.Linear(C, V, bias=False)
    norm: nn.Module = nn.LayerNorm(C) if name == "transformer" else nn.RMSNorm(C, eps=EPSILON)
    tokens.load_state_dict({"weight": model.lookup_tables()["token"]})
    positions.load_state_dict({"weight": model.lookup_tables()["position"]})
    norm.load_state_dict(model.norm.state_dict())
    head.load_state_dict(tokens.state_dict() if tie else model.head.state_dict())
    expected = head(norm(tokens(idx) + positions(torch.arange(T))))
    torch.testing.assert_close(model(idx)[0], expected, atol=1e-6, rtol=1e-6)


@every_model
def test_gradients_agree_with_finite_differences_whatever_is_switched(name: str) -> None:
    text = random_ids(2, T)
    for number, changes in enumerate(switched(name)):
        model = stirred(make(name, n_layer=layers_of(changes["position"])[number % 2], **changes)).double()
        agrees_with_finite_differences(model, text[:, :-1], text[:, 1:])


@every_model
def test_no_prediction_sees_what_comes_after_it(name: str) -> None:
    for changes in switched(name):
        model, idx = stirred(make(name, **changes)), random_ids(B, T)
        before = model(idx)[0].detach()
        for place in range(T):
            other = idx.clone()
            other[:, place] = (other[:, place] + 1 + torch.arange(B)) % V
            after = model(other)[0].detach()
            assert torch.equal(after[:, :place], before[:, :place])
            changed = (after != before).any(-1)
            assert changed[:, place].all()
            if name != "token-position":
                assert changed[:, place:].all()


@every_model
def test_a_shorter_context_is_predicted_from_as_its_beginning_in_a_longer_one(name: str) -> None:
    for position in positions_of(name):
        model, idx = stirred(make(name, position=position)), random_ids(B, T)
        for t in range(1, T):
            torch.testing.assert_close(model(idx[:, :t])[0], model(idx)[0][:, :t], atol=1e-5, rtol=1e-5)


@every_model
def test_positions_tell_places_apart_only_where_there_are_any(name: str) -> None:
    idx = random_ids(B, T)
    swapped = idx[:, [1, 0, *range(2, T)]]
    for position in positions_of(name):
        model = stirred(make(name, position=position, n_layer=1))
        last, other = model(idx)[0][:, -1], model(swapped)[0][:, -1]
        is_told = position != "none" and name != "token-position"
        assert ((last - other).abs().max().item() > 1e-4) == is_told


@every_model
@pytest.mark.parametrize("scaled", [False, True])
def test_a_tied_head_is_the_table_and_gradients_of_both_uses_add_up(name: str, scaled: bool) -> None:
    text = random_ids(B, T + 1)
    tied = stirred(make(name, tie=True, scale_embeddings=scaled)).double()
    untied = make(name, tie=False, scale_embeddings=scaled).double()
    table = tied.lookup_tables()["token"]
    head = tied.get_parameter("head.weight")
    assert head is table
    untied.load_state_dict(tied.state_dict())
    for model in (tied, untied):
        model.accumulate_gradients(text[:, :-1], text[:, 1:])
    both, found = gradients(untied), gradients(tied)
    torch.testing.assert_close(found.pop("embedding.token"), both.pop("embedding.token") + both.pop("head.weight"))
    assert found.keys() == both.keys()
    for parameter, gradient in found.items():
        torch.testing.assert_close(gradient, both[parameter])
    assert table.grad is not None
    assert table.grad.any(1).all()  # rows that nothing read as well: the head gave them theirs


@every_model
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("tie", [False, True])
def test_a_frozen_table_never_moves_and_everything_else_does(name: str, optimizer: str, tie: bool) -> None:
    config = config_of(name, freeze_embeddings=True, tie=tie, position="learned")
    config = config.replace(optimizer=optimizer, lr=0.01, weight_decay=0.5)
    model = stirred(MODELS[name](config, V))
    before = {parameter: weights.detach().clone() for parameter, weights in model.named_parameters()}
    stepper = make_optimizer(config, model)
    for seed in range(4):
        text = random_ids(B, T + 1, seed=seed)
        model.accumulate_gradients(text[:, :-1], text[:, 1:])
        stepper.step()
    assert model.lookup_tables()["token"].grad is None
    for parameter, weights in model.named_parameters():
        assert torch.equal(weights, before[parameter]) == (parameter == "embedding.token"), parameter


@every_model
def test_rows_that_nothing_reads_have_no_gradient_unless_the_head_is_tied(name: str) -> None:
    idx = torch.tensor([[1, 2, 1]])
    for tie in (False, True):
        model = stirred(make(name, tie=tie))
        model.accumulate_gradients(idx, torch.tensor([[2, 1, 3]]))
        table = model.lookup_tables()["token"]
        assert table.grad is not None
        assert table.grad.any(1).nonzero().flatten().tolist() == (list(range(V)) if tie else [1, 2])
