"""The one object that a user holds: a model, its threshold, and what it says of images.

Images are uint8 (H, W, 3) arrays, or what `ddad.images.pictures` makes such of; maps are float32
(H, W) at the image's own size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ddad.images.arrays import picture, pictures
from ddad.images.geometry import to_model
from ddad.images.levels import Levels
from ddad.model import checkpoint
from ddad.model.checkpoint import CheckpointError
from ddad.model.detection import Detection, ScaleMap
from ddad.model.runtime import arrange, compiled, pick_device
from ddad.score.calibration import Calibration
from ddad.score.composition import HELD
from ddad.score.config import RestoreConfig, ScoreConfig, detail
from ddad.score.fusion import Maps, calibrate, fuse, normalise, normalised
from ddad.score.levels import strange_share
from ddad.score.posterior import Posterior, posterior
from ddad.score.restoration import RestorationStep, restoring
from ddad.score.scorer import Scorer


@dataclass(frozen=True, eq=False)
class Detector(Scorer):
    """Networks, chain and settings with their calibration: a value, a change makes a new one."""

    fitted: Calibration | None = field(default=None, kw_only=True)
    """None until it is calibrated."""
    coarser: tuple[Calibration, ...] = field(default=(), kw_only=True)
    """Those of the same model without its closest look, ..., with none: see `with_looks`; the
    one with the fewest looks comes first."""
    name: str = field(default="", kw_only=True)
    card: str = field(default="", kw_only=True)
    training: dict[str, Any] = field(default_factory=dict, kw_only=True)
    """What it was trained on."""
    levels: Levels = field(default=Levels(), kw_only=True)
    """What white is in the deep pictures that it is given: `load_image` asks for them."""
    device: torch.device = field(default_factory=pick_device, kw_only=True)

    def __post_init__(self) -> None:
        """Raises ValueError without a branch. The networks are moved to the device, for good."""
        super().__post_init__()
        if self.unet is not None:
            unet = self.unet.float().to(self.device).eval().requires_grad_(False)
            object.__setattr__(self, "unet", arrange(unet))
        if self.head is not None:
            head = self.head.float().to(self.device).eval().requires_grad_(False)
            object.__setattr__(self, "head", head)
        if self.features is not None:
            object.__setattr__(self, "features", self.features.to(self.device))
            arrange(self.features.extractor)

    def compiled(self) -> Detector:
        """Itself, its networks compiled by torch for good: see `ddad.model.runtime.compiled`."""
        if self.unet is not None:
            compiled(self.unet)
        if self.features is not None:
            compiled(self.features.extractor.model)
        return self

    @cached_property
    def fingerprint(self) -> str:
        """Digest of weights, chain and settings: what a calibration belongs to."""
        return checkpoint.fingerprint(self)

    @property
    def calibration(self) -> Calibration:
        """Raises CheckpointError where the model has none."""
        if self.fitted is None:
            raise CheckpointError(
                f"the model '{self.name}' is not calibrated: run `python -m ddad calibrate` on "
                "images of good parts that it was not trained on"
            )
        return self.fitted

    def detect(
        self,
        images: Iterable[Any],
        *,
        batch_size: int = 4,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> list[Detection]:
        """Find defects in images, see `pictures`; each result depends on its own image alone.

        `on_progress(done, total)` counts rows through the network. Raises CheckpointError where
        the model is not calibrated.
        """
        self.calibration  # noqa: B018  an uncalibrated model fails before any work
        pixels = pictures(images)
        raw = self.maps(pixels, batch_size=batch_size, on_progress=on_progress)
        return [self.judge(maps, image.shape) for image, maps in zip(pixels, raw, strict=True)]

    def judge(self, raw: Maps, shape: Sequence[int]) -> Detection:
        """What `maps` of an image of (height, width) say by this model's calibration."""
        z = normalised(self.calibration, raw, self.weights)
        return self._detection(z, raw.get(HELD), shape)

    def detect_steps(self, image: Any) -> Iterator[ScaleMap | Detection]:
        """What `detect` finds in one image, as it comes: each noise scale's map, then the whole.

        The quickest branch comes first. A closer look at a large photograph comes again with each
        of its tiles, the most suspicious first, and as quiet as usual where it is yet to be seen.
        Whoever stops asking cancels the rest. The Detection at the end is that of
        `detect([image])` bit for bit. Raises CheckpointError where the model is not calibrated.
        """
        means, image = self.calibration.means, picture(image)
        maps: dict[str, list[np.ndarray]] = {branch: [] for branch in self.weights}
        kept: Maps = {}
        for branch, number, found, whole, held in self.glimpses(self.see(image)):
            quiet = np.where(np.isnan(found), np.float32(means[branch][number]), found)
            smooth = self.smooth(branch, quiet)
            if whole:
                maps[branch].append(smooth)
            kept |= {} if held is None else {HELD: held}
            yield self._scale_map(branch, number, self._normal(branch, number, smooth))
        for branch in sorted(set(self.weights) - set(self.looks)):
            x = to_model(image, self.shape(branch, image))[None].to(self.device)
            for number, (found,) in enumerate(self.scales(branch, x)):
                maps[branch].append(found)
                yield self._scale_map(branch, number, self._normal(branch, number, found))
        stacked = {branch: np.stack(scales) for branch, scales in maps.items()}
        yield self.judge(stacked | kept, image.shape)

    def _normal(self, branch: str, number: int, found: np.ndarray) -> Tensor:
        """One noise scale's map (h, w) in z-units."""
        one = torch.from_numpy(found[None])
        return normalise(self.calibration, branch, one, slice(number, number + 1))[0]

    def doubt(self, image: np.ndarray) -> str:
        """Why it may see less in this image than its `Sight` says, in a sentence, or nothing."""
        sight = self.calibration.sight
        return "" if sight is None else sight.doubt(image, max(self.looks.values(), default=0))

    def posterior(self, image: np.ndarray, t: int) -> dict[str, Posterior]:
        """What each branch expects of an image uint8 (H, W, 3) under the noise of t, and how sure
        it is. Raises ValueError for a timestep that is not one of 1 to T - 1."""
        return posterior(self, image, t)

    def calibrate(
        self,
        normals: Iterable[Any],
        *,
        target_fpr: float = 0.05,
        parts: Sequence[str] | None = None,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Detector:
        """This model with levels and threshold from normal images held out of its training.

        `parts` names the part that each image shows (default: each its own). Raises ValueError
        for no images or a rate outside (0, 1).
        """
        pixels = pictures(normals)
        raw = self.maps(pixels, on_progress=on_progress)
        pairs = [(maps, image.shape[:2]) for maps, image in zip(raw, pixels, strict=True)]
        return self.calibrated_by(pairs, target_fpr, parts)

    def calibrated_by(
        self,
        normals: Sequence[tuple[Maps, Sequence[int]]],
        target_fpr: float,
        parts: Sequence[str] | None = None,
        *,
        cross_fitted: bool = False,
    ) -> Detector:
        """This model calibrated by raw maps and shapes of normal images, see `calibrate`: with all
        its looks, and with fewer."""
        every = []
        for count in range(len(self.config.looks) + 1):
            one = self.with_looks(count)
            options = {"parts": parts, "cross_fitted": cross_fitted}
            fitted = calibrate(normals, one.weights, target_fpr, **options)  # type: ignore[arg-type]
            every.append(replace(fitted, fingerprint=one.fingerprint))
        return replace(self, fitted=every[-1], coarser=tuple(every[:-1]))

    def calibrated(self, fitted: Calibration) -> Detector:
        """This model with a calibration made for it."""
        return replace(self, fitted=replace(fitted, fingerprint=self.fingerprint))

    def with_looks(self, count: int) -> Detector:
        """This model with its first `count` closer looks alone, which is faster; calibrated where
        it was calibrated for that. Its name says so: see `checkpoint.detail_of`. Raises ValueError
        for more looks than it has."""
        config, features = self.config, self.features
        if count == len(config.looks):
            return self
        if not 0 <= count < len(config.looks):
            raise ValueError(
                f"the model '{self.name}' has {len(config.looks)} closer looks at most"
            )
        assert features is not None
        total = 1 - sum(config.look_shares[count:])
        shares = [share / total for share in config.look_shares[:count]]
        return replace(
            self,
            name=self.name and f"{detail(self.name)[0]}@{count or 'fast'}",
            config=config.closer(config.looks[:count], shares),
            features=replace(features, closer=features.closer[:count]),
            fitted=self.coarser[count] if self.coarser else None,
            coarser=self.coarser[:count],
        )

    def with_config(self, config: ScoreConfig) -> Detector:
        """The same weights with other score settings; uncalibrated unless they are equal."""
        return (
            self if config == self.config else replace(self, config=config, fitted=None, coarser=())
        )

    def restore(self, image: Any, config: RestoreConfig | None = None) -> Iterator[RestorationStep]:
        """The image turned into the part as it should have been, step by step.

        A generator: stop it whenever you like. Raises what `check_restorable` does, at once.
        """
        config = config or RestoreConfig()
        self.check_restorable(config)
        return restoring(self, self.calibration, picture(image), config)

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

    def save(self, path: str | Path) -> None:
        """Write the checkpoint into a directory; see `ddad.model.checkpoint` for its format."""
        calibrations = () if self.fitted is None else (*self.coarser, self.fitted)
        checkpoint.write(Path(path), self, calibrations, self.training, self.levels)

    @classmethod
    def load(cls, path: str | Path, *, device: torch.device | None = None) -> Detector:
        """Open a checkpoint directory, or one of the shipped models by name.

        With @fast behind it, what looks at the whole part alone; with @1, with its first closer
        look. Raises CheckpointError, naming what is wrong and what to do, for anything that is
        not a whole checkpoint of this format.
        """
        base, count = checkpoint.detail_of(path)
        found = checkpoint.read(base)
        whole = cls(
            found.scorer.unet,
            found.scorer.scheduler,
            found.scorer.config,
            features=found.scorer.features,
            head=found.scorer.head,
            fitted=found.calibrations[-1] if found.calibrations else None,
            coarser=found.calibrations[:-1],
            name=found.name,
            card=found.card,
            training=found.training,
            levels=found.levels,
            device=device or pick_device(),
        )
        if count is None:
            return whole
        try:
            return whole.with_looks(count)
        except ValueError as error:
            raise CheckpointError(str(error)) from error

    def _detection(
        self, z: dict[str, Tensor], held: np.ndarray | None, shape: Sequence[int]
    ) -> Detection:
        scales = tuple(
            self._scale_map(branch, index, z[branch][index])
            for branch, steps in self.timesteps.items()
            for index in range(len(steps))
        )
        fused = np.asarray(fuse(z, self.weights, shape))
        fitted = self.calibration
        strange = strange_share(fused, fitted.strange)
        if held is None or fitted.usual is None:
            return Detection(fused, scales, fitted.threshold, strange)
        amount, findings = fitted.usual.score(held), fitted.usual.findings(held)
        return Detection(fused, scales, fitted.threshold, strange, amount, tuple(findings))

    def _scale_map(self, branch: str, index: int, z: Tensor) -> ScaleMap:
        steps = self.timesteps[branch]
        noise, share = self.scheduler.noise_std(steps[index]), self.weights[branch] / len(steps)
        return ScaleMap(branch, steps[index], noise, share, np.asarray(z))
