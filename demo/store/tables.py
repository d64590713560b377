"""The store's schema, and files that appear whole or not at all."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import numpy as np
import peewee
from PIL import Image

from demo.store.records import StoreError

VERSION = 1
"""Of the schema, in SQLite's `user_version`."""


class Tables:
    """One database file. Every thread has its own connection, held for one transaction."""

    def __init__(self, path: Path) -> None:
        pragmas = {"journal_mode": "wal", "synchronous": "normal", "foreign_keys": 1}
        self.database = peewee.SqliteDatabase(str(path), pragmas=pragmas, timeout=30)
        tables = _schema(self.database)
        self.sessions, self.items, self.log = tables.Session, tables.Item, tables.Log
        with self.transaction():
            (found,) = self.database.execute_sql("PRAGMA user_version").fetchone()
            if found not in (0, VERSION):
                raise StoreError(
                    f"{path.name} is of version {found}, this program writes version {VERSION}: "
                    "use another folder"
                )
            self.database.create_tables([tables.Session, tables.Item, tables.Log])
            self.database.execute_sql(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and one writer at a time; not to be nested."""
        with self.database.connection_context(), self.database.atomic("IMMEDIATE"):
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A consistent view, beside any writer."""
        with self.database.connection_context(), self.database.atomic():
            yield

    def files(self) -> set[str]:
        """Every file that a row names, as `<session>/<item>/<file>`."""
        table = self.items
        with self.reading():
            rows = list(table.select(table.id, table.session_id, table.files).tuples())
        return {
            str(Path(session, item, name))
            for item, session, files in rows
            for name in json.loads(files).values()
        }


def _schema(database: peewee.SqliteDatabase) -> SimpleNamespace:
    class Base(peewee.Model):
        class Meta:
            pass

    class Session(Base):
        id = peewee.TextField(primary_key=True)
        created = peewee.FloatField()
        touched = peewee.FloatField(index=True)

        class Meta:
            table_name = "session"

    class Item(Base):
        id = peewee.TextField(primary_key=True)
        session = peewee.ForeignKeyField(Session, on_delete="CASCADE", backref="items")
        name = peewee.TextField()
        note = peewee.TextField()
        state = peewee.TextField()
        error = peewee.TextField(default="")
        width = peewee.IntegerField(default=0)
        height = peewee.IntegerField(default=0)
        added = peewee.TextField()
        score = peewee.FloatField(null=True)
        area = peewee.IntegerField(null=True)
        regions = peewee.IntegerField(null=True)
        result = peewee.TextField(null=True)
        review = peewee.TextField(null=True)
        decision = peewee.TextField(default="undecided")
        files = peewee.TextField(default="{}")
        """Kind to file name, JSON."""
        bytes = peewee.IntegerField(default=0)

        class Meta:
            table_name = "item"

    class Log(Base):
        session = peewee.ForeignKeyField(Session, on_delete="CASCADE")
        at = peewee.TextField()
        item = peewee.TextField()
        name = peewee.TextField()
        reviewer = peewee.TextField()
        decision = peewee.TextField()
        threshold = peewee.FloatField()
        min_area = peewee.IntegerField()
        area = peewee.IntegerField()
        model = peewee.TextField()
        fingerprint = peewee.TextField()
        labels = peewee.TextField()
        """JSON list of texts."""

        class Meta:
            table_name = "log"

    database.bind([Session, Item, Log])
    return SimpleNamespace(Session=Session, Item=Item, Log=Log)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A name to write a file under, which becomes `path` when all went well and else is deleted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{secrets.token_hex(6)}.part{path.suffix}")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def put(folder: Path, kind: str, suffix: str, write: Callable[[BinaryIO], Any]) -> Path:
    """A new file `<kind>-<random><suffix>` in the folder, whole or not at all."""
    path = folder / f"{kind}-{secrets.token_hex(6)}{suffix}"
    with whole(path) as part, part.open("xb") as file:
        write(file)
    return path


def put_png(folder: Path, kind: str, array: np.ndarray) -> Path:
    """uint8 (H, W, 3), or bool (H, W) as a bitmap of one bit a pixel."""
    image = Image.fromarray(array)
    return put(folder, kind, ".png", lambda file: image.save(file, "PNG", compress_level=1))


def read_png(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image)
