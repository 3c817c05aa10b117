"""What is seen inside a transformer: traces, layers and attention, against hooks on what forward computes."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from small_models import DECODERS, B, C, H, T, make_decoder, random_ids, stirred, switched
from torch import Tensor, nn

from embedviz.models.block import Block
from embedviz.models.decoder import DecoderLanguageModel

every_decoder = pytest.mark.parametrize("name", DECODERS)
OF_A_BLOCK = [
    *("norm 1", "attention", "attention last", "scores last", "attention out", "stream 1"),
    *("norm 2", "hidden", "feed-forward out", "stream 2"),
]


def hooked(model: DecoderLanguageModel, idx: Tensor) -> dict[str, Tensor]:
    """Run forward on `idx` (N, T); return what its modules got and put out, each (N, T, ...)."""
    found: dict[str, Tensor] = {}
    handles = []

    def keep(name: str, of: str = "") -> Callable[..., None]:
        def hook(_module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
            found[name] = output.detach()
            if of:
                found[of] = inputs[0].detach()

        return hook

    for number, block in enumerate(model.blocks, 1):
        assert isinstance(block, Block)
        of = f"block {number}"
        for module, hook in [
            (block.norm_1, keep(f"{of} norm 1", of=f"{of} before")),
            (block.attention, keep(f"{of} attention out")),
            (block.norm_2, keep(f"{of} norm 2", of=f"{of} stream 1")),
            (block.feed_forward.down, keep(f"{of} feed-forward out", of=f"{of} hidden")),
            (block, keep(f"{of} stream 2")),
        ]:
            handles.append(module.register_forward_hook(hook))
    handles.append(model.embedding.register_forward_hook(keep("embedded")))
    handles.append(model.norm.register_forward_hook(keep("norm")))
    found["logits"] = model(idx)[0].detach()
    for handle in handles:
        handle.remove()
    return found


def weights_of(model: DecoderLanguageModel, layer: int, normed: Tensor) -> Tensor:
    """Return the attention (H, T, T) to `normed` (T, C), as what it takes of values that are one-hots."""
    attention = model.blocks[layer].get_submodule("attention")
    q, k, _ = nn.functional.linear(normed, attention.get_parameter("qkv.weight").detach()).split(C, -1)
    q, k = (part.view(len(normed), H, -1).transpose(0, 1) for part in (q, k))
    if model.rotation is not None:
        q, k = model.rotation(q), model.rotation(k)
    ones = torch.eye(len(normed)).expand(H, -1, -1)
    return nn.functional.scaled_dot_product_attention(q[None], k[None], ones[None], is_causal=True)[0]


@every_decoder
@pytest.mark.parametrize("t", [1, 4, T, T + 2])
def test_a_trace_is_what_forward_computes(name: str, t: int) -> None:
    for changes in switched(name):
        model, idx = stirred(make_decoder(name, **changes)), random_ids(t)
        trace, seen = model.trace(idx, target=2), hooked(model, idx[None, -T:])
        scaled = ["scaled rows"] if changes["scale_embeddings"] else []
        summed = ["position rows", "sum"] if changes["position"] == "learned" else []
        blocks = [f"block {number} {part}" for number in (1, 2) for part in OF_A_BLOCK]
        assert list(trace) == [
            *("ids", "rows", "one-hot difference", *scaled, *summed),
            *(*blocks, "norm", "head row", "logits", "probabilities"),
        ]
        assert torch.equal(trace["ids"], idx[-T:])
        torch.testing.assert_close(trace[["rows", *scaled, *summed][-1]], seen["embedded"][0], atol=0, rtol=0)
        compared = [part for part in trace if part in seen and part != "logits"]
        assert len(compared) == 2 * 7 + 1
        for part in compared:
            torch.testing.assert_close(trace[part], seen[part][0], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(trace["logits"], seen["logits"][0, -1], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(trace["probabilities"], torch.softmax(trace["logits"], 0))
        assert torch.equal(trace["head row"], model.head.weight[2])
        torch.testing.assert_close(trace["head row"] @ trace["norm"][-1], trace["logits"][2])
        assert not any(array.requires_grad for array in trace.values())


@every_decoder
@pytest.mark.parametrize("t", [1, 4, T])
def test_attention_is_causal_and_shared_out_to_the_last_bit_of_it(name: str, t: int) -> None:
    for changes in switched(name):
        model, idx = stirred(make_decoder(name, **changes)), random_ids(t)
        trace = model.trace(idx)
        for number in (1, 2):
            of = f"block {number}"
            weights = trace[f"{of} attention"]
            assert weights.shape == (H, t, t)
            torch.testing.assert_close(weights.sum(-1), torch.ones(H, t))
            assert not weights.triu(1).any()
            expected = weights_of(model, number - 1, trace[f"{of} norm 1"])
            torch.testing.assert_close(weights, expected, atol=1e-6, rtol=1e-5)
            assert torch.equal(trace[f"{of} attention last"], weights[:, -1])
            scores = trace[f"{of} scores last"]
            torch.testing.assert_close(torch.softmax(scores, -1), weights[:, -1])


@every_decoder
def test_what_is_added_is_added(name: str) -> None:
    for changes in switched(name):
        model = stirred(make_decoder(name, **changes))
        trace = model.trace(random_ids(T))
        before = trace["sum"] if "sum" in trace else trace.get("scaled rows", trace["rows"])
        for number in (1, 2):
            of = f"block {number}"
            assert torch.equal(trace[f"{of} stream 1"], before + trace[f"{of} attention out"])
            before = trace[f"{of} stream 1"] + trace[f"{of} feed-forward out"]
            assert torch.equal(trace[f"{of} stream 2"], before)


@every_decoder
def test_points_are_the_places_of_the_largest(name: str) -> None:
    for changes in switched(name):
        model = stirred(make_decoder(name, **changes))
        trace = model.trace(random_ids(T))
        points = model.points(trace)
        assert points["likeliest"] == trace["logits"].argmax()
        assert points["last place"] == T - 1
        for number in (1, 2):
            of = f"block {number}"
            head, place = points[f"{of} head"], points[f"{of} place"]
            assert trace[f"{of} attention"][head, -1, place] == trace[f"{of} attention"][:, -1].max()
            assert points[f"{of} seen"] == trace["ids"][place]
            assert points[f"{of} unit"] == trace[f"{of} hidden"][-1].abs().argmax()
            assert points[f"{of} column 1"] == trace[f"{of} attention out"][-1].abs().argmax()
            assert points[f"{of} column 2"] == trace[f"{of} feed-forward out"][-1].abs().argmax()
        assert ("column of sum" in points) == (changes["position"] == "learned")


@every_decoder
@pytest.mark.parametrize("t", [1, 4, T, T + 3])
def test_attention_can_be_asked_for_a_layer_alone(name: str, t: int) -> None:
    for changes in switched(name):
        model, idx = stirred(make_decoder(name, **changes)), random_ids(t)
        trace = model.trace(idx)
        assert model.attention_layers == 2
        for layer in (0, 1):
            found = model.attention(idx, layer)
            assert list(found) == ["weights", "queries", "keys"]
            of = f"block {layer + 1}"
            torch.testing.assert_close(found["weights"], trace[f"{of} attention"], atol=1e-5, rtol=1e-5)
            qkv = model.blocks[layer].get_parameter("attention.qkv.weight").detach()
            queries, keys, _ = nn.functional.linear(trace[f"{of} norm 1"], qkv).split(C, -1)
            for values, kind in ((queries, "queries"), (keys, "keys")):  # before positions turn them
                torch.testing.assert_close(found[kind].transpose(0, 1).flatten(1), values, atol=1e-5, rtol=1e-5)
    assert make_decoder(name, n_layer=0, position="none").attention_layers == 0


@every_decoder
@pytest.mark.parametrize("t", [1, T])
def test_layers_are_what_forward_computes(name: str, t: int) -> None:
    for changes in switched(name):
        model, idx = stirred(make_decoder(name, **changes)), random_ids(B, t)
        found, seen = model.layers(idx), hooked(model, idx)
        names = ["rows", *(["sum"] if changes["position"] == "learned" else [])]
        for number in (1, 2):
            names += [
                f"block {number} {part}"
                for part in ("attention", "stream 1", "hidden", "feed-forward", "stream 2")
            ]
        assert list(found) == [*names, "norm"]
        assert torch.equal(found["sum" if changes["position"] == "learned" else "rows"], seen["embedded"])
        for part, values in found.items():
            if part not in ("rows", "sum"):
                kept = part if part in seen else f"{part} out"
                torch.testing.assert_close(values, seen[kept], atol=1e-6, rtol=1e-6)
        assert not any(array.requires_grad for array in found.values())


@every_decoder
def test_looking_changes_no_weight(name: str) -> None:
    model, idx = stirred(make_decoder(name)), random_ids(B, T)
    before = {parameter: weights.detach().clone() for parameter, weights in model.named_parameters()}
    model.trace(idx[0], target=1)
    model.layers(idx)
    model.attention(idx[0], 1)
    for parameter, weights in model.named_parameters():
        assert torch.equal(weights, before[parameter])
        assert weights.grad is None
