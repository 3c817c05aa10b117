"""Reading a corpus: what is taken in, and the sentence for all that is not."""

import os
import socket
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedviz.text import corpus as corpus_module
from embedviz.text.corpus import Corpus, TextError, corpus_from_text, looks_like_items, read_corpus

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "resources" / "samples"


def write(tmp_path: Path, data: bytes, name: str = "text.txt") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(TextError) as caught:
        read_corpus(path)
    sentence = caught.value.sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


@pytest.fixture
def never_opened(monkeypatch):
    def refuse(self, *args, **kwargs):
        raise AssertionError(f"{self} was opened")

    monkeypatch.setattr(Path, "open", refuse)


# What is taken in


def test_reads_utf8(tmp_path):
    path = write(tmp_path, "Ærlig, 你好 🙂\n".encode())
    assert read_corpus(path) == Corpus("text.txt", "Ærlig, 你好 🙂\n", path=path)
    assert read_corpus(str(path)).n_characters == 12


def test_drops_the_byte_order_mark_but_no_other(tmp_path):
    assert read_corpus(write(tmp_path, "\ufeffa\ufeffb".encode())).text == "a\ufeffb"


def test_line_ends_become_lf_and_are_counted(tmp_path):
    corpus = read_corpus(write(tmp_path, b"one\r\ntwo\rthree\nfour\r\r\n"))
    assert corpus.text == "one\ntwo\nthree\nfour\n\n"
    assert corpus.carriage_returns == 4


def test_every_sample_can_be_read():
    texts = list(SAMPLES.glob("*.txt"))
    assert texts
    for path in texts:
        assert read_corpus(path).carriage_returns == 0


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\ufeff"), max_size=60))
def test_any_text_is_taken_as_it_is_or_refused_in_a_sentence(text):
    if len(set(text.strip())) < 2:
        with pytest.raises(TextError, match=r"^'Pasted text' .*\.$"):
            corpus_from_text(text)
    else:
        assert corpus_from_text(text).text == text


# What is refused


def test_missing(tmp_path):
    assert refusal(tmp_path / "gone.txt") == "'gone.txt' was not found."
    assert refusal(write(tmp_path, b"ab") / "below.txt") == "'below.txt' was not found."


def test_details_hold_the_systems_message(tmp_path):
    with pytest.raises(TextError) as caught:
        read_corpus(tmp_path / "gone.txt")
    assert "gone.txt" in caught.value.details
    assert isinstance(caught.value.__cause__, FileNotFoundError)


@pytest.mark.usefixtures("never_opened")
def test_a_folder(tmp_path):
    assert refusal(tmp_path) == f"'{tmp_path.name}' is a folder: choose a file of text."
    assert refusal(Path(tmp_path.anchor)).startswith(f"'{tmp_path.anchor}' is a folder")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
@pytest.mark.usefixtures("never_opened")
def test_what_is_no_file_is_not_opened(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "fifo")
    assert refusal(tmp_path / "fifo") == "'fifo' is not a file but a pipe: choose a file of text."
    assert refusal(Path(os.devnull)) == "'null' is not a file but a device: choose a file of text."
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        assert refusal(Path("socket")) == "'socket' is not a file but a socket: choose a file of text."


def test_without_permission(monkeypatch):
    def denied(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied")

    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = write(Path(folder), b"secret", "mine.txt")
        path.chmod(0)
        if sys.platform == "win32":  # there, mode 0 keeps nobody from reading
            monkeypatch.setattr(Path, "open", denied)
        root = sys.platform != "win32" and os.geteuid() == 0
        if root:
            os.seteuid(65534)  # root may read everything; this really drops that
        try:
            sentence = refusal(path)
        finally:
            if root:
                os.seteuid(0)
    assert sentence == "'mine.txt' cannot be read: you have no permission to."


def test_a_system_that_fails(tmp_path, monkeypatch):
    path = write(tmp_path, b"ab")

    def broken(self, *args, **kwargs):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", broken)
    assert refusal(path) == "'text.txt' could not be read."


def test_names_that_cannot_be_shown(tmp_path):
    assert refusal(tmp_path / "a\0b") == "'a\ufffdb' could not be read."
    assert refusal(tmp_path / "two\nlines \udcff.txt") == "'two\ufffdlines \ufffd.txt' was not found."


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "'text.txt' is empty."),
        (b"\xef\xbb\xbf", "'text.txt' is empty."),
        (b" \n\t\r\n", "'text.txt' holds nothing but white space."),
        (b"x", "'text.txt' has only one character: there is nothing that could follow it."),
        (b"x\n", "'text.txt' has only one character: there is nothing that could follow it."),
        (b"xxxx\n", "'text.txt' has only one symbol, 'x': there is nothing to tell apart."),
        (b"\x89PNG, no text\0\0", "'text.txt' is not text: it has a NUL byte at offset 13."),
        (
            b"caf\xe9s",
            "'text.txt' is not UTF-8 text: the byte 0xE9 at offset 3 belongs to no character; "
            "save it again as UTF-8.",
        ),
        (
            b"\xef\xbb\xbf\xe2\x82",
            "'text.txt' is not UTF-8 text: the byte 0xE2 at offset 3 belongs to no character; "
            "save it again as UTF-8.",
        ),
        (
            "hello".encode("utf-16"),
            "'text.txt' is not UTF-8 text: the mark at offset 0 is that of UTF-16; save it again as UTF-8.",
        ),
    ],
)
def test_what_cannot_be_trained_on(tmp_path, data, sentence):
    assert refusal(write(tmp_path, data)) == sentence


