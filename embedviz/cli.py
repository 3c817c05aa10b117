"""The command line: the window, `embedviz train`, `embedviz tour`, the self-test. Imports lazily."""

import argparse
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedviz import __version__, cli_train
from embedviz.errors import EmbedvizError


def main(arguments: list[str]) -> int:
    """Obey `arguments`; return the exit code (2 for what cannot be begun)."""
    parser = make_parser()
    args = parser.parse_args(_with_default(arguments))
    try:
        return int(args.run(args))
    except EmbedvizError as error:
        if sys.stderr is not None:  # as in a program without a console
            sys.stderr.write(f"embedviz: {error.sentence}\n")
        return 2


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="embedviz",
        description="See how a language model learns its embeddings. Without a command: opens the window.",
    )
    parser.add_argument("--version", action="version", version=f"embedviz {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="")
    window = commands.add_parser("window", help="open the window (what happens without a command)")
    window.add_argument("text", nargs="?", type=Path, help="a text to train on (default: the sample fables)")
    window.add_argument("--safe-mode", action="store_true", help="leave saved settings aside, and as they are")
    window.set_defaults(run=_run_window)
    cli_train.add_parser(commands)
    tour = commands.add_parser("tour", help="drive the real window by itself and save pictures of it")
    tour.add_argument("--out", type=Path, required=True, help="folder for the numbered pictures and tour.json")
    tour.add_argument(
        "--size", type=_size, default=(1920, 1080), metavar="WxH", help="of the window (default: 1920x1080)"
    )
    tour.add_argument("--theme", choices=("light", "dark"), default="light", help="(default: light)")
    tour.add_argument("--scale", type=_scale, default=1.0, help="how much larger than designed (default: 1)")
    tour.add_argument("--text", type=Path, help="a text of your own (default: the sample fables)")
    tour.set_defaults(run=_run_tour)
    test = commands.add_parser("self-test", help="try every part of the app here, and say in JSON what works")
    test.add_argument("--out", type=Path, help="a file for what it says (default: standard output)")
    test.add_argument("--crash", action="store_true", help=argparse.SUPPRESS)  # of a process that it starts
    test.set_defaults(run=_run_self_test)
    return parser


def _with_default(arguments: list[str]) -> list[str]:
    """Open the window where no command is named: `embedviz FILE` is how a desktop opens a file with an app."""
    first = arguments[0] if arguments else ""
    if first in ("-h", "--help", "--version", "window", "train", "tour", "self-test"):
        return arguments
    if first == "--self-test":
        return ["self-test", *arguments[1:]]
    return ["window", *arguments]


def _run_window(args: argparse.Namespace) -> int:
    from embedviz.gui import crash_log

    with crash_log.begin() as log, _without_collecting():  # before anything that may fail or crash
        from embedviz.preflight import check

        check(needs_display=True)
        from embedviz.gui import failed_start

        with failed_start.told(log, safe=args.safe_mode):  # now that Qt can
            from embedviz.gui.app import run

            return run(args.text, safe=args.safe_mode, log=log)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Let a start make what it makes: none of it is garbage, and it would be looked through a dozen times."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _run_tour(args: argparse.Namespace) -> int:
    from embedviz.preflight import check, use_offscreen_without_display

    use_offscreen_without_display()
    check(needs_display=False)
    from embedviz.gui.tour import run_tour

    return run_tour(args.out, args.size, args.theme, args.scale, args.text)


def _run_self_test(args: argparse.Namespace) -> int:
    if args.crash:
        from embedviz.gui.self_tests.crashing import crash

        crash()
    from embedviz.preflight import check, use_offscreen_without_display

    use_offscreen_without_display()
    check(needs_display=False)
    from embedviz.gui.self_test import run_self_test

    return run_self_test(args.out)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit() and 320 <= int(width) <= 8192 and 240 <= int(height) <= 8192):
        raise argparse.ArgumentTypeError(f"'{text}' is no size: write it as 1920x1080")
    return int(width), int(height)


def _scale(text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not 0.8 <= scale <= 3.0:
        raise argparse.ArgumentTypeError(f"'{text}' is no scale: from 0.8 to 3")
    return scale
