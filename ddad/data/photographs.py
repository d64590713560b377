"""Look over photographs of good parts before a model is trained on them. Nothing is ever deleted.

Each finding names files and says why one might leave them out; a person decides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import laplace
from torch import Tensor

from ddad.data.bursts import bursts, thumbnail
from ddad.images.decode import ImageError, load_image, survey
from ddad.images.geometry import to_model
from ddad.images.levels import Levels

BLUR = 0.25
"""Sharpness below this share of the set's median is called blurred."""
ODD = 6.0
"""Robust standard deviations above the set's median from which a photograph is an odd one out."""
SIDE = 256
"""Pixels squared in area at which sharpness and features are measured."""

Describe = Callable[[Tensor], Tensor]
"""What says how photographs look to a network: an `Extractor` does."""


@dataclass(frozen=True)
class Finding:
    """Something to look at. `kind` is one of "unreadable", "duplicate", "near-duplicate",
    "size", "blurred", "odd", "far out"."""

    kind: str
    path: Path
    why: str
    like: Path | None = None
    """The photograph that it repeats."""


@dataclass(frozen=True)
class Intake:
    """What was found in a set of photographs."""

    readable: tuple[Path, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    """How pictures are read that are not plain, as `ddad.images.decode.survey` says it."""
    levels: Levels | None = None
    """The range that they were read at."""
    firsts: tuple[int, ...] = ()
    """Of each of `readable`, the index of the first of its burst of near-identical shots."""

    @property
    def kept(self) -> tuple[Path, ...]:
        """The readable ones without exact duplicates, which say nothing new."""
        repeated = {f.path for f in self.findings if f.kind == "duplicate"}
        return tuple(path for path in self.readable if path not in repeated)


@dataclass(frozen=True)
class _Look:
    """What one photograph is judged by."""

    path: Path
    digest: str
    shape: tuple[int, int]
    small: np.ndarray
    sharpness: float
    features: np.ndarray


def look_over(
    paths: Sequence[Path],
    describe: Describe,
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Intake:
    """Check photographs for exact and near-duplicates, odd sizes, blur, and odd ones out.

    Blur and oddity are relative to the set: fewer than five photographs have neither. `describe`
    gives the features (1, C, h, w) of one image, float32 (1, 3, H, W) in [-1, 1].
    """
    looks: list[_Look] = []
    findings: list[Finding] = []
    levels, notes = _survey(paths)
    for done, path in enumerate(paths, 1):
        try:
            looks.append(_look(path, describe, levels))
        except (ImageError, OSError) as error:
            findings.append(Finding("unreadable", path, str(error)))
        on_progress(done, len(paths))
    firsts = list({look.digest: look for look in reversed(looks)}.values())[::-1]
    first = {look.digest: look.path for look in firsts}
    findings += [
        Finding("duplicate", look.path, "the same pixels", first[look.digest])
        for look in looks
        if first[look.digest] != look.path
    ]
    alike = bursts([look.small for look in looks], [look.shape for look in looks])
    findings += [*_near(looks, alike, first), *_sizes(firsts), *_blurred(firsts), *_odd(firsts)]
    readable = tuple(look.path for look in looks)
    return Intake(readable, tuple(findings), tuple(notes), levels, tuple(alike))


def _survey(paths: Sequence[Path]) -> tuple[Levels | None, list[str]]:
    """One range for all; where there is none, each photograph has its own, and that is said."""
    try:
        return survey(paths)
    except ImageError as error:
        return None, [str(error)]


def sharpness(pixels: np.ndarray) -> float:
    """Variance of the Laplacian over the variance of the grey levels: blur lowers it."""
    grey = pixels.mean(2)
    return float(laplace(grey).var() / max(grey.var(), 1e-9))


def _look(path: Path, describe: Describe, levels: Levels | None) -> _Look:
    pixels = load_image(path, levels=levels).pixels
    height, width = pixels.shape[:2]
    factor = SIDE / (height * width) ** 0.5
    shape = tuple(max(48, round(side * factor / 16) * 16) for side in (height, width))
    small = to_model(pixels, (shape[0], shape[1]))
    with torch.inference_mode():
        features = describe(small[None])[0].mean((1, 2)).cpu().numpy()
    seen = ((small.permute(1, 2, 0).numpy() + 1) * 127.5).round()
    digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
    return _Look(path, digest, (height, width), thumbnail(pixels), sharpness(seen), features)


def _near(looks: Sequence[_Look], alike: Sequence[int], first: dict[str, Path]) -> list[Finding]:
    """Each photograph that is no exact copy but a shot of what an earlier one shows, beside it."""
    return [
        Finding("near-duplicate", look.path, "a near-identical shot", looks[at].path)
        for index, (look, at) in enumerate(zip(looks, alike, strict=True))
        if at != index and first[look.digest] == look.path
    ]


def _sizes(looks: Sequence[_Look]) -> list[Finding]:
    """Photographs whose aspect ratio or area is far from the set's median."""
    if not looks:
        return []
    shapes = np.array([look.shape for look in looks], float)
    ratio, area = np.log(shapes[:, 1] / shapes[:, 0]), np.log(shapes.prod(1))
    far = (np.abs(ratio - np.median(ratio)) > np.log(1.25)) | (
        np.abs(area - np.median(area)) > np.log(4)
    )
    height, width = np.median(shapes, axis=0).astype(int)
    return [
        Finding(
            "size",
            look.path,
            f"{look.shape[1]} x {look.shape[0]} pixels, most are about {width} x {height}",
        )
        for look, off in zip(looks, far, strict=True)
        if off
    ]


def _blurred(looks: Sequence[_Look]) -> list[Finding]:
    if len(looks) < 5:
        return []
    median = float(np.median([look.sharpness for look in looks]))
    return [
        Finding("blurred", look.path, f"{look.sharpness / median:.0%} of the usual sharpness")
        for look in looks
        if look.sharpness < BLUR * median
    ]


def _odd(looks: Sequence[_Look]) -> list[Finding]:
    """Photographs whose mean features lie far from their nearest neighbours in the set.

    Leave-one-out: the distance to the second nearest other, so that two of a kind are still odd.
    """
    if len(looks) < 5:
        return []
    vectors = np.stack([look.features for look in looks])
    vectors = (vectors - vectors.mean(0)) / max(float(vectors.std()), 1e-9)
    squares = (vectors**2).sum(1)
    apart = np.maximum(squares[:, None] + squares - 2 * vectors @ vectors.T, 0)
    np.fill_diagonal(apart, 0)
    second = np.sqrt(np.partition(apart, 2, axis=1)[:, 2] / vectors.shape[1])
    median = float(np.median(second))
    spread = max(1.4826 * float(np.median(np.abs(second - median))), 0.05 * median, 1e-9)
    return [
        Finding("odd", look.path, f"{value:.1f} spreads further from the others than usual")
        for look, value in zip(looks, (second - median) / spread, strict=True)
        if value > ODD
    ]
