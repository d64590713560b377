"""The page's own export, taken back: whose mask each file is, said by the files themselves.

A mask's PNG carries its image's name and the digest of its pixels; run.json says the same of all
stems.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ddad.data.coco import MAX_BYTES
from ddad.data.truth import origin

FORMATS = ("labels", "label-studio", "labelme", "maps")
"""Folders of an export whose masks stand in another of its formats as well."""
File = tuple[str, Path]
"""A name as the visitor knows it, and where the file is."""


@dataclass(frozen=True)
class Origin:
    """The image that a file of an export is, or is the mask of."""

    name: str
    sha256: str
    """Of its pixels."""


@dataclass(frozen=True)
class Export:
    """Files that say whose they are."""

    masks: tuple[tuple[str, Path, Origin], ...] = ()
    pictures: tuple[tuple[str, Path, Origin], ...] = ()
    roots: frozenset[PurePosixPath] = frozenset()
    """Folders that a run.json makes known as those of an export."""

    def knows(self, name: str) -> bool:
        """Whether a file that cannot be read here is of an export: a table, a report."""
        return any(PurePosixPath(name).is_relative_to(root) for root in self.roots)


def export_of(
    images: Sequence[File], texts: Sequence[File]
) -> tuple[Export, list[File], list[File]]:
    """What of a source's files says whose it is; the other images, and the other texts."""
    runs = {PurePosixPath(name).parent: _stems(path) for name, path in texts if _is_run(name)}
    stems = {root: found for root, found in runs.items() if found is not None}
    masks, pictures, others = [], [], []
    for name, path in images:
        where = PurePosixPath(name)
        said = stems.get(where.parent.parent, {}).get(where.stem)
        carried = origin(path) if where.suffix.lower() == ".png" else None
        if _again(where, stems, images):
            continue
        if carried or (said and where.parent.name == "masks"):
            masks.append((name, path, Origin(*carried) if carried else said or Origin("", "")))
        elif said and where.parent.name == "images":
            pictures.append((name, path, said))
        else:
            others.append((name, path))
    texts = [(n, p) for n, p in texts if not _said(n, stems)]
    return Export(tuple(masks), tuple(pictures), frozenset(stems)), others, texts


def _is_run(name: str) -> bool:
    return PurePosixPath(name).name == "run.json"


def _said(name: str, roots: Collection[PurePosixPath]) -> bool:
    """Whether a text of an export has nothing more to say."""
    where = PurePosixPath(name)
    return (_is_run(name) and where.parent in roots) or _again(where, roots)


def _again(
    where: PurePosixPath, roots: Collection[PurePosixPath], images: Sequence[File] = ()
) -> bool:
    """Whether a file of an export has what another of its files has as well."""
    for root in roots:
        if where.is_relative_to(root) and len(where.relative_to(root).parts) > 1:
            folder = where.relative_to(root).parts[0]
            if folder == "mvtec":
                beside = (str(root / "images") + "/", str(root / "masks") + "/")
                return any(name.startswith(beside) for name, _ in images)
            return folder in FORMATS
    return False


def _stems(path: Path) -> dict[str, Origin] | None:
    """Whose each stem of an export is, by its run.json; None for another file of that name."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        if path.stat().st_size <= MAX_BYTES:
            data = json.loads(path.read_bytes())
            if str(data["program"]).startswith("ddad "):
                return {
                    str(image["stem"]): Origin(str(image["file"]), str(image["pixels_sha256"]))
                    for image in data["images"]
                }
    return None
