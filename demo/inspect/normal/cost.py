"""What a normal version takes on this machine, from one measured pass of the model's U-Net."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ddad.model.detector import Detector

EXTRACTOR = 2.0
"""What a pass of the extractor takes, in passes of the U-Net; half of the budget is its."""


class Cost:
    """Measures each model once at a size; raises where a model has no U-Net."""

    def __init__(self) -> None:
        self._passes: dict[tuple[str, int, int], float] = {}

    def seconds(self, detector: Detector, height: int, width: int) -> tuple[int, int]:
        """Least and most that a run takes for an image of that size.

        Where it succeeds at once, a quarter of its evaluations and the scoring; else all of them,
        half of the extractor.
        """
        from ddad.diffusion.networks import stride_of
        from ddad.images.geometry import model_shape
        from ddad.score.config import RestoreConfig

        assert detector.unet is not None
        size = model_shape((height, width), detector.config.size, stride_of(detector.unet))
        key = (detector.fingerprint, *size)
        if key not in self._passes:
            self._passes[key] = _pass(detector, size)
        every = self._passes[key] * RestoreConfig().evaluations
        least = max(1, round(every / 3))
        return least, max(least + 1, round(every * (1 + EXTRACTOR) / 2))


def _pass(detector: Detector, size: tuple[int, int]) -> float:
    """Seconds that a pass of the U-Net takes at a size: the second, as the first one prepares."""
    import torch

    x, t = torch.zeros(1, 3, *size, device=detector.device), torch.tensor([1])
    took = []
    with torch.inference_mode():
        for _ in range(2):
            started = time.perf_counter()
            detector.predict(x, t.to(x.device))
            took.append(time.perf_counter() - started)
    return min(took)
