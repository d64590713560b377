"""Which images are meant, and what their outputs are called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from ddad.images.files import pictures_in, shown
from ddad.images.names import folded

Report = Callable[[str, int, int], None]
"""Called after each image with its name, the number done and the total."""


def plan_outputs(
    paths: Sequence[Path], out: Path | None = None
) -> list[tuple[Path, PurePosixPath]]:
    """The images under files and folders, each with a relative output path without suffix.

    Folder structure is kept. What lies under `out`, results of a run before, is passed over. Where
    two would share an output (capitals and normal forms aside) the later ones keep their suffix in
    the name, or are numbered. Raises ValueError for a path that is missing or a folder without
    images.
    """
    taken: set[str] = set()
    planned = []
    for file, found in _found(paths, out):
        relative = _in_unicode(found)
        name = relative.with_suffix("")
        planned.append((file, own(relative if folded(str(name)) in taken else name, taken)))
    return planned


def own(name: PurePosixPath, taken: set[str]) -> PurePosixPath:
    """The name, numbered where another in `taken` is the same file to some system; joins them."""
    first, number = name, 1
    while folded(str(name)) in taken:
        number += 1
        name = first.with_name(f"{first.name}_{number}")
    taken.add(folded(str(name)))
    return name


def _in_unicode(path: PurePosixPath) -> PurePosixPath:
    """The path with %FF for each byte that is no text, so that a table can state it."""
    text = re.sub("[\udc80-\udcff]", lambda found: f"%{ord(found[0]) & 0xFF:02X}", str(path))
    return PurePosixPath(text)


def _found(paths: Sequence[Path], out: Path | None) -> Iterator[tuple[Path, PurePosixPath]]:
    """Each image with its path below the folder given, or below that folder's name of several."""
    for path in paths:
        if path.is_dir():
            inside = [
                file
                for file in pictures_in(path)
                if not (out and file.resolve().is_relative_to(out.resolve()))
            ]
            if not inside:
                own = " besides those of --out" if out and any(pictures_in(path)) else ""
                raise ValueError(f"no images in the folder {shown(path)}{own}: {_held(path)}")
            prefix = PurePosixPath(path.resolve().name if len(paths) > 1 else "")
            yield from ((file, prefix / file.relative_to(path).as_posix()) for file in inside)
        elif path.exists():
            yield path, PurePosixPath(path.name)
        else:
            raise ValueError(f"no such file or folder: {shown(path)}")


def _held(folder: Path) -> str:
    """What a folder holds instead of images: "found 3 .csv, 1 .zip below it"."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    kinds = Counter(sorted(file.suffix.lower() or "without suffix" for file in files))
    found = ", ".join(f"{count} {shown(Path(kind))}" for kind, count in kinds.most_common(5))
    return f"found {found or 'no files'} below it"
