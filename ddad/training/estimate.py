"""What a model makes of defects painted on good parts it has not seen: an estimate before real
defects are there, and pictures of it.

Painted defects are not the defects of anyone's production: the figures rank models and settings,
and say whether a model sees anything at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ddad.export.render import overlay
from ddad.images.files import write_png
from ddad.measure.metrics import Evaluation
from ddad.model.card import Estimate
from ddad.model.detector import Detector
from ddad.score.fusion import Maps, fuse
from ddad.training.synthetic import KINDS, paint_defect

MOST = 40
"""At most so many normals are painted on."""
PIXELS = 1_000_000
"""Larger photographs are reduced to about this many pixels first, or to those of the closest look;
of larger looks fewer are painted on, for the time they take."""


@dataclass(frozen=True)
class Trial:
    """A normal, the same with a painted defect, and what a model that knew neither said."""

    kind: str
    mask: np.ndarray
    clean: Maps
    spoiled: Maps
    pictures: tuple[np.ndarray, np.ndarray] | None
    """Both images: kept of the first trial of each kind."""


class Rehearsal:
    """Paints on some of `total` held-out normals as they come by, and remembers what was found."""

    def __init__(self, total: int, seed: int = 0) -> None:
        self.seed, self.total = seed, total
        order = np.random.default_rng((seed, 7)).permutation(total)[:MOST]
        self.chosen = {int(index): place for place, index in enumerate(sorted(order))}
        self.trials: list[Trial] = []

    def see(self, index: int, pixels: np.ndarray, model: Detector) -> Trial | None:
        """Paint on normal number `index` if it was chosen; `model` must not have been fitted to it.

        None where it was not chosen, or shows no place for a visible defect.
        """
        if index not in self.chosen:
            return None
        place, seen = self.chosen[index], max(model.looks.values(), default=0) ** 2
        if place % max(1, -(-2 * seen // PIXELS)):
            return None
        kind = KINDS[place % len(KINDS)]
        pair = painted(pixels, kind, (self.seed, index), max(PIXELS, seen))
        if pair is None:
            return None
        clean, spoiled, mask = pair
        before, after = model.maps([clean, spoiled])
        trial = Trial(kind, mask, before, after, (clean, spoiled))
        first = kind not in [each.kind for each in self.trials]
        self.trials.append(trial if first else replace(trial, pictures=None))
        return trial

    def estimate(self, detector: Detector) -> Estimate | None:
        """Judge all trials by the calibration of `detector`; None without a trial."""
        if not self.trials:
            return None
        evaluation, caught = Evaluation(), 0
        for trial in self.trials:
            for raw, mask, kind in (
                (trial.clean, np.zeros_like(trial.mask), "good"),
                (trial.spoiled, trial.mask, trial.kind),
            ):
                found = detector.judge(raw, mask.shape)
                evaluation.add(found.score, found.score_map, mask, kind)
                caught += kind != "good" and found.anomalous
        metrics = evaluation.result()
        return Estimate(
            metrics["image_auroc"],
            metrics["pixel_auroc"],
            metrics["aupro"],
            len(self.trials),
            caught / len(self.trials),
        )

    def write_pictures(self, detector: Detector, folder: Path) -> list[str]:
        """examples/ (a good part, painted ones, true masks) and maps/ over them; their stems."""
        stems = []
        scale = detector.calibration
        shown = [trial for trial in self.trials if trial.pictures is not None]
        for number, trial in enumerate(shown):
            assert trial.pictures is not None
            clean, spoiled = trial.pictures
            views = [(f"{number + 2}_{trial.kind}", spoiled, trial.spoiled)]
            views = [("1_good", clean, trial.clean), *views] if number == 0 else views
            for stem, pixels, raw in views:
                found = detector.judge(raw, pixels.shape[:2])
                mask = found.mask()
                drawn = overlay(pixels, found.score_map, mask, scale.map_low, scale.map_high)
                write_png(pixels, folder / "examples" / f"{stem}.png")
                write_png(_small(drawn, 320), folder / "maps" / f"{stem}.png")
                stems.append(stem)
            write_png(trial.mask.astype(np.uint8) * 255, folder / "examples" / f"{stem}_mask.png")
        return stems


def painted(
    pixels: np.ndarray, kind: str, seed: tuple[int, ...], most: int = PIXELS
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """The image (reduced to about `most` pixels), the same with a defect, and its mask."""
    clean = _small(pixels, round(most**0.5)) if pixels[..., 0].size > most else pixels
    try:
        spoiled, mask = paint_defect(clean, kind, np.random.default_rng(seed))
    except ValueError:  # nothing visible can be painted, as on a blank image
        return None
    return clean, spoiled, mask


def preview(model: Detector, trial: Trial, to: str) -> None:
    """Write `to`_good.png and `to`_painted.png: photograph and map side by side, on one scale.

    A model in training has no calibration, so both maps are measured by the good part's pixels.
    The trial must have pictures.
    """
    assert trial.pictures is not None
    stacks, clean = [], trial.clean
    for raw, pixels in zip((clean, trial.spoiled), trial.pictures, strict=True):
        z = {}
        for branch, maps in raw.items():
            level = clean[branch].mean((1, 2), keepdims=True)
            spread = np.maximum(clean[branch].std((1, 2), keepdims=True), 1e-12)
            z[branch] = torch.from_numpy((maps - level) / spread)
        stacks.append(np.asarray(fuse(z, model.weights, pixels.shape)))
    low, high = float(np.median(stacks[0])), 2 * float(stacks[0].max())
    for name, pixels, stack in zip(("good", "painted"), trial.pictures, stacks, strict=True):
        drawn = overlay(pixels, stack, np.zeros(stack.shape, bool), low, high)
        write_png(np.concatenate([_small(pixels, 240), _small(drawn, 240)], 1), f"{to}_{name}.png")


def _small(pixels: np.ndarray, side: int) -> np.ndarray:
    """The picture at no more than about side x side pixels in area."""
    height, width = pixels.shape[:2]
    factor = min(1.0, side / (height * width) ** 0.5)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))
