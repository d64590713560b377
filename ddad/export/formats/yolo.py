"""YOLO segments: labels/<stem>.txt, with data.yaml.

Without `path`, readers take the folder of data.yaml itself; a relative one they would look for
among their own data sets.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import yaml

from ddad.export.formats.form import Entry, Files, Format, text_bytes
from ddad.export.reviewed import Shape


class Yolo(Format):
    name, label, pictures, late = "yolo", "YOLO segments", True, True

    def add(self, entry: Entry) -> Files:
        lines = segments(entry.shapes, entry.record.mask.shape, self.whole.classes)
        yield f"labels/{entry.stem}.txt", lines.encode()

    def finish(self) -> Files:
        characters = "".join(self.whole.classes)
        plain = all(c.isprintable() or c in "\n\t" for c in characters)  # else all is escaped
        about = {"train": "images", "val": "images", "names": dict(enumerate(self.whole.classes))}
        text = yaml.safe_dump(about, allow_unicode=plain, sort_keys=False, width=10_000)
        yield "data.yaml", text_bytes(text)


def segments(shapes: Sequence[Shape], size: Sequence[int], classes: Sequence[str]) -> str:
    """One polygon a line: the class's number, then x and y as shares of width and height.

    Holes are joined to the outline by bridges: the format has one ring a region.
    """
    scale = np.array([size[1], size[0]])
    lines = []
    for shape in shapes:
        numbers = " ".join(f"{value:.6f}" for value in (shape.polygon / scale).ravel())
        lines.append(f"{classes.index(shape.label)} {numbers}\n")
    return "".join(lines)
