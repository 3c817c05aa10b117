"""What subwords cost: learning them, the memory of encoding with them; and a long own line in every tokenizer."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.text.corpus import Corpus, read_corpus
from embedviz.text.subword_tokenizer import SubwordTokenizer
from embedviz.text.tokenizers import Tokenizer
from tests.benchmarks.harness import Child, Figure, answer, median

MERGES = 1000
MEGABYTES = 5
LINE = 5000
ROUNDS = 5


def subwords(folder: Path) -> Iterator[Figure]:
    """Yield seconds of learning, MB of encoding, ms from a line to its tokens, of the text live-65.txt."""
    corpus = read_corpus(folder / "live-65.txt")
    config = RunConfig(tokenizer="subword", vocab_size=256 + MERGES)
    learned = SubwordTokenizer.from_corpus(corpus, config)
    yield Figure(
        f"subword training of {MERGES:,} merges on tinyshakespeare",
        median([_seconds(partial(SubwordTokenizer.from_corpus, corpus, config)) for _ in range(ROUNDS)]),
        "s",
        "<= 1",
    )
    saved = folder / "tokenizer.json"
    saved.write_text(json.dumps(learned.to_json()), encoding="utf-8")
    with Child("tests.benchmarks.subwords", str(folder / "live-65.txt"), str(saved)) as child:
        grown = child.ask()["grown_mb"]
    yield Figure(f"encoding {MEGABYTES} MB subword", grown, "MB", "<= 300")
    text = corpus.beginning(LINE)
    for name in catalog.TOKENIZERS:
        tokenizer = _made(name, corpus, config, learned, folder)
        tokenizer.encode_line(text)  # the tables by id are made once
        seconds = median([_seconds(partial(tokenizer.encode_line, text)) for _ in range(ROUNDS)])
        yield Figure(f"own line of {LINE:,} characters to a Line, {name}", 1000 * seconds, "ms", "<= 16")


def _made(name: str, corpus: Corpus, config: RunConfig, learned: SubwordTokenizer, folder: Path) -> Tokenizer:
    path = folder / "other.json"
    path.write_text(learned.definition, encoding="utf-8")
    config = config.replace(tokenizer=name, tokenizer_file=str(path) if name == "file" else "")
    made: Tokenizer = catalog.TOKENIZERS[name].load().from_corpus(corpus, config)
    return made


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _grown_mb(text: Path, saved: Path) -> float:
    """Return by how much the memory peaks while MEGABYTES of text are encoded, the text itself not counted."""
    part = read_corpus(text).text
    corpus = Corpus("test", (part * (MEGABYTES * 10**6 // len(part) + 1))[: MEGABYTES * 10**6])
    tokenizer = SubwordTokenizer.from_json(json.loads(saved.read_text(encoding="utf-8")))
    process = psutil.Process()
    done = threading.Event()
    begin = peak = process.memory_info().rss

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.001):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    tokenizer.encode_chunks(corpus.chunks())
    peak = max(peak, process.memory_info().rss)
    done.set()
    watcher.join()
    return (peak - begin) / 1e6


def main() -> None:
    for _ in sys.stdin:
        answer({"grown_mb": _grown_mb(Path(sys.argv[1]), Path(sys.argv[2]))})


if __name__ == "__main__":
    main()
