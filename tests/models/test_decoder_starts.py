"""Where the weights of transformers start, how many there are, and what is too many."""

import itertools
import math

import pytest
import torch
from small_models import (
    DECODERS,
    MODELS,
    C,
    T,
    V,
    config_of,
    layers_of,
    make,
    make_decoder,
    positions_of,
    random_ids,
    stirred,
    switched,
)
from torch import Tensor

from embedviz import catalog
from embedviz.models.attention import CausalSelfAttention
from embedviz.models.base import BYTES_PER_WEIGHT, ModelSizeError
from embedviz.models.block import FeedForward
from embedviz.models.decoder import DecoderLanguageModel

every_decoder = pytest.mark.parametrize("name", DECODERS)
every_model = pytest.mark.parametrize("name", MODELS)
RESIDUAL = ("attention.projection.weight", "feed_forward.down.weight")


def matrices(model: DecoderLanguageModel) -> dict[str, Tensor]:
    """Return every matrix as the papers have it, each by itself (out, in): query, key, value, W1, W3, W2."""
    found = {"head": model.head.weight.detach()}
    for name, module in model.named_modules():
        if isinstance(module, CausalSelfAttention):
            for kind, weight in zip(("query", "key", "value"), module.qkv.weight.detach().chunk(3), strict=True):
                found[f"{name}.{kind}"] = weight
            found[f"{name}.projection"] = module.projection.weight.detach()
        elif isinstance(module, FeedForward):
            width = type(module).width(module.down.out_features)
            for number, weight in enumerate(module.up.weight.detach().split(width)):
                found[f"{name}.up.{number}"] = weight
            found[f"{name}.down"] = module.down.weight.detach()
    return found


@every_model
def test_parts_have_as_many_weights_as_there_are(name: str) -> None:
    for changes in switched(name):
        for layers, width in itertools.product(layers_of(changes["position"]), (4, 8)):
            config = config_of(name, n_layer=layers, n_embd=width, block_size=5, **changes)
            model, parts = MODELS[name](config, V), MODELS[name].weight_parts(config, V)
            assert sum(parts.values()) == sum(parameter.numel() for parameter in model.parameters())
            assert MODELS[name].weight_count(config, V) == sum(parts.values())
            assert ("position table" in parts) == (config.position == "learned")
            rooms = {"embedding.token": "token table", "embedding.position": "position table", "head": "head"}
            counted = dict.fromkeys(parts, 0)
            for parameter, weights in model.named_parameters():
                kind = next((part for start, part in rooms.items() if parameter.startswith(start)), None)
                kind = kind or ("norms" if "norm" in parameter else parameter.split(".")[2].replace("_", "-"))
                counted[kind] += weights.numel()
            assert counted == parts


@every_decoder
@pytest.mark.parametrize("layer_init", list(catalog.LAYER_STARTS))
def test_each_matrix_starts_by_its_own_shape(name: str, layer_init: str) -> None:
    width = 64
    model = make_decoder(name, 100, n_embd=width, layer_init=layer_init, n_head=4)
    for matrix, weight in matrices(model).items():
        out, inputs = weight.shape
        gain = 0.01 if matrix == "head" else math.sqrt(2) if matrix.endswith("down") else 1.0
        bound = math.sqrt(6 / (out + inputs))
        expected = {"kaiming": gain / math.sqrt(inputs), "xavier": bound / math.sqrt(3), "normal-0.02": 0.02}
        std = expected.get(layer_init, {"normal-1": 1.0, "zeros": 0.0}.get(layer_init, math.nan))
        assert weight.std().item() == pytest.approx(std, rel=0.06), matrix  # 4,096 numbers at least: 5 sigma
        if layer_init == "xavier":
            assert 0.995 * bound < weight.abs().max().item() <= bound, matrix
    drawn = list(matrices(model).values())
    if layer_init != "zeros":
        assert not any(torch.equal(a, b) for a, b in itertools.combinations(drawn, 2))


