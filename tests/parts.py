"""Good parts and spoiled ones, drawn; where the project lies."""

from __future__ import annotations

from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent


def texture(rng: np.random.Generator, height: int = 40, width: int = 48) -> np.ndarray:
    """A striped good part: diagonal waves of random phase with a little noise."""
    y, x = np.mgrid[:height, :width]
    waves = np.sin((x + y) / 3 + rng.uniform(0, 6.28)) * 50 + 120
    pixels = waves[..., None] + np.array([20, 0, -20]) + rng.normal(0, 4, (height, width, 3))
    return pixels.clip(0, 255).astype(np.uint8)


def spoil(image: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The image with a bright square, and the square's mask."""
    mask = np.zeros(image.shape[:2], bool)
    top, left = rng.integers(4, 24, 2)
    mask[top : top + 10, left : left + 10] = True
    image = image.copy()
    image[mask] = (250, 240, 60)
    return image, mask
