"""The bigram's closed forms, against autograd, finite differences and torch's own layers."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from embedviz.config import RunConfig
from embedviz.models.base import SIZE_LIMIT_BYTES, LanguageModel, ModelSizeError
from embedviz.models.bigram import BigramLanguageModel, softmax_minus_data
from embedviz.text.pairs import PairCounts
from embedviz.text.statistics import conditional_entropy, table_loss

SMALL, LARGE = 7, 600  # on both sides of where a batch's rows are picked out


def random_model(vocab_size: int) -> BigramLanguageModel:
    model = BigramLanguageModel(RunConfig(init="normal-1"), vocab_size)
    model.initialize(torch.zeros(0, dtype=torch.int64), torch.Generator().manual_seed(3))
    return model


def random_ids(vocab_size: int, *shape: int) -> Tensor:
    return torch.randint(vocab_size, shape, generator=torch.Generator().manual_seed(5))


def autograd(model: BigramLanguageModel, idx: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Gradient and loss by torch's own loss and autograd, in float64."""
    table = model.table.detach().double().requires_grad_()
    loss = F.cross_entropy(table[idx.reshape(-1)], targets.reshape(-1))
    loss.backward()
    assert table.grad is not None
    return table.grad, loss.detach()


def test_its_one_parameter_is_the_table() -> None:
    parameters = dict(random_model(SMALL).named_parameters())
    assert list(parameters) == ["token_embedding_table.weight"]
    assert parameters["token_embedding_table.weight"].shape == (SMALL, SMALL)


def test_forward_is_a_lookup_of_rows() -> None:
    model, idx = random_model(SMALL), random_ids(SMALL, 2, 5)
    logits, loss = model(idx)
    assert loss is None
    assert torch.equal(logits, model.table[idx])
    one_hot = F.one_hot(idx, SMALL).float()
    torch.testing.assert_close(logits, one_hot @ model.table)


def test_forward_gives_the_mean_loss() -> None:
    model, text = random_model(SMALL), random_ids(SMALL, 2, 6)
    idx, targets = text[:, :-1], text[:, 1:]  # not contiguous, as windows are
    _, loss = model(idx, targets)
    probabilities = torch.softmax(model.table, 1)
    torch.testing.assert_close(loss, -probabilities[idx, targets].log().mean())


@pytest.mark.parametrize("vocab_size", [SMALL, LARGE])
def test_loss_alone_is_that_of_forward(vocab_size: int) -> None:
    model, text = random_model(vocab_size), random_ids(vocab_size, 4, 9)
    idx, targets = text[:, :-1], text[:, 1:]
    assert model.loss(idx, targets) == pytest.approx(model(idx, targets)[1].item(), rel=1e-6)
    assert model.table.grad is None


def test_loss_alone_makes_no_logits_of_each_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BigramLanguageModel, "forward", None)
    text = random_ids(SMALL, 3, 5)
    assert math.isfinite(random_model(SMALL).loss(text[:, :-1], text[:, 1:]))


def test_a_trace_is_what_torch_computes() -> None:
    model, idx = random_model(SMALL), random_ids(SMALL, 4)
    trace = model.trace(idx)
    assert list(trace) == ["ids", "rows", "one-hot difference", "logits", "probabilities"]
    assert torch.equal(trace["ids"], idx)
    assert torch.equal(trace["rows"], F.embedding(idx, model.table))
    assert torch.equal(trace["logits"], model(idx[None])[0][0, -1])
    assert trace["one-hot difference"].item() == 0
    assert model.points(trace) == {"likeliest": trace["logits"].tolist().index(max(trace["logits"].tolist()))}
    assert torch.equal(model.rows_read(idx)["token"], idx)
    torch.testing.assert_close(trace["probabilities"], torch.softmax(trace["logits"], 0))
    assert not any(array.requires_grad for array in trace.values())


def test_it_has_no_hidden_layer() -> None:
    assert random_model(SMALL).activations(random_ids(SMALL, 2, 3)) == {}


