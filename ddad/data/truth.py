"""Masks that were made elsewhere, as image files, and which image each is for.

Nothing here trusts its input: sizes are bounded before anything is laid out, and whatever is
wrong with a file is one MaskError.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ddad.images.decode import load_classes
from ddad.images.files import shown
from ddad.images.guard import ImageError, guard
from ddad.images.names import Stems, safe_stem
from ddad.images.regions import RegionLabel, components, labelled

ORIGIN = "ddad:image"
"""Keyword of the PNG text that says whose mask a file of ours is."""


class MaskError(ValueError):
    """A file that holds no usable masks; the message is one sentence that names it."""


@dataclass(frozen=True)
class Imported:
    """A mask, bool (H, W), and the labels of its regions, each by one of its pixels."""

    mask: np.ndarray
    labels: tuple[RegionLabel, ...] = ()


@dataclass(frozen=True)
class Target:
    """An image that a mask may be for."""

    name: str
    height: int
    width: int
    sha256: str = ""
    """`digest` of its pixels, where that is known."""


def read_mask(path: Path, name: str, targets: Sequence[Target]) -> tuple[int, Imported]:
    """The mask in an image file called `name`, and the index of the target it is for.

    Marked are grey levels above 127 or, where none is above, whatever is not 0: class numbers,
    which then become labels. A palette's entry 0 is the background. Raises MaskError where no
    target is called so or is of its size, ImageError where it is no image.
    """
    index = matcher(targets)(name)
    if isinstance(index, str):
        raise MaskError(index)
    values = load_classes(path)
    target = targets[index]
    if values.shape != (target.height, target.width):
        raise MaskError(
            f"the mask {_named(name)} is of {values.shape[1]} x {values.shape[0]} pixels, its "
            f"image of {target.width} x {target.height}"
        )
    if values.max() > 127 and len(np.unique(values)) > 2:
        return index, Imported(values > 127)
    classes = [int(value) for value in np.unique(values) if value > 0]
    labels = []
    if len(classes) > 1:
        for value in classes:
            labels += [
                labelled(part, x, y, f"class {value}") for part, x, y in components(values == value)
            ]
    return index, Imported(values > 0, tuple(labels))


def origin(path: Path) -> tuple[str, str] | None:
    """Name and SHA-256 of the pixels of the image whose mask a PNG of our own export is.

    None for any other file: whoever wrote it did not say. What it says is a claim: compare.
    """
    try:
        with guard(path), Image.open(path, formats=["PNG"]) as picture:
            told = json.loads(picture.info.get(ORIGIN, "null"))
        name, sha256 = told["name"], told["sha256"]
    except (ImageError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return (name, sha256) if isinstance(name, str) and isinstance(sha256, str) else None


def digest(pixels: np.ndarray) -> str:
    """SHA-256 of uint8 (H, W, 3): an image is known by it whatever it is called."""
    return hashlib.sha256(pixels.tobytes()).hexdigest()


def matcher(targets: Sequence[Target]) -> Callable[[str], int | str]:
    """Says which target, by its index, a file is surely for, or in a sentence why none.

    By file name, among several of one name by their folders, else by the stem that an export of
    these targets gives, `_mask` left out.
    """
    by_base: dict[str, list[int]] = {}
    by_stem: dict[str, int] = {}
    stems = Stems()
    for index, target in enumerate(targets):
        by_base.setdefault(_base(target.name), []).append(index)
        by_stem[stems.unique(target.name).casefold()] = index

    def match(name: str) -> int | str:
        found = by_base.get(_base(name), [])
        if len(found) > 1:
            found = [
                i for i in found if _ends(targets[i].name, name) or _ends(name, targets[i].name)
            ]
            if len(found) != 1:
                return f"several images are called {_named(_base(name))}"
        if found:
            return found[0]
        stem = safe_stem(name).casefold()
        index = by_stem.get(stem, by_stem.get(stem.removesuffix("_mask")))
        return f"no image is called like {_named(name)}" if index is None else index

    return match


def _ends(whole: str, end: str) -> bool:
    """Whether a path ends in another, folder by folder."""
    return f"/{whole}".replace("\\", "/").endswith(f"/{end}".replace("\\", "/"))


def _base(name: str) -> str:
    return re.split(r"[/\\]", name)[-1]


def _named(name: str) -> str:
    return shown(Path(name[:200]))
