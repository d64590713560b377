"""What the browser must know of a model to say what a score means, by JavaScript's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from demo.store.records import Result

if TYPE_CHECKING:
    from ddad.model.detector import Detector


def of_detector(detector: Detector) -> dict[str, Any]:
    fitted = detector.calibration
    ends = fitted.map_low, fitted.map_high
    return _named(detector.name, fitted.threshold, ends, fitted.normal_scores, fitted.cross_fitted)


def of_result(result: Result) -> dict[str, Any]:
    """The same, as it was when the image was scored."""
    ends = result.low, result.high
    return _named(result.model, result.threshold, ends, result.normal_scores, result.cross_fitted)


def _named(
    model: str,
    threshold: float,
    ends: tuple[float, float],
    normals: Sequence[float],
    cross_fitted: bool,
) -> dict[str, Any]:
    return {
        "model": model,
        "threshold": threshold,
        "low": ends[0],
        "high": ends[1],
        "normals": list(normals),
        "crossFitted": cross_fitted,
    }
