"""How well maps and scores separate defects from good parts. Higher means more anomalous.

Pixel metrics stream: scores are counted in bins that follow the bits of float32, so one pass over
images of any size and score range costs a few arrays of counts and no pixel is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import ndimage
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

BITS = 20
"""Leading bits of a float32 that tell bins apart: 11 of the mantissa, one part in 2048."""


def image_metrics(scores: Sequence[float], labels: Sequence[bool]) -> dict[str, float | None]:
    """Image AUROC, average precision and the best F1 over thresholds; None with one class only.

    F1-max picks its threshold on the labels: an upper bound, not the operating point.
    Raises ValueError for scores that are not finite.
    """
    names = ("image_auroc", "image_ap", "image_f1_max")
    if not np.isfinite(scores).all():
        raise ValueError("image scores must be finite")
    if len(set(labels)) < 2:
        return dict.fromkeys(names)
    precision, recall, _ = precision_recall_curve(labels, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    values = (roc_auc_score(labels, scores), average_precision_score(labels, scores), f1.max())
    return dict(zip(names, map(float, values), strict=True))


def score_bin(scores: np.ndarray) -> np.ndarray:
    """Bin numbers 0 .. 2^BITS - 1 that rise with the score, for any float32.

    Raises ValueError for scores that are not finite.
    """
    if not np.isfinite(scores).all():
        raise ValueError("pixel scores must be finite")
    bits = (np.asarray(scores, np.float32) + np.float32(0)).view(np.uint32)  # + 0 turns -0 into 0
    ordered = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31))
    return (ordered >> np.uint32(32 - BITS)).astype(np.int64)


class PixelCurves:
    """Counts of normal and defective pixels, and of defect regions, by score."""

    def __init__(self) -> None:
        self.negatives = np.zeros(1 << BITS)
        self.positives = np.zeros(1 << BITS)
        self.overlap = np.zeros(1 << BITS)  # each region adds 1, spread over its pixels
        self.regions = 0

    def add(self, score_map: np.ndarray, mask: np.ndarray) -> None:
        """Count one image: scores (H, W) and its true mask, bool (H, W); 8-connected regions."""
        if score_map.shape != mask.shape:
            raise ValueError(f"the map is {score_map.shape} where its mask is {mask.shape}")
        bins = score_bin(score_map)
        self.negatives += np.bincount(bins[~mask], minlength=1 << BITS)
        if not mask.any():
            return
        self.positives += np.bincount(bins[mask], minlength=1 << BITS)
        labels, count = ndimage.label(mask, np.ones((3, 3)))
        weights = 1 / np.bincount(labels[mask])[labels[mask]]
        self.overlap += np.bincount(bins[mask], weights, minlength=1 << BITS)
        self.regions += count

    def merge(self, other: PixelCurves) -> None:
        """Add another one's counts to this one's."""
        self.negatives += other.negatives
        self.positives += other.positives
        self.overlap += other.overlap
        self.regions += other.regions

    def result(self, fpr_limit: float = 0.3) -> dict[str, float | None]:
        """Pixel AUROC, AP, best F1, and AUPRO to `fpr_limit`; None where a class is missing.

        AUPRO is the area under mean overlap of the regions against the false-positive rate of
        all normal pixels, up to the limit and divided by it (Bergmann et al. 2021).
        """
        names = ("pixel_auroc", "pixel_ap", "pixel_f1_max", "aupro")
        if not self.positives.any() or not self.negatives.any():
            return dict.fromkeys(names)
        used = np.flatnonzero(self.negatives + self.positives)[::-1]  # loudest first
        false = np.concatenate([[0], self.negatives[used].cumsum()])
        true = np.concatenate([[0], self.positives[used].cumsum()])
        fpr, recall = false / false[-1], true / true[-1]
        precision = true[1:] / (true + false)[1:]
        f1 = 2 * precision * recall[1:] / np.maximum(precision + recall[1:], 1e-12)
        pro = np.concatenate([[0], self.overlap[used].cumsum()]) / self.regions
        end = np.searchsorted(fpr, fpr_limit)  # the curve may rise steeply just at the limit
        x = np.append(fpr[:end], fpr_limit)
        y = np.append(pro[:end], np.interp(fpr_limit, fpr[: end + 1], pro[: end + 1]))
        values = (
            np.trapezoid(recall, fpr),
            np.sum(np.diff(recall) * precision),
            f1.max(),
            np.trapezoid(y, x) / fpr_limit,
        )
        return dict(zip(names, map(float, values), strict=True))


class Evaluation:
    """Metrics of a test set, overall and for each defect type against all good images."""

    def __init__(self) -> None:
        self.scores: dict[str, list[float]] = {}
        self.curves: dict[str, PixelCurves] = {}

    def add(self, score: float, score_map: np.ndarray, mask: np.ndarray, defect: str) -> None:
        """Count one image of the defect type `defect`, "good" for none."""
        self.scores.setdefault(defect, []).append(score)
        self.curves.setdefault(defect, PixelCurves()).add(score_map, mask)

    def result(self) -> dict[str, Any]:
        """Counts, image and pixel metrics, and `per_defect`; ready for JSON."""
        defects = sorted(set(self.scores) - {"good"})
        whole = self._of(defects)
        return whole | {"per_defect": {defect: self._of([defect]) for defect in defects}}

    def _of(self, defects: Sequence[str]) -> dict[str, Any]:
        good = self.scores.get("good", [])
        bad = [score for defect in defects for score in self.scores[defect]]
        labels = [False] * len(good) + [True] * len(bad)
        curves = PixelCurves()
        for defect in ("good", *defects):
            if defect in self.curves:
                curves.merge(self.curves[defect])
        counts = {"n_good": len(good), "n_defective": len(bad)}
        return counts | image_metrics(good + bad, labels) | curves.result()
