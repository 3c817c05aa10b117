"""The words of a step: every template can be filled, and says the numbers that torch computes."""

import math
import re

import numpy as np
import pytest
import torch
from traced_runs import CONFIGS, DATASETS, EXACT, MLP, SAMPLED, VOCABULARY, begun

from embedviz.analysis.figures import figure
from embedviz.analysis.units import BITS
from embedviz.analysis.wording import fill, told_apart
from embedviz.config import RunConfig
from embedviz.edits import HandEdit
from embedviz.text.dataset import Dataset, make_dataset
from embedviz.trace import StepTrace, TracePhase
from embedviz.training.session import TrainingSession

LABELS = "␣abcd?"
NAMES = ["batch", "lookup", "logits", "softmax", "loss", "gradient", "update"]
KINDS = {"ids", "signed", "probabilities", "number", "change"}


def words(trace: StepTrace, name: str) -> TracePhase:
    """Return a phase with its templates filled."""
    phase = next(phase for phase in trace.phases if phase.name == name)
    shape, formula, explanation, *lines = (
        fill(text, trace, LABELS) for text in (phase.shape, phase.formula, phase.explanation, *phase.lines)
    )
    return TracePhase(name, phase.title, phase.kind, phase.picture, shape, tuple(lines), formula, explanation)


def plus(value: float) -> str:
    return figure(float(value), signed=True)


NUMBER = r"([+−]?[\d,]+(?:\.\d+)?(?:·10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?)"
EQUATIONS = [
    (rf"exp\({NUMBER}\) / {NUMBER} = {NUMBER}$", lambda logit, total: math.exp(logit) / total),
    (rf"−log {NUMBER} = {NUMBER} nats", lambda p: -math.log(p)),
    (rf"{NUMBER} − 1 = {NUMBER},", lambda p: p - 1),
    (rf"= tanh\({NUMBER}\) = {NUMBER}$", math.tanh),
]


def read(number: str) -> float:
    mantissa, _, power = number.replace(",", "").replace("−", "-").partition("·10")
    return float(f"{mantissa}e{power.translate(str.maketrans('⁻⁰¹²³⁴⁵⁶⁷⁸⁹', '-0123456789')) or 0}")


def equations_are_true(trace: StepTrace) -> int:
    """Work out each equation with numbers, as a reader would with those that are printed; return how many."""
    found = 0
    for phase in trace.phases:
        said = fill(phase.formula, trace, LABELS)
        for pattern, compute in EQUATIONS:
            if match := re.search(pattern, said):
                *given, result = map(read, match.groups())
                power = math.floor(math.log10(abs(result))) - 2 if result else -44  # of the last of three digits
                assert abs(compute(*given) - result) <= 0.502 * 10.0 ** min(power, 0), said
                found += 1
    return found


@pytest.mark.parametrize(
    "gap", [0.0, 1e-7, 3e-6, 0.01, 0.3, 1.0, 5.0, 11.5, 16.6, 30.0, 68.0, 71.0, 95.0, 300.0, 4e4]
)
def test_no_equation_is_false_however_sure_the_model_is(gap: float) -> None:
    session = begun(SAMPLED, DATASETS["text"])
    for seed in range(8):
        logits = torch.randn(6, generator=torch.Generator().manual_seed(seed)) * 0.1 - 2.0
        for sure in (1, -1):
            target = session.trace_step(np.array([1, 2])).points["target"]
            with torch.no_grad():
                table = session._model.lookup_tables()["token"]
                table.copy_(logits.expand(6, 6))
                table[:, target] += sure * gap
            trace = session.trace_step(np.array([1, 2]))
            equations_are_true(trace)
            for phase in trace.phases:
                for text in (phase.formula, phase.explanation):
                    assert "log 0 " not in fill(text, trace, LABELS)
            loss = figure(trace.arrays["loss"].item())
            assert words(trace, "loss").formula.endswith(f"= {loss} nats")
            if sure < 0 and gap > 70:
                name = f"‘{LABELS[target]}’"
                assert words(trace, "loss").formula == (
                    f"loss = −log p({name}) = log Σ exp(logit) − logit of {name} = {loss} nats"
                )
                assert words(trace, "softmax").formula.endswith(", below 10⁻³⁰")
                assert words(trace, "softmax").lines[0] == f"{name} below 10⁻³⁰"
                assert words(trace, "softmax").explanation.endswith(f"That of {name} is below 10⁻³⁰.")
                assert "p − 1 = −1.00, elsewhere p" in words(trace, "gradient").formula


