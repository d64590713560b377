"""What one threshold gets right and wrong: images and pixels counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Verdicts:
    """Right and wrong at one threshold: how many images, how many pixels. Sums add up."""

    images: np.ndarray = field(default_factory=lambda: np.zeros((2, 2), np.int64))
    """[truth, verdict], 0 good and 1 defective."""
    pixels: np.ndarray = field(default_factory=lambda: np.zeros((2, 2), np.int64))

    def add(self, marked: np.ndarray, mask: np.ndarray | None, defective: bool) -> None:
        """Count one image: the pixels marked in it and its true mask, bool (H, W) if known."""
        self.images[int(defective), int(marked.any())] += 1
        if mask is None:
            return
        both = np.count_nonzero(marked & mask)
        false, missed = np.count_nonzero(marked) - both, np.count_nonzero(mask) - both
        self.pixels += [[marked.size - both - false - missed, false], [missed, both]]

    def __add__(self, other: Verdicts) -> Verdicts:
        return Verdicts(self.images + other.images, self.pixels + other.pixels)

    def result(self) -> dict[str, Any]:
        """The confusion of images, and of pixels IoU, precision and recall where masks are known.

        Pixels marked on good images count as false; without a pixel of a defect all three are
        None, and so is a rate without a denominator.
        """
        (right, false), (missed, found) = self.images.tolist()
        (_, pixel_false), (pixel_missed, both) = self.pixels.tolist()
        if not both + pixel_missed:
            pixel_false = 0
        return {
            "true_positives": found,
            "false_negatives": missed,
            "false_positives": false,
            "true_negatives": right,
            "pixel_iou": _share(both, both + pixel_false + pixel_missed),
            "pixel_precision": _share(both, both + pixel_false),
            "pixel_recall": _share(both, both + pixel_missed),
        }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
