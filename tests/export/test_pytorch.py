"""Scripts of "Copy as PyTorch" are run by a real Python, and have to print the losses of the run itself."""

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.errors import ConfigError
from embedviz.export.pytorch import as_pytorch
from embedviz.export.source import TextSource
from embedviz.files import resource
from embedviz.text.corpus import read_corpus
from embedviz.text.preparation import prepare
from embedviz.training.session import TrainingSession

STEPS = 20
TOLERANCE = 1e-5
MODELS = ("bigram", "mlp", "token-position", "transformer", "llama")
DECODERS = ("transformer", "llama")
WHOLE = {"batch_size": 0}
COSINE = {"clip": 0.3, "schedule": "cosine", "warmup_steps": 4, "schedule_steps": 12}
SMALL = {"n_embd": 16, "n_layer": 1, "n_head": 2}

Case = tuple[str, str, dict[str, Any]]  # the model, the text, what differs from the model's defaults


def cases() -> dict[str, Case]:
    """Name every run that is compared; names.txt is read as a list of items."""
    found: dict[str, Case] = {}
    for model in MODELS:
        found[f"{model}, text"] = (model, "text.txt", {})
        small = SMALL if model in DECODERS else {}
        found[f"{model}, list"] = (model, "names.txt", small)
        found[f"{model}, whole text"] = (model, "text.txt", {**WHOLE, **COSINE, **small})
        found[f"{model}, short text"] = (model, "short.txt", {"block_size": 64, "val_fraction": 0.0, **small})
        for optimizer in catalog.OPTIMIZERS:
            rate = catalog.optimizer_defaults(model, optimizer)["lr"]
            changes = {"optimizer": optimizer, "lr": rate, "weight_decay": 0.001, **COSINE, **small}
            found[f"{model}, {optimizer}"] = (model, "text.txt", changes)
    for start, entry in catalog.STARTS.items():
        found[f"bigram, start {start}"] = ("bigram", "text.txt", {"init": start})
        if entry.suits("transformer"):
            found[f"transformer, start {start}"] = ("transformer", "text.txt", {"init": start, **SMALL})
    for start, model in itertools.product(catalog.LAYER_STARTS, ("mlp", "token-position", *DECODERS)):
        changes = {"layer_init": start, **(SMALL if model in DECODERS else {})}
        if start == "normal-1" and model in DECODERS:
            changes["lr"] = 1e-4  # at 1e-3 so large a start makes 1e-5 of mere rounding within 15 steps
        found[f"{model}, layers {start}"] = (model, "names.txt", changes)
    for tokenizer, text in itertools.product(catalog.TOKENIZERS, ("text.txt", "names.txt")):
        changes = {"tokenizer": tokenizer, "vocab_size": 300}
        found[f"{tokenizer} of {text}"] = ("mlp", text, changes | _file_of(tokenizer))
    in_pieces = {"tokenizer": "file", "batch_size": 16, **_file_of("file")}  # one token more moves all windows
    found["file of long.txt"] = ("bigram", "long.txt", in_pieces)
    found["bigram of windows.txt"] = ("bigram", "windows.txt", {"seed": 7})
    found["bigram of marked.txt, batches"] = ("bigram", "marked.txt", {"batch_size": 16})
    found["mlp, whole list"] = ("mlp", "names.txt", WHOLE)
    found["mlp, frozen"] = ("mlp", "names.txt", {"freeze_embeddings": True})
    return found | _switched()


def _switched() -> dict[str, Case]:
    """Name runs of every switch, and of some together."""
    switches: dict[str, dict[str, Any]] = {
        "tied": {"tie": True},
        "scaled rows": {"scale_embeddings": True},
        "frozen": {"freeze_embeddings": True},
        "no positions": {"position": "none"},
        "tied, scaled, frozen": {"tie": True, "scale_embeddings": True, "freeze_embeddings": True},
        "tied, layers zeros": {"tie": True, "layer_init": "zeros"},
        "tied, layers kaiming": {"tie": True, "layer_init": "kaiming"},
    }
    blocks: dict[str, dict[str, Any]] = {
        "learned": {"position": "learned"},
        "rope": {"position": "rope"},
        "residuals scaled": {"residual_init": "scaled"},
        "residuals zero": {"residual_init": "zero"},
        "residuals scaled, layers kaiming": {"residual_init": "scaled", "layer_init": "kaiming"},
        "no blocks": {"n_layer": 0, "position": "none"},
        "no blocks, tied": {"n_layer": 0, "position": "learned", "tie": True},
        "three blocks, whole list": {"n_layer": 3, **WHOLE, "position": "rope"},
    }
    found: dict[str, Case] = {}
    for (name, changes), model in itertools.product(switches.items(), ("token-position", *DECODERS)):
        found[f"{model}, {name}"] = (model, "text.txt", changes | (SMALL if model in DECODERS else {}))
    for (name, changes), model in itertools.product(blocks.items(), DECODERS):
        found[f"{model}, {name}"] = (model, "names.txt", {**SMALL, **changes})
    return found


