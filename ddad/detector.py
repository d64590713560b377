"""The one object that holds weights: load, save, calibrate, and detect defects in images.

Images are uint8 (H, W, 3) arrays, maps float32 (H, W) at the image's own size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DModel
from scipy.ndimage import gaussian_filter
from torch import Tensor

from ddad import checkpoint
from ddad.calibration import Calibration, conformal_threshold, scale_statistics
from ddad.checkpoint import CheckpointError, fingerprint
from ddad.diffusion import PosteriorDDPMScheduler, bits_per_dim
from ddad.geometry import model_shape, to_image, to_model
from ddad.runtime import pick_device
from ddad.scoring import ScoreConfig, pixel_maps, seeded_generator


@dataclass(frozen=True)
class ScaleMap:
    """The KL map of one noise scale, float32 (h, w) at model size.

    In z-units: 0 is the mean pixel of normal parts, 1 one standard deviation above it.
    """

    t: int
    noise_std: float
    map: np.ndarray

    @property
    def mean(self) -> float:
        return float(self.map.mean())


@dataclass(frozen=True)
class Detection:
    """What was found in one image. `score` is the maximum of `score_map`."""

    score_map: np.ndarray
    scales: tuple[ScaleMap, ...]
    threshold: float

    @property
    def score(self) -> float:
        return float(self.score_map.max())

    @property
    def anomalous(self) -> bool:
        return self.score > self.threshold

    def mask(self, threshold: float | None = None) -> np.ndarray:
        """Pixels above the threshold, bool (H, W): not empty exactly when the score is above it."""
        return self.score_map > np.float32(self.threshold if threshold is None else threshold)


class Detector:
    """A denoising network with its score settings and, once calibrated, its threshold."""

    def __init__(
        self,
        unet: UNet2DModel,
        scheduler: PosteriorDDPMScheduler,
        config: ScoreConfig,
        *,
        name: str = "",
        card: str = "",
        training: dict[str, Any] | None = None,
        device: torch.device | None = None,
    ) -> None:
        self.device = device or pick_device()
        self.unet = unet.float().to(self.device).eval().requires_grad_(False)
        self.scheduler = scheduler
        self.config = config
        self.name = name
        self.card = card
        self.training = training or {}
        self._calibration: Calibration | None = None
        self.fingerprint = fingerprint(unet, scheduler, config)

    @property
    def calibration(self) -> Calibration:
        """Raises CheckpointError where the model has none."""
        if self._calibration is None:
            raise CheckpointError(
                f"the model '{self.name}' is not calibrated: run `python -m ddad calibrate` on "
                "images of good parts that it was not trained on"
            )
        return self._calibration

    @property
    def stride(self) -> int:
        return int(2 ** (len(self.unet.config.block_out_channels) - 1))

    def raw_maps(
        self,
        images: Sequence[np.ndarray],
        *,
        batch_size: int = 4,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> list[np.ndarray]:
        """Smoothed KL maps at model size, nats a pixel: one float32 (timesteps, h, w) an image."""
        shapes = [model_shape(i.shape, self.config.size, self.stride) for i in images]
        blur = (0, self.config.blur, self.config.blur)
        maps: list[np.ndarray] = []
        for group in _runs(shapes, batch_size):
            first, count = group.start, len(group)

            def report(done: int, rows: int, first: int = first, count: int = count) -> None:
                on_progress(first * (rows // count) + done, len(images) * (rows // count))

            x0 = torch.stack([to_model(images[i], shapes[i]) for i in group]).to(self.device)
            raw = pixel_maps(self._predict, self.scheduler, x0, self.config, on_progress=report)
            maps.extend(gaussian_filter(m, blur, mode="nearest") for m in raw.cpu().numpy())
        return maps

    def detect(
        self,
        images: Sequence[np.ndarray],
        *,
        batch_size: int = 4,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> list[Detection]:
        """Find defects in uint8 (H, W, 3) images; each result depends on its own image alone.

        `on_progress(done, total)` counts rows through the network. Raises CheckpointError where
        the model is not calibrated.
        """
        calibration = self.calibration
        raw = self.raw_maps(images, batch_size=batch_size, on_progress=on_progress)
        detections = []
        for image, maps in zip(images, raw, strict=True):
            z = calibration.normalise(maps)
            scales = tuple(
                ScaleMap(t, self.scheduler.noise_std(t), m)
                for t, m in zip(self.config.timesteps, z, strict=True)
            )
            score_map = _fuse(z, image.shape)
            detections.append(Detection(score_map, scales, calibration.threshold))
        return detections

    def calibrate(
        self,
        normals: Sequence[np.ndarray],
        *,
        target_fpr: float = 0.05,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Calibration:
        """Fit scale statistics and threshold on normal images held out of training, and keep them.

        Raises ValueError for no images or a rate outside (0, 1).
        """
        raw = self.raw_maps(normals, on_progress=on_progress)
        if not raw:
            raise ValueError("calibration needs at least one image of a good part")
        means, stds = scale_statistics(raw)
        blank = Calibration(
            self.config.timesteps, means, stds, (), target_fpr, 0, 0, 0, self.fingerprint
        )
        fused = [
            _fuse(blank.normalise(maps), image.shape)
            for image, maps in zip(normals, raw, strict=True)
        ]
        scores = tuple(sorted(float(m.max()) for m in fused))
        threshold = conformal_threshold(scores, target_fpr)
        low = float(np.median([np.median(m) for m in fused]))
        self._calibration = replace(
            blank,
            normal_scores=scores,
            threshold=threshold,
            map_low=low,
            map_high=threshold + max(threshold - low, 1e-6),
        )
        return self._calibration

    def with_config(self, config: ScoreConfig) -> Detector:
        """The same weights with other score settings; uncalibrated unless they are equal."""
        other = Detector(
            self.unet,
            self.scheduler,
            config,
            name=self.name,
            card=self.card,
            training=self.training,
            device=self.device,
        )
        other._calibration = self._calibration if config == self.config else None
        return other

    def bits_per_dim(
        self,
        image: np.ndarray,
        *,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> float:
        """Variational bound of one image at model size, bits per dimension, over all T steps."""
        shape = model_shape(image.shape, self.config.size, self.stride)
        x0 = to_model(image, shape)[None].to(self.device)
        with torch.inference_mode():
            bound = bits_per_dim(
                self._predict,
                self.scheduler,
                x0,
                seeded_generator(self.config.seed),
                lambda done: on_progress(done, self.scheduler.steps),
            )
        return float(bound.total)

    def save(self, path: str | Path) -> None:
        """Write the checkpoint into a directory; see `ddad.checkpoint` for its format."""
        checkpoint.write(
            Path(path), self.unet, self.scheduler, self.config, self._calibration, self.training
        )

    @classmethod
    def load(cls, path: str | Path, *, device: torch.device | None = None) -> Detector:
        """Open a checkpoint directory, or one of the shipped models by name.

        Raises CheckpointError, naming what is wrong and what to do, for anything that is not a
        whole checkpoint of this format.
        """
        found = checkpoint.read(path)
        detector = cls(
            found.unet,
            found.scheduler,
            found.config,
            name=found.name,
            card=found.card,
            training=found.training,
            device=device,
        )
        detector._calibration = found.calibration
        return detector

    def _predict(self, x_t: Tensor, t: Tensor) -> Tensor:
        return self.unet(x_t, t).sample


def _runs(shapes: Sequence[tuple[int, int]], most: int) -> Iterator[range]:
    """Consecutive indices with equal shapes, at most `most` at a time."""
    first = 0
    for index in range(1, len(shapes) + 1):
        if index == len(shapes) or index - first == most or shapes[index] != shapes[first]:
            yield range(first, index)
            first = index


def _fuse(z: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Mean over noise scales of (timesteps, h, w), at the size of an image of `shape`."""
    mean: np.ndarray = to_image(torch.from_numpy(z.mean(0))[None], shape[0], shape[1])[0].numpy()
    return mean
