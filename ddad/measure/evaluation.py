"""Score a labelled test set and compare its maps with the true masks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ddad.data.datasets import Sample
from ddad.export.tables import IMAGE_COLUMNS, growing_table, path_cell, score_row
from ddad.images.decode import load_image
from ddad.images.files import shown
from ddad.images.masks import load_mask
from ddad.measure.decided import outcome
from ddad.measure.metrics import Evaluation
from ddad.measure.proposal import propose, too_few
from ddad.model.detector import Detector


def evaluate(
    detector: Detector,
    samples: Sequence[Sample],
    out: Path,
    *,
    wished_recall: float | None = None,
    report: Callable[[str, int, int], None] = lambda name, done, total: None,
) -> dict[str, Any]:
    """Write images.csv under `out`; returns the metrics, overall and by defect, and `errors`.

    Every image counts by its score, also one that is not familiar: `n_unfamiliar` says how many.
    `rates` are those of missed defects and false alarms at the calibrated threshold, each with its
    interval; with `wished_recall`, 0..1, `proposal` is a threshold for it, as far as so many
    defects carry one.

    Maps are compared with the true masks at the images' original size. An image that fails, or
    whose mask fails or contradicts its folder, is a row with its error and counts nowhere.
    `report` is called after each image with its name, the number done and the total.
    """
    evaluation, errors, strange = Evaluation(detector.calibration.threshold), [], 0
    with growing_table(out / "images.csv", IMAGE_COLUMNS) as write:
        for done, sample in enumerate(samples, 1):
            row = {"file": path_cell(sample.path), "defect": sample.defect}
            try:
                row |= _judge(detector, sample, evaluation)
                strange += not row["familiar"]
            except Exception as error:  # one image never ends an evaluation
                row["error"] = _sentence(error, sample.path)
                errors.append(row["error"])
            write(row)
            report(sample.path.name, done, len(samples))
    counts = {"n_unfamiliar": strange, "errors": errors}
    return evaluation.result() | _rates(evaluation, wished_recall) | counts


def evaluate_images(
    detector: Detector, images: Iterable[Any], masks: Iterable[np.ndarray | None]
) -> dict[str, Any]:
    """The metrics of `evaluate` of images in memory, see `pictures`, all defects alike.

    A mask (H, W) marks the defect, whatever is not 0; None, or one that marks nothing, is a good
    part's. Raises ValueError where a mask is not of its image's size, or there are not as many.
    """
    evaluation = Evaluation(detector.calibration.threshold)
    for image, mask in zip(images, masks, strict=True):
        (found,) = detector.detect([image])
        marked = np.zeros(found.score_map.shape, bool) if mask is None else np.asarray(mask) != 0
        kind = "defect" if marked.any() else "good"
        evaluation.add(found.score, found.score_map, marked, kind)
    return evaluation.result() | _rates(evaluation, None)


def _rates(evaluation: Evaluation, wished: float | None) -> dict[str, Any]:
    """What the threshold missed and marked by mistake, and which one a wished recall would have."""
    scores = np.array([score for kind in evaluation.scores.values() for score in kind])
    bad = np.array([kind != "good" for kind, of in evaluation.scores.items() for _ in of], bool)
    assert evaluation.threshold is not None
    found = outcome(scores, bad, evaluation.threshold)
    said = {"rates": {"missed": asdict(found.missed), "false_alarms": asdict(found.alarms)}}
    if wished is None:
        return said
    proposed = propose(scores, bad, wished)
    if proposed is None:
        return said | {"proposal": {"wished": wished, "said": too_few(int(bad.sum()), wished)}}
    return said | {"proposal": asdict(proposed) | {"said": str(proposed)}}


def _judge(detector: Detector, sample: Sample, evaluation: Evaluation) -> dict[str, Any]:
    """What a model finds in one image, beside its truth; counted in the evaluation."""
    pixels = load_image(sample.path, levels=detector.levels).pixels
    defect, mask = truth(sample, pixels.shape[:2])
    (found,) = detector.detect([pixels])
    evaluation.add(found.score, found.score_map, mask, defect)
    area = None if mask is None else float(mask.mean())
    return {"defect": defect, "true_area": area} | score_row(found)


def truth(sample: Sample, size: tuple[int, ...]) -> tuple[str, np.ndarray | None]:
    """The kind of defect, and the true mask, bool (H, W); None where its pixels are not known.

    Raises ValueError for a mask that is not of its image's size or contradicts its folder.
    """
    if sample.mask_path is None:
        return sample.defect or "good", None if sample.anomalous else np.zeros(size, bool)
    mask, name = load_mask(sample.mask_path), shown(sample.mask_path)
    if mask.shape != size:
        raise ValueError(
            f"the mask {name} is {mask.shape[1]} x {mask.shape[0]} pixels, "
            f"its image {size[1]} x {size[0]}"
        )
    defect = sample.defect or ("defect" if mask.any() else "good")
    if mask.any() != (defect != "good"):
        marks = "marks a defect" if mask.any() else "marks nothing"
        raise ValueError(f"{shown(sample.path)} is {defect} by its folder, but {name} {marks}")
    return defect, mask


def _sentence(error: Exception, file: Path) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if shown(file) in text else f"{shown(file)}: {text}"
