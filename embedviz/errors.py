"""The one family of errors that reach a person: a sentence to read, details for the curious."""


class EmbedvizError(Exception):
    """Something went wrong that a person can be told about.

    `sentence` is complete, names what it is about and ends with a full stop; `details` may hold
    what only the curious want (a system's message, a traceback).
    """

    def __init__(self, sentence: str, details: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.details = details


class ConfigError(EmbedvizError):
    """A setting is out of its range, or two settings contradict each other."""
