"""Score images: files in, table rows and PNG files out, an image a core at a time.

A file that cannot be read becomes a row with its error and stops nothing. Every picture appears
whole; the table takes its name when the last row is in it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from ddad.export.render import overlay, sixteen_bit
from ddad.export.tables import growing_table, path_cell, score_columns, score_row
from ddad.images.decode import ImageError, load_image
from ddad.images.files import write_png
from ddad.model.detection import Detection
from ddad.model.detector import Detector
from ddad.model.runtime import side_by_side
from ddad.work.outputs import Report

LARGE = 4_000_000
"""Pixels beyond which images are scored one at a time, for memory's sake."""
_large = threading.Lock()


def score_files(
    detector: Detector,
    planned: Sequence[tuple[Path, PurePosixPath]],
    out: Path,
    *,
    max_pixels: int,
    report: Report = lambda name, done, total: None,
) -> list[str]:
    """Write scores.csv, maps/, masks/ and overlays/ under `out`; returns the errors, one a file.

    maps/*.png are 16-bit: value = map_min + (map_max - map_min) * pixel / 65535, with both ends
    in the table. Its columns `map`, `mask` and `overlay` say which files are a row's own.
    """
    errors = []
    with growing_table(out / "scores.csv", score_columns(detector.timesteps)) as write:

        def one(plan: tuple[Path, PurePosixPath]) -> dict[str, Any]:
            return score_file(detector, *plan, out=out, max_pixels=max_pixels)

        rows = side_by_side(one, planned)
        for done, ((file, _), row) in enumerate(zip(planned, rows, strict=True), 1):
            if "error" in row:
                errors.append(row["error"])
            write(row)
            report(file.name, done, len(planned))
    return errors


def score_file(
    detector: Detector, file: Path, name: PurePosixPath, out: Path | None, *, max_pixels: int
) -> dict[str, Any]:
    """The row of one file, its pictures written under `out` if that is given.

    A file that cannot be used is a row with its error.
    """
    row = {"file": path_cell(file), "model": detector.name, "seed": detector.config.seed}
    with noted(row):
        loaded = load_image(file, max_pixels=max_pixels)
        with _large if loaded.pixels.size > 3 * LARGE else nullcontext():
            (found,) = detector.detect([loaded.pixels])
            row |= {"note": loaded.note} | score_row(found)
            if out is not None:
                row |= _write_pictures(detector, loaded.pixels, found, out, name)
    return row


@contextmanager
def noted(row: dict[str, Any]) -> Iterator[None]:
    """Put into the row how long the work on its file took, and why it could not be done."""
    started = time.perf_counter()
    try:
        yield
    except (ImageError, OSError, MemoryError) as error:
        row["error"] = str(error).replace("\n", " ") or type(error).__name__
    row["seconds"] = round(time.perf_counter() - started, 3)


def _write_pictures(
    detector: Detector, image: np.ndarray, found: Detection, out: Path, name: PurePosixPath
) -> dict[str, str]:
    """Returns where they are, from `out`, by the columns that say so."""
    mask, scale = found.mask(), detector.calibration
    pictures: dict[str, np.ndarray] = {
        "map": sixteen_bit(found.score_map),
        "mask": mask.astype(np.uint8) * 255,
        "overlay": overlay(image, found.score_map, mask, scale.map_low, scale.map_high),
    }
    files = {kind: f"{kind}s/{name}.png" for kind in pictures}
    for kind, picture in pictures.items():
        write_png(picture, out / files[kind])
    return files