def test_a_batch_of_one_example_has_no_mean() -> None:
    for config in (SAMPLED.replace(batch_size=1, block_size=1), MLP.replace(batch_size=1)):
        trace = begun(config, DATASETS["text"]).trace_step(np.array([1]))
        assert "The loss of the batch is this one: " in words(trace, "loss").explanation
        gradient = words(trace, "gradient").explanation
        assert re.search(r"The batch's(, .*,)? is the same\. \d of 6 rows got a gradient", gradient)
        assert "1 loss is averaged" in words(trace, "batch").explanation


def test_tokens_and_rows_are_counted_from_one() -> None:
    trace = begun(SAMPLED, DATASETS["text"]).trace_step(np.array([1, 2]))
    place = (
        f": token {trace.points['position'] + 1} of 300 of the training part; row {trace.points['row'] + 1} of 4"
    )
    assert words(trace, "batch").formula.endswith(place)


def test_only_what_stands_there_of_the_watched_context_is_claimed() -> None:
    text = make_dataset(np.array([2, 1, 3, 2, 1, 4, 3, 0, 1] * 3, np.uint8), VOCABULARY, 0.0)
    whole = begun(EXACT.replace(batch_size=0, block_size=4), text)
    sampled = begun(SAMPLED.replace(batch_size=200, block_size=5), text)

    def said(session: TrainingSession, context: list[int]) -> tuple[str, str]:
        batch = words(session.trace_step(np.array(context)), "batch")
        return batch.formula.split(" →")[0], batch.explanation.split(" averaged. ")[1]

    assert said(whole, [2, 1]) == ("“ba”", "This is the first place where the watched context stands.")
    assert said(whole, [4, 1]) == (
        "“a”",
        "The model reads only ‘a’: this is the first place where that stands.",
    )
    assert said(whole, [4, 4, 0, 1]) == (
        "“␣a”",
        "The model reads only ‘a’: this is the first place where “␣a” stands, the longest end of the watched "
        "context that there is.",
    )
    assert said(sampled, [2, 1]) == ("“ba”", "The batch has the context that is watched: it is followed.")
    assert said(sampled, [4, 1]) == (
        "“a”",
        "The batch has ‘a’, which is all that the model reads: it is followed.",
    )
    assert said(sampled, [4, 4, 0, 1]) == (
        "“␣a”",
        "The batch has “␣a”, of which the model reads only ‘a’: it is followed.",
    )
    assert "does not have the watched context" in said(sampled, [5])[1]
    assert "is not in the training part" in said(whole, [5])[1]


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS)
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_every_phase_has_words_and_a_picture(config: RunConfig, dataset: Dataset) -> None:
    session = TrainingSession(config, dataset)
    for _ in range(3):
        for context in (np.array([1, 2, 1, 2]), np.array([0]), np.zeros(0, np.int64)):
            trace = session.trace_step(context)
            hidden = ["concatenate", "hidden"] if config.model == "mlp" else []
            assert [phase.name for phase in trace.phases] == [*NAMES[:2], *hidden, *NAMES[2:]]
            for phase in trace.phases:
                filled = words(trace, phase.name)
                assert phase.kind in KINDS
                assert trace.arrays[phase.picture].size
                assert 2 <= len(filled.lines) <= 3
                assert filled.explanation.endswith(".")
                for text in (filled.shape, *filled.lines, filled.formula, filled.explanation):
                    assert text
                    assert not re.search(r"[{}]|  |nan|none", text), text
                for mark in phase.marks:
                    assert 0 <= trace.points[mark] < trace.arrays[phase.picture].shape[-1]
                assert all(max(map(len, filled.lines)) <= 24 for _ in filled.lines)
        next(session)


