"""Photographs that a model of the others finds far out: what may be no good part, with its map.

Said before training, as what a model learns as normal it never finds again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ddad.diffusion.extractor import Extractor
from ddad.export.render import overlay
from ddad.images.geometry import to_image
from ddad.score.config import ScoreConfig
from ddad.training.fit import CROSS_FIT_BELOW, Vectors, cross_fit

LEAST = 8
"""Of fewer photographs nothing is said."""
FAR = 3.5
"""Robust standard deviations above the median of all from which a photograph is far out."""
LOOK = ScoreConfig(feature_size=224, feature_timesteps=(160,), feature_left=0.99)
"""A quick look: one noise scale, at half the pixels of a full score; no jump to speak of, as a
variance that was fitted to so few photographs would have a say in it."""
LOUD = 0.995
"""Share of a map's pixels below the level that stands for it."""


@dataclass(frozen=True)
class FarOut:
    """One photograph that is far out."""

    index: int
    """Among the photographs."""
    spreads: float
    """Robust standard deviations above the median of all."""
    picture: np.ndarray
    """Its map over it, uint8 (H, W, 3), at the size of the look; white outlines what is loud."""

    @property
    def why(self) -> str:
        """In words, what it is shown for."""
        return f"{self.spreads:.1f} spreads above the usual, by a model of the others"


def far_out(
    images: Sequence[np.ndarray],
    extractor: Extractor,
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[FarOut]:
    """Those of uint8 (H, W, 3) images that a model fitted without them finds far from the rest,
    the farthest first.

    Feature branch alone. Nothing is said of fewer than LEAST images, or of more than
    CROSS_FIT_BELOW, for the time it takes.
    """
    if not LEAST <= len(images) <= CROSS_FIT_BELOW:
        return []
    vectors = Vectors.of(images, extractor, LOOK)
    maps: dict[int, np.ndarray] = {}
    for index, _, raw in cross_fit(vectors, images, [str(i) for i in range(len(images))]):
        maps[index] = np.sqrt(raw["feature"].mean(0))  # a distance: squares have long tails
        on_progress(len(maps), len(images))
    loud = np.array([float(np.quantile(maps[index], LOUD)) for index in range(len(images))])
    median = float(np.median(loud))
    spread = max(1.4826 * float(np.median(np.abs(loud - median))), 0.05 * median, 1e-12)
    spreads = (loud - median) / spread
    high = median + 2 * FAR * spread
    return [
        FarOut(int(index), float(spreads[index]), _drawn(images[index], maps[index], median, high))
        for index in np.argsort(-spreads)
        if spreads[index] > FAR
    ]


def _drawn(image: np.ndarray, score_map: np.ndarray, low: float, high: float) -> np.ndarray:
    height, width = image.shape[:2]
    shrink = min(1.0, 480 / max(height, width))
    size = max(1, round(height * shrink)), max(1, round(width * shrink))
    small = to_image(torch.from_numpy(image.copy()).permute(2, 0, 1).float(), *size)
    pixels = small.round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
    sized = to_image(torch.from_numpy(np.float32(score_map))[None], *size)[0].numpy()
    return overlay(pixels, sized, sized > (low + high) / 2, low, high)
