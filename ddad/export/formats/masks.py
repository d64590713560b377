"""masks/<stem>.png: 0 and 255."""

from __future__ import annotations

from ddad.export.formats.form import Entry, Files, Format


class Masks(Format):
    name, label = "masks", "Masks, PNG"

    def add(self, entry: Entry) -> Files:
        yield f"masks/{entry.stem}.png", entry.mask
