"""scores.csv, one row an image, and regions.csv, one row a region."""

from __future__ import annotations

from typing import Any

from ddad.export.formats.form import Entry, Files, Format, Whole, text_bytes
from ddad.export.tables import REGION_COLUMNS, region_rows, table


class Tables(Format):
    name, label = "csv", "Scores and regions, CSV"

    def __init__(self, whole: Whole) -> None:
        super().__init__(whole)
        self.scores: list[dict[str, Any]] = []
        self.regions: list[dict[str, Any]] = []

    def add(self, entry: Entry) -> Files:
        self.scores.append(entry.row)
        self.regions += region_rows(entry.record, entry.shapes, entry.stem)
        return ()

    def finish(self) -> Files:
        yield "scores.csv", text_bytes(table(self.scores, self.scores[0]))
        yield "regions.csv", text_bytes(table(self.regions, REGION_COLUMNS))
