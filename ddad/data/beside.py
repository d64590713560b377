"""What lies beside photographs and speaks of them: masks that are called like them, annotations."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from ddad.data.verdicts import plain
from ddad.data.words import Place, folder_of
from ddad.images.decode import ImageError, load_image

MOST_BYTES = 200_000_000
"""Of a file that may hold annotations; larger ones are taken to."""
FEW = 16
"""So many grey levels at most are a mask's, or so small a part of their range its soft edges."""
_MARKS = {
    ".json": re.compile(rb'"(points|bbox|segmentation|rectangle|polygon)s?"'),
    ".xml": re.compile(rb"<(object|bndbox|polygon|mask)\b"),
    ".txt": re.compile(rb"\A\s*\d+([ \t]+[-+.\deE]+){4,}\s*$", re.MULTILINE),
}
"""What LabelMe, COCO, CVAT, VOC and YOLO write of a region."""


def twin_mask(files: Sequence[Path], photographs: Sequence[Place]) -> tuple[Path, Path] | None:
    """Of `x.jpg` and `x.png` side by side, one that looks like a mask, and the other.

    Decodes those pairs alone. A place's index is that of its file.
    """
    first: dict[tuple[str, str], Path] = {}
    for place in photographs:
        file = files[place.index]
        other = first.setdefault((plain(folder_of(place)), place.stem), file)
        if other != file:
            for one, twin in ((file, other), (other, file)):
                if like_a_mask(one):
                    return one, twin
    return None


def like_a_mask(path: Path) -> bool:
    """Whether a picture has few levels, or nearly all its pixels at either end of their range."""
    with suppress(ImageError, OSError):
        return _few_or_at_ends(load_image(path).pixels.max(axis=2))
    return False


def _few_or_at_ends(values: np.ndarray) -> bool:
    low, high = values.min(), values.max()
    ends = np.minimum(values - low, high - values) <= (high - low) // FEW
    return len(np.unique(values)) <= FEW or float(ends.mean()) > 0.95


def annotated(root: Path, files: Sequence[Path]) -> Iterator[str]:
    """Files below a folder that mark regions in its images, by their paths in it.

    Those called like an image, and any JSON, COCO's being called as they may.
    """
    stems = {plain(file.stem) for file in files}
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name[0] != ".")
        for name in sorted(names):
            path = Path(folder, name)
            mark = _MARKS.get(path.suffix.lower())
            if (
                mark
                and (plain(path.stem) in stems or mark is _MARKS[".json"])
                and _marks(path, mark)
            ):
                yield path.relative_to(root).as_posix()


def _marks(path: Path, mark: re.Pattern[bytes]) -> bool:
    with suppress(OSError):
        if path.is_file():
            return path.stat().st_size > MOST_BYTES or bool(mark.search(path.read_bytes()))
    return False
