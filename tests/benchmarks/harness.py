"""What a benchmark reports, how it is printed, and children that measure on command."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SHAKESPEARE = REPOSITORY.parent / "shared" / "data" / "tinyshakespeare.txt"


@dataclass(frozen=True)
class Figure:
    """One measured number. `target` is text such as ">= 0.95", empty where there is none."""

    name: str
    value: float
    unit: str
    target: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if not self.target:
            return None
        sign, limit = self.target.split()
        return {
            ">=": self.value >= float(limit),
            "<=": self.value <= float(limit),
            "<": self.value < float(limit),
        }[sign]


def print_figures(figures: Sequence[Figure]) -> None:
    width = max(len(figure.name) for figure in figures)
    for figure in figures:
        met = {True: "met", False: "MISSED", None: ""}[figure.met]
        print(
            f"{figure.name:<{width}}  {figure.value:>12,.4g} {figure.unit:<10} {figure.target:<10} {met}".rstrip()
        )


def save_figures(figures: Sequence[Figure], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{**asdict(figure), "met": figure.met} for figure in figures]
    path.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def with_bytecode(folder: Path) -> dict[str, str]:
    """Return this environment, but Python keeps bytecode in `folder`, as a person's does from start to start.

    Without it every start compiles all of embedviz again, while what is installed beside it has its bytecode.
    """
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


class Child:
    """A Python process that answers each line of JSON with one; ended with the block."""

    def __init__(self, module: str, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env={**os.environ, **(environment or {})},
        )

    def ask(self, **question: object) -> dict[str, float]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the child ended with {self._process.wait()}")
        answer: dict[str, float] = json.loads(line)
        return answer

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise


def answer(line: dict[str, object]) -> None:
    print(json.dumps(line), flush=True)


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def text_with_symbols(symbols: int, path: Path) -> Path:
    """Write a text of half a million characters in which `symbols` different ones follow a fixed random table."""
    import numpy as np

    rng = np.random.default_rng(7)
    rows = np.cumsum(rng.dirichlet(np.full(symbols, 0.1), symbols), axis=1)  # (V, V)
    draws = rng.random(500_000)
    ids = [0]
    for draw in draws.tolist():
        ids.append(min(int(rows[ids[-1]].searchsorted(draw)), symbols - 1))
    first = 0x4E00 if symbols > 90 else 0x21
    characters = [chr(first + i) for i in [*range(symbols), *ids]]
    path.write_text("".join(characters), encoding="utf-8")
    return path
