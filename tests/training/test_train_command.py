"""`embedviz train`: its arguments, what it prints, and how it ends."""

import argparse
import io
import json
import math
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from fake_device import NAME, FakeDevice

from embedviz import catalog, cli_train
from embedviz.config import RunConfig
from embedviz.text.dataset import Dataset
from embedviz.text.preparation import prepare
from embedviz.training import command, device_choice, fallback
from embedviz.training.reports import JsonReport, WordReport, Work
from embedviz.training.session import SplitLosses, StepResult, TrainingSession

Train = Callable[..., tuple[int, list[str], str]]

PROGRAM = """
import argparse, sys
from embedviz import cli_train
parser = argparse.ArgumentParser(prog="embedviz")
cli_train.add_parser(parser.add_subparsers(required=True))
args = parser.parse_args()
assert not {"torch", "numpy"} & set(sys.modules), "the arguments alone need neither"
sys.exit(args.run(args))
"""
START = ["event", "vocab_size", "tokens", "parameters", "parts", "device", "threads", "bigram_floor", "uniform"]
START += ["table_std", "first_loss"]
END = ["event", "step", "train_loss", "val_loss", "seconds", "steps_per_second"]


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="embedviz")
    cli_train.add_parser(parser.add_subparsers(required=True))
    return parser.parse_args(["train", *arguments])


@pytest.fixture
def train(capsys: pytest.CaptureFixture[str]) -> Train:
    """Run the command here; return exit code, lines of stdout, stderr."""

    def run(*arguments: str) -> tuple[int, list[str], str]:
        args = parse(*arguments)
        code = args.run(args)
        out, err = capsys.readouterr()
        return code, out.splitlines(), err

    return run


@pytest.fixture
def small(tmp_path: Path) -> str:
    path = tmp_path / "small.txt"
    path.write_text("the cat sat on the mat\n" * 40, encoding="utf-8")
    return str(path)


def popen(*arguments: str) -> subprocess.Popen[str]:
    line = [sys.executable, "-c", PROGRAM, "train", *arguments]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def events(lines: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line, parse_constant=pytest.fail) for line in lines]


def test_json_begins_with_start_and_ends_with_end(train: Train, small: str) -> None:
    code, lines, err = train("--text", small, "--steps", "300", "--json")
    start, *progress, end = events(lines)
    assert (code, err) == (0, "")
    assert list(start) == [*START, "train_loss", "val_loss"]
    assert start["event"] == "start"
    vocab_size = len(set("the cat sat on the mat\n"))
    assert (start["vocab_size"], start["parameters"]) == (vocab_size, vocab_size**2)
    assert (start["tokens"], start["device"], start["threads"]) == (40 * 23, "cpu", 1)
    assert (start["parts"], start["table_std"]) == ({"token table": vocab_size**2}, {"token": 0.0})
    assert start["uniform"] == start["train_loss"] == start["first_loss"] == pytest.approx(math.log(vocab_size))
    assert [list(event) for event in progress] == [["event", "step", "loss"]] * len(progress)
    assert list(end) == END
    assert (end["event"], end["step"]) == ("end", 300)
    assert start["bigram_floor"] < end["train_loss"] < start["bigram_floor"] + 0.01
    assert end["steps_per_second"] == pytest.approx(300 / end["seconds"])


def test_the_losses_are_those_of_the_session(train: Train, small: str) -> None:
    arguments = [
        "--text",
        small,
        "--optimizer",
        "adamw",
        "--lr",
        "0.2",
        "--weight-decay",
        "0.1",
        "--seed",
        "7",
    ]
    arguments += ["--betas", "0.8", "0.9", "--batch-size", "4", "--block-size", "3", "--val-fraction", "0.3"]
    _, lines, _ = train(*arguments, "--init", "xavier", "--steps", "50", "--json")
    config, corpus = command.config_and_corpus(parse(*arguments, "--init", "xavier"))
    assert (config.optimizer, config.lr, config.weight_decay, config.seed) == ("adamw", 0.2, 0.1, 7)
    assert (config.beta1, config.beta2, config.batch_size, config.block_size) == (0.8, 0.9, 4, 3)
    assert (config.val_fraction, config.init) == (0.3, "xavier")
    session = TrainingSession(config, prepare(corpus, config).dataset)
    for _ in range(50):
        next(session)
    end = events(lines)[-1]
    assert (end["step"], end["train_loss"], end["val_loss"], False, False) == session.whole_losses()


