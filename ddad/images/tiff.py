"""TIFF: which page is the picture, and the samples that Pillow saturates or cannot read."""

from __future__ import annotations

import io
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from ddad.images.files import shown
from ddad.images.guard import ImageError, check_size
from ddad.images.levels import Deep

CHANNELS: dict[int, int] = {0: 1, 1: 1, 2: 3, 5: 4}
"""Of a photometric: inverted grey, grey, RGB, inks."""
PALETTE, SENSOR = 3, (32803, 34892)
PAGES = 100
"""So many pages, and those within them, are looked at to find the full-size one."""
_BEGINS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_REDUCED, _MASK = 1, 4
"""Bits of NewSubfileType."""


def is_tiff(data: bytes) -> bool:
    return data[:4] in _BEGINS


def read_tiff(data: bytes, path: Path, max_pixels: int) -> tuple[Deep | int, tuple[str, ...]]:
    """The full-size page as a deep picture, or its number where Pillow reads such a page well.

    Beside it what a user should know of the choice. Raises ImageError for too many pixels, for
    channels of no known meaning and for packings that cannot be read.
    """
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page, number, notes = _full_size(file)
        check_size(page.imagewidth, page.imagelength, path, max_pixels)
        _check_channels(page, path)
        packed = page.bitspersample in range(9, 32) and page.bitspersample not in (16, 24)
        plain = page.dtype is None or page.dtype.kind == "b" or page.dtype.str[1:] == "u1"
        if plain and not packed and number is not None:
            return number, notes
        values = _unpacked(page, data, path) if packed else _values(page, path)
        if values is None and number is None:
            raise ImageError(f"{shown(path)} keeps its full-size page in a way that is not read")
        if values is None:
            return number or 0, notes
        if values.shape[2] > CHANNELS.get(page.photometric, 99) and 0 in page.extrasamples[:1]:
            notes = (*notes, "the last channel is not used: it is not said to be transparency")
        return _deep(values, page), notes


def _full_size(file: tifffile.TiffFile) -> tuple[Any, int | None, tuple[str, ...]]:
    """The page, its number in the chain of pages (None: a page within one), and notes."""
    pages: list[tuple[Any, int | None]] = []
    for place, page in enumerate(islice(file.pages, PAGES)):
        pages.append((page, place))
        within = page.pages if page.subifds else None
        pages += [(each, None) for each in islice(within or (), PAGES)]
    if not pages:
        raise ValueError("it has no page that can be read")
    full = [each for each in pages if not _reduced(each[0])] or pages
    area = max(page.imagewidth * page.imagelength for page, _ in full)
    largest = [each for each in full if each[0].imagewidth * each[0].imagelength == area]
    page, number = largest[0]
    if len(full) == 1:
        return page, number, ()
    which = "first" if full[0][0] is page else "largest"
    return page, number, (f"{which} of {len(full)} pages used",)


def _reduced(page: Any) -> bool:
    """Whether a page says that it is a smaller copy, or a transparency mask, of another."""
    kind = int(page.tags.valueof("NewSubfileType", 0) or 0)
    return bool(kind & (_REDUCED | _MASK)) or page.tags.valueof("SubfileType") == 2


def _check_channels(page: Any, path: Path) -> None:
    """Grey, RGB or inks with at most one channel more, which is not taken for grey or colour."""
    channels, kind = page.samplesperpixel, page.photometric
    if kind in SENSOR:
        raise ImageError(f"{shown(path)} holds raw sensor data: develop it into a TIFF or PNG")
    if page.dtype is not None and page.dtype.kind == "c":
        raise ImageError(f"{shown(path)} holds complex numbers: use grey or RGB")
    least = CHANNELS.get(kind)
    if page.imagedepth > 1 or (least is not None and not _meant(page, channels, least)):
        raise ImageError(f"{shown(path)} has unusual channels ({channels}): use grey or RGB")


def _meant(page: Any, channels: int, least: int) -> bool:
    alpha = page.extrasamples[:1] in ((1,), (2,))
    return channels == least or (channels == least + 1 and (alpha or least > 1))


def _values(page: Any, path: Path) -> np.ndarray | None:
    """A page's samples (H, W, n); None for a compression, such as LZW, that Pillow alone knows."""
    if page.photometric not in CHANNELS:
        return None
    try:
        values = page.asarray()
    except (ImportError, NotImplementedError, ValueError) as error:
        if isinstance(error, ValueError) and "imagecodecs" not in str(error):
            raise
        return None
    return _arranged(values, page)


def _arranged(values: np.ndarray, page: Any) -> np.ndarray:
    if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and values.ndim == 3:
        values = np.moveaxis(values, 0, -1)
    return values.reshape(page.imagelength, page.imagewidth, -1)


def _unpacked(page: Any, data: bytes, path: Path) -> np.ndarray:
    """Samples of 9 to 15 bits, one after another without gaps, each row from a whole byte on."""
    bits, width, length = page.bitspersample, page.imagewidth, page.imagelength
    planar = page.samplesperpixel > 1 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE
    ordered = page.tags.valueof("FillOrder", 1) == 1
    if page.compression != 1 or page.is_tiled or planar or not ordered or not 9 <= bits <= 15:
        raise ImageError(
            f"{shown(path)} has packed {bits}-bit samples in a form that is not read: save it "
            "with 8 or 16 bits"
        )
    row = -(-width * page.samplesperpixel * bits // 8)
    rows = [
        np.frombuffer(data[start : start + size], np.uint8)
        for start, size in zip(page.dataoffsets, page.databytecounts, strict=True)
    ]
    stored = np.concatenate(rows)
    if stored.size < row * length:
        raise ImageError(f"{shown(path)} is damaged or cut short: its packed samples are missing")
    weights = 1 << np.arange(bits - 1, -1, -1, dtype=np.uint16)
    values = np.empty((length, width * page.samplesperpixel), np.uint16)
    for at in range(length):  # a row at a time: the bits of a whole picture are many bytes
        spread = np.unpackbits(stored[at * row : (at + 1) * row])[: values.shape[1] * bits]
        values[at] = spread.reshape(-1, bits) @ weights
    return values.reshape(length, width, -1)


def _deep(values: np.ndarray, page: Any) -> Deep:
    base = CHANNELS.get(page.photometric, values.shape[2])
    kind = page.extrasamples[0] if page.extrasamples else 0
    alpha = None
    if kind in (1, 2) and values.shape[2] > base:
        full = np.iinfo(values.dtype).max if values.dtype.kind in "ui" else 1
        alpha = (values[..., base] / np.float32(full)).clip(0, 1)
    return Deep(
        values[..., :base],
        declared=_declared(page),
        alpha=alpha,
        premultiplied=kind == 1,
        inverted=page.photometric == 0,
        turn=int(page.tags.valueof("Orientation") or 1),
    )


def _declared(page: Any) -> float | None:
    """White by the tags. A depth alone counts: many writers put the picture's own maximum there."""
    bits = page.bitspersample
    if page.dtype.kind != "f" and (bits % 8 or page.dtype.str[1:] == "u1"):
        return float(2**bits - 1)
    for name in ("MaxSampleValue", "SMaxSampleValue"):
        top = page.tags.valueof(name)
        top = float(np.max(top)) if top is not None else 0.0
        depth = int(top + 1).bit_length() - 1
        if page.dtype.kind == "f" and top in (1.0, 255.0):
            return top
        if top == 2**depth - 1 and 8 <= depth < (bits or 16):
            return top
    return None
