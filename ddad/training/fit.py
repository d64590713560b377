"""Fit the feature branch to normal images, and cross-fit it where they are few."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ddad.diffusion.extractor import Extractor
from ddad.diffusion.mixture import NormalMixture
from ddad.diffusion.scheduler import linear_chain
from ddad.images.geometry import feature_shape, to_model
from ddad.model.detector import Detector
from ddad.score.config import ScoreConfig
from ddad.score.feature import FeatureModel, sample_tokens
from ddad.score.fusion import Maps, calibrate

COMPONENTS = 1024
"""Centres of the mixture."""
VECTORS = 60_000
"""Feature vectors it is fitted to, over all images."""
FOLDS = 5
CROSS_FIT_BELOW = 200
"""Up to this many normal images, cross-fitting uses every one for both fitting and calibration."""


@dataclass(frozen=True)
class Vectors:
    """What an extractor says of normal images: feature vectors (n, C) of each."""

    extractor: Extractor
    each: Sequence[Tensor]
    config: ScoreConfig
    seed: int = 0

    @classmethod
    def of(
        cls,
        images: Sequence[np.ndarray],
        extractor: Extractor,
        config: ScoreConfig,
        *,
        seed: int = 0,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Vectors:
        """Those of uint8 (H, W, 3) images of good parts, together about VECTORS."""
        inputs = [to_model(i, feature_shape(i.shape, config.feature_size)) for i in images]
        each = sample_tokens(extractor, inputs, VECTORS, seed, on_progress)
        return cls(extractor, each, config, seed)

    @cached_property
    def whole(self) -> NormalMixture:
        """Fitted to all images."""
        return NormalMixture.fit(torch.cat([*self.each]), COMPONENTS, seed=self.seed)

    def fit(self, kept: np.ndarray | None = None) -> FeatureModel:
        """The feature branch for all images, or for those that `kept`, bool (N,), names.

        All call the kinds of appearance alike.
        """
        if kept is None:
            return FeatureModel(self.extractor, self.whole)
        chosen = torch.cat([v for v, mine in zip(self.each, kept, strict=True) if mine])
        part = NormalMixture.fit(chosen, COMPONENTS, seed=self.seed)
        return FeatureModel(self.extractor, part.with_kinds_of(self.whole))

    def detector(self, kept: np.ndarray | None = None) -> Detector:
        """The same as a detector without calibration."""
        return Detector(None, linear_chain(), self.config, features=self.fit(kept))


def cross_fit(
    vectors: Vectors, images: Sequence[np.ndarray], groups: Sequence[str]
) -> Iterator[tuple[int, Detector, Maps]]:
    """Each image's index, a model fitted without its whole group, and the maps that this makes.

    Fold by fold, so that a caller who stops early has whole groups. Where there is one group
    alone, its images are told apart; of a single image, a `moved` copy stands in for another, so
    that there are maps to look at: no threshold made so promises anything.
    """
    if len(images) == 1:
        model = vectors.detector()
        (maps,) = model.maps([moved(images[0])])
        yield 0, model, maps
        return
    if len(set(groups)) == 1:
        groups = [str(index) for index in range(len(images))]
    folds = fold_of(groups, vectors.seed)
    for fold in np.unique(folds):
        model = vectors.detector(folds != fold)
        for index in np.flatnonzero(folds == fold).tolist():
            (maps,) = model.maps([images[index]])
            yield index, model, maps


def fold_of(groups: Sequence[str], seed: int) -> np.ndarray:
    """The fold (N,) of each image: FOLDS of them, as equal as whole groups can be."""
    names = sorted(set(groups))
    order = np.random.default_rng(seed).permutation(len(names))
    turns = {names[place]: turn % FOLDS for turn, place in enumerate(order)}
    return np.array([turns[group] for group in groups])


def moved(pixels: np.ndarray) -> np.ndarray:
    """A uint8 (H, W, 3) image turned by 3 degrees and 5 % brighter, mirrored beyond its edges."""
    margin = min(max(pixels.shape[:2]) // 16 + 1, min(pixels.shape[:2]) - 1)
    wide = np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    turned = np.asarray(Image.fromarray(wide).rotate(3, Image.Resampling.BICUBIC), np.float32)
    height, width = pixels.shape[:2]
    inner = turned[margin : margin + height, margin : margin + width]
    return np.clip(1.05 * inner, 0, 255).round().astype(np.uint8)


def cross_fitted(
    vectors: Vectors,
    raw: Mapping[int, Maps],
    images: Sequence[np.ndarray],
    groups: Sequence[str],
    target_fpr: float,
) -> Detector:
    """A detector fitted to all images, calibrated by what `cross_fit` made of all or some."""
    pairs = [(raw[index], images[index].shape[:2]) for index in sorted(raw)]
    parts = [groups[index] for index in sorted(raw)]
    detector = vectors.detector()
    return detector.calibrated(
        calibrate(pairs, detector.weights, target_fpr, parts=parts, cross_fitted=True)
    )