@pytest.mark.parametrize("vocab_size", [SMALL, LARGE])
@pytest.mark.parametrize("shape", [(1, 1), (4, 8), (40, 20)])
def test_gradient_of_a_batch_is_that_of_autograd(vocab_size: int, shape: tuple[int, int]) -> None:
    model = random_model(vocab_size)
    text = random_ids(vocab_size, shape[0], shape[1] + 1)
    for transpose in (False, True):
        idx, targets = text[:, :-1], text[:, 1:]
        if transpose:
            idx, targets = idx.T, targets.T
        gradient, loss = autograd(model, idx, targets)
        assert model.accumulate_gradients(idx, targets).item() == pytest.approx(loss.item(), rel=1e-6)
        assert model.table.grad is not None
        torch.testing.assert_close(model.table.grad.double(), gradient, atol=1e-8, rtol=1e-5)


def test_gradient_of_a_batch_is_that_of_the_contract() -> None:
    model, text = random_model(SMALL), random_ids(SMALL, 4, 9)
    loss = model.accumulate_gradients(text[:, :-1], text[:, 1:])
    assert model.table.grad is not None
    closed = model.table.grad.clone()
    for _ in range(2):  # twice: the default must not add to what is there
        default_loss = LanguageModel.accumulate_gradients(model, text[:, :-1], text[:, 1:])
    torch.testing.assert_close(loss, default_loss)
    torch.testing.assert_close(closed, model.table.grad)


def test_a_second_batch_leaves_nothing_of_the_first() -> None:
    model = random_model(LARGE)
    model.accumulate_gradients(torch.tensor([[1, 2]]), torch.tensor([[2, 3]]))
    model.accumulate_gradients(torch.tensor([[5]]), torch.tensor([[6]]))
    assert model.table.grad is not None
    assert model.table.grad.abs().sum(1).nonzero().flatten().tolist() == [5]


@pytest.mark.parametrize("length", [2, 30, 5000])  # counted by sorting, and by bins
def test_exact_gradient_is_that_of_autograd(length: int) -> None:
    model, ids = random_model(SMALL), random_ids(SMALL, length)
    gradient, loss = autograd(model, ids[:-1], ids[1:])
    text = model.whole_text(ids.to(torch.uint8))
    for _ in range(2):
        assert text.accumulate_gradients().item() == pytest.approx(loss.item(), rel=1e-6)
        assert model.table.grad is not None
        torch.testing.assert_close(model.table.grad.double(), gradient, atol=1e-8, rtol=1e-5)
    assert text.loss() == pytest.approx(loss.item(), rel=1e-12)


def test_exact_gradient_agrees_with_finite_differences() -> None:
    model, ids = random_model(SMALL), random_ids(SMALL, 200)
    text = model.whole_text(ids)
    text.accumulate_gradients()
    assert model.table.grad is not None
    gradient, step = model.table.grad.clone(), 2**-7
    for i, j in [(0, 0), (2, 5), (6, 1)]:
        losses = []
        for sign in (1, -1):
            with torch.no_grad():
                model.table[i, j] += sign * step
            losses.append(text.loss())
            with torch.no_grad():
                model.table[i, j] -= sign * step
        assert (losses[0] - losses[1]) / (2 * step) == pytest.approx(gradient[i, j].item(), abs=1e-6)


def test_whole_loss_and_floor_are_those_of_the_counts() -> None:
    model, ids = random_model(SMALL), random_ids(SMALL, 400)
    text = model.whole_text(ids)
    counts = PairCounts.count(ids.numpy().astype(np.uint8), SMALL)
    assert text.loss() == pytest.approx(table_loss(model.table.detach().numpy(), counts), rel=1e-12)
    assert text.floor == pytest.approx(conditional_entropy(counts), rel=1e-12)


def test_log_of_the_frequencies_reaches_the_floor() -> None:
    model, ids = random_model(SMALL), random_ids(SMALL, 400)
    text = model.whole_text(ids)
    counts = torch.from_numpy(PairCounts.count(ids.numpy().astype(np.uint8), SMALL).dense())
    with torch.no_grad():
        model.table.copy_(torch.log(counts / counts.sum(1, keepdim=True)).clamp(min=-60))
    assert text.loss() == pytest.approx(text.floor, abs=1e-6)
    text.accumulate_gradients()
    assert model.table.grad is not None
    assert model.table.grad.abs().max().item() < 1e-7


