"""Every start of the catalogue: what it puts into a table, and that a seed decides it."""

import math

import pytest
import torch
from torch import Tensor, nn

from embedviz import catalog
from embedviz.models.initialization import LAYER_STARTS, RELU_GAIN, STARTS, TANH_GAIN, make_generator
from embedviz.text.pairs import PairCounts
from embedviz.text.statistics import smoothed_log_probabilities

V = 200
IDS = torch.randint(V, (3000,), generator=torch.Generator().manual_seed(1)).to(torch.uint8)


def started(name: str, seed: int = 0, shape: tuple[int, int] = (V, V)) -> Tensor:
    weight = nn.Parameter(torch.full(shape, math.nan))
    STARTS[name](weight, IDS, make_generator(seed, "initialization"))
    return weight.detach()


def test_the_catalogue_and_the_starts_are_the_same() -> None:
    assert list(STARTS) == list(catalog.STARTS)
    assert list(LAYER_STARTS) == list(catalog.LAYER_STARTS)


def layer(name: str, shape: tuple[int, int] = (100, 400), gain: float = 1.0) -> Tensor:
    weight = nn.Parameter(torch.full(shape, math.nan))
    LAYER_STARTS[name](weight, make_generator(0, "layer"), gain)
    return weight.detach()


@pytest.mark.parametrize(
    ("name", "std"),
    [
        ("kaiming", 5 / 3 / math.sqrt(100)),
        ("xavier", math.sqrt(2 / 500)),
        ("normal-0.02", 0.02),
        ("normal-1", 1.0),
        ("zeros", 0.0),
    ],
)
def test_layers(name: str, std: float) -> None:
    weight = layer(name, gain=5 / 3)  # 40,000 numbers, as below
    assert weight.std().item() == pytest.approx(std, rel=0.018)
    assert abs(weight.mean().item()) <= 0.025 * std


def test_kaiming_keeps_what_tanh_makes_of_numbers_of_size_one() -> None:
    x = torch.randn(500, 300, generator=torch.Generator().manual_seed(1))
    assert torch.nn.init.calculate_gain("tanh") == TANH_GAIN
    torch.testing.assert_close(
        (x @ layer("kaiming", (300, 400), TANH_GAIN)).std().item(), 5 / 3, atol=0.05, rtol=0
    )


def test_what_comes_after_relu_and_its_like_has_torchs_gain() -> None:
    assert torch.nn.init.calculate_gain("relu") == RELU_GAIN
    x = torch.randn(10_000, generator=torch.Generator().manual_seed(1))
    assert x.relu().square().mean().item() * RELU_GAIN**2 == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("name", list(LAYER_STARTS))
def test_a_part_of_a_matrix_starts_where_it_lies(name: str) -> None:
    qkv = nn.Parameter(torch.full((3 * 40, 40), math.nan))  # (3 C, C), torch's order
    with torch.no_grad():
        for number, weight in enumerate(qkv.chunk(3)):
            LAYER_STARTS[name](weight.T, make_generator(0, f"layer {number}"), 1.0)
    for number, weight in enumerate(qkv.detach().chunk(3)):
        alone = torch.empty(40, 40)
        LAYER_STARTS[name](alone, make_generator(0, f"layer {number}"), 1.0)
        assert torch.equal(weight, alone.T)


def test_zeros() -> None:
    assert not started("zeros").any()


@pytest.mark.parametrize(("name", "std"), [("normal-0.01", 0.01), ("normal-0.02", 0.02), ("normal-1", 1.0)])
def test_normal(name: str, std: float) -> None:
    z = started(name) / std  # 40,000 numbers: the mean is within .025, the deviation within .018, at 5 sigma
    assert abs(z.mean().item()) < 0.025
    assert z.std().item() == pytest.approx(1, abs=0.018)
    assert (z.abs() < 1).float().mean().item() == pytest.approx(0.6827, abs=0.012)
    assert z.pow(4).mean().item() == pytest.approx(3, abs=0.25)


@pytest.mark.parametrize("shape", [(V, V), (V, 16)])
def test_xavier(shape: tuple[int, int]) -> None:
    bound = math.sqrt(6 / sum(shape))
    weight = started("xavier", shape=shape)
    assert weight.abs().max().item() <= bound
    assert weight.abs().max().item() > 0.99 * bound
    assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)


def test_log_counts() -> None:
    weight = started("log-counts")
    expected = smoothed_log_probabilities(PairCounts.count(IDS.numpy(), V))
    torch.testing.assert_close(weight.double(), torch.from_numpy(expected), atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(weight.exp().sum(1), torch.ones(V))


@pytest.mark.parametrize("name", list(STARTS))
def test_the_seed_decides(name: str) -> None:
    assert torch.equal(started(name, 7), started(name, 7))
    is_random = not torch.equal(started(name, 7), started(name, 8))
    assert is_random == (name.startswith("normal") or name == "xavier")


@pytest.mark.parametrize("name", list(STARTS))
def test_torchs_global_generator_is_left_alone(name: str) -> None:
    before = torch.get_rng_state()
    started(name)
    assert torch.equal(before, torch.get_rng_state())


def test_streams_of_a_seed_and_seeds_of_a_stream_differ() -> None:
    generators = [make_generator(seed, stream) for seed in (0, 1, 2**32 - 1) for stream in ("a", "b", "ab")]
    drawn = {tuple(torch.randint(2**31, (4,), generator=generator).tolist()) for generator in generators}
    assert len(drawn) == len(generators)
