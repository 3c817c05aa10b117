"""Copy as command: the line makes the same run, wherever it is pasted."""

import shlex
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedviz import catalog
from embedviz.cli import make_parser
from embedviz.config import WHOLE_TEXT, RunConfig
from embedviz.errors import ConfigError
from embedviz.export.command import as_command, heard
from embedviz.export.source import UNSAVED, TextSource
from embedviz.training.command import config_of, unheard_flags

FABLES = TextSource("sample", name="fables")
TABLES = {
    "init": catalog.STARTS,
    "layer_init": catalog.LAYER_STARTS,
    "position": catalog.POSITIONS,
    "residual_init": catalog.RESIDUAL_INITS,
    "schedule": catalog.SCHEDULES,
    "optimizer": catalog.OPTIMIZERS,
}


def obeyed(line: str) -> tuple[RunConfig, str, int]:
    """Return what the command line makes of a copied line: the run, the text, the steps."""
    program, *arguments = shlex.split(line)
    assert program == "embedviz"
    args = make_parser().parse_args(arguments)
    config = config_of(args)
    assert list(unheard_flags(args, config)) == []
    return config, args.text, args.steps


def as_path(file: str) -> str:
    return file if file.startswith(("/", "./")) or not file else f"./{file}"


def _numbers(name: str) -> st.SearchStrategy[float]:
    setting = catalog.SETTINGS[name]
    if setting.integer:
        return st.integers(int(setting.minimum), int(min(setting.maximum, 10_000)))
    least = 1e-9 if setting.open_minimum else setting.minimum
    return st.floats(least, min(setting.maximum, 1000.0))


@st.composite
def configs(draw: st.DrawFn) -> RunConfig:
    """Any run that can be asked for, with what other models left behind."""
    model = draw(st.sampled_from(sorted(catalog.MODELS)))
    changes: dict[str, Any] = {}
    for name in draw(st.sets(st.sampled_from(sorted(catalog.SETTINGS)))):
        changes[name] = draw(_numbers(name))
    for name in draw(st.sets(st.sampled_from(sorted(TABLES)))):
        changes[name] = draw(st.sampled_from(sorted(TABLES[name])))
    for name in draw(st.sets(st.sampled_from(sorted(catalog.SWITCHES)))):
        changes[name] = draw(st.booleans())
    if draw(st.booleans()):
        changes["batch_size"] = WHOLE_TEXT
    if draw(st.booleans()):
        changes["tokenizer"] = draw(st.sampled_from(sorted(catalog.TOKENIZERS)))
        changes["tokenizer_file"] = draw(PATHS) if changes["tokenizer"] == "file" else ""
    changes["device"] = draw(st.sampled_from(["cpu", "auto", "cuda:0"]))
    changes["threads"] = draw(st.integers(0, 1024))
    config = RunConfig(per_line=draw(st.booleans())).with_model(model)
    try:
        return config.replace(**changes)
    except ConfigError:  # what contradicts itself is no run
        return config.replace(device=changes["device"], threads=changes["threads"])


PATHS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=9).map(
    lambda name: f"{name}.json"
)
SOURCES = st.one_of(
    st.builds(TextSource, st.just("sample"), name=st.sampled_from(sorted(catalog.SAMPLES))),
    st.builds(TextSource, st.just("file"), path=PATHS),
    st.just(TextSource(name="Pasted text")),
)


@settings(max_examples=300, deadline=None)
@given(config=configs(), source=SOURCES, steps=st.integers(0, 10**9))
def test_the_line_makes_the_same_run(config: RunConfig, source: TextSource, steps: int) -> None:
    made, text, taken = obeyed(as_command(config, source, steps))
    assert made == heard(config.replace(tokenizer_file=as_path(config.tokenizer_file)))
    assert taken == steps
    if source.kind == "sample":
        assert text == f"sample:{source.name}"
    else:
        assert text == (as_path(source.path) or UNSAVED)


