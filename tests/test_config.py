import dataclasses
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedviz import catalog
from embedviz.catalog import Setting
from embedviz.config import MOST_THREADS, WHOLE_TEXT, RunConfig
from embedviz.errors import ConfigError

SETTINGS = list(catalog.SETTINGS.values())
CHOICES = {
    "tokenizer": catalog.TOKENIZERS,
    "model": catalog.MODELS,
    "init": catalog.STARTS,
    "layer_init": catalog.LAYER_STARTS,
    "position": catalog.POSITIONS,
    "residual_init": catalog.RESIDUAL_INITS,
    "optimizer": catalog.OPTIMIZERS,
    "schedule": catalog.SCHEDULES,
}
each_setting = pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)


def config(name: str, value: Any) -> RunConfig:
    needed = {"tokenizer_file": "tokenizer.json"} if (name, value) == ("tokenizer", "file") else {}
    if name == "model":
        return RunConfig().with_model(value)  # with heads that suit its width
    return RunConfig(**{name: value, **needed})


def test_every_setting_of_the_catalogue_is_a_field_with_its_default() -> None:
    fields = {field.name: field.default for field in dataclasses.fields(RunConfig)}
    assert catalog.SETTINGS.keys() | CHOICES.keys() <= fields.keys()
    for setting in SETTINGS:
        assert fields[setting.name] == (WHOLE_TEXT if setting.name == "batch_size" else setting.default)


@each_setting
def test_the_ends_of_a_range(setting: Setting) -> None:
    unit = 1 if setting.integer else 1e-9
    least = setting.minimum + unit if setting.open_minimum else setting.minimum
    for value in (least, setting.maximum):
        assert getattr(config(setting.name, value), setting.name) == value
    for value in (setting.minimum if setting.open_minimum else setting.minimum - 2 * unit, setting.maximum + unit):
        if setting.name == "batch_size" and value == WHOLE_TEXT:
            continue
        with pytest.raises(ConfigError, match=f"^{setting.title} is .*, but has to be .*\\.$"):
            config(setting.name, value)


@each_setting
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, None, "1", -1], ids=repr)
def test_what_is_no_number_in_range_is_refused(setting: Setting, value: object) -> None:
    with pytest.raises(ConfigError, match=setting.title):
        config(setting.name, value)


@each_setting
@given(value=st.floats(0.0, 100.0))
def test_a_whole_number_has_to_be_one(setting: Setting, value: float) -> None:
    in_range = setting.accepts(value) or (setting.name == "batch_size" and value == WHOLE_TEXT)
    if in_range:
        assert not setting.integer or value == int(value)
        config(setting.name, value)
    else:
        with pytest.raises(ConfigError):
            config(setting.name, value)


@pytest.mark.parametrize("name", CHOICES)
def test_a_choice_is_one_of_the_catalogue(name: str) -> None:
    for choice in CHOICES[name]:
        assert getattr(config(name, choice), name) == choice
    with pytest.raises(ConfigError, match=rf"^'nonsense' is no {name} .*{next(iter(CHOICES[name]))}"):
        RunConfig(**{name: "nonsense"})


@pytest.mark.parametrize("model", catalog.MODELS)
def test_a_model_brings_the_settings_that_suit_it(model: str) -> None:
    entry = catalog.MODELS[model]
    other = RunConfig(seed=7, tokenizer="byte", optimizer="sgd", lr=50.0, weight_decay=1.0).with_model(model)
    assert {name: getattr(other, name) for name in entry.defaults} == entry.defaults
    for name, value in catalog.optimizer_defaults(model, other.optimizer).items():
        assert getattr(other, name) == value
    assert (other.model, other.seed, other.tokenizer) == (model, 7, "byte")
    assert other.with_model("bigram").with_model(model) == other


def test_bytes_come_with_the_model_that_is_made_for_them() -> None:
    file = RunConfig(tokenizer="file", tokenizer_file="a.json")
    changed = file.with_model("token-position")
    assert (changed.tokenizer, changed.tokenizer_file) == ("byte", "")
    assert file.with_model("llama").tokenizer_file == "a.json"


def test_what_a_model_has() -> None:
    for model, reads in (("bigram", "token"), ("mlp", "block"), ("transformer", "window"), ("llama", "window")):
        made = RunConfig().with_model(model)
        assert made.reads == reads
        assert [name for name in ("layer_init", "position", "tie") if made.has(name)] == {
            "token": [], "block": ["layer_init"], "window": ["layer_init", "position", "tie"]
        }[reads]  # fmt: skip


@pytest.mark.parametrize("name", catalog.SWITCHES)
def test_a_switch_is_on_or_off(name: str) -> None:
    for value in (True, False):
        assert getattr(RunConfig(**{name: value}), name) is value
    title = catalog.SWITCHES[name].title
    for nonsense in (1, 0, None, "on"):
        with pytest.raises(ConfigError, match=f"^'{title}' is on or off, not {nonsense!r}\\.$"):
            RunConfig(**{name: nonsense})  # type: ignore[arg-type]  # it is what the test is about


