"""Losses of whole parts of a text, or of a sample of them where the whole would take too long."""

import math
import time

from torch import Tensor

from embedviz.models.base import LanguageModel, WholeText
from embedviz.models.initialization import make_generator
from embedviz.training import devices
from embedviz.training.batches import Batches
from embedviz.training.contexts import WalkedText

_ESTIMATE_TOKENS = 4096  # at most so many, and so many logits, go into an estimate of the loss
_ESTIMATE_LOGITS = 2**22

Losses = tuple[float, float | None]
"""Of the training part, and of what is held out if anything is; in nats per token."""


class Readings:
    """Reads the losses of a model on `train_ids` (N,), N at least 2, and `val_ids` (M,), both on the CPU."""

    def __init__(self, model: LanguageModel, train_ids: Tensor, val_ids: Tensor, boundary_id: int | None) -> None:
        self._model = model
        self._boundary_id = boundary_id
        self.train = self._whole(train_ids)
        self.val = self._whole(val_ids) if len(val_ids) > 1 else None
        self.train_sample = self._sample(train_ids)  # idx, targets
        self._val_sample = self._sample(val_ids) if self.val else None
        self._cost_s = math.inf if self.is_walked else 0.0  # of a whole reading, as far as it is known
        self._is_measured = not self.is_walked

    @property
    def is_walked(self) -> bool:
        """Whether a whole reading goes through every context, and may take long."""
        return isinstance(self.train, WalkedText)

    def whole(self) -> Losses:
        """Return the losses over the whole of both parts."""
        start = time.perf_counter()
        losses = self.train.loss(), self.val.loss() if self.val else None
        cost_s = time.perf_counter() - start
        known = self._is_measured and self._cost_s
        self._cost_s = min(cost_s, self._cost_s) if known else cost_s  # the least: a busy machine only adds
        self._is_measured = True
        return losses

    def within(self, budget_s: float) -> tuple[float, float | None, bool]:
        """Return the whole losses and False if that costs no more than `budget_s`, else an estimate and True.

        What it costs is known from the last time. The first time a text with a closed form is read whatever it
        costs; a text that has to be walked through is estimated, to know from that.
        """
        estimate = None if self._is_measured else self._estimate()
        if self._cost_s <= budget_s:
            return *self.whole(), False
        return *(estimate or self._estimate()), True

    def _estimate(self) -> Losses:
        start = time.perf_counter()
        train = self._model.loss(*self.train_sample)
        val = self._model.loss(*self._val_sample) if self._val_sample else None
        if not self._is_measured:
            self._cost_s = min(self._cost_s, self._whole_from_sample_s(time.perf_counter() - start))
        return train, val

    def _whole_from_sample_s(self, sample_s: float) -> float:
        """Return what a whole reading would cost, from what the sample did; short contexts are read one by one."""
        walked = [part for part in (self.train, self.val) if isinstance(part, WalkedText)]
        short = sum(part.short for part in walked)
        sampled = len(self.train_sample[0]) + (len(self._val_sample[0]) if self._val_sample else 0)
        start = time.perf_counter()
        if short:
            self._model.loss(self.train_sample[0][:1], self.train_sample[1][:1])
        one_s = time.perf_counter() - start
        return sample_s * (sum(part.size for part in walked) - short) / sampled + one_s * short

    def _whole(self, ids: Tensor) -> WholeText:
        device = devices.torch_device(self._model.config.device)
        return self._model.whole_text(ids) or WalkedText(self._model, ids.to(device), self._boundary_id)

    def _sample(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Draw the windows of `ids` (N,) that losses are estimated from: the same for the whole run."""
        config, vocab_size = self._model.config, self._model.vocab_size
        if self._model.predicts_everywhere:
            windows = min(_ESTIMATE_TOKENS, _ESTIMATE_LOGITS // vocab_size) // config.block_size
        else:
            windows = self._model.contexts_at_once(config, vocab_size)
        generator = make_generator(config.seed, "estimates")
        ids = ids.to(devices.torch_device(config.device))
        return Batches(ids, max(1, windows), config.block_size, generator, self._boundary_id).draw()