def test_where_nothing_is_held_out_its_loss_is_null(train: Train, small: str) -> None:
    _, lines, _ = train("--text", small, "--steps", "0", "--val-fraction", "0", "--json")
    start, end = events(lines)
    assert start["val_loss"] is end["val_loss"] is end["steps_per_second"] is None
    assert (end["step"], end["seconds"]) == (0, 0)


def test_what_is_no_number_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    JsonReport().end(SplitLosses(3, math.nan, math.inf), Work(3, 1.0))
    end = events(capsys.readouterr().out.splitlines())[0]
    assert end["train_loss"] is end["val_loss"] is None


def test_words_for_people(train: Train, small: str) -> None:
    code, lines, err = train("--text", small, "--steps", "200", "--val-fraction", "0")
    assert code == 0
    assert lines[0] == "Bigram table: 121 weights for a vocabulary of 11, on CPU, 1 thread."
    assert lines[1] == "Text: 920 tokens to train on, nothing held out."
    assert lines[2].startswith("Guessing: 2.3979 nats per token. Floor: ")
    start = "standard deviation of the token table 0; loss 2.3979, ln 11 = 2.3979: +0.0000"
    assert lines[3] == f"At the start: {start}."
    assert lines[4] == "Step 0: loss 2.3979 on the training part."
    assert re.fullmatch(r"Step 200: loss \d\.\d{4} on the training part\.", lines[5])
    assert re.fullmatch(r"200 steps in \S+ s: [\d,]+ a second\.", lines[6])
    assert re.fullmatch(r"(step [\d,]+ of 200, loss [\d.]+, [\d,]+ steps/s\n)+", err)


@pytest.mark.parametrize(
    ("layers", "said"), [("0", "not used, without layers there are none."), ("1", "They start")]
)
def test_residual_projections_need_layers(train: Train, small: str, layers: str, said: str) -> None:
    chosen = ("--model", "transformer", "--n-layer", layers, "--residual-init", "scaled")
    code, lines, _err = train("--text", small, *chosen, "--steps", "1")
    assert code == 0
    sentences = [line for line in lines if line.startswith("Residual projections, ")]
    assert len(sentences) == 1
    assert sentences[0].partition(": ")[2].startswith(said)


@pytest.mark.parametrize(
    ("steps", "seconds", "rate"), [(1, 2.65, "0.377"), (19, 2.0, "9.50"), (25, 2.0, "12"), (3000, 2.0, "1,500")]
)
def test_a_slow_rate_is_no_zero(steps: int, seconds: float, rate: str, capsys: pytest.CaptureFixture[str]) -> None:
    report, work = WordReport(5000), Work(steps, seconds)
    report.progress(StepResult(steps - 1, 2.0), work)
    report.end(SplitLosses(steps, 2.0, None), work)
    said = capsys.readouterr()
    assert said.err.endswith(f", {rate} steps/s\n")
    assert said.out.endswith(f" in {seconds:.3g} s: {rate} a second.\n")


def test_what_is_left_open_is_measured_and_said_before_the_first_step(
    train: Train, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_choice, "thread_counts", lambda: [1, 2])
    for arguments in ("--device auto", "--threads 0", "--threads auto", "--device auto --threads auto"):
        code, lines, _ = train("--text", small, "--steps", "3", *arguments.split())
        assert code == 0
        place, figures = (r"CPU, [12] threads?", r"\(1 thread [\d,.]+ steps/s, 2 threads [\d,.]+ steps/s\)")
        assert re.search(rf", on {place}\.$", lines[0])
        assert re.fullmatch(rf"{place}: .*2 measured.* {figures}\.", lines[1])
        assert lines[2].startswith("Text: ")
    _, lines, _ = train("--text", small, "--steps", "3", "--threads", "0", "--json")
    assert list(events(lines)[0]) == [*START[:7], "choice", *START[7:], "train_loss", "val_loss"]


