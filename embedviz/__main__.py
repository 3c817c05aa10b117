"""Where every process of embedviz begins: a trainer, or the command line. Nothing heavy is imported here."""

import sys


def main() -> int:
    """Become the trainer if that is what this process was started for, else obey the command line."""
    if sys.argv[1:2] == ["--trainer"]:
        from embedviz.engine.entry import main as trainer

        return trainer()
    from embedviz.cli import main as command_line

    return command_line(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
