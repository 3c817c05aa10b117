"""Warming up."""

import subprocess
import sys

import torch

from embedviz.training.warmup import warm_up


def test_it_leaves_nothing_behind() -> None:
    before = torch.is_grad_enabled(), torch.get_default_dtype()
    warm_up()
    assert (torch.is_grad_enabled(), torch.get_default_dtype()) == before


def test_what_a_first_step_imports_is_imported_by_it() -> None:
    program = """if True:
        import sys
        from embedviz.config import RunConfig
        from embedviz.training.session import TrainingSession
        from embedviz.training.warmup import warm_up
        from embedviz.text.dataset import make_dataset
        import numpy as np
        warm_up()
        before = set(sys.modules)
        mlp = RunConfig(model="mlp", batch_size=2, clip=1.0, schedule="cosine")
        window = RunConfig().with_model("llama")
        for config in (RunConfig(), RunConfig(device="auto", threads=0), mlp, window):
            session = TrainingSession(config, make_dataset(np.array([0, 1, 1, 0], np.uint8), 2, 0.0))
            next(session)
            session.checkpoint()
            session.losses_within(0.0)
        print(*sorted(set(sys.modules) - before))
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
