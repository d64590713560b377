"""Score a labelled test set and compare its maps with the true masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ddad.data.datasets import Sample
from ddad.export.tables import IMAGE_COLUMNS, growing_table, score_row
from ddad.images.decode import load_image
from ddad.images.masks import load_mask
from ddad.measure.metrics import Evaluation
from ddad.model.detector import Detector


def evaluate(
    detector: Detector,
    samples: Sequence[Sample],
    out: Path,
    *,
    report: Callable[[str, int, int], None] = lambda name, done, total: None,
) -> dict[str, Any]:
    """Write images.csv under `out`; returns the metrics, overall and by defect.

    Maps are compared with the true masks at the images' original size. `report` is called after
    each image with its name, the number done and the total. Raises ValueError for a mask that is
    not of its image's size.
    """
    evaluation = Evaluation(detector.calibration.threshold)
    with growing_table(out / "images.csv", IMAGE_COLUMNS) as write:
        for done, sample in enumerate(samples, 1):
            pixels = load_image(sample.path, levels=detector.levels).pixels
            mask = _truth(sample, pixels.shape[:2])
            (found,) = detector.detect([pixels])
            evaluation.add(found.score, found.score_map, mask, sample.defect)
            truth = {"defect": sample.defect, "true_area": float(mask.mean())}
            write({"file": str(sample.path)} | truth | score_row(found))
            report(sample.path.name, done, len(samples))
    return evaluation.result()


def _truth(sample: Sample, size: tuple[int, ...]) -> np.ndarray:
    """Its true mask, bool (H, W): nothing where it has none."""
    if sample.mask_path is None:
        return np.zeros(size, bool)
    mask = load_mask(sample.mask_path)
    if mask.shape != size:
        raise ValueError(
            f"the mask {sample.mask_path} is {mask.shape[1]} x {mask.shape[0]} pixels, "
            f"its image {size[1]} x {size[0]}"
        )
    return mask
