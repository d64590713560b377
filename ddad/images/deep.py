"""Pictures of more than 8 bits that Pillow opens: all their bits, and the depth that they declare.

Of 16-bit colours Pillow keeps the high bytes. Read as if their bytes were swapped, the same rows
give the low ones.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from ddad.images.levels import Deep

Open = Callable[[], Image.Image]
"""Opens the picture anew, at its frame; nothing of it is decoded yet."""
PLAIN_BYTES = 16_000_000
"""Of a PGM or PPM file of numbers as text, which take their time."""
_SWAPPED = {";16B": ";16L", ";16L": ";16B", ";16N": ";16B" if sys.byteorder == "little" else ";16L"}


def read_deep(open_anew: Open, data: bytes) -> Deep | None:
    """The picture's samples as stored; None where 8 bits a channel hold them all."""
    image = open_anew()
    raw = _raw_mode(image)
    if image.format == "PPM" and image.mode not in ("F", "1"):
        return _netpbm(image, data)
    if image.mode == "F" or image.mode.startswith("I"):
        values = _loaded(image)[..., None]
        return Deep(values, _declared(image, values, data), turn=orientation(image))
    if raw == "LA;16B":  # whose two values of two bytes are four of one
        four = _decoded(image, "RGBA", "RGBA").astype(np.uint16)
        words = four[..., 0::2] << 8 | four[..., 1::2]
    elif raw[-4:] in _SWAPPED and raw.startswith(("RGB;", "RGBA;", "RGBX;", "CMYK;")):
        high = _decoded(image, image.mode, raw).astype(np.uint16)
        words = high << 8 | _decoded(open_anew(), image.mode, raw[:-4] + _SWAPPED[raw[-4:]])
    else:
        return None
    see_through = image.mode == "RGBA"
    colours = words[..., :-1] if see_through else words
    alpha = words[..., -1] / np.float32(65535) if see_through else None
    return Deep(colours, _declared(image, colours, data), alpha, turn=orientation(image))


def _raw_mode(image: Image.Image) -> str:
    """How the samples lie in the file, in Pillow's words."""
    args: Any = image.tile[0].args if image.tile else ""  # type: ignore[attr-defined]
    return str(args[0] if isinstance(args, tuple) and args else args)


def _decoded(image: Any, mode: str, raw: str) -> np.ndarray:
    """The picture's samples, uint8 (H, W, n), read as a mode of other bytes."""
    image._mode = mode
    image.tile = [
        tile._replace(args=(raw, *tile.args[1:]) if isinstance(tile.args, tuple) else raw)
        for tile in image.tile
    ]
    return _loaded(image)


def _netpbm(image: Any, data: bytes) -> Deep | None:
    """A PGM or PPM file that says another white than 255: Pillow scales each sample in Python."""
    (tile,) = image.tile
    args = tile.args
    most = args[-1] if isinstance(args, tuple) else 65535 if args == "I;16B" else 255
    if tile.codec_name == "ppm_plain":
        if len(data) > PLAIN_BYTES:
            raise ValueError("numbers as text are read up to 16 MB alone: save it as binary")
        return None if image.mode != "I" else Deep(_loaded(image)[..., None], 65535.0)
    if most == 255:
        return None
    bands, (width, height) = len(image.getbands()), image.size
    kind = np.dtype(">u2" if most > 255 else "u1")
    image.fp.seek(tile.offset)
    stored = image.fp.read(kind.itemsize * width * height * bands)
    values = np.frombuffer(stored, kind).reshape(height, width, bands)
    return Deep(values.astype(kind.newbyteorder("=")), None if most == 65535 else float(most))


def _loaded(image: Image.Image) -> np.ndarray:
    image.load()
    return np.asarray(image)


def orientation(source: Image.Image) -> int:
    """EXIF's number of a loaded picture's orientation; damaged EXIF data says nothing."""
    try:
        return int(source.getexif().get(0x0112, 1))
    except Exception:  # the pixels are whole, and viewers show them too
        return 1


def _declared(image: Image.Image, values: np.ndarray, data: bytes) -> float | None:
    """White, where a PNG or JPEG 2000 file says how many of its 16 bits count."""
    if image.format == "JPEG2000":  # Pillow has moved the samples to the upper bits
        return 65535.0 if jpeg2000_bits(data) < 16 else None
    bits = significant_bits(data) if image.format == "PNG" else 16
    if not 8 <= bits < 16:
        return None
    # By the standard they are the upper bits, the lower ones zero or the first ones again; cameras
    # leave them at the lower end.
    upper = values >> (16 - bits) << (16 - bits)
    as_standard = (values == upper).all() or (values == (upper | values >> bits)).all()
    return 65535.0 if as_standard else float(2**bits - 1)


def significant_bits(data: bytes) -> int:
    """The most bits of a channel that a PNG's sBIT says count; 16 where it says nothing."""
    at = 8
    while at + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind == b"sBIT":
            return max(data[at + 8 : at + 8 + min(length, 4)], default=16)
        if kind == b"IDAT":
            return 16
        at += 12 + length
    return 16


def jpeg2000_bits(data: bytes) -> int:
    """Bits of the first channel by a JPEG 2000 codestream's SIZ marker; 16 where there is none."""
    at = data.find(b"\xff\x4f\xff\x51")
    return (data[at + 42] & 127) + 1 if 0 <= at < len(data) - 42 else 16
