"""How small a spot a model finds: painted on normals, smaller and smaller, clear and faint."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ddad.model.detector import Detector
from ddad.score.fusion import score_map
from ddad.score.sight import CONTRASTS, PLACES, Sight, sharpness

PHOTOGRAPHS = 3
"""It is tried on so many, if there are so many."""
GRID = 5
"""Rows and columns of places on a photograph, clear and faint ones in turn."""
LARGEST, STEP = 12, 2**0.5
"""The largest spot tried has so many in a photograph's side; each is STEP times the next."""
SMALLEST = 2.0
"""Pixels."""
Trial = tuple[np.ndarray, Detector]
"""A normal, uint8 (H, W, 3), and a model that was not fitted to it."""
Spot = tuple[int, int, str]
"""Row and column of its centre, and its contrast."""


def seen(detector: Detector, trials: Sequence[Trial], seed: int = 0) -> Detector:
    """The calibrated detector, each of its calibrations with what it can see.

    Each photograph is judged by a model that was not fitted to it, at the detector's levels and
    threshold. Sizes fall until no detail finds the spots of either contrast. A model that does not
    look at features is returned as it is.
    """
    if "feature" not in detector.weights:
        return detector
    details = [detector.with_looks(count) for count in range(len(detector.config.looks) + 1)]
    side = float(np.median([math.sqrt(p.shape[0] * p.shape[1]) for p, _ in trials]))
    smallest: list[dict[str, float | None]] = [dict.fromkeys(CONTRASTS) for _ in details]
    going = [set(CONTRASTS) for _ in details]
    size = min(side / LARGEST, *(min(p.shape[:2]) / 4 for p, _ in trials))  # it fits into a strip
    while size >= SMALLEST and any(going):
        found = _found(details, trials, size, seed)
        for own, left, shares in zip(smallest, going, found, strict=True):
            for contrast in [*left]:
                if shares[contrast] >= PLACES:
                    own[contrast] = size
                else:
                    left.discard(contrast)
        size /= STEP
    least = min(sharpness(p, max(detector.looks.values())) for p, _ in trials)
    places = len(trials) * (GRID**2 // 2)
    sights = [
        Sight(own["clear"], own["faint"], places, side, least, _seconds(one, trials[0][0]))
        for one, own in zip(details, smallest, strict=True)
    ]
    every = [
        replace(one.calibration, sight=sight) for one, sight in zip(details, sights, strict=True)
    ]
    return replace(detector, fitted=every[-1], coarser=tuple(every[:-1]))


def painted(
    pixels: np.ndarray, size: float, rng: np.random.Generator
) -> tuple[np.ndarray, list[Spot]]:
    """A photograph uint8 (H, W, 3) with round spots of a size in pixels, and where they are."""
    image, spots = pixels.copy(), []
    height, width = pixels.shape[:2]
    reach = math.ceil(size / 2) + 2
    names = [*CONTRASTS]
    for place in range(GRID**2):
        row, column = divmod(place, GRID)
        y, x = (
            int(np.clip(length * (cell + rng.uniform(0.2, 0.8)) / GRID, reach, length - reach - 1))
            for length, cell in ((height, row), (width, column))
        )
        window = slice(y - reach, y + reach + 1), slice(x - reach, x + reach + 1)
        far = np.hypot(*np.ogrid[-reach : reach + 1, -reach : reach + 1])
        cover = np.clip(size / 2 + 0.5 - far, 0, 1)[..., None]  # a soft edge, a pixel wide
        there = image[window].astype(float)
        contrast = names[place % len(names)]
        sign = -1 if there.mean() > 128 else 1
        changed = there + sign * CONTRASTS[contrast] * cover
        image[window] = np.rint(changed.clip(0, 255)).astype(np.uint8)
        spots.append((y, x, contrast))
    return image, spots


def _seconds(detector: Detector, pixels: np.ndarray) -> float:
    """What a photograph takes, the quicker of two times."""
    spent = []
    for _ in range(2):
        begun = time.perf_counter()
        detector.detect([pixels])
        spent.append(time.perf_counter() - begun)
    return min(spent)


def _found(
    details: Sequence[Detector], trials: Sequence[Trial], size: float, seed: int
) -> list[dict[str, float]]:
    """By each detail, the share of places of each contrast that lie above its threshold."""
    hits = [{contrast: list[bool]() for contrast in CONTRASTS} for _ in details]
    for index, (pixels, model) in enumerate(trials):
        image, spots = painted(pixels, size, np.random.default_rng((seed, index)))
        (raw,) = model.maps([image])
        for detail, own in zip(details, hits, strict=True):
            fitted = detail.calibration
            above = score_map(fitted, raw, detail.weights, pixels.shape) > fitted.threshold
            near = math.ceil(size / 2)
            for y, x, contrast in spots:
                own[contrast].append(
                    bool(above[y - near : y + near + 1, x - near : x + near + 1].any())
                )
    return [{contrast: float(np.mean(each)) for contrast, each in own.items()} for own in hits]
