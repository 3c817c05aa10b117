"""The arguments of `embedviz train`, made from the catalogue; nothing heavy is imported before it runs."""

import argparse
import sys
from typing import Any

from embedviz import catalog
from embedviz.config import WHOLE_TEXT, RunConfig
from embedviz.files import keep_no_cache

EXIT_INTERRUPTED = 130  # 128 + SIGINT

SAMPLE = "sample:"
"""Before the name of a sample of the catalogue, where a file could stand too."""

_DEFAULT = RunConfig()


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `train` to the command line; `args.run(args)` trains and returns the exit code."""
    line = "Train a model without a window."
    parser = subparsers.add_parser("train", help=line, description=line)
    _add_text(parser)
    _add_tokenizer(parser)
    _add_choice(parser, "model", catalog.MODELS, _DEFAULT.model)
    for name in ("n_embd", "hidden", "n_layer", "n_head", "block_size"):
        _add_setting(parser, name)
    for name, table in (
        ("position", catalog.POSITIONS),
        ("init", catalog.STARTS),
        ("layer_init", catalog.LAYER_STARTS),
        ("residual_init", catalog.RESIDUAL_INITS),
    ):
        _add_choice(parser, name, table)
    _add_switches(parser)
    _add_choice(parser, "optimizer", catalog.OPTIMIZERS)
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
    keep_no_cache()
    try:
        from embedviz.training.command import run

        return run(args)
    except KeyboardInterrupt:  # also while torch is being imported, which takes a while
        if sys.stderr is not None:
            sys.stderr.write("\nStopped before the end, because Ctrl+C was pressed.\n")
        return EXIT_INTERRUPTED


def default_of(name: str, model: str, optimizer: str = "") -> Any:
    """Return what a field of RunConfig is for this model and optimiser if nobody says otherwise."""
    of_optimizer = catalog.optimizer_defaults(model, optimizer) if optimizer else {}
    return {**of_optimizer, **catalog.MODELS[model].defaults}.get(name, getattr(_DEFAULT, name))


def _add_tokenizer(parser: argparse.ArgumentParser) -> None:
    entries = [entry for entry in catalog.TOKENIZERS.values() if entry.name != "file"]
    about = " ".join(f"{entry.name}: {entry.line}" for entry in entries)
    parser.add_argument(
        "--tokenizer",
        metavar="NAME|FILE.json",
        help=f"{about} Or a file: {catalog.TOKENIZERS['file'].line} (default: {_defaults_in_words('tokenizer')})",
    )
    _add_setting(parser, "vocab_size", for_whom=" For the tokenizers word and subword.")


def _add_choice(
    parser: argparse.ArgumentParser, name: str, table: dict[str, catalog.Entry], default: str | None = None
) -> None:
    about = " ".join(f"{entry.name}: {entry.line}" for entry in table.values())
    stated = default or _defaults_in_words(name)
    parser.add_argument(
        flag(name),
        choices=list(table),
        default=default,
        help=f"{about}{_for_whom(name)} (default: {stated})",
    )


def _add_switches(parser: argparse.ArgumentParser) -> None:
    for name, entry in catalog.SWITCHES.items():
        parser.add_argument(
            flag(name),
            action=argparse.BooleanOptionalAction,
            help=f"{entry.line}{_for_whom(name)} (default: {_defaults_in_words(name)})",
        )


def _add_setting(parser: argparse.ArgumentParser, name: str, *, for_whom: str = "") -> None:
    setting = catalog.SETTINGS[name]
    parser.add_argument(
        flag(name),
        type=int if setting.integer else float,
        metavar="N" if setting.integer else "X",
        help=f"{setting.line}{for_whom or _for_whom(name)} (default: {_defaults_in_words(name)})",
    )


def _users(name: str) -> list[str]:
    """Return the models that a field of RunConfig says something to; all where it is not a model's."""
    users = [entry.name for entry in catalog.MODELS.values() if name in (*entry.settings, *entry.choices)]
    return users or list(catalog.MODELS)


def _for_whom(name: str) -> str:
    users = _users(name)
    return "" if len(users) == len(catalog.MODELS) else f" For {_listed(users)}."


def _defaults_in_words(name: str) -> str:
    """Return "3" where all models agree that have it, else "3 for mlp, else 8"."""
    return _told_apart({model: _in_words(name, default_of(name, model)) for model in _users(name)}, "for")


