"""The trainer's ear, which also notices that nobody is there any more."""

import os
import threading

import pytest
from engine_window import PATIENCE_S

from embedviz.engine import messages as m
from embedviz.engine.channel import Channel
from embedviz.engine.entry import Inbox


class Ends:
    """An inbox between two pipes, and whether it has noticed the end."""

    def __init__(self) -> None:
        self.down, self.up = os.pipe(), os.pipe()
        self.noticed: list[str] = []
        self.gone = threading.Event()
        self.channel = Channel(self.down[0], self.up[1])
        self.inbox = Inbox(self.channel, on_gone=self._when_gone)
        self.inbox.cleanup = lambda: self.noticed.append("cleaned up")

    def _when_gone(self) -> None:
        self.noticed.append("gone")
        self.gone.set()


def test_the_end_of_the_file_is_the_end() -> None:
    ends = Ends()
    os.close(ends.down[1])
    assert ends.gone.wait(PATIENCE_S)
    assert ends.noticed == ["cleaned up", "gone"]
    os.close(ends.up[0])
    ends.channel.close()


def test_the_end_in_the_middle_of_a_command_is_the_end() -> None:
    ends = Ends()
    os.write(ends.down[1], b"abc")
    os.close(ends.down[1])
    assert ends.gone.wait(PATIENCE_S)
    assert ends.inbox.commands.empty()
    os.close(ends.up[0])
    ends.channel.close()


def test_nobody_to_tell_is_the_end() -> None:
    ends = Ends()
    os.close(ends.up[0])
    ends.inbox.send(m.Stopped("a"))
    assert ends.noticed == ["cleaned up", "gone"]
    ends.gone.clear()
    os.close(ends.down[1])
    assert ends.gone.wait(PATIENCE_S)
    ends.channel.close()


def test_what_is_no_command_is_the_end(capfd: pytest.CaptureFixture[str]) -> None:
    ends = Ends()
    os.write(ends.down[1], bytes(range(255, 155, -1)))
    assert ends.gone.wait(PATIENCE_S)
    assert "ProtocolError" in capfd.readouterr().err
    os.close(ends.down[1])
    os.close(ends.up[0])
    ends.channel.close()