def test_the_words_of_a_bigram_say_its_numbers() -> None:
    session = begun(SAMPLED, DATASETS["text"])
    table = session.tables()["token"]
    trace = session.trace_step(np.array([1, 2]))
    token, target = trace.points["token"], trace.points["target"]
    name, following = f"‘{LABELS[token]}’", f"‘{LABELS[target]}’"
    loss = next(session).loss
    after = session.tables()["token"]
    row = torch.from_numpy(table[token]).double()
    p = torch.softmax(row, 0)

    batch = words(trace, "batch")
    assert batch.lines == (f"{name} → {following}", f"row {trace.points['row'] + 1} of 4")
    assert batch.formula.startswith(f"“{LABELS[trace.arrays['ids'][0]]}{LABELS[token]}” → {following}: token ")
    assert "20 losses are averaged. The batch has the context that is watched" in batch.explanation

    lookup = words(trace, "lookup")
    assert lookup.formula == f"E[{token}] = ({plus(row[0])}, {plus(row[1])}, …): row {token} of the table"
    assert "the same (6,) numbers (largest difference 0)" in lookup.explanation

    logits = words(trace, "logits")
    best = f"‘{LABELS[int(row.argmax())]}’ {plus(row.max())}"
    assert logits.lines == (f"{following} {plus(row[target])}", f"highest {best}")
    assert logits.formula.endswith(f"logit of {following} = E[{token}, {target}] = {plus(row[target])}")

    softmax = words(trace, "softmax")
    assert softmax.formula.startswith(f"p({following}) = exp(logit − largest) / Σ = exp(")
    assert softmax.formula.endswith(f" = {figure(float(p[target]))}")
    assert equations_are_true(trace) == 3

    nats = figure(float(-p[target].log()))
    said = words(trace, "loss")
    assert said.lines == (f"{nats} nats", f"batch {figure(loss)} nats")
    assert re.fullmatch(rf"loss = −log p\({following}\) = −log 0\.\d+ = {nats} nats", said.formula)
    bits = figure(float(-p[target].log2()))
    assert fill(trace.phases[4].lines[0], trace, LABELS, BITS) == f"{bits} bits"

    gradient = words(trace, "gradient")
    own, batchs = plus(p[target] - 1), plus(session.table_gradients()["token"][token, target])
    assert gradient.lines == (f"own {own}", f"batch {batchs}")
    assert f" − 1 = {own}, elsewhere p; the batch's there {batchs}" in gradient.formula

    update = words(trace, "update")
    column = trace.points["column"]
    assert column == target  # of which the gradient speaks too
    change = " → ".join(told_apart(float(table[token, column]), float(after[token, column]), signed=True))
    q = torch.softmax(torch.from_numpy(after[token]).double(), 0)
    chance = " → ".join(told_apart(float(np.float32(p[target])), float(np.float32(q[target]))))
    assert update.lines == (change, f"p {chance}")
    assert update.formula.startswith(f"E[{token}, {column}] − lr · m / (√v + ε): {change} (lr 0.1, m ")
    assert update.shape == f"Adam: {(after != table).any(1).sum()} of 6 rows move"
    assert update.explanation.startswith("Only rows with a gradient moved. m is the running mean ")