def test_what_is_asked_for_is_taken(train: Train, small: str) -> None:
    _, lines, _ = train("--text", small, "--steps", "0", "--device", "cpu", "--threads", "2")
    assert lines[0].endswith(", on CPU, 2 threads.")
    assert lines[1].startswith("Text: ")
    config = config_of("--device", "auto")
    assert (config.device, config.threads) == ("auto", 0)
    config = config_of("--device", "auto", "--threads", "2")
    assert (config.device, config.threads) == ("auto", 2)


def test_a_device_that_fails_is_one_line_and_the_run_goes_on(
    train: Train, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JsonReport, "spacing_s", 0.0)
    with FakeDevice() as fake:
        fake.fail_after(150, torch.OutOfMemoryError("out of memory"))
        code, lines, err = train("--text", small, "--steps", "40", "--device", NAME, "--json")
    start, *between, end = events(lines)
    assert (code, start["device"]) == (0, NAME)
    (moved,) = (event for event in between if event["event"] == "moved")
    assert moved == {"event": "moved", "device": "cpu", "step": 0, "why": "The device fake:0 ran out of memory"}
    progress = [event for event in between if event is not moved]
    assert [event["event"] for event in between[: between.index(moved)]] == ["progress"] * between.index(moved)
    assert err == "The device fake:0 ran out of memory: training goes on with the CPU from step 0.\n"
    steps = [event["step"] for event in progress]
    failed = steps.index(0, 1)
    assert steps == [*range(failed), *range(40)]
    assert failed == between.index(moved)
    assert end["steps_per_second"] == pytest.approx((failed + 40) / end["seconds"])
    _, lines, _ = train("--text", small, "--steps", "40", "--json")
    assert end["train_loss"] == events(lines)[-1]["train_loss"]


