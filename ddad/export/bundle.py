"""A set of reviewed images as one ZIP: safe unique names, the same bytes for the same work.

Layout, each part only if its format is asked for:

    images/<stem>.png          the pictures, lossless (for coco, yolo, label-studio, labelme)
    masks/<stem>.png           masks: 0 and 255
    mvtec/test/<defect>/       mvtec: pictures, with mvtec/ground_truth/<defect>/<stem>_mask.png
    coco/polygons.json         coco: polygons, run lengths where there are holes
    coco/exact.json            coco: run lengths throughout
    labels/<stem>.txt          yolo, with data.yaml
    label-studio/tasks.json    label-studio: brush predictions, with config.xml
    labelme/<stem>.json        labelme: bitmaps
    maps/<stem>.png, .tiff     maps: 16-bit, and the float32 values
    scores.csv, regions.csv    csv
    report.html                report
    run.json                   always: what made it and how to make it again
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import secrets
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import ddad
from ddad.export import reviewed as exports
from ddad.export.report import Report
from ddad.export.reviewed import Reviewed, Shape, find_shapes
from ddad.images.names import Stems, safe_stem
from ddad.images.outlines import TOLERANCE
from ddad.images.regions import escape_cell

FORMATS = (*("masks", "mvtec", "coco", "yolo", "label-studio", "labelme", "csv", "maps", "report"),)
Put = Callable[[str, bytes], None]


def write_zip(
    records: Iterable[Reviewed],
    formats: Collection[str],
    path: Path,
    *,
    tolerance: float = TOLERANCE,
    extra: Mapping[str, bytes] | None = None,
) -> None:
    """Write the records in those formats, one record in memory at a time; `extra` files as well.

    The file appears whole or not at all. Raises ValueError for an unknown format or no record.
    """
    wanted = set(formats)
    if unknown := wanted - set(FORMATS):
        raise ValueError(
            f"there is no export format {', '.join(sorted(unknown))}: use {', '.join(FORMATS)}"
        )
    everything = _Everything(tolerance)
    with _archive(path) as put:
        stems = Stems()
        for record in records:
            stem = stems.unique(record.name)
            shapes = find_shapes(record, tolerance)
            everything.add(record, shapes, stem, wanted)
            _write_one(record, shapes, stem, wanted, put)
            if "yolo" in wanted:
                lines = exports.yolo_lines(shapes, record.mask.shape, everything.classes)
                put(f"labels/{stem}.txt", lines.encode())
        if not everything.images:
            raise ValueError("there is no image to export")
        for name, text in everything.files(wanted).items():
            put(name, text.encode(errors="backslashreplace"))
        for name, data in (extra or {}).items():
            put(name, data)


def _write_one(
    record: Reviewed, shapes: list[Shape], stem: str, wanted: set[str], put: Put
) -> None:
    picture = exports.png_bytes(record.pixels)
    mask = exports.mask_png(record.mask)
    if wanted & {"coco", "yolo", "label-studio", "labelme"}:
        put(f"images/{stem}.png", picture)
    if "masks" in wanted:
        put(f"masks/{stem}.png", mask)
    if "mvtec" in wanted:
        defect = safe_stem(exports.defect_name(shapes))
        if shapes and defect.casefold() == "good":
            defect = "good_"  # somebody labelled a defect so
        put(f"mvtec/test/{defect}/{stem}.png", picture)
        if shapes:
            put(f"mvtec/ground_truth/{defect}/{stem}_mask.png", mask)
    if "labelme" in wanted:
        drawn = exports.labelme_file(record, shapes, f"../images/{stem}.png")
        put(f"labelme/{stem}.json", _json(drawn).encode(errors="backslashreplace"))
    if "maps" in wanted and record.score_map is not None:
        put(f"maps/{stem}.png", exports.map_png(record.score_map))
        put(f"maps/{stem}.tiff", exports.map_tiff(record.score_map))


@dataclass
class _Everything:
    """What the files about the whole set need of each record: no pixels."""

    tolerance: float
    classes: list[str] = field(default_factory=list)
    images: list[dict[str, Any]] = field(default_factory=list)
    polygons: list[dict[str, Any]] = field(default_factory=list)
    exact: list[dict[str, Any]] = field(default_factory=list)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    scores: list[dict[str, Any]] = field(default_factory=list)
    regions: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    ious: list[float] = field(default_factory=list)
    report: Report = field(default_factory=Report)

    def add(self, record: Reviewed, shapes: list[Shape], stem: str, wanted: set[str]) -> None:
        size = height, width = record.mask.shape
        image = {"id": len(self.images) + 1, "file_name": f"images/{stem}.png"}
        self.images.append(image | {"width": width, "height": height, "name": record.name})
        for name in (shape.label for shape in shapes):
            if name not in self.classes:
                self.classes.append(name)
        if "coco" in wanted:
            for found, exact in ((self.polygons, False), (self.exact, True)):
                for shape in shapes:
                    numbers = {"id": len(found) + 1, "image_id": image["id"]}
                    numbers["category_id"] = self.classes.index(shape.label) + 1
                    found.append(numbers | exports.coco_annotation(shape, size, exact=exact))
        if "label-studio" in wanted:
            self.tasks.append(exports.label_studio_task(record, shapes, f"images/{stem}.png"))
        row = exports.score_row(record, shapes, stem)
        self.scores.append(row)
        self.regions += exports.region_rows(record, shapes, stem)
        digest = hashlib.sha256(record.pixels.tobytes()).hexdigest()
        extremes = {"colour_low": record.low, "colour_high": record.high}
        self.runs.append(
            row | extremes | {"target_fpr": record.target_fpr, "pixels_sha256": digest}
        )
        self.ious += [shape.iou for shape in shapes]
        if "report" in wanted:
            self.report.add(record, row)

    def files(self, wanted: set[str]) -> dict[str, str]:
        files = {"run.json": _json(self.run(), indent=1)}
        if "coco" in wanted:
            files["coco/polygons.json"] = self.coco(self.polygons)
            files["coco/exact.json"] = self.coco(self.exact)
        if "yolo" in wanted:
            files["data.yaml"] = (
                "path: .\ntrain: images\nval: images\n"
                f"names: {json.dumps(dict(enumerate(self.classes)))}\n"
            )
        if "label-studio" in wanted:
            files["label-studio/tasks.json"] = _json(self.tasks)
            files["label-studio/config.xml"] = label_studio_config(self.classes)
        if "csv" in wanted:
            files["scores.csv"] = table(self.scores, self.scores[0])
            files["regions.csv"] = table(self.regions, exports.REGION_COLUMNS)
        if "report" in wanted:
            files["report.html"] = self.report.html()
        return files

    def coco(self, annotations: list[dict[str, Any]]) -> str:
        categories = [{"id": i, "name": name} for i, name in enumerate(self.classes, 1)]
        info = {"description": f"ddad {ddad.__version__}", "polygon_tolerance": self.tolerance}
        return _json(
            {"info": info, "images": self.images, "annotations": annotations}
            | {"categories": categories, "licenses": []}
        )

    def run(self) -> dict[str, Any]:
        models = {(run["model"], run["fingerprint"], run["seed"]) for run in self.runs}
        ious = self.ious or [1.0]
        return {
            "program": f"ddad {ddad.__version__}",
            "versions": versions(),
            "models": [
                dict(zip(("name", "fingerprint", "seed"), model, strict=True))
                for model in sorted(models, key=str)
                if model[0]
            ],
            "commands": [
                f"python -m ddad score images --checkpoint {json.dumps(name)} --out again"
                for name in sorted({model[0] for model in models} - {""})
            ],
            "rule": "a mask is map > threshold without 8-connected regions under min_area pixels, "
            "unless it is marked as edited: then it was drawn by hand and is itself the record; a "
            "rejected image's mask is empty",
            "polygons": {
                "tolerance": self.tolerance,
                "mean_iou": sum(ious) / len(ious),
                "least_iou": min(ious),
            },
            "images": self.runs,
        }


def versions() -> dict[str, str]:
    """Of the packages on which the numbers depend."""
    found = {}
    for name in ("torch", "diffusers", "transformers", "numpy", "scipy", "scikit-image", "pillow"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def label_studio_config(classes: Iterable[str]) -> str:
    """The labelling set-up that the tasks need."""
    labels = "".join(f"    <Label value={quoteattr(_xml(name))}/>\n" for name in classes)
    return (
        '<View>\n  <Image name="image" value="$image"/>\n'
        f'  <BrushLabels name="tag" toName="image">\n{labels}  </BrushLabels>\n</View>\n'
    )


def table(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> str:
    """CSV of these columns; no cell runs as a formula in a spreadsheet."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), lineterminator="\r\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: escape_cell(value) for key, value in row.items()})
    return text.getvalue()


@contextmanager
def _archive(path: Path) -> Iterator[Put]:
    """A ZIP under a temporary name, renamed when whole; entries have no time of their own."""
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with zipfile.ZipFile(part, "x") as archive:

            def put(name: str, data: bytes) -> None:
                entry = zipfile.ZipInfo(name)
                packed = name.endswith((".png", ".tiff"))
                entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                entry.create_system = 3
                archive.writestr(entry, data)

            yield put
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False) + "\n"


def _xml(text: str) -> str:
    """The text without the characters that XML cannot hold."""
    return "".join(c for c in text if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff"))