def test_the_words_of_an_mlp_say_its_numbers() -> None:
    session = begun(MLP, DATASETS["text"])
    weights = {name: array.detach().double() for name, array in session._model.named_parameters()}
    trace = session.trace_step(np.zeros(0, np.int64))
    x = weights["token_embedding_table.weight"][torch.tensor(trace.arrays["ids"])].flatten()
    z = x @ weights["W1"] + weights["b1"]
    unit = int(torch.tanh(z).abs().argmax())
    logits = torch.tanh(z) @ weights["W2"] + weights["b2"]
    target = trace.points["target"]
    hidden = words(trace, "hidden").formula
    assert hidden.startswith(f"h[{unit}] = tanh(x · W1[:, {unit}] + b1[{unit}]) = tanh({plus(z[unit])[:4]}")
    assert hidden.endswith(f" = {plus(torch.tanh(z[unit]))}")
    assert equations_are_true(trace) == 3
    product, bias = plus(x @ weights["W1"][:, unit]), plus(weights["b1"][unit])
    assert f"up to {product}, and with its bias b1[{unit}] = {bias} that" in words(trace, "hidden").explanation
    assert words(trace, "logits").formula == (
        f"logit of ‘{LABELS[target]}’ = h · W2[:, {target}] + b2[{target}] = {plus(logits[target])}"
    )
    product = plus(torch.tanh(z) @ weights["W2"][:, target])
    assert f"up to {product}, and its bias" in words(trace, "logits").explanation
    assert words(trace, "concatenate").formula.endswith(" side by side: (3, 4) → (12,)")
    assert "does not have the watched context" in words(trace, "batch").explanation
    cell = trace.points["token"], trace.points["column"]
    next(session)
    batchs = plus(session.table_gradients()["token"][cell])
    assert f"E[{cell[0]}, {cell[1]}] gets " in words(trace, "gradient").formula
    assert words(trace, "gradient").lines[1] == f"batch {batchs}"


@pytest.mark.parametrize(
    ("changes", "formula"),
    [
        ({"optimizer": "sgd", "lr": 0.5}, r"^E\[\d, \d\] − lr · g: .* → .* \(lr 0.5, g [+−][\d.]+\)$"),
        (
            {"optimizer": "sgd", "lr": 50, "weight_decay": 0.001},
            r"^E\[(\d, \d)\] − lr · \(g \+ λ · E\[\1\]\): .* \(lr 50, g .*, λ 0.001\)$",
        ),
        (
            {"optimizer": "adamw", "lr": 0.003, "weight_decay": 0.1},
            r"^\(1 − lr · λ\) · E\[\d, \d\] − lr · m / \(√v \+ ε\): .* \(lr 0.003, m .*, v .*, λ 0.1\)$",
        ),
    ],
)
def test_the_formula_is_that_of_the_optimizer(changes: dict[str, float], formula: str) -> None:
    trace = begun(EXACT.replace(**changes), DATASETS["text"]).trace_step(np.array([1]))
    assert re.search(formula, words(trace, "update").formula)


RARE = make_dataset(np.array([0, 1, *[2] * 20], np.uint8), 4, 0.0)  # 0 is read now and then, 3 never


def silent(**changes: object) -> tuple[StepTrace, np.ndarray, np.ndarray]:
    """Trace a step soon after one that reads token 0, which it does not; return the table before, and its move."""
    session = TrainingSession(EXACT.replace(batch_size=1, block_size=1, **changes), RARE)
    while not (trace := session.trace_step(np.array([2]))).arrays["rows with gradient"][0]:
        next(session)
    while trace.arrays["rows with gradient"][0]:
        next(session)
        trace = session.trace_step(np.array([2]))
    before = session.tables()["token"]
    next(session)
    return trace, before, session.tables()["token"] - before


def test_without_momentum_and_decay_nothing_moves_by_itself() -> None:
    trace, _, move = silent(optimizer="sgd")
    assert not move[[0, 1, 3]].any()
    assert trace.arrays["largest silent move"] == 0
    assert words(trace, "update").explanation.startswith("Only rows with a gradient moved. The difference is")


