import math

import pytest

from embedviz.analysis import verdicts
from embedviz.analysis.convergence import ConvergenceJudge
from embedviz.analysis.units import BITS, NATS, PERPLEXITY, UNITS

FLOOR = math.log(10)
LOSS = math.log(12.5)  # ln 1.25 nats above


@pytest.mark.parametrize(
    ("unit", "sentence"),
    [
        (NATS, "Still learning: 0.22 nats above the floor"),
        (BITS, "Still learning: 0.32 bits above the floor"),
        (PERPLEXITY, "Still learning: perplexity 2.5 above the floor"),
    ],
)
def test_the_same_distance_in_every_unit(unit, sentence):
    assert verdicts.learning(7, LOSS, FLOOR, unit) == sentence


def test_the_judge_and_the_window_say_the_same_in_nats():
    judge = ConvergenceJudge(floor=FLOOR)
    assert judge.observe(7, LOSS).sentence == verdicts.learning(7, LOSS, FLOOR)
    for step in (538, 539, 540):
        verdict = judge.observe(step, FLOOR + 0.0008)
    assert verdict.sentence == verdicts.converged(540, FLOOR + 0.0008, FLOOR)


def test_convergence_in_every_unit():
    said = [verdicts.converged(540, FLOOR + 0.0008, FLOOR, unit) for unit in UNITS.values()]
    assert said == [
        "Converged: 0.0008 nats above the floor at step 540",
        "Converged: 0.0012 bits above the floor at step 540",
        "Converged: perplexity 0.0080 above the floor at step 540",
    ]


def test_the_tolerance_is_a_number_of_nats_and_of_bits_alone():
    said = [verdicts.learning(9, FLOOR + 0.0005, FLOOR, unit) for unit in UNITS.values()]
    assert said == [
        "At the floor: less than 0.001 nats above it",
        "At the floor: less than 0.00144 bits above it",
        "At the floor: less than 0.001 nats above it",
    ]
    assert math.isclose(float(verdicts.tolerance(BITS).split()[0]), verdicts.TOLERANCE / math.log(2), rel_tol=5e-3)


@pytest.mark.parametrize("unit", UNITS.values(), ids=list(UNITS))
def test_what_is_too_near_to_be_told_apart(unit):
    said = verdicts.distance(FLOOR + 1e-9, FLOOR, unit)
    assert said == f"{unit.amount('less than 0.0001')} from the floor"


def test_before_the_first_step_nothing_was_learned():
    assert verdicts.learning(0, LOSS, FLOOR) == "Before the first step: 0.22 nats above the floor"
    assert verdicts.beyond_bigram(0, LOSS, LOSS, FLOOR).startswith("Before the first step: ")


@pytest.mark.parametrize(
    ("train", "val", "sentence"),
    [
        (8, 9, "Still learning: perplexity 2.0 below the bigram floor"),
        (12.5, 15, "Still learning: perplexity 2.5 above the bigram floor"),
        (8, 45, "Memorising: perplexity 2.0 below the bigram floor, held out 35.0 above"),
    ],
)
def test_a_model_of_several_tokens(train, val, sentence):
    assert verdicts.beyond_bigram(9, math.log(train), math.log(val), FLOOR, PERPLEXITY) == sentence


def test_where_nothing_is_held_out_nothing_is_memorised():
    said = verdicts.beyond_bigram(9, math.log(8), None, FLOOR)
    assert said == "Still learning: 0.22 nats below the bigram floor"


@pytest.mark.parametrize("loss", [30.0, 700.0, 5000.0])
def test_losses_of_a_run_away_have_words(loss):
    assert verdicts.learning(9, loss, FLOOR, PERPLEXITY).startswith("Still learning: perplexity ")
    assert len(verdicts.learning(9, loss, FLOOR, PERPLEXITY)) < 60


@pytest.mark.parametrize(
    ("sentence", "shorter"),
    [
        (
            "Still learning: 1.8 nats above the bigram floor",
            (
                "Learning: 1.8 nats above the bigram floor",
                "Learning: 1.8 nats above the floor",
                "1.8 nats above the floor",
            ),
        ),
        (
            "Before the first step: 0.22 nats above the floor",
            ("Step 0: 0.22 nats above the floor", "0.22 nats above the floor"),
        ),
        (
            "Memorising: 0.25 nats below the bigram floor, held out 1.5 above",
            ("Memorising: 0.25 nats below the floor, held out 1.5 above", "Memorising: held out 1.5 above"),
        ),
        ("Converged: 0.0008 nats above the floor at step 1,540", ("Converged: 0.0008 nats above the floor",)),
        ("Plateau: the best loss has hardly fallen", ()),
    ],
)
def test_a_verdict_in_fewer_words_is_the_same(sentence, shorter):
    assert verdicts.shorter(sentence) == shorter
