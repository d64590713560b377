"""One visitor's images, results, masks and decisions, changed; see `demo.store.store`, which opens
it.

`photographs` are what he trains on, `trained` his training and his models.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ddad.data.truth import digest
from ddad.export.reviewed import Decision
from ddad.images.regions import RegionLabel
from demo.store.decision import check_shape, checked_review, cut, extent, loudest
from demo.store.files import put, put_png
from demo.store.imports import Imports
from demo.store.kept import Kept
from demo.store.mirror import Mirror
from demo.store.photographs import Photographs
from demo.store.records import ConflictError, Item, Result, Review, StoreError, plain
from demo.store.rows import Rows
from demo.store.trained import Trained
from demo.store.versions import LOG_TEXTS

if TYPE_CHECKING:
    from ddad.model.detection import Detection
    from ddad.model.detector import Detector

THUMBNAIL = 192
"""Longest side of a thumbnail, pixels."""


class Session(Kept):
    """Made by `Store.open`; holds no state but where its work lies, so threads may share it."""

    def __init__(self, rows: Rows, mirror: Mirror | None = None) -> None:
        super().__init__(rows)
        self.photographs, self.trained = Photographs(rows), Trained(rows)
        self.imports = Imports(rows)
        self.limits, self._mirror = rows.limits, mirror

    def add(self, name: str, pixels: np.ndarray, note: str = "", kind: str = "") -> Item:
        """Keep an image, uint8 (H, W, 3), as an item in state "waiting".

        `kind` is "good" or a kind of defect where that is known. Raises StoreError where the
        session is full.
        """
        self._rows.expect(1)  # its size as a PNG is known once it is written
        item, (height, width) = secrets.token_hex(8), pixels.shape[:2]
        folder = self._rows.folder / item
        small = Image.fromarray(pixels)
        small.thumbnail((THUMBNAIL, THUMBNAIL), reducing_gap=2)
        new = {
            "pixels": put_png(folder, "pixels", pixels),
            "thumb": put(folder, "thumb", ".jpg", lambda f: small.save(f, "JPEG", quality=85)),
        }
        known = {"kind": plain(kind, 200), "digest": digest(pixels)}
        size = {"width": width, "height": height}
        self._rows.create(item, name, new, note=plain(note), state="waiting", **size, **known)
        return self.item(item)

    def fail(self, name: str, error: str) -> Item:
        """Keep the name and the error of an image that could not be used."""
        item = secrets.token_hex(8)
        self._rows.create(item, name, {}, note="", state="failed", error=plain(error))
        return self.item(item)

    def record(self, item_id: str, found: Detection, detector: Detector) -> Item:
        """Keep a model's result in place of the one before; a decision stays, with its mask."""
        item = self.item(item_id)
        check_shape(item, found.score_map, "score map")
        result = Result.of(found, detector)
        score_map = np.ascontiguousarray(found.score_map, np.float32)
        maps: dict[str, Any] = {
            scale.name: np.asarray(scale.map, np.float32) for scale in found.scales
        }
        folder = self._rows.folder / item_id
        new = {
            "map": put(folder, "map", ".npy", lambda f: np.save(f, score_map, allow_pickle=False)),
            "scales": put(folder, "scales", ".npz", lambda f: np.savez(f, **maps)),
        }
        ignore = self.ignore(item_id)
        score = loudest(score_map, ignore, result.composition)
        marked = extent(cut(item, None, score_map, ignore, result.threshold, 1))

        def change(row: Any) -> tuple[str, ...]:
            row.state, row.error, row.result, row.score = "scored", "", result.to_json(), score
            edited = row.review and Review.from_json(row.review).edited
            if row.decision != "undecided" or edited:
                return ()
            row.area, row.regions = marked
            row.review = None  # a threshold on the last result's map, which is gone
            return ("mask",)

        self._rows.change(item_id, new, change)
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
        revision: int | None = None,
    ) -> Item:
        """Keep a review in place of the one before; a decision also goes to the log.

        `mask` is the edited mask, bool (H, W), kept as it is drawn; None is the model's mask at
        the threshold without regions under `min_area`. `ignore` is True where nothing counts,
        None for no such zone; it is cut out of either mask and out of the item's score. A
        good part keeps what was drawn, but its final mask is empty. `desk` is JSON that the page
        needs to show its desk again as it was left, kept as it is. Raises
        StoreError for a wrong shape or value, or a mask of None where there is no result, and
        ConflictError where the item is no longer of the `revision` that the reviewer saw.
        """
        item = self.item(item_id)
        review = checked_review(
            item, mask, ignore, threshold, min_area, decision, regions, reviewer
        )
        score_map = self.score_map(item_id) if item.result else None
        composition = item.result.composition if item.result else None
        final = cut(item, mask, score_map, ignore, threshold, min_area)
        area, count = (0, 0) if decision == "good" else extent(final)
        new = self._review_files(item_id, final, ignore, desk)

        def change(row: Any) -> tuple[str, ...]:
            if revision not in (None, row.revision):
                raise ConflictError("this image has been changed from another page")
            before, row.decision, row.review = row.decision, decision, review.to_json()
            row.area, row.regions = area, count
            if score_map is not None:
                row.score = loudest(score_map, ignore, composition)
            if not decision == before == "undecided":  # a moved slider is no decision
                self._log(row, review, area)
            return tuple(kind for kind in ("ignore", "desk") if kind not in new)

        self._rows.change(item_id, new, change)
        item = self.item(item_id)
        if self._mirror and decision != "undecided":
            self._mirror.keep(item, self.final_mask(item_id))
        return item

    def _review_files(
        self, item_id: str, mask: np.ndarray, ignore: np.ndarray | None, desk: str | None
    ) -> dict[str, Path]:
        folder = self._rows.folder / item_id
        new = {"mask": put_png(folder, "mask", mask)}
        if ignore is not None:
            new["ignore"] = put_png(folder, "ignore", np.asarray(ignore, bool))
        if desk is not None:
            new["desk"] = put(folder, "desk", ".json", lambda f: f.write(desk.encode()))
        return new

    def _log(self, row: Any, review: Review, area: int) -> None:
        line = self._tables.log(
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
        line.bytes = sum(len(getattr(line, name)) for name in LOG_TEXTS)
        line.save()

    def set_truth(self, item_id: str, mask: np.ndarray | None) -> Item:
        """Keep the true mask, bool (H, W), for evaluation on the page; None takes it away."""
        new = {}
        if mask is not None:
            check_shape(self.item(item_id), mask, "true mask")
            new["truth"] = put_png(self._rows.folder / item_id, "truth", np.asarray(mask, bool))
        self._rows.change(item_id, new, lambda row: () if new else ("truth",))
        return self.item(item_id)

    def describe(self, item_id: str, *, note: str | None = None, kind: str | None = None) -> None:
        """Replace its note, and the kind that it is known to be of."""

        def change(row: Any) -> tuple[str, ...]:
            row.note = row.note if note is None else plain(note)
            row.kind = row.kind if kind is None else plain(kind, 200)
            return ()

        self._rows.change(item_id, {}, change)

    def name_classes(self, names: Sequence[str]) -> list[str]:
        """Keep the kinds of defects in place of those before: blank ones and repetitions go.

        Raises StoreError for more than the page allows.
        """
        kept = list(dict.fromkeys(plain(name.strip(), 60) for name in names if name.strip()))
        if len(kept) > self.limits.classes:
            raise StoreError(f"a project has at most {self.limits.classes} classes")
        table = self._tables.sessions
        with self._tables.transaction():
            table.update(classes=json.dumps(kept)).where(table.id == self.id).execute()
        return kept

    def remove(self, item_id: str) -> None:
        """Delete an item and its files, in the mirror too; its lines in the decision log stay."""
        self._rows.remove(item_id)
        if self._mirror:
            self._mirror.forget([item_id])

    def clear(self) -> None:
        """Delete every item, and the masks that wait."""
        for item in self.items():
            self.remove(item.id)
        self.imports.clear()
