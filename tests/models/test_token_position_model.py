"""Token + position: two tables and a linear layer, against torch's own."""

import math

import pytest
import torch
import torch.nn.functional as F
from small_models import B, C, T, V, config_of, make, positions_of, random_ids, stirred, switched
from torch import nn

from embedviz.models.base import BYTES_PER_WEIGHT, LanguageModel, ModelSizeError
from embedviz.models.token_position import TokenPositionModel


def made(**changes: object) -> LanguageModel:
    return make("token-position", **changes)


def test_it_starts_as_the_document_has_it() -> None:
    config = config_of("token-position").with_model("token-position")
    assert (config.tokenizer, config.n_embd, config.block_size, config.position) == ("byte", 4, 8, "learned")
    shapes = {name: tuple(weights.shape) for name, weights in TokenPositionModel(config, 256).named_parameters()}
    assert shapes == {
        "embedding.token": (256, 4),
        "embedding.position": (8, 4),
        "head.weight": (256, 4),
        "head.bias": (256,),
    }


@pytest.mark.parametrize("t", [1, 3, T])
def test_it_is_torchs_own_layers(t: int) -> None:
    for changes in switched("token-position"):
        model, idx, targets = stirred(made(**changes)), random_ids(B, t), random_ids(B, t, seed=6)
        own = {name: weights.detach() for name, weights in model.named_parameters()}
        tokens, head = nn.Embedding.from_pretrained(own["embedding.token"]), nn.Linear(C, V)
        weight = own["embedding.token"] if changes["tie"] else own["head.weight"]
        head.load_state_dict({"weight": weight, "bias": own["head.bias"]})
        x = tokens(idx) * (math.sqrt(C) if changes["scale_embeddings"] else 1)
        if changes["position"] == "learned":
            x = x + nn.Embedding.from_pretrained(own["embedding.position"])(torch.arange(t))
        logits, loss = model(idx, targets)
        torch.testing.assert_close(logits, head(x))
        torch.testing.assert_close(loss, F.cross_entropy(head(x).flatten(0, 1), targets.flatten()))
        assert model(idx)[1] is None


def test_no_position_sees_another() -> None:
    for changes in switched("token-position"):
        model, idx = stirred(made(**changes)), random_ids(B, T)
        before = model(idx)[0]
        for place in range(T):
            other = idx.clone()
            other[:, place] = (other[:, place] + 1) % V
            changed = (model(other)[0] != before).any(-1)  # (B, T)
            assert changed[:, place].all()
            assert changed.sum() == B
    assert made().attention_layers == 0
    assert made().attention(random_ids(T), 0) == {}


def test_the_same_token_says_something_else_elsewhere_if_positions_are_learned() -> None:
    for position in positions_of("token-position"):
        logits = stirred(made(position=position))(torch.full((1, T), 3))[0][0].detach()
        alike = [torch.equal(logits[0], logits[place]) for place in range(1, T)]
        assert alike == [position == "none"] * (T - 1)


@pytest.mark.parametrize("t", [1, 4, T, T + 2])
def test_a_trace_is_what_forward_computes(t: int) -> None:
    for changes in switched("token-position"):
        model, idx = stirred(made(**changes)), random_ids(t)
        trace, read = model.trace(idx, target=2), idx[-T:]
        scaled = ["scaled rows"] if changes["scale_embeddings"] else []
        summed = ["position rows", "sum"] if changes["position"] == "learned" else []
        assert list(trace) == [
            *("ids", "rows", "one-hot difference", *scaled, *summed, "head row", "logits", "probabilities")
        ]
        assert torch.equal(trace["ids"], read)
        torch.testing.assert_close(trace["logits"], model(read[None])[0][0, -1])
        torch.testing.assert_close(trace["probabilities"], torch.softmax(trace["logits"], 0))
        assert torch.equal(trace["head row"], model.get_parameter("head.weight")[2])
        assert not any(array.requires_grad for array in trace.values())
        points = model.points(trace)
        assert points["likeliest"] == trace["logits"].argmax()
        assert points["last place"] == len(read) - 1
        if summed:
            assert (
                trace["position rows"][-1].abs().max() == trace["position rows"][-1, points["column of sum"]].abs()
            )


def test_layers_are_the_rows_and_their_sums() -> None:
    idx = random_ids(B, T)
    for changes in switched("token-position"):
        model = stirred(made(**changes))
        found = model.layers(idx)
        assert list(found) == ["rows", *(["sum"] if changes["position"] == "learned" else [])]
        scale = math.sqrt(C) if changes["scale_embeddings"] else 1
        torch.testing.assert_close(found["rows"], F.embedding(idx, model.lookup_tables()["token"]) * scale)
        torch.testing.assert_close(model.get_submodule("head")(list(found.values())[-1]), model(idx)[0])
        assert not any(array.requires_grad for array in found.values())


def test_a_scaled_row_of_one_number_is_traced_too() -> None:
    for position in positions_of("token-position"):
        model = made(n_embd=1, scale_embeddings=True, position=position)
        assert torch.equal(model.trace(random_ids(3))["scaled rows"], model.trace(random_ids(3))["rows"])


def test_size_counts_all_that_is_kept_and_what_a_batch_makes() -> None:
    config = config_of("token-position", batch_size=5000)
    weights = V * C + T * C + V * C + V
    made_on_the_way = 5000 * 2 * T * (2 * C + V)
    assert TokenPositionModel.size_bytes(config, V) == BYTES_PER_WEIGHT * (
        8 * weights + made_on_the_way
    )  # twice, for a trace


@pytest.mark.parametrize(
    ("changes", "vocab_size", "numbers", "remedy"),
    [
        (
            {"n_embd": 1024, "tie": True, "batch_size": 1, "block_size": 1, "position": "none"},
            150_000,
            "4.99 GB while AdamW trains it, 4.92 GB of it for the token table",
            "Choose a smaller embedding width, or a tokenizer with fewer tokens.",
        ),
        (
            {"batch_size": 65_536, "block_size": 64},
            256,
            "9.13 GB while AdamW trains it, 9.13 GB of it for a batch",
            "Choose a smaller batch, or a smaller block size.",
        ),
    ],
)
def test_what_is_too_large_is_refused_before_memory_is_taken(
    changes: dict[str, object], vocab_size: int, numbers: str, remedy: str
) -> None:
    with pytest.raises(ModelSizeError) as caught:
        TokenPositionModel(config_of("token-position", **changes), vocab_size)
    assert caught.value.sentence == (
        f"A token + position model for {vocab_size:,} tokens would take {numbers}; the most that embedviz takes "
        f"is 2.15 GB. {remedy}"
    )
