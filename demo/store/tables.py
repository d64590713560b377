"""The store's schema, and how a database of the version before becomes one of this."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import peewee

from demo.store.records import StoreError

VERSION = 2
"""Of the schema, in SQLite's `user_version`."""
ITEM_TEXTS = ("name", "note", "error", "result", "review")
LOG_TEXTS = ("name", "reviewer", "model", "fingerprint", "labels")
"""Columns whose length counts towards a session's bytes, as its files do."""


class Tables:
    """One database file. Every thread has its own connection, held for one transaction."""

    def __init__(self, path: Path) -> None:
        pragmas = {"journal_mode": "wal", "synchronous": "normal", "foreign_keys": 1}
        self.database = peewee.SqliteDatabase(str(path), pragmas=pragmas, timeout=30)
        tables = _schema(self.database)
        self.sessions, self.items, self.log = tables.Session, tables.Item, tables.Log
        self.photographs, self.models = tables.Photograph, tables.Model
        self.trainings = tables.Training
        with self.transaction():
            (found,) = self.database.execute_sql("PRAGMA user_version").fetchone()
            if found not in (0, 1, VERSION):
                raise StoreError(
                    f"{path.name} is of version {found}, this program writes version {VERSION}: "
                    "use another folder"
                )
            if found == 1:
                _from_version_1(self.database)
            self.database.create_tables(list(vars(tables).values()))
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
        """What rows name, as `<session>/<item>/<file>`, `<session>/photographs/<file>`,
        `<session>/left_out/<file>`; a model is a folder, `<session>/models/<name>`, and a ZIP."""
        items, photos, models = self.items, self.photographs, self.models
        with self.reading():
            kept = list(items.select(items.id, items.session_id, items.files).tuples())
            taken = list(photos.select(photos.session_id, photos.file, photos.left_out).tuples())
            trained = list(models.select(models.session_id, models.name).tuples())
        named = {
            f"{session}/{item}/{name}"
            for item, session, files in kept
            for name in json.loads(files).values()
        }
        named |= {f"{s}/{'left_out' if aside else 'photographs'}/{f}" for s, f, aside in taken}
        named |= {f"{session}/models/{name}" for session, name in trained}
        return named | {f"{session}/zips/{name}.zip" for session, name in trained}


def _from_version_1(database: peewee.SqliteDatabase) -> None:
    """Within a transaction; the tables that were not there are made afterwards."""
    for command in (
        "ALTER TABLE session ADD COLUMN findings TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE session ADD COLUMN earlier INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE log ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0",
        f"UPDATE log SET bytes = {_lengths(LOG_TEXTS)}",
        f"UPDATE item SET bytes = bytes + {_lengths(ITEM_TEXTS)}",
    ):
        database.execute_sql(command)


def _lengths(columns: tuple[str, ...]) -> str:
    return " + ".join(f"LENGTH(COALESCE({name}, ''))" for name in columns)


def _schema(database: peewee.SqliteDatabase) -> SimpleNamespace:
    class Session(peewee.Model):
        id = peewee.TextField(primary_key=True)
        created = peewee.FloatField()
        touched = peewee.FloatField(index=True)
        findings = peewee.TextField(default="")
        """What a look over the photographs found, JSON."""
        earlier = peewee.BooleanField(default=False)
        """Whether it was read over from `training/<key>` and may be joined to another."""

        class Meta:
            table_name = "session"

    def session(**how: Any) -> peewee.ForeignKeyField:
        return peewee.ForeignKeyField(Session, on_delete="CASCADE", **how)

    models: list[type[peewee.Model]] = [Session, _item(session()), _log(session())]
    models += _trained(session)
    database.bind(models)
    return SimpleNamespace(**{model.__name__: model for model in models})


def _item(of: peewee.ForeignKeyField) -> type[peewee.Model]:
    class Item(peewee.Model):
        id = peewee.TextField(primary_key=True)
        session = of
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

    return Item


def _log(of: peewee.ForeignKeyField) -> type[peewee.Model]:
    class Log(peewee.Model):
        session = of
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
        bytes = peewee.IntegerField(default=0)

        class Meta:
            table_name = "log"

    return Log


def _trained(of: Callable[..., peewee.ForeignKeyField]) -> tuple[type[peewee.Model], ...]:
    class Photograph(peewee.Model):
        session = of()
        file = peewee.TextField()
        name = peewee.TextField()
        left_out = peewee.BooleanField(default=False)
        bytes = peewee.IntegerField()
        added = peewee.TextField()

        class Meta:
            table_name = "photograph"

    class Training(peewee.Model):
        session = of(unique=True)
        name = peewee.TextField()
        branch = peewee.TextField()
        minutes = peewee.FloatField()
        fpr = peewee.FloatField()
        state = peewee.TextField(index=True)
        since = peewee.FloatField()
        pid = peewee.IntegerField()
        born = peewee.FloatField()
        attempts = peewee.IntegerField()
        message = peewee.TextField()

        class Meta:
            table_name = "training"

    class Model(peewee.Model):
        session = of()
        name = peewee.TextField()
        bytes = peewee.IntegerField(default=0)

        class Meta:
            table_name = "model"
            indexes = ((("session", "name"), True),)

    return Photograph, Training, Model
