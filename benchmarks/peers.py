"""Peers in one harness: PatchCore as its authors set it, PatchCore with all that our score has but
its denoiser, and an SPR-like score of a pixel model.

Each function yields (map at image size, image score) for images in order. Only images of good
parts are fitted to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from scipy.ndimage import gaussian_filter, uniform_filter
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from ddad.diffusion.extractor import Extractor
from ddad.images.geometry import to_image, to_model
from ddad.model.detector import Detector
from ddad.score.config import ScoreConfig
from ddad.score.feature import tokens
from ddad.score.fusion import Maps, calibrate, score_map
from ddad.score.look import Look
from ddad.training.fit import Vectors, fold_of

SIDE, SHARE, POOL = 256, 0.1, 100_000
"""Pixels a side (images are stretched), share kept as memory, vectors the share is taken from."""

ROWS = 8192
"""Vectors compared with the memory at once."""


def patchcore(
    extractor: Extractor, normals: Sequence[np.ndarray], images: Iterable[np.ndarray], seed: int = 0
) -> Iterator[tuple[np.ndarray, float]]:
    """Roth et al. 2022, as their code has it: 256 pixels, stretched, the two coarser stages, greedy
    coreset, nearest neighbour, sigma 4.

    The image score is the largest patch distance (no reweighting by neighbours, as there). The
    coreset is taken from a random POOL of the vectors, to keep it to minutes; the picture's rim is
    not cut away, so that all of it is judged.
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
    grid = _nearest(found.flatten(1).T, memory).view(1, *found.shape[1:])
    large = interpolate(grid[None], (side, side), mode="bilinear")[0]
    smooth = torch.from_numpy(gaussian_filter(large[0].numpy(), 4))[None]
    return to_image(smooth, *pixels.shape[:2])[0].numpy(), float(grid.max())


def _nearest(vectors: Tensor, memory: Tensor) -> Tensor:
    """Distance (N,) of vectors (N, C) to the nearest of the memory (M, C)."""
    lengths = memory.square().sum(1)
    distance = [
        torch.addmm(lengths, part, memory.T, alpha=-2).amin(1) + part.square().sum(1)
        for part in vectors.split(ROWS)
    ]
    return torch.cat(distance).clamp(min=0).sqrt()


@torch.inference_mode()
def _vectors(extractor: Extractor, pixels: np.ndarray, side: int = SIDE) -> Tensor:
    stages = extractor.stages(to_model(pixels, (side, side))[None])[-2:]
    near = [avg_pool2d(stage, 3, 1, 1) for stage in stages]
    shape = near[0].shape[-2:]
    return torch.cat([interpolate(n, shape, mode="bilinear") for n in near], 1)[0]


def patchcore_on_our_terms(
    extractor: Extractor,
    normals: Sequence[np.ndarray],
    groups: Sequence[str],
    images: Iterable[np.ndarray],
    seed: int = 0,
) -> Iterator[tuple[np.ndarray, float]]:
    """The nearest of a coreset in place of our denoiser; all else is ours.

    The same vectors of the same geometry (aspect kept, mirrored margin, three stages and what is
    around a place), as many of them, cross-fitted folds by part, border levels and z-values of
    held-out normals. Of our image score it lacks the amounts, which are the denoiser's.
    """
    config = ScoreConfig()
    vectors = Vectors.of(normals, extractor, config, seed=seed, keep=False)
    each, folds = vectors.each["feature"], fold_of(groups, seed)

    def memory(kept: np.ndarray) -> Tensor:
        chosen = torch.cat([v for v, mine in zip(each, kept, strict=True) if mine])
        return _coreset(chosen, SHARE, torch.Generator().manual_seed(seed))

    def raw(bank: Tensor, pixels: np.ndarray) -> Maps:
        look = Look(extractor, pixels, config.feature_size)
        with torch.inference_mode():
            found = [_nearest(tokens(look.described(tile)), bank) for tile in look.tiles]
        return {"feature": np.asarray(torch.cat(found).view(1, *look.grid))}

    pairs: dict[int, tuple[Maps, Sequence[int]]] = {}
    for fold in np.unique(folds):
        bank = memory(folds != fold)
        for index in np.flatnonzero(folds == fold).tolist():
            pairs[index] = raw(bank, normals[index]), vectors.shapes[index]
    alone = {"feature": 1.0}
    ordered = [pairs[index] for index in range(len(normals))]
    fitted = calibrate(ordered, alone, 0.05, parts=groups, cross_fitted=True)
    bank = memory(np.ones(len(each), bool))
    for pixels in images:
        found = score_map(fitted, raw(bank, pixels), alone, pixels.shape)
        yield found, float(found.max())


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
    low = (x @ (torch.randn(x.shape[1], 128, generator=generator) / 128**0.5)).T.contiguous()
    lengths = low.square().sum(0)
    chosen = [int(torch.randint(len(x), (1,), generator=generator))]
    nearest = torch.full((len(x),), torch.inf)
    for _ in range(max(1, round(share * len(x))) - 1):
        last = low[:, chosen[-1]]
        distance = torch.addmv(lengths, low.T, last, alpha=-2).add_(last @ last)
        torch.minimum(nearest, distance, out=nearest)
        chosen.append(int(nearest.argmax()))
    return x[chosen]
