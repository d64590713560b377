"""How well maps and scores separate defects from good parts. Higher means more anomalous.

Pixel metrics stream: scores are counted in bins that follow the bits of float32, so one pass over
images of any size and score range costs a few arrays of counts and no pixel is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import ndimage

from ddad.measure.verdicts import Verdicts

BITS = 20
"""Leading bits of a float32 that tell bins apart: 11 of the mantissa, one part in 2048."""


def image_metrics(scores: Sequence[float], labels: Sequence[bool]) -> dict[str, float | None]:
    """Image AUROC, average precision and the best F1 over thresholds; None with one class only.

    F1-max picks its threshold on the labels: an upper bound, not the operating point.
    Raises ValueError for scores that are not finite.
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

    names = ("image_auroc", "image_ap", "image_f1_max")
    if not np.isfinite(scores).all():
        raise ValueError("image scores must be finite")
    if len(set(labels)) < 2:
        return dict.fromkeys(names)
    precision, recall, _ = precision_recall_curve(labels, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    values = (roc_auc_score(labels, scores), average_precision_score(labels, scores), f1.max())
    return dict(zip(names, map(float, values), strict=True))


def image_curves(scores: Sequence[float], labels: Sequence[bool]) -> dict[str, np.ndarray]:
    """The ROC (false-positive rate, recall) and precision-recall curve (recall, precision).

    Each (n, 2), n <= 200, from the highest threshold to the lowest; empty with one class only.
    """
    from sklearn.metrics import precision_recall_curve, roc_curve

    if len(set(labels)) < 2:
        return {}
    fpr, recall, _ = roc_curve(labels, scores, drop_intermediate=False)
    precision, hits, _ = precision_recall_curve(labels, scores)
    return {
        "image_roc": thin(np.stack([fpr, recall], 1)),
        "image_pr": thin(np.stack([hits, precision], 1)[::-1]),
    }


def thin(points: np.ndarray, most: int = 200) -> np.ndarray:
    """At most so many of a monotone curve's points (n, 2), spread evenly along it, both ends kept.

    Steps of more than 2 / most in x or y are the curve's own.
    """
    along = np.concatenate([[0], np.abs(np.diff(points, axis=0)).sum(1).cumsum()])
    kept = np.searchsorted(along, np.linspace(0, along[-1], most))
    found: np.ndarray = points[np.unique([0, *kept[1:-1], len(points) - 1])]
    return found


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
        fpr, recall, precision, pro = self._rates()
        f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
        end = np.searchsorted(fpr, fpr_limit)  # the curve may rise steeply just at the limit
        x = np.append(fpr[:end], fpr_limit)
        y = np.append(pro[:end], np.interp(fpr_limit, fpr[: end + 1], pro[: end + 1]))
        values = (
            np.trapezoid(recall, fpr),
            np.sum(np.diff(recall) * precision[1:]),
            f1.max(),
            np.trapezoid(y, x) / fpr_limit,
        )
        return dict(zip(names, map(float, values), strict=True))

    def lines(self) -> dict[str, np.ndarray]:
        """The ROC, precision-recall and PRO curve, each (n, 2), n <= 200; empty as `result`."""
        if not self.positives.any() or not self.negatives.any():
            return {}
        fpr, recall, precision, pro = self._rates()
        return {
            "pixel_roc": thin(np.stack([fpr, recall], 1)),
            "pixel_pr": thin(np.stack([recall, precision], 1)[1:]),
            "pro": thin(np.stack([fpr, pro], 1)),
        }

    def _rates(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """False-positive rate, recall, precision, mean overlap as the threshold falls from +inf."""
        used = np.flatnonzero(self.negatives + self.positives)[::-1]  # loudest first
        false = np.concatenate([[0], self.negatives[used].cumsum()])
        true = np.concatenate([[0], self.positives[used].cumsum()])
        precision = np.concatenate([[1], true[1:] / (true + false)[1:]])  # of nothing: 1 by custom
        pro = np.concatenate([[0], self.overlap[used].cumsum()]) / self.regions
        return false / false[-1], true / true[-1], precision, pro


class Evaluation:
    """Metrics of a test set, overall and for each defect type against all good images.

    With a threshold, chosen before and never on these images, also what it gets right and wrong.
    """

    def __init__(self, threshold: float | None = None) -> None:
        self.threshold = threshold
        self.scores: dict[str, list[float]] = {}
        self.curves: dict[str, PixelCurves] = {}
        self.masks: dict[str, int] = {}
        """Of each defect type, how many images have a true mask."""
        self.verdicts: dict[str, Verdicts] = {}

    def add(
        self, score: float, score_map: np.ndarray, mask: np.ndarray | None, defect: str
    ) -> None:
        """Count one image of the defect type `defect`, "good" for none.

        `mask`, bool (H, W), is None for a defect whose place is not known: the image counts, its
        pixels do not. Raises ValueError for a score or map that is not finite, or shapes that
        differ; then nothing is counted.
        """
        if not np.isfinite(score):
            raise ValueError("image scores must be finite")
        if mask is not None:
            self.curves.setdefault(defect, PixelCurves()).add(score_map, mask)
        self.scores.setdefault(defect, []).append(score)
        self.masks[defect] = self.masks.get(defect, 0) + (mask is not None)
        if self.threshold is not None:
            marked = score_map > np.float32(self.threshold)
            self.verdicts.setdefault(defect, Verdicts()).add(marked, mask, defect != "good")

    def result(self) -> dict[str, Any]:
        """Counts, image and pixel metrics, and `per_defect`; ready for JSON.

        Image metrics are of all images, pixel metrics of good ones and of the `n_with_masks`
        defective ones; what cannot be had is None. With a threshold each has `at_threshold`,
        the threshold and `Verdicts.result`.
        """
        whole = self._of(self._defects)
        return whole | {"per_defect": {defect: self._of([defect]) for defect in self._defects}}

    def lines(self) -> dict[str, np.ndarray]:
        """The curves behind the numbers, as `image_curves` and `PixelCurves.lines` give them."""
        scores, labels = self._labelled(self._defects)
        return image_curves(scores, labels) | self._merged(self._defects).lines()

    @property
    def _defects(self) -> list[str]:
        return sorted(set(self.scores) - {"good"})

    def _labelled(self, defects: Sequence[str]) -> tuple[list[float], list[bool]]:
        good = self.scores.get("good", [])
        bad = [score for defect in defects for score in self.scores[defect]]
        return good + bad, [False] * len(good) + [True] * len(bad)

    def _merged(self, defects: Sequence[str]) -> PixelCurves:
        curves = PixelCurves()
        for defect in ("good", *defects):
            if defect in self.curves:
                curves.merge(self.curves[defect])
        return curves

    def _of(self, defects: Sequence[str]) -> dict[str, Any]:
        scores, labels = self._labelled(defects)
        counts = {"n_good": labels.count(False), "n_defective": labels.count(True)}
        counts["n_with_masks"] = sum(self.masks[defect] for defect in defects)
        counts["n_without_masks"] = counts["n_defective"] - counts["n_with_masks"]
        found = counts | image_metrics(scores, labels) | self._merged(defects).result()
        if self.threshold is None:
            return found
        kinds = [self.verdicts[d] for d in ("good", *defects) if d in self.verdicts]
        verdicts = sum(kinds, Verdicts()).result()
        return found | {"at_threshold": {"threshold": self.threshold} | verdicts}
