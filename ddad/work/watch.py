"""Score the images of a folder as they appear, each exactly once, across restarts and kills.

The ledger (SQLite, in the output folder) is the truth: a file is done when its row is committed.
Its pictures are written before that, under their final names, so a kill in between costs a second
scoring of the few in hand (a core each) and changes nothing. scores.csv is made from the ledger.
What fails for a reason that may pass is not committed: it waits, and is tried again after growing
pauses and at the next start.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from threading import Event

from ddad.export.tables import append_row, score_columns, write_table
from ddad.images.files import pictures_in, shown
from ddad.images.guard import MAX_PIXELS
from ddad.model.detector import Detector
from ddad.model.runtime import side_by_side
from ddad.score.drift import CURE, Drift
from ddad.training.journal import exclusive
from ddad.work.attempts import OutputError, Row, pause, writing, young
from ddad.work.batch import score_file
from ddad.work.ledger import Ledger, Version

SETTLING = 10
"""Looks for which a damaged file is taken for one that is still being written."""
TRIES = 3
"""Attempts of a watch that ends by itself."""
MISTAKES = (errno.EEXIST, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS)
"""Of an output folder when a watch begins: no patience helps."""


def watch(
    folder: Path,
    out: Path,
    detector: Detector,
    stopped: Event,
    *,
    every: float = 2.0,
    once: bool = False,
    max_pixels: int = MAX_PIXELS,
    report: Callable[[Row], None] = lambda row: None,
    say: Callable[[str], None] = lambda sentence: None,
) -> int:
    """Score new files until `stopped` is set; returns how many were scored.

    A file is taken when two looks, `every` seconds apart, find it unchanged. One that is damaged
    is a row with its error, once it is `SETTLING` looks old; when it changes it is scored again.
    One whose error may pass waits and is reported with `again` (see `noted`). `once` ends after
    the files that are there now, and after TRIES attempts at those that wait. `say` is given what
    concerns no single image: an output folder that is full or gone, a folder out of reach.

    Raises ValueError for a folder that is missing or `out` itself, a model without calibration, an
    output folder that another watch writes, or a damaged ledger; OSError where the output cannot
    be written, at the start or, with `once`, after TRIES attempts, and for a table that could not.
    """
    if not folder.is_dir():
        what = ": it is a file; `score` takes files" if folder.exists() else ""
        raise ValueError(f"no folder at {shown(folder)}{what}")
    if out.resolve() == folder.resolve():
        raise ValueError(
            f"{shown(out)} is watched, so --out needs another folder, inside or beside it"
        )
    detector.calibration  # noqa: B018  an uncalibrated model fails here, before any work
    work = _Watch(folder, out, detector, max_pixels, every, once, report, say)
    tries = 0
    while not stopped.is_set():
        try:
            with ExitStack() as held:
                with writing(out):
                    held.enter_context(exclusive(out))
                ledger = held.enter_context(closing(Ledger(out / "ledger.sqlite")))
                work.follow(ledger, stopped)
            break
        except OSError as error:
            tries += 1
            mistake = getattr(error.__cause__, "errno", None) in MISTAKES
            if (once and tries >= TRIES) or (mistake and not work.begun):
                raise
            work.tell(f"{error}; trying again")
            stopped.wait(pause(every, tries))
    if work.stale and work.said:
        raise OSError(f"{work.said}; at the next start")
    return work.scored


@dataclass
class _Wait:
    """A file that is tried again; `again` where the reason is not that it is damaged."""

    tries: int = 0
    due: float = 0.0
    why: str = ""
    again: bool = False


@dataclass
class _Watch:
    """What a watch knows beside the ledger: the next start does without."""

    folder: Path
    out: Path
    detector: Detector
    max_pixels: int
    every: float
    once: bool
    report: Callable[[Row], None]
    say: Callable[[str], None]
    scored: int = 0
    begun: bool = False
    refused: int = 0
    """Looks in a row that ended as the output could not be written."""
    waiting: dict[Version, _Wait] = field(default_factory=dict)
    seen: dict[Version, float] = field(default_factory=dict)
    """When each file that is not done was first seen, monotonic seconds."""
    stale: bool = True
    """Whether the table may lack rows that the ledger has."""
    said: str = ""
    moved: str = ""
    """What was said of the stream."""

    def __post_init__(self) -> None:
        self.drift = Drift.of(self.detector.calibration)

    def tell(self, sentence: str) -> None:
        """Say it, unless it was said last."""
        if sentence != self.said:
            self.say(sentence)
        self.said = sentence

    def follow(self, ledger: Ledger, stopped: Event) -> None:
        """Look again and again. Raises OSError where the ledger is lost or cannot be read."""
        done, before, self.stale = ledger.versions(), set[Version](), True
        self.write_table(ledger)
        self.drift = Drift.of(self.detector.calibration).add_rows(ledger.rows())
        self.followed()
        while not stopped.is_set():
            ledger.check()
            now = self.look(done)
            ready = self.ready(now & before)
            for version, row in zip(ready, side_by_side(self.score, ready), strict=True):
                if not self.settled(version, row, ledger, done) or stopped.is_set():
                    break
            if self.stale:
                self.write_table(ledger)
            if self.once and now <= before and self.given_up(now - done):
                break
            before = now
            stopped.wait(pause(self.every, self.refused) if self.refused else self.every)

    def look(self, done: set[Version]) -> set[Version]:
        """The image files there now that are not done; our own output is passed over."""
        if not os.path.isdir(self.folder):
            self.tell(f"{shown(self.folder)} cannot be reached: waiting for it")
            return set()
        found = set()
        for path in pictures_in(self.folder, apart=self.out):
            with suppress(OSError):  # gone again
                found.add(_version(path, self.folder))
        found -= done
        since = time.monotonic() if self.begun else float("-inf")
        self.begun = True
        self.seen = {version: self.seen.get(version, since) for version in found}
        self.waiting = {v: wait for v, wait in self.waiting.items() if v in found}
        return found

    def ready(self, versions: set[Version]) -> list[Version]:
        """Those whose turn has come: what failed least often first, so none keeps another back."""
        now, waits = time.monotonic(), self.waiting
        for version in versions:
            waits.setdefault(version, _Wait())
        due = [version for version in versions if waits[version].due <= now]
        return sorted(due, key=lambda version: (waits[version].tries, version[2]))

    def settled(
        self, version: Version, row: Row | None, ledger: Ledger, done: set[Version]
    ) -> bool:
        """Commit the row of a file, or let the file wait; False where the output cannot be
        written."""
        if row is None:
            return True
        if not ("again" in row or ("error" in row and self.unsettled(version))):
            try:
                ledger.add(version, row)
            except OSError as error:
                row |= {"error": str(error), "again": "output"}
            else:
                self.committed(version, row, ledger, done)
                return True
        return self.postponed(self.waiting[version], row)

    def score(self, version: Version) -> Row | None:
        """The row of a file; None where it is gone, or another by now."""
        file = self.folder / version[0]
        name = PurePosixPath(version[0])
        row = score_file(self.detector, file, name, self.out, max_pixels=self.max_pixels)
        try:
            return row if _version(file, self.folder) == version else None
        except FileNotFoundError:
            return None
        except OSError:
            return row

    def unsettled(self, version: Version) -> bool:
        """Whether a damaged file may still be being written, by its own clock or by ours."""
        settling = SETTLING * self.every
        seen = time.monotonic() - self.seen[version]
        return seen < settling or young(self.folder / version[0], settling)

    def committed(self, version: Version, row: Row, ledger: Ledger, done: set[Version]) -> None:
        done.add(version)
        del self.waiting[version]
        self.scored += 1
        self.refused, self.said = 0, ""
        self.write_table(ledger, row)
        self.report(row)
        self.drift.add_rows([row])
        self.followed()

    def followed(self) -> None:
        """Say, once, that the stream is no longer what was promised for."""
        head = self.drift.finding
        if head and head != self.moved:
            self.say(f"{self.drift.said()} {CURE}")
        self.moved = head

    def postponed(self, wait: _Wait, row: Row) -> bool:
        """As `attempt`; the row is reported when its reason is a new one."""
        wait.tries += 1
        wait.due = time.monotonic() + pause(self.every, wait.tries)
        wait.again = "again" in row
        if wait.again and wait.why != row["error"]:
            self.report(row)
        wait.why = row["error"]
        self.refused += row.get("again") == "output"
        return row.get("again") != "output"

    def given_up(self, left: set[Version]) -> bool:
        """Whether what is left waits for the next start."""
        waits = [self.waiting.get(version) for version in left]
        enough = all(w is not None and w.again and w.tries >= TRIES for w in waits)
        return enough or self.refused >= TRIES

    def write_table(self, ledger: Ledger, row: Row | None = None) -> None:
        """Add a row to the table, or write it anew; where that fails it is stale and said."""
        table, names = self.out / "scores.csv", score_columns(self.detector.timesteps)
        try:
            with writing(table):
                if self.stale or row is None:
                    write_table(table, names, ledger.rows())
                else:
                    append_row(table, names, row)
            self.stale = False
        except OutputError as error:
            self.stale = True
            self.tell(f"{error}; the ledger has all rows, the table is tried again")


def _version(file: Path, folder: Path) -> Version:
    stat = file.stat()
    return file.relative_to(folder).as_posix(), stat.st_size, stat.st_mtime_ns
