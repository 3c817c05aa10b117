"""Child: the same session with no window, no engine, nothing but steps."""

import json
import sys
import time
from pathlib import Path

from embedviz.config import RunConfig
from embedviz.text.corpus import read_corpus
from embedviz.text.preparation import prepare
from embedviz.training.session import TrainingSession
from tests.benchmarks.harness import answer


def main() -> None:
    corpus = read_corpus(Path(sys.argv[1]))
    config = RunConfig(**json.loads(sys.argv[2]))
    session = TrainingSession(config, prepare(corpus, config).dataset)
    for line in sys.stdin:
        seconds = json.loads(line)["seconds"]
        warm = time.perf_counter() + 0.3
        while time.perf_counter() < warm:
            next(session)
        losses = []
        begin, first = time.perf_counter(), session.step
        end = begin + seconds
        while time.perf_counter() < end:
            losses.append(next(session).loss)
        answer({"steps_per_second": (session.step - first) / (time.perf_counter() - begin)})


main()
