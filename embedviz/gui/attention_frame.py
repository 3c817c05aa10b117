"""What a layer of attention did with the own line, as it is shown: which tokens, where, and whose numbers."""

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

    def takes(self, row: int, head: int, most: int = 12) -> str:
        """Return "‘h’ at 3 0.62 · ‘t’ at 0 0.21": what a row takes in a head, the largest first.

        What is nothing in two decimals is left out.
        """
        weights = self.weights[head, row, : row + 1]  # (row + 1,)
        order = np.argsort(-weights, kind="stable")[:most]
        found = [(int(at), float(weights[at])) for at in order if weights[at] >= _NEXT_TO_NOTHING]
        return " · ".join(f"{self.named(at)} {weight:.2f}" for at, weight in found)


class AttentionSource:
    """Makes frames from snapshots; while the step stands still, it keeps the longest context of it.

    So one can click a row of the maps, which selects that token and ends the context there, and click another
    after it: no position takes from later ones, so that its row is the same in either.
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
    """Return the frame of a snapshot whose first context is that of `state`, which has a document."""
    assert state.document is not None
    found = snapshot.attention
    read = tuple(token for token in looked_up_ids(state) if token is not None)
    count = found["weights"].shape[-1]  # t
    labels = state.document.tokenizer.labels
    start, end = state.context_range.start, state.selected + 1
    places = tuple(place if place >= start else -1 for place in range(end - count, end))
    return AttentionFrame(
        snapshot.run_id,
        snapshot.step,
        snapshot.attention_layer,
        read,
        tuple(labels[token] for token in read[len(read) - count :]),
        places,
        found["weights"],
        found["queries"],
        found["keys"],
    )
