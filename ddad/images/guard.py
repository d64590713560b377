"""A file that may be anything: its bytes, and one sentence for whatever is wrong with it."""

from __future__ import annotations

import logging
import re
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from ddad.images.files import shown
from ddad.images.formats import SENTENCE as SENTENCE

MAX_PIXELS = 40_000_000
# Pillow's size limit, warning filters and log levels belong to the process: one decoder at a time.
_decoding = threading.Lock()


class ImageError(ValueError):
    """A file that is not a usable image; the message is one sentence that names it."""


def read_bytes(path: Path) -> bytes:
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
def guard(path: Path, max_pixels: int = MAX_PIXELS) -> Iterator[None]:
    """Turn whatever a decoder raises, warns or logs about a bad file into one sentence.

    Pillow refuses, by the header alone, what has twice its own limit of pixels: that stays on, and
    is higher only where more is asked for.
    """
    try:
        with _decoding, _quiet(max_pixels):
            yield
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        count = float(next(iter(re.findall(r"\d+", str(error))), 0))
        raise ImageError(_too_large(path, "", count, max_pixels)) from None
    except UnidentifiedImageError:
        raise ImageError(
            f"{shown(path)} is not an image that can be read: use {SENTENCE}"
        ) from None
    except MemoryError:
        raise ImageError(f"{shown(path)} needs more memory than there is") from None
    except Exception as error:  # decoders raise anything on hostile input
        raise ImageError(f"{shown(path)} is damaged or cut short: {_brief(error)}") from error


@contextmanager
def _quiet(max_pixels: int) -> Iterator[None]:
    """No warnings, no log."""
    log = logging.getLogger("tifffile")
    level, log.level = log.level, logging.CRITICAL + 1
    limit = Image.MAX_IMAGE_PIXELS or MAX_PIXELS
    Image.MAX_IMAGE_PIXELS = max(limit, max_pixels)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.level, Image.MAX_IMAGE_PIXELS = level, limit


def _brief(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 120 else text[:117] + "..."


def check_size(width: int, height: int, path: Path, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise ImageError(f"{shown(path)} has no pixels ({width} x {height})")
    if width * height > max_pixels:
        size = f"{width} x {height} is "
        raise ImageError(_too_large(path, size, float(width * height), max_pixels))


def _too_large(path: Path, size: str, count: float, max_pixels: int) -> str:
    return (
        f"{shown(path)} is too large: {size}{count / 1e6:.1f} megapixels, the limit is "
        f"{max_pixels / 1e6:g}"
    )
