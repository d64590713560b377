"""Read photographs and masks of any common kind; write PNG files. Knows nothing of models.

Every image comes out as uint8 RGB in the orientation a viewer shows. The rules are fixed ones, so
an image's pixels depend on its file alone: 16-bit values are divided by 257 (or by the full range
that a TIFF declares), float values are taken as 0..1 where none is above 1, else as 0..255.
"""

from __future__ import annotations

import io
import logging
import os
import secrets
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image, ImageOps, UnidentifiedImageError

IMAGE_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".gif"))
FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF")
MAX_PIXELS = 40_000_000
SENTENCE = "PNG, JPEG, TIFF, WebP, BMP or GIF"
# Pillow's size limit, warning filters and log levels belong to the process: one decoder at a time.
_decoding = threading.Lock()


class ImageError(ValueError):
    """A file that is not a usable image; the message is one sentence that names it."""


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
    with _guard(path):
        data = _read(path)
        if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            found = _tiff(data, path, max_pixels)
            if found is not None:
                return found
        return _pillow(data, path, max_pixels)


def load_mask(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """A true mask as bool (H, W): grey values above 127, or above 0 where none is above 1.

    The second case is a mask of class numbers 0 and 1. Raises ImageError as `load_image` does.
    """
    path = Path(path)
    with _guard(path):
        data = _read(path)
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_size(*image.size, path, max_pixels)
            grey = np.asarray(ImageOps.exif_transpose(_eight_bit(image)).convert("L"))
    return grey > (127 if grey.max(initial=0) > 1 else 0)


def write_png(array: np.ndarray, path: str | Path) -> None:
    """Write uint8 or uint16 (H, W), or uint8 (H, W, 3), under a temporary name, then rename."""
    path = Path(path)
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        Image.fromarray(array).save(part, "PNG")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def shown(path: Path) -> str:
    """A file name that is safe in a message of one line, whatever its characters."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(path))


def _read(path: Path) -> bytes:
    if path.is_dir():
        raise ImageError(f"{shown(path)} is a folder, not an image")
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ImageError(f"{shown(path)} does not exist") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError(f"{shown(path)} cannot be read: {reason}") from error
    if not data:
        raise ImageError(f"{shown(path)} is empty (0 bytes)")
    return data


@contextmanager
def _guard(path: Path) -> Iterator[None]:
    """Turn whatever a decoder raises, warns or logs about a bad file into one sentence."""
    try:
        with _decoding, _quiet():
            yield
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageError(f"{shown(path)} is not an image: use {SENTENCE}") from None
    except MemoryError:
        raise ImageError(f"{shown(path)} needs more memory than there is") from None
    except Exception as error:  # decoders raise anything on hostile input
        raise ImageError(f"{shown(path)} is damaged or cut short: {_brief(error)}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """No warnings, no log; Pillow's own size limit off, as ours is checked on the header."""
    log = logging.getLogger("tifffile")
    level, log.level = log.level, logging.CRITICAL + 1
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.level, Image.MAX_IMAGE_PIXELS = level, limit


def _brief(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 120 else text[:117] + "..."


def _check_size(width: int, height: int, path: Path, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise ImageError(f"{shown(path)} has no pixels ({width} x {height})")
    if width * height > max_pixels:
        raise ImageError(
            f"{shown(path)} is too large: {width} x {height} is {width * height / 1e6:.1f} "
            f"megapixels, the limit is {max_pixels / 1e6:g}"
        )


def _pillow(data: bytes, path: Path, max_pixels: int) -> LoadedImage:
    notes = []
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        _check_size(*image.size, path, max_pixels)
        if (frames := getattr(image, "n_frames", 1)) > 1 and image.format != "MPO":
            notes.append(f"first of {frames} frames used")
        image.load()
        if image.mode.startswith("I;16") or image.mode == "I":
            notes.append("16-bit values 0..65535 scaled to 0..255")
        upright = ImageOps.exif_transpose(_eight_bit(image))
        if upright.has_transparency_data:
            notes.append("transparent pixels shown on white")
            rgba = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
        return LoadedImage(np.array(upright.convert("RGB")), "; ".join(notes))


def _eight_bit(image: Image.Image) -> Image.Image:
    """16-bit, 32-bit and float grey images as mode L, orientation kept; others as they are."""
    if image.mode.startswith("I"):
        levels = np.asarray(image.convert("I")).clip(0, 65535)
        small = Image.fromarray(np.rint(levels / 257).astype(np.uint8))
    elif image.mode == "F":
        small = Image.fromarray(_from_float(np.asarray(image)))
    else:
        return image
    small.getexif().update(image.getexif())
    return small


def _from_float(values: np.ndarray) -> np.ndarray:
    finite = np.isfinite(values)
    if not finite.any():
        raise ImageError("the image holds no finite number")
    values = np.where(finite, values, 0)
    scale = 255.0 if values.max() <= 1 else 1.0
    return np.rint((values * scale).clip(0, 255)).astype(np.uint8)


def _tiff(data: bytes, path: Path, max_pixels: int) -> LoadedImage | None:
    """TIFF files that Pillow saturates or cannot read: 16-bit and float, grey or colour.

    None for all others, which Pillow reads well.
    """
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first
        _check_size(page.imagewidth, page.imagelength, path, max_pixels)
        if page.dtype is None or page.dtype.itemsize == 1 or page.dtype.kind not in "uif":
            return None
        if page.samplesperpixel > 5 or page.imagedepth > 1:
            raise ImageError(f"{shown(path)} has {page.samplesperpixel} channels; use 1, 3 or 4")
        notes = [f"first of {len(file.pages)} pages used"] if len(file.pages) > 1 else []
        values = page.asarray()
        if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and values.ndim == 3:
            values = np.moveaxis(values, 0, -1)
        values = values.reshape(page.imagelength, page.imagewidth, -1)
        declared = page.tags.get("MaxSampleValue")
        if values.dtype.kind == "f":
            pixels = _from_float(values)
            notes.append("float values: 0..1, or else 0..255")
        else:
            top = float(np.max(declared.value)) if declared is not None else 65535.0
            pixels = np.rint((values / max(top, 1.0) * 255).clip(0, 255)).astype(np.uint8)
            notes.append(f"16-bit values 0..{top:.0f} scaled to 0..255")
        if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
            pixels = 255 - pixels
        orientation = page.tags.get("Orientation")
    rgb = np.repeat(pixels[..., :1], 3, 2) if pixels.shape[2] < 3 else pixels[..., :3]
    picture = Image.fromarray(np.ascontiguousarray(rgb))
    if orientation is not None:
        picture.getexif()[0x0112] = int(orientation.value)
    return LoadedImage(np.array(ImageOps.exif_transpose(picture)), "; ".join(notes))
