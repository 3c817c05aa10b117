"""embedviz shows how a language model learns its embeddings, live, on the reader's own text."""

__version__ = "0.1.0"
