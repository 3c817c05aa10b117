"""TrainingSession: the training loop as an iterator, one optimiser step per next()."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from embedviz import catalog
from embedviz.checkpoint import Checkpoint
from embedviz.config import RunConfig
from embedviz.edits import HandEdit
from embedviz.models.initialization import make_generator
from embedviz.text.dataset import Dataset
from embedviz.training import by_hand, devices
from embedviz.training.batches import Batches, to_tensor
from embedviz.training.device_choice import DeviceChooser
from embedviz.training.guard import DivergenceError, Guard, can_learn
from embedviz.training.looking import Floats, Looker, StartFacts, copy
from embedviz.training.readings import Readings
from embedviz.training.schedules import SCHEDULES
from embedviz.training.state import State, make_optimizer
from embedviz.training.tracing import StepTracer

if TYPE_CHECKING:
    from embedviz.models.base import LanguageModel
    from embedviz.trace import StepTrace


class StepResult(NamedTuple):
    """One step: `step` updates were done before it; `loss`, in nats per token, is that of their weights."""

    step: int
    loss: float


class SplitLosses(NamedTuple):
    """The loss of the weights at `step` on both parts, in nats per token; `val` None if nothing is held out.

    Over the whole parts, or `estimated` (`train`) from a sample that stays the same for the whole run.
    """

    step: int
    train: float
    val: float | None
    estimated: bool = False
    val_estimated: bool = False


class TrainingSession(Iterator[StepResult]):
    """One run, from its start. Raises ModelSizeError or DeviceError before it takes memory.

    `config` has device, threads and block size as they are used: a text shorter than a block shortens it.
    `choice` says in a sentence how device and threads were chosen, where they were left open.
    One generator serves training, and whatever only looks (losses, logits, checkpoints) leaves it alone.
    Sets the process's number of threads.
    """

    def __init__(self, config: RunConfig, dataset: Dataset, chooser: DeviceChooser | None = None) -> None:
        model: type[LanguageModel] = catalog.MODELS[config.model].load()
        model.check_size(config, dataset.vocab_size)
        config, self.choice = (chooser or DeviceChooser()).choose(config, dataset, TrainingSession)
        devices.use(config)
        self._place = place = devices.torch_device(config.device)
        train_ids = to_tensor(dataset.train_ids)  # (N,)
        val_ids = to_tensor(dataset.val_ids)  # (M,)
        boundary_id = None if model.predicts_everywhere else dataset.boundary_id  # windows cross from item to item
        batches = Batches(
            train_ids.to(place),
            max(config.batch_size, 1),
            config.block_size,
            make_generator(config.seed, "batches"),
            boundary_id,
        )
        self.config = config = config.replace(block_size=batches.block_size)
        self.vocab_size = dataset.vocab_size
        self.uniform = math.log(self.vocab_size)
        self.step = 0
        self.gradient_norm: float | None = None
        """Of the last step, before it was clipped; None where nothing is clipped."""
        self._batches = batches
        self._model = model(config, self.vocab_size).to(place)
        self._model.initialize(train_ids, make_generator(config.seed, "initialization"))
        self._optimizer = make_optimizer(config, self._model)
        self._state = State(self._model, self._optimizer, batches.generator)
        self._readings = Readings(self._model, train_ids, val_ids, boundary_id)
        self._looker = Looker(self._model, dataset.boundary_id, self._readings.train_sample[0])
        self.start = StartFacts.of(self._model, self._readings.at_hand())
        self.floor = self._readings.train.floor
        self.parameters_count = sum(parameter.numel() for parameter in self._model.parameters())
        self._accumulate = (
            self._readings.train.accumulate_gradients if config.whole_text else self._accumulate_batch
        )
        self._tracer = StepTracer(
            self._model, self._optimizer, batches, boundary_id, self._accumulate, self._update
        )
        self._schedule = SCHEDULES[config.schedule]
        self._is_plain = config.schedule == "constant" and not config.clip
        self._guard = Guard(self.vocab_size, self.start.first_loss)
        self._frozen = by_hand.FrozenRows(self._model.lookup_tables())
        self._anchor = self.state()

    def __next__(self) -> StepResult:
        """Take one step. Raises DivergenceError once the run is back at its last good step."""
        step = self.step
        loss = self._accumulate().item()
        if self._guard.alarms(step, loss):
            raise self._turn_back(step, loss)
        self._update()
        self.step = step + 1
        return StepResult(step, loss)

    @property
    def learning_rate(self) -> float:
        """The learning rate of the coming step."""
        return self._schedule(self.config, self.step)

    def whole_losses(self) -> SplitLosses:
        """Return the losses over the whole of both parts, whatever it costs."""
        return SplitLosses(self.step, *self._readings.whole())

    def losses_within(self, budget_s: float) -> SplitLosses:
        """Return the whole losses if they take no longer than `budget_s`, else estimates; see Readings.within."""
        return SplitLosses(self.step, *self._readings.within(budget_s))

    @property
    def is_walked(self) -> bool:
        """Whether a whole loss goes through all of the text, and may take minutes."""
        return self._readings.is_walked

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
        return {name: copy(table.grad) for name, table in tables if table.grad is not None}

    def logits(self, contexts: NDArray[np.integer]) -> Floats:
        """Return the logits (N, V) of what follows `contexts` (N, T), which are read as `pad` says."""
        return self._looker.logits(contexts)

    def trace(self, context: NDArray[np.integer]) -> dict[str, NDArray[np.generic]]:
        """Return copies of all that the model computes of one `context` (T,), by name and in order.

        See LanguageModel.trace; ids are int64, and NOTHING (-1) before the beginning of a running text.
        """
        return self._looker.trace(context)

    def trace_step(self, context: NDArray[np.integer]) -> "StepTrace":
        """Return all that the coming step computes, for what follows `context` (T,) if its batch has that.

        Nothing is changed by it: the step is taken for real, and undone bit by bit. No batch has an empty one.
        """
        norm = self.gradient_norm
        try:
            return self._tracer.trace(self.step, self.learning_rate, self._looker.to_trace(context))
        finally:
            self.gradient_norm = norm

    def activations(self, limit: int = 128) -> dict[str, Floats]:
        """Return the hidden layers, {"hidden": (N, H)}, on the first `limit` contexts of the estimate's sample.

        The contexts are the same for the whole run. Empty for a model without hidden layers.
        """
        return self._looker.activations(limit)

    def layer_stats(self) -> dict[str, Floats]:
        """Return what each layer puts out, {name: (STATS,)} of analysis.layers, on some of those contexts."""
        return self._looker.layer_stats()

    def attention(self, context: NDArray[np.integer], layer: int) -> dict[str, Floats]:
        """Return what a layer of attention, from 0, computes of one `context` (T,); see LanguageModel.attention.

        Of its last t positions, MOST_ATTENDED at most: "weights" (H, t, t), "queries" and "keys" (H, t, D). Empty
        for an empty context, and where there is no such layer.
        """
        return self._looker.attention(context, layer)

    def pad(self, contexts: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return `contexts` (N, T) as the model reads them: as many of the last tokens as it can.

        In a list of items, for a model that reads a block of fixed length, (N, block_size): with the boundary
        before the first token, and in place of all that stands before the last boundary. One that reads a window
        reads from the last boundary on; NOTHING stands before what is shorter than others.
        """
        return self._looker.contexts.padded(contexts)

    @property
    def is_healthy(self) -> bool:
        """Whether the weights are finite and the loss of the coming step, looked at beforehand, is sound."""
        return self._state.is_finite() and self._guard.accepts(self._next_loss())

    def checkpoint(self) -> Checkpoint:
        """Return the state of this step; of an earlier one if the session is not healthy."""
        if self.is_healthy:
            self._anchor = self.state()
        return self._anchor

    def state(self) -> Checkpoint:
        """Return the state of this very step, healthy or not."""
        recent = np.array(self._guard.recent, dtype=np.float64)
        arrays = {**self._state.copy(), **self._frozen.copy(), "guard/recent": recent}
        return Checkpoint(self.step, arrays, self._guard.known())

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from `checkpoint`, exactly as the run it was taken of did.

        Raises CheckpointError if it was taken of another model.
        """
        self._state.put(checkpoint.arrays)
        self._frozen.put(checkpoint.arrays)
        self.step = checkpoint.step
        recent = checkpoint.arrays.get("guard/recent", np.empty(0)).tolist()
        self._guard.restore(checkpoint.scalars, recent)
        self._anchor = checkpoint
        self.gradient_norm = None

    def edit(self, edit: HandEdit) -> HandEdit:
        """Change a table by hand as `edit` says; return it with what was there before, and when.

        From now on this is the last sound state, as sound as it is: no run is turned back for an edit.
        Raises HandEditError, with nothing changed.
        """
        done = by_hand.make(edit, self._model.lookup_tables(), self._frozen, self.step)
        if done.kind == "cell":
            contexts = self._readings.train_sample[0]  # (N, T)
            self._guard.forgive(by_hand.worst_loss(self._model, contexts, done.row))
        self._anchor = self.state()
        return done

    def _accumulate_batch(self) -> Tensor:
        return self._model.accumulate_gradients(*self._batches.draw())

    def _update(self) -> None:
        """Move the weights against the gradient that they have."""
        if not self._is_plain:
            self._adjust()
        if self._frozen:
            self._frozen.step(self._optimizer)
        else:
            self._optimizer.step()

    def _adjust(self) -> None:
        """Set the rate of the coming step, and shorten the gradient if it is too long."""
        rate = self.learning_rate
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        if self.config.clip:
            norm = nn.utils.clip_grad_norm_(self._model.parameters(), self.config.clip)
            self.gradient_norm = norm.item()

    def _next_loss(self) -> float:
        if self.config.whole_text:
            return self._readings.at_hand()
        before = self._batches.generator.get_state()
        batch = self._batches.draw()
        self._batches.generator.set_state(before)
        return self._model.loss(*batch)

    def _can_learn(self) -> bool:
        return can_learn(self._model, self._accumulate, self._batches.generator)

    def _turn_back(self, step: int, loss: float) -> DivergenceError:
        """Go back to the last sound step, and return what there is to say of `step`.

        A run is deterministic: it goes back to the last checkpoint and takes the same steps again.
        """
        last_good_step = max(self._guard.last_good_step, self._anchor.step)
        self.restore(self._anchor)
        while self.step < last_good_step:
            next(self)
            # Infinite in rows that no batch has read since, or too large to compute with: one step less, then.
            if not (self._state.is_finite() and (self.step < last_good_step or self._can_learn())):
                last_good_step = self.step - 1
                self.restore(self._anchor)
        return DivergenceError(step, loss, last_good_step, self.config.lr)
