"""What is said of texts: why one cannot be opened, how one was read, and what else one could be."""

from collections.abc import Callable

from embedviz.errors import EmbedvizError
from embedviz.gui.notices import Notice, Notices
from embedviz.text.corpus import Corpus


class TextNotices:
    """Shows notices on texts; a newer one of a kind takes the place of the older."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices

    def refuse(self, error: EmbedvizError) -> None:
        """Say why it cannot be done."""
        self._notices.show(Notice(error.sentence, error.details, topic="text"))

    def forget_refusal(self) -> None:
        """Take back what was said of something that could not be done."""
        self._notices.withdraw("text")

    def clipboard_is_empty(self) -> None:
        """Say that there is nothing to paste."""
        self._notices.show(Notice("The clipboard holds no text: copy some first.", topic="text"))

    def offer(self, text: str, accept: Callable[[], None]) -> None:
        """Offer to train on a text that is too long for the own line."""
        self._notices.show(
            Notice(
                f"What was pasted has {len(text):,} characters: too many for a line, but not for a training text.",
                topic="line",
                action="Train on it",
                on_action=accept,
            )
        )

    def describe(self, corpus: Corpus) -> None:
        """Say how a text was read, if there is more to say than that its line ends were."""
        self._notices.withdraw("encoding")
        if len(corpus.remarks) > (1 if corpus.carriage_returns else 0):
            self._notices.show(Notice(f"‘{corpus.name}’: {' '.join(corpus.remarks)}", topic="encoding"))

    def offer_items(self, corpus: Corpus, accept: Callable[[], None]) -> None:
        """Offer to read a text as a list."""
        self._notices.show(
            Notice(
                f"‘{corpus.name}’ looks like a list with one item per line.",
                topic="items",
                action="Train on items",
                on_action=accept,
            )
        )

    def forget_items(self) -> None:
        """Take that offer back."""
        self._notices.withdraw("items")
