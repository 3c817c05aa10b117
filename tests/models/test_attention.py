"""Attention, against torch's own and against one module for each head, written out."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from embedviz.models.attention import CausalSelfAttention
from embedviz.models.rotation import Rotation

C, T, B = 12, 7, 3
EVERY = pytest.mark.parametrize(
    ("heads", "is_turned", "bias"), [(1, False, True), (3, False, True), (3, True, False), (2, True, True)]
)


def make(heads: int, is_turned: bool, bias: bool) -> CausalSelfAttention:
    attention = CausalSelfAttention(C, heads, Rotation(C // heads, T) if is_turned else None, bias=bias)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / 2)
    return attention


def stream(*shape: int, seed: int = 2) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def turned(x: Tensor) -> Tensor:
    """Turn `x` (..., T, D) as complex numbers, pair by pair."""
    time, size = x.shape[-2:]
    speeds = 10_000.0 ** (-torch.arange(0, size, 2).double() / size)
    turns = torch.polar(torch.ones(time, size // 2).double(), torch.arange(time).double()[:, None] * speeds)
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(pairs * turns).flatten(-2)


def head_by_head(attention: CausalSelfAttention, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return scores, weights (H, T, T) and output (T, C) of `x` (T, C), each head by itself, in float64."""
    queries, keys, values = attention.qkv.weight.detach().double().split(C)
    size, x = C // attention.n_head, x.double()
    scores, weights, outs = [], [], []
    for head in range(attention.n_head):
        rows = slice(head * size, (head + 1) * size)
        q, k, v = (F.linear(x, matrix[rows]) for matrix in (queries, keys, values))
        if attention.rotation is not None:
            q, k = turned(q), turned(k)
        score = q @ k.T / math.sqrt(size)
        weight = torch.softmax(score.masked_fill(torch.ones_like(score).tril() == 0, -math.inf), -1)
        scores.append(score)
        weights.append(weight)
        outs.append(weight @ v)
    bias = attention.projection.bias
    projection = attention.projection.weight.detach().double()
    out = F.linear(torch.cat(outs, -1), projection, None if bias is None else bias.detach().double())
    return torch.stack(scores), torch.stack(weights), out


@EVERY
@pytest.mark.parametrize("t", [1, 2, T])
def test_each_head_is_a_module_of_its_own(heads: int, is_turned: bool, bias: bool, t: int) -> None:
    attention, x = make(heads, is_turned, bias), stream(B, t, C)
    found = attention(x)
    assert found.shape == (B, t, C)
    for some, out in zip(x, found, strict=True):
        scores, weights, expected = head_by_head(attention, some)
        torch.testing.assert_close(out.double(), expected, atol=1e-5, rtol=1e-5)
        seen = attention.look(some)
        torch.testing.assert_close(seen["scores"].double(), scores, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(seen["weights"].double(), weights, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(seen["out"].double(), expected, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(seen["out"], out, atol=1e-5, rtol=1e-5)


@EVERY
@pytest.mark.parametrize("t", [1, 4, T])
def test_it_is_torchs_scaled_dot_product_attention(heads: int, is_turned: bool, bias: bool, t: int) -> None:
    attention, x = make(heads, is_turned, bias), stream(B, t, C)
    q, k, v = (
        F.linear(x, matrix).view(B, t, heads, C // heads).transpose(1, 2)
        for matrix in attention.qkv.weight.detach().split(C)
    )
    if is_turned:
        q, k = turned(q.double()).float(), turned(k.double()).float()
    mask = torch.ones(t, t, dtype=torch.bool).tril()
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).reshape(B, t, C)
    expected = F.linear(out, attention.projection.weight, attention.projection.bias)
    torch.testing.assert_close(attention(x), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("heads", [1, 3])
def test_it_is_torchs_multihead_attention(heads: int) -> None:
    attention, x = make(heads, False, True), stream(B, T, C)
    torchs = nn.MultiheadAttention(C, heads, batch_first=True)
    assert torchs.in_proj_weight is not None
    assert torchs.in_proj_bias is not None
    with torch.no_grad():
        torchs.in_proj_weight.copy_(attention.qkv.weight)
        torchs.in_proj_bias.zero_()
        torchs.out_proj.load_state_dict(attention.projection.state_dict())
    mask = nn.Transformer.generate_square_subsequent_mask(T)
    expected, weights = torchs(x, x, x, attn_mask=mask, average_attn_weights=False)
    torch.testing.assert_close(attention(x), expected, atol=1e-5, rtol=1e-5)
    for some, weight in zip(x, weights, strict=True):
        torch.testing.assert_close(attention.look(some)["weights"], weight, atol=1e-6, rtol=1e-5)


@EVERY
def test_what_is_seen_of_it(heads: int, is_turned: bool, bias: bool) -> None:
    attention, x = make(heads, is_turned, bias), stream(T, C)
    seen = attention.look(x)
    assert {name: tuple(array.shape) for name, array in seen.items()} == {
        "queries": (heads, T, C // heads),
        "keys": (heads, T, C // heads),
        "scores": (heads, T, T),
        "weights": (heads, T, T),
        "out": (T, C),
    }
    assert not any(array.requires_grad for array in seen.values())
    torch.testing.assert_close(seen["weights"].sum(-1), torch.ones(heads, T))
    assert not seen["weights"].triu(1).any()
    assert (seen["weights"][:, 0, 0] == 1).all()
    queries, keys, _ = F.linear(x, attention.qkv.weight.detach()).split(C, -1)
    for name, values in (("queries", queries), ("keys", keys)):  # as they are before positions turn them
        torch.testing.assert_close(seen[name].transpose(0, 1).flatten(1), values, atol=1e-5, rtol=1e-5)


def test_positions_decide_only_where_they_turn() -> None:
    x = stream(1, C).expand(T, C)  # the same everywhere
    weights = make(3, False, True).look(x)["weights"]
    even = torch.ones(T, T).tril() / torch.arange(1, T + 1)[:, None]
    torch.testing.assert_close(weights, even.expand_as(weights))
    assert (make(3, True, True).look(x)["weights"] - even).abs().max() > 0.01


@EVERY
def test_nothing_is_taken_from_what_comes_later(heads: int, is_turned: bool, bias: bool) -> None:
    attention, x = make(heads, is_turned, bias), stream(B, T, C)
    before = attention(x)
    for place in range(T):
        other = x.clone()
        other[:, place] = stream(B, C, seed=place + 10)
        after = attention(other)
        assert torch.equal(after[:, :place], before[:, :place])
        assert (after[:, place:] != before[:, place:]).any(-1).all()


@EVERY
def test_gradients_agree_with_finite_differences(heads: int, is_turned: bool, bias: bool) -> None:
    attention = make(heads, is_turned, bias).double()
    x = stream(1, 3, C).double().requires_grad_()
    parameters = dict(attention.named_parameters())

    def run(x: Tensor, *weights: Tensor) -> Tensor:
        found: Tensor = torch.func.functional_call(attention, dict(zip(parameters, weights, strict=True)), (x,))
        return found

    assert torch.autograd.gradcheck(run, (x, *parameters.values()), fast_mode=True)


def test_a_large_score_takes_all_and_no_more() -> None:
    attention, x = make(1, False, True), stream(T, C) * 1e4
    weights = attention.look(x)["weights"]
    assert torch.isfinite(weights).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(1, T))
    torch.testing.assert_close(attention.look(x)["out"], attention(x[None])[0], rtol=1e-4, atol=1e-1)
