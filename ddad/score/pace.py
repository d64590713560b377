"""How long looks at a photograph take on this machine."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch
from torch import Tensor

from ddad.diffusion.extractor import Extractor
from ddad.diffusion.mixture import KINDS, NormalMixture
from ddad.images.geometry import squares
from ddad.score.config import ScoreConfig
from ddad.score.look import LARGEST, described

COMPONENTS = 512
"""Centres of the mixture of a closer look."""
PIECES = 1.4
"""How much more tiles take than a picture in one piece, for what they see around themselves."""
WHOLE = 2.0
"""The same of the look at the whole part, for its noise scales and its larger mixture."""


def pace(extractor: Extractor) -> float:
    """Seconds that a pixel of a closer look takes, by a trial of half a second."""
    side = 512
    x = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1
    x = x.to(next(extractor.parameters()).device)
    spent = []
    with torch.inference_mode():
        for _ in range(3):
            begun = time.perf_counter()
            with extractor.fast():
                vectors = described(extractor, x).flatten(2)[0].T
            next(_mixture_of(vectors).steps(vectors, [(1.0, 0.3)]))
            spent.append(time.perf_counter() - begun)
    return min(spent) / side**2


def seconds(config: ScoreConfig, shape: Sequence[int], each: float) -> float:
    """About what all looks at a photograph of shape (H, W, ...) take where a pixel takes `each`."""
    closer = sum(_cost(size, shape, each) for size in config.looks)
    return closer + WHOLE * _cost(config.feature_size, shape, each)


def _cost(size: int, shape: Sequence[int], each: float) -> float:
    pixels = size**2 * squares(shape)
    return pixels * each * (PIECES if pixels > LARGEST else 1)


def _mixture_of(vectors: Tensor) -> NormalMixture:
    """Any mixture as large as that of a closer look."""
    centres, channels = vectors[:COMPONENTS], vectors.shape[1]
    eye, ones = torch.eye(channels, device=vectors.device), vectors.new_ones(channels)
    kinds = torch.arange(len(centres), device=vectors.device) % KINDS
    return NormalMixture(vectors.mean(0), vectors.std()[None], centres, eye, ones, kinds)
