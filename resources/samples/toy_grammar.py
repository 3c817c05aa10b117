"""Write the sample text ``toy_grammar.txt`` and its key ``toy_grammar.json``.

The text is made by a tiny grammar in which every word belongs to exactly one
class (animal, verb, object and so on). A model that reads only the text is
never told the classes, so they can be used afterwards to see whether words of
one class have come to lie close together in its embedding.

Run ``python toy_grammar.py`` to write both files next to this script. The same
seed always gives the same bytes.
"""

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path

SEED = 2024
SENTENCES = 4000

CLASSES: dict[str, tuple[str, ...]] = {
    "determiner": ("the", "a", "this", "every"),
    "adjective": (
        "small",
        "big",
        "tall",
        "young",
        "happy",
        "sleepy",
        "brave",
        "clever",
    ),
    "animal": (
        "cat",
        "dog",
        "fox",
        "bear",
        "hare",
        "goat",
        "duck",
        "mouse",
        "horse",
        "frog",
        "hen",
        "wolf",
    ),
    "verb": (
        "watches",
        "follows",
        "hides",
        "rolls",
        "paints",
        "draws",
        "pulls",
        "pushes",
        "washes",
        "turns",
    ),
    "object": (
        "ball",
        "basket",
        "bell",
        "boat",
        "drum",
        "hat",
        "kite",
        "lamp",
        "wheel",
        "box",
    ),
    "adverb": ("slowly", "quickly", "softly", "gladly", "again"),
    "preposition": ("in", "near", "behind"),
    "place": ("garden", "barn", "forest", "kitchen", "village", "meadow"),
    "stop": (".",),
}

GRAMMAR = (
    "sentence = subject verb [adverb] stop"
    " | subject verb determiner object [preposition determiner place] stop;"
    " subject = determiner [adjective] animal"
)

P_ADJECTIVE = 0.5
P_OBJECT = 0.6
P_ADVERB = 0.6
P_PLACE = 0.6


class Writer:
    """Draws sentences of the grammar from a seeded source of chance."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)

    def _chance(self, probability: float) -> bool:
        return self._rng.random() < probability

    def _word(self, name: str) -> str:
        # Only random() itself is promised to stay the same between Python
        # versions, so the index is worked out from it here.
        words = CLASSES[name]
        return words[int(self._rng.random() * len(words))]

    def _words(self, *names: str) -> list[str]:
        return [self._word(name) for name in names]

    def sentence(self) -> str:
        """Return one sentence, its tokens separated by single spaces."""
        tokens = self._words("determiner")
        if self._chance(P_ADJECTIVE):
            tokens += self._words("adjective")
        tokens += self._words("animal", "verb")
        if self._chance(P_OBJECT):
            tokens += self._words("determiner", "object")
            if self._chance(P_PLACE):
                tokens += self._words("preposition", "determiner", "place")
        elif self._chance(P_ADVERB):
            tokens += self._words("adverb")
        tokens += self._words("stop")
        return " ".join(tokens)


def check_classes() -> None:
    """Raise ValueError if a word stands in more than one class, or twice."""
    words = [word for group in CLASSES.values() for word in group]
    twice = sorted({word for word in words if words.count(word) > 1})
    if twice:
        raise ValueError(f"words listed more than once: {', '.join(twice)}")


def write_samples(folder: Path, seed: int, sentences: int) -> None:
    """Write ``toy_grammar.txt`` and ``toy_grammar.json`` into ``folder``."""
    check_classes()
    writer = Writer(seed)
    text = "".join(f"{writer.sentence()}\n" for _ in range(sentences))
    key = {"seed": seed, "classes": CLASSES, "grammar": GRAMMAR}
    (folder / "toy_grammar.txt").write_text(text, encoding="ascii", newline="\n")
    (folder / "toy_grammar.json").write_text(json.dumps(key, indent=2) + "\n", encoding="ascii", newline="\n")


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line and write both files."""
    parser = argparse.ArgumentParser(description="Write the toy grammar sample.")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--sentences", type=int, default=SENTENCES)
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent)
    args = parser.parse_args(argv)
    write_samples(args.folder, args.seed, args.sentences)


if __name__ == "__main__":
    main()
