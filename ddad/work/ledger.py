"""The rows of all files that a watch has scored, in SQLite: on disk when `add` returns."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ddad.images.files import shown

Version = tuple[str, int, int]
"""Relative path, bytes and modification time in nanoseconds: another version is another file."""

PASSING = frozenset(
    (
        *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR),
        *(sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM),
        sqlite3.SQLITE_NOMEM,
    )
)
"""What SQLite says of a disk or of a neighbour; all else it says of the ledger itself."""


class Ledger:
    """Every method raises OSError where the disk refuses for now, ValueError for a damaged file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._told():
            self._db = sqlite3.connect(path)
        try:
            with self._told():
                self._db.execute(
                    "CREATE TABLE IF NOT EXISTS scored "
                    "(path TEXT, bytes INT, mtime INT, row TEXT, PRIMARY KEY (path, bytes, mtime))"
                )
                self._db.commit()
            self._place = _place(path)
        except Exception:
            self._db.close()
            raise

    def check(self) -> None:
        """Raises OSError where the file is gone or another: SQLite would go on in the lost one."""
        if self._path.exists() and _place(self._path) == self._place:
            return
        raise OSError(f"the ledger {shown(self._path)} is gone, or another took its place")

    def versions(self) -> set[Version]:
        with self._told():
            rows = self._db.execute("SELECT path, bytes, mtime FROM scored").fetchall()
        return {(os.fsdecode(path), size, mtime) for path, size, mtime in rows}

    def rows(self) -> list[dict[str, Any]]:
        with self._told():
            found = self._db.execute("SELECT row FROM scored ORDER BY rowid").fetchall()
            return [json.loads(row) for (row,) in found]

    def add(self, version: Version, row: dict[str, Any]) -> None:
        """Commit a row, or nothing."""
        path, size, mtime = version
        with self._told():
            self._db.execute(
                "INSERT INTO scored VALUES (?, ?, ?, ?)",
                (_stored(path), size, mtime, json.dumps(row)),
            )
            self._db.commit()

    def close(self) -> None:
        with suppress(sqlite3.Error):
            self._db.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, ValueError, TypeError) as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if hasattr(self, "_db"):
                with suppress(sqlite3.Error):
                    self._db.rollback()
            if code in PASSING:
                raise OSError(f"the ledger {shown(self._path)} cannot be used: {error}") from error
            raise ValueError(
                f"the ledger {shown(self._path)} is damaged ({error}): put a copy of it back, or "
                "move it away and every image is scored again"
            ) from error


def _place(path: Path) -> tuple[int, int]:
    """What tells a file from another that has taken its name."""
    stat = path.stat()
    return stat.st_dev, stat.st_ino


def _stored(path: str) -> str | bytes:
    """A path as SQLite takes it: text, or the bytes of one that is no Unicode."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path
