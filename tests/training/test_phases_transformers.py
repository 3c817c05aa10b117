"""The words of steps of models that read windows: all can be filled, whatever is switched, and they are true."""

import itertools
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from traced_runs import DATASETS, FROZEN, begun, window

from embedviz import catalog
from embedviz.analysis.figures import figure
from embedviz.analysis.wording import fill
from embedviz.config import RunConfig
from embedviz.edits import HandEdit
from embedviz.trace import StepTrace
from embedviz.training.session import TrainingSession

LABELS = "␣abcd?"
MODELS = ["transformer", "llama", "token-position"]
SWITCHES = ("tie", "scale_embeddings", "freeze_embeddings")
NUMBER = r"([+−]?[\d,]+(?:\.\d+)?(?:·10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?)"
SUM = re.compile(rf"{NUMBER} ([+−]) {NUMBER} = {NUMBER}(?: \(x [+=] .*\))?$")

every_model = pytest.mark.parametrize("model", MODELS)


def said(trace: StepTrace, name: str) -> dict[str, str]:
    """Return the words of a phase, filled."""
    phase = next(phase for phase in trace.phases if phase.name == name)
    words = {"shape": phase.shape, "formula": phase.formula, "explanation": phase.explanation}
    words |= {f"line {number}": line for number, line in enumerate(phase.lines)}
    return {kind: fill(text, trace, LABELS) for kind, text in words.items()}