@pytest.mark.parametrize("model", ["transformer", "llama"])
def test_heads_share_the_width(model: str) -> None:
    made = RunConfig().with_model(model)
    for width, heads in ((32, 8), (6, 1), (6, 3), (1024, 32)):
        assert made.replace(n_embd=width, n_head=heads).n_head == heads
    with pytest.raises(
        ConfigError, match=r"^5 heads cannot share a width of 32: choose a width that is a multiple"
    ):
        made.replace(n_head=5)
    assert RunConfig(model="mlp", init="normal-1", n_embd=10, n_head=4).n_head == 4  # which an MLP has not


def test_rotations_turn_pairs() -> None:
    llama = RunConfig().with_model("llama")
    with pytest.raises(
        ConfigError, match=r"^RoPE turns pairs of dimensions, and a head has 3: choose a width that"
    ):
        llama.replace(n_embd=12)
    assert llama.replace(n_embd=12, position="none").n_embd == 12
    assert llama.replace(n_embd=12, n_head=2).n_head == 2


def test_without_layers_there_are_no_heads() -> None:
    for model in ("transformer", "llama"):
        made = RunConfig().with_model(model)
        assert made.replace(n_layer=0, n_embd=10, position="learned").n_head == 4
        with pytest.raises(
            ConfigError,
            match=r"there are none: choose learned positions, or none \(--position learned, --position",
        ):
            made.replace(n_layer=0, n_embd=10, position="rope")


def test_positions_that_a_model_cannot_have() -> None:
    with pytest.raises(ConfigError, match=r"^Positions by 'RoPE' are not for the model 'Token \+ position'"):
        RunConfig().with_model("token-position").replace(position="rope")
    assert RunConfig(model="mlp", init="zeros", position="rope").position == "rope"  # says nothing to it


def test_the_first_model_s_settings_are_those_of_a_run_nobody_configured() -> None:
    assert RunConfig().with_model("bigram") == RunConfig()


def test_counts_start_nothing_but_a_bigram_table() -> None:
    assert RunConfig(init="log-counts").model == "bigram"
    with pytest.raises(ConfigError, match=r"^The start 'log of counts \+ 1' is not for the model 'MLP'"):
        RunConfig(model="mlp", init="log-counts")


def test_a_tokenizer_from_a_file_names_it_and_no_other_does() -> None:
    assert RunConfig(tokenizer="file", tokenizer_file="a.json").tokenizer_file == "a.json"
    for tokenizer, file in (("file", ""), ("char", "a.json")):
        with pytest.raises(ConfigError, match="A tokenizer from a file needs the file's name"):
            RunConfig(tokenizer=tokenizer, tokenizer_file=file)


def test_a_warm_up_ends_before_the_rate_is_lowest() -> None:
    assert RunConfig(schedule="cosine", warmup_steps=9, schedule_steps=10).warmup_steps == 9
    assert RunConfig(schedule="constant", warmup_steps=10, schedule_steps=10).warmup_steps == 10
    with pytest.raises(ConfigError, match="rises for 10 steps, but is to be lowest at step 10"):
        RunConfig(schedule="cosine", warmup_steps=10, schedule_steps=10)


def test_threads() -> None:
    assert config("threads", 0).threads == 0
    assert config("threads", MOST_THREADS).threads == MOST_THREADS
    for threads in (-1, MOST_THREADS + 1):
        with pytest.raises(ConfigError, match=r"^Threads is .*, but has to be from 0"):
            config("threads", threads)


def test_the_whole_text_is_a_batch_size() -> None:
    assert RunConfig().whole_text
    assert not RunConfig(batch_size=1).whole_text


def test_it_is_frozen_and_can_be_compared() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        RunConfig().lr = 1.0  # type: ignore[misc]  # it is what the test is about
    assert RunConfig(seed=1) == RunConfig(seed=1) != RunConfig(seed=2)
    assert len({RunConfig(seed=1), RunConfig(seed=1)}) == 1


def test_a_changed_copy_is_validated_and_leaves_the_original() -> None:
    original = RunConfig()
    assert original.replace(lr=0.5, seed=7) == RunConfig(lr=0.5, seed=7)
    assert original == RunConfig()
    with pytest.raises(ConfigError):
        original.replace(lr=0.0)
    with pytest.raises(TypeError):
        original.replace(learning_rate=1.0)


def test_the_tokenizer_that_a_model_brings_goes_with_it() -> None:
    bytes_ = RunConfig().with_model("token-position")
    assert bytes_.tokenizer == "byte"
    assert bytes_.with_model("transformer").tokenizer == RunConfig().tokenizer
    assert RunConfig(tokenizer="word").with_model("transformer").tokenizer == "word"
