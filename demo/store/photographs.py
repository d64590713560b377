"""The photographs of good parts that a visitor trains on, and those that he left out."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from peewee import fn

from ddad.images.files import write_whole
from demo.store.files import link
from demo.store.records import StoreError, now, plain
from demo.store.rows import Rows


class Photographs:
    """`folder` has those in use and nothing else: it is what `ddad train` is given."""

    def __init__(self, rows: Rows) -> None:
        self._rows, self._table = rows, rows.tables.photographs
        self.limits = rows.limits
        self.folder = rows.folder / "photographs"
        self._aside = rows.folder / "left_out"

    def add(self, path: Path, name: str) -> None:
        """Keep a copy of a file, under the visitor's name for it. Raises StoreError where the
        session is full."""
        table, limits = self._table, self.limits
        token = secrets.token_hex(4)
        kept = self.folder / f"{self._number():05}-{token}{path.suffix.lower()}"
        with write_whole(kept) as part:
            shutil.copyfile(path, part)
        size = kept.stat().st_size
        values = {"file": kept.name, "name": plain(name), "bytes": size, "added": now()}
        try:
            with self._rows.tables.transaction():
                count, held = (
                    table.select(fn.COUNT(table.id), fn.COALESCE(fn.SUM(table.bytes), 0))
                    .where(self._rows.mine(table, left_out=False))
                    .scalar(as_tuple=True)
                )
                if count >= limits.photographs or held + size > limits.photograph_bytes:
                    raise StoreError(
                        f"that is more than {limits.photographs} photographs or "
                        f"{limits.photograph_bytes // 10**6} MB: what fitted was kept"
                    )
                self._rows.make_room(size)
                table.create(session=self._rows.session, **values)
        except BaseException:
            kept.unlink(missing_ok=True)
            raise

    def names(self) -> dict[str, str]:
        """File name here to the visitor's name, of those in use, in the order of the files."""
        return self._names(left_out=False)

    def files(self) -> list[Path]:
        """Those in use, in a fixed order."""
        return [self.folder / name for name in self.names()]

    def left_out(self) -> list[Path]:
        """Those put aside."""
        return [self._aside / name for name in self._names(left_out=True)]

    def leave_out(self, files: Iterable[str]) -> None:
        """Put some of those in use aside, by their file names here."""
        table, chosen = self._table, sorted(set(files) & set(self.names()))
        for name in chosen:
            link(self.folder / name, self._aside / name)
        with self._rows.tables.transaction():
            for name in chosen:
                table.update(left_out=True).where(self._rows.mine(table, file=name)).execute()
        for name in chosen:
            (self.folder / name).unlink(missing_ok=True)

    def delete_left_out(self) -> None:
        """Delete those put aside, which count towards what the visitor may keep."""
        table, files = self._table, self.left_out()
        with self._rows.tables.transaction():
            table.delete().where(self._rows.mine(table, left_out=True)).execute()
        for file in files:
            file.unlink(missing_ok=True)

    def findings(self) -> dict[str, Any]:
        """What `keep_findings` was given last; empty where that was nothing yet."""
        table = self._rows.tables.sessions
        with self._rows.tables.reading():
            row = table.get_or_none(id=self._rows.session)
        with suppress(ValueError, AttributeError):
            return dict(json.loads(row.findings))
        return {}

    def keep_findings(self, found: dict[str, Any]) -> None:
        table = self._rows.tables.sessions
        with self._rows.tables.transaction():
            table.update(findings=json.dumps(found)).where(table.id == self._rows.session).execute()

    def _names(self, left_out: bool) -> dict[str, str]:
        table = self._table
        query = table.select(table.file, table.name)
        with self._rows.tables.reading():
            mine = query.where(self._rows.mine(table, left_out=left_out))
            return dict(mine.order_by(table.file).tuples())

    def _number(self) -> int:
        with self._rows.tables.reading():
            return self._table.select().where(self._rows.mine(self._table)).count()
