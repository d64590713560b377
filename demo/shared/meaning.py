"""What the browser must know of a model to say what a score means, by JavaScript's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ddad.score.promise import ladder
from demo.store.records import Result

if TYPE_CHECKING:
    from ddad.model.detector import Detector

NAMES = ("model", "threshold", "low", "high", "normals", "promised", "parts")


def of_detector(detector: Detector) -> dict[str, Any]:
    it = detector.calibration
    promised = ladder(it.normal_scores, it.parts)
    normals, parts = list(it.normal_scores), len(set(it.parts))
    values = (it.threshold, it.map_low, it.map_high, normals, promised, parts)
    return dict(zip(NAMES, (detector.name, *values), strict=True))


def of_result(result: Result) -> dict[str, Any]:
    """The same, as it was when the image was scored."""
    promised = ladder(result.normal_scores, result.parts)
    normals, parts = list(result.normal_scores), len(set(result.parts))
    values = (result.threshold, result.low, result.high, normals, promised, parts)
    return dict(zip(NAMES, (result.model, *values), strict=True))
