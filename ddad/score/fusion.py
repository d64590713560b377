"""From the maps of each branch and noise scale to one score map, by what normal images say.

Knows tensors of maps and a calibration, nothing of networks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ddad.images.geometry import to_image
from ddad.score.calibration import (
    Calibration,
    border_factors,
    border_levels,
    conformal_threshold,
    scale_statistics,
)

Maps = dict[str, np.ndarray]
"""Smoothed maps of one image before normalisation: branch to float32 (timesteps, h, w)."""


def normalise(
    fitted: Calibration, branch: str, maps: Tensor, scales: slice = slice(None)
) -> Tensor:
    """Maps (timesteps, h, w) of a branch as z-scores against normal images; differentiable.

    Near the border they are first brought to the level of the interior. `scales` says which of
    the branch's timesteps `maps` holds.
    """
    factors = maps.new_tensor(border_factors(fitted.borders[branch], *maps.shape[1:]))
    means, stds = (
        maps.new_tensor(values[branch][scales])[:, None, None]
        for values in (fitted.means, fitted.stds)
    )
    return (maps / factors - means) / stds


def fuse(z: Mapping[str, Tensor], weights: Mapping[str, float], shape: Sequence[int]) -> Tensor:
    """Weighted mean of the branches, each the mean over its timesteps: (H, W) at image size.

    `z` holds a normalised (timesteps, h, w) a branch, `shape` is (H, W, ...). Differentiable.
    """
    sized = (
        to_image(z[branch].mean(0)[None], shape[0], shape[1])[0].mul_(weight)
        for branch, weight in weights.items()
    )
    total = next(sized)
    for each in sized:
        total += each  # in place: photographs are large
    return total


def score_map(
    fitted: Calibration, raw: Maps, weights: Mapping[str, float], shape: Sequence[int]
) -> np.ndarray:
    """The score map, float32 (H, W), of an image of shape (H, W, ...) from its raw maps."""
    z = {branch: normalise(fitted, branch, torch.from_numpy(m)) for branch, m in raw.items()}
    return np.asarray(fuse(z, weights, shape))


def calibrate(
    normals: Sequence[tuple[Maps, Sequence[int]]],
    weights: Mapping[str, float],
    target_fpr: float,
    *,
    cross_fitted: bool = False,
) -> Calibration:
    """Levels and threshold from the raw maps and shapes of normal images.

    Each image's maps are made by a model that had not seen it. Cross-fitting makes them so: every
    fold's come from a model fitted to the other folds. The model that ships has seen them all, so
    it scores a new good part a little lower than they did, and the false-positive rate errs on
    the low side. The result belongs to no model yet: its fingerprint is empty. Raises ValueError
    for no image or a rate outside (0, 1).
    """
    if not normals:
        raise ValueError("calibration needs at least one image of a good part")
    levels = _levels([maps for maps, _ in normals], weights, target_fpr, cross_fitted)
    fused = [score_map(levels, maps, weights, shape) for maps, shape in normals]
    scores = tuple(sorted(float(m.max()) for m in fused))
    threshold = conformal_threshold(scores, target_fpr)
    low = float(np.median([np.median(m) for m in fused]))
    high = threshold + max(threshold - low, 1e-6)
    return replace(levels, normal_scores=scores, threshold=threshold, map_low=low, map_high=high)


def _levels(
    raw: Sequence[Maps], weights: Mapping[str, float], target_fpr: float, cross_fitted: bool
) -> Calibration:
    """A calibration without scores: each branch's borders, means and deviations."""
    borders = {b: border_levels([maps[b] for maps in raw]) for b in weights}
    found = {
        b: scale_statistics([m[b] / border_factors(borders[b], *m[b].shape[1:]) for m in raw])
        for b in weights
    }
    return Calibration(
        {branch: means for branch, (means, _) in found.items()},
        {branch: stds for branch, (_, stds) in found.items()},
        borders,
        *((), target_fpr, 0, 0, 0, "", cross_fitted),
    )
