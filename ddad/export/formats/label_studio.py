"""Label Studio: label-studio/tasks.json with brush predictions, and its config.xml."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

from ddad.export.formats.form import Entry, Files, Format, Whole, json_bytes, text_bytes
from ddad.export.reviewed import Reviewed, Shape
from ddad.images.outlines import brush_counts


class LabelStudio(Format):
    name, label, pictures = "label-studio", "Label Studio", True

    def __init__(self, whole: Whole) -> None:
        super().__init__(whole)
        self.tasks: list[dict[str, Any]] = []

    def add(self, entry: Entry) -> Files:
        self.tasks.append(task(entry.record, entry.shapes, f"images/{entry.stem}.png"))
        return ()

    def finish(self) -> Files:
        yield "label-studio/tasks.json", json_bytes(self.tasks)
        yield "label-studio/config.xml", text_bytes(config(self.whole.classes))


def task(record: Reviewed, shapes: Sequence[Shape], image: str) -> dict[str, Any]:
    """A task with one prediction: a brush layer a label. `image` is its path in the storage."""
    results = [
        _brush(number, name, [shape for shape in shapes if shape.label == name], record.mask.shape)
        for number, name in enumerate(dict.fromkeys(shape.label for shape in shapes))
    ]
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


def _brush(
    number: int, name: str, shapes: Sequence[Shape], size: tuple[int, ...]
) -> dict[str, Any]:
    height, width = size
    layer = np.logical_or.reduce([shape.placed(size) for shape in shapes])
    return {
        "id": f"brush{number}",
        "from_name": "tag",
        "to_name": "image",
        "type": "brushlabels",
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "value": {"format": "rle", "rle": brush_counts(layer), "brushlabels": [name]},
    }


def config(classes: Iterable[str]) -> str:
    """The labelling set-up that the tasks need."""
    labels = "".join(f"    <Label value={quoteattr(_xml(name))}/>\n" for name in classes)
    return (
        '<View>\n  <Image name="image" value="$image"/>\n'
        f'  <BrushLabels name="tag" toName="image">\n{labels}  </BrushLabels>\n</View>\n'
    )


def _xml(text: str) -> str:
    """The text without the characters that XML cannot hold."""
    return "".join(c for c in text if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff"))
