"""Where the trainer process begins: watches its parent from the first moment on, then loads torch.

One thread reads commands and notices the end of file, whatever a step is doing; the main thread computes.
"""

import faulthandler
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress

from embedviz.engine.channel import Channel
from embedviz.engine.messages import Event, Failed, Message
from embedviz.errors import EmbedvizError
from embedviz.files import keep_no_cache

MOST_COMMANDS = 1024  # waiting to be carried out; more are refused, aloud


class Inbox:
    """The commands that have arrived. `on_gone` is called, on the reading thread, when the window is gone."""

    def __init__(self, channel: Channel, on_gone: Callable[[], None]) -> None:
        self.commands: queue.Queue[Message] = queue.Queue(MOST_COMMANDS)
        self.on_gone = on_gone
        self.cleanup: Callable[[], None] = lambda: None
        self._channel = channel
        self._thread = threading.Thread(target=self._listen, name="commands", daemon=True)
        self._thread.start()

    def send(self, event: Event) -> None:
        """Tell the window; if it is gone, that is the end."""
        try:
            self._channel.send(event)
        except OSError:
            self._end()

    def _listen(self) -> None:
        try:
            while (message := self._channel.receive()) is not None:
                try:
                    self.commands.put_nowait(message)
                except queue.Full:
                    run_id = getattr(message, "run_id", None)
                    sentence = f"The trainer is too busy for another command ({MOST_COMMANDS} are waiting)."
                    self.send(Failed(run_id, type(message).__name__, sentence))
        except (OSError, EmbedvizError):
            traceback.print_exc()
        finally:
            self._end()

    def _end(self) -> None:
        self.cleanup()
        self.on_gone()


def main() -> int:
    """Serve the process that holds the other ends of stdin and stdout, until it closes them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a terminal is for the window
    with suppress(OSError, ValueError, AttributeError, RuntimeError):  # there may be no stderr
        faulthandler.enable()  # the window keeps what the trainer says last, as details of its death
    inbox = Inbox(_take_standard_streams(), on_gone=lambda: os._exit(0))
    # Threads of torch that spin while they wait for each other take the core that the other needs, as soon as
    # the window or anyone else computes too: a step, and an answer, then takes many times as long.
    # Measured with a transformer on 2 threads: spinning gains up to 1.8 times on an idle machine, but beside one
    # busy process it is 10 to 50 times as slow, and a short spin (GOMP_SPINCOUNT 300 to 100,000) 1.3 to 15 times.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    keep_no_cache()

    from embedviz.engine.server import Server  # torch: seconds, during which the parent may already be gone

    Server(inbox).serve()
    return 0


def _take_standard_streams() -> Channel:
    """Make a channel of stdin and stdout, and send whatever is printed to stderr instead."""
    read_fd, write_fd = os.dup(0), os.dup(1)
    if sys.platform == "win32":
        import msvcrt

        for fd in (read_fd, write_fd):
            msvcrt.setmode(fd, os.O_BINARY)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return Channel(read_fd, write_fd)