@settings(max_examples=100, deadline=None)
@given(config=configs())
def test_what_is_left_out_says_nothing_to_the_run(config: RunConfig) -> None:
    plain = heard(config)
    assert heard(plain) == plain
    model = catalog.MODELS[config.model]
    tables = (
        model,
        catalog.TOKENIZERS[config.tokenizer],
        catalog.OPTIMIZERS[config.optimizer],
        catalog.SCHEDULES[config.schedule],
    )
    said = {name for entry in tables for name in (*entry.settings, *entry.choices)}
    said |= {"model", "tokenizer", "tokenizer_file", "per_line", "init", "optimizer", "schedule", "clip"}
    said |= {"batch_size", "val_fraction", "seed", "device", "threads"}
    for name, value in vars(config).items():
        assert getattr(plain, name) == value or name not in said, name


@pytest.mark.parametrize("model", catalog.MODELS)
def test_what_a_model_brings_is_not_said(model: str) -> None:
    line = as_command(RunConfig().with_model(model), FABLES, 200)
    assert line == "embedviz train" + (f" --model {model}" if model != "bigram" else "") + " --steps 200"


def test_only_what_differs_is_said() -> None:
    config = RunConfig().with_model("transformer")
    for changes, words in (
        ({"tie": True, "scale_embeddings": True}, "--tie --scale-embeddings"),
        ({"position": "rope", "residual_init": "zero"}, "--position rope --residual-init zero"),
        ({"n_layer": 0, "batch_size": 0}, "--n-layer 0 --batch-size all"),
        ({"tokenizer": "word", "vocab_size": 300}, "--tokenizer word --vocab-size 300"),
        ({"optimizer": "sgd", "lr": 0.1, "weight_decay": 0.0}, "--optimizer sgd"),
        ({"lr": 3e-4, "beta2": 0.95}, "--lr 0.0003 --betas 0.9 0.95"),
        ({"schedule": "cosine"}, "--schedule cosine --warmup-steps 100 --schedule-steps 3000"),
        ({"device": "auto", "threads": 0}, "--device auto"),
        ({"threads": 0}, "--threads auto"),
        ({"hidden": 7, "vocab_size": 7}, ""),  # of an MLP, and of a word tokenizer
    ):
        said = as_command(config.replace(**changes), FABLES, 5).removeprefix("embedviz train ")
        expected = f"--model transformer {words} --steps 5".split()
        assert sorted(said.split()) == sorted(expected)


def test_bytes_are_what_token_position_reads_by_itself() -> None:
    config = RunConfig().with_model("token-position")
    assert "--tokenizer" not in as_command(config, FABLES, 1)
    assert "--tokenizer char" in as_command(config.replace(tokenizer="char"), FABLES, 1)


def test_where_the_text_is() -> None:
    names, config = TextSource("sample", name="names", per_line=True), RunConfig(per_line=True)
    assert as_command(config, names, 1) == "embedviz train --text sample:names --steps 1"
    assert "--text sample:names --no-per-line" in as_command(RunConfig(), names, 1)
    file = TextSource("file", path="/home/ada/my text.txt", per_line=True)
    assert "--text '/home/ada/my text.txt' --per-line" in as_command(config, file, 1)
    assert f"--text {UNSAVED}" in as_command(RunConfig(), TextSource(name="Pasted text"), 1)


@pytest.mark.parametrize("path", ["-x", "sample:fables", "--json", "a b"])
def test_a_file_is_never_taken_for_something_else(path: str) -> None:
    _, text, _ = obeyed(as_command(RunConfig(), TextSource("file", path=path), 1))
    assert text == f"./{path}"


def test_a_tokenizer_of_a_file_is_never_taken_for_a_name() -> None:
    for file, said in (("char.json", "./char.json"), ("/a/b.json", "/a/b.json")):
        config = RunConfig(tokenizer="file", tokenizer_file=file)
        assert obeyed(as_command(config, FABLES, 1))[0] == config.replace(tokenizer_file=said)
