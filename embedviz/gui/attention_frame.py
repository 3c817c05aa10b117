"""What a layer of attention did with the own line, as it is shown: which tokens, where, and whose numbers."""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.engine.snapshots import Snapshot
from embedviz.gui.contexts import looked_up_ids, why_no_frame
from embedviz.gui.state import AppState

NO_ATTENTION = "This model has no attention: choose TinyTransformer or LLaMA-style."
NO_LAYER = "This model has 0 layers, so nothing attends: choose 1 or more."
NO_TOKEN = "Select a token of your line that the vocabulary has: what it looks at appears here."


LONGEST_NAME = 14  # characters of a token that is named in a sentence
_NEXT_TO_NOTHING = 0.005  # it would be printed as 0.00
_EARLY_ROWS = 16  # at most, whose weights are large because they have few to share them among


@dataclass(frozen=True, eq=False)
class AttentionFrame:
    """The last t tokens of a context in one layer: `ids` and `labels` (t,), at the positions from `first` on.

    `read` are all tokens that the model read, `places` (t,) where the last of them stand in the own line: -1 for a
    boundary that does not. `weights` (H, t, t), `queries` and `keys` (H, t, D), these before any rotation.
    """

    run_id: str
    step: int
    layer: int  # from 0
    read: tuple[int, ...]
    labels: tuple[str, ...]
    places: tuple[int, ...]
    weights: NDArray[np.float32]
    queries: NDArray[np.float32]
    keys: NDArray[np.float32]

    @property
    def first(self) -> int:
        """The position of the first token that is shown."""
        return len(self.read) - len(self.places)

    @property
    def ids(self) -> tuple[int, ...]:
        """The tokens that are shown."""
        return self.read[self.first :]

    def row_of(self, place: int) -> int | None:
        """Return the row of a place in the own line; None for one that is not among them."""
        return self.places.index(place) if place >= 0 and place in self.places else None

    def named(self, row: int) -> str:
        """Return "‘e’ at 5"."""
        return f"{self.quoted(row)} at {self.first + row}"

    def quoted(self, row: int) -> str:
        """Return "‘e’"; without its middle if it is long."""
        label = self.labels[row]
        return f"‘{label}’" if len(label) <= LONGEST_NAME else f"‘{label[:7]}…{label[-6:]}’"

    def takes(self, row: int, head: int) -> list[str]:
        """Return "‘h’ at 3 0.62", "‘t’ at 0 0.21": what a row takes in a head, the largest first.

        What is nothing in two decimals is left out.
        """
        weights = self.weights[head, row, : row + 1]  # (row + 1,)
        order = np.argsort(-weights, kind="stable")
        found = [(int(at), float(weights[at])) for at in order if weights[at] >= _NEXT_TO_NOTHING]
        return [f"{self.named(at)} {weight:.2f}" for at, weight in found]

    @property
    def later_largest(self) -> float:
        """The largest weight of the later rows: the first has nothing but itself, and takes all of it."""
        later = min(_EARLY_ROWS, len(self.places) // 2)
        return float(self.weights[:, later:].max(initial=0.0))


class AttentionSource:
    """Makes frames from snapshots, and keeps the last one until there is another to show.

    Selecting a row of the maps ends the context there. The trainer goes on telling of the longer one: no position
    takes from later ones, so that the row is the same in either, and the maps stay.
    """

    def __init__(self, state: AppState) -> None:
        self._state = state
        self._kept: AttentionFrame | None = None

    def frame(self, layer: int) -> AttentionFrame | str:
        """Return what is to be shown of a layer, from 0; or a sentence: why there is nothing, and what to do."""
        state, snapshot = self._state, self._state.snapshot
        why = self._why_nothing()
        if why:
            self._kept = None
            return why
        kept = self._kept
        if kept is not None and ((kept.run_id, kept.layer) != (state.run.run_id, layer) or not self._fits(kept)):
            self._kept = kept = None
        if snapshot is None or not self._is_answer(snapshot, layer):
            return kept or why_no_frame(state, "attention comes with its next step")
        if kept is None or kept.step != snapshot.step or not self._has_selected(kept):
            self._kept = kept = frame_of(state, snapshot)
        return kept

    def _why_nothing(self) -> str:
        state = self._state
        if state.document is None:
            return "Open a text to see what its tokens look at."
        return why_never(state.config) or ("" if len(state.context_ids) else NO_TOKEN)

    def _is_answer(self, snapshot: Snapshot, layer: int) -> bool:
        """Whether a snapshot is of this run, layer and context: what was asked for may be on its way yet."""
        return (
            snapshot.run_id == self._state.run.run_id
            and snapshot.attention_layer == layer
            and "weights" in snapshot.attention
            and np.array_equal(snapshot.contexts[0], self._state.context_ids)
        )

    def _fits(self, kept: AttentionFrame) -> bool:
        """Whether the tokens of `kept` still stand where they stood in the own line."""
        line = self._state.line_ids
        there = [(place, token) for place, token in zip(kept.places, kept.ids, strict=True) if place >= 0]
        return all(place < len(line) and line[place] == token for place, token in there)

    def _has_selected(self, kept: AttentionFrame) -> bool:
        """Whether the selected token's context is the beginning of that of `kept`."""
        read = tuple(looked_up_ids(self._state))
        row = len(read) - 1 - kept.first
        return (
            kept.read[: len(read)] == read
            and 0 <= row < len(kept.places)
            and kept.places[row] == self._state.selected
        )


def why_never(config: RunConfig) -> str:
    """Return why a model of `config` has no attention to show; "" if it has."""
    if "n_head" not in catalog.MODELS[config.model].settings:
        return NO_ATTENTION
    return "" if config.n_layer else NO_LAYER


def frame_of(state: AppState, snapshot: Snapshot) -> AttentionFrame:
    """Return the frame of a snapshot whose first context is that of `state`, which has a document.

    Of a longer context that begins with it, if the trainer tells of one: as much as stands in the own line now.
    """
    assert state.document is not None
    read = [token for token in looked_up_ids(state) if token is not None]
    found, prefix = snapshot.attention, ""
    length, end = len(read), state.selected + 1  # of what is read, and where in the own line that ends
    if "longer read" in found:
        all_read = found["longer read"].astype(np.int64).tolist()
        more = _common(all_read[length:], state.line_ids[end:].tolist())
        if more and all_read[:length] == read:
            prefix, length, end, read = "longer ", len(all_read), end + more, all_read[: length + more]
    told = found[f"{prefix}weights"].shape[-1]  # t: the last so many of `length`
    count = len(read) - (length - told)  # that are shown
    labels = state.document.tokenizer.labels
    start = state.context_range.start
    return AttentionFrame(
        snapshot.run_id,
        snapshot.step,
        snapshot.attention_layer,
        tuple(read),
        tuple(labels[token] for token in read[len(read) - count :]),
        tuple(place if place >= start else -1 for place in range(end - count, end)),
        found[f"{prefix}weights"][:, :count, :count],
        found[f"{prefix}queries"][:, :count],
        found[f"{prefix}keys"][:, :count],
    )


def _common(ids: list[int], others: list[int]) -> int:
    """Return at how many places from the first on two lists are the same."""
    same = (a == b for a, b in zip(ids, others, strict=False))
    return sum(1 for _ in itertools.takewhile(bool, same))
