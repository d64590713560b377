"""Which photographs belong together, as a table beside them says: a tile, an item, a session.

A table that cannot be understood is an error: passed over, it would let photographs of one part
stand on both sides of a split.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from ddad.data.words import plain
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
    """The group of each image that the table in `root` names, and a sentence on what is amiss.

    `names` are the images' paths below `root`, with forward slashes; the table may name them by
    the end of their paths. A table is `split.csv`, `groups.csv`, or .tsv or .txt; without one, or
    without a column of groups in one that says how a set was split, there are no groups. Raises
    GroupsError for one that cannot be understood or names none of the images.
    """
    tables = [
        path
        for path in sorted(root.iterdir())
        if path.suffix.lower() in SUFFIXES and path.stem.lower() in STEMS and path.is_file()
    ]
    found = {path: rows for path in tables if (rows := _rows(path)) is not None}
    if len(found) > 1:
        both = " and ".join(path.name for path in found)
        raise GroupsError(f"{both} in {shown(root)} both name groups: keep one")
    for path, rows in found.items():
        return _matched(path, rows, names)
    return {}, ""


def _rows(path: Path) -> list[tuple[str, str]] | None:
    """Path and group of each row; None for a table of other things than groups."""
    text = _text(path)
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise GroupsError(f"{shown(path)} is empty: it should name a path and its group in a row")
    marks = list(dict.fromkeys(re.findall(r"[^\w\"'./\\-]", lines[0])))
    heads = [(mark, _head(lines[0], mark)) for mark in marks] or [(",", _head(lines[0], ","))]
    for mark, head in heads:
        paths = next((c for c in PATHS if c in head), None)
        groups = next((c for c in GROUPS if c in head and c != paths), None)
        if paths and groups:
            return _cells(path, lines, mark, head.index(paths), head.index(groups))
    if any(set(PATHS) & set(head) and "split" in head for _, head in heads):
        return None  # it says how a set was split, and nothing of groups
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
    cells = next(csv.reader([line], delimiter=mark, skipinitialspace=True), [])
    return [re.sub(r"[\s_-]+", "", plain(cell.strip().strip("'"))) for cell in cells]


def _cells(
    path: Path, lines: Sequence[str], mark: str, at: int, group: int
) -> list[tuple[str, str]]:
    rows = []
    try:
        table = csv.reader(lines, delimiter=mark, skipinitialspace=True, strict=True)
        for number, row in enumerate(table, 1):
            if number == 1:
                continue
            if len(row) <= max(at, group):
                raise GroupsError(
                    f"row {number} of {shown(path)} has {len(row)} cells, its first line names "
                    f"more: {mark.join(row)[:80]!r}"
                )
            rows.append((row[at].strip(), row[group].strip()))
    except csv.Error as error:
        raise GroupsError(f"{shown(path)} is no table: {error}") from error
    return rows


def _matched(
    path: Path, rows: Sequence[tuple[str, str]], names: Sequence[str]
) -> tuple[dict[str, str], str]:
    find = _finder(names)
    groups: dict[str, str] = {}
    strangers = 0
    for cell, group in rows:
        found = find(cell.replace("\\", "/").removeprefix("./"))
        if len(found) > 1:
            raise GroupsError(f"{shown(path)}: {cell!r} may be {' or '.join(found[:3])}")
        strangers += not found
        if found and group and groups.setdefault(found[0], group) != group:
            raise GroupsError(f"{shown(path)} puts {found[0]!r} into more than one group")
    if not groups:
        raise GroupsError(
            f"{shown(path)} names none of the images: its first is {(rows or [('', '')])[0][0]!r}, "
            f"theirs are such as {min(names, default='')!r}"
        )
    return groups, f"{path.name} names {strangers} images that are not there" if strangers else ""


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
