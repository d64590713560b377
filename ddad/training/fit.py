"""Fit the feature branch to normal images, and cross-fit it where they are few."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from ddad.diffusion.extractor import Extractor
from ddad.diffusion.mixture import NormalMixture
from ddad.diffusion.scheduler import PosteriorDDPMScheduler
from ddad.images.geometry import feature_shape, to_model
from ddad.model.detector import Detector, RawMaps
from ddad.score.config import ScoreConfig
from ddad.score.feature import FeatureModel, sample_tokens

COMPONENTS = 1024
"""Centres of the mixture."""
VECTORS = 60_000
"""Feature vectors it is fitted to, over all images."""
FOLDS = 5
CROSS_FIT_BELOW = 200
"""Up to this many normal images, cross-fitting uses every one for both fitting and calibration."""

Progress = Callable[[int, int], None]


def fit_features(
    extractor: Extractor,
    images: Sequence[np.ndarray],
    config: ScoreConfig,
    *,
    seed: int = 0,
    on_progress: Progress = lambda done, total: None,
) -> FeatureModel:
    """The feature branch for uint8 (H, W, 3) images of good parts."""
    tokens = _tokens(extractor, images, config, seed, on_progress)
    return FeatureModel(extractor, NormalMixture.fit(torch.cat(tokens), COMPONENTS, seed=seed))


def cross_fit(
    extractor: Extractor,
    images: Sequence[np.ndarray],
    groups: Sequence[str],
    scheduler: PosteriorDDPMScheduler,
    config: ScoreConfig,
    *,
    target_fpr: float,
    name: str = "",
    seed: int = 0,
    on_progress: Progress = lambda done, total: None,
    on_image: Callable[[int, Detector], bool] = lambda index, model: True,
) -> Detector:
    """A detector with the feature branch alone, fitted to all images and calibrated on all.

    Each image's calibration score comes from a model fitted without its whole group; `on_image`
    is given its index and that model, and ends the calibration early by returning False. Raises
    ValueError for fewer than two groups.
    """
    names = sorted(set(groups))
    if len(names) < 2:
        raise ValueError("calibration needs normal images of at least 2 groups")
    order = np.random.default_rng(seed).permutation(len(names))
    fold_of = {names[place]: turn % FOLDS for turn, place in enumerate(order)}
    folds = np.array([fold_of[group] for group in groups])
    count = len(images)
    tokens = _tokens(extractor, images, config, seed, lambda d, n: on_progress(d, 2 * count))

    def fitted(keep: np.ndarray) -> FeatureModel:
        chosen = torch.cat([tokens[i] for i in np.flatnonzero(keep)])
        return FeatureModel(extractor, NormalMixture.fit(chosen, COMPONENTS, seed=seed))

    raw: dict[int, RawMaps] = {}
    for fold in np.unique(folds):
        model = Detector(None, scheduler, config, features=fitted(folds != fold))
        for index in np.flatnonzero(folds == fold).tolist():
            (raw[index],) = model.raw_maps([images[index]])
            on_progress(count + len(raw), 2 * count)
            if not on_image(index, model):
                break
        else:
            continue
        break
    detector = Detector(None, scheduler, config, features=fitted(np.ones(count, bool)), name=name)
    scored = sorted(raw)
    shapes = [images[i].shape[:2] for i in scored]
    detector.calibrate_maps(
        [raw[i] for i in scored], shapes, target_fpr=target_fpr, cross_fitted=True
    )
    return detector


def _tokens(
    extractor: Extractor,
    images: Sequence[np.ndarray],
    config: ScoreConfig,
    seed: int,
    on_progress: Progress,
) -> list[torch.Tensor]:
    inputs = [to_model(i, feature_shape(i.shape, config.feature_size)) for i in images]
    return sample_tokens(extractor, inputs, VECTORS, seed, on_progress)
