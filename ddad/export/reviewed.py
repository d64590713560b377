"""Reviewed images in the formats of other tools. Pure functions; `ddad.export.bundle` writes the files.

Coordinates: COCO's frame of `ddad.images.outlines`. Masks that a polygon cannot hold are run lengths or
bitmaps; every polygon states its IoU with the mask it stands for.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from ddad.images.outlines import TOLERANCE, brush_counts, coco_counts, outlines, simplify
from ddad.images.regions import Region, RegionLabel, components, find_regions

UNNAMED = "defect"
"""Label of a region to which nobody gave one."""


@dataclass(frozen=True)
class Reviewed:
    """One image, what a model said and what a person decided, ready to leave."""

    name: str
    """As uploaded: any text."""
    pixels: np.ndarray
    """uint8 (H, W, 3)."""
    mask: np.ndarray
    """The final mask, bool (H, W)."""
    score_map: np.ndarray | None = None
    """float32 (H, W), or None where no model was asked."""
    score: float | None = None
    threshold: float | None = None
    decision: str = "undecided"
    labels: tuple[RegionLabel, ...] = ()
    min_area: int = 1
    edited: bool = False
    """Whether the mask was drawn by hand rather than cut from the map at the threshold."""
    reviewer: str = ""
    at: str = ""
    """When it was reviewed, ISO 8601 in UTC."""
    model: str = ""
    fingerprint: str = ""
    seed: int | None = None
    low: float = 0.0
    high: float = 1.0
    """Ends of the colour scale."""
    normal_scores: tuple[float, ...] = field(default=(), repr=False)
    target_fpr: float | None = None


@dataclass(frozen=True)
class Shape:
    """One 8-connected region of a final mask."""

    label: str
    region: Region
    """Its peak and mean are NaN where there is no map."""
    mask: np.ndarray
    """bool, cut to the bounding box."""
    has_holes: bool
    polygon: np.ndarray
    """Its outer ring, simplified, (n, 2) of x, y in the image."""
    iou: float
    """Of the polygon with the mask."""

    @property
    def corner(self) -> tuple[int, int]:
        """x and y of the bounding box."""
        return self.region.bbox[:2]

    def placed(self, shape: Sequence[int]) -> np.ndarray:
        """The region as a mask of the whole image."""
        whole = np.zeros(shape[:2], bool)
        (x, y), (height, width) = self.corner, self.mask.shape
        whole[y : y + height, x : x + width] = self.mask
        return whole


def find_shapes(record: Reviewed, tolerance: float = TOLERANCE) -> list[Shape]:
    """The regions of a record's mask with their labels, loudest first (else largest first)."""
    score_map = np.full(record.mask.shape, np.nan) if record.score_map is None else record.score_map
    shapes = []
    for mask, left, top in components(record.mask):
        height, width = mask.shape
        cut = score_map[top : top + height, left : left + width]
        (found,) = find_regions(cut, mask)
        x, y = found.centroid
        region = replace(found, bbox=(left, top, width, height), centroid=(left + x, top + y))
        outer, holes = outlines(mask)
        ring, iou = simplify(outer, mask, tolerance)
        name = UNNAMED
        for given in record.labels:
            x, y = given.x - left, given.y - top
            if 0 <= x < width and 0 <= y < height and mask[y, x]:
                name = given.label
        shapes.append(Shape(name, region, mask, bool(holes), ring + (left, top), iou))
    loud = record.score_map is not None
    return sorted(shapes, key=lambda s: -(s.region.peak if loud else s.region.area))


def defect_name(shapes: Sequence[Shape]) -> str:
    """MVTec's folder for an image: its one label, "combined" for several, "good" for none."""
    names = {shape.label for shape in shapes}
    return "good" if not names else names.pop() if len(names) == 1 else "combined"


def coco_annotation(shape: Shape, size: Sequence[int], *, exact: bool) -> dict[str, Any]:
    """An annotation without its numbers; run lengths if `exact` or where there are holes.

    Many importers refuse run lengths unless `iscrowd` is 1, so it is.
    """
    rle = exact or shape.has_holes
    polygon = [shape.polygon.astype(float).ravel().tolist()]
    return {
        "segmentation": {"size": list(size[:2]), "counts": coco_counts(shape.placed(size))}
        if rle
        else polygon,
        "iscrowd": int(rle),
        "area": shape.region.area,
        "bbox": list(shape.region.bbox),
        "attributes": {"iou": 1.0 if rle else round(shape.iou, 6)},
    }


def yolo_lines(shapes: Sequence[Shape], size: Sequence[int], classes: Sequence[str]) -> str:
    """One polygon a line: the class's number, then x and y as shares of width and height.

    Holes are filled: the format has none.
    """
    scale = np.array([size[1], size[0]])
    lines = []
    for shape in shapes:
        numbers = " ".join(f"{value:.6f}" for value in (shape.polygon / scale).ravel())
        lines.append(f"{classes.index(shape.label)} {numbers}\n")
    return "".join(lines)


