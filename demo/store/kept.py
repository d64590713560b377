"""What a session holds of images, for reading: items, pixels, maps, masks, the decision log."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from peewee import SQL

from ddad.data.truth import digest
from ddad.export.reviewed import Decision
from demo.store.files import read_png
from demo.store.records import Item, Logged, Scale, StoreError, plain
from demo.store.rows import Rows


class Kept:
    """A session as it is; `Session` adds what changes it."""

    def __init__(self, rows: Rows) -> None:
        self.id = rows.session
        self._rows, self._tables = rows, rows.tables

    def items(
        self,
        *,
        order: Literal["added", "score", "name"] = "added",
        decision: Decision | None = None,
        state: str | None = None,
        name: str | None = None,
    ) -> list[Item]:
        """All items: oldest first, or loudest first (failed and waiting ones last), or by name.

        Or those alone of a decision, a state, a file's name.
        """
        table = self._tables.items
        query = table.select().where(self._rows.mine(table))
        if decision is not None:
            query = query.where(table.decision == decision)
        if state is not None:
            query = query.where(table.state == state)
        if name is not None:
            query = query.where(table.name == plain(name))
        by = {
            "added": (),
            "score": (table.score.desc(nulls="LAST"),),
            "name": (table.name.collate("NOCASE"),),
        }
        if order not in by:
            raise StoreError(f"items are ordered by {', '.join(by)}, not by {order!r}")
        with self._tables.reading():
            rows = list(query.order_by(*by[order], SQL("rowid")))
        return [Item.of(row) for row in rows]

    def item(self, item_id: str) -> Item:
        """Raises StoreError where this session has no such item."""
        return Item.of(self._rows.row(item_id))

    def pixels(self, item_id: str) -> np.ndarray:
        """The image, uint8 (H, W, 3)."""
        found: np.ndarray = self._rows.read(item_id, "pixels", "picture", read_png)
        return found

    def digest(self, item_id: str) -> str:
        """SHA-256 of the image's pixels."""
        return self.item(item_id).digest or digest(self.pixels(item_id))

    def score_map(self, item_id: str) -> np.ndarray:
        """float32 (H, W). Raises StoreError for an item without a result."""
        found: np.ndarray = self._rows.read(item_id, "map", "result", np.load)
        return found

    def scales(self, item_id: str) -> list[Scale]:
        """Each noise scale with its map. Raises StoreError for an item without a result."""
        result = self.item(item_id).result
        maps = self._rows.read(item_id, "scales", "result", _arrays)
        return [replace(scale, map=maps[scale.name]) for scale in result.scales] if result else []

    def thumbnail(self, item_id: str) -> Path:
        """A JPEG of at most 192 x 192 pixels."""
        found: Path = self._rows.read(item_id, "thumb", "picture", Path)
        return found

    def final_mask(self, item_id: str) -> np.ndarray:
        """bool (H, W): the reviewed mask (empty of a good part), else the model's as calibrated."""
        item = self.item(item_id)
        if item.decision == "good":
            return np.zeros((item.height, item.width), bool)
        return self.mask(item_id)

    def mask(self, item_id: str) -> np.ndarray:
        """`final_mask` as if it were no good part: what to draw on when the item is opened."""
        item = self.item(item_id)
        if item.review is None and item.result is not None:
            return self.score_map(item_id) > np.float32(item.result.threshold)
        found: np.ndarray = self._rows.read(item_id, "mask", "mask", read_png)
        return found

    def ignore(self, item_id: str) -> np.ndarray | None:
        """Where nothing counts, bool (H, W), or None."""
        return (
            self._rows.read(item_id, "ignore", "ignore zone", read_png)
            if self.item(item_id).has_ignore
            else None
        )

    def desk(self, item_id: str) -> Any:
        """What the last `review` was given as `desk`, or None."""
        try:
            return json.loads(self._rows.read(item_id, "desk", "review", Path.read_bytes))
        except StoreError:
            self.item(item_id)  # raises again where there is no such item
            return None

    def truth(self, item_id: str) -> np.ndarray | None:
        """The true mask, bool (H, W), or None."""
        return (
            self._rows.read(item_id, "truth", "true mask", read_png)
            if self.item(item_id).has_truth
            else None
        )

    def labels(self) -> list[str]:
        """Every label that stands on an image or did at a decision, the latest first."""
        reviews = [item.review for item in self.items() if item.review]
        used = [(review.at, [it.label for it in review.regions]) for review in reviews]
        used += [(line.at, list(line.labels)) for line in self.log()]
        used.sort(key=lambda each: each[0], reverse=True)
        return list(dict.fromkeys(text for _, labels in used for text in labels))

    def classes(self) -> list[str]:
        """Names of the kinds of defects, in the order of their numbers and colours."""
        with self._tables.reading():
            row = self._tables.sessions.get_or_none(id=self.id)
        return list(json.loads(row.classes)) if row and row.classes else []

    def log(self) -> list[Logged]:
        """The decision log, oldest first."""
        table = self._tables.log
        with self._tables.reading():
            rows = list(table.select().where(self._rows.mine(table)).order_by(table.id))
        names = [field.name for field in fields(Logged)]
        values = [{name: getattr(row, name) for name in names} for row in rows]
        return [
            Logged(**value | {"labels": tuple(json.loads(value["labels"]))}) for value in values
        ]

    def used(self) -> tuple[int, int]:
        """Bytes of everything that is kept, and images."""
        return self._rows.used()


def _arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as arrays:
        return dict(arrays)
