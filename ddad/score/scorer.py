"""The networks with their chain and settings: what makes an image's maps.

Knows nothing of files, of calibration or of thresholds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from diffusers import UNet2DModel
from scipy.ndimage import gaussian_filter
from torch import Tensor

from ddad.diffusion import losses
from ddad.diffusion.extractor import STRIDES
from ddad.diffusion.networks import FeatureHead, predict, stride_of
from ddad.diffusion.scheduler import PosteriorDDPMScheduler
from ddad.images.geometry import feature_shape, model_shape, to_model
from ddad.score.composition import HELD
from ddad.score.config import ScoreConfig
from ddad.score.feature import FeatureModel, as_places, feature_maps
from ddad.score.fusion import Maps
from ddad.score.head import head_maps
from ddad.score.noise import seeded_generator
from ddad.score.pixel import pixel_maps


class Scale(NamedTuple):
    """What one noise scale makes of a batch of images."""

    maps: np.ndarray
    """(B, h, w), nats, smoothed."""
    held: np.ndarray | None = None
    """(B, G, PLACES, PLACES): see `ddad.score.composition`; of the feature branch alone."""


def _smooth(maps: Tensor, blur: float) -> np.ndarray:
    found: np.ndarray = gaussian_filter(maps.cpu().numpy(), (0, blur, blur), mode="nearest")
    return found


@dataclass(frozen=True, eq=False)
class Scorer:
    """It has a pixel branch (`unet`, a denoising network), a feature branch, or both."""

    unet: UNet2DModel | None
    scheduler: PosteriorDDPMScheduler
    config: ScoreConfig
    features: FeatureModel | None = field(default=None, kw_only=True)
    head: FeatureHead | None = field(default=None, kw_only=True)
    """The U-Net's feature head, where it was trained with one."""
    device: torch.device = field(default=torch.device("cpu"), kw_only=True)
    """Where both networks are."""

    def __post_init__(self) -> None:
        if self.unet is None and self.features is None:
            raise ValueError("a detector needs a pixel branch, a feature branch, or both")

    @property
    def weights(self) -> dict[str, float]:
        """Share in the score map of each branch that has one."""
        if self.unet is None or self.features is None:
            return {"pixel": 1.0} if self.features is None else {"feature": 1.0}
        pixel, head = self.config.pixel_weight, self.config.head_weight if self.head else 0.0
        shares = {"pixel": pixel, "head": head, "feature": 1 - pixel - head}
        return {branch: share for branch, share in shares.items() if share}

    @property
    def timesteps(self) -> dict[str, tuple[int, ...]]:
        """Each branch's noise scales."""
        pixel, feature = self.config.timesteps, self.config.feature_timesteps
        every = {"pixel": pixel, "head": pixel, "feature": feature}
        return {branch: every[branch] for branch in self.weights}

    @property
    def evaluations(self) -> int:
        """Network evaluations that the maps of one image take."""
        passes = self.config.draws * len(self.config.timesteps)
        rows = {"pixel": passes, "head": passes, "feature": 1}
        return sum(rows[branch] for branch in self.weights)

    def predict(self, x_t: Tensor, t: Tensor) -> Tensor:
        """The U-Net's 2C channels for x_t (B, C, h, w) at t (B,)."""
        assert self.unet is not None
        return predict(self.unet, x_t, t)

    def shape(self, branch: str, pixels: np.ndarray) -> tuple[int, int]:
        """Height and width at which a branch sees an image (H, W, 3)."""
        if branch == "feature":
            return feature_shape(pixels.shape, self.config.feature_size)
        assert self.unet is not None
        stride = stride_of(self.unet)
        if self.head is not None:
            stride = math.lcm(stride, STRIDES[-1])
        return model_shape(pixels.shape, self.config.size, stride)

    @torch.inference_mode()
    def scales(self, branch: str, x: Tensor) -> Iterator[Scale]:
        """Smoothed maps (B, h, w) of each noise scale in turn, for images of one shape."""
        if branch == "feature":
            assert self.features is not None
            steps, left = self.config.feature_timesteps, self.config.feature_left
            for step in feature_maps(self.features, self.scheduler, x, steps, left):
                yield Scale(_smooth(step.kl, self.config.feature_blur), as_places(step.kinds))
        elif branch == "head":
            assert self.unet is not None and self.head is not None and self.features is not None
            networks = self.unet, self.head, self.features.extractor
            for scale in head_maps(*networks, self.scheduler, x, self.config):
                yield Scale(_smooth(scale, self.config.feature_blur))
        else:
            for scale in pixel_maps(self.predict, self.scheduler, x, self.config):
                yield Scale(_smooth(scale, self.config.blur))

    def maps(
        self,
        images: Sequence[np.ndarray],
        *,
        batch_size: int = 4,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> list[Maps]:
        """Smoothed maps of each uint8 (H, W, 3), a branch at its own size and in its own unit.

        All maps are KL in nats. Beside those of a feature branch stands, as HELD, what kinds of
        appearance the image holds where, at its last noise scale. `on_progress(done, total)` counts
        rows through the networks.
        """
        maps: list[Maps] = [{} for _ in images]
        rows = {"pixel": self.config.draws, "head": self.config.draws, "feature": 1}
        total = len(images) * sum(rows[b] * len(steps) for b, steps in self.timesteps.items())
        done = 0
        for branch in self.weights:
            shapes = [self.shape(branch, image) for image in images]
            for group in _runs(shapes, batch_size):
                x = torch.stack([to_model(images[i], shapes[i]) for i in group]).to(self.device)
                scales: list[Scale] = []
                for scale in self.scales(branch, x):
                    scales.append(scale)
                    done += len(group) * rows[branch]
                    on_progress(done, total)
                for row, index in enumerate(group):
                    maps[index][branch] = np.stack([scale.maps[row] for scale in scales])
                    if (held := scales[-1].held) is not None:
                        maps[index][HELD] = held[row]
        return maps


def bits_per_dim(
    scorer: Scorer,
    pixels: np.ndarray,
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> float:
    """Variational bound of one image at model size, bits per dimension, over all T steps.

    The scorer must have a pixel branch. Nichol & Dhariwal 2021, section 3.
    """
    x0 = to_model(pixels, scorer.shape("pixel", pixels))[None].to(scorer.device)
    chain = scorer.scheduler
    with torch.inference_mode():
        bound = losses.bits_per_dim(
            scorer.predict,
            chain,
            x0,
            seeded_generator(scorer.config.seed),
            lambda done: on_progress(done, chain.steps),
        )
    return float(bound.total)


def _runs(shapes: Sequence[tuple[int, int]], most: int) -> Iterator[range]:
    """Consecutive indices with equal shapes, at most `most` at a time."""
    first = 0
    for index in range(1, len(shapes) + 1):
        if index == len(shapes) or index - first == most or shapes[index] != shapes[first]:
            yield range(first, index)
            first = index
