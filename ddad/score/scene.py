"""One image under restoration: where it may change, at which sizes, and what that has cost so far.

Tensors are float (1, 3, h, w) in [-1, 1] on one of three sizes: the U-Net's ("model"), the
original's, and between them the "canvas", where gradients act: the original's size, or the
feature branch's where that is smaller. A change found at the networks' sizes is brought back onto
the original's own pixels.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.ndimage import gaussian_filter, label, maximum_filter
from torch import Tensor

from ddad.images.geometry import carry, resize, to_model
from ddad.score.calibration import Calibration
from ddad.score.config import RestoreConfig
from ddad.score.fusion import score_map
from ddad.score.noise import seeded_generator
from ddad.score.scorer import Scorer


class Scene:
    """Where the image may change is decided by its score map: at first, and whenever it is judged.

    `evaluations` counts those of the networks since the first judgement.
    """

    def __init__(
        self, scorer: Scorer, fitted: Calibration, pixels: np.ndarray, config: RestoreConfig
    ) -> None:
        self.scorer, self.fitted, self.pixels, self.config = scorer, fitted, pixels, config
        self.evaluations = 0
        self._generator = seeded_generator(config.seed)
        height, width = pixels.shape[:2]
        self.original = to_model(pixels, (height, width))[None].to(scorer.device)
        self.model_size = scorer.shape("pixel", pixels)
        self.feature_size = scorer.shape("feature", pixels)
        larger = height * width > math.prod(self.feature_size)
        self.base = resize(self.original, self.feature_size) if larger else self.original
        """The original on the canvas."""
        self._judged = self.base
        self._score, self.weight = self._judge(pixels)
        """How far each pixel of the canvas may change, (1, 1, h, w), 0 to 1."""

    def score_of(self, x: Tensor) -> float:
        """The image score of the canvas x; what is found above the threshold may change as well."""
        if x is not self._judged:
            self.evaluations += self.scorer.evaluations
            self._score, found = self._judge(self.image(x))
            self._judged, self.weight = x, torch.maximum(self.weight, found)
        return self._score

    def _judge(self, pixels: np.ndarray) -> tuple[float, Tensor]:
        """The score of an image like `pixels`, and where its map lets it change."""
        (raw,) = self.scorer.maps([pixels])
        found = score_map(self.fitted, raw, self.scorer.weights, pixels.shape)
        soft = change_weight(found, self.fitted.map_low, self.fitted.threshold, self.config)
        weight = torch.from_numpy(soft)[None, None].to(self.scorer.device)
        return float(found.max()), resize(weight, self.base.shape[-2:])

    def noise(self, like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=self._generator).to(like)

    def image(self, x: Tensor) -> np.ndarray:
        """The canvas x as the original image with its change, uint8 (H, W, 3)."""
        found = carry(self.original, x - self.base).clamp(-1, 1)[0].permute(1, 2, 0)
        return np.asarray(((found + 1) * 127.5).round().byte().cpu())

    @torch.no_grad()
    def reverse(self, x_t: Tensor, t: int, s: int, *, sample: bool) -> tuple[Tensor, Tensor]:
        """x_s given x_t, a draw or the mean, and the predicted clean image. s = 0 ends there."""
        at, to = torch.tensor([t], device=x_t.device), torch.tensor([s], device=x_t.device)
        self.evaluations += 1
        out = self.scorer.predict(x_t, at)
        p, clean = self.scorer.scheduler.p_posterior(out, x_t, at, to, clip=True)
        if not sample:
            return (p.mean if s else clean), clean
        return p.mean + (p.log_var / 2).exp() * self.noise(x_t), clean


def change_weight(
    score_map: np.ndarray, low: float, threshold: float, config: RestoreConfig
) -> np.ndarray:
    """Where an image may change, float32 (H, W) in [0, 1]: 1 where the map is above the threshold.

    From there it reaches out over what is louder than `level` and joined to it, then `reach` on,
    softly. Nothing above the threshold, nothing to change.
    """
    begin = low + config.level * (threshold - low)
    marked = np.clip((score_map - begin) / max(threshold - begin, 1e-9), 0, 1)
    regions, count = label(marked > 0, np.ones((3, 3)))
    loud = np.zeros(count + 1, bool)
    loud[regions[score_map > np.float32(threshold)]] = True
    reach = max(1, round(config.reach * min(score_map.shape)))
    wide = maximum_filter(np.where(loud[regions], marked, 0), 2 * reach + 1)
    return np.asarray(gaussian_filter(wide, reach / 2).clip(0, 1), np.float32)
