"""Child: `embedviz` as a person starts it, ended as soon as its first window is painted."""

import sys

from embedviz.cli import main
from embedviz.gui import app


def painted(self: app.Beginning) -> None:
    print("painted", flush=True)
    self._parts.window.close()


app.Beginning._begin = painted  # type: ignore[method-assign]  # instead of starting the trainer
sys.exit(main([]))
