"""labelme/<stem>.json, with bitmaps: they keep holes and every pixel."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from ddad.export.formats.form import Entry, Files, Format, json_bytes, png_bytes
from ddad.export.reviewed import Reviewed, Shape


class Labelme(Format):
    name, label, pictures = "labelme", "labelme", True

    def add(self, entry: Entry) -> Files:
        drawn = document(entry.record, entry.shapes, f"../images/{entry.stem}.png")
        yield f"labelme/{entry.stem}.json", json_bytes(drawn)


def document(record: Reviewed, shapes: Sequence[Shape], image: str) -> dict[str, Any]:
    """An image's file with `mask` shapes. `image` is its path from there."""
    height, width = record.mask.shape
    return {
        "version": "5.5.0",
        "flags": {record.decision: True},
        "shapes": [_mask(shape) for shape in shapes],
        "imagePath": image,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }


def _mask(shape: Shape) -> dict[str, Any]:
    (x, y), (tall, wide) = shape.corner, shape.mask.shape
    return {
        "label": shape.label,
        "points": [[x, y], [x + wide - 1, y + tall - 1]],
        "group_id": None,
        "description": "",
        "shape_type": "mask",
        "flags": {},
        "mask": base64.b64encode(png_bytes(shape.mask.astype(np.uint8))).decode(),
    }