@pytest.mark.usefixtures("never_opened")
def test_too_large_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "large.txt"
    path.touch()
    os.truncate(path, corpus_module.LIMIT + 1)
    assert refusal(path) == "'large.txt' is too large: a text may have 64 MiB."


def test_the_limit_itself_is_allowed(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus_module, "LIMIT", 8)
    assert read_corpus(write(tmp_path, b"12345678")).text == "12345678"
    assert "is too large" in refusal(write(tmp_path, b"123456789"))


def test_too_large_by_growing_while_it_is_read(tmp_path, monkeypatch):
    path = write(tmp_path, b"12345678")
    before = path.stat()
    path.write_bytes(b"123456789")
    monkeypatch.setattr(corpus_module, "LIMIT", 8)
    monkeypatch.setattr(Path, "stat", lambda _: before)
    assert "is too large" in refusal(path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "'Pasted text' is empty."),
        ("aa", "'Pasted text' has only one symbol, 'a': there is nothing to tell apart."),
        ("ab\0", "'Pasted text' is not text: character 3 is NUL."),
        ("ab\ud83d", "'Pasted text' is not text: character 3 is only half of one (a lone surrogate)."),
        ("12345678 ", "'Pasted text' is too large: a text may have 7.63e-06 MiB."),
        ("1234567é", "'Pasted text' is too large: a text may have 7.63e-06 MiB."),
    ],
)
def test_pasted_text_is_checked_as_well(monkeypatch, text, sentence):
    monkeypatch.setattr(corpus_module, "LIMIT", 8)
    with pytest.raises(TextError) as caught:
        corpus_from_text(text)
    assert caught.value.sentence == sentence


def test_pasted_text_takes_a_name():
    corpus = corpus_from_text("\ufeffab\r\n", "Lesson\n1")
    assert corpus == Corpus("Lesson\ufffd1", "ab\n", carriage_returns=1)


# Items


def test_items_are_the_stripped_lines_that_are_not_blank():
    corpus = corpus_from_text("\n anna \n\n\tben\n  \ncleo").as_items()
    assert corpus.items == ("anna", "ben", "cleo")
    assert corpus.stream_text == "\nanna\nben\ncleo\n"


def test_modes_can_be_switched_without_loss():
    corpus = corpus_from_text("anna\nben\n")
    assert corpus.stream_text == corpus.text
    assert corpus.as_items().as_text() == corpus


def test_one_line_is_no_list():
    with pytest.raises(TextError, match=r"^'Pasted text' is no list: it has only one line"):
        corpus_from_text("anna ben\n\n").as_items()


NAMES = ["Anna", "Jean-Luc", "D'Arcy", "Zoë", "李小龍", "अनिता", "Олег", "O’Neil", "Ng", "Maximilian2"] * 3
VERSE = ["the sea is wide", "the sea is deep", "and down below", "the fishes sleep"] * 6
CODE = ["def f(x):", "    return x", "}", "else:", "pass", "a=1", "f()", "end;"] * 5
SPEECH = ["ANNA:", "Yes.", "", "BEN:", "No!", ""] * 8


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (NAMES, True),
        ([f"  {name}  \r" for name in NAMES], True),
        (NAMES * 20 + ["Mary Ann", "St. John"], True),  # a few exceptions do not spoil a list
        (NAMES * 3 + ["Mary Ann"] * 10, False),  # but a tenth does
        (NAMES[:19], False),
        (["Mary Ann Smith"] * 30, False),
        (["incomprehensibilities"] * 30, False),
        (VERSE, False),
        (CODE, False),
        (SPEECH, False),
        (["What a day it was.", "It rained."] * 20, False),
        (["床前明月光，", "疑是地上霜。"] * 20, False),
        (["some_name", "other_name"] * 20, False),
        ([], False),
    ],
)
def test_lists_of_items_are_told_from_text(lines, expected):
    assert looks_like_items("\n".join(lines)) is expected


def test_only_the_beginning_of_a_large_text_is_looked_at():
    names = "\n".join(NAMES * 2000)
    assert len(names) > 200_000
    assert looks_like_items(names + "\nand then some prose, at last." * 5000)
    assert not looks_like_items("x" * 300_000)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (path, path.name == "names.txt")
        for path in (
            *SAMPLES.glob("*.txt"),
            *ROOT.parent.glob("shared/data/tinyshakespeare.txt"),
            *(ROOT / "embedviz" / "text").glob("c*.py"),
        )
    ],
    ids=lambda value: value.name if isinstance(value, Path) else None,
)
def test_real_texts_are_recognised(path, expected):
    assert looks_like_items(path.read_text(encoding="utf-8")) is expected
