"""Which images are meant, and what their outputs are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from ddad.images.files import pictures_in, shown

Report = Callable[[str, int, int], None]
"""Called after each image with its name, the number done and the total."""


def plan_outputs(
    paths: Sequence[Path], out: Path | None = None
) -> list[tuple[Path, PurePosixPath]]:
    """The images under files and folders, each with a relative output path without suffix.

    Folder structure is kept. What lies under `out`, results of a run before, is passed over. Where
    two would share an output (letter case aside) the later ones keep their suffix in the name, or
    are numbered. Raises ValueError for a path that is missing or a folder without images.
    """
    taken: set[str] = set()
    planned = []
    for file, relative in _found(paths, out):
        name, number = relative.with_suffix(""), 1
        while str(name).lower() in taken:
            number += 1
            name = relative if number == 2 else relative.with_name(f"{relative.name}_{number}")
        taken.add(str(name).lower())
        planned.append((file, name))
    return planned


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
    kinds = Counter(f.suffix.lower() or "without suffix" for f in folder.rglob("*") if f.is_file())
    found = ", ".join(f"{count} {shown(Path(kind))}" for kind, count in kinds.most_common(5))
    return f"found {found or 'no files'} below it"
