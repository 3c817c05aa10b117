"""Pays in advance for what only a first step costs: torch imports 1.3 s of itself with an optimiser."""

import numpy as np

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.text.dataset import make_dataset
from embedviz.training.session import TrainingSession


def warm_up() -> None:
    """Take a step of each model, and of each kind, on a text of three tokens; nothing of it remains."""
    dataset = make_dataset(np.array([0, 1, 0], dtype=np.uint8), vocab_size=2, val_fraction=0.0)
    for model in catalog.MODELS:
        for batch_size in (0, 1):
            config = RunConfig().with_model(model).replace(batch_size=batch_size)
            session = TrainingSession(config, dataset)
            next(session)
            session.restore(session.checkpoint())
