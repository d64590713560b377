"""Read photographs and masks of any common kind.

Every image comes out as uint8 RGB in the orientation a viewer shows. The rules are fixed ones, so
an image's pixels depend on its file alone: 16-bit values are divided by 257 (or by the full range
that a TIFF declares), float values are taken as 0..1 where none is above 1, else as 0..255.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ddad.images.guard import MAX_PIXELS, check_size, guard, read_bytes
from ddad.images.guard import ImageError as ImageError  # handed on: what loading raises
from ddad.images.tiff import TURNS, deep_pixels, from_float

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF")


@dataclass(frozen=True)
class LoadedImage:
    """Pixels as uint8 RGB (H, W, 3), and what was done to get them that a user should know."""

    pixels: np.ndarray
    note: str = ""


def load_image(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> LoadedImage:
    """Decode the first frame of an image file.

    Raises ImageError, one sentence, for a file that is missing, empty, corrupt, no image, or of
    more than `max_pixels` pixels (checked in the header, before anything is decoded).
    """
    path = Path(path)
    with guard(path):
        data = read_bytes(path)
        if (deep := deep_pixels(data, path, max_pixels)) is not None:
            pixels, notes = deep
            return LoadedImage(pixels, "; ".join(notes))
        return _pillow(data, path, max_pixels)


def load_mask(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """A true mask as bool (H, W): grey values above 127, or above 0 where none is above 1.

    The second case is a mask of class numbers 0 and 1. Raises ImageError as `load_image` does.
    """
    path = Path(path)
    with guard(path):
        data = read_bytes(path)
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            check_size(*image.size, path, max_pixels)
            image.load()
            grey = np.asarray(_upright(_eight_bit(image, path), image).convert("L"))
    return grey > (127 if grey.max(initial=0) > 1 else 0)


def load_classes(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """A mask's values as they are, int (H, W): grey levels, class numbers or palette entries.

    Of colours the brightest channel. Raises ImageError as `load_image` does.
    """
    path = Path(path)
    with guard(path):
        data = read_bytes(path)
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            check_size(*image.size, path, max_pixels)
            image.load()
            mode = image.mode
            plain = mode in ("1", "L", "P")
            picture = image.convert("I" if mode.startswith("I") else mode if plain else "RGB")
            values = np.asarray(_upright(picture, image)).astype(np.int64)
    return values.max(axis=2) if values.ndim == 3 else values


def _pillow(data: bytes, path: Path, max_pixels: int) -> LoadedImage:
    notes = []
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        check_size(*image.size, path, max_pixels)
        if (frames := getattr(image, "n_frames", 1)) > 1 and image.format != "MPO":
            notes.append(f"first of {frames} frames used")
        image.load()
        if image.mode.startswith("I;16") or image.mode == "I":
            notes.append("16-bit values 0..65535 scaled to 0..255")
        upright = _upright(_eight_bit(image, path), image)
        if upright.has_transparency_data:
            notes.append("transparent pixels shown on white")
            rgba = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
        upright = upright if upright.mode == "RGB" else upright.convert("RGB")
        return LoadedImage(np.array(upright), "; ".join(notes))


def _upright(picture: Image.Image, source: Image.Image) -> Image.Image:
    """The picture turned as its loaded source file says; damaged EXIF data says nothing."""
    try:
        orientation = source.getexif().get(0x0112)
    except Exception:  # the pixels are whole, and viewers show them too
        return picture
    return picture.transpose(TURNS[orientation]) if orientation in TURNS else picture


def _eight_bit(image: Image.Image, path: Path) -> Image.Image:
    """16-bit, 32-bit and float grey images as mode L; others as they are."""
    if image.mode.startswith("I"):
        levels = np.asarray(image.convert("I")).clip(0, 65535)
        return Image.fromarray(np.rint(levels / 257).astype(np.uint8))
    return Image.fromarray(from_float(np.asarray(image), path)) if image.mode == "F" else image
