"""What a model is made of, and what its switches changed against the run before."""

import math
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QBoxLayout, QLabel
from pytestqt.qtbot import QtBot

from embedviz.analysis.units import BITS, NATS, PERPLEXITY
from embedviz.config import RunConfig
from embedviz.gui.documents import Document
from embedviz.gui.model_facts import NOT_STARTED, SAME, WAITING, FactsTable, ModelFacts
from embedviz.gui.model_starts import ModelStart, Row, changes, sentences, start_rows, weight_rows
from embedviz.gui.state import AppState, Phase
from embedviz.gui.theme import Theme
from embedviz.text.corpus import corpus_from_text

CONFIG = RunConfig().with_model("transformer")
PARTS = {"token table": 2080, "position table": 256, "attention": 8192, "head": 2080}
STD = {"token": 0.02, "position": 0.021}
FIRST = math.log(65) + 0.0268


def start(
    config: RunConfig = CONFIG, run_id: str = "run-1", parts: dict[str, int] = PARTS, loss: float = FIRST
) -> ModelStart:
    return ModelStart(run_id, config, 65, sum(parts.values()), loss, parts, STD)


TIED = start(CONFIG.replace(tie=True), "run-2", {**PARTS, "head": 0})


# --- words ------------------------------------------------------------------------------------------


def test_weights_are_told_part_by_part_and_together() -> None:
    assert weight_rows(start(), None) == [
        Row("token table", "2,080"),
        Row("position table", "256"),
        Row("attention", "8,192"),
        Row("head", "2,080"),
        Row("together", "12,608"),
    ]


def test_the_run_before_stands_beside_it_with_the_parts_that_are_gone() -> None:
    bigram = start(RunConfig(), "run-0", {"token table": 4225})
    assert weight_rows(bigram, TIED) == [
        Row("token table", "4,225", "2,080"),
        Row("position table", "–", "256"),
        Row("attention", "–", "8,192"),
        Row("head", "–", "tied"),
        Row("together", "4,225", "10,528"),
    ]


def test_parts_that_are_gone_stand_where_the_model_has_them() -> None:
    rope = start(CONFIG.replace(position="rope"), "run-3", {"token table": 2080, "attention": 8192, "head": 2080})
    rows = weight_rows(rope, start())
    assert [row.name for row in rows] == ["token table", "position table", "attention", "head", "together"]
    assert rows[1] == Row("position table", "–", "256")
    stds = [row.name for row in start_rows(start(), ModelStart("r", CONFIG, 65, 9, 4.0, {}, {"extra": 1.0}), NATS)]
    assert stds[:3] == ["std, extra", "std, token", "std, position"]


def test_the_line_on_top_says_what_was_switched() -> None:
    assert changes(TIED, start())[0].startswith("Head tied to the token table: −2,080 weights.")
    assert changes(start(), TIED) == ["Tie the head: off."]
    bare = start(CONFIG.replace(position="none", n_layer=0, residual_init="zero"))
    (position,) = changes(bare, start())  # no blocks: nothing adds to the stream
    assert position.startswith("Positions, none: ")
    (residual,) = changes(start(), start(CONFIG.replace(residual_init="zero")))
    assert residual == "Residual start plain: projections into the residual stream start like all other layers."
    assert changes(start(), None) == []
    assert changes(TIED, None) == changes(TIED, start(RunConfig())) == changes(TIED, start())


@pytest.mark.parametrize(
    ("parts", "ends"),
    [(PARTS, "and the head with them; all other layers learn."), ({"token table": 2080}, "; nothing learns.")],
)
def test_of_a_tied_and_frozen_table_the_head_is_frozen_too(parts: dict[str, int], ends: str) -> None:
    said = sentences(start(CONFIG.replace(tie=True, freeze_embeddings=True), parts={**parts, "head": 0}))
    assert next(line for line in said if "frozen" in line).endswith(ends)


def test_the_first_loss_is_held_against_ln_v_and_the_sum_is_right() -> None:
    rows = {row.name: row.now for row in start_rows(start(), None, NATS)}
    assert rows == {
        "std, token": "0.0200",
        "std, position": "0.0210",
        "first loss": "4.2012",
        "ln 65": "4.1744",
        "difference": "+0.0268",
    }
    assert float(rows["ln 65"]) + float(rows["difference"]) == pytest.approx(float(rows["first loss"]))


def test_a_first_loss_below_a_guess_has_a_true_minus() -> None:
    rows = {row.name: row.now for row in start_rows(start(loss=math.log(65) - 0.5), None, NATS)}
    assert rows["difference"] == "−0.5000"


