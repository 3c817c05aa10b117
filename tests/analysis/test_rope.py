import numpy as np
import pytest
import torch

from embedviz.analysis.rope import angles, dot_products, rotate, speeds
from embedviz.models.rotation import Rotation


@pytest.mark.parametrize("head_size", [2, 8, 64])
def test_pairs_turn_as_complex_numbers_do(head_size):
    x = np.random.default_rng(1).normal(size=(3, 7, head_size))
    positions = np.array([0, 1, 2, 5, 40, 100, 1023])
    points = x[..., 0::2] + 1j * x[..., 1::2]
    turned = points * np.exp(1j * positions[:, None] * 10000.0 ** (-np.arange(0, head_size, 2) / head_size))
    found = rotate(x, positions)
    np.testing.assert_allclose(found[..., 0::2] + 1j * found[..., 1::2], turned, atol=1e-12)


def test_it_is_the_models_own_rotation():
    x = np.random.default_rng(2).normal(size=(4, 64, 16)).astype(np.float32)
    own = Rotation(16, 64)(torch.from_numpy(x)).numpy()
    found = rotate(x, np.arange(64))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, own, atol=2e-6)


def test_the_first_pair_turns_a_radian_a_position_and_each_next_one_slower():
    assert speeds(4).tolist() == [1.0, pytest.approx(0.01)]
    assert (np.diff(speeds(64)) < 0).all()
    np.testing.assert_allclose(angles(4, [0, 1, 30]), [[0, 0], [1, 0.01], [30, 0.3]])
    np.testing.assert_allclose(angles(4, [2], base=16.0), [[2, 0.5]])


def test_turning_keeps_lengths_and_position_0_keeps_all():
    x = np.random.default_rng(3).normal(size=(5, 12))
    turned = rotate(x, np.arange(5) * 9)
    np.testing.assert_array_equal(turned[0], x[0])
    np.testing.assert_allclose(np.linalg.norm(turned, axis=-1), np.linalg.norm(x, axis=-1))


def test_dot_products_depend_on_the_distance_alone():
    query, key = np.random.default_rng(4).normal(size=(2, 16))
    products = dot_products(query, key, 40)
    for distance in (0, 1, 3, 39):
        np.testing.assert_allclose(np.diagonal(products, -distance), products[distance, 0], atol=1e-12)
    assert products[0, 0] == pytest.approx(float(query @ key))
    assert np.ptp(products[:, 0]) > 0.1  # on the distance they do depend


def test_an_odd_size_has_no_pairs():
    with pytest.raises(ValueError, match="not in pairs"):
        speeds(5)
