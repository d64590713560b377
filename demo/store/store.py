"""The visitors' durable work: images, results, masks and decisions in one folder on disk.

`Store(root)` keeps rows in `root/store.sqlite` (SQLite in WAL mode through peewee) and arrays in
`root/sessions/<session>/<item>/<kind>-<random>.<suffix>`. A file is written first, under a
temporary name, and renamed; then one transaction names it in its row; then the file it replaces
is deleted. So a crash at any moment leaves whole rows of whole files, and at worst files that no
row names, which the next `sweep` deletes.

    store = Store(Path("work"))
    session = store.open(id_from_the_browser)      # an unknown or expired id: a new session
    item = session.add("part.png", pixels)         # Item, state "waiting"
    item = session.record(item.id, detection, detector)
    item = session.review(item.id, mask=None, threshold=3.1, decision="accepted")
    for item in session.items(order="score", decision="undecided"): ...
    session.pixels(item.id), session.score_map(item.id), session.final_mask(item.id)

Safe from several threads and processes. A session's id is its only key: 128 random bits, checked
before it touches a path or a query. Everything is reached through a Session, whose queries name
it, so another session's item does not exist. All errors are StoreError, one sentence.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from demo.store.records import StoreError
from demo.store.session import Session
from demo.store.shelf import Shelf
from demo.store.tables import Tables

__all__ = ["Session", "Store", "StoreError"]

DAY = 86_400.0
GRACE = 600.0
"""Age below which `sweep` leaves a file that no row names: its row may be about to be written."""
SESSION_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


class Store:
    """All sessions under one folder; made once, shared by all threads.

    A session untouched for `max_age_s` seconds is deleted by the next `expire`, and from that
    moment on no longer opens. Each holds at most `quota_bytes` of files and `max_items` images.
    `mirror` is a folder that gets a copy of each decision: see `demo.store.mirror`.
    """

    def __init__(
        self,
        root: Path,
        *,
        max_age_s: float = 7 * DAY,
        quota_bytes: int = 2_000_000_000,
        max_items: int = 2000,
        mirror: Path | None = None,
    ) -> None:
        self._folder = root / "sessions"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._tables = Tables(root / "store.sqlite")
        self._max_age, self._quota, self._max_items = max_age_s, quota_bytes, max_items
        self._mirror = mirror
        self.expire()

    def open(self, session_id: str | None) -> Session:
        """The session of this id, or a new one for an id that is malformed, unknown or expired."""
        table = self._tables.sessions
        if isinstance(session_id, str) and SESSION_ID.fullmatch(session_id):
            alive = table.touched > time.time() - self._max_age
            query = table.update(touched=time.time()).where(table.id == session_id, alive)
            with self._tables.transaction():
                if query.execute():
                    return self._session(session_id)
        new = secrets.token_hex(16)
        with self._tables.transaction():
            table.create(id=new, created=time.time(), touched=time.time())
        return self._session(new)

    def expire(self) -> int:
        """Delete sessions untouched for the maximum age, and stray files; returns how many."""
        table = self._tables.sessions
        old = table.touched <= time.time() - self._max_age
        with self._tables.transaction():
            ids = [row.id for row in table.select(table.id).where(old)]
            table.delete().where(old).execute()
        for session in ids:
            shutil.rmtree(self._folder / session, ignore_errors=True)
        self.sweep()
        return len(ids)

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
                    if (
                        str(path.relative_to(self._folder)) in named
                        or path.stat().st_mtime > before
                    ):
                        continue
                    path.unlink()
                    swept += 1
            if Path(folder) != self._folder:
                with suppress(OSError):  # it still holds files
                    Path(folder).rmdir()
        return swept

    def _session(self, session_id: str) -> Session:
        folder = self._folder / session_id
        shelf = Shelf(self._tables, folder, self._quota, self._max_items)
        return Session(shelf, self._mirror)
