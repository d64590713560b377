"""mvtec/test/<defect>/<stem>.png, and mvtec/ground_truth/<defect>/<stem>_mask.png for defects."""

from __future__ import annotations

from collections.abc import Sequence

from ddad.export.formats.form import Entry, Files, Format
from ddad.export.reviewed import Shape
from ddad.images.names import safe_stem


class Mvtec(Format):
    name, label = "mvtec", "MVTec folders"

    def add(self, entry: Entry) -> Files:
        defect = safe_stem(defect_name(entry.shapes))
        if entry.shapes and defect.casefold() == "good":
            defect = "good_"  # somebody labelled a defect so
        yield f"mvtec/test/{defect}/{entry.stem}.png", entry.picture
        if entry.shapes:
            yield f"mvtec/ground_truth/{defect}/{entry.stem}_mask.png", entry.mask


def defect_name(shapes: Sequence[Shape]) -> str:
    """The folder of an image: its one label, "combined" for several, "good" for none."""
    names = {shape.label for shape in shapes}
    return "good" if not names else names.pop() if len(names) == 1 else "combined"
