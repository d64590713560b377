"""Masks that were made elsewhere, as image files, and which image each is for.

Nothing here trusts its input: sizes are bounded before anything is laid out, and whatever is
wrong with a file is one MaskError.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ddad.data.kinds import listed
from ddad.data.matching import Images
from ddad.data.words import place
from ddad.images.files import shown
from ddad.images.guard import ImageError, guard
from ddad.images.masks import load_truth
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
    how: str = ""
    """How a mask's file was read, in words that follow "read as"."""


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

    It is read by `read_marks`. Raises MaskError where no target is called so or is of its size,
    ImageError where it is no image or no mask.
    """
    index = matcher(targets, masks=True)(name)
    if isinstance(index, str):
        raise MaskError(f"the mask {_named(name)} was left out: {index}")
    target, found = targets[index], read_marks(path)
    if found.mask.shape != (target.height, target.width):
        raise MaskError(
            f"the mask {_named(name)} is of {found.mask.shape[1]} x {found.mask.shape[0]} pixels, "
            f"its image of {target.width} x {target.height}"
        )
    return index, found


def read_marks(path: Path) -> Imported:
    """What an image file marks, whatever it is called; `ddad.images.masks` says how that is seen.

    Several class numbers or colours become labels. Raises ImageError where it is no image or no
    mask.
    """
    truth = load_truth(path)
    classes = [int(value) for value in np.unique(truth.classes) if value > 0]
    labels = []
    for value in classes if len(classes) > 1 else ():
        labels += [
            labelled(part, x, y, f"class {value}")
            for part, x, y in components(truth.classes == value)
        ]
    return Imported(truth.mask, tuple(labels), truth.how)


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


def matcher(targets: Sequence[Target], *, masks: bool = False) -> Callable[[str], int | str]:
    """Says which target, by its index, an image's name or, of `masks`, a mask's is surely for.

    Else why none is, in words that follow "was left out:".
    """
    images = Images([place(i, target.name) for i, target in enumerate(targets)])

    def find(name: str) -> int | str:
        name = name.replace("\\", "/").removeprefix("./")
        found = images.of(place(0, name)) if masks else images.called(name)
        if found.image is not None:
            return found.image
        meant = listed([_named(targets[i].name) for i in found.candidates], 3)
        return found.why + (f" ({meant})" if meant else "")

    return find


def _named(name: str) -> str:
    return shown(Path(name[:200]))
