"""Reading a corpus: what is taken in, and the sentence for all that is not."""

import io
import os
import re
import socket
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedviz.text import corpus as corpus_module
from embedviz.text import reading
from embedviz.text.corpus import Corpus, TextError, corpus_from_text, looks_like_items, read_corpus
from embedviz.text.progress import Cancelled

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
    corpus = read_corpus(path)
    assert corpus == Corpus("text.txt", "Ærlig, 你好 🙂\n", path=path)
    assert (corpus.encoding, corpus.remarks) == ("UTF-8", ())
    assert read_corpus(str(path)).n_characters == 12


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le"])
def test_drops_the_byte_order_mark_but_no_other(tmp_path, codec):
    assert read_corpus(write(tmp_path, "\ufeffa\ufeffb".encode(codec))).text == "a\ufeffb"


def test_line_ends_become_lf_and_are_counted(tmp_path):
    corpus = read_corpus(write(tmp_path, b"one\r\ntwo\rthree\nfour\r\r\n"))
    assert corpus.text == "one\ntwo\nthree\nfour\n\n"
    assert corpus.carriage_returns == 4
    assert corpus.remarks == ("4 line ends with a carriage return (CR LF, or CR alone) became LF.",)
    assert read_corpus(write(tmp_path, b"a\rb")).remarks[0].startswith("1 line end with")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text("ab\r\nö🙂", min_size=1, max_size=30),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    st.sampled_from([2, 4, 8]),
    st.integers(1, 5),
)
def test_nothing_depends_on_where_the_pieces_are_cut(tmp_path, text, codec, piece, part):
    text = "xy" + text
    path = write(tmp_path, text.encode(codec))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_PIECE", piece)
        patch.setattr(corpus_module, "PART", part)
        corpus = read_corpus(path)
        assert corpus == replaced_text(corpus, corpus_from_text(text).text)
    assert corpus.text == text.replace("\r\n", "\n").replace("\r", "\n")
    assert corpus.carriage_returns == text.count("\r")
    parts = list(corpus.parts)
    assert {len(found) for found in parts[:-1]} <= {part}
    assert 1 <= len(parts[-1]) <= part


def replaced_text(corpus: Corpus, text: str) -> Corpus:
    return Corpus(
        corpus.name,
        text,
        path=corpus.path,
        carriage_returns=corpus.carriage_returns,
        encoding=corpus.encoding,
        remarks=corpus.remarks,
    )


# Encodings


@pytest.mark.parametrize(
    ("data", "text", "encoding", "remark"),
    [
        (b"\xef\xbb\xbfna\xc3\xafve", "naïve", "UTF-8 with a byte order mark", None),
        ("naïve 🙂".encode("utf-16"), "naïve 🙂", "UTF-16", None),
        ("\ufeffnaïve 🙂".encode("utf-16-be"), "naïve 🙂", "UTF-16", None),
        ("naïve 🙂".encode("utf-32"), "naïve 🙂", "UTF-32", None),
        ("naïve – day".encode("utf-16-le"), "naïve – day", "UTF-16 without a byte order mark", None),
        ("naïve – day".encode("utf-16-be"), "naïve – day", "UTF-16 without a byte order mark", None),
        (("мир и труд, " * 9).encode("utf-16-le"), "мир и труд, " * 9, "UTF-16 without a byte order mark", None),
        (
            b"caf\xe9s",
            "cafés",
            "Latin-1",
            "It is not UTF-8 (the byte 0xE9 at offset 3), and was read as Latin-1.",
        ),
        (
            b"\x93caf\xe9s\x94 \x80 5",
            "“cafés” € 5",
            "Windows-1252, Latin-1 with the quotation marks of Windows",
            "It is not UTF-8 (the byte 0x93 at offset 0), and was read as Windows-1252, Latin-1 with the "
            "quotation marks of Windows.",
        ),
        (
            b"caf\xe9 " * 20 + b"\x81",  # Windows-1252 has nothing there
            "café " * 20 + "\x81",
            "Latin-1",
            "It is not UTF-8 (the byte 0xE9 at offset 3), and was read as Latin-1.",
        ),
    ],
)
def test_encodings(tmp_path, data, text, encoding, remark):
    corpus = read_corpus(write(tmp_path, data))
    assert corpus.text == text
    assert corpus.encoding == encoding
    assert corpus.remarks == (() if remark is None else (remark,))
    assert corpus.as_text() == corpus  # nothing of it is lost


