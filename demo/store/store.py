"""The visitors' durable work in one folder on disk: images, results, masks, decisions,
photographs to train on, trainings and models.

`Store(root)` keeps rows in `root/store.sqlite` (SQLite in WAL mode through peewee) and files in
`root/sessions/<session>/`: `<item>/<kind>-<random>.<suffix>`, `photographs/`, `left_out/`,
`models/<name>/`. A file is written first, under a
temporary name, and renamed; then one transaction names it in its row; then the file it replaces
is deleted. So a crash at any moment leaves whole rows of whole files, and at worst files that no
row names, which the next `sweep` deletes.

    store = Store(Path("work"))
    session = store.enter(key_of_the_browser)      # an unknown key: a new session
    session = store.open(session.id)               # from then on, within the server
    item = session.add("part.png", pixels)         # Item, state "waiting"
    item = session.record(item.id, detection, detector)
    item = session.review(item.id, mask=None, threshold=3.1, decision="defective")
    for item in session.items(order="score", decision="undecided"): ...
    session.pixels(item.id), session.score_map(item.id), session.final_mask(item.id)
    session.photographs.add(path, "part.png")      # to train on
    session.trained.models()                       # names of the visitor's own models

Safe from several threads and processes. A session's id names it, to pages, models and folders, and
opens nothing from outside: that does the key of a browser, 256 random bits, of which the store
keeps the digest. Both are checked before they touch a path or a query. Everything is reached
through a Session, whose queries name it, so another session's item does not exist. All errors are
StoreError, one sentence.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from demo.limits import LIMITS, Limits
from demo.store import earlier
from demo.store.mirror import Mirror
from demo.store.records import StoreError, Training
from demo.store.rows import Rows
from demo.store.session import Session
from demo.store.tables import Tables
from demo.store.trained import BUSY, training_of

__all__ = ["Session", "Store", "StoreError"]

ENDED = "your session has ended: reload the page"
NO_KEY = "this page needs its cookie to know your work again: allow cookies for it and reload"
GRACE = 600.0
"""Age below which `sweep` leaves a file that no row names: its row may be about to be written."""
SESSION_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
KEY = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Store:
    """All sessions under one folder; made once, shared by all threads.

    A session untouched for `limits.max_age_s` is deleted by the next `expire`, and from that
    moment on no longer opens, unless its training waits or runs. `limits.quota_bytes` bounds all
    that one keeps. `mirror` gets a copy of each decision: see `demo.store.mirror`.
    """

    def __init__(
        self, root: Path, limits: Limits = LIMITS, *, mirror: Mirror | None = None
    ) -> None:
        self.limits = limits
        self._root, self._folder = root, root / "sessions"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._tables = Tables(root / "store.sqlite")
        self.mirror = mirror
        self.read_over()
        self.expire()

    def enter(self, key: str, before: object = None) -> Session:
        """The session that a browser's key opens, or a new one.

        `before` is the id that a browser of an earlier version kept, when an id was the key: that
        session takes this key, if it has none. Raises StoreError for what is no key.
        """
        table, digest = self._tables.sessions, _digest(key)
        with self._tables.transaction():
            row = table.get_or_none(table.key == digest, ~self._old())
            if row is None and isinstance(before, str) and SESSION_ID.fullmatch(before):
                row = table.get_or_none(table.id == before, table.key == "", ~self._old())
            if row is None:
                return self._new(digest)
            table.update(touched=time.time(), key=digest).where(table.id == row.id).execute()
        return self._session(row.id)

    def owned(self, session_id: object, key: str) -> Session:
        """The session of this id, which this key opens. Raises StoreError for any other."""
        table, digest = self._tables.sessions, _digest(key)
        with self._tables.transaction():
            mine = (table.id == str(session_id)) & (table.key == digest) & ~self._old()
            if not table.update(touched=time.time()).where(mine).execute():
                raise StoreError(ENDED)
        return self._session(str(session_id))

    def open(self, session_id: str | None) -> Session:
        """The session of this id, or a new one for an id that is malformed, unknown or expired.

        Within the server alone: from outside `enter` and `owned` open one.
        """
        table = self._tables.sessions
        with self._tables.transaction():
            if isinstance(session_id, str) and SESSION_ID.fullmatch(session_id):
                mine = (table.id == session_id) & ~self._old()
                if table.update(touched=time.time()).where(mine).execute():
                    return self._session(session_id)
            return self._new("")

    def _new(self, digest: str) -> Session:
        """Within a transaction."""
        new, now = secrets.token_hex(16), time.time()
        self._tables.sessions.create(id=new, created=now, touched=now, key=digest)
        return self._session(new)

    def find(self, session_id: str) -> Session | None:
        """The session of this id, if there is one; it is not touched."""
        with self._tables.reading():
            found = SESSION_ID.fullmatch(session_id) and self._tables.sessions.get_or_none(
                id=session_id
            )
        return self._session(session_id) if found else None

    def private_model(self, name: str) -> Path | None:
        """The folder of `~<session>/<name>`, a finished model as its owner's page calls it."""
        session, _, own = name.removeprefix("~").partition("/")
        found = self.find(session) if name.startswith("~") else None
        return found.trained.path(own) if found and own in found.trained.models() else None

    def trainings(self, state: str) -> list[tuple[Session, Training]]:
        """Everybody's trainings of a state, in the order of their turns."""
        table = self._tables.trainings
        with self._tables.reading():
            rows = list(table.select().where(table.state == state).order_by(table.since))
        return [(self._session(row.session_id), training_of(row)) for row in rows]

    def read_over(self) -> bool:
        """Take in what an earlier version kept elsewhere; whether a training still runs there."""
        return earlier.read_over(self._root, self._tables)

    def join(self, session: Session, key: str | None) -> None:
        """Give a session what an earlier version kept under the key that its browser still has.

        Raises StoreError, for now, where a training is in the way.
        """
        if isinstance(key, str) and SESSION_ID.fullmatch(key):
            if (self._root / "training" / key).is_dir():
                raise StoreError(earlier.GOES_ON)
            earlier.join(self._folder, self._tables, key, session.id)

    def expire(self) -> int:
        """Delete sessions untouched for the maximum age, and stray files; returns how many."""
        table = self._tables.sessions
        with self._tables.reading():
            ids = [row.id for row in table.select(table.id).where(self._old())]
        gone = [each for each in ids if self._delete(each, self._old())]
        self.sweep()
        if self.mirror:
            self.mirror.retry()
        return len(gone)

    def delete(self, session: Session) -> None:
        """Everything that a session keeps, in the mirror too; its training must be over."""
        self._delete(session.id, self._tables.sessions.id == session.id)

    def _delete(self, session: str, where: Any) -> bool:
        """A session of which that is still so: whether there was one."""
        table, items = self._tables.sessions, self._tables.items
        with self._tables.transaction():
            mine = [row.id for row in items.select(items.id).where(items.session == session)]
            if not table.delete().where((table.id == session) & where).execute():
                return False
        shutil.rmtree(self._folder / session, ignore_errors=True)
        if self.mirror:
            self.mirror.forget(mine)
        return True

    def expire_in_background(self, every_s: float = 3600.0) -> None:
        """Expire again and again from a thread of its own, for as long as the process lives."""

        def run() -> None:
            while True:
                time.sleep(every_s)
                try:
                    self.expire()
                except Exception as error:  # a full disk today must not end it for good
                    print(f"expiry failed: {error}", file=sys.stderr)

        threading.Thread(target=run, name="expire", daemon=True).start()

    def sweep(self, grace_s: float = GRACE) -> int:
        """Delete files that no row names and that are older than the grace; returns how many.

        A process that was killed while it saved leaves them.
        """
        named = self._tables.files()
        before, swept = time.time() - grace_s, 0
        for folder, _, files in sorted(os.walk(self._folder), reverse=True):  # the deepest first
            for name in files:
                path = Path(folder, name)
                with suppress(FileNotFoundError):
                    if self._named(path, named) or path.stat().st_mtime > before:
                        continue
                    path.unlink()
                    swept += 1
            if Path(folder) != self._folder and not self._named(Path(folder), named):
                with suppress(OSError):  # it still holds files
                    Path(folder).rmdir()
        return swept

    def _named(self, path: Path, named: set[str]) -> bool:
        """Whether a row names the file, or the model's folder that it lies in or is."""
        return "/".join(path.relative_to(self._folder).parts[:3]) in named

    def _old(self) -> Any:
        """Of sessions: untouched for the maximum age, with no training that goes on."""
        table, trainings = self._tables.sessions, self._tables.trainings
        busy = trainings.select(trainings.session).where(trainings.state.in_(BUSY))
        return (table.touched <= time.time() - self.limits.max_age_s) & table.id.not_in(busy)

    def _session(self, session_id: str) -> Session:
        rows = Rows(self._tables, self._folder / session_id, self.limits)
        return Session(rows, self.mirror)


def _digest(key: object) -> str:
    """Of a browser's key, as the store knows it."""
    if not isinstance(key, str) or not KEY.fullmatch(key):
        raise StoreError(NO_KEY)
    return hashlib.sha256(key.encode()).hexdigest()
