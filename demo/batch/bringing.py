"""Masks onto the session's items: what is sure is put on, what is not waits for a person's word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ddad.data.truth import Imported, read_marks
from ddad.images.files import shown
from ddad.images.guard import ImageError
from demo.batch.whose import Answer
from demo.shared.pictures import data_url, encoded
from demo.store.records import Item, StoreError, plain
from demo.store.session import Session
from demo.store.waiting import Role, Waiting

LISTED = 300
"""Most lines of each kind that are kept of what an import did."""
THUMB = 72
"""Longest side of a mask's small picture, pixels."""


class Bringing:
    """One import. With `drafts_at`, a threshold, masks become drafts to correct, else the truth."""

    def __init__(
        self,
        session: Session,
        drafts_at: float | None = None,
        before: Mapping[str, Any] | None = None,
    ) -> None:
        """`before` is the report of an import that goes on."""
        before = before or {}
        self.session, self.drafts_at = session, drafts_at
        self.role: Role = "truth" if drafts_at is None else "draft"
        self._matched = [tuple(each) for each in before.get("matched", ())]
        self._count = int(before.get("count", 0))
        self._notes = list(before.get("notes", ()))

    def say(self, note: str) -> None:
        """A sentence on the import as a whole."""
        self._notes.append(plain(note))

    def report(self) -> dict[str, Any]:
        """What it did, for `Imports.keep_report`."""
        notes, more = self._notes[:LISTED], len(self._notes) - LISTED
        return {
            "role": self.role,
            "count": self._count,
            "matched": self._matched[:LISTED],
            "notes": [*notes, f"and {more} more"] if more > 0 else notes,
        }

    def label(self, item: Item) -> None:
        """What its folder says of an item that was just added can be undone, and a good part's
        truth is that nothing is marked."""
        self.session.imports.remember(item.id, "truth", kind="")
        if item.kind == "good" and self.role == "truth":
            self.session.set_truth(item.id, np.zeros((item.height, item.width), bool))
        self.session.imports.seal(item.id, "truth")

    def file(self, name: str, path: Path, answer: Answer, drawn: Imported | None = None) -> None:
        """A mask in an image file, for the item of the answer.

        `drawn` is a mask of that item by outlines, whose labels are kept where both are the same.
        """
        try:
            found = read_marks(path)
        except ImageError as error:
            self._no_mask(about(error, path, name), answer)
            return
        if drawn is not None and np.array_equal(drawn.mask, found.mask):
            found = drawn
        elif drawn is not None:
            self.say(f"{shown(Path(name))} was used, not the outlines of the same image")
        self.mask(name, found, answer)

    def mask(self, name: str, found: Imported, answer: Answer) -> None:
        """A mask, for the item of the answer; if that is not sure, it waits."""
        if answer.item is None:
            self.hold(name, found, answer.why, answer.candidates)
            return
        item = self.session.item(answer.item)
        if found.mask.shape != (item.height, item.width):
            self._no_mask(_other_size(name, found.mask, item), answer)
        elif why := self._against(item, found.mask):
            self.hold(name, found, why, (item.id,))
        else:
            self.put(item, name, found)

    def hold(self, name: str, found: Imported, why: str, candidates: Sequence[str]) -> None:
        """Let a mask wait, with the items that it may be for."""
        small = Image.fromarray(found.mask.astype(np.uint8) * 255)
        small.thumbnail((THUMB, THUMB), Image.Resampling.BOX)
        thumb = data_url(encoded(small.point(lambda level: 255 if level else 0), "PNG"), "png")
        self.session.imports.waiting.hold(
            found.mask,
            name=name,
            why=why,
            how=found.how,
            role=self.role,
            thumb=thumb,
            candidates=candidates,
            labels=found.labels,
        )

    def put(self, item: Item, name: str, found: Imported) -> None:
        """Put a mask on an item; what was there before can be had again."""
        session, role = self.session, self.role
        session.imports.remember(item.id, role)
        if role == "truth":
            session.set_truth(item.id, found.mask)
        else:
            session.review(
                item.id,
                mask=found.mask,
                ignore=session.ignore(item.id),
                threshold=(self.drafts_at or 0.0) if item.threshold is None else item.threshold,
                decision="undecided",
                regions=found.labels,
            )
        if found.how not in ("", "0 and 255"):  # as masks mostly are
            self._annotate(item, f"mask read as {found.how}")
        session.imports.seal(item.id, role)
        self._matched.append((plain(name), item.name, found.how))
        self._count += 1

    def confirm(self, pairs: Sequence[tuple[int, str]]) -> None:
        """Put masks that wait, by their numbers, on items, as a person says.

        Raises StoreError, one sentence, where that cannot be; then nothing has changed.
        """
        waiting = {each.id: each for each in self.session.imports.waiting.all()}
        chosen = [(waiting.get(number), self.session.item(item)) for number, item in pairs]
        taken: dict[str, Waiting] = {}
        for each, item in chosen:
            if each is None:
                raise StoreError("one of these masks waits no longer: reload the page")
            if (each.height, each.width) != (item.height, item.width):
                size = f"{each.width} x {each.height}"
                raise StoreError(
                    f"{shown(Path(each.name))} is of {size} pixels, {shown(Path(item.name))} of "
                    f"{item.width} x {item.height}"
                )
            if item.id in taken:
                both = f"{shown(Path(taken[item.id].name))} and {shown(Path(each.name))}"
                raise StoreError(f"{both} cannot both be the mask of {shown(Path(item.name))}")
            taken[item.id] = each
        for item_id, each in taken.items():
            mask, item = self.session.imports.waiting.mask(each), self.session.item(item_id)
            self.role = each.role
            self.put(item, each.name, Imported(mask, each.labels, each.how))
            if item.kind and (item.kind == "good") == bool(mask.any()):
                self.session.describe(item.id, kind="")  # the mask, as a person says, against it
            self.session.imports.waiting.drop([each])

    def _against(self, item: Item, mask: np.ndarray) -> str:
        """Why a mask by its name an item's may not be so."""
        if item.kind == "good" and mask.any():
            return "its image lies in a folder of good parts"
        if item.kind not in ("", "good") and not mask.any():
            return f"it marks nothing, and its image lies in a folder of defects, {item.kind}"
        return ""

    def _no_mask(self, sentence: str, answer: Answer) -> None:
        self.say(sentence)
        if answer.item is not None:
            self._annotate(self.session.item(answer.item), sentence)

    def _annotate(self, item: Item, text: str) -> None:
        if text and text not in item.note:
            self.session.describe(item.id, note=f"{item.note}; {text}" if item.note else text)


def about(error: Exception, path: Path, name: str) -> str:
    """An error's sentence about a file on the server, under the name that the visitor knows."""
    text, full = str(error), shown(path)
    return text.replace(full, name) if full in text else text.replace(path.name, name)


def _other_size(name: str, mask: np.ndarray, item: Item) -> str:
    found = "{1} x {0}".format(*mask.shape)
    wanted = f"{item.width} x {item.height}"
    return f"{shown(Path(name))} is of {found} pixels, its image of {wanted}: not used"
