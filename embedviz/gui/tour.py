"""`embedviz tour`: drives the real window by itself, trains, selects, and saves a picture of each scene."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from PySide6.QtWidgets import QApplication, QWidget

from embedviz import __version__, catalog
from embedviz.errors import EmbedvizError
from embedviz.gui.app import Beginning, ErrorHook, Parts, make_application, make_window
from embedviz.gui.driving import PATIENCE_S, Driver, wait_until
from embedviz.gui.settings import Settings
from embedviz.gui.state import Phase
from embedviz.gui.tour_scenes import visit

SETTLE_MS = 120  # for what repaints a moment later: descriptions, the curve's range


class TourError(EmbedvizError):
    """The window did not do what the tour asked for."""


@dataclass(frozen=True)
class Scene:
    """One picture and what the window said when it was taken. Losses in nats per token."""

    picture: str
    title: str
    step: int
    train_loss: float | None
    val_loss: float | None
    steps_per_second: float
    seconds: float  # since the tour began


class Tour(Driver):
    """Visits the scenes one by one; each leaves the window in a state that the next one builds on."""

    def __init__(self, parts: Parts, out: Path) -> None:
        super().__init__(parts)
        self._out = out
        self._began = time.perf_counter()
        self.scenes: list[Scene] = []
        self.subject: QWidget = self.window  # what the next picture is of

    def run(self) -> None:
        """Visit all scenes. Raises InVainError where the window does not follow."""
        for name, title in visit(self):
            self._photograph(name, title)

    def _photograph(self, name: str, title: str) -> None:
        wait_until(lambda: False, SETTLE_MS / 1000)
        state = self.state
        picture = f"{len(self.scenes) + 1:03d}-{name}.png"
        if not self.subject.grab().save(str(self._out / picture)):
            raise TourError(f"'{self._out / picture}' could not be written.")
        reading = state.run.reading
        self.scenes.append(
            Scene(
                picture,
                title,
                state.run.step,
                reading.train if reading else None,
                reading.val if reading else None,
                state.snapshot.steps_per_second if state.snapshot else 0.0,
                round(time.perf_counter() - self._began, 3),
            )
        )


def run_tour(out: Path, size: tuple[int, int], mode: str, scale: float, text: Path | None) -> int:
    """Make the pictures and tour.json in `out`; return 0, or raise a sentence."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TourError(f"'{out}' cannot be made a folder for pictures.", str(error)) from error
    began = time.perf_counter()
    app = make_application()
    parts = make_window(Settings(out / ".settings.ini"), mode=mode, scale=scale)
    hook = ErrorHook(parts.notices)
    Beginning(parts)
    try:
        texts = parts.window.texts
        sample = catalog.DEFAULT_SAMPLE
        if not (texts.open_path(text, wait=True) if text else texts.open_sample(sample, wait=True)):
            raise TourError(parts.notices.pending[-1].sentence)
        parts.window.resize(*size)
        parts.window.show()
        if not wait_until(lambda: parts.state.run.phase is Phase.PAUSED, PATIENCE_S):
            raise TourError("The trainer did not start.")
        ready = time.perf_counter() - began
        tour = Tour(parts, out)
        tour.run()
    finally:
        parts.close()
        parts.window.deleteLater()
        hook.restore()
        QApplication.processEvents()
        (out / ".settings.ini").unlink(missing_ok=True)
    report = {
        "version": __version__,
        "size": list(size),
        "theme": mode,
        "scale": scale,
        "platform": app.platformName(),
        "text": str(text) if text else f"sample:{catalog.DEFAULT_SAMPLE}",
        "trainer_ready_s": round(ready, 3),
        "scenes": [asdict(scene) for scene in tour.scenes],
    }
    (out / "tour.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0
