"""Scripts of "Copy as PyTorch" as text: what stands in them, how long they are, that nothing is there in vain."""

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.errors import ConfigError
from embedviz.export.pytorch import as_pytorch
from embedviz.export.source import TextSource
from embedviz.models.llama import SwiGLU

COSINE: dict[str, Any] = {"clip": 0.3, "schedule": "cosine", "warmup_steps": 4, "schedule_steps": 12}


def every_script() -> dict[str, str]:
    """Return scripts of all combinations of what changes their lines."""
    found = {}
    whole, cosine, lists, cuda = (False, True), (False, True), (False, True), ("cpu", "cuda:0")
    for model in catalog.MODELS:
        plain = RunConfig().with_model(model)
        for flags in itertools.product(whole, cosine, lists, cuda, catalog.TOKENIZERS):
            file = "tokenizer.json" if flags[4] == "file" else ""
            changes = {"device": flags[3], "tokenizer": flags[4], "tokenizer_file": file}
            config = plain.replace(per_line=flags[2], batch_size=0 if flags[0] else 32, **changes)
            config = config.replace(**COSINE) if flags[1] else config
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


def test_numbers_are_fetched_from_an_accelerator_alone() -> None:
    for name, script in every_script().items():
        assert ".cpu()" not in script or '.to("cuda:0")' in script, name
    on_cuda = RunConfig().with_model("llama").replace(device="cuda:0", batch_size=0)
    script = as_pytorch(on_cuda, TextSource("text"), 65)
    assert "part.detach().cpu()\n" in script


def test_a_script_computes_with_as_many_threads_as_the_run() -> None:
    llama = RunConfig().with_model("llama")
    for threads in (1, 2, 8):
        script = as_pytorch(llama.replace(threads=threads), TextSource("text"), 65)
        assert f"torch.set_num_threads({threads})  # " in script
    for changes in ({"device": "auto", "threads": 0}, {"device": "cuda:0"}):
        assert "set_num_threads" not in as_pytorch(llama.replace(**changes), TextSource("text"), 65)


@pytest.mark.parametrize(("device", "is_sure"), [("cpu", True), ("auto", True), ("cuda:0", True), ("mps", False)])
def test_an_update_is_one_kernel_where_the_device_has_it(device: str, is_sure: bool) -> None:
    script = as_pytorch(RunConfig(device=device), TextSource("text"), 65)
    assert script.count("fused=True") == 1
    assert ("except RuntimeError:" in script) == ("foreach=True" in script) == (not is_sure)


@pytest.mark.parametrize("n_embd", [2, 32, 33, 64, 1024])
def test_the_width_of_a_feed_forward_is_a_number(n_embd: int) -> None:
    config = RunConfig().with_model("llama").replace(n_embd=n_embd, n_head=1, position="none")
    assert f"\nwidth = {SwiGLU.width(n_embd)}  # F" in as_pytorch(config, TextSource("text"), 65)


def test_the_number_of_tokens_is_not_called_that_of_a_block() -> None:
    for name, script in every_script().items():
        ids = [line for line in script.splitlines() if line.startswith(("ids = ", "train_ids = torch"))]
        assert ids, name
        assert all("# (N,)" in line or "# (n,)" in line for line in ids), name
