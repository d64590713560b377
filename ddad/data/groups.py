"""Which photographs belong together, as a table beside them says: a tile, an item, a session.

A table that cannot be understood is an error: passed over, it would let photographs of one part
stand on both sides of a split.
"""

from __future__ import annotations

import codecs
import csv
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ddad.data.verdicts import SPLITS, plain
from ddad.data.words import place
from ddad.images.files import shown

STEMS = ("split", "splits", "group", "groups")
SUFFIXES = (".csv", ".tsv", ".txt")
PATHS = ("path", "file", "filename", "filepath", "image", "imagepath", "name")
GROUPS = ("tile", "item", "group", "groupid", "session", "series", "part", "partid", "lot", "batch")
"""Columns, the first of these that a table has; letter case, blanks and dashes aside."""
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class GroupsError(ValueError):
    """A table of groups that cannot be understood; the message is one sentence."""


def find_groups(root: Path, names: Sequence[str]) -> tuple[dict[str, str], str]:
    """The group of each image by a table in `root` or a folder of it, and what is amiss, if so.

    `names` are the images' paths below `root`, with forward slashes; the table may name them by
    the end of their paths. A table is `split.csv`, `groups.csv`, or .tsv or .txt; without one, or
    without a column of groups in one that says how a set was split, there are no groups. Raises
    GroupsError for one that cannot be understood, names none of the images, or says `test` of one
    whose folders do not.
    """
    try:
        tables = sorted(_tables(root))
        found = [(path, _rows(path)) for path in tables]
    except OSError as error:
        raise GroupsError(f"{shown(root)}: its table cannot be read: {error.strerror}") from error
    if len(found) > 1:
        both = " and ".join(shown(path.relative_to(root)) for path in tables)
        raise GroupsError(f"{both} in {shown(root)} name groups: keep one")
    return _matched(*found[0], names) if found else ({}, "")


def _tables(root: Path) -> Iterator[Path]:
    """Tables of groups anywhere below a folder; what is hidden is passed over."""
    for at, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name[0] != "."]
        for path in (Path(at, name) for name in names):
            if is_table(path.name) and path.is_file():
                yield path


def is_table(name: str) -> bool:
    """Whether a file of this name says which photographs belong together."""
    stem, dot, suffix = name.rpartition("/")[2].lower().rpartition(".")
    return stem in STEMS and dot + suffix in SUFFIXES


@dataclass(frozen=True)
class _Row:
    path: str
    group: str = ""
    split: str = ""


def _rows(path: Path) -> list[_Row]:
    lines = [line for line in _text(path).splitlines() if line.strip()]
    if lines and lines[0].lower().startswith("sep="):  # Excel's own word on its delimiter
        del lines[0]
    if not lines:
        raise GroupsError(f"{shown(path)} is empty: it should name a path and its group in a row")
    marks = list(dict.fromkeys(re.findall(r"[^\w\"'./\\-]", lines[0])))
    for mark in marks:
        head = _head(lines[0], mark)
        image = next((c for c in PATHS if c in head), None)
        group = next((c for c in GROUPS if c in head and c != image), None)
        if image and (group or "split" in head):
            return [
                _Row(
                    cells[head.index(image)],
                    cells[head.index(group)] if group else "",
                    cells[head.index("split")] if "split" in head else "",
                )
                for cells in _cells(path, lines, mark)
            ]
    raise GroupsError(
        f"{shown(path)} has no column of paths ({', '.join(PATHS[:3])}) and one of groups "
        f"({', '.join(GROUPS[:3])}) in its first line: {lines[0][:80]!r}"
    )


def _text(path: Path) -> str:
    data = path.read_bytes()
    coding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(coding)
    except UnicodeDecodeError as error:
        raise GroupsError(f"{shown(path)} is not text in UTF-8: {error.reason}") from error
    if "\0" in text:
        raise GroupsError(f"{shown(path)} is not text in UTF-8: it has zero bytes")
    return text


def _head(line: str, mark: str) -> list[str]:
    try:
        cells = next(csv.reader([line], delimiter=mark, skipinitialspace=True), [])
    except csv.Error:  # one cell of more than the module's 131072 characters
        return []
    return [re.sub(r"[\s_-]+", "", plain(cell.strip().strip("'"))) for cell in cells]


def _cells(path: Path, lines: Sequence[str], mark: str) -> Iterator[list[str]]:
    """The rows below the first line, each of as many cells as that."""
    try:
        table = csv.reader(lines, delimiter=mark, skipinitialspace=True, strict=True)
        width = len(next(table))
        for number, row in enumerate(table, 2):
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if len(cells) < width or any(cells[width:]):
                raise GroupsError(
                    f"row {number} of {shown(path)} has {len(row)} cells, its first line "
                    f"{width}: {mark.join(row)[:80]!r}"
                )
            yield cells
    except csv.Error as error:
        raise GroupsError(f"{shown(path)} is no table: {error}") from error


def _matched(path: Path, rows: Sequence[_Row], names: Sequence[str]) -> tuple[dict[str, str], str]:
    find = _finder(names)
    groups: dict[str, str] = {}
    strangers = 0
    for row in rows:
        found = find(row.path.replace("\\", "/").removeprefix("./"))
        if len(found) > 1:
            raise GroupsError(f"{shown(path)}: {row.path!r} may be {' or '.join(found[:3])}")
        strangers += not found
        if not found:
            continue
        (name,) = found
        if groups.setdefault(name, row.group) != row.group:
            raise GroupsError(f"{shown(path)} puts {name!r} into more than one group")
        told, lies = SPLITS.get(plain(row.split), ""), place(0, name).split
        if told and (told == "train") != (lies in ("", "train")):
            raise GroupsError(
                f"{shown(path)} says that {name!r} is of {row.split!r}, its folders do not: "
                "folders train and test are what counts"
            )
    if not groups:
        raise GroupsError(
            f"{shown(path)} names none of the images: its first is "
            f"{(rows or [_Row('')])[0].path!r}, theirs are such as {min(names, default='')!r}"
        )
    said = f"{path.name} names {strangers} images that are not there" if strangers else ""
    return {name: group for name, group in groups.items() if group}, said


def _finder(names: Sequence[str]) -> Callable[[str], list[str]]:
    """Finds images by a path as it is, else letter case aside, else by the end of either path."""
    exact, ends = set(names), dict[str, list[str]]()
    for name in names:
        ends.setdefault(plain(name).rsplit("/", 1)[-1], []).append(name)

    def find(told: str) -> list[str]:
        if told in exact:
            return [told]
        wanted = f"/{plain(told)}"
        near = ends.get(wanted.rsplit("/", 1)[-1], [])
        same = [name for name in near if f"/{plain(name)}" == wanted]
        return same or [
            name
            for name in near
            if f"/{plain(name)}".endswith(wanted) or wanted.endswith(f"/{plain(name)}")
        ]

    return find
