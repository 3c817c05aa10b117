"""Looks at the window that app.run() opens, does something there, and closes it."""

import signal
from collections.abc import Callable

import pytest
from PySide6.QtCore import QTimer
from test_fake_trainer import FakeWorker

from embedviz.gui import app
from embedviz.gui.settings import Settings


class Visitor:
    """`before` is what was told when the window had been painted, `seen` what there was after `act`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, mode: str | None = "light") -> None:
        self.parts: app.Parts | None = None
        self.act: Callable[[app.Parts], object] = lambda _parts: None
        self.before: list[str] = []
        self.seen: dict[str, object] = {}
        make = app.make_window

        def make_window(settings: Settings) -> app.Parts:
            self.parts = make(settings, mode=mode)
            self.parts.window.first_painted.connect(self._look)
            return self.parts

        monkeypatch.setattr(app, "make_window", make_window)
        monkeypatch.setattr(app, "TrainingWorker", FakeWorker)
        monkeypatch.setattr(signal, "signal", lambda *_: None)  # pytest has a handler of its own

    def put_away(self) -> None:
        """Let all of the window be deleted."""
        if self.parts is not None:
            for thing in (self.parts.window, self.parts.controller, self.parts.state, self.parts.theme):
                thing.deleteLater()
        self.parts = None

    def _look(self) -> None:
        QTimer.singleShot(0, self._leave)

    def _leave(self) -> None:
        parts = self.parts
        assert parts is not None
        try:
            self._visit(parts)
        finally:
            parts.window.close()

    def _visit(self, parts: app.Parts) -> None:
        self.before = [notice.sentence for notice in parts.notices.pending]
        self.act(parts)
        document = parts.state.document
        assert document is not None
        worker = parts.worker
        assert isinstance(worker, FakeWorker)
        self.seen = {
            "text": document.corpus.name,
            "sentences": [notice.sentence for notice in parts.notices.pending],
            "starts": worker.starts,
            "sent": [type(command) for command in worker.sent],
        }
