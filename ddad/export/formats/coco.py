"""COCO: coco/polygons.json, one polygon a region; coco/exact.json, run lengths.

In both `iscrowd` is 0 everywhere: trainers leave out, or count as neither right nor wrong, what is
marked as a crowd.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ddad
from ddad.export.formats.form import Entry, Files, Format, Whole, json_bytes
from ddad.export.reviewed import Shape
from ddad.images.outlines import coco_counts

POLYGONS = (
    "one polygon a region, iscrowd 0; a hole is joined to the outline by a bridge of no width, "
    "there and back; attributes.iou is the IoU of the polygon, as pycocotools decodes it, with the "
    "mask, which is exact in exact.json"
)
EXACT = (
    "exact masks as uncompressed run lengths, iscrowd 0, so that trainers that leave out crowds "
    "keep them; readers that expect polygons wherever iscrowd is 0 want polygons.json"
)


class Coco(Format):
    name, label, pictures = "coco", "COCO", True

    def __init__(self, whole: Whole) -> None:
        super().__init__(whole)
        self.images: list[dict[str, Any]] = []
        self.polygons: list[dict[str, Any]] = []
        self.exact: list[dict[str, Any]] = []

    def add(self, entry: Entry) -> Files:
        size = height, width = entry.record.mask.shape
        number = len(self.images) + 1
        image = {"id": number, "file_name": f"images/{entry.stem}.png", "width": width}
        origin: dict[str, Any] = {"name": entry.record.name, "sha256": entry.digest}
        if entry.record.strangeness is not None:
            origin |= {"strangeness": entry.record.strangeness, "familiar": entry.record.familiar}
        self.images.append(image | {"height": height} | origin)
        for found, exact in ((self.polygons, False), (self.exact, True)):
            for shape in entry.shapes:
                category = self.whole.classes.index(shape.label) + 1
                numbers = {"id": len(found) + 1, "image_id": number, "category_id": category}
                found.append(numbers | annotation(shape, size, exact=exact))
        return ()

    def finish(self) -> Files:
        yield "coco/polygons.json", json_bytes(self._file(self.polygons, POLYGONS))
        yield "coco/exact.json", json_bytes(self._file(self.exact, EXACT))

    def _file(self, annotations: list[dict[str, Any]], about: str) -> dict[str, Any]:
        program, tolerance = f"ddad {ddad.__version__}", self.whole.tolerance
        return {
            "info": {"description": program, "polygon_tolerance": tolerance, "regions": about},
            "images": self.images,
            "annotations": annotations,
            "categories": [{"id": i, "name": name} for i, name in enumerate(self.whole.classes, 1)],
            "licenses": [],
        }


def annotation(shape: Shape, size: Sequence[int], *, exact: bool) -> dict[str, Any]:
    """An annotation without its numbers: run lengths if `exact`, else a polygon."""
    polygon = [shape.polygon.astype(float).ravel().tolist()]
    return {
        "segmentation": {"size": list(size[:2]), "counts": coco_counts(shape.placed(size))}
        if exact
        else polygon,
        "iscrowd": 0,
        "area": shape.region.area,
        "bbox": list(shape.region.bbox),
        "attributes": {"iou": 1.0 if exact else round(shape.iou, 6)},
    }