def test_a_bar_on_a_terminal(train: Train, small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert train("--text", small, "--steps", "200")[0] == 0
    assert re.search(r"\r\x1b\[K\[#{30}\] step 200 of 200, loss [\d.]+, [\d,]+ steps/s\n$", terminal.getvalue())
    assert train("--text", "none")[0] == 2
    assert terminal.getvalue().endswith("\r\x1b[K'none' was not found.\n")


def test_without_a_console_it_still_trains(small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    for more, code in ((["--val-fraction", "0"], 0), (["--lr", "-1"], 2)):
        args = parse("--text", small, "--steps", "5", *more)
        assert args.run(args) == code


def test_samples_and_lists(train: Train) -> None:
    for name, sample in catalog.SAMPLES.items():
        config, corpus = command.config_and_corpus(parse("--text", f"sample:{name}"))
        assert config.per_line == corpus.per_line == sample.per_line
    assert parse().text == f"sample:{catalog.DEFAULT_SAMPLE}"
    assert not command.config_and_corpus(parse("--text", "sample:names", "--no-per-line"))[0].per_line
    _, lines, _ = train("--text", "sample:names", "--steps", "100", "--json")
    assert events(lines)[-1]["train_loss"] < events(lines)[0]["train_loss"]


def test_a_list_from_a_file(train: Train, tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("ada\neva\nida\n\nuwe\n", encoding="utf-8")
    _, lines, _ = train("--text", str(path), "--per-line", "--val-fraction", "0", "--steps", "1", "--json")
    assert events(lines)[0]["tokens"] == 4 * 4 + 1
    assert train("--text", str(path), "--steps", "1", "--json")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--text", "none.txt"], "'none.txt' was not found."),
        (["--text", "sample:none"], "There is no 'sample:none': choose a file, or one of sample:fables, "),
        (["--lr", "nan"], "Learning rate is nan, but has to be above 0 "),
        (["--batch-size", "100000"], "Batch size is 100000, but has to be a whole number from 1 "),
        (["--betas", "1", "0.9"], "Beta 1 is 1.0, but has to be from 0 "),
        (["--tokenizer", "oracle"], "There is no tokenizer 'oracle': choose char, byte, word, subword, or a "),
        (["--tokenizer", ""], "There is no tokenizer '': choose char, byte, word, subword, or a "),
        (["--tokenizer", "x" * 300], "There is no tokenizer 'xxx"),
        (["--tokenizer", "x\0"], "There is no tokenizer 'x"),
        (["--threads", "99999"], "Threads is 99,999, but has to be from 0 "),
        (["--hidden", "5", "--text", "none.txt"], "'none.txt' was not found."),  # that is enough for once
        (
            ["--schedule", "cosine", "--steps", "200000000"],
            "--steps is 200,000,000, but the schedule cosine can end at step 100,000,000 at the latest: choose ",
        ),
        (
            ["--schedule", "cosine", "--schedule-steps", "-5"],
            "Cosine ends at is -5, but has to be a whole number ",
        ),
        (["--tokenizer", "none.json"], "'none.json' was not found."),
        (["--model", "mlp", "--init", "log-counts"], "The start 'log of counts + 1' is not for the model 'MLP'"),
        (
            ["--model", "transformer", "--n-head", "3"],
            "3 heads cannot share a width of 32: choose a width that is",
        ),
        (["--model", "llama", "--n-embd", "12"], "RoPE turns pairs of dimensions, and a head has 3: choose a "),
        (
            ["--model", "token-position", "--position", "rope"],
            "Positions by 'RoPE' are not for the model 'Token + ",
        ),
        (["--model", "llama", "--n-layer", "25"], "Layers is 25, but has to be a whole number from 0 to 24."),
        (["--model", "mlp", "--hidden", "0"], "Hidden units is 0, but has to be a whole number from 1 "),
        (
            ["--schedule", "cosine", "--warmup-steps", "60", "--steps", "50"],
            "The rate rises for 60 steps, but is to be lowest at step 50",
        ),
        (["--device", "abacus"], "There is no device 'abacus' here: choose cpu"),
    ],
)
def test_bad_input_is_one_sentence(train: Train, arguments: list[str], sentence: str) -> None:
    code, lines, err = train(*arguments)
    assert (code, lines) == (2, [])
    assert err.startswith(sentence)
    assert err.count("\n") == 1
    assert err.endswith(".\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--steps", "-1"],
        ["--steps", "many"],
        ["--batch-size", "0"],
        ["--batch-size", "none"],
        ["--threads", "-1"],
        ["--model", "oracle"],
        ["--schedule", "none"],
        ["--layer-init", "log-counts"],
        ["--init", "ones"],
        ["--lr", "fast"],
    ],
)
def test_arguments_that_make_no_sense(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(*arguments)
    assert caught.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_what_a_number_has_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse("--threads", "no")
    assert "'no' is not a whole number from 0 or 'auto'" in capsys.readouterr().err
    assert (parse("--threads", "auto").threads, parse("--batch-size", "all").batch_size) == (0, 0)
    assert parse("--threads", "0").threads == 0


def test_every_flag_states_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse("--help")
    text = capsys.readouterr().out
    flags = len(re.findall(r"^  --", text, re.MULTILINE))
    assert flags == 32
    words = " ".join(text.replace("-\n", "-").split()).replace("- ", "-")
    assert words.count("(default: ") == flags
    for default in (
        "bigram: 50 with sgd, else 0.1; mlp: 0.1 with sgd, else 0.003; token-position: 1 with sgd, else 0.01; "
        "transformer and llama: 0.1 with sgd, else 0.001",
        "0.01 with adamw, else 0",
        "3 for mlp, else 8",
        "10 for mlp, 4 for token-position, else 32",
        "zeros for bigram, normal-1 for mlp and token-position, else normal-0.02",
        "kaiming for mlp, else normal-0.02",
        "adam for bigram, else adamw",
        "all for bigram, else 32",
        "byte for token-position, else char",
        "rope for llama, else learned",
        "plain",
        "off",
        "cpu",
        "1, or auto with --device auto",
        "as --steps",
    ):
        assert f"(default: {default})" in words


@pytest.mark.parametrize("optimizer", list(catalog.OPTIMIZERS))
def test_rates_belong_to_their_optimizer(optimizer: str, small: str) -> None:
    config, _ = command.config_and_corpus(parse("--text", small, "--optimizer", optimizer))
    assert config.lr == (50 if optimizer == "sgd" else 0.1)
    assert config.weight_decay == (0.01 if optimizer == "adamw" else 0)


def config_of(*arguments: str) -> RunConfig:
    return command.config_and_corpus(parse(*arguments))[0]


def test_defaults_belong_to_their_model() -> None:
    assert config_of() == RunConfig()
    mlp = config_of("--model", "mlp")
    assert (mlp.block_size, mlp.batch_size, mlp.optimizer, mlp.lr, mlp.init) == (3, 32, "adamw", 0.003, "normal-1")
    assert (mlp.n_embd, mlp.hidden, mlp.layer_init, mlp.weight_decay) == (10, 200, "kaiming", 0.01)
    assert config_of("--model", "mlp", "--optimizer", "adam").lr == 0.003
    assert config_of("--model", "mlp", "--optimizer", "sgd").lr == 0.1
    assert config_of("--model", "mlp", "--batch-size", "all").whole_text


def test_every_flag_is_heard() -> None:
    flags = "--model mlp --n-embd 2 --hidden 5 --layer-init xavier --clip 0.5 --block-size 4 --init zeros"
    more = "--schedule cosine --warmup-steps 7 --vocab-size 300 --tokenizer word --steps 90"
    config = config_of(*flags.split(), *more.split())
    assert (config.model, config.n_embd, config.hidden, config.layer_init) == ("mlp", 2, 5, "xavier")
    assert (config.clip, config.block_size, config.init) == (0.5, 4, "zeros")
    assert (config.schedule, config.warmup_steps, config.schedule_steps) == ("cosine", 7, 90)
    assert (config.tokenizer, config.vocab_size, config.tokenizer_file) == ("word", 300, "")
    assert config_of("--schedule", "cosine", "--schedule-steps", "2000").schedule_steps == 2000
    assert config_of("--schedule", "cosine", "--steps", "50").warmup_steps == 5  # a short run, a short warm-up


def test_the_tokenizer_of_a_model() -> None:
    assert config_of("--model", "token-position").tokenizer == "byte"
    assert config_of("--model", "token-position", "--tokenizer", "char").tokenizer == "char"
    assert {config_of("--model", model).tokenizer for model in ("mlp", "transformer", "llama")} == {"char"}


@pytest.mark.parametrize("model", catalog.MODELS)
def test_without_flags_a_model_is_as_the_window_has_it(model: str) -> None:
    assert config_of("--model", model) == RunConfig().with_model(model)


def test_the_flags_of_transformers_are_heard() -> None:
    flags = "--n-embd 24 --n-layer 0 --n-head 3 --position none --residual-init scaled --layer-init xavier"
    config = config_of("--model", "llama", *flags.split(), "--tie", "--scale-embeddings", "--freeze-embeddings")
    assert (config.n_embd, config.n_layer, config.n_head, config.position) == (24, 0, 3, "none")
    assert (config.residual_init, config.layer_init) == ("scaled", "xavier")
    assert (config.tie, config.scale_embeddings, config.freeze_embeddings) == (True, True, True)
    assert not config_of("--model", "llama", "--no-tie").tie


def test_a_cosine_may_be_short(train: Train, small: str) -> None:
    for steps in ("0", "1", "5"):
        config = config_of("--schedule", "cosine", "--steps", steps)
        assert (config.schedule_steps, config.warmup_steps) == (max(int(steps), 1), 0)
    assert config_of("--schedule", "cosine", "--schedule-steps", "50").warmup_steps == 5
    more = ("--schedule-steps", "7", "--warmup-steps", "6")
    assert config_of("--schedule", "cosine", "--steps", "200000000", *more).schedule_steps == 7
    code, lines, err = train("--text", small, "--schedule", "cosine", "--steps", "0", "--json")
    assert (code, len(lines), err) == (0, 2, "")


@pytest.mark.parametrize(
    ("arguments", "sentences"),
    [
        ("--hidden 5", ["--hidden is not used: the model bigram has no such setting."]),
        (
            "--n-embd 3 --layer-init xavier",
            [
                "--n-embd is not used: the model bigram has no such setting.",
                "--layer-init is not used: the model bigram has no such setting.",
            ],
        ),
        ("--vocab-size 300", ["--vocab-size is not used: the tokenizer char has no such setting."]),
        (
            "--warmup-steps 5 --schedule-steps 9",
            [
                "--warmup-steps is not used: the schedule constant has no such setting.",
                "--schedule-steps is not used: the schedule constant has no such setting.",
            ],
        ),
        (
            "--optimizer sgd --betas 0.9 0.99",
            ["--betas is not used: the optimizer sgd has no such setting."],
        ),
        ("--optimizer sgd --weight-decay 0.1 --block-size 3 --batch-size 2", []),
        ("--model mlp --hidden 5 --n-embd 3 --layer-init xavier --betas 0.9 0.99", []),
        ("--model transformer --n-head 2 --n-embd 8 --tie --no-freeze-embeddings --position none", []),
        (
            "--model token-position --n-head 2 --residual-init zero --scale-embeddings",
            [
                "--n-head is not used: the model token-position has no such setting.",
                "--residual-init is not used: the model token-position has no such setting.",
            ],
        ),
        (
            "--model mlp --no-tie --freeze-embeddings --position none",
            [
                "--position is not used: the model mlp has no such setting.",
                "--tie is not used: the model mlp has no such setting.",
            ],
        ),
        ("--tokenizer word --vocab-size 300 --schedule cosine --warmup-steps 0 --schedule-steps 9", []),
    ],
)
def test_what_is_given_but_not_used_is_remarked_on(
    train: Train, small: str, arguments: str, sentences: list[str]
) -> None:
    code, _, err = train("--text", small, "--steps", "0", "--json", *arguments.split())
    assert code == 0
    assert err.splitlines() == sentences


def test_a_tokenizer_is_a_name_or_a_file(small: str) -> None:
    assert command._tokenizer("byte") == ("byte", "")
    assert command._tokenizer("none.json") == ("file", "none.json")  # whoever reads it says that it is not there
    assert command._tokenizer(small) == ("file", small)


def test_an_mlp_says_where_a_bigram_stops(train: Train, small: str) -> None:
    code, lines, _ = train("--text", small, "--model", "mlp", "--hidden", "20", "--steps", "300")
    assert code == 0
    assert lines[0].startswith("MLP: 961 weights for a vocabulary of 11, on ")
    assert re.fullmatch(
        r"Guessing: 2\.3979 nats per token\. Floor of pairs: \d\.\d{4}\. A bigram table cannot go below it\.",
        lines[3],
    )
    _, exact, _ = train("--text", small, "--steps", "1", "--json")
    assert lines[1] == "Weights: token table 110, hidden layer 620, output layer 231."
    _, lines, _ = train("--text", small, "--model", "mlp", "--hidden", "20", "--steps", "300", "--json")
    start, *_, end = events(lines)
    assert list(start) == [*START, "train_loss", "val_loss"]
    assert start["bigram_floor"] == pytest.approx(events(exact)[0]["bigram_floor"], rel=1e-12)
    assert end["train_loss"] < start["bigram_floor"] < start["train_loss"]


@pytest.mark.parametrize("model", ["token-position", "transformer", "llama"])
def test_what_a_model_is_made_of_is_said(model: str, train: Train, small: str) -> None:
    flags = ["--text", small, "--model", model, "--n-embd", "8", "--steps", "0"]
    _, lines, _ = train(*flags, "--json")
    start, _ = events(lines)
    parts, std = start["parts"], start["table_std"]
    assert sum(parts.values()) == start["parameters"]
    assert parts["token table"] == start["vocab_size"] * 8
    assert list(std) == (["token"] if model == "llama" else ["token", "position"])
    _, lines, _ = train(*flags)
    weights = ", ".join(f"{name} {count:,}" for name, count in parts.items())
    assert lines[1] == f"Weights: {weights}."
    tables = ", ".join(f"{name} table {value:.3g}" for name, value in std.items())
    first, uniform = start["first_loss"], math.log(start["vocab_size"])
    assert f"At the start: standard deviation of the {tables}; loss {first:.4f}, ln " in lines[4]
    assert lines[4].endswith(f" = {uniform:.4f}: {first - uniform:+.4f}.")


def test_what_is_switched_is_said(train: Train, small: str) -> None:
    flags = ["--text", small, "--model", "transformer", "--n-embd", "8", "--steps", "0"]
    plain = train(*flags)[1]
    switched = train(*flags, "--tie", "--position", "none", "--residual-init", "zero")[1]
    said = [line for line in switched if line not in plain]
    assert said[2:5] == [
        f"Positions, none: {catalog.POSITIONS['none'].line}",
        f"Residual projections, zero: {catalog.RESIDUAL_INITS['zero'].line}",
        f"Tie the head: {catalog.SWITCHES['tie'].line}",
    ]
    assert said[1].endswith(", head 0.")


def test_an_estimate_before_the_first_step_is_called_one(
    train: Train, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_START_BUDGET_S", 0.0)
    _, lines, _ = train("--text", small, "--model", "mlp", "--steps", "1")
    number = r"about \d\.\d{4} on"
    estimate = rf"loss {number} the training part, {number} what is held out, estimated from a sample\."
    assert re.fullmatch(f"Step 0: {estimate}", lines[5])
    assert "estimated" not in lines[6]
    assert "about" not in lines[6]
    assert lines[7].startswith("1 step in ")
    _, lines, _ = train("--text", small, "--model", "mlp", "--steps", "1", "--json")
    start, *_, end = events(lines)
    assert start["estimated"] is start["val_estimated"] is True
    assert list(end) == END


def test_each_loss_says_for_itself_whether_it_is_an_estimate(capsys: pytest.CaptureFixture[str]) -> None:
    for estimated, val_estimated, words in (
        (False, False, "loss 1.0000 on the training part, 2.0000 on what is held out."),
        (True, True, "loss about 1.0000 on the training part, about 2.0000 on what is held out, estimated from a "
        "sample."),
        (True, False, "loss about 1.0000 on the training part, 2.0000 on what is held out; the training part is "
        "estimated from a sample."),
        (False, True, "loss 1.0000 on the training part, about 2.0000 on what is held out; what is held out is "
        "estimated from a sample."),
    ):  # fmt: skip
        losses = SplitLosses(3, 1.0, 2.0, estimated, val_estimated)
        WordReport(3).end(losses, Work(0, 0.0))
        assert capsys.readouterr().out == f"Step 3: {words}\n"
        JsonReport().end(losses, Work(0, 0.0))
        end = events(capsys.readouterr().out.splitlines())[0]
        assert (end.get("estimated", False), end.get("val_estimated", False)) == (estimated, val_estimated)


def test_at_the_end_a_text_that_would_take_too_long_is_estimated(
    train: Train, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_START_BUDGET_S", 0.0)
    monkeypatch.setattr(command, "_END_BUDGET_S", 0.0)
    monkeypatch.setattr(TrainingSession, "whole_losses", lambda _session: pytest.fail("the whole text was read"))
    mlp = ("--text", small, "--model", "mlp", "--steps")
    _, lines, _ = train(*mlp, "0", "--json")
    end = events(lines)[-1]
    assert list(end) == [*END, "estimated", "val_estimated"]
    assert end["estimated"] is end["val_estimated"] is True
    _, lines, _ = train(*mlp, "0")
    assert re.fullmatch(r"Step 0: loss about \S+ .*, about \S+ .*, estimated from a sample\.", lines[-1])
    budgets = []
    estimate = SplitLosses(7, 1.0, None, True, False)
    monkeypatch.setattr(
        TrainingSession, "losses_within", lambda _session, budget_s: budgets.append(budget_s) or estimate
    )
    assert command._last_losses(TrainingSession(*_prepared(*mlp, "0")), 60.0) is estimate
    monkeypatch.setattr(command, "_END_BUDGET_S", 100.0)
    assert command._last_losses(TrainingSession(*_prepared(*mlp, "0")), 60.0) is estimate
    assert budgets == [60.0, 100.0]  # as long as the steps took, or the budget


def test_a_bigram_table_is_read_whole_whatever_it_costs(
    train: Train, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_START_BUDGET_S", 0.0)
    monkeypatch.setattr(command, "_END_BUDGET_S", 0.0)
    _, lines, _ = train("--text", small, "--steps", "0", "--json")
    assert list(events(lines)[-1]) == END


def _prepared(*arguments: str) -> tuple[RunConfig, Dataset]:
    config, corpus = command.config_and_corpus(parse(*arguments))
    return config, prepare(corpus, config).dataset


def test_remarks_on_a_text_go_to_stderr(train: Train, tmp_path: Path) -> None:
    path = tmp_path / "old.txt"
    path.write_bytes("der Bär und die Kühe\n".encode("latin-1") * 30)
    code, lines, err = train("--text", str(path), "--steps", "1", "--json")
    assert code == 0
    assert "Latin-1" in err
    assert [event["event"] for event in events(lines)] == ["start", "progress", "end"]


def test_a_run_that_diverges(train: Train, small: str) -> None:
    code, lines, err = train("--text", small, "--lr", "1e6", "--json")
    assert code == 1
    assert [event["event"] for event in (events(lines)[0], events(lines)[-1])] == ["start", "end"]
    assert re.fullmatch(r"The loss rose to \S+ at step \d+: the learning rate, 1,000,000, is .*sound\.\n", err)


def test_long_runs_keep_what_they_can_go_back_to(
    train: Train, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = []
    checkpoint = TrainingSession.checkpoint
    monkeypatch.setattr(TrainingSession, "checkpoint", lambda self: taken.append(self.step) or checkpoint(self))
    monkeypatch.setattr(fallback, "CHECKPOINT_SPACING_S", 0.0)
    monkeypatch.setattr(fallback, "CHECKPOINT_SHARE", math.inf)
    monkeypatch.setattr(JsonReport, "spacing_s", 0.0)
    _, lines, _ = train("--text", small, "--steps", "5", "--json")
    assert taken == [1, 2, 3, 4, 5]
    assert [event["step"] for event in events(lines)[1:-1]] == [0, 1, 2, 3, 4]


def test_it_runs_as_a_process(small: str) -> None:
    process = popen("--text", small, "--steps", "5", "--json")
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert events(out.splitlines())[-1]["step"] == 5


def test_errors_end_the_process_with_their_code() -> None:
    process = popen("--text", "none.txt")
    assert process.communicate() == ("", "'none.txt' was not found.\n")
    assert process.returncode == 2


def test_ctrl_c_is_one_sentence(small: str) -> None:
    heeds = signal.signal(signal.SIGINT, signal.default_int_handler)  # this process may have begun deaf to it
    try:
        process = popen("--text", small, "--steps", "1000000000", "--json")
    finally:
        signal.signal(signal.SIGINT, heeds)
    assert process.stdout is not None
    assert '"start"' in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert (process.returncode, err.strip()) == (130, "Stopped before the end, because Ctrl+C was pressed.")


def test_a_reader_that_has_read_enough(small: str) -> None:
    process = popen("--text", small, "--steps", "1000000000", "--json")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None  # so that communicate leaves it alone
    _, err = process.communicate()
    assert (process.returncode, err) == (141, "")
