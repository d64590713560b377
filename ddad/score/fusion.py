"""From the maps of each branch and noise scale to one score map, by what normal images say.

Knows tensors of maps and a calibration, nothing of networks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ddad.images.geometry import to_image
from ddad.score.calibration import Calibration, with_normals
from ddad.score.composition import FEWEST, HELD, joined
from ddad.score.levels import border_factors, levels, map_level, moments, quiet_part, strange_limit

LARGE = 4_000_000
"""Pixels of a photograph of which no more than one map is held at its own size."""
Maps = dict[str, np.ndarray]
"""Smoothed maps of one image before normalisation: branch to float32 (timesteps, h, w).

HELD beside them is what kinds of appearance the image holds where, see `composition`."""


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

    `z` holds a normalised (timesteps, h, w) a branch, `shape` is (H, W, ...). Of photographs of
    more than LARGE pixels they meet on the finest of their grids, for memory. Differentiable.
    """
    meet = shape[:2]
    if math.prod(meet) > LARGE:
        meet = max((z[branch].shape[1:] for branch in weights), key=math.prod)
    sized = [to_image(z[b].mean(0)[None], *meet) * weight for b, weight in weights.items()]
    return to_image(sum(sized[1:], sized[0]), shape[0], shape[1])[0]


def score_map(
    fitted: Calibration, raw: Maps, weights: Mapping[str, float], shape: Sequence[int]
) -> np.ndarray:
    """The score map, float32 (H, W), of an image of shape (H, W, ...) from its raw maps."""
    return np.asarray(fuse(normalised(fitted, raw, weights), weights, shape))


def normalised(fitted: Calibration, raw: Maps, weights: Mapping[str, float]) -> dict[str, Tensor]:
    """The raw maps of each branch with a weight as z-scores."""
    return {branch: normalise(fitted, branch, torch.from_numpy(raw[branch])) for branch in weights}


def calibrate(
    normals: Sequence[tuple[Maps, Sequence[int]]],
    weights: Mapping[str, float],
    target_fpr: float,
    *,
    parts: Sequence[str] | None = None,
    cross_fitted: bool = False,
) -> Calibration:
    """Levels and threshold from the raw maps and shapes of normal images.

    Each image's maps are made by a model that had not seen its part. Cross-fitting makes them so:
    every fold's come from a model fitted to the other folds. The model that ships has seen them
    all, so it scores a new good part a little lower than they did, and the false-positive rate
    errs on the low side. `parts` names the part that each image shows (default: each its own).

    An image is scored by the levels of the other parts: by levels that it had a share in, it
    would look more usual than a new part ever does. A new image meets the levels of all. The
    result belongs to no model yet: its fingerprint is empty. Raises ValueError for no image or a
    rate outside (0, 1).
    """
    if not normals:
        raise ValueError("calibration needs at least one image of a good part")
    names = parts if parts is not None else [str(index) for index in range(len(normals))]
    _, members = np.unique(np.asarray(names), return_inverse=True)
    sums = {b: np.stack([moments(maps[b]) for maps, _ in normals]) for b in weights}
    found = _levels(sums, target_fpr, cross_fitted)
    scores, quiet = np.empty(len(normals)), np.empty(len(normals))
    calm = []
    for part in range(members.max() + 1):
        own = members == part
        others = {b: rows[~own] for b, rows in sums.items()}
        judge = found if own.all() else _levels(others, target_fpr, cross_fitted)
        for index in np.flatnonzero(own).tolist():
            fused = score_map(judge, normals[index][0], weights, normals[index][1])
            scores[index], quiet[index] = fused.max(), map_level(fused)
            calm.append(quiet_part(fused))
    found = replace(found, strange=strange_limit(calm))
    if all(HELD in maps for maps, _ in normals) and members.max() + 1 >= FEWEST:
        every = np.stack([maps[HELD] for maps, _ in normals])
        usual, scores = joined(every, scores, members)
        found = replace(found, usual=usual)
    return with_normals(found, scores.tolist(), quiet.tolist(), members.tolist())


LEAST_SHARE = 0.1
"""A look that normals leave less than this is dropped."""


def look_shares(normals: Sequence[Maps], branches: Sequence[str]) -> list[float]:
    """Share of each look, by how loud it is on normal images that it was not fitted to.

    By the inverse square of what the loudest place of a normal image is, on the median, in
    deviations of its normal pixels: so weighted, looks that are independent of one another make
    the quietest mean. One that would have less than LEAST_SHARE only adds noise: it has none. The
    first, of the whole part, is kept.
    """
    loud = []
    for branch in branches:
        sums = [moments(maps[branch]) for maps in normals]
        found = _levels({branch: np.stack(sums)}, 0.5, False)
        z = [normalise(found, branch, torch.from_numpy(maps[branch])) for maps in normals]
        loud.append(float(np.median([float(each.mean(0).max()) for each in z])))
    shares = np.square(1 / np.maximum(loud, 1e-6))
    for look in range(len(shares) - 1, 0, -1):
        if shares[look] < LEAST_SHARE * shares.sum():
            shares[look] = 0.0
    return [round(float(share), 3) for share in shares / shares.sum()]


def _levels(sums: Mapping[str, np.ndarray], target_fpr: float, cross_fitted: bool) -> Calibration:
    """A calibration without scores, by the `moments` (images, rows, cells) of each branch."""
    found = {branch: levels(rows.sum(0), len(rows)) for branch, rows in sums.items()}
    means, stds, borders = ({b: row[i] for b, row in found.items()} for i in range(3))
    return Calibration(means, stds, borders, (), target_fpr, 0, 0, 0, "", cross_fitted)  # type: ignore[arg-type]
