"""The last import of masks: what it changed, so that it can be undone; masks that wait for a word.

A mask that waits changes nothing until a person says which image it is of. What an item had before
an import stays, under a second name, until the next import.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from demo.store.decision import cut, extent
from demo.store.files import link, read_png, size_of
from demo.store.records import Item, Review, StoreError
from demo.store.rows import Rows
from demo.store.waiting import Role, WaitingMasks

FILES: dict[Role, tuple[str, ...]] = {"truth": ("truth",), "draft": ("mask", "desk")}
"""What a mask of that role takes the place of; the first is the mask itself."""


class Imports:
    """Holds no state but where things lie."""

    def __init__(self, rows: Rows) -> None:
        self._rows, self._tables = rows, rows.tables
        self._before, self.waiting = rows.tables.before, WaitingMasks(rows)

    def begin(self) -> None:
        """A new import: the one before can no longer be undone, what waits goes on waiting."""
        files = [file for row in self._remembered() for file in _before_files(self._rows, row)]
        table = self._before
        with self._tables.transaction():
            table.delete().where(self._rows.mine(table)).execute()
            self.waiting.age()
        for file in files:
            file.unlink(missing_ok=True)
        self.keep_report({})

    def report(self) -> dict[str, Any]:
        """What `keep_report` was given last; empty where that was nothing yet."""
        table = self._tables.sessions
        with self._tables.reading():
            row = table.get_or_none(id=self._rows.session)
        with suppress(ValueError, AttributeError):
            return dict(json.loads(row.imported))
        return {}

    def keep_report(self, said: dict[str, Any]) -> None:
        """Keep what is said of the import, JSON."""
        table = self._tables.sessions
        with self._tables.transaction():
            text = json.dumps(said) if said else ""
            table.update(imported=text).where(table.id == self._rows.session).execute()

    def clear(self) -> None:
        """Nothing waits, and nothing can be undone."""
        self.waiting.drop(self.waiting.all())
        self.begin()

    def remember(self, item_id: str, role: Role, kind: str | None = None) -> None:
        """An item as it is, before a mask of that role is put on it; the first time counts.

        It is remembered as of this `kind`, if one is given.
        """
        row, table = self._rows.row(item_id), self._before
        with self._tables.reading():
            if table.select().where(self._rows.mine(table, item=item_id, role=role)).exists():
                return
        kept = {}
        for which, name in json.loads(row.files).items():
            if which in FILES[role]:
                link(self._rows.folder / item_id / name, self._rows.folder / "before" / name)
                kept[which] = name
        values = {each: getattr(row, each) for each in ("note", "kind", "review", "decision")}
        values["kind"] = values["kind"] if kind is None else kind
        texts = {"values": json.dumps(values), "files": json.dumps(kept)}
        files = [self._rows.folder / "before" / name for name in kept.values()]
        size = size_of(*files) + sum(map(len, texts.values()))
        own = {"session": self._rows.session, "item": item_id, "role": role, "bytes": size}
        with self._tables.transaction():
            self._rows.make_room(size)
            table.create(**own, **texts)

    def seal(self, item_id: str, role: Role) -> None:
        """Take note of the mask that was put on: if another is there later, that one stays."""
        file = json.loads(self._rows.row(item_id).files).get(FILES[role][0], "")
        table = self._before
        with self._tables.transaction():
            mine = self._rows.mine(table, item=item_id, role=role)
            table.update(after=file).where(mine).execute()

    def can_undo(self) -> bool:
        """Whether the last import changed anything or left anything waiting."""
        return bool(self._remembered() or self.waiting.all(latest=True))

    def undo(self) -> int:
        """Every item as it was before the import; its photographs stay. How many masks stay, as a
        person has changed them since."""
        stay = sum(not self._restore(row) for row in self._remembered())
        self.waiting.drop(self.waiting.all(latest=True))
        self.begin()
        return stay

    def _remembered(self) -> list[Any]:
        """The latest first: of an item that changed twice the state before both comes last."""
        table = self._before
        with self._tables.reading():
            return list(table.select().where(self._rows.mine(table)).order_by(table.id.desc()))

    def _restore(self, before: Any) -> bool:
        try:
            now = self._rows.row(before.item)
        except StoreError:  # it was removed
            return True
        files, own = json.loads(now.files), FILES[before.role]
        if before.after and files.get(own[0]) != before.after:
            return False
        folder, kept = self._rows.folder, json.loads(before.files)
        new = {}
        for kind, name in kept.items():
            new[kind] = folder / before.item / f"{Path(name).stem}-again{Path(name).suffix}"
            link(folder / "before" / name, new[kind])
        values = json.loads(before.values)
        marked = self._marked(now, new.get("mask"), values) if before.role == "draft" else None

        def change(row: Any) -> tuple[str, ...]:
            row.note, row.kind = values["note"], values["kind"]
            if before.role == "draft":
                row.review, row.decision = values["review"], values["decision"]
                row.area, row.regions = marked or (None, None)
            return tuple(kind for kind in own if kind not in new)

        self._rows.change(before.item, new, change)
        return True

    def _marked(
        self, row: Any, mask: Path | None, values: dict[str, Any]
    ) -> tuple[int, int] | None:
        """Pixels and regions of the mask that was there, or that of a result which came since."""
        if values["review"] and mask is not None:
            good = Review.from_json(values["review"]).decision == "good"
            return (0, 0) if good else extent(read_png(mask))
        item = Item.of(row)
        if item.result is None:
            return None
        score_map = self._rows.read(item.id, "map", "result", np.load)
        ignore = self._rows.read(item.id, "ignore", "zone", read_png) if item.has_ignore else None
        return extent(cut(item, None, score_map, ignore, item.result.threshold, 1))


def _before_files(rows: Rows, before: Any) -> list[Path]:
    return [rows.folder / "before" / name for name in json.loads(before.files).values()]
