"""What the bars of the Next token panel are of: the watched context, a traced step, or a token being drawn."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from embedviz.analysis.figures import figure
from embedviz.analysis.sampling import Sampling, tempered
from embedviz.engine.snapshots import Snapshot
from embedviz.gui.contexts import in_a_row
from embedviz.gui.plots.bar_marks import Mark
from embedviz.gui.state import AppState, Phase

SHOWN_CONTEXT = 16  # tokens of the context in the title; the end of it is what matters
TRACED = ("before", "both")  # contexts of phases that are about the prediction

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Draw:
    """A token being drawn: of what, how, and which it was (None: not yet). V is the vocabulary's size."""

    ids: tuple[int, ...]  # the context
    step: int
    logits: Floats  # (V,)
    probabilities: Floats  # (V,): those that it is drawn with
    sampling: Sampling
    token: int | None = None


@dataclass(frozen=True, eq=False)
class Prediction:
    """What follows a context, as the bars show it. V is the vocabulary's size."""

    title: str
    log_model: Floats  # (V,): nats
    last: int  # the token whose followers in the text are the ticks
    key: str  # what the bars are: "model, step 65"
    caption: str = ""
    log_before: Floats | None = None  # (V,): before a step
    marks: dict[int, Mark] = field(default_factory=dict)  # by id
    follows: int | None = None  # an id whose row is to be in sight

    @property
    def order(self) -> NDArray[np.int64]:
        """Ids, the likeliest first, (V,); a step does not change it under the eye."""
        by = self.log_model if self.log_before is None else self.log_before
        return np.argsort(-by, kind="stable")


def watched(state: AppState, token: int, snapshot: Snapshot) -> Prediction | None:
    """Return what the model says follows the selected context; None where its logits are not known yet."""
    logits = _logits_after(state, token, snapshot)
    if logits is None:
        return None
    log_model = log_softmax(logits.astype(np.float64))  # (V,)
    return Prediction(watched_title(state), log_model, token, f"model, step {snapshot.step:,}")


def watched_title(state: AppState) -> str:
    """Return which context is selected; "" if there is none."""
    document, ids = state.document, state.context_ids
    if document is None or not len(ids) or state.selected_id is None:
        return ""
    labels = document.tokenizer.labels
    return f"after “{_end_of(ids.tolist(), labels)}”, last token ‘{labels[state.selected_id]}’"


def traced(state: AppState) -> Prediction | None:
    """Return what the phase that is looked at says of its example; None if it is about something else.

    An example that is not the own context is followed through all phases.

    None too while the run moves: the trace is then of a step that is over, and the frames go on.
    """
    trace, phase, document = state.trace, state.phase, state.document
    if is_moving(state) or trace is None or phase is None or document is None:
        return None
    if trace.is_watched and phase.context not in TRACED:
        return None
    arrays, labels = trace.arrays, document.tokenizer.labels
    before, after = arrays.get("probabilities"), arrays.get("probabilities after")
    ids = [token for token in arrays["ids"].reshape(-1).tolist() if token >= 0] if "ids" in arrays else []
    if before is None or not ids or before.shape != (len(labels),) or (phase.context == "both" and after is None):
        return None
    title = f"after “{_end_of(ids, labels)}”"
    title += f", last token ‘{labels[ids[-1]]}’" if trace.is_watched else ": an example of the batch"
    target = trace.points.get("target", -1)
    marks = {target: Mark.TARGET} if 0 <= target < len(labels) else {}
    key = f"model, step {trace.step:,}"
    log_before = _log(before)  # (V,)
    if phase.context != "both" or after is None:
        return Prediction(title, log_before, ids[-1], key, marks=marks, follows=next(iter(marks), None))
    caption = "│ before the step, bar after it"
    key = f"{key} → {trace.step + 1:,}"
    return Prediction(title, _log(after), ids[-1], key, caption, log_before, marks, next(iter(marks), None))


def is_moving(state: AppState) -> bool:
    """Return True while steps are taken."""
    return state.run.phase in (Phase.PLAYING, Phase.PAUSING)


def sampled(state: AppState, draw: Draw) -> Prediction | None:
    """Return what a token is drawn from: cut-off tokens keep the probability that they had before the cut."""
    document = state.document
    if document is None or len(draw.logits) != document.vocab_size:
        return None
    labels = document.tokenizer.labels
    heat = 1.0 if draw.sampling.greedy else draw.sampling.temperature
    cut = draw.probabilities == 0  # (V,)
    shown = np.where(cut, tempered(draw.logits, heat), draw.probabilities)  # (V,)
    marks = dict.fromkeys(np.flatnonzero(cut).tolist(), Mark.CUT)
    words = draw.sampling.in_words()
    if words and cut.any():
        words += f": {np.count_nonzero(~cut):,} of {len(cut):,} tokens left"
    title = f"after “{_end_of(list(draw.ids), labels)}”, sampling"
    if draw.token is not None:
        title += f": ‘{labels[draw.token]}’"
        marks[draw.token] = Mark.DRAWN
    key = f"model, step {draw.step:,}" + (", as sampled" if draw.sampling.in_words() else "")
    return Prediction(title, _log(shown), draw.ids[-1], key, words, marks=marks, follows=draw.token)


def probability(value: float) -> str:
    """Return a probability with three decimals, or two digits where that says nothing."""
    return f"{value:.3f}" if value >= 0.0095 else figure(value, digits=2)


def log_softmax(logits: Floats) -> Floats:
    """Return log softmax of (V,) logits, in nats."""
    shifted = logits - logits.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum()))


def ranks_of(values: Floats) -> NDArray[np.int64]:
    """Return the place of each of `values` (V,) from the highest down, from 1; equal ones by id."""
    ranks = np.empty(len(values), np.int64)
    ranks[np.argsort(-values, kind="stable")] = np.arange(1, len(values) + 1)
    return ranks


def _log(probabilities: NDArray[np.floating]) -> Floats:
    with np.errstate(divide="ignore"):  # of 0: -inf, which is said as such
        return np.asarray(np.log(probabilities.astype(np.float64)))


def _end_of(ids: list[int], labels: tuple[str, ...]) -> str:
    return in_a_row([labels[i] for i in ids[-SHOWN_CONTEXT:]])


def _logits_after(state: AppState, token: int, snapshot: Snapshot) -> NDArray[np.float32] | None:
    """Return the logits (V,) of what follows the context that ends with `token`, at the snapshot's step.

    Where the frame with them is still under way (or never comes, the trainer being gone), a table of logits
    has them: they are its row. Of another model they are then not known: None.
    """
    has_logits = state.config.reads == "token"
    if len(snapshot.logits):
        seen = snapshot.contexts[0]
        if seen[-1] == token if has_logits else np.array_equal(seen, state.context_ids[-len(seen) :]):
            return np.asarray(snapshot.logits[0])
    return np.asarray(snapshot.tables["token"][token]) if has_logits else None