@every_model
def test_norms_start_at_1_and_0_and_biases_at_0(name: str) -> None:
    model = make(name, layer_init="xavier")
    model.initialize(torch.zeros(0, dtype=torch.int64), torch.Generator())  # whatever stood there before
    for parameter, weights in stirred(model).named_parameters():
        assert weights.any(), parameter
    model.initialize(torch.zeros(0, dtype=torch.int64), torch.Generator())
    for parameter, weights in model.named_parameters():
        if "norm" in parameter and parameter.endswith("weight"):
            assert (weights == 1).all(), parameter
        elif parameter.endswith("bias"):
            assert not weights.any(), parameter
        else:
            assert weights.any(), parameter


@every_decoder
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("layer_init", ["xavier", "normal-0.02", "kaiming"])
def test_residual_starts_scale_the_projections_alone(name: str, layers: int, layer_init: str) -> None:
    plain, scaled, zero = (
        dict(make(name, n_layer=layers, layer_init=layer_init, residual_init=start).named_parameters())
        for start in ("plain", "scaled", "zero")
    )
    found = 0
    for parameter, weights in plain.items():
        if parameter.endswith(RESIDUAL):
            assert torch.equal(scaled[parameter], weights * (1 / math.sqrt(2 * layers)))
            assert not zero[parameter].any()
            found += 1
        else:
            assert torch.equal(scaled[parameter], weights)
            assert torch.equal(zero[parameter], weights)
    assert found == 2 * layers


@every_decoder
def test_blocks_that_start_at_zero_pass_on_what_they_get(name: str) -> None:
    model = make_decoder(name, residual_init="zero", layer_init="normal-1", n_layer=3)
    x = torch.randn(2, T, C, generator=torch.Generator().manual_seed(1))
    for block in model.blocks:
        assert torch.equal(block(x), x)
    idx = random_ids(2, T)
    torch.testing.assert_close(model(idx)[0], model.head(model.norm(model.embedding(idx))), atol=0, rtol=0)


@every_model
@pytest.mark.parametrize("layer_init", ["normal-0.02", "kaiming", "zeros"])
@pytest.mark.parametrize("vocab_size", [27, 65, 256])
def test_the_first_loss_of_a_small_start_is_about_ln_v(name: str, layer_init: str, vocab_size: int) -> None:
    text = random_ids(200, T + 1, vocab_size=vocab_size)
    for residual_init, tie in itertools.product(catalog.RESIDUAL_INITS, (False, True)):
        changes = {"layer_init": layer_init, "residual_init": residual_init, "tie": tie, "init": "normal-0.02"}
        model = make(name, vocab_size, n_embd=32, n_head=4, **changes)
        assert model.loss(text[:, :-1], text[:, 1:]) == pytest.approx(math.log(vocab_size), abs=0.03)


@every_decoder
def test_a_large_head_begins_with_a_large_loss(name: str) -> None:
    text = random_ids(200, T + 1)
    for changes in ({"layer_init": "normal-1"}, {"tie": True, "init": "normal-1"}):
        assert make(name, **changes).loss(text[:, :-1], text[:, 1:]) > 1.5 * math.log(V)


@every_model
def test_the_seed_decides_every_weight(name: str) -> None:
    for tie in (False, True):
        model, same, other = make(name, tie=tie), make(name, tie=tie), make(name, tie=tie, seed=7)
        for parameter, weights in model.named_parameters():
            assert torch.equal(weights, same.get_parameter(parameter))
            constant = "norm" in parameter or parameter.endswith("bias")
            assert torch.equal(weights, other.get_parameter(parameter)) == constant, parameter


@every_model
def test_a_start_of_the_one_leaves_the_others_alone(name: str) -> None:
    def changed(**changes: object) -> set[str]:
        before, after = (dict(make(name, **{"n_layer": 2, **some}).named_parameters()) for some in ({}, changes))
        both = before.keys() & after.keys()
        return {parameter for parameter in both if not torch.equal(before[parameter], after[parameter])}

    tables = {"embedding.token", "embedding.position"} if name != "llama" else {"embedding.token"}
    assert changed(init="xavier") == tables
    drawn = {parameter for parameter, _ in make(name).named_parameters() if parameter.endswith("weight")}
    assert changed(layer_init="xavier") == {parameter for parameter in drawn if "norm" not in parameter}
    for changes in [{"tie": True}, {"scale_embeddings": True}, {"freeze_embeddings": True}, {"n_layer": 3}]:
        assert changed(**changes) == set()
    assert all(changed(position=position) == set() for position in positions_of(name))


