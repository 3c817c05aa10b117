"""RoPE: pairs of a query's numbers turning with position, and dot products that depend on the distance alone."""

import numpy as np
from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from embedviz.analysis.figures import figure
from embedviz.analysis.levels import StableLimit
from embedviz.analysis.rope import Floats, dot_products, rotate, speeds
from embedviz.gui.attention_choices import PositionSlider, heads_of, layers_of, offer
from embedviz.gui.attention_frame import AttentionFrame, AttentionSource, why_never
from embedviz.gui.controller import RunController
from embedviz.gui.number_box import NumberBox
from embedviz.gui.plots.colorbar import ColorBar
from embedviz.gui.plots.rotation import RotationDials
from embedviz.gui.plots.rotation_products import DotProducts, product_colours
from embedviz.gui.state import AppState
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import Choice, LiveLabel, caption, named

MOST_POSITIONS = 64  # of the grid of products
NUMBERS_WIDTH = 176  # designed pixels
LEGEND_HEIGHT = 200
NO_ROPE = "Here positions are not rotations: choose RoPE as positions to see them turn."


class RotationView(QWidget):
    """The selected token's query turned by a position, and its products with the key of a token before it."""

    def __init__(
        self, state: AppState, controller: RunController, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("rotationView")
        self._state = state
        self._controller = controller
        self._theme = theme
        self._source = AttentionSource(state)
        self._frame: AttentionFrame | None = None
        self._is_active = False
        self._pair: tuple[object, ...] = ()  # the tokens that distance and position were set for
        self._limit = StableLimit(shrinks=True)
        self._limit_of: tuple[object, ...] = ()
        self._make_choices()
        self.dials = named(RotationDials(theme), "rotationDials")
        self.products = named(DotProducts(theme), "dotProducts")
        self._legend = ColorBar(theme)
        self.numbers = [LiveLabel() for _ in range(4)]
        self._sentence = caption()
        self._sentence.setWordWrap(True)
        self._lay_out()
        self._connect()
        self._restyle()

    def _make_choices(self) -> None:
        self.layer = named(Choice(), "rotationLayer", says="Layer", tip="Which layer of attention")
        self.head = named(
            Choice(), "rotationHead", says="Head", tip="Which head: each has its own queries and keys"
        )
        self.key = named(Choice(), "rotationKey", says="Key", tip="Whose key the query meets")
        self.position = named(PositionSlider(self._theme), "rotationPosition", says="Position of the query")
        self.distance = named(NumberBox(self._theme), "rotationDistance", says="Distance from query to key")
        self._query, self._at, self._apart = LiveLabel(), LiveLabel(), QLabel("distance")

    def _lay_out(self) -> None:
        self._top, self._middle, self._column = QHBoxLayout(), QHBoxLayout(), QVBoxLayout(self)
        for widget in (self.layer, self.head, self._query, self.key):
            self._top.addWidget(widget)
        self._top.addStretch(1)
        slide, beside, apart = QHBoxLayout(), QVBoxLayout(), QHBoxLayout()
        slide.addWidget(self._at)
        slide.addWidget(self.position, 1)
        apart.addWidget(self._apart)
        apart.addWidget(self.distance)
        apart.addStretch(1)
        beside.addLayout(apart)
        for label in self.numbers:
            beside.addWidget(label)
        beside.addStretch(1)
        self._numbers = QWidget()
        self._numbers.setLayout(beside)
        beside.setContentsMargins(0, 0, 0, 0)
        self._of_frame: tuple[QWidget, ...] = (self._query, self.key, self.position, self._at, self.products)
        self._of_frame += (self._legend, self._numbers, self._sentence)
        self._middle.addWidget(self.dials, 2)
        self._middle.addWidget(self.products, 3)
        self._middle.addWidget(self._legend)
        self._middle.addWidget(self._numbers)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addLayout(self._top)
        self._column.addLayout(self._middle, 1)
        self._column.addLayout(slide)
        self._column.addWidget(self._sentence)

    def _connect(self) -> None:
        state = self._state
        for choice in (self.layer, self.head):
            choice.currentIndexChanged.connect(self.refresh)
        self.key.currentIndexChanged.connect(self._show)
        self.position.valueChanged.connect(self._show)
        self.distance.valueChanged.connect(self._show)
        self.dials.resized.connect(self._show)
        self.products.cell_chosen.connect(self._take_cell)
        for changed in (
            state.frame_shown,
            state.selection_changed,
            state.run_changed,
            state.document_changed,
            state.colours_changed,
        ):
            changed.connect(self._refresh_active)
        self._theme.changed.connect(self._restyle)

    def set_active(self, on: bool) -> None:
        """Ask the trainer for queries and keys, or not any more."""
        self._is_active = on
        if on:
            self.refresh()
        else:
            self._controller.watch_attention(-1)

    @Slot()
    def refresh(self) -> None:
        """Show the frame that the state shows."""
        config = self._state.config
        never = why_never(config) or ("" if config.position == "rope" else NO_ROPE)
        offer(self.layer, [] if never else layers_of(config))
        offer(self.head, [] if never else heads_of(config))
        if self._is_active:
            self._controller.watch_attention(-1 if never else self.layer.currentIndex())
        made: AttentionFrame | str = never or self._source.frame(max(0, self.layer.currentIndex()))
        self._frame = None if isinstance(made, str) else made
        self.dials.set_empty(made if isinstance(made, str) else "")
        self.products.set_empty("" if self._frame is not None else " ")
        for widget in self._of_frame:
            widget.setVisible(self._frame is not None)
        self._take_pair()
        self._show()

    @property
    def rows(self) -> tuple[int, int] | None:
        """The rows of the frame whose query and whose key meet."""
        frame = self._frame
        row = None if frame is None else frame.row_of(self._state.selected)
        return None if row is None else (row, min(max(0, self.key.currentIndex()), row))

    def _take_pair(self) -> None:
        """For another token: its own position, the key of the one before it, and their distance."""
        frame = self._frame
        row = None if frame is None else frame.row_of(self._state.selected)
        if frame is None or row is None:
            return
        pair = frame.run_id, frame.read[: frame.first + row + 1], row
        before = max(0, row - 1)
        offer(self.key, [f"key of {frame.named(other)}" for other in range(row + 1)], self._kept_key(pair, before))
        last = max(1, self._state.run.config.block_size) - 1
        for field, value in ((self.position, frame.first + row), (self.distance, row - before)):
            field.blockSignals(True)
            field.setRange(0, last)
            if pair != self._pair:
                field.setValue(value)
            field.blockSignals(False)
        self._pair = pair

    def _kept_key(self, pair: tuple[object, ...], otherwise: int) -> int:
        return self.key.currentIndex() if pair == self._pair else otherwise

    @Slot()
    def _show(self) -> None:
        """Turn the query, and multiply it with the key at all positions."""
        frame, rows, head = self._frame, self.rows, max(0, self.head.currentIndex())
        if frame is None or rows is None:
            return
        row, other = rows
        query, key = frame.queries[head, row], frame.keys[head, other]  # (D,) each
        self._query.setText(f"query of {frame.named(row)} ·")
        self._at.setText(f"Query turned to position {self.position.value():,}")
        self.dials.set_vector(f"the query of {frame.named(row)}", query, self.position.value())
        count = min(MOST_POSITIONS, self.position.maximum() + 1)
        products = np.asarray(dot_products(query, key, count), np.float32)  # (T, T)
        which = frame.run_id, frame.layer, head, rows
        if which != self._limit_of:
            self._limit_of = which
            self._limit.reset()
        limit = self._limit.update(float(np.abs(products).max()))
        names = frame.quoted(row), frame.quoted(other)
        colours = product_colours(self._state.colour_blind)
        self._legend.set_levels((-limit, limit), colours)
        where = self.position.value(), self.distance.value()
        self.products.set_products(names, products, where, limit, colours)
        self._say(query, key)

    @Slot(int, int)
    def _take_cell(self, query: int, key: int) -> None:
        """Turn the query to a position of the grid, and take the distance to the key's."""
        for field, value in ((self.position, query), (self.distance, query - key)):
            field.blockSignals(True)
            field.setValue(value)
            field.blockSignals(False)
        self._show()

    def _say(self, query: Floats, key: Floats) -> None:
        """Print the products at two places of the chosen distance, computed by turning both for each."""
        apart, last = self.distance.value(), self.position.maximum()
        places = two_places(apart, self.position.value(), last)
        found = [(m, n, product_at(query, key, m, n)) for m, n in places]
        words = [f"positions {m}, {n}: {_signed(value)}" for m, n, value in found]
        if len(found) == 2:
            words.append(f"difference {figure(abs(found[0][2] - found[1][2]), digits=2)}")
        else:
            words.append("There is no other place so far apart.")
        words.append(f"unturned, anywhere: {_signed(float(query @ key))}")
        for label, text in zip(self.numbers, words + [""] * (len(self.numbers) - len(words)), strict=True):
            label.setText(text)
        slowest = speeds(len(query))[-1]
        self._sentence.setText(
            f"Each pair turns by the angle under it per position: the first goes around in {figure(2 * np.pi)} "
            f"positions, the last in {figure(2 * np.pi / slowest)}{self._left_out()}. Turned query times key "
            "depends on the distance alone: the same along each diagonal."
        )

    def _left_out(self) -> str:
        shown, count = self.dials.shown_pairs(), len(self.dials.pairs)
        return "" if len(shown) == count else f" ({len(shown):,} of {count:,} pairs are shown)"

    @Slot()
    def _refresh_active(self) -> None:
        if self._is_active:
            self.refresh()

    @Slot()
    def _restyle(self) -> None:
        px = self._theme.px
        self._top.setSpacing(px(8))
        self._middle.setSpacing(px(12))
        self._column.setSpacing(px(4))
        self._legend.setMaximumHeight(px(LEGEND_HEIGHT))
        self._middle.setAlignment(self._legend, Qt.AlignmentFlag.AlignTop)
        self._numbers.setMinimumWidth(px(NUMBERS_WIDTH))
        for label in (*self.numbers, self._at, self._query):
            label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)


def product_at(query: Floats, key: Floats, m: int, n: int) -> float:
    """Return the dot product of `query` (D,) turned to m with `key` (D,) turned to n, in their own precision."""
    return float(rotate(query[None], [m])[0] @ rotate(key[None], [n])[0])


def two_places(apart: int, position: int, last: int) -> list[tuple[int, int]]:
    """Return two places of query and key that are `apart`, up to position `last`; one if there is only one.

    The first has the query at `position`, or as early as can be if that is too early; the other is far from it.
    """
    first = max(position, apart), max(position, apart) - apart
    others = [(last, last - apart), (apart, 0)]
    return [first, *[place for place in others if place != first][:1]]


def _signed(value: float) -> str:
    return figure(value, signed=True, digits=4)
