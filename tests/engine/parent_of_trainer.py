"""Owns a trainer as the window does, and prints what it hears, until somebody kills it.

Arguments: what to have the trainer do ("load", "idle", "play" or "long step").
"""

import sys

import numpy as np

from embedviz.config import RunConfig
from embedviz.engine import messages as m
from embedviz.engine.client import TrainerClient
from embedviz.text.dataset import make_dataset

LONG = RunConfig(optimizer="sgd", batch_size=65_536, block_size=1024)  # 67 million tokens a step: seconds


def main(task: str) -> None:
    ids = np.random.default_rng(0).integers(0, 2, 20_000)
    client = TrainerClient()
    say(str(client.pid))
    for event in client.events():
        say(type(event).__name__)
        if isinstance(event, m.Ready) and task != "load":
            client.send(m.LoadDataset("text", make_dataset(ids, vocab_size=2, val_fraction=0.0)))
            client.send(m.StartRun("run", "text", LONG if task == "long step" else RunConfig()))
        elif isinstance(event, m.Started) and task in ("play", "long step"):
            client.send(m.Play("run"))


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
