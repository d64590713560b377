"""Peers in one harness: PatchCore with the same backbone, and an SPR-like score of a pixel model.

Each function yields (map at image size, image score) for images in order. Only images of good
parts are fitted to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from scipy.ndimage import gaussian_filter, uniform_filter
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from ddad.diffusion.extractor import Extractor
from ddad.images.geometry import to_image, to_model
from ddad.model.detector import Detector

SIDE, SHARE, POOL = 256, 0.1, 100_000
"""Pixels a side (images are stretched), share kept as memory, vectors the share is taken from."""

ROWS = 8192
"""Vectors compared with the memory at once."""


def patchcore(
    extractor: Extractor, normals: Sequence[np.ndarray], images: Sequence[np.ndarray], seed: int = 0
) -> Iterator[tuple[np.ndarray, float]]:
    """Roth et al. 2022: the two coarser stages, greedy coreset, nearest neighbour, sigma 4.

    The image score is the largest patch distance (no reweighting by neighbours). The coreset is
    taken from a random POOL of the vectors, to keep it to minutes.
    """

    memory = patchcore_memory(extractor, normals, seed)
    for pixels in images:
        yield patchcore_map(extractor, memory, pixels)


def patchcore_memory(extractor: Extractor, normals: Sequence[np.ndarray], seed: int = 0) -> Tensor:
    """The coreset (M, C) of the vectors of normal images."""
    generator = torch.Generator().manual_seed(seed)
    each = -(-POOL // len(normals))
    pool = []
    for pixels in normals:
        found = _vectors(extractor, pixels).flatten(1).T
        pool.append(found[torch.randperm(len(found), generator=generator)[:each]])
    return _coreset(torch.cat(pool), SHARE, generator)


@torch.inference_mode()
def patchcore_map(
    extractor: Extractor, memory: Tensor, pixels: np.ndarray, side: int = SIDE
) -> tuple[np.ndarray, float]:
    """Map and score of one image."""
    found = _vectors(extractor, pixels, side)
    lengths = memory.square().sum(1)
    distance = torch.cat(
        [
            (flat.square().sum(1)[:, None] + lengths - 2 * flat @ memory.T).amin(1)
            for flat in found.flatten(1).T.split(ROWS)
        ]
    )
    grid = distance.clamp(min=0).sqrt().view(1, *found.shape[1:])
    large = interpolate(grid[None], (side, side), mode="bilinear")[0]
    smooth = torch.from_numpy(gaussian_filter(large[0].numpy(), 4))[None]
    return to_image(smooth, *pixels.shape[:2])[0].numpy(), float(grid.max())


@torch.inference_mode()
def _vectors(extractor: Extractor, pixels: np.ndarray, side: int = SIDE) -> Tensor:
    stages = extractor.stages(to_model(pixels, (side, side))[None])[-2:]
    near = [avg_pool2d(stage, 3, 1, 1) for stage in stages]
    shape = near[0].shape[-2:]
    return torch.cat([interpolate(n, shape, mode="bilinear") for n in near], 1)[0]


def spr(detector: Detector, images: Sequence[np.ndarray]) -> Iterator[tuple[np.ndarray, float]]:
    """After Shin et al. 2023: the least noise, 3 draws, wide average pooling, maximum.

    Their 31 x 31 window at 192 pixels is 21 x 21 at ours; our pixel network gives the error.
    """
    config = replace(detector.config, timesteps=(5,), draws=3, blur=0.0)
    window = round(31 / 192 * config.size)
    pixel = Detector(detector.unet, detector.scheduler, config)
    for image in images:
        (maps,) = pixel.maps([image])
        pooled = uniform_filter(maps["pixel"][0], window, mode="nearest")
        score_map = to_image(torch.from_numpy(pooled)[None], *image.shape[:2])[0].numpy()
        yield score_map, float(score_map.max())


def _coreset(x: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Greedy furthest-point choice, distances in 128 random dimensions (as PatchCore)."""
    low = x @ (torch.randn(x.shape[1], 128, generator=generator) / 128**0.5)
    lengths = low.square().sum(1)
    chosen = [int(torch.randint(len(x), (1,), generator=generator))]
    nearest = torch.full((len(x),), torch.inf)
    for _ in range(max(1, round(share * len(x))) - 1):
        last = low[chosen[-1]]
        nearest = torch.minimum(nearest, lengths - 2 * low @ last + last @ last)
        chosen.append(int(nearest.argmax()))
    return x[chosen]
