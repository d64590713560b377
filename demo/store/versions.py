"""Versions of the store's schema: how a database of one before becomes one of this."""

from __future__ import annotations

import json
import re

import peewee

VERSION = 9
"""Of the schema, in SQLite's `user_version`."""
ITEM_TEXTS = ("name", "note", "error", "result", "review", "kind")
LOG_TEXTS = ("name", "reviewer", "model", "fingerprint", "labels")
"""Columns whose length counts towards a session's bytes, as its files do."""


def bring_up(database: peewee.SqliteDatabase, version: int) -> None:
    """Within a transaction; 0 is a new file. Tables that are new are made afterwards."""
    for change in _CHANGES[version - 1 :] if version else ():
        change(database)


def _from_version_1(database: peewee.SqliteDatabase) -> None:
    """Within a transaction; the tables that were not there are made afterwards."""
    for command in (
        "ALTER TABLE session ADD COLUMN findings TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE session ADD COLUMN earlier INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE log ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0",
        f"UPDATE log SET bytes = {_lengths(LOG_TEXTS)}",
        f"UPDATE item SET bytes = bytes + {_lengths(ITEM_TEXTS[:5])}",
    ):
        database.execute_sql(command)


def _from_version_2(database: peewee.SqliteDatabase) -> None:
    """What an item shows, which was read from its name each time, is kept from now on."""
    for command in (
        "ALTER TABLE session ADD COLUMN imported TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE item ADD COLUMN kind TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE item ADD COLUMN digest TEXT NOT NULL DEFAULT ''",
    ):
        database.execute_sql(command)
    if "photograph" in database.get_tables():
        database.execute_sql("ALTER TABLE photograph ADD COLUMN asked TEXT NOT NULL DEFAULT ''")
    rows = database.execute_sql("SELECT id, name, files FROM item").fetchall()
    for item, name, files in rows:
        found = re.search(r"(?:^|/)test/([^/]+)/", name)
        if found and "truth" in json.loads(files):
            change = "UPDATE item SET kind = ?, bytes = bytes + ? WHERE id = ?"
            database.execute_sql(change, (found[1], len(found[1]), item))


def _from_version_3(database: peewee.SqliteDatabase) -> None:
    if "photograph" in database.get_tables():
        database.execute_sql("ALTER TABLE photograph ADD COLUMN part TEXT NOT NULL DEFAULT ''")


def _from_version_4(database: peewee.SqliteDatabase) -> None:
    if "training" in database.get_tables():
        database.execute_sql("ALTER TABLE training ADD COLUMN seconds REAL NOT NULL DEFAULT 2.0")


def _from_version_5(database: peewee.SqliteDatabase) -> None:
    """A decision says what the part is, no longer whether the model's mask was right."""
    rows = database.execute_sql("SELECT id, review, decision, area FROM item").fetchall()
    for item, review, decision, area in rows:
        word = _decided(decision, area)
        if word != decision:
            new = _redecided(review, word)
            change = "UPDATE item SET decision = ?, review = ?, bytes = bytes + ? WHERE id = ?"
            database.execute_sql(change, (word, new, len(new or "") - len(review or ""), item))
    for number, decision, area in database.execute_sql(
        "SELECT id, decision, area FROM log"
    ).fetchall():
        change = "UPDATE log SET decision = ? WHERE id = ?"
        database.execute_sql(change, (_decided(decision, area), number))
    if "before" in database.get_tables():
        for number, text in database.execute_sql('SELECT id, "values" FROM before').fetchall():
            values = json.loads(text)
            values["decision"] = _decided(values["decision"], 1)
            values["review"] = _redecided(values["review"], values["decision"])
            new = json.dumps(values)
            change = 'UPDATE before SET "values" = ?, bytes = bytes + ? WHERE id = ?'
            database.execute_sql(change, (new, len(new) - len(text), number))


def _from_version_6(database: peewee.SqliteDatabase) -> None:
    database.execute_sql("ALTER TABLE session ADD COLUMN classes TEXT NOT NULL DEFAULT ''")


def _from_version_7(database: peewee.SqliteDatabase) -> None:
    if "training" in database.get_tables():
        database.execute_sql("ALTER TABLE training ADD COLUMN keeps INTEGER NOT NULL DEFAULT 0")


def _from_version_8(database: peewee.SqliteDatabase) -> None:
    """A session is opened by a key of its browser, no longer by its id; items count changes."""
    database.execute_sql("ALTER TABLE session ADD COLUMN key TEXT NOT NULL DEFAULT ''")
    database.execute_sql("ALTER TABLE item ADD COLUMN revision INTEGER NOT NULL DEFAULT 0")


def _decided(word: str, area: int | None) -> str:
    """Until version 5 the model's mask was accepted, corrected, or rejected for a good part."""
    if word in ("accepted", "corrected"):
        return "defective" if area else "good"
    return "good" if word == "rejected" else word


def _redecided(review: str | None, decision: str) -> str | None:
    return json.dumps(json.loads(review) | {"decision": decision}) if review else review


def _lengths(columns: tuple[str, ...]) -> str:
    return " + ".join(f"LENGTH(COALESCE({name}, ''))" for name in columns)


_CHANGES = (
    *(_from_version_1, _from_version_2, _from_version_3, _from_version_4, _from_version_5),
    *(_from_version_6, _from_version_7, _from_version_8),
)