def test_decay_moves_by_itself() -> None:
    trace, _, move = silent(optimizer="sgd", weight_decay=0.5)
    assert abs(trace.arrays["largest silent move"]) == np.abs(move[[0, 1, 3]]).max()
    assert trace.arrays["of it decay"] == trace.arrays["largest silent move"]
    assert words(trace, "update").explanation.startswith(
        f"3 rows moved without a gradient, by up to {plus(trace.arrays['largest silent move'])}: "
        "weight decay pulls every weight towards 0."
    )


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_momentum_moves_by_itself(optimizer: str) -> None:
    trace, _, move = silent(optimizer=optimizer)
    assert not move[3].any()
    assert abs(trace.arrays["largest silent move"]) == np.abs(move[:2]).max()
    assert trace.arrays["of it momentum"] == trace.arrays["largest silent move"]
    assert ": the running mean of earlier gradients still pushes." in words(trace, "update").explanation


def test_momentum_and_decay_are_told_apart() -> None:
    trace, before, move = silent(optimizer="adamw", weight_decay=0.05)
    _, _, pushed = silent(optimizer="adamw", weight_decay=0.0)
    move[2] = 0
    row, column = np.unravel_index(np.abs(move).argmax(), move.shape)
    assert pushed[row, column] != 0
    assert trace.arrays["largest silent move"] == move[row, column]
    # A gradient of softmax minus data depends on the weights, and these on the decay before: not exactly the same.
    assert trace.arrays["of it momentum"] == pytest.approx(pushed[row, column], rel=0.05)
    decay = trace.arrays["of it decay"]
    assert decay == pytest.approx(-0.1 * 0.05 * before[row, column])
    assert decay + trace.arrays["of it momentum"] == pytest.approx(move[row, column])
    assert f"{plus(decay)} of that is weight decay, " in words(trace, "update").explanation
    assert trace.arrays["moved without gradient"][3]


def test_adams_decay_goes_through_its_mean() -> None:
    trace = begun(SAMPLED.replace(weight_decay=0.5), DATASETS["text"]).trace_step(np.array([1]))
    assert trace.arrays["moved without gradient"][5]
    said = words(trace, "update").explanation
    assert "the running mean still pushes, of earlier gradients and of weight decay." in said
    assert " + λ · w (" in said
    first = TrainingSession(SAMPLED.replace(weight_decay=0.5), DATASETS["text"]).trace_step(np.array([1]))
    assert "weight decay pulls every weight towards 0." in words(first, "update").explanation


def test_a_frozen_row_stays() -> None:
    session = begun(EXACT, DATASETS["text"])
    session.edit(HandEdit("freeze", "token", 2))
    trace = session.trace_step(np.array([2]))
    column = trace.points["column"]
    value = plus(session.tables()["token"][2, column])
    assert not trace.arrays["moved"][2]
    assert words(trace, "update").formula == f"E[2, {column}] is frozen: it stays at {value}"
    assert words(trace, "update").lines[0] == f"unchanged at {value}"
    assert "1 row with a gradient stayed: frozen, or too small a move." in words(trace, "update").explanation
    assert words(session.trace_step(np.array([1])), "update").lines[0].count("→") == 1
    for row in (0, 1, 3, 4, 5):
        session.edit(HandEdit("freeze", "token", row))
    assert words(session.trace_step(np.array([1])), "update").explanation.startswith("No row moved. 5 rows with")


def test_a_clipped_gradient_says_so() -> None:
    trace = begun(EXACT.replace(clip=0.001), DATASETS["text"]).trace_step(np.array([1]))
    norm = figure(trace.arrays["gradient norm"].item())
    assert words(trace, "gradient").explanation.endswith(
        f" Its norm, {norm}, is over 0.001: all of it is shortened to that."
    )
    loose = begun(EXACT.replace(clip=1000.0), DATASETS["text"]).trace_step(np.array([1]))
    assert "shortened" not in words(loose, "gradient").explanation