def _told_apart(values: dict[str, str], word: str) -> str:
    """Return "50 with sgd, else 0.1": the value that most have comes last."""
    owners: dict[str, list[str]] = {}
    for owner, value in values.items():
        owners.setdefault(value, []).append(owner)
    usual = max(reversed(owners), key=lambda value: len(owners[value]))
    others = [f"{value} {word} {_listed(who)}" for value, who in owners.items() if value != usual]
    return ", ".join([*others, f"else {usual}" if others else usual])


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _in_words(name: str, value: float | str) -> str:
    if name == "batch_size" and value == WHOLE_TEXT:
        return "all"
    if isinstance(value, bool):
        return "on" if value else "off"
    return value if isinstance(value, str) else f"{value:g}"


def _add_text(parser: argparse.ArgumentParser) -> None:
    samples = ", ".join(SAMPLE + name for name in catalog.SAMPLES)
    default = SAMPLE + catalog.DEFAULT_SAMPLE
    parser.add_argument(
        "--text",
        default=default,
        metavar="FILE",
        help=f"A file of text, or one of {samples}. (default: {default})",
    )
    parser.add_argument(
        "--per-line",
        action=argparse.BooleanOptionalAction,
        help="The text is a list of items, one a line. (default: as the sample is; a file is running text)",
    )


def _add_settings(parser: argparse.ArgumentParser) -> None:
    for name in ("lr", "weight_decay"):
        parser.add_argument(
            flag(name),
            type=float,
            metavar="X",
            help=f"{catalog.SETTINGS[name].line} (default: {_rates_in_words(name)})",
        )
    lines = f"{catalog.SETTINGS['beta1'].line} {catalog.SETTINGS['beta2'].line}"
    betas = (_DEFAULT.beta1, _DEFAULT.beta2)
    parser.add_argument(
        "--betas",
        type=float,
        nargs=2,
        metavar=("B1", "B2"),
        help=f"{lines} (default: {betas[0]:g} {betas[1]:g})",
    )
    _add_setting(parser, "clip")
    _add_choice(parser, "schedule", catalog.SCHEDULES, _DEFAULT.schedule)
    _add_setting(parser, "warmup_steps", for_whom=" With the schedule cosine.")
    parser.add_argument(
        "--schedule-steps",
        type=int,
        metavar="N",
        help=f"{catalog.SETTINGS['schedule_steps'].line} With the schedule cosine. (default: as --steps)",
    )
    parser.add_argument(
        "--batch-size",
        type=_batch_size,
        metavar="N",
        help=f"{catalog.SETTINGS['batch_size'].line} Or all: the exact gradient of all of it. "
        f"(default: {_defaults_in_words('batch_size')})",
    )
    for name in ("val_fraction", "seed"):
        _add_setting(parser, name)


def _rates_in_words(name: str) -> str:
    """Return "0.01 with adamw, else 0", or "bigram: 50 with sgd, else 0.1; ..." where models differ."""
    models: dict[str, list[str]] = {}
    for model in catalog.MODELS:
        rates = {
            optimizer: _in_words(name, default_of(name, model, optimizer)) for optimizer in catalog.OPTIMIZERS
        }
        models.setdefault(_told_apart(rates, "with"), []).append(model)
    if len(models) == 1:
        return next(iter(models))
    return "; ".join(f"{_listed(names)}: {rates}" for rates, names in models.items())


def _add_machine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--steps", type=_step_count, default=1000, metavar="N", help="Steps to take. (default: 1000)"
    )
    parser.add_argument(
        "--device",
        default=_DEFAULT.device,
        metavar="NAME",
        help="cpu, the name of an accelerator that is there, such as cuda:0, or auto: the fastest in a few "
        f"steps of this run. (default: {_DEFAULT.device})",
    )
    parser.add_argument(
        "--threads",
        type=_thread_count,
        metavar="N",
        help="How many of the CPU, or 0 or auto: the fastest in a few steps of this run. "
        f"(default: {_DEFAULT.threads}, or auto with --device auto)",
    )


def flag(name: str) -> str:
    """Return the flag of a field of RunConfig: "--n-embd"."""
    return "--" + name.replace("_", "-")


def _batch_size(text: str) -> int:
    return WHOLE_TEXT if text == "all" else _whole_number(text, "all", 1)


def _thread_count(text: str) -> int:
    return 0 if text == "auto" else _whole_number(text, "auto", 0)


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
