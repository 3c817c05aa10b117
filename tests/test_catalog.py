import ast
import inspect
from collections.abc import Mapping

import pytest

from embedviz import catalog
from embedviz.catalog import Entry, Sample, Setting
from embedviz.config import RunConfig
from embedviz.files import resource
from embedviz.text import subword_tokenizer
from embedviz.text.corpus import looks_like_items, read_corpus

CHOICES = {
    "tokenizer": catalog.TOKENIZERS,
    "model": catalog.MODELS,
    "start": catalog.STARTS,
    "layer start": catalog.LAYER_STARTS,
    "position": catalog.POSITIONS,
    "residual start": catalog.RESIDUAL_INITS,
    "switch": catalog.SWITCHES,
    "optimizer": catalog.OPTIMIZERS,
    "schedule": catalog.SCHEDULES,
}
TABLES: dict[str, Mapping[str, Entry | Sample | Setting]] = {
    **CHOICES,
    "setting": catalog.SETTINGS,
    "sample": catalog.SAMPLES,
}
ENTRIES = [entry for table in CHOICES.values() for entry in table.values()]
FIELDS = {"layer_init", "position", "residual_init", *catalog.SWITCHES}  # of what a model can have beside numbers
WITH_PATH = [entry for entry in ENTRIES if entry.path]


def test_no_row_hides_another_of_its_name() -> None:
    calls = [
        node.func.id
        for node in ast.walk(ast.parse(inspect.getsource(catalog)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    written = sum(calls.count(kind.__name__) for kind in (Entry, Sample, Setting))
    assert written == sum(len(table) for table in TABLES.values())


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_a_person_can_tell_the_rows_apart(table: Mapping[str, Entry | Sample | Setting]) -> None:
    assert [row.name for row in table.values()] == list(table)
    assert len({row.title for row in table.values()}) == len({row.line for row in table.values()}) == len(table)
    assert all(row.title and row.line.endswith(".") for row in table.values())


@pytest.mark.parametrize("entry", WITH_PATH, ids=lambda entry: entry.name)
def test_what_a_row_names_is_there(entry: Entry) -> None:
    assert inspect.isclass(entry.load())


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_what_a_row_sets_is_a_setting_of_its_own_and_in_range(entry: Entry) -> None:
    assert set(entry.settings) <= set(catalog.SETTINGS)
    assert set(entry.choices) <= FIELDS
    numbers = {name: value for name, value in entry.defaults.items() if name in catalog.SETTINGS}
    assert all(catalog.SETTINGS[name].accepts(value) or name == "batch_size" for name, value in numbers.items())
    if entry.name in catalog.MODELS:
        RunConfig().with_model(entry.name)  # raises if they contradict each other
    else:
        assert set(entry.defaults) <= set(entry.settings)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_what_a_row_is_for_is_a_model(entry: Entry) -> None:
    assert set(entry.models) <= set(catalog.MODELS)
    assert {model for model in catalog.MODELS if entry.suits(model)} == set(entry.models or catalog.MODELS)


@pytest.mark.parametrize("setting", catalog.SETTINGS.values(), ids=list(catalog.SETTINGS))
def test_a_default_is_in_range(setting: Setting) -> None:
    assert setting.minimum < setting.maximum
    assert setting.accepts(setting.default)


@pytest.mark.parametrize("sample", catalog.SAMPLES.values(), ids=list(catalog.SAMPLES))
def test_a_sample_is_there_and_is_text(sample: Sample) -> None:
    corpus = read_corpus(resource(sample.file))
    assert corpus.n_characters > 10_000
    assert looks_like_items(corpus.text) == sample.per_line


def test_the_default_sample_is_one_of_them() -> None:
    assert catalog.DEFAULT_SAMPLE in catalog.SAMPLES


def test_a_minimum_of_one_row_is_above_the_usual_of_a_setting_it_has() -> None:
    for entry in ENTRIES:
        for name, least in entry.minimums.items():
            assert name in entry.settings
            assert catalog.SETTINGS[name].minimum < least <= catalog.SETTINGS[name].maximum


def test_subwords_are_refused_below_their_minimum() -> None:
    assert catalog.TOKENIZERS["subword"].minimums["vocab_size"] == subword_tokenizer.LEAST


@pytest.mark.parametrize("model", catalog.MODELS.values(), ids=list(catalog.MODELS))
def test_a_model_says_what_it_has_and_what_it_reads(model: Entry) -> None:
    assert model.reads in ("token", "block", "window")
    assert set(model.rates) == set(catalog.OPTIMIZERS)
    defaults = {**vars(RunConfig()), **model.defaults}
    assert {"init", "optimizer", "block_size", "batch_size"} <= model.defaults.keys()
    for name, table in (("position", catalog.POSITIONS), ("init", catalog.STARTS)):
        assert table[defaults[name]].suits(model.name) or name not in model.choices
    assert set(model.choices) & set(catalog.SWITCHES) <= set(model.defaults)  # another model's switch is not kept


def test_only_models_have_switches_and_only_they_read() -> None:
    for entry in ENTRIES:
        if entry.name not in catalog.MODELS:
            assert not entry.choices
            assert not entry.reads
    for switch in FIELDS:
        assert any(switch in model.choices for model in catalog.MODELS.values())


def test_rotations_need_queries_and_keys() -> None:
    rope = catalog.POSITIONS["rope"]
    assert {model for model in catalog.MODELS if rope.suits(model)} == {
        model.name for model in catalog.MODELS.values() if "n_head" in model.settings
    }
