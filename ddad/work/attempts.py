"""Why the work on an image failed, and whether another attempt may go better.

What the system says of reaching a file (disk full, locked, network share gone, no memory) may
pass; what a decoder says of its content does not.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from ddad.images.decode import ImageError
from ddad.images.files import shown

OF_THE_FILE = frozenset((errno.ENAMETOOLONG, errno.ELOOP, errno.EISDIR, errno.EINVAL))
"""Errors that a file's own name or kind is the reason of: they stay."""
SETTLING = 1.0
"""Seconds after which a file is no more taken for one that is still being written."""
PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds before each further attempt of a run that ends by itself."""
LONGEST = 60.0
"""Seconds that the pauses of one without end grow to."""


class OutputError(OSError):
    """The results cannot be written: one sentence. The image is not at fault."""


Plan = tuple[Path, PurePosixPath]
"""A file, and what its outputs are called."""
Row = dict[str, Any]


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Turn what the system says while results are written under `out` into an OutputError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise OutputError(f"{shown(out)} cannot be written: {reason}") from error


@contextmanager
def noted(row: Row) -> Iterator[None]:
    """Put into the row of a file how long the work on it took, and why it could not be done.

    Any exception becomes its `error`, one sentence, so one image never ends a run. Where another
    attempt may go better, `again` says what is in the way: "output" or "image".
    """
    started = time.perf_counter()
    try:
        yield
    except Exception as error:
        row["error"] = _sentence(error, row["file"])
        if may_pass(error):
            row["again"] = "output" if isinstance(error, OutputError) else "image"
    row["seconds"] = round(time.perf_counter() - started, 3)


def may_pass(error: BaseException | None) -> bool:
    """Whether the same work may succeed later though nothing about the image changes."""
    if isinstance(error, RuntimeError) and "memory" in str(error):  # torch has no class for it
        return True
    while error is not None:
        if isinstance(error, OutputError):
            return getattr(error.__cause__, "errno", None) not in OF_THE_FILE
        if isinstance(error, MemoryError):
            return True
        # Decoders raise OSErrors of their own, without a number.
        if isinstance(error, OSError) and error.errno is not None:
            return error.errno not in OF_THE_FILE
        error = error.__cause__ or error.__context__
    return False


def insist(call: Callable[[], None]) -> None:
    """Call, and where the system refuses call again after each of PAUSES; the last error is raised.

    Raises OSError.
    """
    for pause in PAUSES:
        try:
            return call()
        except OSError:
            time.sleep(pause)
    return call()


def may_go_better(file: Path, row: Row) -> bool:
    """Whether a row is worth another attempt: it has `again`, or its file is still written to."""
    return "again" in row or ("error" in row and young(file, SETTLING))


def second_chances(work: Callable[[Plan], Row], failed: Mapping[int, Plan]) -> dict[int, Row]:
    """The new rows of files that failed, by number; at most one attempt after each of PAUSES.

    One at a time: memory may be what was short.
    """
    left, rows = dict(failed), dict[int, Row]()
    for pause in PAUSES:
        if not left:
            break
        time.sleep(pause)
        rows |= {number: work(plan) for number, plan in left.items()}
        left = {n: plan for n, plan in left.items() if may_go_better(plan[0], rows[n])}
    return rows


def young(file: Path, seconds: float) -> bool:
    """Whether a file was written to in the last `seconds`, by the clock of who wrote it."""
    try:
        return abs(time.time() - os.stat(file).st_mtime) < seconds
    except OSError:
        return False


def pause(every: float, tries: int) -> float:
    """Seconds before another attempt of a run without end: twice as long each time, to LONGEST."""
    found: float = max(every, min(LONGEST, every * 2 ** min(tries, 16)))
    return found


def _sentence(error: Exception, file: str) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, (ImageError, OutputError)):
        return text
    reason = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return f"{shown(Path(file))} cannot be worked on: {reason}"
