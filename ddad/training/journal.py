"""The folder that a training and whoever watches it share: progress, log, previews, requests.

progress.json   what it is doing now; see `Journal.at`
log.jsonl       one JSON object a line
preview/        pictures, numbered
stop, pause     requests: that the file exists is the message

Standard library only, so that a page can read it without loading torch.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ddad.images.files import write_json

STOP, PAUSE = "stop", "pause"
"""Finish now with what there is; save, and go on another time."""
EVERY = 0.5
"""Seconds between two writes of progress.json within a phase."""


class Journal:
    """Written by the training; `phases` are its parts in order, each with the seconds planned."""

    def __init__(
        self,
        folder: Path,
        phases: Mapping[str, float],
        show: Callable[[dict[str, Any]], None] = lambda progress: None,
    ) -> None:
        """Begins anew: the log and the requests stay. `show` is given each progress."""
        self.folder = folder
        self._phases, self._show = dict(phases), show
        self._phase, self._share = "", 0.0
        self._begun = self._phase_begun = time.monotonic()
        self._phase_share, self._written = 0.0, -EVERY
        self._figures: dict[str, Any] = {}
        (folder / "preview").mkdir(parents=True, exist_ok=True)

    def begin(self, phase: str) -> None:
        """Go on to a phase that was planned."""
        if phase not in self._phases:
            raise KeyError(phase)
        self._phase, self._share, self._phase_share = phase, 0.0, 0.0
        self._phase_begun = time.monotonic()
        self.at(0.0, force=True)

    def at(self, share: float, *, force: bool = False, **figures: Any) -> None:
        """A share of the phase is done, 0 to 1; `figures` (losses) stay until they are replaced.

        Where a phase resumes, the first share that it reports is where its clock begins.
        """
        if self._share == 0 < share:
            self._phase_share = share if time.monotonic() - self._phase_begun < EVERY else 0.0
        self._share = share
        self._figures |= figures
        if force or time.monotonic() - self._written >= EVERY:
            self._write("running")

    def log(self, **row: Any) -> None:
        """Add a row to log.jsonl."""
        append_row(self.folder / "log.jsonl", {"phase": self._phase} | row)

    def next_preview(self) -> str:
        """Path of the next preview's pictures, without their ending."""
        taken = [f.name[:4] for f in (self.folder / "preview").glob("[0-9]*_*.png")]
        return str(self.folder / "preview" / f"{max(map(int, taken), default=0) + 1:04}")

    def end(self, state: str, message: str = "") -> None:
        """The last word: "done", "paused" or "failed", and why."""
        self._figures["message"] = message
        self._write(state)

    def _write(self, state: str) -> None:
        left = self._seconds_left() if state == "running" else 0.0
        spent = time.monotonic() - self._begun
        progress = {
            "state": state,
            "phase": self._phase,
            "phase_done": round(self._share, 4),
            "done": 1.0 if state == "done" else round(self._done(), 4),
            "seconds": round(spent, 1),
            "seconds_left": round(left, 1),
            "pid": os.getpid(),
            "updated": time.time(),
        } | self._figures
        write_json(progress, self.folder / "progress.json")
        self._written = time.monotonic()
        self._show(progress)

    def _later(self) -> float:
        names = list(self._phases)
        place = names.index(self._phase) + 1 if self._phase else 0
        return sum(self._phases[name] for name in names[place:])

    def _seconds_left(self) -> float:
        """By the pace of this phase once it has one, by the plan for those to come."""
        planned = self._phases.get(self._phase, 0.0)
        spent, gained = time.monotonic() - self._phase_begun, self._share - self._phase_share
        pace = spent / gained if gained > 0.02 else planned
        return pace * (1 - self._share) + self._later()

    def _done(self) -> float:
        total = sum(self._phases.values()) or 1.0
        now = self._phases.get(self._phase, 0.0)
        return (total - self._later() - now * (1 - self._share)) / total


def request(folder: Path, what: str) -> None:
    """Ask the training that writes `folder` to STOP or to PAUSE; it answers within a step."""
    if what not in (STOP, PAUSE):
        raise ValueError(f"a training can be asked to {STOP} or to {PAUSE}, not to {what!r}")
    (folder / what).touch()


def forget_requests(folder: Path, older_than: float) -> None:
    """Drop the requests of before a time, seconds since 1970: they were meant for another run."""
    for what in (STOP, PAUSE):
        with suppress(FileNotFoundError):
            if (folder / what).stat().st_mtime < older_than:
                (folder / what).unlink()


def requested(folder: Path, what: str) -> bool:
    return (folder / what).exists()


def append_row(path: Path, row: dict[str, Any]) -> None:
    """One more JSON line."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def read_progress(folder: Path) -> dict[str, Any]:
    """The last progress; empty where there is none yet."""
    try:
        found = json.loads((folder / "progress.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The rows of the log; a line cut short by a kill is passed over."""
    rows = []
    try:
        lines = (folder / "log.jsonl").read_text("utf-8").splitlines()
    except OSError:
        return []
    for line in lines:
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return [row for row in rows if isinstance(row, dict)]


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold a folder against other processes; a killed one lets go of it.

    Raises ValueError where it is held. Without locks (Windows) it is not checked.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:
            pass
        except OSError as error:
            raise ValueError(f"another process is at work in {folder}") from error
        yield
