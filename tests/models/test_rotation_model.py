"""RoPE, against rotations in the complex plane."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from embedviz.analysis import rope
from embedviz.models.rotation import BASE, Rotation

D, T = 8, 50


def vectors(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def turned(x: Tensor, positions: Tensor) -> Tensor:
    """Turn `x` (..., T, D) as LLaMA does: pairs as complex numbers, times e^(i m f), in float64."""
    size = x.shape[-1]
    speeds = 10_000.0 ** (-torch.arange(0, size, 2).double() / size)  # (D / 2,)
    turns = torch.polar(torch.ones(len(positions), size // 2).double(), positions.double()[:, None] * speeds)
    pairs = torch.view_as_complex(x.double().unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(pairs * turns).flatten(-2)


@pytest.mark.parametrize("size", [2, 4, 8, 32])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4)])
def test_it_is_a_rotation_of_complex_numbers(size: int, shape: tuple[int, ...]) -> None:
    x = vectors(*shape, T, size)
    found = Rotation(size, T)(x)
    assert found.shape == x.shape
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), turned(x, torch.arange(T)), atol=1e-6, rtol=1e-6)


def test_the_furthest_position_is_as_exact_as_the_first() -> None:
    x = vectors(1024, D)
    torch.testing.assert_close(Rotation(D, 1024)(x).double(), turned(x, torch.arange(1024)), atol=1e-6, rtol=0)


def test_adjacent_numbers_are_a_pair_and_each_pair_has_its_speed() -> None:
    rotation = Rotation(4, T)
    for column, (partner, speed) in enumerate([(1, 1.0), (0, 1.0), (3, 0.01), (2, 0.01)]):
        x = torch.zeros(T, 4)
        x[:, column] = 1
        found = rotation(x)
        for m in range(T):
            expected = [0.0] * 4
            expected[column] = math.cos(m * speed)
            expected[partner] = math.sin(m * speed) * (1 if partner > column else -1)
            assert found[m].tolist() == pytest.approx(expected, abs=1e-6)


def test_position_0_stays_and_no_norm_changes() -> None:
    x = vectors(3, T, D)
    found = Rotation(D, T)(x)
    assert torch.equal(found[:, 0], x[:, 0])
    torch.testing.assert_close(found.norm(dim=-1), x.norm(dim=-1))
    pairs, before = found.unflatten(-1, (-1, 2)), x.unflatten(-1, (-1, 2))
    torch.testing.assert_close(pairs.norm(dim=-1), before.norm(dim=-1))
    assert (found[:, 1:] != x[:, 1:]).any(-1).all()


def test_dot_products_depend_on_the_distance_alone() -> None:
    query, key = vectors(D, seed=2), vectors(D, seed=3)
    rotation = Rotation(D, T)
    scores = rotation(query.expand(T, D)) @ rotation(key.expand(T, D)).T  # (T, T)
    means = []
    for distance in range(-T + 1, T):
        same = scores.diagonal(distance)
        torch.testing.assert_close(same, same[:1].expand_as(same), atol=2e-5, rtol=0)
        means.append(same.mean().item())
    assert len({round(mean, 3) for mean in means}) > T  # and on it they do depend
    torch.testing.assert_close(scores.diagonal(), (query @ key).expand(T), atol=2e-5, rtol=0)


def test_a_shorter_context_is_turned_the_same() -> None:
    x, rotation = vectors(2, T, D), Rotation(D, T)
    for t in (1, 3, T - 1):
        assert torch.equal(rotation(x[:, :t]), rotation(x)[:, :t])
        assert torch.equal(Rotation(D, t)(x[:, :t]), rotation(x)[:, :t])


def test_it_is_what_the_window_computes() -> None:
    assert BASE == 10_000
    x = vectors(T, D)
    np.testing.assert_allclose(rope.rotate(x.numpy(), np.arange(T)), Rotation(D, T)(x), atol=1e-5)


def test_gradients_go_through_and_nothing_of_it_is_trained() -> None:
    rotation = Rotation(D, 4)
    assert not list(rotation.parameters())
    assert not rotation.state_dict()
    x = vectors(2, 4, D).double().requires_grad_()
    assert torch.autograd.gradcheck(rotation.double(), x)
