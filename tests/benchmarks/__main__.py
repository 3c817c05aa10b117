"""`make bench`: every speed that is claimed, measured; ratios are taken in one run, alternating."""

import json
import math
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from embedviz.config import RunConfig
from tests.benchmarks.app_start import app_start
from tests.benchmarks.displays import x_server
from tests.benchmarks.harness import (
    REPOSITORY,
    SHAKESPEARE,
    Child,
    Figure,
    median,
    print_figures,
    save_figures,
    text_with_symbols,
    with_bytecode,
)
from tests.benchmarks.subwords import subwords

ALIKE = {"device": "cpu", "threads": 1}  # a ratio is of two runs on the same
SAMPLED = {"batch_size": 32, "optimizer": "adamw", "lr": 0.01, **ALIKE}
MLP = {**asdict(RunConfig().with_model("mlp")), **ALIKE}
TRANSFORMER = {**asdict(RunConfig().with_model("transformer")), **ALIKE}
LARGE = {
    **asdict(RunConfig().with_model("token-position").replace(n_embd=256, batch_size=8)),
    **ALIKE,
    "tokenizer": "subword",
    "vocab_size": 8000,
}
ROUNDS = 5
SECONDS = 3.0


def live(
    folder: Path, name: str, symbols: int, settings: dict[str, Any], *, paints: str = ">= 55"
) -> Iterator[Figure]:
    """Steps a second with the window up over the same without, and how the window feels meanwhile.

    `paints` is the target of paints of newer steps; where steps are long, the trainer's time for snapshots is it.
    """
    text = (
        SHAKESPEARE
        if symbols == 65 and SHAKESPEARE.exists()
        else text_with_symbols(symbols, folder / f"{symbols}.txt")
    )
    text = Path(shutil.copy(text, folder / f"live-{symbols}.txt"))
    config = json.dumps(settings)
    offscreen = {"QT_QPA_PLATFORM": "offscreen"}
    with (
        Child("tests.benchmarks.bare_child", str(text), config) as bare,
        Child("tests.benchmarks.live_child", str(text), config, environment=offscreen) as window,
    ):
        pairs = [(bare.ask(seconds=SECONDS), window.ask(seconds=SECONDS)) for _ in range(ROUNDS)]
    ratios = [shown["steps_per_second"] / alone["steps_per_second"] for alone, shown in pairs]
    yield Figure(f"steps/s with no window, {name}", median([a["steps_per_second"] for a, _ in pairs]), "steps/s")
    yield Figure(f"live ratio, {name}", median(ratios), "ratio", ">= 0.95")
    yield Figure(f"event loop p99, {name}", median([s["late_p99_ms"] for _, s in pairs]), "ms", "<= 16.7")
    yield Figure(f"event loop max, {name}", max(s["late_max_ms"] for _, s in pairs), "ms", "<= 50")
    yield Figure(
        f"paints of a newer step, {name}", median([s["paints_per_second"] for _, s in pairs]), "/s", paints
    )


def live_steps(folder: Path) -> Iterator[Figure]:
    """How the window feels while the phases of the steps play by themselves, ten a second."""
    arguments = (str(folder / "live-65.txt"), json.dumps(SAMPLED))
    offscreen = {"QT_QPA_PLATFORM": "offscreen"}
    with Child("tests.benchmarks.phases_child", *arguments, environment=offscreen) as window:
        told = [window.ask(seconds=2 * SECONDS) for _ in range(3)]
    name = "phases of bigram V=65"
    yield Figure(f"shown, {name}", median([t["phases_per_second"] for t in told]), "/s")
    yield Figure(f"steps played, {name}", sum(t["steps"] for t in told), "steps")
    yield Figure(f"event loop p99, {name}", median([t["late_p99_ms"] for t in told]), "ms", "<= 16.7")
    yield Figure(f"event loop max, {name}", max(t["late_max_ms"] for t in told), "ms", "<= 50")