def test_a_remark_on_the_encoding_comes_before_that_on_line_ends(tmp_path):
    remarks = read_corpus(write(tmp_path, b"caf\xe9\r\n")).remarks
    assert ["Latin-1" in remarks[0], "carriage return" in remarks[1]] == [True, True]


@pytest.mark.parametrize("size", [2, 4])
def test_a_broken_byte_is_named_by_its_place_in_the_file(tmp_path, monkeypatch, size):
    monkeypatch.setattr(reading, "_PIECE", size)
    corpus = read_corpus(write(tmp_path, "aé你🙂".encode() + b"\xe2\x82 b"))
    assert "(the byte 0xE2 at offset 10)" in corpus.remarks[0]
    assert "(the byte 0xE2 at offset 3)" in read_corpus(write(tmp_path, b"abc\xe2\x82")).remarks[0]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_in_a_sentence(tmp_path, data):
    path = write(tmp_path, data)
    try:
        corpus = read_corpus(path)
    except TextError:
        assert refusal(path).startswith("'text.txt' ")
    else:
        assert not {"\0", "\r"} & set(corpus.text)
        assert len(set(corpus.text)) > 1


def test_compressed_data_is_no_text(tmp_path):
    data = np.random.default_rng(0).integers(1, 256, 5000).astype(np.uint8).tobytes()  # not even a NUL
    assert refusal(write(tmp_path, data)) == NEITHER


NEITHER = "'text.txt' is neither UTF-8 nor text of one byte a character: if it is text, save it as UTF-8."


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf16_that_shows_nothing_of_itself_is_not_said_to_be_control_characters(tmp_path, codec):
    path = write(tmp_path, ("老师说：今天我们学习中文。" * 20).encode(codec))
    assert refusal(path) == NEITHER
    with pytest.raises(TextError) as caught:
        read_corpus(path)
    assert "control characters" in caught.value.details


@pytest.mark.parametrize(
    ("data", "text", "lost"),
    [
        ("abcdéé".encode()[:-1], "abcdé", "its last byte was"),
        ("ünd 🙂🙂".encode()[:-1], "ünd 🙂", "its last 3 bytes were"),
        ("\ufeffab🙂".encode()[:-2], "ab", "its last 2 bytes were"),
    ],
)
@pytest.mark.parametrize("size", [2, 1000])
def test_utf8_that_ends_inside_a_character_is_utf8_but_for_that(tmp_path, monkeypatch, size, data, text, lost):
    monkeypatch.setattr(reading, "_PIECE", size)
    corpus = read_corpus(write(tmp_path, data))
    assert (corpus.text, corpus.encoding[:5]) == (text, "UTF-8")
    assert corpus.remarks == (f"It ends inside a character of UTF-8: {lost} left out.",)


def test_utf8_may_be_broken_only_at_its_end(tmp_path):
    assert read_corpus(write(tmp_path, b"abc d\xe9")).encoding == "Latin-1"  # nothing else shows UTF-8
    assert read_corpus(write(tmp_path, "é".encode() + b"\xe9 d")).encoding == "Latin-1"
    assert read_corpus(write(tmp_path, "éa".encode() + b"\xff")).encoding == "Latin-1"  # begins no character


@pytest.mark.parametrize("size", [2, 4, 6, 1000])
def test_the_mark_of_utf32_may_be_that_of_utf16_and_a_nul(tmp_path, monkeypatch, size):
    monkeypatch.setattr(reading, "_PIECE", size)
    for text in ("\0ab", "\0abc", "\0ab" + "\0" * 4):
        path = write(tmp_path, ("\ufeff" + text).encode("utf-16-le"))
        assert refusal(path) == "'text.txt' is not text: it has a NUL character at offset 2."
    assert read_corpus(write(tmp_path, "\ufeffab".encode("utf-32-le"))).encoding == "UTF-32"


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le"])
@pytest.mark.parametrize("size", [2, 4, 1000])
def test_byte_order_marks_at_the_beginning_are_dropped(tmp_path, monkeypatch, codec, size):
    monkeypatch.setattr(reading, "_PIECE", size)
    assert read_corpus(write(tmp_path, "\ufeff\ufeff\ufeffa\ufeffb".encode(codec))).text == "a\ufeffb"


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


def test_changed_while_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_PIECE", 4)
    for change in (lambda path: os.truncate(path, 6), lambda path: path.write_bytes(b"other text, longer")):
        path = write(tmp_path, b"some text")
        changes = iter([change])

        def progress(doing, done, path=path, changes=changes):
            for change in changes:
                change(path)

        with pytest.raises(TextError) as caught:
            read_corpus(path, progress)
        assert caught.value.sentence == "'text.txt' changed while it was being read: open it again."


