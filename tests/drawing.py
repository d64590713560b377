"""Ramps of grey and colour in 8 and 16 bits, as bytes of image files."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import tifffile

from ddad.images.decode import load_image

GREY = np.linspace(0, 255, 24 * 16).reshape(16, 24).round().astype(np.uint8)
COLOUR = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=-1)
GREY16 = (np.linspace(0, 65535, 24 * 16).reshape(16, 24)).round().astype(np.uint16)
COLOUR16 = np.stack([GREY16, GREY16[::-1], GREY16[:, ::-1]], axis=-1)


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def tiff(array, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def load(tmp_path, data, name="image.bin", **options):
    path = tmp_path / name
    path.write_bytes(data)
    return load_image(path, **options)