def _file_of(tokenizer: str) -> dict[str, str]:
    return {"tokenizer_file": "tokenizer.json"} if tokenizer == "file" else {}


CASES = cases()


def config_of(case: Case) -> RunConfig:
    model, text, changes = case
    return RunConfig().with_model(model).replace(per_line=text == "names.txt", **changes)


def source_of(text: str) -> TextSource:
    encoding = {"windows.txt": "Windows-1252, Latin-1 with the quotation marks of Windows", "marked.txt": "UTF-16"}
    return TextSource("file", text, per_line=text == "names.txt", encoding=encoding.get(text, "UTF-8"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all texts, a tokenizer whose pieces begin anew, and a script for each case."""
    made = tmp_path_factory.mktemp("scripts")
    fables = resource("samples/fables.txt").read_text("utf-8")
    names = resource("samples/names.txt").read_text("utf-8").splitlines()[:400]
    (made / "text.txt").write_text(
        "\ufeff" + fables[:4000] + " naïve, café's e\u0301, 日本\n", "utf-8", newline="\r\n"
    )
    (made / "names.txt").write_text("\n \n" + " \n\t".join(names) + "\n\n", "utf-8")
    (made / "long.txt").write_text(3 * fables.replace(" ", "\n"), "utf-8")
    (made / "marked.txt").write_bytes(fables[:3000].replace("\n", "\r").encode("utf-16"))
    (made / "windows.txt").write_bytes(("“" + fables[:3000].replace("'", "’") + "”").encode("cp1252"))
    (made / "short.txt").write_text("hello there\n", "utf-8")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    trainer = trainers.BpeTrainer(vocab_size=200, show_progress=False)
    tokenizer.train_from_iterator([fables, "".join(names), "naïve é 日本"], trainer)
    tokenizer.enable_truncation(5)
    tokenizer.save(str(made / "tokenizer.json"))
    return made


@pytest.fixture(scope="module")
def wanted(folder: Path) -> dict[str, list[float]]:
    """Write all scripts, and return the losses of the runs themselves."""
    losses = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for number, (name, case) in enumerate(CASES.items()):
            config, text = config_of(case), case[1]
            corpus = read_corpus(text)
            dataset = prepare(corpus.as_items() if config.per_line else corpus, config).dataset
            script = as_pytorch(config, source_of(text), dataset.vocab_size, STEPS)
            Path(f"script_{number:03}.py").write_text(script, "utf-8")
            session = TrainingSession(config, dataset)
            losses[name] = [next(session).loss for _ in range(STEPS)]
    return losses


RUN_ALL = """
import contextlib, io, json, runpy, sys, torch
torch.set_num_threads(1)
printed = []
for path in sys.argv[1:]:
    sys.argv = [path]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        runpy.run_path(path)
    printed.append(out.getvalue())
print(json.dumps(printed))
"""


@pytest.fixture(scope="module")
def printed(folder: Path, wanted: dict[str, list[float]]) -> dict[str, str]:
    """Run every script in one Python, which has to load torch once alone, and return what they say."""
    scripts = sorted(path.name for path in folder.glob("script_*.py"))
    return dict(zip(wanted, json.loads(run_python(folder, "-W", "error", "-c", RUN_ALL, *scripts)), strict=True))


def run_python(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, encoding="utf-8"
    )
    assert not done.returncode, done.stderr
    return done.stdout


def losses_in(output: str) -> list[float]:
    lines = [line.split(": ") for line in output.splitlines()]
    assert [name for name, _ in lines] == [f"step {step}" for step in range(len(lines))]
    return [float(loss) for _, loss in lines]


@pytest.mark.parametrize("name", CASES)
def test_a_script_prints_the_losses_of_the_run(
    name: str, wanted: dict[str, list[float]], printed: dict[str, str]
) -> None:
    assert losses_in(printed[name]) == pytest.approx(wanted[name], rel=0, abs=TOLERANCE)
    assert len(wanted[name]) == STEPS


def test_the_losses_compared_are_those_of_runs_that_learn(wanted: dict[str, list[float]]) -> None:
    still = {name for name, losses in wanted.items() if losses[0] == losses[-1]}
    assert still == set()


@pytest.mark.parametrize("kind", ["sample", "text"])
def test_a_script_alone_reads_the_path_it_is_given_and_else_the_file_it_asks_for(
    kind: Any, folder: Path, wanted: dict[str, list[float]]
) -> None:
    source = TextSource(kind, name="names" if kind == "sample" else "Pasted text", per_line=True)
    script = as_pytorch(config_of(("bigram", "names.txt", {})), source, 27, STEPS)
    (folder / "alone.py").write_text(script, "utf-8")
    given = ("names.txt",) if kind == "text" else ()
    assert losses_in(run_python(folder, "alone.py", *given)) == pytest.approx(
        wanted["bigram, list"], abs=TOLERANCE
    )
    assert f'else "{"names" if kind == "sample" else "text"}.txt"' in script


def every_script() -> dict[str, str]:
    """Return scripts of all combinations of what changes their lines."""
    found = {}
    whole, cosine, lists, cuda = (False, True), (False, True), (False, True), ("cpu", "cuda:0")
    for model in MODELS:
        plain = RunConfig().with_model(model)
        for flags in itertools.product(whole, cosine, lists, cuda, catalog.TOKENIZERS):
            batch_size = 0 if flags[0] else 32
            changes = {"batch_size": batch_size, "device": flags[3], "tokenizer": flags[4], **_file_of(flags[4])}
            config = plain.replace(per_line=flags[2], **changes, **(COSINE if flags[1] else {}))
            found[f"{model} {flags}"] = as_pytorch(config, TextSource("text", per_line=flags[2]), 65)
        if model in ("bigram", "mlp"):
            continue
        chosen = itertools.product(
            catalog.POSITIONS, catalog.RESIDUAL_INITS, catalog.LAYER_STARTS, (0, 2), (False, True), (False, True)
        )
        for position, residual, layers, n_layer, tie, scale in chosen:
            changes = {"residual_init": residual, "layer_init": layers, "n_layer": n_layer}
            try:
                config = plain.replace(position=position, tie=tie, scale_embeddings=scale, **changes)
            except ConfigError:
                continue
            name = f"{model} {position} {residual} {layers} {n_layer} {tie} {scale}"
            found[name] = as_pytorch(config, TextSource("text"), 65)
    return found


def test_every_script_compiles_and_imports_and_names_nothing_in_vain(tmp_path: Path) -> None:
    for number, (name, script) in enumerate(every_script().items()):
        compile(script, name, "exec")
        (tmp_path / f"script_{number:04}.py").write_text(script, "utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    options = ("--isolated", "--no-cache", "--line-length", "115", "--target-version", "py311", "--quiet")
    checked = subprocess.run(
        [*ruff, "check", *options, "--select", "E,F,W,I,B,C4,UP,SIM,RUF100", str(tmp_path)], capture_output=True
    )
    assert checked.stdout.decode() == ""
    laid_out = subprocess.run([*ruff, "format", "--diff", *options, str(tmp_path)], capture_output=True)
    assert laid_out.stdout.decode() == ""


@pytest.mark.parametrize(("model", "most"), [("bigram", 60), ("mlp", 95), ("token-position", 90), ("llama", 150)])
def test_a_script_of_the_defaults_is_short(model: str, most: int) -> None:
    script = as_pytorch(RunConfig().with_model(model), TextSource("sample", name="fables"), 65)
    assert len(script.splitlines()) <= most


def test_a_script_needs_torch_and_numpy_alone_unless_subwords_are_cut() -> None:
    for name, script in every_script().items():
        imported = {
            line.split()[1].split(".")[0] for line in script.splitlines() if line[:5] in ("impor", "from ")
        }
        third = imported - sys.stdlib_module_names
        assert third <= {"torch", "numpy", "tokenizers"}, name
        assert ("tokenizers" in third) == ("'subword'" in name or "'file'" in name), name


@pytest.mark.parametrize(
    "path", ["a b.txt", "it's.txt", 'say "hi".txt', "back\\slash.txt", "naïve 🙂.txt", "\udcff"]
)
def test_a_path_stands_in_the_script_as_it_is(path: str) -> None:
    script = as_pytorch(RunConfig(), TextSource("file", path), 65)
    line = next(line for line in script.splitlines() if line.startswith("path = "))
    assert eval(line.partition(" else ")[2]) == path
    assert script.encode("utf-8")


def test_the_device_of_a_run_is_that_of_its_script() -> None:
    script = as_pytorch(RunConfig(device="cuda:1").with_model("mlp"), TextSource("text"), 65)
    assert 'model.to("cuda:1")\n' in script
    assert 'windows[starts, :-1].to("cuda:1"), windows[starts, -1].to("cuda:1")' in script
    assert ".to(" not in as_pytorch(RunConfig(device="auto").with_model("mlp"), TextSource("text"), 65)
