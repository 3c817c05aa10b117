"""What the engine's tests share: a server on a thread, and a warm trainer process."""

from collections.abc import Callable, Iterator

import pytest
from engine_window import Line, Window, toy_dataset

from embedviz.engine.client import TrainerClient
from embedviz.engine.messages import Ready
from embedviz.text.dataset import Dataset


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return toy_dataset()


@pytest.fixture
def idle_window() -> Iterator[Window]:
    """Give a window whose server does not serve yet."""
    window = Window()
    yield window
    window.leave()


@pytest.fixture
def window(idle_window: Window) -> Window:
    """Give a window whose server is ready."""
    idle_window.serve()
    return idle_window


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    """Give one warm trainer process, for tests that leave it alive and use run ids of their own."""
    line = Line(TrainerClient())
    line.wait_for(Ready)
    yield line
    line.hang_up()


@pytest.fixture
def new_line() -> Iterator[Callable[..., Line]]:
    """Give a function that starts a trainer process of its own; all are gone afterwards."""
    lines: list[Line] = []

    def start(command: list[str] | None = None) -> Line:
        lines.append(Line(TrainerClient(command)))
        return lines[-1]

    yield start
    for line in lines:
        line.hang_up()
