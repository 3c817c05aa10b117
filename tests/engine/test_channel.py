import os
import struct
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from embedviz.engine import messages as m
from embedviz.engine import wire
from embedviz.engine.channel import Channel

Pair = tuple[Channel, Channel]


@pytest.fixture
def pair() -> Iterator[Pair]:
    down, up = os.pipe(), os.pipe()
    here, there = Channel(up[0], down[1]), Channel(down[0], up[1])
    yield here, there
    here.close()
    there.close()


@pytest.fixture(params=["readv", "read"])
def reading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "read":
        monkeypatch.delattr(os, "readv", raising=False)  # as on Windows
    return str(request.param)


def frame(message: m.Message) -> bytes:
    header, buffers = wire.encode(message)
    payload = b"".join(buffers)
    return struct.pack("<IQ", len(header), len(payload)) + header + payload


def test_both_directions(pair: Pair) -> None:
    here, there = pair
    here.send(m.Pause("a"))
    there.send(m.Stopped("a"))
    assert there.receive() == m.Pause("a")
    assert here.receive() == m.Stopped("a")


def test_a_frame_larger_than_the_pipe(pair: Pair, reading: str) -> None:
    here, there = pair
    losses = np.random.default_rng(0).standard_normal(1_000_000)  # 8 MB; a pipe holds 64 KB
    sender = threading.Thread(target=lambda: [here.send(m.Losses("a", step, losses)) for step in range(2)])
    sender.start()
    for step in range(2):
        received = there.receive()
        assert isinstance(received, m.Losses)
        assert received.first_step == step
        assert received.losses.tobytes() == losses.tobytes()
    sender.join()


def test_frames_of_many_senders_stay_whole_and_in_order(pair: Pair) -> None:
    here, there = pair
    senders, each = 8, 40

    def send(sender: int) -> None:
        for number in range(each):
            here.send(m.Losses(str(sender), number, np.full(3000, sender, np.float64)))

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(senders)]
    for thread in threads:
        thread.start()
    heard: dict[str, list[int]] = {str(sender): [] for sender in range(senders)}
    for _ in range(senders * each):
        received = there.receive()
        assert isinstance(received, m.Losses)
        assert (received.losses == int(received.run_id)).all()
        heard[received.run_id].append(received.first_step)
    for thread in threads:
        thread.join()
    assert all(numbers == list(range(each)) for numbers in heard.values())


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2, 0.5, 0.99])
def test_the_end_of_the_file_anywhere_in_a_frame_is_the_end(pair: Pair, reading: str, share: float) -> None:
    here, there = pair
    whole = frame(m.Losses("a", 0, np.arange(50.0)))
    os.write(here._write_fd, frame(m.Pause("a")) + whole[: int(share * len(whole))])
    here.close_writing()
    assert there.receive() == m.Pause("a")
    assert there.receive() is None
    assert there.receive() is None


@pytest.mark.parametrize("lengths", [(2**32 - 1, 0), (0, 2**64 - 1), (16 * 2**20 + 1, 8), (8, 4 * 2**30 + 1)])
def test_absurd_lengths_are_no_frame(pair: Pair, lengths: tuple[int, int]) -> None:
    here, there = pair
    os.write(here._write_fd, struct.pack("<IQ", *lengths))
    with pytest.raises(wire.ProtocolError, match="misunderstood"):
        there.receive()


def test_noise_is_no_frame(pair: Pair) -> None:
    here, there = pair
    os.write(here._write_fd, b"Warning: something was printed here\n")
    with pytest.raises(wire.ProtocolError):
        there.receive()


def test_sending_to_nobody_is_an_error(pair: Pair) -> None:
    here, there = pair
    there.close()
    with pytest.raises(BrokenPipeError):
        here.send(m.Pause("a"))


def test_a_sender_that_waits_is_told_when_the_other_side_goes(pair: Pair) -> None:
    here, there = pair
    problems: list[OSError] = []

    def send() -> None:
        try:
            here.send(m.Losses("a", 0, np.zeros(1_000_000)))
        except OSError as error:
            problems.append(error)

    sender = threading.Thread(target=send)
    sender.start()
    assert os.read(there._read_fd, 100)  # it has begun, and cannot finish
    there.close()
    sender.join()
    assert isinstance(problems[0], BrokenPipeError)


def test_closing_twice_closes_nothing_else(pair: Pair) -> None:
    here, there = pair
    here.close_writing()
    here.close()
    descriptors = os.pipe()  # the system gives closed numbers away again
    here.close()
    here.close_writing()
    os.write(descriptors[1], b"x")
    assert os.read(descriptors[0], 1) == b"x"
    for descriptor in descriptors:
        os.close(descriptor)
    assert there.receive() is None
