"""Sampling: closed forms of what stays, and how often what is drawn."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from embedviz.analysis.sampling import Sampling, SamplingError, adjusted, draw, tempered

logits_of = arrays(np.float64, st.integers(1, 40), elements=st.floats(-60, 60) | st.just(-math.inf))
samplings = st.builds(
    Sampling,
    temperature=st.floats(1e-6, 1e6),
    top_k=st.none() | st.integers(1, 60),
    top_p=st.floats(0, 1, exclude_min=True),
    greedy=st.booleans(),
)
LOGITS = np.log(np.array([0.1, 0.4, 0.05, 0.25, 0.2]))


@given(logits_of, samplings)
def test_it_sums_to_one_and_rules_out_what_the_model_rules_out(logits, sampling):
    assume(logits.max() > -math.inf)
    probabilities = adjusted(logits, sampling)
    assert probabilities.sum() == pytest.approx(1)
    assert (probabilities >= 0).all()
    assert not probabilities[logits == -math.inf].any()


@given(logits_of, st.integers(1, 60))
def test_top_k_keeps_so_many(logits, k):
    assume(np.isfinite(logits).all())
    probabilities = adjusted(logits, Sampling(top_k=k))
    kept = np.argsort(-logits, kind="stable")[:k]
    whole = tempered(logits, 1)
    expected = np.zeros_like(whole)
    expected[kept] = whole[kept] / whole[kept].sum()
    np.testing.assert_allclose(probabilities, expected)


@given(logits_of, st.floats(0.01, 0.99))
def test_top_p_keeps_the_smallest_set_that_reaches_it(logits, p):
    assume(logits.max() > -math.inf)
    whole = tempered(logits, 1)
    kept = np.flatnonzero(adjusted(logits, Sampling(top_p=p)))
    assert whole[kept].sum() >= p - 1e-9
    assert whole[kept].sum() - whole[kept].min() < p + 1e-9
    assert np.delete(whole, kept).max(initial=0) <= whole[kept].min() + 1e-15


def test_top_p_is_reached_in_spite_of_rounding():
    whole = np.log(np.array([0.1] * 7 + [0.3]))
    assert np.flatnonzero(adjusted(whole, Sampling(top_p=0.6))).tolist() == [0, 1, 2, 7]


@given(logits_of)
def test_plain_sampling_is_softmax(logits):
    assume(logits.max() > -math.inf)
    expected = np.exp(logits - logits.max())
    np.testing.assert_allclose(adjusted(logits, Sampling()), expected / expected.sum())
    assert Sampling().is_plain


def test_values_by_hand():
    np.testing.assert_allclose(adjusted(LOGITS, Sampling(top_k=2)), [0, 0.4 / 0.65, 0, 0.25 / 0.65, 0])
    np.testing.assert_allclose(adjusted(LOGITS, Sampling(top_p=0.7)), [0, 0.4 / 0.85, 0, 0.25 / 0.85, 0.2 / 0.85])
    np.testing.assert_allclose(adjusted(LOGITS, Sampling(top_k=2, top_p=0.1)), [0, 1, 0, 0, 0])
    np.testing.assert_allclose(adjusted(LOGITS, Sampling(greedy=True)), [0, 1, 0, 0, 0])
    squared = np.array([0.1, 0.4, 0.05, 0.25, 0.2]) ** 2
    np.testing.assert_allclose(adjusted(LOGITS, Sampling(temperature=0.5)), squared / squared.sum())


def test_extremes():
    np.testing.assert_array_equal(adjusted(LOGITS, Sampling(temperature=1e-300)), [0, 1, 0, 0, 0])
    np.testing.assert_allclose(adjusted(LOGITS, Sampling(temperature=1e300)), np.full(5, 0.2))
    np.testing.assert_allclose(adjusted(LOGITS, Sampling(top_k=99)), np.exp(LOGITS))
    np.testing.assert_allclose(adjusted(np.zeros(4), Sampling(top_k=2)), [0.5, 0.5, 0, 0])  # ties by id
    np.testing.assert_allclose(adjusted(np.zeros(4), Sampling(greedy=True)), [1, 0, 0, 0])
    np.testing.assert_allclose(adjusted(np.array([1e308, -1e308]), Sampling(temperature=0.1)), [1, 0])
    np.testing.assert_allclose(adjusted(np.array([math.inf, 0, math.inf]), Sampling()), [0.5, 0, 0.5])


@pytest.mark.parametrize("logits", [[], [math.nan, 0.0], [-math.inf, -math.inf]])
def test_what_one_cannot_draw_from_is_refused(logits):
    with pytest.raises(SamplingError, match="not numbers"):
        adjusted(np.array(logits), Sampling())


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": 0.0},
        {"temperature": math.inf},
        {"temperature": math.nan},
        {"top_k": 0},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"seed": -1},
    ],
)
def test_settings_out_of_range_are_refused_in_a_sentence(wrong):
    with pytest.raises(SamplingError) as refused:
        Sampling(**wrong)
    assert refused.value.sentence.endswith(".")


def test_settings_in_words():
    assert Sampling(seed=5).in_words() == ""
    assert Sampling(0.8, 5, 0.9).in_words() == "temperature 0.8, top-k 5, top-p 0.9"
    assert Sampling(0.8, greedy=True).in_words() == "greedy"
    assert Sampling(1.001, None, 0.999).in_words() == "temperature 1.001, top-p 0.999"
    assert Sampling(100.0, None, 1 - 1e-16).in_words() == "temperature 100, top-p 0.9999999999999999"
    with pytest.raises(SamplingError, match=r"Top-p is 1\.0000001, but"):
        Sampling(top_p=1.0000001)


def test_draws_are_as_frequent_as_they_are_likely():
    probabilities = adjusted(LOGITS, Sampling(temperature=1.3, top_k=4))
    generator = np.random.default_rng(1)
    count = 20_000
    seen = np.bincount([draw(probabilities, generator)[0] for _ in range(count)], minlength=5)
    assert seen[2] == 0  # cut off
    expected = count * probabilities
    chi = ((seen - expected)[expected > 0] ** 2 / expected[expected > 0]).sum()
    assert chi < 20  # 3 degrees of freedom: more than that once in 6,000 seeds


@given(arrays(np.float64, 8, elements=st.sampled_from([0.0, 0.1, 0.5])), st.integers(0, 10**6))
def test_the_number_falls_on_the_token(weights, seed):
    assume(weights.any())
    probabilities = weights / weights.sum()
    token, number = draw(probabilities, np.random.default_rng(seed))
    assert probabilities[token] > 0
    assert probabilities[:token].sum() - 1e-12 <= number <= probabilities[: token + 1].sum() + 1e-12


def test_a_number_at_the_very_end_is_the_last_token_that_is_possible():
    class Last:
        def random(self):
            return 1.0

    assert draw(np.array([0.3, 0.7, 0.0]), Last())[0] == 1


def test_the_same_seed_draws_the_same_and_seeds_continue():
    probabilities = np.full(50, 0.02)

    def drawn(generator):
        return [draw(probabilities, generator)[0] for _ in range(20)]

    assert drawn(Sampling(seed=3).generator()) == drawn(Sampling(seed=1).generator(2))
    assert drawn(Sampling(seed=3).generator()) != drawn(Sampling(seed=4).generator())
