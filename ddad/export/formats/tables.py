"""scores.csv, one row an image with the names of its files, and regions.csv, one row a region."""

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
        self.scores.append(entry.row | self._files(entry))
        self.regions += region_rows(entry.record, entry.shapes, entry.stem)
        return ()

    def _files(self, entry: Entry) -> dict[str, str]:
        """Where the image's files are in the ZIP; empty where a format was not chosen."""
        has_map = "maps" in self.whole.formats and entry.record.score_map is not None
        return {
            "image": f"images/{entry.stem}.png" if self.whole.pictures else "",
            "mask": f"masks/{entry.stem}.png" if "masks" in self.whole.formats else "",
            "map": f"maps/{entry.stem}.tiff" if has_map else "",
        }

    def finish(self) -> Files:
        yield "scores.csv", text_bytes(table(self.scores, self.scores[0]))
        yield "regions.csv", text_bytes(table(self.regions, REGION_COLUMNS))
