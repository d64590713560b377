"""maps/<stem>.png, 16-bit, and maps/<stem>.tiff, the float32 values; of images with a map."""

from __future__ import annotations

import io

import numpy as np
import tifffile

from ddad.export.formats.form import Entry, Files, Format, png_bytes
from ddad.export.render import sixteen_bit


class Maps(Format):
    name, label = "maps", "Score maps, 16 bit and float"

    def add(self, entry: Entry) -> Files:
        score_map = entry.record.score_map
        if score_map is not None:
            yield f"maps/{entry.stem}.png", png_bytes(sixteen_bit(score_map.astype(float)))
            yield f"maps/{entry.stem}.tiff", tiff_bytes(score_map)


def tiff_bytes(score_map: np.ndarray) -> bytes:
    """The float32 values as they are, deflated."""
    buffer = io.BytesIO()
    values = np.asarray(score_map, np.float32)
    tifffile.imwrite(buffer, values, compression="zlib", software="ddad", metadata=None)
    return buffer.getvalue()
