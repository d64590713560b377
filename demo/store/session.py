"""One visitor's images, results, masks and decisions; see `demo.store.store`, which opens it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from peewee import SQL
from PIL import Image

from ddad.images.regions import RegionLabel
from demo.store.mirror import keep
from demo.store.records import (
    Decision,
    Item,
    Logged,
    Result,
    Review,
    Scale,
    StoreError,
    check_review,
    check_shape,
    checked_labels,
    cut,
    extent,
    loudest,
    now,
    plain,
)
from demo.store.shelf import Shelf
from demo.store.tables import put, put_png, read_png

if TYPE_CHECKING:
    from ddad.model.detection import Detection
    from ddad.model.detector import Detector

THUMBNAIL = 192
"""Longest side of a thumbnail, pixels."""


class Session:
    """Made by `Store.open`; holds no state but where its work lies, so threads may share it."""

    def __init__(self, shelf: Shelf, mirror: Path | None = None) -> None:
        self.id = shelf.session
        self._shelf = shelf
        self._mirror = mirror
        self._tables = shelf.tables

    def add(self, name: str, pixels: np.ndarray, note: str = "") -> Item:
        """Keep an image, uint8 (H, W, 3), as an item in state "waiting".

        Raises StoreError where the session is full.
        """
        item, (height, width) = secrets.token_hex(8), pixels.shape[:2]
        folder = self._shelf.folder / item
        small = Image.fromarray(pixels)
        small.thumbnail((THUMBNAIL, THUMBNAIL), reducing_gap=2)
        new = {
            "pixels": put_png(folder, "pixels", pixels),
            "thumb": put(folder, "thumb", ".jpg", lambda f: small.save(f, "JPEG", quality=85)),
        }
        self._shelf.create(
            item, name, new, note=plain(note), state="waiting", width=width, height=height
        )
        return self.item(item)

    def fail(self, name: str, error: str) -> Item:
        """Keep the name and the error of an image that could not be used."""
        item = secrets.token_hex(8)
        self._shelf.create(item, name, {}, note="", state="failed", error=plain(error))
        return self.item(item)

    def record(self, item_id: str, found: Detection, detector: Detector) -> Item:
        """Keep a model's result for an item; a decision made before stays, with its mask."""
        item = self.item(item_id)
        check_shape(item, found.score_map, "score map")
        result = Result.of(found, detector)
        score_map = np.ascontiguousarray(found.score_map, np.float32)
        maps: dict[str, Any] = {
            scale.name: np.asarray(scale.map, np.float32) for scale in found.scales
        }
        folder = self._shelf.folder / item_id
        new = {
            "map": put(folder, "map", ".npy", lambda f: np.save(f, score_map, allow_pickle=False)),
            "scales": put(folder, "scales", ".npz", lambda f: np.savez(f, **maps)),
        }
        ignore = self.ignore(item_id)
        score = loudest(score_map, ignore)
        marked = extent(cut(item, None, score_map, ignore, result.threshold, 1))

        def change(row: Any) -> tuple[str, ...]:
            row.state, row.error, row.result, row.score = "scored", "", result.to_json(), score
            edited = row.review and Review.from_json(row.review).edited
            if row.decision != "undecided" or edited:
                return ()
            row.area, row.regions = marked
            row.review = None  # a threshold on the last result's map, which is gone
            return ("mask",)

        self._shelf.change(item_id, new, change)
        return self.item(item_id)

    def review(
        self,
        item_id: str,
        *,
        mask: np.ndarray | None,
        threshold: float,
        decision: Decision,
        ignore: np.ndarray | None = None,
        min_area: int = 1,
        regions: Sequence[RegionLabel | dict[str, Any]] = (),
        reviewer: str = "",
        desk: str | None = None,
    ) -> Item:
        """Keep a review in place of the one before; a decision also goes to the log.

        `mask` is the edited mask, bool (H, W), kept as it is drawn; None is the model's mask at
        the threshold without regions under `min_area`. `ignore` is True where nothing counts,
        None for no such zone; it is cut out of either mask and out of the item's score. A
        rejected item keeps its mask, but its final mask is empty. `desk` is JSON that the page
        needs to show its desk again as it was left, kept as it is. Raises
        StoreError for a wrong shape or value, or a mask of None where there is no result.
        """
        item = self.item(item_id)
        check_review(item, mask, ignore, threshold, min_area, decision)
        score_map = self.score_map(item_id) if item.result else None
        final = cut(item, mask, score_map, ignore, threshold, min_area)
        review = Review(
            decision,
            float(threshold),
            int(min_area),
            checked_labels(regions, item.width, item.height),
            plain(reviewer, 100),
            now(),
            item.result.model if item.result else "",
            item.result.fingerprint if item.result else "",
            mask is not None,
        )
        area, count = (0, 0) if decision == "rejected" else extent(final)
        folder = self._shelf.folder / item_id
        new = {"mask": put_png(folder, "mask", final)}
        if ignore is not None:
            new["ignore"] = put_png(folder, "ignore", np.asarray(ignore, bool))
        if desk is not None:
            new["desk"] = put(folder, "desk", ".json", lambda f: f.write(desk.encode()))

        def change(row: Any) -> tuple[str, ...]:
            before, row.decision, row.review = row.decision, decision, review.to_json()
            row.area, row.regions = area, count
            if score_map is not None:
                row.score = loudest(score_map, ignore)
            if not decision == before == "undecided":  # a moved slider is no decision
                self._log(row, review, area)
            return tuple(kind for kind in ("ignore", "desk") if kind not in new)

        self._shelf.change(item_id, new, change)
        item = self.item(item_id)
        if self._mirror and decision != "undecided":
            keep(self._mirror, item, self.final_mask(item_id))
        return item

    def _log(self, row: Any, review: Review, area: int) -> None:
        self._tables.log.create(
            session=self.id,
            at=review.at,
            item=row.id,
            name=row.name,
            reviewer=review.reviewer,
            decision=review.decision,
            threshold=review.threshold,
            min_area=review.min_area,
            area=area,
            model=review.model,
            fingerprint=review.fingerprint,
            labels=json.dumps([region.label for region in review.regions]),
        )

    def set_truth(self, item_id: str, mask: np.ndarray | None) -> Item:
        """Keep the true mask, bool (H, W), for evaluation on the page; None takes it away."""
        new = {}
        if mask is not None:
            check_shape(self.item(item_id), mask, "true mask")
            new["truth"] = put_png(self._shelf.folder / item_id, "truth", np.asarray(mask, bool))
        self._shelf.change(item_id, new, lambda row: () if new else ("truth",))
        return self.item(item_id)

    def remove(self, item_id: str) -> None:
        """Delete an item and its files; its lines in the decision log stay."""
        self._shelf.remove(item_id)

    def used(self) -> tuple[int, int]:
        """Bytes and images kept."""
        return self._shelf.used()

    def clear(self) -> None:
        """Delete every item."""
        for item in self.items():
            self.remove(item.id)

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
        query = table.select().where(table.session == self.id)
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
        return Item.of(self._shelf.row(item_id))

    def pixels(self, item_id: str) -> np.ndarray:
        """The image, uint8 (H, W, 3)."""
        return self._shelf.read(item_id, "pixels", "picture", read_png)

    def score_map(self, item_id: str) -> np.ndarray:
        """float32 (H, W). Raises StoreError for an item without a result."""
        return self._shelf.read(item_id, "map", "result", np.load)

    def scales(self, item_id: str) -> list[Scale]:
        """Each noise scale with its map. Raises StoreError for an item without a result."""
        result = self.item(item_id).result
        maps = self._shelf.read(item_id, "scales", "result", _arrays)
        return [replace(scale, map=maps[scale.name]) for scale in result.scales] if result else []

    def thumbnail(self, item_id: str) -> Path:
        """A JPEG of at most 192 x 192 pixels."""
        return self._shelf.read(item_id, "thumb", "picture", Path)

    def final_mask(self, item_id: str) -> np.ndarray:
        """bool (H, W): the reviewed mask (empty if rejected), else the model's as calibrated."""
        item = self.item(item_id)
        if item.decision == "rejected":
            return np.zeros((item.height, item.width), bool)
        return self.mask(item_id)

    def mask(self, item_id: str) -> np.ndarray:
        """`final_mask` as if it were not rejected: what to draw on when the item is opened."""
        item = self.item(item_id)
        if item.review is None and item.result is not None:
            return self.score_map(item_id) > np.float32(item.result.threshold)
        return self._shelf.read(item_id, "mask", "mask", read_png)

    def ignore(self, item_id: str) -> np.ndarray | None:
        """Where nothing counts, bool (H, W), or None."""
        return (
            self._shelf.read(item_id, "ignore", "ignore zone", read_png)
            if self.item(item_id).has_ignore
            else None
        )

    def desk(self, item_id: str) -> Any:
        """What the last `review` was given as `desk`, or None."""
        try:
            return json.loads(self._shelf.read(item_id, "desk", "review", Path.read_bytes))
        except StoreError:
            self.item(item_id)  # raises again where there is no such item
            return None

    def truth(self, item_id: str) -> np.ndarray | None:
        """The true mask, bool (H, W), or None."""
        return (
            self._shelf.read(item_id, "truth", "true mask", read_png)
            if self.item(item_id).has_truth
            else None
        )

    def labels(self) -> list[str]:
        """Every label that a decision in this session used, the latest first."""
        return list(dict.fromkeys(text for line in self.log()[::-1] for text in line.labels))

    def log(self) -> list[Logged]:
        """The decision log, oldest first."""
        table = self._tables.log
        with self._tables.reading():
            rows = list(table.select().where(table.session == self.id).order_by(table.id))
        names = [field.name for field in fields(Logged)]
        values = [{name: getattr(row, name) for name in names} for row in rows]
        return [
            Logged(**value | {"labels": tuple(json.loads(value["labels"]))}) for value in values
        ]


def _arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as arrays:
        return dict(arrays)
