"""The first part of a script: from the text to the ids that are trained on, as embedviz.text does it."""

from pathlib import PurePath

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.export.source import UNSAVED, TextSource

_CODECS = {  # by the first word of Corpus.encoding
    "UTF-8": "utf-8",
    "UTF-16": "utf-16",
    "UTF-32": "utf-32",
    "Windows-1252": "cp1252",
    "Latin-1": "latin-1",
}

_CHAR = """\
stoi = {{token: i for i, token in enumerate(sorted(set(text)))}}  # a token for every character
vocab_size = len(stoi)  # {vocab_size:,} in embedviz
"""

_BYTE = """\
vocab_size = 256  # a token for every byte
"""

_WORD = """\
# A token is a word (letters and digits, with the accents on them), a mark, or white space; of that, the one space
# before a word or a mark is left out.
points = map(chr, range(0x300, sys.maxunicode))
accents = "".join(point for point in points if unicodedata.category(point).startswith("M"))
letters = rf"(?:[^\\W_]|[{{accents}}])+"
token = re.compile(rf"(?: (?=\\S))?({{letters}}(?:['\\u2019\\u200c\\u200d-]{{letters}})*|.)", re.DOTALL)
counts = Counter(token.findall(text))
{boundary}frequent = sorted(counts, key=lambda word: (-counts[word], word))
vocabulary = ["<unk>", *frequent][:{asked}]  # token 0 stands for all that is rarer
vocab_size = len(vocabulary)  # {vocab_size:,} in embedviz
stoi = {{word: i for i, word in enumerate(vocabulary)}}
"""

_WORD_BOUNDARY = 'counts["\\n"] = len(text)  # it stands between items, so it has to have a token\n'

_SUBWORD = """\
# Byte pairs, merged where they are frequent in this text (byte-level BPE).
byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = byte_level
trainer = trainers.BpeTrainer(vocab_size={asked}, initial_alphabet=byte_level.alphabet(), show_progress=False)
tokenizer.train_from_iterator([text], trainer)
vocab_size = tokenizer.get_vocab_size()  # {vocab_size:,} in embedviz
"""

_FILE = """\
tokenizer = Tokenizer.from_file({file})
tokenizer.no_truncation()
tokenizer.no_padding()
vocab_size = max(tokenizer.get_vocab().values()) + 1  # {vocab_size:,} in embedviz
"""

_TOKENIZERS = {  # the vocabulary, and the ids of a text
    "char": (_CHAR, "[stoi[character] for character in text]"),
    "byte": (_BYTE, 'list(text.encode("utf-8"))'),
    "word": (_WORD, "[stoi.get(word, 0) for word in token.findall(text)]"),
    "subword": (_SUBWORD, "tokenizer.encode(text).ids"),
    "file": (_FILE, "tokenizer.encode(text, add_special_tokens=False).ids"),
}

_FILE_TEXT = """\
# A long text goes in pieces that end before white space, as in embedviz: some tokenizers begin each piece anew.
pieces = re.findall(r"(?s).{32767,262143}?\\S(?=[^\\S\\x1c-\\x1f])|.{1,262144}", text)
ids = torch.tensor([i for piece in pieces for i in encode(piece)])  # (N,)
"""

_TEXT = """\
ids = torch.tensor(encode(text))  # (N,)
"""

_SPLIT_TEXT = """\
n = max(int((1 - {val_fraction}) * len(ids)), 2)
n = n if len(ids) - n >= 2 else len(ids)
train_ids = ids[:n]  # (n,), the rest is held out
"""

_BOUNDARY = {
    "char": 'boundary = stoi["\\n"]',
    "byte": 'boundary = ord("\\n")',
    "word": 'boundary = stoi["\\n"]',
    "subword": '(boundary,) = encode("\\n")',
    "file": """\
tried = [*encode("\\n"), *map(tokenizer.token_to_id, ["\\n", "Ċ", "<0x0A>"])]
known = [i for i in tried if i is not None]
boundary = next(i for i in known if tokenizer.decode([i], skip_special_tokens=False) == "\\n")""",
}

_ITEMS = """\
# A boundary stands before, between and after the items. Shuffled first, those held out are like the others.
items = [ids for line in lines if (ids := encode(line))]
order = np.random.default_rng(SEED).permutation(len(items))
kept = order[: max(int((1 - {val_fraction}) * len(items)), 1)]  # to train on
train_ids = torch.tensor([boundary] + [i for item in kept for i in [*items[item], boundary]])  # (n,)
"""


def write(config: RunConfig, source: TextSource, vocab_size: int) -> list[str]:
    """Return the lines that read the text, cut it into tokens and split it: `vocab_size` and `train_ids`."""
    return [_read(config, source), *_tokenizer(config, source, vocab_size), _split(config, source)]


def _read(config: RunConfig, source: TextSource) -> str:
    remark, path = _place(source)
    codec = _CODECS.get(source.encoding.replace(",", " ").split(" ")[0], "utf-8")
    lines = [
        f"# {remark}",
        f"path = sys.argv[1] if len(sys.argv) > 1 else {quoted(path)}",
        "if not Path(path).is_file():",
        '    sys.exit(f"There is no file {path!r}: put the path of the text after the name of this script.")',
        f'text = Path(path).read_text(encoding="{codec}").lstrip("\\ufeff")  # every line end becomes "\\n"',
    ]
    if source.per_line:
        lines.append('lines = [line.strip() for line in text.split("\\n") if line.strip()]')
        if config.tokenizer in ("char", "word", "subword"):  # which learn their vocabulary from it
            lines.append('text = "\\n".join(["", *lines, ""])')
    return "\n".join(lines) + "\n"


def _place(source: TextSource) -> tuple[str, str]:
    """Return what there is to say of the text, and the path where it is looked for."""
    if source.kind == "file":
        return "The text: this file, or the one that is named on the command line.", source.path
    if source.kind == "sample":
        sample = catalog.SAMPLES[source.name]
        path = source.path or PurePath(sample.file).name
        return f"The sample '{sample.title}' of embedviz, or the file that is named on the command line.", path
    return f"The text was written or pasted: save it as {UNSAVED}, or name its path on the command line.", UNSAVED


def _tokenizer(config: RunConfig, source: TextSource, vocab_size: int) -> tuple[str, str]:
    """Return the lines that make the vocabulary, and those that define `encode`."""
    lines, encode = _TOKENIZERS[config.tokenizer]
    made = lines.format(
        vocab_size=vocab_size,
        asked=config.vocab_size,
        file=quoted(config.tokenizer_file),
        boundary=_WORD_BOUNDARY if source.per_line else "",
    )
    return made, f"def encode(text):\n    return {encode}\n"


def _split(config: RunConfig, source: TextSource) -> str:
    if source.per_line:
        return _BOUNDARY[config.tokenizer] + "\n" + _ITEMS.format(val_fraction=config.val_fraction)
    encoded = _FILE_TEXT if config.tokenizer == "file" else _TEXT
    return encoded + _SPLIT_TEXT.format(val_fraction=config.val_fraction)


def quoted(text: str) -> str:
    """Return `text` as Python writes it, in double quotes where these need no escape."""
    written = repr(text)
    return f'"{written[1:-1]}"' if written[0] == "'" and '"' not in written else written