@every_decoder
@pytest.mark.parametrize("whole_text", [False, True])
def test_size_counts_all_that_is_kept_and_what_a_batch_makes(name: str, whole_text: bool) -> None:
    kind = DECODERS[name]
    config = config_of(name, batch_size=0 if whole_text else 5000)
    kept = (9 if whole_text else 8) * kind.weight_count(config, V)  # weights, gradients, two states; twice; sums
    windows = kind.contexts_at_once(config, V) if whole_text else 5000
    made = windows * kind.numbers_per_context(config, V)
    assert kind.size_bytes(config, V) == BYTES_PER_WEIGHT * (kept + made)
    assert kind.size_bytes(config.replace(optimizer="sgd"), V) < kind.size_bytes(config, V)


@every_model
@pytest.mark.parametrize("block_size", [2, 32])
def test_what_a_window_makes_is_more_than_autograd_keeps_of_it(name: str, block_size: int) -> None:
    for position, vocab_size, shift in itertools.product(positions_of(name), (V, 500), range(3)):
        layers = layers_of(position)[shift]
        model = make(name, vocab_size, n_layer=layers, position=position, block_size=block_size)
        own = {weights.untyped_storage().data_ptr() for weights in model.state_dict().values()}
        kept: dict[int, int] = {}

        def keep(tensor: Tensor, kept: dict[int, int] = kept, own: set[int] = own) -> Tensor:
            storage = tensor.untyped_storage()
            if tensor.is_floating_point() and storage.data_ptr() not in own:
                kept[storage.data_ptr()] = storage.nbytes() // BYTES_PER_WEIGHT
            return tensor

        text = random_ids(4, block_size + 1, vocab_size=vocab_size)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            logits, loss = model(text[:, :-1], text[:, 1:])
        assert loss.requires_grad
        made = sum(kept.values()) + logits.numel()  # and the gradient of the logits
        assert made <= 4 * model.numbers_per_context(model.config, vocab_size)


LARGE = {"n_embd": 1024, "n_layer": 24, "n_head": 32}
TABLE = {"n_embd": 1024, "n_layer": 0, "batch_size": 1, "block_size": 1}


@pytest.mark.parametrize(
    ("name", "changes", "vocab_size", "numbers", "remedy"),
    [
        (
            *("transformer", LARGE, 100),
            "9.75 GB while AdamW trains it, 6.45 GB of it for the feed-forward",
            "Choose fewer layers, or a smaller embedding width.",
        ),
        (
            *("llama", {**LARGE, "optimizer": "sgd"}, 100),
            "4.90 GB while SGD trains it, 3.23 GB of it for the feed-forward",
            "Choose fewer layers, or a smaller embedding width.",
        ),
        (
            *("transformer", {**TABLE, "tie": True}, 150_000),
            "4.98 GB while AdamW trains it, 4.92 GB of it for the token table",
            "Choose a smaller embedding width, or a tokenizer with fewer tokens.",
        ),
        (
            *("llama", {**TABLE, "position": "none"}, 80_000),
            "5.31 GB while AdamW trains it, 2.62 GB of it for the token table",
            "Choose a smaller embedding width, a tied head, or a tokenizer with fewer tokens.",
        ),
        (
            *("llama", {"batch_size": 65_536, "block_size": 64}, 100),
            "15.7 GB while AdamW trains it, 15.7 GB of it for a batch",
            "Choose a smaller batch, or a smaller block size.",
        ),
    ],
)
def test_what_is_too_large_is_refused_before_memory_is_taken(
    name: str, changes: dict[str, object], vocab_size: int, numbers: str, remedy: str
) -> None:
    kind = DECODERS[name]
    with pytest.raises(ModelSizeError) as caught:
        kind(config_of(name, **changes), vocab_size)
    assert caught.value.sentence == (
        f"{kind.noun} for {vocab_size:,} tokens would take {numbers}; the most that embedviz takes is "
        f"2.15 GB. {remedy}"
    )
