"""Where every process of embedviz begins: a trainer, or the command line. Nothing heavy is imported here.

Older Pythons have to be able to read this file and __init__.py, to be told that they are too old.
"""

import sys


def main() -> int:
    """Become the trainer if that is what this process was started for, else obey the command line."""
    if sys.version_info < (3, 11):  # noqa: UP036  # run from source nothing else has checked it
        found = ".".join(map(str, sys.version_info[:2]))
        sys.stderr.write("embedviz: This is Python " + found + ", but embedviz needs Python 3.11 or newer.\n")
        return 2
    if sys.argv[1:2] in (["--trainer"], ["train"]) and getattr(sys, "frozen", False):
        from embedviz.files import hand_over_to_trainer

        hand_over_to_trainer()
    if sys.argv[1:2] == ["--trainer"]:
        from embedviz.engine.entry import main as trainer

        return trainer()
    from embedviz.cli import main as command_line

    return command_line(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
