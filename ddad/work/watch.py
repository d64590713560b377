"""Score the images of a folder as they appear, each exactly once, across restarts and kills.

The ledger (SQLite, in the output folder) is the truth: a file is done when its row is committed.
Its pictures are written before that, under their final names, so a kill in between costs a second
scoring of the same file and changes nothing. scores.csv is made from the ledger.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path, PurePosixPath
from threading import Event
from typing import Any

from ddad.export.tables import append_row, score_columns, write_table
from ddad.images.decode import MAX_PIXELS
from ddad.images.files import pictures_in
from ddad.model.detector import Detector
from ddad.training.journal import exclusive
from ddad.work.batch import score_file

Version = tuple[str, int, int]
"""Relative path, bytes and modification time in nanoseconds: another version is another file."""


class Ledger:
    """The rows of all files scored so far."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path)
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS scored "
            "(path TEXT, bytes INT, mtime INT, row TEXT, PRIMARY KEY (path, bytes, mtime))"
        )
        self._db.commit()

    def versions(self) -> set[Version]:
        return set(self._db.execute("SELECT path, bytes, mtime FROM scored"))

    def rows(self) -> list[dict[str, Any]]:
        found = self._db.execute("SELECT row FROM scored ORDER BY rowid")
        return [json.loads(row) for (row,) in found]

    def add(self, version: Version, row: dict[str, Any]) -> None:
        """Commit a row: on disk when this returns."""
        self._db.execute("INSERT INTO scored VALUES (?, ?, ?, ?)", (*version, json.dumps(row)))
        self._db.commit()

    def close(self) -> None:
        self._db.close()


def watch(
    folder: Path,
    out: Path,
    detector: Detector,
    stopped: Event,
    *,
    every: float = 2.0,
    once: bool = False,
    max_pixels: int = MAX_PIXELS,
    report: Callable[[dict[str, Any]], None] = lambda row: None,
) -> int:
    """Score new files until `stopped` is set; returns how many were scored.

    A file is taken when two looks, `every` seconds apart, find it unchanged; `once` ends after
    the files that are there now. One that cannot be read is a row with its error; when it changes
    it is scored again. Raises ValueError for a missing folder, a model without calibration, or an
    output folder that another watch writes.
    """
    if not folder.is_dir():
        raise ValueError(f"no folder at {folder}")
    detector.calibration  # noqa: B018  an uncalibrated model fails here, before any work
    with exclusive(out), closing(Ledger(out / "ledger.sqlite")) as ledger:
        names, table = score_columns(detector.timesteps), out / "scores.csv"
        write_table(table, names, ledger.rows())
        done, before, scored = ledger.versions(), set[Version](), 0
        while not stopped.is_set():
            now = _versions(folder, out) - done
            for version in sorted(now & before, key=lambda v: v[2]):
                if stopped.is_set():
                    break
                name = PurePosixPath(version[0])
                row = score_file(detector, folder / name, name, out, max_pixels=max_pixels)
                ledger.add(version, row)
                append_row(table, names, row)
                done.add(version)
                scored += 1
                report(row)
            if once and now <= before:
                break
            before = now
            stopped.wait(every)
    return scored


def _versions(folder: Path, out: Path) -> set[Version]:
    """The image files there now; our own output is passed over."""
    found = set()
    for path in pictures_in(folder, apart=out):
        with suppress(OSError):  # gone again
            stat = path.stat()
            name = path.relative_to(folder).as_posix()
            found.add((name, stat.st_size, stat.st_mtime_ns))
    return found