def test_other_units_are_told_in_their_numbers() -> None:
    bits = {row.name: row.now for row in start_rows(start(), None, BITS)}
    assert bits["log₂ 65"] == f"{math.log2(65):.4f}"
    assert bits["difference"] == f"{0.0268 / math.log(2):+.4f}"
    perplexity = {row.name: row.now for row in start_rows(start(), None, PERPLEXITY)}
    assert perplexity["V"] == "65"
    assert perplexity["difference"] == f"+{65 * math.exp(0.0268) - 65:.2f}"


def test_a_first_loss_that_ran_away_is_no_error() -> None:
    rows = {row.name: row.now for row in start_rows(start(loss=math.inf), None, NATS)}
    assert rows["difference"] == "+∞"


def test_a_guess_among_other_tokens_has_no_single_name() -> None:
    other = ModelStart("run-0", RunConfig(), 30, 900, math.log(30), {}, {"token": 0.0, "extra": 1.0})
    rows = {row.name: (row.now, row.before) for row in start_rows(start(), other, NATS)}
    assert rows["ln V"] == ("4.1744", "3.4012")
    assert rows["std, position"] == ("0.0210", "–")
    assert rows["std, extra"] == ("–", "1.00")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tie": True}, "Head tied to the token table: −2,080 weights. Each row then has two jobs."),
        ({"scale_embeddings": True}, "Token rows times √32 = 5.66: std 0.0200 becomes 0.113."),
        (
            {"freeze_embeddings": True},
            "Token table frozen: its 2,080 weights stay as they started; all else learns.",
        ),
        ({"residual_init": "scaled", "n_layer": 8}, "1/√16 = 0.250 times as large, as in GPT-2."),
        ({"residual_init": "zero"}, "Residual start zero: they start at 0: every block begins by passing on"),
        ({"position": "none"}, "Positions, none: Nothing tells one place from another."),
        ({"position": "rope"}, "Positions, RoPE: Queries and keys are turned"),
        ({}, "Tables start from N(0, .02), all other layers from N(0, .02)."),
        ({}, "TinyTransformer: Token + position, then blocks"),
    ],
)
def test_each_switch_states_what_it_changed(changes: dict[str, object], sentence: str) -> None:
    assert sentence in "\n".join(sentences(start(CONFIG.replace(**changes))))


def test_what_is_off_or_not_of_the_model_is_not_told() -> None:
    off = "\n".join(sentences(start()))
    assert not any(word in off for word in ("tied", "√", "frozen", "Residual"))
    no_blocks = "\n".join(sentences(start(CONFIG.replace(n_layer=0, residual_init="zero"))))
    assert "Residual" not in no_blocks
    bigram = sentences(start(RunConfig(tie=True, scale_embeddings=True, freeze_embeddings=True)))
    assert [line.partition(" ")[0] for line in bigram] == ["Tables", "Bigram"]
    untold = ModelStart("run-1", CONFIG.replace(scale_embeddings=True), 65, 9, 4.0)
    assert "Token rows times √32 = 5.66." in sentences(untold)


# --- the view ---------------------------------------------------------------------------------------


@pytest.fixture
def state() -> Iterator[AppState]:
    made = AppState()
    made.set_document(
        Document.make(corpus_from_text("the cat sat on the mat. " * 9, "cats.txt"), RunConfig()), "cat"
    )
    yield made
    made.deleteLater()


@pytest.fixture
def theme(qtbot: QtBot) -> Theme:  # fonts need the application
    return Theme("light")


@pytest.fixture
def facts(state: AppState, theme: Theme, qtbot: QtBot) -> ModelFacts:
    made = ModelFacts(state, theme)
    qtbot.addWidget(made)
    made.resize(573, 245)
    made.show()
    return made


def begin(
    state: AppState, run_id: str, config: RunConfig, parts: dict[str, int] = PARTS, loss: float = 4.2
) -> None:
    """Say of a run what the trainer says when it has started."""
    state.update_run(
        phase=Phase.WARMING, run_id=run_id, config=config
    )  # what was told of the last one still stands
    state.update_run(
        phase=Phase.PAUSED,
        parameters=sum(parts.values()),
        parts=tuple(parts.items()),
        table_std=tuple(STD.items()),
        first_loss=loss,
    )


def cells(table: FactsTable) -> list[str]:
    return [label.text() for label in table.findChildren(QLabel)]


def test_before_the_trainer_answers_it_says_so(state: AppState, facts: ModelFacts) -> None:
    state.update_run(phase=Phase.WARMING, run_id="run-1")
    assert facts.words == WAITING
    assert not facts.weights.isVisible()
    state.update_run(phase=Phase.REFUSED, run_id="")
    assert facts.words == NOT_STARTED


