"""The store's schema; how a database of a version before becomes one of this is in `versions`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import peewee

from demo.store.records import StoreError
from demo.store.versions import VERSION, bring_up

PARTS = "groups.csv"
"""Beside photographs to train on: the table of the parts that they show."""


class Tables:
    """One database file. Every thread has its own connection, held for one transaction."""

    def __init__(self, path: Path) -> None:
        pragmas = {"journal_mode": "wal", "synchronous": "normal", "foreign_keys": 1}
        pragmas |= {"secure_delete": 1}  # what is deleted is gone from the file
        self.database = peewee.SqliteDatabase(str(path), pragmas=pragmas, timeout=30)
        tables = _schema(self.database)
        self.sessions, self.items, self.log = tables.Session, tables.Item, tables.Log
        self.photographs, self.models = tables.Photograph, tables.Model
        self.trainings = tables.Training
        self.waiting, self.before = tables.Waiting, tables.Before
        self.counted = (
            *(self.items, self.log, self.photographs, self.models, self.waiting, self.before),
        )
        """Tables whose rows have `bytes`, which count towards what is kept."""
        with self.transaction():
            (found,) = self.database.execute_sql("PRAGMA user_version").fetchone()
            if found not in range(VERSION + 1):
                raise StoreError(
                    f"{path.name} is of version {found}, this program writes version {VERSION}: "
                    "use another folder"
                )
            bring_up(self.database, found)
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

    def held(self, session: str) -> tuple[int, int, int]:
        """Within a transaction: bytes of all that a session keeps, its images, and the bytes of
        all that everybody keeps.

        One command, as it is asked for at every change.
        """
        names = [f'"{each._meta.table_name}"' for each in self.counted]
        mine = " + ".join(f"(SELECT TOTAL(bytes) FROM {n} WHERE session_id = :id)" for n in names)
        texts = "SELECT LENGTH(findings) + LENGTH(imported) + LENGTH(classes) FROM session"
        images = "SELECT COUNT(*) FROM item WHERE session_id = :id"
        every = " + ".join(f"(SELECT TOTAL(bytes) FROM {name})" for name in names)
        command = f"SELECT {mine} + COALESCE(({texts} WHERE id = :id), 0), ({images}), {every}"
        used, count, total = self.database.execute_sql(command, {"id": session}).fetchone()
        return int(used), int(count), int(total)

    def files(self) -> set[str]:
        """What rows name, as `<session>/<item>/<file>`, `<session>/<folder>/<file>` of the folders
        `photographs`, `left_out`, `masks` and `before`; a model is a folder,
        `<session>/models/<name>`, and a ZIP."""
        items, photos, models = self.items, self.photographs, self.models
        with self.reading():
            kept = list(items.select(items.id, items.session_id, items.files).tuples())
            taken = list(photos.select(photos.session_id, photos.file, photos.left_out).tuples())
            trained = list(models.select(models.session_id, models.name).tuples())
            waiting = list(self.waiting.select(self.waiting.session_id, self.waiting.file).tuples())
            before = list(self.before.select(self.before.session_id, self.before.files).tuples())
        named = {
            f"{session}/{item}/{name}"
            for item, session, files in kept
            for name in json.loads(files).values()
        }
        named |= {f"{s}/{'left_out' if aside else 'photographs'}/{f}" for s, f, aside in taken}
        named |= {f"{session}/photographs/{PARTS}" for session, _, _ in taken}
        named |= {f"{session}/masks/{file}" for session, file in waiting}
        named |= {
            f"{s}/before/{file}" for s, files in before for file in json.loads(files).values()
        }
        named |= {f"{session}/models/{name}" for session, name in trained}
        return named | {f"{session}/zips/{name}.zip" for session, name in trained}


def _schema(database: peewee.SqliteDatabase) -> SimpleNamespace:
    class Session(peewee.Model):
        id = peewee.TextField(primary_key=True)
        created = peewee.FloatField()
        touched = peewee.FloatField(index=True)
        findings = peewee.TextField(default="")
        """What a look over the photographs found, JSON."""
        imported = peewee.TextField(default="")
        """What the last import of masks did, JSON."""
        classes = peewee.TextField(default="")
        """Names of the kinds of defects, JSON."""
        earlier = peewee.BooleanField(default=False)
        """Whether it was read over from `training/<key>` and may be joined to another."""

        key = peewee.TextField(default="", index=True)
        """SHA-256 of the key that opens it from a browser; empty where none does."""

        class Meta:
            table_name = "session"

    def session(**how: Any) -> peewee.ForeignKeyField:
        return peewee.ForeignKeyField(Session, on_delete="CASCADE", **how)

    models: list[type[peewee.Model]] = [Session, _item(session()), _log(session())]
    models += [*_masks(session), *_trained(session)]
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
        kind = peewee.TextField(default="")
        """What it shows by its folder: "good", a kind of defect, or nothing that is known."""
        digest = peewee.TextField(default="")
        """SHA-256 of its pixels."""
        score = peewee.FloatField(null=True)
        area = peewee.IntegerField(null=True)
        regions = peewee.IntegerField(null=True)
        result = peewee.TextField(null=True)
        review = peewee.TextField(null=True)
        decision = peewee.TextField(default="undecided")
        files = peewee.TextField(default="{}")
        """Kind to file name, JSON."""
        bytes = peewee.IntegerField(default=0)
        revision = peewee.IntegerField(default=0)
        """How often it was changed."""

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


def _masks(of: Callable[..., peewee.ForeignKeyField]) -> tuple[type[peewee.Model], ...]:
    class Waiting(peewee.Model):
        """A mask of which a person is to say whose it is."""

        session = of()
        file = peewee.TextField()
        name = peewee.TextField()
        why = peewee.TextField()
        how = peewee.TextField()
        role = peewee.TextField()
        """What it is to become: "truth" or "draft"."""
        latest = peewee.BooleanField(default=True)
        """Whether it came with the last import."""
        candidates = peewee.TextField()
        """JSON list of items."""
        labels = peewee.TextField()
        """JSON list of regions."""
        thumb = peewee.TextField()
        """A small picture of it, a data URL."""
        area = peewee.IntegerField()
        width = peewee.IntegerField()
        height = peewee.IntegerField()
        bytes = peewee.IntegerField()

        class Meta:
            table_name = "waiting"

    class Before(peewee.Model):
        """An item as it was before the last import."""

        session = of()
        item = peewee.TextField()
        role = peewee.TextField()
        values = peewee.TextField()
        """JSON: its note, kind, review and decision."""
        files = peewee.TextField()
        """Kind to file name, JSON."""
        after = peewee.TextField(default="")
        """The file that the import made."""
        bytes = peewee.IntegerField()

        class Meta:
            table_name = "before"
            indexes = ((("session", "item", "role"), True),)

    return Waiting, Before


def _trained(of: Callable[..., peewee.ForeignKeyField]) -> tuple[type[peewee.Model], ...]:
    class Photograph(peewee.Model):
        session = of()
        file = peewee.TextField()
        name = peewee.TextField()
        left_out = peewee.BooleanField(default=False)
        asked = peewee.TextField(default="")
        """The folder that it came in, while a person is asked whether it holds good parts."""
        part = peewee.TextField(default="")
        """The part that it shows by the folders or the table that it came with; empty: its own."""
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
        seconds = peewee.FloatField(default=2.0)
        keeps = peewee.BooleanField(default=False)
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
