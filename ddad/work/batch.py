"""Score images: files in, table rows and PNG files out, an image a core at a time.

A file that fails becomes a row with its error and stops nothing; what may pass is tried again when
all others are done. Every picture appears whole; the table takes its name when the last row is in
it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from ddad.export.render import overlay, sixteen_bit
from ddad.export.tables import amend_table, growing_table, path_cell, score_columns, score_row
from ddad.images.decode import load_image
from ddad.images.files import write_png
from ddad.model.detection import Detection
from ddad.model.detector import Detector
from ddad.model.runtime import side_by_side
from ddad.work.attempts import (
    Plan,
    Row,
    insist,
    may_go_better,
    noted,
    second_chances,
    writing,
)
from ddad.work.outputs import Report

LARGE = 4_000_000
"""Pixels beyond which images are scored one at a time, for memory's sake."""
_large = threading.Lock()


def score_files(
    detector: Detector,
    planned: Sequence[Plan],
    out: Path,
    *,
    max_pixels: int,
    report: Report = lambda name, done, total: None,
    seen: Callable[[Row], None] = lambda row: None,
) -> list[str]:
    """Write scores.csv, maps/, masks/ and overlays/ under `out`; returns the errors, one a file.

    maps/*.png are 16-bit: value = map_min + (map_max - map_min) * pixel / 65535, with both ends
    in the table, whose columns `map`, `mask` and `overlay` say which files are a row's own. `seen`
    is given each row; one that is tried again comes again.
    Raises OSError as `fill_table` does.
    """

    def one(plan: Plan) -> Row:
        return score_file(detector, *plan, out=out, max_pixels=max_pixels)

    return fill_table(
        *(out / "scores.csv", score_columns(detector.timesteps), one, planned),
        how=side_by_side,
        report=report,
        seen=seen,
    )


def fill_table(
    table: Path,
    columns: Sequence[str],
    work: Callable[[Plan], Row],
    planned: Sequence[Plan],
    *,
    how: Callable[[Callable[[Plan], Row], Sequence[Plan]], Iterable[Row]] = map,
    report: Report = lambda name, done, total: None,
    seen: Callable[[Row], None] = lambda row: None,
) -> list[str]:
    """A row for each file, in order, which `seen` is given; returns the errors, one a file.

    What may pass is tried again when all rows are there, and the table amended. `how` does the
    first attempts. Raises OSError where the table cannot be written for several seconds; the rows
    so far are in `<table>.partial`.
    """
    errors, failed = dict[int, str](), dict[int, Plan]()
    with growing_table(table, columns) as write:
        for done, (plan, row) in enumerate(zip(planned, how(work, planned), strict=True), 1):
            if "error" in row:
                errors[done - 1] = row["error"]
            if may_go_better(plan[0], row):
                failed[done - 1] = plan
            with writing(table):
                insist(partial(write, row))
            seen(row)
            report(plan[0].name, done, len(planned))
    if rows := second_chances(work, failed):
        with writing(table):
            insist(partial(amend_table, table, columns, rows))
        for row in rows.values():
            seen(row)
        errors |= {number: row.get("error", "") for number, row in rows.items()}
    return [errors[number] for number in sorted(errors) if errors[number]]


def score_file(
    detector: Detector, file: Path, name: PurePosixPath, out: Path | None, *, max_pixels: int
) -> Row:
    """The row of one file, its pictures written under `out` if that is given.

    A file that cannot be used is a row with its error, and with `again` as `noted` says.
    """
    row: Row = {"file": path_cell(file), "model": detector.name, "seed": detector.config.seed}
    with noted(row):
        loaded = load_image(file, max_pixels=max_pixels, levels=detector.levels)
        with _large if loaded.pixels.size > 3 * LARGE else nullcontext():
            (found,) = detector.detect([loaded.pixels])
            notes = filter(None, (loaded.note, detector.doubt(loaded.pixels)))
            row |= {"note": "; ".join(notes)} | score_row(found)
            if out is not None:
                with writing(out):
                    row |= _write_pictures(detector, loaded.pixels, found, out, name)
    return row


def _write_pictures(
    detector: Detector, image: np.ndarray, found: Detection, out: Path, name: PurePosixPath
) -> dict[str, str]:
    """Returns where they are, from `out`, by the columns that say so."""
    mask, scale = found.mask(), detector.calibration
    ends = scale.map_low, scale.map_high
    pictures: dict[str, Callable[[], np.ndarray]] = {  # one at a time, for the memory of large ones
        "map": lambda: sixteen_bit(found.score_map),
        "mask": lambda: mask.astype(np.uint8) * 255,
        "overlay": lambda: overlay(image, found.score_map, mask, *ends),
    }
    files = {kind: f"{kind}s/{name}.png" for kind in pictures}
    for kind, picture in pictures.items():
        write_png(picture(), out / files[kind])
    return files
