"""The tables of tokens and positions: made once, looked up without changing them, added up exactly."""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.models.embedding import TokenPositionEmbedding
from embedviz.models.initialization import make_generator

V, T, C = 300, 6, 12
CONFIG = RunConfig(model="transformer", n_embd=C, n_head=2, block_size=T, init="normal-0.02", optimizer="adamw")


def make(vocab_size: int = V, **changes: object) -> TokenPositionEmbedding:
    config = CONFIG.replace(**changes)
    embedding = TokenPositionEmbedding(config, vocab_size)
    embedding.initialize(torch.zeros(0, dtype=torch.int64), make_generator(config.seed, "initialization"))
    return embedding


def random_ids(*shape: int) -> torch.Tensor:
    return torch.randint(V, shape, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("t", [1, 4, T])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("position", ["none", "learned", "rope"])
def test_rows_of_both_tables_are_added_up(position: str, scaled: bool, t: int) -> None:
    embedding, idx = make(position=position, scale_embeddings=scaled), random_ids(3, t)
    expected = F.embedding(idx, embedding.token) * (math.sqrt(C) if scaled else 1)
    if position == "learned":
        assert embedding.position is not None
        expected = expected + F.embedding(torch.arange(t), embedding.position)
    else:
        assert embedding.position is None
    assert torch.equal(embedding(idx), expected)


@pytest.mark.parametrize(("width", "root"), [(4, 2.0), (16, 4.0), (1, 1.0), (64, 8.0), (12, math.sqrt(12))])
def test_scaling_multiplies_by_exactly_the_square_root_of_the_width(width: int, root: float) -> None:
    changes = {"n_embd": width, "n_head": 1, "position": "none"}
    idx = random_ids(2, T)
    assert torch.equal(make(scale_embeddings=True, **changes)(idx), make(**changes)(idx) * root)


def test_one_token_at_two_positions_has_one_row_and_two_sums() -> None:
    embedding = make()
    assert embedding.position is not None
    first, second = embedding(torch.tensor([[7, 7]]))[0]
    assert not torch.equal(first, second)
    torch.testing.assert_close(first - second, (embedding.position[0] - embedding.position[1]).detach())


def test_looking_up_changes_nothing() -> None:
    embedding = make()
    before = {name: table.detach().clone() for name, table in embedding.tables().items()}
    for seed in range(5):
        embedding(torch.randint(V, (4, T), generator=torch.Generator().manual_seed(seed)))
    for name, table in embedding.tables().items():
        assert torch.equal(table, before[name])


@pytest.mark.parametrize(("init", "std"), [("normal-0.01", 0.01), ("normal-0.02", 0.02), ("normal-1", 1.0)])
def test_both_tables_start_as_asked_for(init: str, std: float) -> None:
    tables = make(4000, init=init, block_size=1024).tables()
    for table in tables.values():
        z = table.detach() / std  # 12,288 numbers at least: 5 sigma are .032 and .045
        assert z.std().item() == pytest.approx(1, abs=0.032)
        assert abs(z.mean().item()) < 0.045
    assert not torch.equal(tables["token"][:1024], tables["position"])


def test_xavier_has_the_bound_of_each_tables_own_shape() -> None:
    for table in make(init="xavier").tables().values():
        bound = math.sqrt(6 / sum(table.shape))
        assert 0.9 * bound < table.abs().max().item() <= bound


@pytest.mark.parametrize("init", [name for name, start in catalog.STARTS.items() if start.suits("transformer")])
def test_the_seed_decides(init: str) -> None:
    for name in ("token", "position"):
        table = make(init=init).tables()[name]
        assert torch.equal(table, make(init=init).tables()[name])
        assert torch.equal(table, make(init=init, seed=7).tables()[name]) == (init == "zeros")


def test_tokens_start_the_same_with_and_without_positions() -> None:
    assert torch.equal(make().token, make(position="none").token)
    assert torch.equal(make(block_size=3).token, make().token)


def test_positions_start_the_same_however_many_tokens_there_are() -> None:
    for init in ("normal-0.02", "xavier"):
        assert torch.equal(make(20, init=init).tables()["position"], make(init=init).tables()["position"])


@pytest.mark.parametrize("width", [1, C])
@pytest.mark.parametrize(("position", "scaled"), list(itertools.product(["none", "learned"], [False, True])))
def test_a_trace_is_what_forward_computes(position: str, scaled: bool, width: int) -> None:
    changes = {"position": position, "scale_embeddings": scaled, "n_embd": width, "n_head": 1}
    embedding, idx = make(**changes), random_ids(4)
    with torch.no_grad():
        made = embedding.trace(idx)
    names = ["ids", "rows", "one-hot difference"]
    names += ["scaled rows"] if scaled else []
    names += ["position rows", "sum"] if position == "learned" else []
    assert list(made) == names
    assert torch.equal(made["rows"], embedding.token[idx])
    assert made["one-hot difference"] == 0
    last = "sum" if position == "learned" else "scaled rows" if scaled else "rows"
    assert torch.equal(made[last], embedding(idx[None])[0])
    if position == "learned":
        assert torch.equal(made["position rows"], embedding.tables()["position"][:4])
    assert not any(array.requires_grad for array in made.values())


def test_which_rows_are_read() -> None:
    idx = random_ids(4)
    read = make().rows_read(idx)
    assert {name: rows.tolist() for name, rows in read.items()} == {
        "token": idx.tolist(),
        "position": [0, 1, 2, 3],
    }
    assert list(make(position="none").rows_read(idx)) == ["token"]


def test_a_frozen_table_is_the_tokens_alone() -> None:
    embedding = make(freeze_embeddings=True)
    embedding(random_ids(3, T)).sum().backward()  # type: ignore[no-untyped-call]
    assert embedding.token.grad is None
    assert embedding.position is not None
    assert embedding.position.grad is not None
    assert (embedding.position.grad == 3).all()


def test_gradients_of_a_token_that_stands_twice_add_up() -> None:
    embedding = make(scale_embeddings=True)
    embedding(torch.tensor([[4, 9, 4]])).sum().backward()  # type: ignore[no-untyped-call]
    assert embedding.token.grad is not None
    rows = embedding.token.grad.any(1).nonzero().flatten().tolist()
    assert rows == [4, 9]
    torch.testing.assert_close(embedding.token.grad[4], torch.full((C,), 2 * math.sqrt(C)))