def test_replaced_or_deleted_while_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_PIECE", 4)

    def replace(path: Path) -> None:
        (path.parent / "new").write_bytes(b"some text")
        (path.parent / "new").replace(path)

    for change, sentence in (
        (replace, "'text.txt' changed while it was being read: open it again."),
        (Path.unlink, "'text.txt' vanished while it was being read."),
    ):
        path = write(tmp_path, b"some text")
        changes = iter([change])

        def progress(doing, done, path=path, changes=changes):
            for change in changes:
                change(path)

        with pytest.raises(TextError) as caught:
            read_corpus(path, progress)
        assert caught.value.sentence == sentence


def test_a_file_that_says_it_is_larger_than_it_is(tmp_path, monkeypatch):
    class Status(NamedTuple):
        st_size: int = 4096
        st_mtime_ns: int = 0
        st_ino: int = 1
        st_dev: int = 1

    monkeypatch.setattr(os, "fstat", lambda _file: Status())
    monkeypatch.setattr(reading, "_refuse_another", lambda _path, _read: None)
    assert refusal(write(tmp_path, b"always [madvise] never\n")) == (
        "'text.txt' could not be read whole: only 23 of its 4,096 bytes came."
    )


def test_a_disk_that_goes_away_while_it_is_read(tmp_path, monkeypatch):
    class Gone(io.BytesIO):
        @classmethod
        def of(cls, mode):
            assert mode == "rb"
            return cls()

        def fileno(self):
            return other.fileno()

        def read(self, size):
            assert size > 0
            raise OSError(116, "Stale file handle")

    path = write(tmp_path, b"some text")
    with path.open("rb") as other:
        monkeypatch.setattr(Path, "open", Gone.of)
        assert refusal(path) == "'text.txt' could not be read."


@pytest.mark.parametrize("allowed", range(6))
def test_reading_can_be_cancelled_at_any_time(tmp_path, monkeypatch, allowed):
    monkeypatch.setattr(reading, "_PIECE", 4)
    shares = []

    def progress(doing, done):
        assert doing == "Reading"
        shares.append(done)
        if len(shares) > allowed:
            raise Cancelled

    with pytest.raises(Cancelled):
        read_corpus(write(tmp_path, b"some text"), progress)
    assert shares == sorted(shares)
    assert all(0 <= share <= 1 for share in shares)


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
        (b"text\x01\x02\x03", "'text.txt' is not text: 43 % of it are control characters, the first at offset 4."),
        (b"hello\0", "'text.txt' is not text: it has a NUL byte at offset 5."),  # a single zero shows little
        ("两个字".encode("utf-16-le") * 9 + b"\n\0", "'text.txt' is not text: it has a NUL byte at offset 55."),
        (
            "a\ud83db".encode("utf-16-le", "surrogatepass"),
            "'text.txt' is not text: it has a NUL byte at offset 1.",
        ),
        ("ab".encode("utf-16-le") + b"\0", "'text.txt' is not text: it has a NUL byte at offset 1."),
        (
            b"\0a\0\1\0\2\0\3",  # numbers of 16 bits
            "'text.txt' is not text: 75 % of it are control characters, the first at offset 2.",
        ),
        (
            b"\xef\xbb\xbf\xe2\x82",  # cut, but there is nothing before
            "'text.txt' is damaged: its mark says UTF-8, but the byte 0xE2 at offset 3 belongs to no character.",
        ),
        (
            "\ufeffab\ude00".encode("utf-16-le", "surrogatepass"),
            "'text.txt' is damaged: its mark says UTF-16, but the bytes at offset 6 belong to no character.",
        ),
        (
            "\ufeffab".encode("utf-16-le") + b"c",
            "'text.txt' is damaged: its mark says UTF-16, but the bytes at offset 6 belong to no character.",
        ),
        ("\ufeffab\0".encode("utf-16-le"), "'text.txt' is not text: it has a NUL character at offset 6."),
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
    remark = "1 line end with a carriage return (CR LF, or CR alone) became LF."
    assert corpus == Corpus("Lesson\ufffd1", "ab\n", carriage_returns=1, remarks=(remark,))


@pytest.mark.parametrize(("at", "bad"), [(7, "\0"), (8, "\ud83d"), (9, "\0")])
def test_places_in_pasted_text_count_from_its_beginning(monkeypatch, at, bad):
    monkeypatch.setattr(corpus_module, "PART", 4)
    with pytest.raises(TextError, match=f": character {at + 1} is "):
        corpus_from_text("a" * at + bad + "b")


