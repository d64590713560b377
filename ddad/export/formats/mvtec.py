"""mvtec/test/<defect>/<stem>.png, and mvtec/ground_truth/<defect>/<stem>_mask.png for defects."""

from __future__ import annotations

from collections.abc import Sequence

from ddad.export.formats.form import Entry, Files, Format, Whole
from ddad.export.reviewed import Shape
from ddad.images.names import Stems, safe_stem


class Mvtec(Format):
    name, label = "mvtec", "MVTec folders"

    def __init__(self, whole: Whole) -> None:
        super().__init__(whole)
        self.stems = Stems(tags=False)
        self.folders: dict[str, str] = {}
        """By label: no two labels share one."""

    def add(self, entry: Entry) -> Files:
        name = defect_name(entry.shapes)
        if not entry.shapes:
            defect = name
        elif safe_stem(name).casefold() == "good":
            defect = "good_"  # somebody labelled a defect so
        else:
            if name not in self.folders:
                self.folders[name] = self.stems.unique(name)
            defect = self.folders[name]
        yield f"mvtec/test/{defect}/{entry.stem}.png", entry.picture
        if entry.shapes:
            yield f"mvtec/ground_truth/{defect}/{entry.stem}_mask.png", entry.mask


def defect_name(shapes: Sequence[Shape]) -> str:
    """The folder of an image: its one label, "combined" for several, "good" for none."""
    names = {shape.label for shape in shapes}
    return "good" if not names else names.pop() if len(names) == 1 else "combined"
