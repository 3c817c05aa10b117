"""The row of tools under the table: order, what is hidden, finding a token, showing all, and a line of words."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from embedviz.gui.row_order import ORDERS
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import Choice, caption, named


class TableTools(QWidget):
    """Says what is asked for; does nothing by itself."""

    order_changed = Signal()  # another order, or rows are hidden or not
    order_chosen_again = Signal()
    find_wanted = Signal(str)
    all_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._problem = self._legend = self._said = ""
        self._sort = named(
            Choice(),
            "rowOrder",
            says="Order of the rows",
            tip="The order of the rows (columns stay by id); “by similarity” is that of when it was chosen",
        )
        for name, title in ORDERS:
            self._sort.addItem(title, name)
        self._hide = named(
            QCheckBox("hide unused"),
            "hideUnused",
            tip="Leave out the rows of tokens that the training part never looks up",
        )
        self._find = named(
            QLineEdit(placeholderText="Find…", clearButtonEnabled=True),
            "findToken",
            says="Find a token in the table",
            tip="A token or its id, then Enter: its row is marked and brought into view",
        )
        self._all = named(QPushButton("Show all"), "showAll", tip="Undo zooming and moving (double click)")
        self._lines = caption(elided=True), caption(elided=True)  # together no higher than a button
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (self._sort, self._hide, self._find, self._all):
            row.addWidget(widget)
        words = QWidget()
        words.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)
        column = QVBoxLayout(words)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for line in self._lines:
            column.addWidget(line)
        row.addWidget(words, 1)
        self._sort.currentIndexChanged.connect(self.order_changed)
        self._sort.activated.connect(self.order_chosen_again)
        self._hide.toggled.connect(self.order_changed)
        self._find.returnPressed.connect(self._ask)
        self._all.clicked.connect(self.all_wanted)
        theme.changed.connect(self._restyle)
        self._restyle()

    @property
    def order(self) -> str:
        """The order that is chosen."""
        return str(self._sort.currentData())

    @property
    def hides_unused(self) -> bool:
        """True if rows that are never looked up are to be left out."""
        return self._hide.isChecked()

    @property
    def words(self) -> str:
        """What is said beside the tools."""
        return "\n".join(line.text() for line in self._lines if line.text())

    def set_of_tokens(self, on: bool) -> None:
        """Offer what is for the rows of tokens alone: other orders, hiding, finding."""
        for widget in (self._sort, self._hide, self._find):
            widget.setVisible(on)

    def say(self, problem: str) -> None:
        """Say what was not found; "" for nothing to say."""
        self._problem = problem
        self._show_words()

    @Slot(str, str)
    def set_legend(self, legend: str, said: str = "") -> None:
        """Say what marks in the picture mean, in one line or two, while there is nothing else to say.

        `said` is the same in full words, for the tool tip.
        """
        self._legend, self._said = legend, said
        self._show_words()

    def _show_words(self) -> None:
        first, _, second = (self._problem or self._legend).partition("\n")
        for line, text in zip(self._lines, (first, second), strict=True):
            line.setText(text)
            line.setToolTip("" if self._problem else self._said)
            line.setVisible(bool(text) or line is self._lines[0])

    @Slot()
    def _ask(self) -> None:
        if self._find.text():
            self.find_wanted.emit(self._find.text())

    @Slot()
    def _restyle(self) -> None:
        self._find.setFixedWidth(self._theme.px(104))
