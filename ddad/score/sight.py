"""The smallest spot that a model finds, and photographs of which that does not hold."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from PIL import Image
from scipy.ndimage import uniform_filter

PLACES = 0.9
"""A spot of a size counts as found where it is found in this share of places."""
CONTRASTS = {"clear": 80, "faint": 25}
"""Grey levels by which a spot is darker or brighter than what is around it."""
LARGER, SMALLER = 1.25, 0.8
"""Times a photograph's sides may be those of the photographs that this was measured on."""
BLURRED = 0.5
"""Share of the sharpness of the least sharp of them below which a photograph is blurred."""


@dataclass(frozen=True)
class Sight:
    """Measured with spots painted on normal photographs unseen by the model that judged them."""

    clear: float | None
    """Pixels across of the smallest spot of clear contrast that is found in PLACES of the places;
    None where not even a large one is."""
    faint: float | None
    """The same of faint contrast."""
    places: int
    """Places that a size and contrast were tried at."""
    side: float
    """Root of the pixels of these photographs."""
    sharpness: float
    """Of the least sharp of them: see `sharpness`."""
    seconds: float
    """That one of them took, on the machine where this was measured."""

    @classmethod
    def read(cls, values: object) -> Sight:
        """From JSON. Raises ValueError for what it cannot be."""
        names = [field.name for field in fields(cls)]
        if not isinstance(values, dict) or set(values) != set(names):
            raise ValueError(f"what a model can see has exactly the fields {', '.join(names)}")
        numbers = [value for value in values.values() if value is not None]
        if not all(isinstance(v, int | float) and math.isfinite(v) and v >= 0 for v in numbers):
            raise ValueError("what a model can see is numbers")
        if None in [values[name] for name in ("places", "side", "sharpness", "seconds")]:
            raise ValueError("what a model can see was measured somewhere")
        return cls(**values)

    @property
    def sentence(self) -> str:
        """In words."""
        if self.clear is None:
            return "finds no spot in nine of ten places, however large and clear"
        faint = "no faint ones" if self.faint is None else f"faint ones from {self.faint:.0f}"
        return (
            f"sees clear spots from {self.clear:.0f} px across, {faint}, in photographs of about "
            f"{self.side**2 / 1e6:.2g} megapixels, {self.seconds:.1g} s a photograph"
        )

    def doubt(self, pixels: np.ndarray, size: int) -> str:
        """Why that does not hold of a photograph uint8 (H, W, 3), in a sentence; empty where it
        does. `size` is that of the model's closest look."""
        scale = math.sqrt(pixels.shape[0] * pixels.shape[1]) / self.side
        if scale > LARGER:
            if self.clear is None:
                return ""
            return (
                f"{scale:.1f} times as large, in pixels a side, as the photographs that the model "
                f"learned from: spots under {self.clear * scale:.0f} px may be missed"
            )
        if scale < SMALLER:
            return (
                f"only {scale:.1g} times as large, in pixels a side, as the photographs that the "
                "model learned from: it holds less detail, and small defects may be missed"
            )
        if sharpness(pixels, size) < BLURRED * self.sharpness:
            return (
                "blurred beside the photographs that the model learned from: small defects may be "
                "missed"
            )
        return ""


def sharpness(pixels: np.ndarray, size: int) -> float:
    """How much neighbouring pixels of a photograph differ at a look's size, in grey levels.

    Root mean square of what a pixel differs by from the mean of the 3 x 3 around it.
    """
    height, width = pixels.shape[:2]
    factor = min(1.0, size / math.sqrt(height * width))
    shape = max(1, round(width * factor)), max(1, round(height * factor))
    grey = Image.fromarray(pixels).convert("L").resize(shape, Image.Resampling.BOX)
    levels = np.asarray(grey, np.float32)
    return float(np.sqrt(np.square(levels - uniform_filter(levels, 3)).mean()))
