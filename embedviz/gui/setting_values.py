"""What is typed into the fields of the settings: read, checked, and told in a sentence where it is wrong."""

import re

from embedviz import catalog
from embedviz.config import WHOLE_TEXT
from embedviz.errors import ConfigError

AUTO = "auto"


def read_number(setting: catalog.Setting, text: str, tokenizer: catalog.Entry) -> float:
    """Return the number in `text`; raises ConfigError if it is none, or too small for the tokenizer."""
    if re.fullmatch(r"\d{1,3},\d{3}", text):
        raise ConfigError(f"{setting.title} is ‘{text}’: write a thousand as 1000, a decimal with a point.")
    point = text.replace(",", ".")
    try:
        number = int(point) if setting.integer else float(point)
    except ValueError as error:
        kind = "a whole number" if setting.integer else "a number"
        raise ConfigError(f"{setting.title} is ‘{text}’, but has to be {kind}.") from error
    if setting.name == "batch_size" and number == WHOLE_TEXT:
        raise ConfigError("Batch size has to be 1 or more; for all of it choose ‘whole text’.")
    least = tokenizer.minimums.get(setting.name, number)
    if number < least:
        raise ConfigError(
            f"{setting.title} is {number:,}, but has to be {least:,} or more for the tokenizer "
            f"‘{tokenizer.title}’."
        )
    return number


def read_threads(text: str) -> int:
    """Return a number of threads, 0 for AUTO; raises ConfigError if it is neither."""
    try:
        return 0 if text == AUTO else int(text)
    except ValueError as error:
        raise ConfigError(f"Threads is ‘{text}’, but has to be a whole number, or ‘{AUTO}’.") from error


def written(value: float) -> str:
    """Return all the digits of a setting, so that one that is not touched stays the same."""
    return repr(value).removesuffix(".0")
