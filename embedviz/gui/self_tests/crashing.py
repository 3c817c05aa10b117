"""Lets this process crash, as nothing else does: the self-test sees what is found of it afterwards."""

import faulthandler

from embedviz.gui import crash_log

NOTE = "The self-test lets this process crash."


def crash() -> None:
    """Begin a crash log, and end by a fault. Python leaves no core file and shows no dialog of the system then."""
    crash_log.begin().note(NOTE)
    faulthandler._sigsegv()  # type: ignore[attr-defined]  # its own tests end so
