"""COCO: coco/polygons.json, run lengths where there are holes; coco/exact.json, all run lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ddad
from ddad.export.formats.form import Entry, Files, Format, Whole, json_bytes
from ddad.export.reviewed import Shape
from ddad.images.outlines import coco_counts


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
        self.images.append(image | {"height": height, "name": entry.record.name})
        for found, exact in ((self.polygons, False), (self.exact, True)):
            for shape in entry.shapes:
                category = self.whole.classes.index(shape.label) + 1
                numbers = {"id": len(found) + 1, "image_id": number, "category_id": category}
                found.append(numbers | annotation(shape, size, exact=exact))
        return ()

    def finish(self) -> Files:
        for name, found in (("polygons", self.polygons), ("exact", self.exact)):
            yield f"coco/{name}.json", json_bytes(self._file(found))

    def _file(self, annotations: list[dict[str, Any]]) -> dict[str, Any]:
        tolerance = self.whole.tolerance
        return {
            "info": {"description": f"ddad {ddad.__version__}", "polygon_tolerance": tolerance},
            "images": self.images,
            "annotations": annotations,
            "categories": [{"id": i, "name": name} for i, name in enumerate(self.whole.classes, 1)],
            "licenses": [],
        }


def annotation(shape: Shape, size: Sequence[int], *, exact: bool) -> dict[str, Any]:
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
