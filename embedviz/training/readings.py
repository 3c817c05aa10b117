"""Losses of whole parts of a text, or of a sample of them where the whole would take too long."""

import math
import time

from torch import Tensor

from embedviz.models.base import LanguageModel, WholeText
from embedviz.models.initialization import make_generator
from embedviz.training import devices
from embedviz.training.batches import Batches
from embedviz.training.whole_texts import ReadText, WalkedText, WindowedText

_ESTIMATE_TOKENS = 4096  # at most so many, and so many logits, go into an estimate of the loss
_ESTIMATE_LOGITS = 2**22

Losses = tuple[float, float | None, bool, bool]
"""Of the training part, and of what is held out if anything is, in nats per token; whether each is an estimate."""


class Readings:
    """Reads the losses of a model on `train_ids` (N,), N at least 2, and `val_ids` (M,), both on the CPU."""

    def __init__(self, model: LanguageModel, train_ids: Tensor, val_ids: Tensor, boundary_id: int | None) -> None:
        self._train = Part(model, train_ids, boundary_id)
        self._val = Part(model, val_ids, boundary_id) if len(val_ids) > 1 else None
        self.train = self._train.whole
        self.train_sample = self._train.sample  # idx, targets

    @property
    def is_walked(self) -> bool:
        """Whether a whole reading goes through all of the text, and may take long."""
        return isinstance(self.train, ReadText)

    def at_hand(self) -> float:
        """Return the loss of the training part where there is a closed form, else that of the sample."""
        return self._train.estimate() if self.is_walked else self.train.loss()

    def whole(self) -> Losses:
        """Return the losses over the whole of both parts."""
        return self._train.read(), self._val.read() if self._val else None, False, False

    def within(self, budget_s: float) -> Losses:
        """Return the whole losses of both parts, of what is held out, or of none, as `budget_s` allows.

        Of the others estimates. What a part costs is known from the last time. The first time a text with a
        closed form is read whatever it costs; of one that has to be read through an estimate tells what it will.
        """
        val, val_estimated = None, False
        if self._val is not None:
            val, val_estimated, cost_s = self._val.within(budget_s)
            budget_s -= cost_s
        train, estimated, _ = self._train.within(budget_s)
        return train, val, estimated, val_estimated


class Part:
    """A part of the text, `ids` (N,), N at least 2: all of it, and a sample, the same for the whole run."""

    def __init__(self, model: LanguageModel, ids: Tensor, boundary_id: int | None) -> None:
        self._model = model
        self.whole: WholeText = model.whole_text(ids) or _read_through(model, ids, boundary_id)
        self.sample = _sample(model, ids, boundary_id)  # idx, targets, both (n, T)
        self._is_measured = not isinstance(self.whole, ReadText)
        self._cost_s = 0.0 if self._is_measured else math.inf  # of a whole reading, as far as it is known

    def read(self) -> float:
        """Return the loss over all of it."""
        start = time.perf_counter()
        loss = self.whole.loss()
        cost_s = time.perf_counter() - start
        known = self._is_measured and self._cost_s
        self._cost_s = min(cost_s, self._cost_s) if known else cost_s  # the least: a busy machine only adds
        self._is_measured = True
        return loss

    def estimate(self) -> float:
        """Return the loss of the sample."""
        return self._model.loss(*self.sample)

    def within(self, budget_s: float) -> tuple[float, bool, float]:
        """Return a loss, whether it is an estimate, and what of the budget was set aside for it."""
        estimate = None if self._is_measured else self._estimate_and_time()
        cost_s = self._cost_s
        if cost_s <= budget_s:
            return self.read(), False, cost_s
        return self.estimate() if estimate is None else estimate, True, 0.0

    def _estimate_and_time(self) -> float:
        start = time.perf_counter()
        loss = self.estimate()
        sample_s = time.perf_counter() - start
        if isinstance(self.whole, ReadText):
            self._cost_s = min(self._cost_s, self._whole_from_sample_s(self.whole, sample_s))
        return loss

    def _whole_from_sample_s(self, text: ReadText, sample_s: float) -> float:
        """Return what a whole reading would cost, from what the sample did; short contexts are read one by one."""
        idx, targets = self.sample
        start = time.perf_counter()
        if text.alone:
            self._model.loss(idx[:1], targets[:1])
        one_s = time.perf_counter() - start
        return sample_s * (text.size - text.alone) / text.predictions(idx) + one_s * text.alone


def _read_through(model: LanguageModel, ids: Tensor, boundary_id: int | None) -> ReadText:
    ids = ids.to(devices.torch_device(model.config.device))
    return WindowedText(model, ids) if model.predicts_everywhere else WalkedText(model, ids, boundary_id)


def _sample(model: LanguageModel, ids: Tensor, boundary_id: int | None) -> tuple[Tensor, Tensor]:
    """Draw the windows of `ids` (N,) that the loss is estimated from."""
    config, vocab_size = model.config, model.vocab_size
    if model.predicts_everywhere:
        windows = min(_ESTIMATE_TOKENS, _ESTIMATE_LOGITS // vocab_size) // config.block_size
    else:
        windows = model.contexts_at_once(config, vocab_size)
    generator = make_generator(config.seed, "estimates")
    ids = ids.to(devices.torch_device(config.device))
    return Batches(ids, max(1, windows), config.block_size, generator, boundary_id).draw()
