import math

import pytest

from embedviz.analysis.convergence import ConvergenceJudge


def kinds(judge: ConvergenceJudge, losses: list[float]) -> list[str]:
    return [judge.observe(10 * i, loss).kind for i, loss in enumerate(losses)]


def test_three_readings_near_the_floor_in_a_row():
    judge = ConvergenceJudge(floor=2.0)
    assert kinds(judge, [2.5, 2.0009, 2.0009, 2.0009, 2.0008]) == [*["learning"] * 3, *["converged"] * 2]


def test_a_swing_away_from_the_floor_starts_over():
    judge = ConvergenceJudge(floor=2.0)
    losses = [2.0009, 2.0009, 2.0011, 2.0009, 2.0009, 2.0009, 2.002]
    assert kinds(judge, losses) == [*["learning"] * 5, "converged", "learning"]


def test_a_plateau_above_the_floor_is_not_convergence():
    assert set(kinds(ConvergenceJudge(floor=2.0), [2.017] * 500)) == {"learning"}


def test_the_gap_itself_is_not_enough():
    assert set(kinds(ConvergenceJudge(floor=0.0), [1e-3] * 9)) == {"learning"}


@pytest.mark.parametrize(
    ("loss", "sentence"),
    [
        (14.3, "Still learning: 12.3 nats above the floor"),
        (3.72, "Still learning: 1.7 nats above the floor"),
        (2.0151, "Still learning: 0.015 nats above the floor"),
        (2.00218, "Still learning: 0.0022 nats above the floor"),
        (2.0008, "Still learning: 0.0008 nats above the floor"),
        (2.00001, "Still learning: less than 0.0001 nats from the floor"),
        (2 - 1e-9, "Still learning: less than 0.0001 nats from the floor"),
        (1.98, "Still learning: 0.020 nats below the floor"),
    ],
)
def test_sentences_with_a_floor(loss, sentence):
    verdict = ConvergenceJudge(floor=2.0).observe(1, loss)
    assert verdict.sentence == sentence
    assert verdict.gap == pytest.approx(loss - 2.0)


def test_the_sentence_of_convergence_names_the_step():
    judge = ConvergenceJudge(floor=2.0)
    for step in (538, 539, 540):
        verdict = judge.observe(step, 2.0008)
    assert verdict.sentence == "Converged: 0.0008 nats above the floor at step 540"


def test_the_same_reading_twice_counts_once():
    judge = ConvergenceJudge(floor=2.0)
    assert {judge.observe(7, 2.0).kind for _ in range(10)} == {"learning"}
    assert [judge.observe(step, 2.0).kind for step in (8, 9)] == ["learning", "converged"]


@pytest.mark.parametrize("rewind", ["reset", "earlier step"])
def test_a_rewound_run_starts_over(rewind):
    judge = ConvergenceJudge(floor=2.0)
    assert kinds(judge, [2.0, 2.0, 2.0])[-1] == "converged"
    if rewind == "reset":
        judge.reset()
        assert judge.observe(20, 2.0).kind == "learning"  # the very step that was seen last
    else:
        assert judge.observe(0, 2.0).kind == "learning"


@pytest.mark.parametrize("floor", [2.0, None])
@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number(floor, loss):
    judge = ConvergenceJudge(floor=floor)
    for step in range(100):
        verdict = judge.observe(step, loss)
    assert verdict.kind == "learning"
    assert verdict.gap is None
    assert verdict.sentence == "The loss is no longer a number at step 99: try a smaller learning rate"
    assert judge.observe(100, 2.0).kind == "learning"


def test_no_number_breaks_a_row_of_readings():
    judge = ConvergenceJudge(floor=2.0)
    assert set(kinds(judge, [2.0, 2.0, math.nan, 2.0, 2.0])) == {"learning"}


# Without a floor


def test_a_plateau_takes_several_windows():
    judge = ConvergenceJudge(window=4, consecutive=2)
    # the first window is only compared with; then two that bring nothing
    assert kinds(judge, [1.0] * 12) == [*["learning"] * 11, "plateau"]


def test_slow_progress_is_no_plateau():
    judge = ConvergenceJudge(window=5, consecutive=2)
    falling = [3 - 0.00021 * i for i in range(200)]  # 1.05e-3 per window
    assert set(kinds(judge, falling)) == {"learning"}
    slower = [3 - 0.00019 * i for i in range(200)]
    assert kinds(ConvergenceJudge(window=5, consecutive=2), slower)[14] == "plateau"


def test_swings_count_by_their_best():
    judge = ConvergenceJudge(window=4, consecutive=2)
    swinging = [2 + (0.5 if i % 4 else 0) - 0.01 * (i // 4) for i in range(60)]
    assert set(kinds(judge, swinging)) == {"learning"}


def test_a_loss_that_rises_is_a_plateau():
    judge = ConvergenceJudge(window=2, consecutive=2)
    assert kinds(judge, [1.0, 1.0, 1.5, 1.5, 1.4, 1.4])[-1] == "plateau"  # 1.4 is not the best


def test_a_plateau_ends_when_the_loss_falls_again():
    judge = ConvergenceJudge(window=2, consecutive=2)
    assert kinds(judge, [1.0] * 6 + [0.9] * 2)[-3:] == ["plateau", "plateau", "learning"]


def test_sentences_without_a_floor():
    judge = ConvergenceJudge(window=2, consecutive=1)
    assert judge.observe(1000, 1.87654).sentence == "Still learning: the loss is 1.8765 at step 1,000"
    for step in range(1001, 1005):
        verdict = judge.observe(step, 1.8765)
    assert verdict.sentence == (
        "Plateau: the best loss has hardly fallen in 3 readings up to step 1,004; it may still fall again"
    )
    assert verdict.gap is None
