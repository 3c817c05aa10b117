"""The cards of a strip in their places: how wide they are from step to step, and which of them are in sight."""

from collections.abc import Sequence

from embedviz.gui.plots.phase_bar import PhaseBar
from embedviz.gui.plots.phase_card import PhaseCard
from embedviz.gui.plots.phase_places import Places, faces, place
from embedviz.gui.theme import Theme


class CardRow:
    """Cards, the places that they have in some size, and what is kept from one set of cards to the next.

    Widths only grow while the titles stay. The current card is in sight until a page is turned.
    """

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self.cards: tuple[PhaseCard, ...] = ()
        self._needs: tuple[list[float], ...] = ()  # for each face, of each card: the most so far
        self._first = 0  # of the cards that are in sight
        self._follows = True
        self._places: Places | None = None
        self._bar: PhaseBar | None = None
        self.restyle()

    def restyle(self) -> None:
        """Measure in the theme's fonts."""
        self.faces = faces(self._theme)
        self._needs = ()
        self._measure()

    def set_cards(self, cards: Sequence[PhaseCard]) -> None:
        """Take other cards; those of other titles are shown from their beginning."""
        if [card.title for card in cards] != [card.title for card in self.cards]:
            self._needs, self._first, self._follows = (), 0, True
        self.cards = tuple(cards)
        self._measure()

    def places(self, size: tuple[int, int], current: int) -> Places:
        """Return where the cards are in a `size`, width and height."""
        if self._places is None or self._places.size != size:
            keep = current if self._follows else -1
            self._places = place(self.cards, self.faces, self._needs, size, self._theme, self._first, keep)
            self._first, self._bar = self._places.shown.start, None
            self._follows = self._follows or current in self._places.shown
        return self._places

    def bar(self, places: Places) -> PhaseBar | None:
        """Return the bar that says where `places` are among all; None where all are in sight."""
        if self._bar is None and not places.bar.isEmpty():
            self._bar = PhaseBar(self.cards, places.bar, self._theme)
        return self._bar

    def follow(self, current: int) -> None:
        """Keep the current card in sight from now on."""
        self._follows = True
        if self._places is not None and current >= 0 and current not in self._places.shown:
            self._places = None

    def turn_page(self, by: int) -> None:
        """Show the cards of the next page, or for -1 of the one before."""
        if self._places is not None:
            self._first = self._places.page(by, self._theme).start
            self._follows, self._places = False, None

    def _measure(self) -> None:
        self._places = None
        needs = tuple([face.need(card) for card in self.cards] for face in self.faces)
        if self._needs:
            needs = tuple(
                [max(pair) for pair in zip(*two, strict=True)] for two in zip(self._needs, needs, strict=True)
            )
        self._needs = needs