def test_whole_loss_of_a_large_table_goes_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    model, ids = random_model(SMALL), random_ids(SMALL, 400)
    text = model.whole_text(ids)
    at_once = text.loss()
    monkeypatch.setattr("embedviz.models.bigram._CHUNK", 2 * SMALL)
    assert text.loss() == pytest.approx(at_once, rel=1e-14)


@pytest.mark.parametrize("vocab_size", [1, 2, 27, 65, 256])
def test_loss_of_zeros_is_ln_v(vocab_size: int) -> None:
    model = BigramLanguageModel(RunConfig(), vocab_size)
    model.initialize(torch.zeros(0, dtype=torch.int64), torch.Generator())
    text = model.whole_text(torch.arange(vocab_size).repeat(2))
    assert text.loss() == pytest.approx(math.log(vocab_size), abs=1e-14)
    assert text.accumulate_gradients().item() == pytest.approx(math.log(vocab_size), abs=1e-6)


def test_it_reads_one_token() -> None:
    model = random_model(SMALL)
    assert model.context_length == 1
    assert model.lookup_tables()["token"] is model.table


@pytest.mark.parametrize("batch_size", [0, 32, 65_536])
def test_a_table_too_large_is_refused_before_memory_is_taken(batch_size: int) -> None:
    with pytest.raises(ModelSizeError) as caught:
        BigramLanguageModel(RunConfig(batch_size=batch_size), 200_000_000)  # 160 petabytes
    sentence = caught.value.sentence
    assert sentence.startswith("A bigram table for 200,000,000 tokens would take ")
    assert " GB of it for the table; " in sentence
    assert sentence.endswith("Choose a tokenizer that makes fewer different tokens.")


def test_the_refusal_names_sizes() -> None:
    with pytest.raises(ModelSizeError) as caught:
        BigramLanguageModel.check_size(RunConfig(), 50_257)
    assert caught.value.sentence == (
        "A bigram table for 50,257 tokens would take 50.5 GB while Adam trains it, 40.4 GB of it for the table; "
        "the most that embedviz takes is 2.15 GB. Choose a tokenizer that makes fewer different tokens."
    )


def test_the_refusal_of_a_large_batch_asks_for_a_smaller_one() -> None:
    with pytest.raises(ModelSizeError) as caught:
        BigramLanguageModel.check_size(RunConfig(optimizer="sgd", batch_size=65_536), 12_000)
    assert caught.value.sentence == (
        "A bigram table for 12,000 tokens would take 2.88 GB while SGD trains it, 1.73 GB of it for a batch; "
        "the most that embedviz takes is 2.15 GB. Choose a smaller batch."
    )


def test_the_refusal_says_how_much_too_much_it_is() -> None:
    largest = math.isqrt(SIZE_LIMIT_BYTES // 20)
    with pytest.raises(ModelSizeError) as caught:
        BigramLanguageModel.check_size(RunConfig(), largest + 1)
    assert "would take 2.148 GB" in caught.value.sentence
    assert "takes is 2.147 GB." in caught.value.sentence


def test_size_counts_all_that_is_kept() -> None:
    table = 4 * 1000**2
    size = BigramLanguageModel.size_bytes
    assert size(RunConfig(optimizer="sgd"), 1000) == 3 * table  # weights, gradient, frequencies
    assert size(RunConfig(optimizer="adam"), 1000) == 5 * table  # and two moments
    one_row = size(RunConfig(optimizer="adamw", batch_size=1, block_size=1), 1000)
    assert one_row == 4 * table + 12 * 1000
    largest = math.isqrt(SIZE_LIMIT_BYTES // 20)
    BigramLanguageModel.check_size(RunConfig(), largest)
    with pytest.raises(ModelSizeError):
        BigramLanguageModel.check_size(RunConfig(), largest + 1)


def test_the_loss_of_a_large_table_is_summed_up_without_losing_digits() -> None:
    size = 1500
    frequency = torch.rand(size, size, generator=torch.Generator().manual_seed(3))
    frequency /= frequency.double().sum()
    out = torch.empty(size, size)
    loss = softmax_minus_data(torch.zeros(size, size), frequency, frequency.sum(1, keepdim=True), out=out)
    assert loss.item() == pytest.approx(math.log(size) * frequency.double().sum().item(), abs=2e-6)
