"""The photographs of good parts that a visitor trains on, and those that he left out."""

from __future__ import annotations

import json
import secrets
import shutil
from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from peewee import fn

from ddad.images.files import write_text, write_whole
from demo.store.files import link
from demo.store.records import StoreError, now, plain
from demo.store.rows import Rows
from demo.store.tables import PARTS


class Photographs:
    """`folder` has those in use, and the table of their parts: it is what `ddad train` is given."""

    def __init__(self, rows: Rows) -> None:
        self._rows, self._table = rows, rows.tables.photographs
        self.limits = rows.limits
        self.folder = rows.folder / "photographs"
        self._aside = rows.folder / "left_out"

    def add(self, path: Path, name: str, asked: str = "", part: str = "") -> None:
        """Keep a copy of a file, under the visitor's name for it. Raises StoreError where the
        session is full.

        One `asked` after, by the words for its folder, lies aside until `answer`. `part` is what
        it shows, where that is told: photographs of one part share it.
        """
        token = f"{secrets.randbelow(10**10):010}"  # hexadecimals can spell "bad", as of a defect
        folder = self._aside if asked else self.folder
        kept = folder / f"{self._number():05}-{token}{path.suffix.lower()}"
        self._rows.expect(path.stat().st_size)
        with write_whole(kept) as whole:
            shutil.copyfile(path, whole)
        size = kept.stat().st_size
        values = {"file": kept.name, "name": plain(name), "bytes": size, "added": now()}
        values |= {"left_out": bool(asked), "asked": plain(asked), "part": plain(part)}
        try:
            with self._rows.tables.transaction():
                if not asked and not self._fits(1, size):
                    raise StoreError(f"{self._most()}: what fitted was kept")
                self._rows.make_room(size)
                self._table.create(session=self._rows.session, **values)
        except BaseException:
            kept.unlink(missing_ok=True)
            raise

    def asked(self) -> dict[str, int]:
        """How many lie aside until a person says whether they are good, by the words for their
        folders."""
        table = self._table
        with self._rows.tables.reading():
            rows = table.select(table.asked).where(self._waits()).order_by(table.id)
            return dict(Counter(asked for (asked,) in rows.tuples()))

    def answer(self, good: Collection[str]) -> int:
        """Take those of these folders, delete the others; how many are in use now.

        Raises StoreError where there is no room for them: then all go on waiting.
        """
        table = self._table
        with self._rows.tables.transaction():
            rows = list(table.select().where(self._waits()))
            taken = [row for row in rows if row.asked in good]
            if not self._fits(len(taken), sum(row.bytes for row in taken)):
                raise StoreError(f"{self._most()}: tick fewer folders")
            for row in taken:
                link(self._aside / row.file, self.folder / row.file)
            chosen = self._waits() & table.asked.in_(list(good))
            table.update(left_out=False, asked="").where(chosen).execute()
            table.delete().where(self._waits()).execute()
        for row in rows:
            (self._aside / row.file).unlink(missing_ok=True)
        return len(self.names())

    def names(self) -> dict[str, str]:
        """File name here to the visitor's name, of those in use, in the order of the files."""
        return self._names(left_out=False)

    def files(self) -> list[Path]:
        """Those in use, in a fixed order."""
        return [self.folder / name for name in self.names()]

    def parts(self) -> dict[str, str]:
        """File name here to the part that it shows, of those in use of which that is told."""
        table = self._table
        mine = self._rows.mine(table, left_out=False, asked="") & (table.part != "")
        with self._rows.tables.reading():
            rows = table.select(table.file, table.part).where(mine).order_by(table.file)
            return dict(rows.tuples())

    def write_parts(self) -> None:
        """The table of parts beside the photographs, which a training reads; none where nothing
        is told."""
        parts, path = self.parts(), self.folder / PARTS
        if not parts:
            path.unlink(missing_ok=True)
            return
        numbers = {part: number for number, part in enumerate(sorted(set(parts.values())), 1)}
        rows = [f"{file},{numbers[part]}" for file, part in parts.items()]
        write_text("\n".join(["file,part", *rows, ""]), path)

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
        """Delete the removed ones, which count towards what the visitor may keep."""
        table, files = self._table, self.left_out()
        with self._rows.tables.transaction():
            table.delete().where(self._rows.mine(table, left_out=True, asked="")).execute()
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
            mine = query.where(self._rows.mine(table, left_out=left_out, asked=""))
            return dict(mine.order_by(table.file).tuples())

    def _waits(self) -> Any:
        return self._rows.mine(self._table, left_out=True) & (self._table.asked != "")

    def _fits(self, more: int, size: int) -> bool:
        """Within a transaction: whether so many more may be in use."""
        table = self._table
        count, held = (
            table.select(fn.COUNT(table.id), fn.COALESCE(fn.SUM(table.bytes), 0))
            .where(self._rows.mine(table, left_out=False))
            .scalar(as_tuple=True)
        )
        limits = self.limits
        found: bool = count + more <= limits.photographs and held + size <= limits.photograph_bytes
        return found

    def _most(self) -> str:
        limits = self.limits
        return (
            f"that is more than {limits.photographs} photographs or "
            f"{limits.photograph_bytes // 10**6} MB"
        )

    def _number(self) -> int:
        with self._rows.tables.reading():
            found: int = self._table.select().where(self._rows.mine(self._table)).count()
            return found
