"""Progress: resting passes on what it is told, and lets a cancel through."""

import time

import pytest

from embedviz.text import progress as progress_module
from embedviz.text.progress import Cancelled, resting


def test_resting_tells_all_and_sleeps_only_after_work(monkeypatch):
    now, slept, told = [0.0], [], []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", slept.append)
    tell = resting(lambda doing, done: told.append((doing, done)))
    for share in (0.0, 0.25, 0.5, 0.75):
        tell("Reading", share)
        now[0] += 0.6 * progress_module._WORK_S
    assert told == [("Reading", 0.0), ("Reading", 0.25), ("Reading", 0.5), ("Reading", 0.75)]
    assert len(slept) == 1  # after 1.2 of the stretches of work; 0.6 later it is not due again


def test_a_cancel_passes_through():
    def cancelled(doing, done):
        raise Cancelled

    with pytest.raises(Cancelled):
        resting(cancelled)("Reading", 0.5)
