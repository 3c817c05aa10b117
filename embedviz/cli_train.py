"""The arguments of `embedviz train`, made from the catalogue; nothing heavy is imported before it runs."""

import argparse
import sys

from embedviz import catalog
from embedviz.config import WHOLE_TEXT, RunConfig

EXIT_INTERRUPTED = 130  # 128 + SIGINT

SAMPLE = "sample:"
"""Before the name of a sample of the catalogue, where a file could stand too."""

_DEFAULT = RunConfig()


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `train` to the command line; `args.run(args)` trains and returns the exit code."""
    line = "Train a model without a window."
    parser = subparsers.add_parser("train", help=line, description=line)
    _add_text(parser)
    for name, table in (
        ("tokenizer", catalog.TOKENIZERS),
        ("model", catalog.MODELS),
        ("init", catalog.STARTS),
        ("optimizer", catalog.OPTIMIZERS),
    ):
        about = " ".join(f"{entry.name}: {entry.line}" for entry in table.values())
        default = getattr(_DEFAULT, name)
        parser.add_argument(
            f"--{name}", choices=list(table), default=default, help=f"{about} (default: {default})"
        )
    _add_settings(parser)
    _add_machine(parser)
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object a line: start, progress about once a second, end (default: print words)",
    )
    parser.set_defaults(run=run_train)


def run_train(args: argparse.Namespace) -> int:
    """Train as `args` say; return the exit code."""
    try:
        from embedviz.training.command import run

        return run(args)
    except KeyboardInterrupt:  # also while torch is being imported, which takes a while
        if sys.stderr is not None:
            sys.stderr.write("\nStopped before the end, because Ctrl+C was pressed.\n")
        return EXIT_INTERRUPTED


def default_of(optimizer: str, setting: str) -> float:
    """Return what a setting is with this optimiser if nobody says otherwise."""
    return catalog.OPTIMIZERS[optimizer].defaults.get(setting, catalog.SETTINGS[setting].default)


def _add_text(parser: argparse.ArgumentParser) -> None:
    samples = ", ".join(SAMPLE + name for name in catalog.SAMPLES)
    default = SAMPLE + catalog.DEFAULT_SAMPLE
    parser.add_argument(
        "--text",
        default=default,
        metavar="FILE",
        help=f"A file of UTF-8 text, or one of {samples}. (default: {default})",
    )
    parser.add_argument(
        "--per-line",
        action=argparse.BooleanOptionalAction,
        help="The text is a list of items, one a line. (default: as the sample is; a file is running text)",
    )


def _add_settings(parser: argparse.ArgumentParser) -> None:
    for name in ("lr", "weight_decay"):
        entries = [entry for entry in catalog.OPTIMIZERS.values() if name in entry.settings]
        defaults = ", ".join(f"{default_of(entry.name, name):g} for {entry.name}" for entry in entries)
        parser.add_argument(
            _flag(name), type=float, metavar="X", help=f"{catalog.SETTINGS[name].line} (default: {defaults})"
        )
    lines = f"{catalog.SETTINGS['beta1'].line} {catalog.SETTINGS['beta2'].line}"
    betas = (_DEFAULT.beta1, _DEFAULT.beta2)
    parser.add_argument(
        "--betas",
        type=float,
        nargs=2,
        default=betas,
        metavar=("B1", "B2"),
        help=f"{lines} (default: {betas[0]:g} {betas[1]:g})",
    )
    parser.add_argument(
        "--batch-size",
        type=_batch_size,
        default="all",
        metavar="N",
        help=f"{catalog.SETTINGS['batch_size'].line} Or all: the exact gradient of all of it. (default: all)",
    )
    for name in ("block_size", "val_fraction", "seed"):
        setting, default = catalog.SETTINGS[name], getattr(_DEFAULT, name)
        parser.add_argument(
            _flag(name),
            type=int if setting.integer else float,
            default=default,
            metavar="N" if setting.integer else "X",
            help=f"{setting.line} (default: {default})",
        )


def _add_machine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--steps", type=_step_count, default=1000, metavar="N", help="Steps to take. (default: 1000)"
    )
    parser.add_argument(
        "--device",
        default="auto",
        metavar="NAME",
        help="cpu, the name of an accelerator that is there, or auto. (default: auto)",
    )
    parser.add_argument(
        "--threads",
        type=_thread_count,
        default="auto",
        metavar="N",
        help="How many, or auto: one unless the model is large. (default: auto)",
    )


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _batch_size(text: str) -> int:
    return WHOLE_TEXT if text == "all" else _whole_number(text, "all", 1)


def _thread_count(text: str) -> int:
    return 0 if text == "auto" else _whole_number(text, "auto", 1)


def _step_count(text: str) -> int:
    return _whole_number(text, "", 0)


def _whole_number(text: str, word: str, minimum: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = minimum - 1
    if number < minimum:
        other = f" or '{word}'" if word else ""
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from {minimum}{other}")
    return number
