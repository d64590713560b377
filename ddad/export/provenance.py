"""run.json: what made the files of a ZIP, and how to make them again."""

from __future__ import annotations

import json
from importlib import metadata
from typing import Any

import ddad
from ddad.export.formats.form import Entry, Files, Format, Whole, json_bytes

RULE = (
    "a mask is map > threshold without 8-connected regions under min_area pixels, unless it is "
    "marked as edited: then it was drawn by hand and is itself the record; the mask of an "
    "image that a person called good is empty"
)


class Provenance(Format):
    """Of the shape of a format, and in every ZIP."""

    def __init__(self, whole: Whole) -> None:
        super().__init__(whole)
        self.images: list[dict[str, Any]] = []
        self.ious: list[float] = []

    def add(self, entry: Entry) -> Files:
        record = entry.record
        self.images.append(
            entry.row
            | {"colour_low": record.low, "colour_high": record.high}
            | {"target_fpr": record.target_fpr}
            | {"pixels_sha256": entry.digest}
        )
        self.ious += [shape.iou for shape in entry.shapes]
        return ()

    def finish(self) -> Files:
        yield "run.json", json_bytes(self.run(), indent=1)

    def run(self) -> dict[str, Any]:
        models = {(run["model"], run["fingerprint"], run["seed"]) for run in self.images}
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
            "rule": RULE,
            "polygons": {
                "tolerance": self.whole.tolerance,
                "mean_iou": sum(ious) / len(ious),
                "least_iou": min(ious),
            },
            "images": self.images,
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
