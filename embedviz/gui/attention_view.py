"""Attention: what each token of the own line takes from those before it, in each head of a layer."""

import numpy as np
from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from embedviz.analysis.figures import counted, figure
from embedviz.analysis.levels import StableLimit
from embedviz.gui.attention_choices import heads_of, layers_of, offer
from embedviz.gui.attention_frame import AttentionFrame, AttentionSource, why_never
from embedviz.gui.attention_lines import wrapped
from embedviz.gui.controller import RunController
from embedviz.gui.plots import colormaps
from embedviz.gui.plots.attention_maps import AttentionMaps
from embedviz.gui.plots.colorbar import ColorBar
from embedviz.gui.state import AppState
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import Choice, ElidedLabel, caption, named

MOST_HEADS = 4  # whose numbers are all printed
MOST_LINES = 12
ALL_HEADS = "All heads"
NO_LIMIT = 16_777_215  # Qt's own
SCALES = (
    ("0 to 1", "The same colours for every context"),
    ("to the largest", "Colours end at the largest weight of the later rows: the first have few to share among"),
)
FEW_TOKENS = 16  # whose weights can be told apart in colours from 0 to 1


class AttentionView(QWidget):
    """The maps of a layer's heads, and the selected token's rows of them as numbers."""

    def __init__(
        self, state: AppState, controller: RunController, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("attentionView")
        self._state = state
        self._controller = controller
        self._theme = theme
        self._source = AttentionSource(state)
        self._frame: AttentionFrame | None = None
        self._is_active = False
        self.layer = named(Choice(), "attentionLayer", says="Layer", tip="Which layer of attention")
        self.head = named(Choice(), "attentionHead", says="Heads", tip="All heads, or one alone, enlarged")
        self.scale = named(Choice(), "attentionScale", says="Colours")
        for place, (title, tip) in enumerate(SCALES):
            self.scale.addItem(title)
            self.scale.setItemData(place, tip, Qt.ItemDataRole.ToolTipRole)
        self._is_scale_chosen = False  # by the person; else the number of tokens decides
        self._limit = StableLimit(shrinks=True)
        self._limit_of: tuple[object, ...] = ()
        self._title = caption(elided=True)
        self.maps = named(AttentionMaps(theme), "attentionMaps")
        self._legend = ColorBar(theme)
        self.lines = [ElidedLabel() for _ in range(MOST_LINES)]
        self._top, self._middle, self._column = QHBoxLayout(), QHBoxLayout(), QVBoxLayout(self)
        self._top.addWidget(self.layer)
        self._top.addWidget(self.head)
        self._top.addWidget(self.scale)
        self._top.addWidget(self._title, 1)
        self._middle.addWidget(self.maps, 1)
        self._middle.addWidget(self._legend)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addLayout(self._top)
        self._column.addLayout(self._middle, 1)
        for line in self.lines:
            self._column.addWidget(line)
        self._column.addStretch()
        self._connect()
        self._restyle()

    def _connect(self) -> None:
        state = self._state
        self.layer.currentIndexChanged.connect(self._change_layer)
        self.head.currentIndexChanged.connect(self._change_head)
        self.scale.currentIndexChanged.connect(self._choose_scale)
        self.maps.enlarged_changed.connect(self._take_enlarged)
        self.maps.row_clicked.connect(self._select_row)
        self.maps.hovered.connect(self._take_hovered)
        for changed in (state.frame_shown, state.selection_changed, state.run_changed, state.document_changed):
            changed.connect(self._refresh_active)
        state.hovered_changed.connect(self._mark)
        self._theme.changed.connect(self._restyle)

    def set_active(self, on: bool) -> None:
        """Ask the trainer for attention, or not any more."""
        self._is_active = on
        if on:
            self.refresh()
        else:
            self._controller.watch_attention(-1)

    @Slot()
    def refresh(self) -> None:
        """Show the frame that the state shows."""
        config = self._state.config
        never = bool(why_never(config))
        offer(self.layer, [] if never else layers_of(config))
        offer(self.head, [] if never else [ALL_HEADS, *heads_of(config)])
        self.scale.setVisible(not never)
        self._ask()
        made = self._source.frame(max(0, self.layer.currentIndex()))
        if isinstance(made, str):
            self._frame = None
            self.maps.set_empty(made)
            self._legend.set_empty(" ")
            self._title.setText("")
            self._say()
            return
        self._frame = made
        self.maps.set_empty("")
        self._legend.set_empty("")
        levels = 0.0, self._top_of_scale(made)
        self.maps.set_maps(made.labels, made.first, made.weights, made.row_of(self._state.selected), levels)
        texts = f"≥ {figure(levels[1])}", figure(levels[1] / 2), "0"
        self._legend.set_levels(levels, colormaps.SEQUENTIAL, texts if levels[1] < 1 else ("1", "0.5", "0"))
        self._mark()
        heads, count, _ = made.weights.shape
        part = f"the last {count:,} of {len(made.read):,} tokens" if made.first else counted(count, "token")
        shape = f"({heads:,}, {count:,}, {count:,})"
        self._title.setText(f"weights {shape} · {part} · step {made.step:,} · each row adds up to 1")
        self._say()

    def _top_of_scale(self, frame: AttentionFrame) -> float:
        """Return the weight at the end of the colours."""
        if not self._is_scale_chosen:
            self.scale.blockSignals(True)
            self.scale.setCurrentIndex(0 if len(frame.places) <= FEW_TOKENS else 1)
            self.scale.blockSignals(False)
        shown = frame.run_id, frame.layer, frame.read
        if shown != self._limit_of:
            self._limit_of = shown
            self._limit.reset()
        return 1.0 if self.scale.currentIndex() == 0 else min(1.0, self._limit.update(frame.later_largest))

    def _ask(self) -> None:
        if self._is_active:
            self._controller.watch_attention(-1 if why_never(self._state.config) else self.layer.currentIndex())

    def _say(self) -> None:
        """Print what the selected token takes in each head; where these are many, in the one pointed at."""
        frame = self._frame
        row = None if frame is None else frame.row_of(self._state.selected)
        words: list[str] = []
        if frame is not None and row is not None:
            shown = self._printed_heads(len(frame.weights))
            most = self._fit(len(shown))
            for head in shown:
                begin = f"{frame.named(row)} in head {head + 1}: "
                words += wrapped(begin, frame.takes(row, head), self._has_room, most)
        else:
            self._fit(0)
        for line, text in zip(self.lines, words + [""] * (MOST_LINES - len(words)), strict=True):
            line.setText(text)
            line.setVisible(bool(text))

    def _printed_heads(self, heads: int) -> list[int]:
        if heads <= MOST_HEADS and self.maps.enlarged < 0:
            return list(range(heads))
        return [max(0, self.maps.enlarged if self.maps.enlarged >= 0 else self._pointed)]

    def _has_room(self, line: str) -> bool:
        return self.lines[0].fontMetrics().horizontalAdvance(line) < self.width()

    @property
    def _pointed(self) -> int:
        return self.maps.pointed[0] if self.maps.pointed is not None else 0

    # --- from the person, and from other panels -----------------------------------------------------

    @Slot()
    def _refresh_active(self) -> None:
        if self._is_active:
            self.refresh()

    @Slot()
    def _change_layer(self) -> None:
        self.refresh()

    @Slot()
    def _choose_scale(self) -> None:
        self._is_scale_chosen = True
        self.refresh()

    @Slot(int)
    def _change_head(self, index: int) -> None:
        self.maps.enlarge(index - 1)

    @Slot(int)
    def _take_enlarged(self, head: int) -> None:
        self.head.setCurrentIndex(head + 1)
        self._say()

    @Slot(int)
    def _select_row(self, row: int) -> None:
        if self._frame is not None and self._frame.places[row] >= 0:
            self._state.select(self._frame.places[row])

    @Slot(int, int, int)
    def _take_hovered(self, _head: int, _row: int, column: int) -> None:
        is_there = self._frame is not None and column >= 0
        self._state.set_hovered(self._frame.ids[column] if is_there and self._frame is not None else -1)
        self._say()

    @Slot()
    def _mark(self) -> None:
        """Name strongly where the token stands that is pointed at elsewhere."""
        if self._frame is not None and self.maps.pointed is None:
            places = np.flatnonzero(np.array(self._frame.ids) == self._state.hovered_token)
            self.maps.set_marked(places.tolist())
        else:
            self.maps.set_marked(())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the maps what they need, so that the numbers stand right under them."""
        super().resizeEvent(event)
        self._say()

    def _fit(self, heads: int) -> int:
        """Give the maps the height they need; return how many lines the numbers of each of `heads` may take."""
        line = self.lines[0].sizeHint().height() + self._column.spacing()
        fewest = 2 if heads == 1 else 1
        room = self.height() - self._top.sizeHint().height() - fewest * heads * line - 2 * self._column.spacing()
        least = self.maps.minimumSizeHint().height()
        used = max(least, self.maps.height_in(room)) if self._frame is not None else NO_LIMIT
        for widget in (self.maps, self._legend):
            widget.setMaximumHeight(used)
        free = max(0, room - used) // line
        return min(fewest + free // max(1, heads), MOST_LINES // max(1, heads))

    @Slot()
    def _restyle(self) -> None:
        px = self._theme.px
        self._top.setSpacing(px(8))
        self._middle.setSpacing(px(8))
        self._column.setSpacing(px(2))
