"""SampleLookup: says what of the samples stands in the text already, without keeping the window waiting."""

from dataclasses import replace
from functools import partial
from typing import cast

from PySide6.QtCore import QObject, Signal

from embedviz.errors import EmbedvizError
from embedviz.gui.background import Background
from embedviz.gui.samples import Sample
from embedviz.text.corpus import Corpus
from embedviz.text.verbatim import Stretch, items_in_text, longest_stretch


class SampleLookup(QObject):
    """Looks samples up in all of the text, its held-out part too, one look-up at a time."""

    found = Signal(object, str)  # the samples, with what is known of them, and a sentence on it

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = Background(self)
        self._samples: tuple[Sample, ...] = ()

    def look_up(self, corpus: Corpus, samples: tuple[Sample, ...], *, as_items: bool) -> None:
        """Look up which of `samples` are items of the text; else how much of the first stands in it."""
        self._samples = samples
        if as_items:
            items = tuple(sample.text.strip() for sample in samples)
            self._background.run(partial(items_in_text, corpus, items), self._mark_items, self._fail)
        else:
            written = samples[0].written
            self._background.run(partial(longest_stretch, corpus, written), self._mark_stretch, self._fail)

    def cancel(self) -> None:
        """Say nothing of what was asked."""
        self._background.cancel()

    def _mark_items(self, found: object) -> None:
        known = cast(frozenset[str], found)
        samples = tuple(replace(sample, is_known=sample.text.strip() in known) for sample in self._samples)
        count = sum(sample.is_known is True for sample in samples)
        many = len(samples)
        note = f"✓ in the text: {count} of {many}." if count else f"None of the {many} is in the text."
        self.found.emit(samples, note if many > 1 else "")  # of one, its own words say it

    def _mark_stretch(self, found: object) -> None:
        stretch = cast(Stretch | None, found)
        note = (
            f"Longest stretch in the text too: {stretch.length} characters."
            if stretch
            else "No 4 characters in a row are in the text."
        )
        self.found.emit((replace(self._samples[0], stretch=stretch),), note)

    def _fail(self, error: EmbedvizError) -> None:
        raise error  # looking something up does not fail: this goes where everything unexpected goes
