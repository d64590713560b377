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
from ddad.diffusion.mixture import KINDS, Step
from ddad.diffusion.networks import FeatureHead, in_windows, predict, stride_of
from ddad.diffusion.scheduler import PosteriorDDPMScheduler
from ddad.images.geometry import feature_shape, model_shape, to_model
from ddad.score.composition import HELD
from ddad.score.config import ScoreConfig
from ddad.score.feature import FeatureModel, as_places, feature_maps
from ddad.score.fusion import Maps
from ddad.score.head import head_maps
from ddad.score.look import LARGEST, Look, Tile, looks
from ddad.score.noise import seeded_generator
from ddad.score.pixel import pixel_maps


class Glimpse(NamedTuple):
    """A noise scale of a look, as far as it is known."""

    branch: str
    number: int
    """Of the branch's timesteps."""
    map: np.ndarray
    """(h, w), nats, not smoothed; NaN where tiles are yet to be seen."""
    whole: bool
    """Whether all of it is there."""
    held: np.ndarray | None = None
    """(G, PLACES, PLACES) once the look at the whole part is complete: see `composition`."""


def _smooth(maps: np.ndarray, blur: float) -> np.ndarray:
    """Maps (..., h, w)."""
    widths = (*[0] * (maps.ndim - 2), blur, blur)
    found: np.ndarray = gaussian_filter(maps, widths, mode="nearest")
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
        if self.features and len(self.features.closer) != len(self.config.looks):
            raise ValueError("each closer look has a mixture of its own")

    @property
    def looks(self) -> dict[str, int]:
        """`ScoreConfig.sizes`, of a model with a feature branch."""
        return {} if self.features is None else self.config.sizes

    @property
    def weights(self) -> dict[str, float]:
        """Share in the score map of each branch that has one."""
        config = self.config
        pixel, head = config.pixel_weight, config.head_weight if self.head else 0.0
        if self.unet is None or self.features is None:
            pixel, head = float(self.features is None), 0.0
        each = (1 - sum(config.look_shares), *config.look_shares)
        shares = {"pixel": pixel, "head": head}
        for branch, share in zip(self.looks, each, strict=self.features is not None):
            shares[branch] = (1 - pixel - head) * share
        return {branch: share for branch, share in shares.items() if share}

    @property
    def timesteps(self) -> dict[str, tuple[int, ...]]:
        """Each branch's noise scales."""
        config = self.config
        every = dict.fromkeys(self.looks, config.look_timesteps)
        every |= {"pixel": config.timesteps, "head": config.timesteps}
        every["feature"] = config.feature_timesteps
        return {branch: every[branch] for branch in self.weights}

    @property
    def evaluations(self) -> int:
        """Network evaluations that the maps of one image take."""
        passes = self.config.draws * len(self.config.timesteps)
        rows = {"pixel": passes, "head": passes}
        return sum(rows.get(branch, 1) for branch in self.weights)

    def predict(self, x_t: Tensor, t: Tensor) -> Tensor:
        """The U-Net's 2C channels for x_t (B, C, h, w) at t (B,), of a large one by windows."""
        unet = self.unet
        assert unet is not None
        if math.prod(x_t.shape[-2:]) <= LARGEST:
            return predict(unet, x_t, t)
        return in_windows(lambda x: predict(unet, x, t), x_t, stride_of(unet))

    def shape(self, branch: str, pixels: np.ndarray) -> tuple[int, int]:
        """Height and width at which a branch sees an image (H, W, 3)."""
        if branch in self.looks:
            return feature_shape(pixels.shape, self.looks[branch])
        assert self.unet is not None
        stride = stride_of(self.unet)
        if self.head is not None:
            stride = math.lcm(stride, STRIDES[-1])
        return model_shape(pixels.shape, self.config.size, stride)

    @torch.inference_mode()
    def scales(self, branch: str, x: Tensor) -> Iterator[np.ndarray]:
        """Smoothed maps (B, h, w) of each noise scale of the U-Net in turn, for images of one
        shape; `branch` is "pixel" or "head"."""
        if branch == "head":
            assert self.unet is not None and self.head is not None and self.features is not None
            networks = self.unet, self.head, self.features.extractor
            for scale in head_maps(*networks, self.scheduler, x, self.config):
                yield _smooth(scale.cpu().numpy(), self.config.feature_blur)
        else:
            for scale in pixel_maps(self.predict, self.scheduler, x, self.config):
                yield _smooth(scale.cpu().numpy(), self.config.blur)

    def see(self, pixels: np.ndarray) -> list[Look]:
        """An image (H, W, 3) at the sizes of the feature branch that have a share; may be none."""
        sizes = [size for branch, size in self.looks.items() if branch in self.weights]
        return looks(self.features.extractor, pixels, sizes) if self.features and sizes else []

    def glimpses(self, seen: Sequence[Look]) -> Iterator[Glimpse]:
        """What the feature branch says of an image, as it comes: of the whole part each noise
        scale, then of closer looks tile after tile, the most suspicious first.

        What is said in the end does not depend on the order.
        """
        coarse: Tensor | None = None
        for look, branch in zip(seen, self.looks, strict=False):
            order = look.tiles if coarse is None else look.suspicious_first(coarse)
            count = len(self.timesteps[branch])
            maps = torch.full((count, *look.grid), torch.nan)
            kinds = torch.zeros(KINDS, *look.grid) if coarse is None else None
            for done, tile in enumerate(order, 1):
                for number, step in enumerate(self._steps(branch, look, tile)):
                    maps[number][tile.place] = step.kl[0].cpu()
                    whole, held = done == len(order), None
                    if kinds is not None and number == count - 1:
                        kinds[..., *tile.place] = step.kinds[0].cpu()
                        held = as_places(kinds[None])[0] if whole else None
                    yield Glimpse(branch, number, maps[number].numpy(), whole, held)
            coarse = maps.mean(0)

    def _steps(self, branch: str, look: Look, tile: Tile) -> Iterator[Step]:
        """The noise scales of a tile of a look."""
        assert self.features is not None
        mixture = self.features.mixtures[list(self.looks).index(branch)]
        config, wanted = self.config, self.timesteps[branch]
        with torch.inference_mode(), look.extractor.fast():
            features = look.described(tile)
        steps = feature_maps(mixture, self.scheduler, features, wanted, config.feature_left)
        for _ in wanted:  # no caller's code runs inside the context
            with torch.inference_mode():
                step = next(steps)
            yield step

    def smooth(self, branch: str, found: np.ndarray) -> np.ndarray:
        """A map (h, w) of a look as it counts."""
        config = self.config
        return _smooth(found, config.feature_blur if branch == "feature" else config.look_blur)

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
        rows = {"pixel": self.config.draws, "head": self.config.draws}
        every = [self.see(image) for image in images]
        total = len(images) * sum(rows.get(b, 0) * len(t) for b, t in self.timesteps.items())
        total += sum(
            len(look.tiles) * len(self.timesteps[branch])
            for seen in every
            for look, branch in zip(seen, self.looks, strict=False)
        )
        done = 0

        def on(count: int) -> None:
            nonlocal done
            done += count
            on_progress(done, total)

        maps = [self.maps_of(seen, lambda: on(1)) for seen in every]
        for branch in set(self.weights) - set(self.looks):
            shapes = [self.shape(branch, image) for image in images]
            for group in _runs(shapes, batch_size):
                x = torch.stack([to_model(images[i], shapes[i]) for i in group]).to(self.device)
                scales: list[np.ndarray] = []
                for scale in self.scales(branch, x):
                    scales.append(scale)
                    on(len(group) * rows[branch])
                for row, index in enumerate(group):
                    maps[index][branch] = np.stack([scale[row] for scale in scales])
        return maps

    def maps_of(self, seen: Sequence[Look], on_step: Callable[[], None] = lambda: None) -> Maps:
        """Those of the feature branch, for an image that is `see`n."""
        parts: dict[str, dict[int, np.ndarray]] = {}
        maps: Maps = {}
        for glimpse in self.glimpses(seen):
            parts.setdefault(glimpse.branch, {})[glimpse.number] = glimpse.map
            if glimpse.held is not None:
                maps[HELD] = glimpse.held
            on_step()
        for branch, scales in parts.items():
            maps[branch] = np.stack([self.smooth(branch, scales[n]) for n in sorted(scales)])
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
