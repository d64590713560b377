"""The tables: the columns of each, and how they are written. No cell runs in a spreadsheet.

They are UTF-8 and begin with a byte-order mark, without which a spreadsheet takes them for the
machine's own encoding; Python reads them as `utf-8-sig`.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from ddad.images.files import write_whole

if TYPE_CHECKING:
    from ddad.export.reviewed import Reviewed, Shape
    from ddad.model.detection import Detection

Row = Mapping[str, Any]

IMAGE_COLUMNS = (
    *("file", "defect", "score", "threshold", "anomalous", "strangeness", "familiar"),
    *("area_fraction", "true_area", "error"),
)
"""Of an evaluation's images.csv."""
RESTORATION_COLUMNS = (
    *("file", "width", "height", "score_before", "score_after", "threshold", "restored"),
    *("evaluations", "method", "picture", "difference", "animation"),
    *("model", "seed", "seconds", "note", "error"),
)
"""Of restorations.csv; its files are named from the output folder."""
REGION_COLUMNS = (
    *("file", "stem", "region", "label", "area", "area_fraction", "x", "y", "width", "height"),
    *("centre_x", "centre_y", "peak", "mean", "holes", "polygon_iou"),
)
"""Of a review's regions.csv."""
PICTURES = ("map", "mask", "overlay")
"""Columns of scores.csv that name files, from the output folder; empty where there is none."""
_MARK = "\ufeff"


def score_columns(timesteps: Mapping[str, Sequence[int]]) -> list[str]:
    """Of scores.csv, as scoring writes it, for a model with these noise scales a branch."""
    scales = [f"{branch}_t{t}" for branch, steps in timesteps.items() for t in steps]
    return [
        *("file", "width", "height", "score", "threshold", "anomalous", "strangeness", "familiar"),
        *("amiss", "level", "area_fraction"),
        *(f"mean_{scale}" for scale in scales),
        *("map_min", "map_max", *PICTURES, "model", "seed", "seconds", "note", "error"),
    ]


def score_row(found: Detection) -> dict[str, Any]:
    """What a model found, by the names of `score_columns`."""
    height, width = found.score_map.shape
    return {
        "width": width,
        "height": height,
        "score": found.score,
        "threshold": found.threshold,
        "anomalous": found.anomalous,
        "strangeness": found.strangeness,
        "familiar": found.familiar,
        "amiss": "; ".join(found.amiss()),
        "level": found.level,
        "area_fraction": float(found.mask().mean()),
        **{f"mean_{scale.name}": scale.mean for scale in found.scales},
        "map_min": float(found.score_map.min()),
        "map_max": float(found.score_map.max()),
    }


def review_row(record: Reviewed, shapes: Sequence[Shape], stem: str) -> dict[str, Any]:
    """An image's row of a review's scores.csv, whose columns are its keys.

    `verdict` is the model's word, `decision` a person's; `edited` says which of them made the mask.
    With map_min and map_max the 16-bit map has its values.
    """
    height, width = record.mask.shape
    ends: tuple[float | None, float | None] = (None, None)
    if record.score_map is not None:
        ends = float(record.score_map.min()), float(record.score_map.max())
    return {
        "file": record.name,
        "stem": stem,
        "width": width,
        "height": height,
        "score": record.score,
        "threshold": record.threshold,
        "verdict": record.verdict,
        "decision": record.decision,
        "strangeness": record.strangeness,
        "familiar": record.familiar,
        "area": int(record.mask.sum()),
        "area_fraction": float(record.mask.mean()),
        "regions": len(shapes),
        "labels": "; ".join(dict.fromkeys(shape.label for shape in shapes)),
        "edited": record.edited,
        "min_area": record.min_area,
        "reviewer": record.reviewer,
        "reviewed_at": record.at,
        "model": record.model,
        "fingerprint": record.fingerprint,
        "seed": record.seed,
        "map_min": ends[0],
        "map_max": ends[1],
    }


