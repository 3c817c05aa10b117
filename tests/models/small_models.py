"""Small models of windows for tests: every switch, weights that are all in use, and slopes of their losses."""

import itertools
from collections.abc import Iterator
from typing import TypeVar

import pytest
import torch
from torch import Tensor, nn

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.models.base import LanguageModel
from embedviz.models.decoder import DecoderLanguageModel
from embedviz.models.initialization import make_generator
from embedviz.models.llama import LlamaTransformer
from embedviz.models.token_position import TokenPositionModel
from embedviz.models.transformer import TinyTransformer

V, T, C, H, B = 11, 6, 8, 2, 3
Model = TypeVar("Model", bound=LanguageModel)
DECODERS: dict[str, type[DecoderLanguageModel]] = {"transformer": TinyTransformer, "llama": LlamaTransformer}
MODELS: dict[str, type[LanguageModel]] = {**DECODERS, "token-position": TokenPositionModel}
_SWITCHES = ("tie", "scale_embeddings", "freeze_embeddings")


def config_of(model: str, **changes: object) -> RunConfig:
    config = RunConfig().with_model(model)
    small = {"tokenizer": "char", "n_embd": C, "n_head": H, "n_layer": 2, "block_size": T, "batch_size": B}
    return config.replace(**{**small, **changes})


def made(kind: type[Model], config: RunConfig, vocab_size: int = V) -> Model:
    model = kind(config, vocab_size)
    model.initialize(torch.zeros(0, dtype=torch.int64), make_generator(config.seed, "initialization"))
    return model


def make(model: str, vocab_size: int = V, **changes: object) -> LanguageModel:
    return made(MODELS[model], config_of(model, **changes), vocab_size)


def make_decoder(model: str, vocab_size: int = V, **changes: object) -> DecoderLanguageModel:
    return made(DECODERS[model], config_of(model, **changes), vocab_size)


def stirred(model: Model, seed: int = 3) -> Model:
    """Give every parameter numbers of its own, biases and norms as well: what is left out would show."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.4 + 0.1)
    return model


def random_ids(*shape: int, vocab_size: int = V, seed: int = 5) -> Tensor:
    return torch.randint(vocab_size, shape, generator=torch.Generator().manual_seed(seed))


def positions_of(model: str) -> list[str]:
    return [name for name, position in catalog.POSITIONS.items() if position.suits(model)]


def layers_of(position: object) -> tuple[int, int, int]:
    """Return three numbers of layers that a model may have: none among them, if nothing is turned."""
    return (1, 2, 3) if position == "rope" else (0, 1, 3)


def switched(model: str) -> Iterator[dict[str, object]]:
    """Yield every combination of positions and switches."""
    for position, *on in itertools.product(positions_of(model), *[(False, True)] * len(_SWITCHES)):
        yield {"position": position, **dict(zip(_SWITCHES, on, strict=True))}


def agrees_with_finite_differences(model: LanguageModel, idx: Tensor, targets: Tensor) -> None:
    """Compare the gradient of a model in float64 with slopes, in some places of each trained parameter."""
    model.accumulate_gradients(idx, targets)
    step, compared = 1e-5, 0
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            assert parameter.grad is None, name
            continue
        assert parameter.grad is not None, name
        gradient, weights = parameter.grad.flatten(), parameter.data.view(-1)
        for place in range(0, len(weights), max(1, len(weights) // 5)):
            before = weights[place].item()
            losses = []
            for sign in (1, -1):
                weights[place] = before + sign * step
                losses.append(model.loss(idx, targets))
            weights[place] = before
            slope = (losses[0] - losses[1]) / (2 * step)
            assert slope == pytest.approx(gradient[place].item(), rel=1e-6, abs=1e-9), name
            compared += gradient[place].item() != 0
    assert compared


def gradients(model: nn.Module) -> dict[str, Tensor]:
    found = {}
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        found[name] = parameter.grad.clone()
    return found
