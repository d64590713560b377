"""What the browser must know of a model to say what a score means, by JavaScript's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from demo.store.records import Result

if TYPE_CHECKING:
    from ddad.model.detector import Detector

NAMES = ("model", "threshold", "low", "high", "normals", "crossFitted")


def of_detector(detector: Detector) -> dict[str, Any]:
    it = detector.calibration
    ends, normals = (it.map_low, it.map_high), list(it.normal_scores)
    values = (detector.name, it.threshold, *ends, normals, it.cross_fitted)
    return dict(zip(NAMES, values, strict=True))


def of_result(result: Result) -> dict[str, Any]:
    """The same, as it was when the image was scored."""
    ends, normals = (result.low, result.high), list(result.normal_scores)
    values = (result.model, result.threshold, *ends, normals, result.cross_fitted)
    return dict(zip(NAMES, values, strict=True))
