"""Fit the feature branch to normal images, and cross-fit it where they are few."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ddad.diffusion.extractor import Extractor
from ddad.diffusion.mixture import NormalMixture
from ddad.diffusion.scheduler import linear_chain
from ddad.images.arrays import pictures
from ddad.model.checkpoint import BUNDLED
from ddad.model.detector import Detector
from ddad.score.config import ScoreConfig
from ddad.score.feature import FeatureModel, sample_tokens
from ddad.score.fusion import Maps
from ddad.score.look import Look, looks
from ddad.score.pace import COMPONENTS as CLOSER_COMPONENTS
from ddad.score.pace import pace
from ddad.training.looks import SECONDS, closer_looks, settled

COMPONENTS = 1024
"""Centres of the mixture of the whole part."""
VECTORS, CLOSER_VECTORS = 60_000, 30_000
"""Feature vectors it is fitted to, over all images, and of a closer look."""
FOLDS = 5
CROSS_FIT_BELOW = 200
"""Up to this many normal images, cross-fitting uses every one for both fitting and calibration."""
KEPT = 400_000_000
"""Bytes of what an extractor says of photographs that are kept until they are judged."""


def fit(
    images: Iterable[Any],
    *,
    parts: Sequence[str] | None = None,
    extractor: Extractor | None = None,
    config: ScoreConfig | None = None,
    target_fpr: float = 0.05,
    seed: int = 0,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Detector:
    """A calibrated model of images of good parts, in seconds: the feature branch alone.

    `images` are as `ddad.images.pictures` takes them, `parts` names the part that each shows
    (default: each its own; `ddad train` looks for near-identical shots besides). Every image serves
    fitting and, by folds, the threshold. Without a `config` large photographs are looked at as
    closely as two seconds an image allow. `on_progress(done, total)` counts images, each twice.
    Raises ValueError for no image, one that is none, or a rate outside (0, 1).
    """
    pixels = pictures(images)
    if not pixels:
        raise ValueError("a model is fitted to at least one image of a good part")
    extractor = extractor or Extractor.load(BUNDLED)
    if config is None:
        shapes, config = [image.shape for image in pixels], ScoreConfig()
        config = config.closer(closer_looks(shapes, config, SECONDS, pace(extractor)))
    groups, total = parts or [str(index) for index in range(len(pixels))], 2 * len(pixels)
    vectors = Vectors.of(
        pixels, extractor, config, seed=seed, on_progress=lambda done, _: on_progress(done, total)
    )
    raw: dict[int, Maps] = {}
    for index, _, maps in cross_fit(vectors, pixels, groups):
        raw[index] = maps
        on_progress(len(pixels) + len(raw), total)
    return cross_fitted(vectors, raw, groups, target_fpr)


@dataclass(frozen=True)
class Vectors:
    """What an extractor says of normal images: feature vectors (n, C) of each, drawn over places
    and photographs, of each look."""

    extractor: Extractor
    each: Mapping[str, Sequence[Tensor]]
    """By the look's branch."""
    config: ScoreConfig
    seed: int = 0
    seen: Sequence[Sequence[Look] | None] = ()
    """Whole photographs as they were seen, as many as KEPT holds."""
    shapes: Sequence[tuple[int, int]] = ()
    """Heights and widths of all."""

    @classmethod
    def of(
        cls,
        images: Sequence[np.ndarray],
        extractor: Extractor,
        config: ScoreConfig,
        *,
        seed: int = 0,
        keep: bool = True,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Vectors:
        """Those of uint8 (H, W, 3) images of good parts, together about VECTORS and, of each closer
        look, CLOSER_VECTORS.

        With `keep`, what was seen stays in memory for `maps`, as far as KEPT goes.
        """
        each: dict[str, list[Tensor]] = {branch: [] for branch in config.sizes}
        seen: list[Sequence[Look] | None] = []
        shapes, left = list[tuple[int, int]](), KEPT if keep else 0
        for index, image in enumerate(images):
            now = looks(extractor, image, [*config.sizes.values()])
            shapes.append((image.shape[0], image.shape[1]))
            size = sum(look.nbytes for look in now)
            left -= size
            seen.append([look.keep() for look in now] if left >= 0 else None)
            for number, (branch, look) in enumerate(zip(each, now, strict=True)):
                drawn = (seed, index, number) if number else (seed, index)
                most = -(-(CLOSER_VECTORS if number else VECTORS) // len(images))
                with torch.inference_mode(), extractor.fast():
                    each[branch].append(sample_tokens(look, most, drawn))
            on_progress(index + 1, len(images))
        return cls(extractor, each, config, seed, seen, shapes)

    @cached_property
    def whole(self) -> FeatureModel:
        """Fitted to all images."""
        return self._fit(np.ones(len(self.each["feature"]), bool))

    def fit(self, kept: np.ndarray | None = None) -> FeatureModel:
        """The feature branch for all images, or for those that `kept`, bool (N,), names.

        All call the kinds of appearance alike.
        """
        if kept is None:
            return self.whole
        found = self._fit(kept)
        return replace(found, mixture=found.mixture.with_kinds_of(self.whole.mixture))

    def _fit(self, kept: np.ndarray) -> FeatureModel:
        counts = COMPONENTS, *[CLOSER_COMPONENTS] * len(self.config.looks)
        mixtures = []
        for count, every in zip(counts, self.each.values(), strict=True):
            chosen = torch.cat([v for v, mine in zip(every, kept, strict=True) if mine])
            mixtures.append(NormalMixture.fit(chosen, count, seed=self.seed))
        return FeatureModel(self.extractor, mixtures[0], tuple(mixtures[1:]))

    def detector(self, kept: np.ndarray | None = None) -> Detector:
        """The same as a detector without calibration."""
        return Detector(None, linear_chain(), self.config, features=self.fit(kept))

    def maps(self, model: Detector, index: int, images: Sequence[np.ndarray]) -> Maps:
        """What a model of these vectors makes of one of their images, extracted once if it was
        kept."""
        seen = self.seen[index]
        return model.maps_of(model.see(images[index]) if seen is None else seen)


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
            yield index, model, vectors.maps(model, index, images)


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
    found: np.ndarray = np.clip(1.05 * inner, 0, 255).round().astype(np.uint8)
    return found


def cross_fitted(
    vectors: Vectors,
    raw: Mapping[int, Maps],
    groups: Sequence[str],
    target_fpr: float,
) -> Detector:
    """A detector fitted to all images, calibrated by what `cross_fit` made of all or some."""
    pairs = [(raw[index], vectors.shapes[index]) for index in sorted(raw)]
    parts = [groups[index] for index in sorted(raw)]
    detector = settled(vectors.detector(), [*raw.values()])
    return detector.calibrated_by(pairs, target_fpr, parts, cross_fitted=True)