def region_rows(record: Reviewed, shapes: Sequence[Shape], stem: str) -> list[dict[str, Any]]:
    """A row of REGION_COLUMNS for each region; lengths in pixels."""
    rows = []
    for number, shape in enumerate(shapes, 1):
        region = shape.region
        values = (
            *(record.name, stem, number, shape.label, region.area),
            region.area / record.mask.size,
            *region.bbox,
            *region.centroid,
            *(None if np.isnan(value) else value for value in (region.peak, region.mean)),
            *(shape.has_holes, shape.iou),
        )
        rows.append(dict(zip(REGION_COLUMNS, values, strict=True)))
    return rows


def escape_cell(value: Any) -> Any:
    """A table cell that no spreadsheet runs as a formula; all but strings stay as they are.

    A string that begins, after blanks, with = + - @ or a control character gets an apostrophe.
    """
    if not isinstance(value, str):
        return value
    begins = value.lstrip(" \u00a0")[:1]
    return (
        "'" + value
        if begins and (begins in "=+-@\uff1d\uff0b\uff0d\uff20" or begins < " ")
        else value
    )


def path_cell(path: str | Path) -> str:
    """A path as a table states it: a relative one that could run begins with ./ and stays true."""
    text = str(path)
    return text if escape_cell(text) == text else f".{os.sep}{text}"


def table(rows: Iterable[Row], columns: Iterable[str]) -> str:
    """A whole table as text, its byte-order mark included."""
    text = io.StringIO()
    _fill(text, columns, rows)
    return text.getvalue()


def write_table(path: Path, columns: Iterable[str], rows: Iterable[Row]) -> None:
    """A whole table, or none."""
    with write_whole(path) as part, _opened(part) as file:
        _fill(file, columns, rows)


def append_row(path: Path, columns: Iterable[str], row: Row) -> None:
    """One more row at the end of a table that stands: whole, or not at all on a full disk.

    Raises FileNotFoundError where there is no table.
    """
    text = io.StringIO(newline="")
    _adder(text, columns)(row)
    line = text.getvalue().encode("utf-8", "backslashreplace")
    with path.open("r+b", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        try:
            while line:
                line = line[file.write(line) :]
        except OSError:
            file.truncate(end)
            raise


def amend_table(path: Path, columns: Iterable[str], rows: Mapping[int, Row]) -> None:
    """Other rows in the place of some of a table that stands, by number from 0: all, or none."""
    with (
        path.open(newline="", encoding="utf-8-sig") as before,
        write_whole(path) as part,
        _opened(part) as file,
    ):
        columns = list(columns)
        file.write(_MARK)
        add, cells = _adder(file, columns), csv.writer(file)
        for number, line in enumerate(csv.reader(before), -1):  # the head comes before the first
            add(rows[number]) if number in rows else cells.writerow(line)


@contextmanager
def growing_table(path: Path, columns: Iterable[str]) -> Iterator[Callable[[Row], None]]:
    """A table that grows row by row in `<name>.partial` and takes its name when complete.

    A row that could not be written may be written again.
    """
    columns, partial = list(columns), path.with_name(path.name + ".partial")
    write_table(partial, columns, ())
    yield lambda row: append_row(partial, columns, row)
    try:
        os.replace(partial, path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OSError(f"{path} cannot be replaced ({reason}): the table is {partial}") from error


def _opened(path: Path) -> IO[str]:
    # File names need not be valid Unicode on Linux.
    return path.open("w", newline="", encoding="utf-8", errors="backslashreplace")


def _fill(file: IO[str], columns: Iterable[str], rows: Iterable[Row]) -> None:
    """Write the head and rows."""
    columns = list(columns)
    file.write(_MARK)
    csv.writer(file).writerow(columns)
    add = _adder(file, columns)
    for row in rows:
        add(row)


def _adder(file: IO[str], columns: Iterable[str]) -> Callable[[Row], None]:
    """What writes a row: a column it lacks stays empty, what has no column is left out."""
    writer = csv.DictWriter(file, list(columns), extrasaction="ignore")
    return lambda row: writer.writerow({key: escape_cell(value) for key, value in row.items()})