def live_on_x(folder: Path) -> Iterator[Figure]:
    """The live ratio under Xvfb, where the X server shares the cores: no target."""
    with x_server() as display:
        if display is None:
            return
        text = str(folder / "live-65.txt")
        config = json.dumps(SAMPLED)
        environment = {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        with (
            Child("tests.benchmarks.bare_child", text, config) as bare,
            Child("tests.benchmarks.live_child", text, config, environment=environment) as window,
        ):
            pairs = [(bare.ask(seconds=SECONDS), window.ask(seconds=SECONDS)) for _ in range(3)]
    ratios = [shown["steps_per_second"] / alone["steps_per_second"] for alone, shown in pairs]
    yield Figure("live ratio under Xvfb, bigram V=65", median(ratios), "ratio")
    paints = [shown["paints_per_second"] for _, shown in pairs]
    yield Figure("paints of a newer step under Xvfb", median(paints), "/s")


def start(folder: Path) -> Iterator[Figure]:
    """Process start to first painted window, over `import torch`."""
    environment = with_bytecode(folder) | {"QT_QPA_PLATFORM": "offscreen", "XDG_CONFIG_HOME": str(folder)}

    def seconds(*arguments: str) -> float:
        begin = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=REPOSITORY,
            env=environment,
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            return time.perf_counter() - begin

    torch = "import torch; print('imported', flush=True)"
    pairs = [(seconds("-m", "tests.benchmarks.first_paint"), seconds("-c", torch)) for _ in range(ROUNDS + 1)][1:]
    yield Figure("process start to first painted window", median([window for window, _ in pairs]), "s")
    yield Figure("import torch", median([imported for _, imported in pairs]), "s")
    yield Figure("start over import torch", median([a / b for a, b in pairs]), "ratio", "<= 0.5")


def steps(folder: Path) -> Iterator[Figure]:
    """Sampled steps over a plain textbook loop; seconds of whole-text steps to the floor."""
    with Child("tests.benchmarks.steps_child", str(folder / "live-65.txt")) as child:
        ratios = [child.ask(what="sampled")["ratio"] for _ in range(ROUNDS)]
        exact = [child.ask(what="exact") for _ in range(ROUNDS)]
    yield Figure("sampled bigram steps over a textbook loop", median(ratios), "ratio", ">= 2.5")
    yield Figure("whole text, Adam 0.1: steps to 1e-3 of the floor", median([e["steps"] for e in exact]), "steps")
    yield Figure(
        "whole text, Adam 0.1: seconds of these steps", median([e["seconds"] for e in exact]), "s", "<= 0.1"
    )


def mlp_steps(folder: Path) -> Iterator[Figure]:
    """Steps of the MLP over a plain textbook loop."""
    with Child("tests.benchmarks.mlp_child", str(folder / "live-65.txt")) as child:
        ratios = [child.ask(what="mlp")["ratio"] for _ in range(ROUNDS)]
    yield Figure("MLP steps over a textbook loop", median(ratios), "ratio", ">= 1.5")


def transformer_steps(folder: Path) -> Iterator[Figure]:
    """Steps of a small TinyTransformer over a plain textbook loop."""
    with Child("tests.benchmarks.transformer_child", str(folder / "live-65.txt")) as child:
        told = [child.ask(what="steps") for _ in range(ROUNDS)]
    yield Figure("TinyTransformer steps/s", median([t["steps_per_second"] for t in told]), "steps/s")
    ratio = median([t["ratio"] for t in told])
    yield Figure("TinyTransformer steps over a textbook loop", ratio, "ratio", ">= 1.8")


def reference(folder: Path) -> Iterator[Figure]:
    """What 2,000 steps of the 4-layer setting learn of tinyshakespeare; takes two minutes."""
    if not SHAKESPEARE.exists():
        print(
            "tinyshakespeare.txt is not here: what the 4-layer setting learns of it is left out", file=sys.stderr
        )
        return
    with Child("tests.benchmarks.transformer_child", str(folder / "live-65.txt")) as child:
        told = child.ask(what="reference")
    name = "4 layers, 4 heads, 128, context 64, 2,000 steps"
    yield Figure(f"validation loss, {name}", told["val"], "nats", "<= 1.90")
    yield Figure(f"seconds, {name}", told["seconds"], "s")


def large(folder: Path) -> Iterator[Figure]:
    """How the window feels with a table of 8,000 subwords x 256 while somebody points at it."""
    arguments = (str(folder / "live-65.txt"), json.dumps(LARGE))
    with Child("tests.benchmarks.large_child", *arguments, environment={"QT_QPA_PLATFORM": "offscreen"}) as window:
        told = [window.ask(seconds=SECONDS) for _ in range(ROUNDS)]
    name = "8,000 x 256"
    yield Figure(f"paints of the table, {name}", median([t["paints_per_second"] for t in told]), "/s", ">= 55")
    yield Figure(f"longest on the window's thread, {name}", max(t["busy_max_ms"] for t in told), "ms", "<= 16")
    yield Figure(f"event loop p99, {name}", median([t["late_p99_ms"] for t in told]), "ms", "<= 16.7")
    yield Figure(f"snapshots shown, {name}", median([t["snapshots_per_second"] for t in told]), "/s")
    yield Figure(f"steps/s, {name}", median([t["steps_per_second"] for t in told]), "steps/s")


def tokenize(folder: Path) -> Iterator[Figure]:
    """Characters to ids."""
    from embedviz.text.char_tokenizer import CharTokenizer
    from embedviz.text.corpus import read_corpus

    path = folder / "live-65.txt"
    corpus = read_corpus(path)
    tokenizer = CharTokenizer.from_corpus(corpus, RunConfig())
    best = math.inf
    for _ in range(20):
        begin = time.perf_counter()
        tokenizer.encode(corpus.text)
        best = min(best, time.perf_counter() - begin)
    yield Figure("char-tokenize", path.stat().st_size / best / 1e6, "MB/s", ">= 100")


def memory(folder: Path) -> Iterator[Figure]:
    """The window process over a minute of training."""
    arguments = (str(folder / "live-65.txt"), json.dumps(SAMPLED))
    with Child("tests.benchmarks.live_child", *arguments, environment={"QT_QPA_PLATFORM": "offscreen"}) as window:
        told = window.ask(seconds=60, warm_s=30)
    yield Figure("window process grows in 60 s of training", told["grown_mb"], "MB", "< 5")
    yield Figure("window process holds", told["rss_mb"], "MB", "< 250")


def main() -> int:
    figures: list[Figure] = []
    parts: dict[str, Callable[[Path], Iterator[Figure]]] = {
        "live-65": lambda folder: live(folder, "bigram V=65", 65, SAMPLED),
        "live-256": lambda folder: live(folder, "bigram V=256", 256, SAMPLED),
        "live-mlp": lambda folder: live(folder, "MLP V=65", 65, MLP),
        "live-transformer": lambda folder: live(folder, "TinyTransformer V=65", 65, TRANSFORMER, paints=""),
        "live-steps": live_steps,
        "large": large,
        "x": live_on_x,
        "start": start,
        "app": app_start,
        "steps": steps,
        "mlp": mlp_steps,
        "transformer": transformer_steps,
        "reference": reference,
        "tokenize": tokenize,
        "subwords": subwords,
        "memory": memory,
    }
    wanted = sys.argv[1:] or list(parts)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = SHAKESPEARE if SHAKESPEARE.exists() else text_with_symbols(65, folder / "65.txt")
        shutil.copy(source, folder / "live-65.txt")
        (folder / "live-65.txt").chmod(0o644)
        for part in wanted:
            print(f"measuring {part} ...", file=sys.stderr, flush=True)
            figures += parts[part](folder)
    print_figures(figures)
    save_figures(figures, REPOSITORY / "build" / "bench.json")
    return 0 if all(figure.met is not False for figure in figures) else 1


sys.exit(main())
