"""The rows and files of one session: both change together or not at all."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from shutil import disk_usage
from typing import Any

from demo.limits import Limits
from demo.store.files import size_of
from demo.store.records import StoreError, now, plain
from demo.store.tables import Tables
from demo.store.versions import ITEM_TEXTS

ITEM_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)
GONE = "there is no such image in this session"


class Rows:
    """`folder` is the session's; its name is the session's id."""

    def __init__(self, tables: Tables, folder: Path, limits: Limits) -> None:
        self.tables = tables
        self.folder = folder
        self.session = folder.name
        self.limits = limits

    def mine(self, table: Any, **values: Any) -> Any:
        """The condition that a row of a table is this session's, and of these values."""
        found = table.session == self.session
        for name, value in values.items():
            found &= getattr(table, name) == value
        return found

    def row(self, item: str) -> Any:
        """Raises StoreError where this session has no such item."""
        with self.tables.reading():
            return self._find(item)

    def read(self, item: str, kind: str, noun: str, load: Callable[[Path], Any]) -> Any:
        """A file of the item; one that is replaced before it is open is looked up again."""
        for _ in range(5):
            name = json.loads(self.row(item).files).get(kind)
            if name is None:
                raise StoreError(f"this image has no {noun} yet")
            try:
                return load(self.folder / item / name)
            except FileNotFoundError:
                continue
        raise StoreError(f"the {noun} of this image is gone: upload it again")

    def create(self, item: str, name: str, new: dict[str, Path], **values: Any) -> None:
        """A row for an item and its new files. Raises StoreError where the session is full."""
        try:
            with self.tables.transaction():
                row = self.tables.items(
                    id=item,
                    session=self.session,
                    name=plain(name),
                    added=now(),
                    files=json.dumps({kind: path.name for kind, path in new.items()}),
                    **values,
                )
                row.bytes = size_of(*new.values()) + _text(row)
                self.make_room(row.bytes, images=1)
                row.save(force_insert=True)
        except BaseException:
            self._delete(item, new.values())
            raise

    def change(
        self,
        item: str,
        new: dict[str, Path],
        change: Callable[[Any], Iterable[str]],
    ) -> None:
        """Name the new files in the row, change it, and only then delete what they replace.

        `change` gets the row as it is now and returns the kinds of files to let go.
        """
        try:
            with self.tables.transaction():
                row = self._find(item)
                files, before = json.loads(row.files), _text(row)
                drop = {*new, *change(row)}
                names = [files.pop(kind) for kind in drop if kind in files]
                old = [self.folder / item / name for name in names]
                size = size_of(*new.values()) - size_of(*old) + _text(row) - before
                self.make_room(size)
                files |= {kind: path.name for kind, path in new.items()}
                row.files, row.bytes = json.dumps(files), row.bytes + size
                row.revision += 1
                row.save()
        except BaseException:
            self._delete(item, new.values())
            raise
        self._delete(item, old)

    def remove(self, item: str) -> None:
        with self.tables.transaction():
            row = self._find(item)
            row.delete_instance()
            self._touch()
        self._delete(item, [self.folder / item / name for name in json.loads(row.files).values()])

    def used(self) -> tuple[int, int]:
        """Bytes of all that the session keeps, and its images."""
        with self.tables.reading():
            return self.tables.held(self.session)[:2]

    def expect(self, size: int) -> None:
        """Before so many bytes are written. Raises StoreError where there is no room for them."""
        with self.tables.reading():
            self.check_room(size)

    def make_room(self, size: int, images: int = 0) -> None:
        """Within a transaction; raises StoreError where the session is over, or something full."""
        self.check_room(size, images)
        self._touch()

    def check_room(self, size: int, images: int = 0) -> None:
        """Within a transaction, of reading or writing: `make_room` without a change."""
        if not self.tables.sessions.get_or_none(id=self.session):
            raise StoreError("this session is over: reload the page")
        used, number, total = self.tables.held(self.session)
        quota = self.limits.quota_bytes
        if size > 0 and used + size > quota:
            raise StoreError(
                f"this session holds {used / 1e6:.1f} MB of at most {quota / 1e6:.1f} MB: export "
                "your work and remove images, photographs or models to go on"
            )
        if images and number + images > self.limits.images:
            raise StoreError(
                f"this session holds {number} images, the most it can: export your work and "
                "remove images to go on"
            )
        if size > 0 and total + size > self.limits.machine_bytes:
            raise StoreError("this server's space for all visitors is used up: try again later")
        if size > 0 and disk_usage(self.folder.parent).free - size < self.limits.free_bytes:
            raise StoreError("this server's disk is full: try again later, or tell its operator")

    def _find(self, item: str) -> Any:
        if not isinstance(item, str) or not ITEM_ID.fullmatch(item):
            raise StoreError(GONE)
        found = self.tables.items.get_or_none(id=item, session=self.session)
        if found is None:
            raise StoreError(GONE)
        return found

    def _touch(self) -> None:
        table = self.tables.sessions
        table.update(touched=time.time()).where(table.id == self.session).execute()

    def _delete(self, item: str, files: Iterable[Path]) -> None:
        for file in files:
            file.unlink(missing_ok=True)
        with suppress(OSError):  # it holds other files
            (self.folder / item).rmdir()


def _text(row: Any) -> int:
    """Characters of the row itself, which count as its files do."""
    return sum(len(getattr(row, name) or "") for name in ITEM_TEXTS)