def test_taking_pasted_text_can_be_cancelled():
    def cancelled(doing, done):
        raise Cancelled

    with pytest.raises(Cancelled):
        corpus_from_text("abc", progress=cancelled)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a  ", "only one character"),
        ("   a", "only one character"),
        ("  aaaa ", "only one symbol, 'a'"),
        ("aaaaa", "only one symbol, 'a'"),
        ("aa    aa", None),  # the white space inside is a second symbol
        ("a    a", None),
        ("aaaa aaaa", None),
        ("aaaab", None),
        ("      ", "nothing but white space"),
    ],
)
@pytest.mark.parametrize("part", [1, 2, 3, 4, 100])
def test_symbols_are_counted_across_parts(monkeypatch, part, text, words):
    monkeypatch.setattr(corpus_module, "PART", part)
    if words is None:
        assert corpus_from_text(text).text == text
    else:
        with pytest.raises(TextError, match=words):
            corpus_from_text(text)


# Parts and chunks


TEXTS = st.text("ab \n\t\x1c\xa0🙂", max_size=80)


@settings(deadline=None)
@given(TEXTS, st.integers(1, 9), st.integers(1, 20), st.booleans())
def test_chunks_are_the_stream_cut_where_no_token_is(text, size, part, per_line):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus_module, "PART", part)
        corpus = Corpus("text", text, per_line)
        chunks = list(corpus.chunks(size))
    assert chunks == list(Corpus("text", text, per_line).chunks(size))  # whatever the parts
    assert "".join(chunks) == corpus.stream_text
    assert all(chunks)
    for chunk, following in pairwise(chunks):
        assert size <= len(chunk) <= 8 * size
        joined = chunk[-1].isspace() or not following[0].isspace() or following[0] == "\x1c"
        if joined:  # only where there was no better place
            assert len(chunk) == 8 * size
            assert re.search(r"\S[ \n\t\xa0]", chunk[size - 1 :] + following[0]) is None


@settings(deadline=None)
@given(TEXTS, st.integers(1, 20))
def test_the_stream_of_a_list_is_its_items_between_line_ends(text, part):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus_module, "PART", part)
        corpus = Corpus("text", text, per_line=True)
    items = [line.strip() for line in text.split("\n") if line.strip()]
    assert list(corpus.items) == items
    assert corpus.stream_text == "\n".join(["", *items, ""])
    assert corpus.n_stream_characters == len(corpus.stream_text)
    assert corpus.as_text().stream_text == corpus.text == text
    assert corpus.as_text().n_stream_characters == corpus.n_characters == len(text)


@settings(deadline=None)
@given(TEXTS, st.integers(1, 20), st.integers(1, 30))
def test_the_beginning_is_that_after_white_space(text, part, count):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus_module, "PART", part)
        assert Corpus("text", text).beginning(count) == text.lstrip()[:count]


def test_a_text_may_come_in_pieces():
    assert Corpus("text", iter(["ab", "", "cd"])) == Corpus("text", "abcd")


def test_emoji_do_not_make_all_characters_wide():
    corpus = Corpus("text", ("a" * 1000 + "🙂") * 2000)
    assert sum(map(sys.getsizeof, corpus.data)) < 2_100_000
    assert corpus.n_characters == 2_002_000
    assert corpus.as_text().data is corpus.data


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
        (NAMES * 20 + ["Mr. Ng", "St. John"], True),  # a few exceptions do not spoil a list
        (NAMES * 3 + ["St. John"] * 10, False),  # but a tenth does
        (NAMES * 3 + ["Mary Ann"] * 10, True),
        (["New York", "Rio de Janeiro", "Isle of Man", "Côte d'Ivoire", "São Paulo", "Санкт Петербург"] * 5, True),
        (["ice cream", "polar bear", "whale", "red panda"] * 6, True),
        (["Mary  Ann", "two  blanks"] * 15, False),
        (["Anna\t12"] * 30, False),
        (NAMES[:19], False),
        (["Mary Ann Smith"] * 30, True),
        (["Mary Ann Jane Kate Lee Smith"] * 30, False),
        (["incomprehensibilities"] * 30, False),
        (VERSE, False),
        ([line.title() if line.endswith("wide") else line for line in VERSE], False),
        (["So much depends", "upon", "a red wheel", "barrow", "glazed with rain"] * 6, False),
        (["Tyger Tyger", "burning bright", "In the forests", "of the night"] * 6, False),
        (["I am tired", "so am I", "let us go home", "not yet"] * 8, False),
        (["Two roads diverged", "in a yellow wood", "and sorry I could", "not travel both"] * 6, False),
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
