"""What each process loads. The arrows between all modules are import-linter's to check (make test runs it)."""

import subprocess
import sys

import pytest


def loaded_by(module: str) -> set[str]:
    """Return the modules that are loaded in a new Python once `module` is imported."""
    program = f"import sys, {module}; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(ended.stdout.split())


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("embedviz.__main__", {"argparse", "numpy", "torch", "PySide6", "embedviz.cli", "embedviz.engine"}),
        ("embedviz.cli", {"numpy", "torch", "PySide6", "pyqtgraph", "embedviz.engine", "embedviz.training"}),
        ("embedviz.preflight", {"numpy", "torch", "PySide6"}),
        (
            "embedviz.gui.app",
            {"torch", "pyqtgraph", "embedviz.models", "embedviz.training", "embedviz.engine.server"},
        ),
        ("embedviz.engine.entry", {"torch", "PySide6", "pyqtgraph"}),
        ("embedviz.engine.server", {"PySide6", "shiboken6", "pyqtgraph", "embedviz.gui"}),
    ],
)
def test_a_process_loads_no_more_than_it_needs(module: str, forbidden: set[str]) -> None:
    loaded = loaded_by(module)
    assert module in loaded
    assert not forbidden & loaded
