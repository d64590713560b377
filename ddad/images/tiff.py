"""TIFF files that Pillow saturates or cannot read: 16-bit and float, grey or colour."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from ddad.images.files import shown
from ddad.images.guard import ImageError, check_size

_TURN_NAMES = (
    *("FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM", "TRANSPOSE"),
    *("ROTATE_270", "TRANSVERSE", "ROTATE_90"),
)
TURNS = {number: Image.Transpose[name] for number, name in enumerate(_TURN_NAMES, 2)}
"""By EXIF's number of an orientation."""
_CHANNELS: dict[int, int] = {0: 1, 1: 1, 2: 3, 5: 4}
"""Of a photometric: inverted grey, grey, RGB, inks."""
_BEGINS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def deep_pixels(data: bytes, path: Path, max_pixels: int) -> tuple[np.ndarray, list[str]] | None:
    """The first page as uint8 RGB (H, W, 3), upright, and what was done to get it.

    None for all files that Pillow reads well.
    """
    if data[:4] not in _BEGINS:
        return None
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first
        check_size(page.imagewidth, page.imagelength, path, max_pixels)
        if page.dtype is None or page.dtype.itemsize == 1 or page.dtype.kind not in "uif":
            return None
        values = _values(page, path)
        if values is None:
            return None
        notes = [f"first of {len(file.pages)} pages used"] if len(file.pages) > 1 else []
        pixels, scaling = _eight_bit(values, page, path)
        notes.append(scaling)
        if page.extrasamples and page.extrasamples[0] in (1, 2):
            notes.append("transparent pixels shown on white")
        picture = Image.fromarray(_colours(pixels, page))
        turn = TURNS.get(page.tags.valueof("Orientation"))
    return np.array(picture if turn is None else picture.transpose(turn)), notes


def _values(page: tifffile.TiffPage, path: Path) -> np.ndarray | None:
    """A page's samples (H, W, n); None for a compression, such as LZW, that Pillow alone knows."""
    channels, least = page.samplesperpixel, _CHANNELS.get(page.photometric, 99)
    if not least <= channels <= 5 or page.imagedepth > 1:
        raise ImageError(f"{shown(path)} has unusual channels ({channels}): use grey or RGB")
    try:
        values = page.asarray()
    except (ImportError, ValueError) as error:
        if isinstance(error, ImportError) or "imagecodecs" in str(error):
            return None
        raise
    if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and values.ndim == 3:
        values = np.moveaxis(values, 0, -1)
    return values.reshape(page.imagelength, page.imagewidth, -1)


def _eight_bit(values: np.ndarray, page: tifffile.TiffPage, path: Path) -> tuple[np.ndarray, str]:
    """The samples as uint8, and the sentence that says how."""
    if values.dtype.kind == "f":
        return from_float(values, path), "float values: 0..1, or else 0..255"
    top = float(np.max(page.tags.valueof("MaxSampleValue", 65535)))
    pixels = np.rint((values * np.float32(255 / max(top, 1))).clip(0, 255)).astype(np.uint8)
    return pixels, f"16-bit values 0..{top:.0f} scaled to 0..255"


def from_float(values: np.ndarray, path: Path) -> np.ndarray:
    """Finite values as uint8: 0..1 where none is above 1, else 0..255. Others count as 0."""
    finite = np.isfinite(values)
    if not finite.any():
        raise ImageError(f"{shown(path)} holds no finite number")
    values = np.where(finite, values, 0)
    scale = 255.0 if values.max() <= 1 else 1.0
    return np.rint((values * scale).clip(0, 255)).astype(np.uint8)


def _colours(pixels: np.ndarray, page: tifffile.TiffPage) -> np.ndarray:
    """A TIFF page's 8-bit samples (H, W, n) as RGB: inverted grey, inks and alpha resolved."""
    base = _CHANNELS[page.photometric]
    rgb = np.repeat(pixels[..., :1], 3, 2) if base == 1 else pixels[..., :3]
    if page.photometric in (0, 5):
        rgb = 255 - rgb
    if base == 4:
        rgb = rgb * ((255 - pixels[..., 3:4]) / 255)
    kind = page.extrasamples[0] if page.extrasamples else 0
    if kind in (1, 2):  # alpha: 1 is multiplied into the colours already
        alpha = pixels[..., base : base + 1] / 255
        rgb = (rgb if kind == 1 else rgb * alpha) + 255 * (1 - alpha)
    return np.ascontiguousarray(np.rint(rgb).clip(0, 255).astype(np.uint8))