def label_studio_task(record: Reviewed, shapes: Sequence[Shape], image: str) -> dict[str, Any]:
    """A task with one prediction: a brush layer a label. `image` is its path in the storage."""
    height, width = record.mask.shape
    results: list[dict[str, Any]] = []
    for name in dict.fromkeys(shape.label for shape in shapes):
        layer = np.zeros((height, width), bool)
        for shape in shapes:
            if shape.label == name:
                layer |= shape.placed(layer.shape)
        results.append(
            {
                "id": f"brush{len(results)}",
                "from_name": "tag",
                "to_name": "image",
                "type": "brushlabels",
                "original_width": width,
                "original_height": height,
                "image_rotation": 0,
                "value": {"format": "rle", "rle": brush_counts(layer), "brushlabels": [name]},
            }
        )
    prediction: dict[str, Any] = {
        "model_version": f"{record.model} {record.fingerprint}",
        "result": results,
    }
    if record.score is not None:
        prediction["score"] = record.score
    return {
        "data": {"image": f"/data/local-files/?d={image}", "name": record.name},
        "predictions": [prediction],
    }


def labelme_file(record: Reviewed, shapes: Sequence[Shape], image: str) -> dict[str, Any]:
    """labelme's JSON with `mask` shapes, which keep holes and every pixel."""
    height, width = record.mask.shape
    drawn: list[dict[str, Any]] = []
    for shape in shapes:
        (x, y), (tall, wide) = shape.corner, shape.mask.shape
        drawn.append(
            {
                "label": shape.label,
                "points": [[x, y], [x + wide - 1, y + tall - 1]],
                "group_id": None,
                "description": "",
                "shape_type": "mask",
                "flags": {},
                "mask": base64.b64encode(png_bytes(shape.mask.astype(np.uint8))).decode(),
            }
        )
    return {
        "version": "5.5.0",
        "flags": {record.decision: True},
        "shapes": drawn,
        "imagePath": image,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }


def score_row(record: Reviewed, shapes: Sequence[Shape], stem: str) -> dict[str, Any]:
    """An image's row of scores.csv; with map_min and map_max the 16-bit map has its values."""
    height, width = record.mask.shape
    ends: tuple[float | None, float | None] = (None, None)
    if record.score_map is not None:
        ends = float(record.score_map.min()), float(record.score_map.max())
    return {
        "file": record.name,
        "stem": stem,
        "width": width,
        "height": height,
        "score": record.score,
        "threshold": record.threshold,
        "decision": record.decision,
        "anomalous": bool(record.mask.any()),
        "area": int(record.mask.sum()),
        "area_fraction": float(record.mask.mean()),
        "regions": len(shapes),
        "labels": "; ".join(dict.fromkeys(shape.label for shape in shapes)),
        "edited": record.edited,
        "min_area": record.min_area,
        "reviewer": record.reviewer,
        "reviewed_at": record.at,
        "model": record.model,
        "fingerprint": record.fingerprint,
        "seed": record.seed,
        "map_min": ends[0],
        "map_max": ends[1],
    }


REGION_COLUMNS = (
    *("file", "stem", "region", "label", "area", "area_fraction", "x", "y", "width", "height"),
    *("centre_x", "centre_y", "peak", "mean", "holes", "polygon_iou"),
)


def region_rows(record: Reviewed, shapes: Sequence[Shape], stem: str) -> list[dict[str, Any]]:
    """A row of regions.csv, REGION_COLUMNS, for each region; lengths in pixels."""
    rows = []
    for number, shape in enumerate(shapes, 1):
        region = shape.region
        values = (
            *(record.name, stem, number, shape.label, region.area),
            region.area / record.mask.size,
            *region.bbox,
            *region.centroid,
            *(None if np.isnan(value) else value for value in (region.peak, region.mean)),
            *(shape.has_holes, shape.iou),
        )
        rows.append(dict(zip(REGION_COLUMNS, values, strict=True)))
    return rows


def map_png(score_map: np.ndarray) -> bytes:
    """16-bit PNG: value = min + (max - min) * code / 65535 with the map's own min and max."""
    low, high = float(score_map.min()), float(score_map.max())
    level = (score_map.astype(float) - low) / max(high - low, 1e-12)
    return png_bytes(np.rint(level * 65535).astype(np.uint16))


def map_tiff(score_map: np.ndarray) -> bytes:
    """The float32 values as they are, deflated."""
    buffer = io.BytesIO()
    values = np.asarray(score_map, np.float32)
    tifffile.imwrite(buffer, values, compression="zlib", software="ddad", metadata=None)
    return buffer.getvalue()


def mask_png(mask: np.ndarray) -> bytes:
    """8-bit grey PNG of 0 and 255."""
    return png_bytes(np.asarray(mask, bool).astype(np.uint8) * 255)


def png_bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()
