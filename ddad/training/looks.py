"""How closely a model is to look at its part: what its photographs hold, and there is time for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ddad.images.geometry import squares
from ddad.model.detector import Detector
from ddad.score.config import ScoreConfig
from ddad.score.fusion import Maps, look_shares
from ddad.score.pace import seconds

SECONDS = 2.0
"""A photograph may take about this long, if nothing else is asked for."""
CLOSER = 1.5
"""A closer look is at least so many times as large as the one at the whole part."""
APART = 3.3
"""Two looks that are farther apart than this, in size, have one between them."""


def closer_looks(
    shapes: Sequence[Sequence[int]], config: ScoreConfig, most: float, each: float
) -> tuple[int, ...]:
    """Sizes of closer looks at photographs of shapes (H, W, ...), of normals.

    None is larger than most photographs are themselves, and together with the look at the whole
    part they take about `most` seconds where a pixel takes `each`. Empty where there is nothing
    to gain, or no time.
    """
    native = float(np.median([math.sqrt(s[0] * s[1] / squares(s)) for s in shapes]))
    (usual, *_) = sorted(shapes, key=lambda s: abs(s[0] * s[1] / squares(s) - native**2))
    whole = config.feature_size
    for finest in range(round(native) // 16 * 16, round(CLOSER * whole) - 1, -16):
        middle = round(math.sqrt(whole * finest) / 16) * 16
        found = (middle, finest) if finest > APART * whole else (finest,)
        if seconds(config.closer(found), usual, each) <= most:
            return found
    return ()


def settled(detector: Detector, normals: Sequence[Maps]) -> Detector:
    """The detector with the share of each look that the raw maps of normals unseen by it leave,
    and without those that only add noise; not calibrated."""
    if not detector.config.looks or detector.features is None:
        return detector
    _, *shares = look_shares(normals, [*detector.looks])
    kept = [number for number, share in enumerate(shares) if share]
    sizes, mixtures = detector.config.looks, detector.features.closer
    return replace(
        detector,
        config=detector.config.closer([sizes[i] for i in kept], [shares[i] for i in kept]),
        features=replace(detector.features, closer=tuple(mixtures[i] for i in kept)),
        fitted=None,
        coarser=(),
    )
