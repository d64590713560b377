"""Read photographs and masks of any common kind; write PNG and animations. Knows no models.

Every image comes out as uint8 RGB in the orientation a viewer shows. The rules are fixed ones, so
an image's pixels depend on its file alone: 16-bit values are divided by 257 (or by the full range
that a TIFF declares), float values are taken as 0..1 where none is above 1, else as 0..255.
"""

from __future__ import annotations

import io
import logging
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image, UnidentifiedImageError

from ddad.images.files import shown

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF")
MAX_PIXELS = 40_000_000
SENTENCE = "PNG, JPEG, TIFF, WebP, BMP or GIF"
_TURN_NAMES = (
    *("FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM", "TRANSPOSE"),
    *("ROTATE_270", "TRANSVERSE", "ROTATE_90"),
)
_TURNS = {number: Image.Transpose[name] for number, name in enumerate(_TURN_NAMES, 2)}  # of EXIF
_CHANNELS: dict[int, int] = {0: 1, 1: 1, 2: 3, 5: 4}  # of a TIFF: inverted grey, grey, RGB, inks
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
            image.load()
            grey = np.asarray(_upright(_eight_bit(image, path), image).convert("L"))
    return grey > (127 if grey.max(initial=0) > 1 else 0)


def load_classes(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """A mask's values as they are, int (H, W): grey levels, class numbers or palette entries.

    Of colours the brightest channel. Raises ImageError as `load_image` does.
    """
    path = Path(path)
    with _guard(path):
        data = _read(path)
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_size(*image.size, path, max_pixels)
            image.load()
            mode = image.mode
            plain = mode in ("1", "L", "P")
            picture = image.convert("I" if mode.startswith("I") else mode if plain else "RGB")
            values = np.asarray(_upright(picture, image)).astype(np.int64)
    return values.max(axis=2) if values.ndim == 3 else values


def _read(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        data = path.read_bytes() if stat.S_ISREG(mode) else b""
    except FileNotFoundError:
        raise ImageError(f"{shown(path)} does not exist") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError(f"{shown(path)} cannot be read: {reason}") from error
    if not stat.S_ISREG(mode):  # reading a pipe could wait for ever
        what = "folder" if stat.S_ISDIR(mode) else "device or pipe"
        raise ImageError(f"{shown(path)} is a {what}, not an image")
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
        raise ImageError(
            f"{shown(path)} is not an image that can be read: use {SENTENCE}"
        ) from None
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
    return picture.transpose(_TURNS[orientation]) if orientation in _TURNS else picture


def _eight_bit(image: Image.Image, path: Path) -> Image.Image:
    """16-bit, 32-bit and float grey images as mode L; others as they are."""
    if image.mode.startswith("I"):
        levels = np.asarray(image.convert("I")).clip(0, 65535)
        return Image.fromarray(np.rint(levels / 257).astype(np.uint8))
    return Image.fromarray(_from_float(np.asarray(image), path)) if image.mode == "F" else image


def _from_float(values: np.ndarray, path: Path) -> np.ndarray:
    finite = np.isfinite(values)
    if not finite.any():
        raise ImageError(f"{shown(path)} holds no finite number")
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
        channels, least = page.samplesperpixel, _CHANNELS.get(page.photometric, 99)
        if not least <= channels <= 5 or page.imagedepth > 1:
            raise ImageError(f"{shown(path)} has unusual channels ({channels}): use grey or RGB")
        try:
            values = page.asarray()
        except (ImportError, ValueError) as error:
            if isinstance(error, ImportError) or "imagecodecs" in str(error):
                return None  # a compression, such as LZW, that Pillow alone knows
            raise
        notes = [f"first of {len(file.pages)} pages used"] if len(file.pages) > 1 else []
        if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and values.ndim == 3:
            values = np.moveaxis(values, 0, -1)
        values = values.reshape(page.imagelength, page.imagewidth, -1)
        if values.dtype.kind == "f":
            pixels = _from_float(values, path)
            notes.append("float values: 0..1, or else 0..255")
        else:
            top = float(np.max(page.tags.valueof("MaxSampleValue", 65535)))
            pixels = np.rint((values * np.float32(255 / max(top, 1))).clip(0, 255)).astype(np.uint8)
            notes.append(f"16-bit values 0..{top:.0f} scaled to 0..255")
        if page.extrasamples and page.extrasamples[0] in (1, 2):
            notes.append("transparent pixels shown on white")
        picture = Image.fromarray(_colours(pixels, page))
        turn = _TURNS.get(page.tags.valueof("Orientation"))
    upright = picture if turn is None else picture.transpose(turn)
    return LoadedImage(np.array(upright), "; ".join(notes))


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