def switched(model: str) -> list[RunConfig]:
    """Return a run for every combination of positions, switches and optimisers; layers and starts take turns."""
    positions = [name for name, position in catalog.POSITIONS.items() if position.suits(model)]
    combinations = itertools.product(catalog.OPTIMIZERS, positions, *[(False, True)] * len(SWITCHES))
    return [
        window(
            model,
            optimizer=optimizer,
            weight_decay=0.1 * (number % 5 > 2),
            position=position,
            n_layer=((0, 2, 1) if position != "rope" else (3, 2, 1))[number % 3],
            residual_init=list(catalog.RESIDUAL_INITS)[number // 3 % 3],
            **dict(zip(SWITCHES, on, strict=True)),
        )
        for number, (optimizer, position, *on) in enumerate(combinations)
    ]


def names_of(config: RunConfig) -> list[str]:
    names = ["batch", "lookup"]
    if config.position == "learned":
        names.append("positions")
    elif config.scale_embeddings:
        names.append("scale")
    if config.has("residual_init"):
        parts = ("norm-1", "attention", "add-1", "norm-2", "feed-forward", "add-2")
        names += [f"block-{number}-{part}" for number in range(1, config.n_layer + 1) for part in parts]
        names.append("norm")
    return [*names, "logits", "softmax", "loss", "gradient", "update"]


def read(number: str) -> float:
    mantissa, _, power = number.replace(",", "").replace("−", "-").partition("·10")
    return float(f"{mantissa}e{power.translate(str.maketrans('⁻⁰¹²³⁴⁵⁶⁷⁸⁹', '-0123456789')) or 0}")


def sum_is_true(formula: str) -> None:
    """Work a sum out as a reader would, with the numbers that are printed."""
    match = SUM.search(formula)
    assert match is not None, formula
    first, second, total = (read(match[place]) for place in (1, 3, 4))
    last = re.sub(r"·10.*", "", match[4])
    unit = 10.0 ** -len(last.partition(".")[2]) * (read(match[4]) / read(last) if read(last) else 1.0)
    assert abs(first + (second if match[2] == "+" else -second) - total) <= 0.502 * unit, formula


@every_model
def test_every_phase_has_words_and_a_picture_whatever_is_switched(model: str) -> None:
    for config, dataset in itertools.product(switched(model), DATASETS.values()):
        session = TrainingSession(config, dataset)
        for context in (np.array([1, 2, 1, 2]), np.array([0]), np.zeros(0, np.int64)):
            trace = session.trace_step(context)
            assert [phase.name for phase in trace.phases] == names_of(config)
            for phase in trace.phases:
                words = said(trace, phase.name)
                assert trace.arrays[phase.picture].size
                assert 1 <= len(phase.lines) <= 3
                assert words["explanation"].endswith(".")
                for kind, text in words.items():
                    assert text
                    assert not re.search(r"[{}]|  |nan|≈", text), text
                    if kind == "formula" and phase.name.startswith("block-"):
                        assert len(f"{phase.title}: {text}") <= 90, text  # what a line has room for
                    if kind.startswith("line") and " → " not in text:  # which a card breaks there
                        assert len(text) <= 24, text
                for mark in phase.marks:
                    assert 0 <= trace.points[mark] < trace.arrays[phase.picture].shape[-1]
                if phase.name == "positions" or "-add-" in phase.name:
                    sum_is_true(words["formula"])
            next(session)


@pytest.mark.parametrize("model", MODELS[:2])
def test_attention_is_a_picture_of_a_row_for_each_head(model: str) -> None:
    trace = begun(window(model), DATASETS["text"]).trace_step(np.array([1, 2, 1]))
    for number in (1, 2):
        phase = next(phase for phase in trace.phases if phase.name == f"block-{number}-attention")
        assert (phase.kind, phase.picture) == ("weights", f"block {number} attention last")
        picture = trace.arrays[phase.picture]
        assert picture.shape == (2, len(trace.arrays["ids"]))
        np.testing.assert_allclose(picture.sum(1), 1, rtol=1e-6)
        head, place = np.unravel_index(picture.argmax(), picture.shape)
        weight, token = figure(picture.max()), f"‘{LABELS[trace.arrays['ids'][place]]}’"
        words = said(trace, phase.name)
        assert words["line 0"] == f"head {head + 1}: {weight}"
        assert words["line 1"] == f"on {token}"
        score = figure(trace.arrays[f"block {number} scores last"][head, place], signed=True)
        asks = f"‘{LABELS[trace.points['token']]}’"
        said_first = f"head {head + 1} of {asks} takes {weight} from {token} (score {score}): "
        assert words["formula"] == said_first + "softmax(qkᵀ / √D)"
        assert phase.marks == (f"block {number} place",)
        assert trace.points[phase.marks[0]] == place
        assert ("were turned by their positions" in words["explanation"]) == (model == "llama")


def test_the_words_of_a_transformer_say_its_numbers() -> None:
    session = begun(window("transformer", scale_embeddings=True), DATASETS["text"])
    own = {name: weights.detach().double() for name, weights in session._model.named_parameters()}
    trace = session.trace_step(np.array([1, 2]))
    token, place, target = trace.points["token"], len(trace.arrays["ids"]) - 1, trace.points["target"]
    row, position = own["embedding.token"][token] * 8**0.5, own["embedding.position"][place]
    column = int(position.abs().argmax())
    total = figure((row + position)[column].item(), signed=True)
    words = said(trace, "positions")
    assert words["formula"].startswith(f"column {column}: ")
    assert words["formula"].endswith(f" = {total} (x = √8 · E[{token}] + P[{place}])")
    assert words["explanation"].startswith(f"Row {place} of the position table is added")
    x = torch.tensor(trace.arrays["block 2 stream 2"])[-1].double()
    x = F.layer_norm(x, (8,), own["norm.weight"], own["norm.bias"])
    logit = figure((own["head.weight"][target] @ x).item(), signed=True)
    assert said(trace, "logits")["formula"] == f"logit of ‘{LABELS[target]}’ = x · W[{target}] = {logit}"
    pair = ", ".join(figure(value, signed=True) for value in own["head.weight"][target][:2].tolist())
    assert f"row {target} of the head is ({pair}, …): 8 products, added up" in said(trace, "logits")["explanation"]


@every_model
def test_of_a_tied_head_it_is_said_that_every_row_gets_a_gradient(model: str) -> None:
    session = begun(window(model, tie=True), DATASETS["text"])
    trace = session.trace_step(np.array([1]))
    words = said(trace, "gradient")["explanation"]
    assert "The head is the table: through its logit each token's row gets a gradient, read or not." in words
    assert "6 of 6 rows got a gradient." in words
    target = trace.points["target"]
    assert f" = x · E[{target}]" in said(trace, "logits")["formula"]
    assert said(trace, "logits")["explanation"].endswith(
        "The head is tied: its rows are those of the token table."
    )
    assert "only rows with a gradient moved" in said(trace, "update")["explanation"].lower()
    untied = begun(window(model), DATASETS["text"]).trace_step(np.array([1]))
    assert "The head is" not in said(untied, "gradient")["explanation"]


@every_model
@pytest.mark.parametrize("optimizer", list(catalog.OPTIMIZERS))
@pytest.mark.parametrize("tie", [False, True])
def test_of_a_frozen_table_no_gradient_and_no_move_is_claimed(model: str, optimizer: str, tie: bool) -> None:
    config = window(model, tie=tie, optimizer=optimizer, clip=0.01, **FROZEN)
    session = begun(config, DATASETS["text"])
    trace = session.trace_step(np.array([1]))
    token, column = trace.points["token"], trace.points["column"]
    gradient, update = said(trace, "gradient"), said(trace, "update")
    assert "no row of it gets a gradient" in gradient["explanation"]
    assert "through its logit" not in gradient["explanation"]
    assert gradient["explanation"].endswith("all of it is shortened to that.")  # the others' gradient
    value = figure(session.tables()["token"][token, column], signed=True)
    assert update["formula"] == f"E[{token}, {column}] is frozen: it stays at {value}"
    assert update["line 0"] == f"unchanged at {value}"
    assert update["explanation"].startswith("The token table is frozen: no row moves, by gradient or decay.")
    assert "running mean" not in update["explanation"]
    assert update["shape"].endswith(": 0 of 6 rows move")
    assert re.search(r"the loss of the example: \S+ → \S+ nats\.$", update["explanation"])  # all else learns


@every_model
def test_a_row_that_is_frozen_by_hand_goes_on_in_the_optimizer(model: str) -> None:
    session = begun(window(model), DATASETS["text"])
    session.edit(HandEdit("freeze", "token", 2))
    trace = session.trace_step(np.array([2]))
    words = said(trace, "update")
    assert words["formula"].startswith("E[2, ")
    assert " is frozen: it stays at " in words["formula"]
    assert "running mean" in words["explanation"]
    assert "of 6 rows got a gradient" in said(trace, "gradient")["explanation"]


def test_a_width_of_one_is_one_product() -> None:
    for scaled in (False, True):
        config = window("token-position", n_embd=1, position="none", scale_embeddings=scaled)
        trace = begun(config, DATASETS["text"]).trace_step(np.array([2]))
        assert ": 1 product, added up" in said(trace, "logits")["explanation"]
        assert ("scale" in [phase.name for phase in trace.phases]) == scaled
