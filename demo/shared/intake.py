"""Files that a visitor drops: archives unpacked, images with their masks, layouts understood.

A mask belongs to the image `<stem>` beside its `<stem>_mask`, or, in MVTec's layout, to
`test/<defect>/<stem>` where it is `ground_truth/<defect>/<stem>_mask`. Images in `test/good` are
good; where there is a `test`, what lies in `train` is left out. Masks that come alone, and COCO
files, are for images that the visitor has already or that came along.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath

from ddad.data import archive
from ddad.images.files import IMAGE_SUFFIXES
from demo.limits import LIMITS

_TEST = re.compile(r"(?:^|/)test/([^/]+)/")
_TRUTH = re.compile(r"(^|.*/)ground_truth/")


@dataclass(frozen=True)
class Dropped:
    """One file that was dropped or lies in a ZIP that was."""

    name: str
    """As the visitor knows it: text, never to be opened."""
    path: Path | None
    problem: str = ""
    """One sentence where there is no path."""
    source: int = -1
    """Which of the dropped files the ZIP is; -1 where it was dropped itself."""


def dropped(
    paths: Sequence[Path],
    into: Path,
    *,
    entries: int = LIMITS.archive_entries,
    total: int = LIMITS.archive_bytes,
    suffixes: Iterable[str] = IMAGE_SUFFIXES,
) -> Iterator[Dropped]:
    """Each file in turn, archives unpacked under `into`, of these files with `suffixes` alone.

    A ZIP is unpacked, `entries` files of `total` bytes at most, when its turn comes. Raises
    ArchiveError for one that is refused as a whole.
    """
    limits = archive.Limits(entries=entries, total=total)
    for number, path in enumerate(paths):
        if path.suffix.lower() != ".zip":
            yield Dropped(path.name, path)
            continue
        for file in archive.extract(path, into / str(number), limits=limits, suffixes=suffixes):
            yield Dropped(file.name, file.path, file.problem, number)


@dataclass(frozen=True)
class Incoming:
    """One image to come, or masks without one, or one file that cannot be used and why."""

    name: str
    """As the visitor knows it: text, never to be opened."""
    path: Path | None
    mask: Path | None = None
    """Its mask; without a path, a mask or a COCO file for images that are there."""
    good: bool = False
    """Whether the layout says that it shows no defect."""
    problem: str = ""


def gather(paths: Sequence[Path], into: Path) -> list[Incoming]:
    """What is in the files, archives unpacked under `into`; masks without images come last.

    Raises ArchiveError for an archive that is refused as a whole.
    """
    files = sorted(
        dropped(paths, into, suffixes=IMAGE_SUFFIXES | {".json"}), key=lambda file: file.source
    )
    rows: list[Incoming] = []
    for _, group in groupby(files, key=lambda file: file.source):
        found = list(group)
        rows += [Incoming(f.name, None, problem=f.problem) for f in found if f.path is None]
        rows += _paired([(f.name, f.path) for f in found if f.path is not None])
    return sorted(rows, key=lambda each: each.path is None and each.mask is not None)


def defect(name: str) -> str | None:
    """The defect type that a path in MVTec's layout names, "good" for none; else None."""
    found = _TEST.search(name)
    return found[1] if found else None


def _paired(files: Sequence[tuple[str, Path]]) -> list[Incoming]:
    """Images of one source with their masks, in its order."""
    tested = any(defect(name) for name, _ in files)
    stems = {_stem(name) for name, path in files if path.suffix.lower() != ".json"}
    masks: dict[str, Path] = {}
    images, rows = [], []
    for name, path in files:
        owner = _owner(name)
        if owner in stems:
            masks.setdefault(owner, path)
        elif owner is not None and _TRUTH.match(name):
            rows.append(Incoming(name, None, problem="no image belongs to this mask"))
        elif owner is not None or path.suffix.lower() == ".json":
            rows.append(Incoming(name, None, path))
        elif not tested or "train" not in PurePosixPath(name).parts[:-1]:
            images.append((name, path))
    for name, path in images:
        rows.append(Incoming(name, path, masks.get(_stem(name)), defect(name) == "good"))
    return rows


def _owner(name: str) -> str | None:
    """The image that a mask of this name belongs to, without its suffix; None for no mask."""
    stem = _stem(name)
    if _TRUTH.match(name):
        return _TRUTH.sub(r"\1test/", stem).removesuffix("_mask")
    return stem.removesuffix("_mask") if stem.endswith("_mask") else None


def _stem(name: str) -> str:
    return PurePosixPath(name).with_suffix("").as_posix()
