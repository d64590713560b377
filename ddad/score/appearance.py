"""What a place of a photograph looks like on good parts: the closest patches of small copies of
training photographs, kept beside a model where the one who trained it agreed.

A model without a pixel branch cannot draw a part as good; these show one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ddad.images.files import write_whole

FOLDER = "normals"
"""Of a checkpoint, where the copies are."""
MOST = 40
"""Photographs that are kept."""
SIDE = 384
"""Longer side of a kept copy, pixels."""
COARSE = 192
"""Longer side at which patches are compared, pixels."""
LEAST = 24
"""Least side of a compared patch, pixels at COARSE."""
MARGIN = 0.5
"""What lies around the place belongs to the patch: so much of its longer side on each side."""
APART = 100.0
"""What a patch at the other end of the photograph adds to its mean squared error, in grey levels
squared: of two that fit alike the nearer one is shown."""

Box = tuple[int, int, int, int]
"""left, top, right, bottom, pixels."""


@dataclass(frozen=True)
class Patch:
    """A place on a good part."""

    photograph: int
    """Which of the copies."""
    pixels: np.ndarray
    """uint8 (h, w, 3), cut from the copy."""
    error: float
    """Root of the mean squared difference from the asked place, grey levels of 255."""


def keep(photographs: Sequence[np.ndarray], checkpoint: Path) -> None:
    """Write small copies of up to MOST photographs, uint8 (H, W, 3), evenly chosen."""
    folder = checkpoint / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    chosen = np.unique(np.linspace(0, len(photographs) - 1, MOST).round().astype(int))
    for index in chosen if len(photographs) else ():
        with write_whole(folder / f"{index:04}.webp") as part:
            _reduced(photographs[int(index)], SIDE).save(part, "WEBP", quality=80)


def kept(checkpoint: Path) -> list[np.ndarray]:
    """The copies of a checkpoint, uint8 (h, w, 3), empty where it has none."""
    copies = []
    for file in sorted((checkpoint / FOLDER).glob("*.webp"))[:MOST]:
        with Image.open(file, formats=["WEBP"]) as image:
            if max(image.size) > SIDE:
                raise ValueError(f"{file.name} is no small copy: it has {image.size} pixels")
            copies.append(np.asarray(image.convert("RGB")))
    return copies


def nearest(
    pixels: np.ndarray,
    box: Box,
    copies: Sequence[np.ndarray],
    marked: np.ndarray | None = None,
    count: int = 3,
) -> tuple[np.ndarray, list[Patch]]:
    """The place with its surroundings, and what it looks like on the closest good parts.

    `pixels` is the photograph, uint8 (H, W, 3), `box` the place on it. What is `marked`, bool
    (H, W), says nothing of how the place should look and is not compared, unless nothing else is
    there. At most one patch comes from a photograph; the closest is first.
    """
    height, width = pixels.shape[:2]
    coarse = np.asarray(_reduced(pixels, COARSE), np.float32)
    down = coarse.shape[0] / height, coarse.shape[1] / width
    top, bottom = _grown(box[1] * down[0], box[3] * down[0], box, down, coarse.shape[0])
    left, right = _grown(box[0] * down[1], box[2] * down[1], box, down, coarse.shape[1])
    seen: np.ndarray = np.ones(coarse.shape[:2], np.float32)
    if marked is not None:
        seen = 1 - np.asarray(_reduced(marked.astype(np.uint8) * 255, COARSE), np.float32) / 255
    seen = seen[top:bottom, left:right]
    if seen.sum() < 0.1 * seen.size:
        seen = np.ones_like(seen)
    here = coarse[top:bottom, left:right]
    found = []
    for index, copy in enumerate(copies):
        fine = Image.fromarray(copy)
        small = np.asarray(fine.resize(coarse.shape[1::-1], Image.Resampling.BOX), np.float32)
        errors = _errors(here, seen, small)
        rows, columns = np.ogrid[: errors.shape[0], : errors.shape[1]]
        away = ((rows - top) / coarse.shape[0]) ** 2 + ((columns - left) / coarse.shape[1]) ** 2
        y, x = divmod(int(np.argmin(errors + APART * away)), errors.shape[1])
        found.append((float(errors[y, x]), index, y, x))
    patches = []
    for error, index, y, x in sorted(found)[:count]:
        copy = copies[index]
        up = copy.shape[0] / coarse.shape[0], copy.shape[1] / coarse.shape[1]
        cut = _cut(copy, (x, y, x + right - left, y + bottom - top), up)
        patches.append(Patch(index, cut, float(np.sqrt(max(0.0, error)))))
    back = 1 / down[0], 1 / down[1]
    return _cut(pixels, (left, top, right, bottom), back), patches


def _errors(here: np.ndarray, seen: np.ndarray, copy: np.ndarray) -> np.ndarray:
    """Mean squared difference of a patch (h, w, 3) from every place of a copy, over what is `seen`
    (h, w), by correlations."""
    from scipy.signal import fftconvolve  # half a second to import, and the page starts with this

    total = fftconvolve((copy**2).sum(-1), seen[::-1, ::-1], "valid")
    for channel in range(3):
        kernel = (here[..., channel] * seen)[::-1, ::-1]
        total -= 2 * fftconvolve(copy[..., channel], kernel, "valid")
    total += (here**2 * seen[..., None]).sum()
    return np.asarray(np.maximum(total, 0) / (3 * seen.sum()))


def _grown(low: float, high: float, box: Box, down: tuple[float, float], most: int) -> list[int]:
    """A side of the patch: that of the place with its surroundings, inside the photograph."""
    longer = max((box[2] - box[0]) * down[1], (box[3] - box[1]) * down[0])
    length = min(most, max(LEAST, round(high - low + 2 * MARGIN * longer)))
    start = min(max(0, round((low + high - length) / 2)), most - length)
    return [start, start + length]


def _cut(pixels: np.ndarray, box: Box, up: tuple[float, float]) -> np.ndarray:
    (left, right), (top, bottom) = (
        [round(v * up[1]) for v in box[::2]],
        [round(v * up[0]) for v in box[1::2]],
    )
    return pixels[top : max(bottom, top + 1), left : max(right, left + 1)]


def _reduced(pixels: np.ndarray, side: int) -> Image.Image:
    image = Image.fromarray(pixels)
    by = min(1.0, side / max(image.size))
    size = max(1, round(image.width * by)), max(1, round(image.height * by))
    return image.resize(size, Image.Resampling.BOX)