def test_the_first_run_has_none_beside_it(state: AppState, facts: ModelFacts) -> None:
    begin(state, "run-1", CONFIG)
    assert cells(facts.weights)[:3] == ["Weights", "token table", "2,080"]
    assert "before" not in cells(facts.weights)
    assert state.document is not None
    size = state.document.vocab_size
    assert cells(facts.start)[-4:-2] == [f"ln {size}", f"{math.log(size):.4f}"]
    assert "Tables start from" in facts.words


def test_a_switch_shows_what_it_changed_in_bold(state: AppState, facts: ModelFacts) -> None:
    begin(state, "run-1", CONFIG)
    begin(state, "run-2", CONFIG.replace(tie=True), {**PARTS, "head": 0}, 4.3)
    assert facts.before is not None
    assert facts.before.run_id == "run-1"
    labels = {label.accessibleName(): label for label in facts.weights.findChildren(QLabel)}
    assert (
        labels["head: tied, before 2,080"].font().bold()
        or labels["head: tied, before 2,080"].font().weight() > 500
    )
    assert labels["attention: 8,192, before 8,192"].font().weight() < 500
    assert "before" in cells(facts.start)
    assert facts.changed.text() == "Head tied to the token table: −2,080 weights. Each row then has two jobs."
    assert "Head tied" not in facts.words  # it is said once where the line has room for it
    facts.resize(300, 180)
    assert "Head tied to the token table: −2,080 weights." in facts.words


def test_the_same_run_again_keeps_what_it_was_compared_with(state: AppState, facts: ModelFacts) -> None:
    begin(state, "run-1", CONFIG)
    begin(state, "run-2", CONFIG.replace(tie=True))
    begin(state, "run-3", CONFIG.replace(tie=True, device="cuda", threads=4))  # made just as the last
    assert facts.now is not None
    assert facts.before is not None
    assert (facts.now.run_id, facts.before.run_id) == ("run-3", "run-1")
    begin(state, "run-4", CONFIG.replace(tie=True, seed=5))
    assert facts.before.run_id == "run-3"


def test_a_run_that_goes_on_after_a_crash_is_still_the_same(state: AppState, facts: ModelFacts) -> None:
    begin(state, "run-1", CONFIG)
    begin(state, "run-1", CONFIG)
    assert facts.before is None


def test_while_another_run_starts_the_old_numbers_are_gone(state: AppState, facts: ModelFacts) -> None:
    begin(state, "run-1", CONFIG)
    state.update_run(phase=Phase.WARMING, run_id="run-2", config=CONFIG.replace(tie=True))
    assert facts.words == WAITING
    assert not facts.weights.isVisible()
    assert facts.now is not None
    assert facts.now.run_id == "run-1"


def test_the_unit_and_the_theme_are_followed(state: AppState, facts: ModelFacts, theme: Theme) -> None:
    begin(state, "run-1", CONFIG)
    state.set_unit(BITS)
    assert any(cell.startswith("log₂") for cell in cells(facts.start))
    before = facts.weights.sizeHint().width()
    theme.set_scale(1.6)
    assert facts.weights.sizeHint().width() > before


def test_tables_stand_one_under_the_other_where_there_is_no_room(state: AppState, facts: ModelFacts) -> None:
    begin(state, "run-1", CONFIG)
    begin(state, "run-2", CONFIG.replace(tie=True))
    assert facts._tables.direction() == QBoxLayout.Direction.LeftToRight
    facts.resize(250, 177)
    assert facts._tables.direction() == QBoxLayout.Direction.TopToBottom
    assert facts.widget().width() <= facts.width()


MANY = {"token table": 8320, "position table": 1024, "attention": 594_432, "feed-forward": 1_204_224, "head": 8320}


def test_in_a_low_place_the_switch_and_the_start_are_seen_without_scrolling(
    state: AppState, facts: ModelFacts
) -> None:
    facts.resize(400, 170)
    begin(state, "run-1", CONFIG.replace(n_layer=12), {**MANY, "feed-forward": 2_408_448})
    begin(state, "run-2", CONFIG.replace(n_layer=12, scale_embeddings=True), MANY, 4.3)
    facts.grab()  # lays out
    assert facts.verticalScrollBar().value() == 0
    assert "Token rows times √32" in facts.changed.text()
    for shown in (facts.changed, *facts.start.findChildren(QLabel)):
        place = QRect(shown.mapTo(facts.viewport(), QPoint(0, 0)), shown.size())
        assert facts.viewport().rect().contains(place), shown.text()


def test_what_stayed_is_not_told_twice(state: AppState, facts: ModelFacts) -> None:
    begin(state, "run-1", CONFIG)
    begin(state, "run-2", CONFIG.replace(seed=5), loss=4.3)
    assert cells(facts.weights).count(SAME) == len(PARTS) + 1
    assert "4.3000" in cells(facts.start)
    assert "4.2000" in cells(facts.start)
