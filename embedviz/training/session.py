"""TrainingSession: the training loop as an iterator, one optimiser step per next()."""

import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from embedviz import catalog
from embedviz.checkpoint import Checkpoint
from embedviz.config import RunConfig
from embedviz.models.initialization import make_generator
from embedviz.text.dataset import Dataset
from embedviz.training import devices
from embedviz.training.batches import Batches, to_tensor
from embedviz.training.guard import DivergenceError, Guard
from embedviz.training.state import State, make_optimizer

if TYPE_CHECKING:
    from embedviz.models.base import LanguageModel

Floats = NDArray[np.float32]

_ESTIMATE_TOKENS = 4096  # at most so many, and so many logits, go into an estimate of the loss
_ESTIMATE_LOGITS = 2**22


class StepResult(NamedTuple):
    """One step: `step` updates were done before it; `loss`, in nats per token, is that of their weights."""

    step: int
    loss: float


class SplitLosses(NamedTuple):
    """The loss of the weights at `step` on both parts, in nats per token; `val` None if nothing is held out.

    Over the whole parts, or `estimated` from a sample of each that stays the same for the whole run.
    """

    step: int
    train: float
    val: float | None
    estimated: bool = False


class TrainingSession(Iterator[StepResult]):
    """One run, from its start. Raises ModelSizeError or DeviceError before it takes memory.

    `config` has device, threads and block size as they are used: a text shorter than a block shortens it.
    One generator serves training, and whatever only looks (losses, logits, checkpoints) leaves it alone.
    Sets the process's number of threads.
    """

    def __init__(self, config: RunConfig, dataset: Dataset) -> None:
        model: type[LanguageModel] = catalog.MODELS[config.model].load()
        model.check_size(config, dataset.vocab_size)
        config = devices.resolve(config, dataset.vocab_size)
        devices.use(config)
        train_ids = to_tensor(dataset.train_ids)  # (N,)
        val_ids = to_tensor(dataset.val_ids)  # (M,)
        batches = Batches(
            train_ids.to(config.device),
            max(config.batch_size, 1),
            config.block_size,
            make_generator(config.seed, "batches"),
        )
        self.config = config = config.replace(block_size=batches.block_size)
        self.vocab_size = dataset.vocab_size
        self.uniform = math.log(self.vocab_size)
        self.step = 0
        self._batches = batches
        self._model = model(config, self.vocab_size).to(config.device)
        self._model.initialize(train_ids, make_generator(config.seed, "initialization"))
        self._optimizer = make_optimizer(config, self._model)
        self._state = State(self._model, self._optimizer, batches.generator)
        self._train = self._model.whole_text(train_ids)
        self._val = self._model.whole_text(val_ids) if len(val_ids) > 1 else None
        self.floor = self._train.floor
        self.parameters_count = sum(parameter.numel() for parameter in self._model.parameters())
        self._train_sample = self._sample(train_ids)
        self._val_sample = self._sample(val_ids) if self._val else None
        self._whole_cost_s = 0.0
        self._accumulate = self._train.accumulate_gradients if config.whole_text else self._accumulate_batch
        self._asked: tuple[NDArray[np.integer], Tensor] = (np.zeros((0, 1), np.int64), torch.zeros(0, 1).long())
        self._guard = Guard(self.vocab_size)
        self._anchor = self._capture()

    def __next__(self) -> StepResult:
        """Take one step. Raises DivergenceError once the run is back at its last good step."""
        step = self.step
        loss = self._accumulate().item()
        if self._guard.alarms(step, loss):
            raise self._turn_back(step, loss)
        self._optimizer.step()
        self.step = step + 1
        return StepResult(step, loss)

    def whole_losses(self) -> SplitLosses:
        """Return the losses over the whole of both parts."""
        start = time.perf_counter()
        losses = SplitLosses(self.step, self._train.loss(), self._val.loss() if self._val else None)
        cost_s = time.perf_counter() - start
        self._whole_cost_s = min(cost_s, self._whole_cost_s or cost_s)  # the least: a busy machine only adds
        return losses

    def losses_within(self, budget_s: float) -> SplitLosses:
        """Return the whole losses if they took no longer than `budget_s` before, else an estimate.

        The first time they are taken whatever they cost, to know it.
        """
        if self._whole_cost_s <= budget_s:
            return self.whole_losses()
        val = self._loss_of(self._val_sample) if self._val_sample else None
        return SplitLosses(self.step, self._loss_of(self._train_sample), val, estimated=True)

    def tables(self) -> dict[str, Floats]:
        """Return copies of the model's lookup tables: {"token": (V, C), ...}."""
        return {name: table.copy() for name, table in self.live_tables().items()}

    def live_tables(self) -> dict[str, Floats]:
        """Return the lookup tables themselves where they lie in this process's memory: the next step moves them.

        For whoever copies them at once to where they go.
        """
        return {name: table.detach().cpu().numpy() for name, table in self._model.lookup_tables().items()}

    def table_gradients(self) -> dict[str, Floats]:
        """Return copies of the gradients of the last step, as `tables`; empty before the first."""
        tables = self._model.lookup_tables().items()
        return {name: _copy(table.grad) for name, table in tables if table.grad is not None}

    @torch.no_grad()
    def logits(self, contexts: NDArray[np.integer]) -> Floats:
        """Return the logits (N, V) of what follows `contexts` (N, T)."""
        if contexts is not self._asked[0]:  # the same are asked for sixty times a second
            last = contexts[:, -self._model.context_length :].astype(np.int64)  # (N, T)
            self._asked = contexts, torch.from_numpy(last).to(self.config.device)
        logits: Tensor = self._model.forward(self._asked[1])[0]  # (N, T, V)
        return _copy(logits[:, -1])  # (N, V)

    @property
    def is_healthy(self) -> bool:
        """Whether the weights are finite and the loss of the coming step, looked at beforehand, is sound."""
        return self._state.is_finite() and self._guard.accepts(self._next_loss())

    def checkpoint(self) -> Checkpoint:
        """Return the state of this step; of an earlier one if the session is not healthy."""
        if self.is_healthy:
            self._anchor = self._capture()
        return self._anchor

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from `checkpoint`, exactly as the run it was taken of did.

        Raises CheckpointError if it was taken of another model.
        """
        self._state.put(checkpoint.arrays)
        self.step = checkpoint.step
        recent = checkpoint.arrays.get("guard/recent", np.empty(0)).tolist()
        self._guard.restore(int(checkpoint.scalars.get("last_good_step", -1)), recent)
        self._anchor = checkpoint

    def _capture(self) -> Checkpoint:
        recent = np.array(self._guard.recent, dtype=np.float64)
        arrays = {**self._state.copy(), "guard/recent": recent}
        return Checkpoint(self.step, arrays, {"last_good_step": float(self._guard.last_good_step)})

    def _accumulate_batch(self) -> Tensor:
        return self._model.accumulate_gradients(*self._batches.draw())

    def _next_loss(self) -> float:
        if self.config.whole_text:
            return self._train.loss()
        before = self._batches.generator.get_state()
        batch = self._batches.draw()
        self._batches.generator.set_state(before)
        return self._loss_of(batch)

    @torch.no_grad()
    def _loss_of(self, batch: tuple[Tensor, Tensor]) -> float:
        loss: Tensor = self._model(*batch)[1]
        return loss.item()

    def _sample(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Draw the windows of `ids` (N,) that losses are estimated from: the same for the whole run."""
        tokens = min(_ESTIMATE_TOKENS, _ESTIMATE_LOGITS // self.vocab_size)
        windows = max(1, tokens // self.config.block_size)
        generator = make_generator(self.config.seed, "estimates")
        return Batches(ids.to(self.config.device), windows, self.config.block_size, generator).draw()

    def _turn_back(self, step: int, loss: float) -> DivergenceError:
        """Go back to the last sound step, and return what there is to say of `step`.

        A run is deterministic: it goes back to the last checkpoint and takes the same steps again.
        """
        last_good_step = max(self._guard.last_good_step, self._anchor.step)
        self.restore(self._anchor)
        while self.step < last_good_step:
            next(self)
            if not self._state.is_finite():  # rows that no batch has read since: one step less, then
                last_good_step = self.step - 1
                self.restore(self._anchor)
        return DivergenceError(step, loss, last_good_step, self.config.lr)


def _copy(tensor: Tensor) -> Floats:
    return np.array(tensor.detach().cpu().numpy())
