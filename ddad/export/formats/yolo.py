"""YOLO segments: labels/<stem>.txt, with data.yaml."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from ddad.export.formats.form import Entry, Files, Format
from ddad.export.reviewed import Shape


class Yolo(Format):
    name, label, pictures, late = "yolo", "YOLO segments", True, True

    def add(self, entry: Entry) -> Files:
        lines = segments(entry.shapes, entry.record.mask.shape, self.whole.classes)
        yield f"labels/{entry.stem}.txt", lines.encode()

    def finish(self) -> Files:
        names = json.dumps(dict(enumerate(self.whole.classes)))
        yield "data.yaml", f"path: .\ntrain: images\nval: images\nnames: {names}\n".encode()


def segments(shapes: Sequence[Shape], size: Sequence[int], classes: Sequence[str]) -> str:
    """One polygon a line: the class's number, then x and y as shares of width and height.

    Holes are filled: the format has none.
    """
    scale = np.array([size[1], size[0]])
    lines = []
    for shape in shapes:
        numbers = " ".join(f"{value:.6f}" for value in (shape.polygon / scale).ravel())
        lines.append(f"{classes.index(shape.label)} {numbers}\n")
    return "".join(lines)
