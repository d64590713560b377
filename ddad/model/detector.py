"""The one object that holds weights: load, save, calibrate, and detect defects in images.

Images are uint8 (H, W, 3) arrays, maps float32 (H, W) at the image's own size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DModel
from scipy.ndimage import gaussian_filter
from torch import Tensor

from ddad.diffusion.losses import bits_per_dim
from ddad.diffusion.scheduler import PosteriorDDPMScheduler
from ddad.images.geometry import feature_shape, model_shape, to_image, to_model
from ddad.model import checkpoint
from ddad.model.checkpoint import CheckpointError, fingerprint
from ddad.model.detection import Detection, ScaleMap
from ddad.model.runtime import arrange, pick_device
from ddad.score.calibration import (
    Calibration,
    border_factors,
    border_levels,
    conformal_threshold,
    scale_statistics,
    widened,
)
from ddad.score.config import ScoreConfig
from ddad.score.feature import FeatureModel, feature_maps
from ddad.score.noise import seeded_generator
from ddad.score.pixel import pixel_maps
from ddad.score.restoration import RestorationStep, RestoreConfig, Scene, most_steps, restore

RawMaps = dict[str, np.ndarray]
"""Smoothed maps of one image before normalisation: branch to float32 (timesteps, h, w)."""


class Detector:
    """A model with its score settings and, once calibrated, its threshold.

    It has a pixel branch (`unet`, a denoising network), a feature branch (`features`), or both.
    """

    def __init__(
        self,
        unet: UNet2DModel | None,
        scheduler: PosteriorDDPMScheduler,
        config: ScoreConfig,
        *,
        features: FeatureModel | None = None,
        name: str = "",
        card: str = "",
        training: dict[str, Any] | None = None,
        device: torch.device | None = None,
    ) -> None:
        if unet is None and features is None:
            raise ValueError("a detector needs a pixel branch, a feature branch, or both")
        self.device = device or pick_device()
        self.unet = None
        if unet is not None:
            self.unet = arrange(unet.float().to(self.device).eval().requires_grad_(False))
        self.features = None
        if features is not None:
            self.features = features.to(self.device)
            arrange(self.features.extractor)
        self.scheduler = scheduler
        self.config = config
        self.name = name
        self.card = card
        self.training = training or {}
        self._calibration: Calibration | None = None
        self.fingerprint = fingerprint(unet, features, scheduler, config)

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
    def weights(self) -> dict[str, float]:
        """Each branch's share in the score map."""
        if self.unet is None or self.features is None:
            return {"pixel": 1.0} if self.features is None else {"feature": 1.0}
        return {"pixel": self.config.pixel_weight, "feature": 1 - self.config.pixel_weight}

    @property
    def timesteps(self) -> dict[str, tuple[int, ...]]:
        """Each branch's noise scales."""
        every = {"pixel": self.config.timesteps, "feature": self.config.feature_timesteps}
        return {branch: every[branch] for branch in self.weights}

    def raw_maps(
        self,
        images: Sequence[np.ndarray],
        *,
        batch_size: int = 4,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> list[RawMaps]:
        """Smoothed maps of each image, every branch at its own size and in its own unit.

        `on_progress(done, total)` counts rows through the networks.
        """
        maps: list[RawMaps] = [{} for _ in images]
        rows = {"pixel": self.config.draws, "feature": 1}
        total = len(images) * sum(rows[b] * len(steps) for b, steps in self.timesteps.items())
        done = 0
        for branch in self.weights:
            shapes = [self._shape(branch, image) for image in images]
            for group in _runs(shapes, batch_size):
                x = torch.stack([to_model(images[i], shapes[i]) for i in group]).to(self.device)
                scales = []
                for scale in self._scales(branch, x):
                    scales.append(scale)
                    done += len(group) * rows[branch]
                    on_progress(done, total)
                for row, index in enumerate(group):
                    maps[index][branch] = np.stack([scale[row] for scale in scales])
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
        self.calibration  # noqa: B018  an uncalibrated model fails before any work
        raw = self.raw_maps(images, batch_size=batch_size, on_progress=on_progress)
        return [self.judge(maps, image.shape) for image, maps in zip(images, raw, strict=True)]

    def judge(self, raw: RawMaps, shape: Sequence[int]) -> Detection:
        """What `raw_maps` of an image of (height, width) say by this model's calibration."""
        calibration = self.calibration
        return self._detection({b: calibration.normalise(b, m) for b, m in raw.items()}, shape)

    def detect_steps(self, image: np.ndarray) -> Iterator[ScaleMap | Detection]:
        """What `detect` finds in one image, as it comes: each noise scale's map, then the whole.

        The quicker branch comes first. The Detection at the end is that of `detect([image])` bit
        for bit. Raises CheckpointError where the model is not calibrated.
        """
        calibration = self.calibration
        z: RawMaps = {}
        for branch in sorted(self.weights):  # feature before pixel
            shape = self._shape(branch, image)
            x = to_model(image, shape)[None].to(self.device)
            maps: list[np.ndarray] = []
            for (scale,) in self._scales(branch, x):
                maps.append(scale)
                missing = [scale] * (len(self.timesteps[branch]) - len(maps))
                z[branch] = calibration.normalise(branch, np.stack(maps + missing))
                yield self._scale_map(branch, len(maps) - 1, z[branch])
        yield self._detection(z, image.shape)

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
        shapes = [image.shape[:2] for image in normals]
        return self.calibrate_maps(raw, shapes, target_fpr=target_fpr, cross_fitted=False)

    def calibrate_maps(
        self,
        raw: Sequence[RawMaps],
        shapes: Sequence[tuple[int, ...]],
        *,
        target_fpr: float,
        cross_fitted: bool,
    ) -> Calibration:
        """The same from `raw_maps` of normal images, each by a model that had not seen it.

        Cross-fitting makes them: every fold's maps come from a model fitted to the other folds.
        The model that ships has seen them all, so it scores a new good part a little lower than
        they did, and the false-positive rate errs on the low side.
        """
        if not raw:
            raise ValueError("calibration needs at least one image of a good part")
        borders = {b: border_levels([maps[b] for maps in raw]) for b in self.weights}
        levels = {
            b: scale_statistics([m[b] / border_factors(borders[b], *m[b].shape[1:]) for m in raw])
            for b in self.weights
        }
        blank = Calibration(
            {branch: means for branch, (means, _) in levels.items()},
            {branch: stds for branch, (_, stds) in levels.items()},
            borders,
            *((), target_fpr, 0, 0, 0, self.fingerprint, cross_fitted),
        )
        fused = [
            self.fuse({b: blank.normalise(b, m) for b, m in maps.items()}, shape)
            for maps, shape in zip(raw, shapes, strict=True)
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

    def widen(self, scores: Sequence[float]) -> Calibration:
        """Let the scores of more normals, not trained on, have their say in the threshold."""
        self._calibration = widened(self.calibration, scores)
        return self._calibration

    def with_config(self, config: ScoreConfig) -> Detector:
        """The same weights with other score settings; uncalibrated unless they are equal."""
        other = Detector(
            self.unet,
            self.scheduler,
            config,
            features=self.features,
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
        """Variational bound of one image at model size, bits per dimension, over all T steps.

        Raises ValueError for a model without a pixel branch.
        """
        if self.unet is None:
            raise ValueError(f"the model '{self.name}' has no pixel branch, so no likelihood")
        shape = model_shape(image.shape, self.config.size, self._stride)
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

    def restore(
        self, image: np.ndarray, config: RestoreConfig | None = None
    ) -> Iterator[RestorationStep]:
        """The image turned into the part as it should have been, step by step.

        A generator: stop it whenever you like. The first step is the image itself with its score,
        the last the result with its own. Raises what `check_restorable` does, at once.
        """
        config = config or RestoreConfig()
        self.check_restorable(config)
        return self._restore(image, config)

    def check_restorable(self, config: RestoreConfig) -> None:
        """Raises ValueError where a model or its chain cannot do what the settings ask for."""
        if self.unet is None:
            raise ValueError(
                f"the model '{self.name}' has no pixel branch, which a restoration needs: train "
                "one with `python -m ddad train DATA --out DIR --branch both --minutes 15`"
            )
        if config.energy == "feature" and self.features is None:
            raise ValueError(f"the model '{self.name}' has no feature branch: use energy 'score'")
        if config.t >= self.scheduler.steps:
            raise ValueError(f"t must be less than the chain's {self.scheduler.steps} steps")
        self.calibration  # noqa: B018  raises CheckpointError where there is none

    def _restore(self, image: np.ndarray, config: RestoreConfig) -> Iterator[RestorationStep]:
        (found,) = self.detect([image])
        rows = {"pixel": self.config.draws * len(self.config.timesteps), "feature": 1}
        scene = Scene(
            pixels=image,
            score_map=found.score_map,
            judge=lambda pixels: self.detect([pixels])[0].score_map,
            scoring=sum(rows[branch] for branch in self.weights),
            predict=self._predict,
            stride=self._stride,
            scheduler=self.scheduler,
            features=self.features,
            weights=self.weights,
            calibration=self.calibration,
            score=self.config,
            config=config,
            device=self.device,
        )
        total = most_steps(scene)
        latest = RestorationStep(image, 0, total, 0, found.score)
        canvas = scene.base
        for number, canvas in enumerate(restore(scene), 1):
            yield latest
            latest = RestorationStep(scene.image(canvas), number, total, scene.evaluations)
        yield replace(latest, total=latest.step, score=scene.score_of(canvas))

    def save(self, path: str | Path) -> None:
        """Write the checkpoint into a directory; see `ddad.model.checkpoint` for its format."""
        checkpoint.write(
            Path(path),
            self.unet,
            self.features,
            self.scheduler,
            self.config,
            self._calibration,
            self.training,
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
            features=found.features,
            name=found.name,
            card=found.card,
            training=found.training,
            device=device,
        )
        detector._calibration = found.calibration
        return detector

    @property
    def _stride(self) -> int:
        assert self.unet is not None
        return int(2 ** (len(self.unet.config.block_out_channels) - 1))

    def _predict(self, x_t: Tensor, t: Tensor) -> Tensor:
        assert self.unet is not None
        return self.unet(x_t, t).sample

    def _shape(self, branch: str, image: np.ndarray) -> tuple[int, int]:
        """Height and width at which a branch sees an image."""
        if branch == "feature":
            return feature_shape(image.shape, self.config.feature_size)
        return model_shape(image.shape, self.config.size, self._stride)

    def _scales(self, branch: str, x: Tensor) -> Iterator[np.ndarray]:
        """Smoothed maps (B, h, w) of each noise scale in turn, for images of one shape."""
        if branch == "feature":
            assert self.features is not None
            raw = feature_maps(self.features, self.scheduler, x, self.timesteps[branch])
            blur = self.config.feature_blur
        else:
            alone = (replace(self.config, timesteps=(t,)) for t in self.config.timesteps)
            raw = (pixel_maps(self._predict, self.scheduler, x, one)[:, 0] for one in alone)
            blur = self.config.blur
        for scale in raw:
            yield gaussian_filter(scale.cpu().numpy(), (0, blur, blur), mode="nearest")

    def _detection(self, z: RawMaps, shape: Sequence[int]) -> Detection:
        scales = tuple(
            self._scale_map(branch, index, z[branch])
            for branch, steps in self.timesteps.items()
            for index in range(len(steps))
        )
        return Detection(self.fuse(z, shape), scales, self.calibration.threshold)

    def _scale_map(self, branch: str, index: int, z: np.ndarray) -> ScaleMap:
        steps = self.timesteps[branch]
        noise, share = self.scheduler.noise_std(steps[index]), self.weights[branch] / len(steps)
        return ScaleMap(branch, steps[index], noise, share, z[index])

    def fuse(self, z: RawMaps, shape: Sequence[int]) -> np.ndarray:
        """Weighted mean of the branches, each the mean over its noise scales, at image size."""
        total = np.zeros(shape[:2], np.float32)
        for branch, weight in self.weights.items():
            mean = torch.from_numpy(z[branch].mean(0))[None]
            total += to_image(mean, shape[0], shape[1])[0].mul_(weight).numpy()  # in place: large
        return total


def _runs(shapes: Sequence[tuple[int, int]], most: int) -> Iterator[range]:
    """Consecutive indices with equal shapes, at most `most` at a time."""
    first = 0
    for index in range(1, len(shapes) + 1):
        if index == len(shapes) or index - first == most or shapes[index] != shapes[first]:
            yield range(first, index)
            first = index
