"""Masks that were made elsewhere, for correction: PNG files and COCO JSON.

Nothing here trusts its input: sizes are bounded before anything is laid out, and whatever is
wrong with a file is one MaskError.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ddad.data.kinds import listed
from ddad.data.matching import Images
from ddad.data.words import place
from ddad.images.decode import load_classes
from ddad.images.files import shown
from ddad.images.outlines import coco_mask, rasterise
from ddad.images.regions import RegionLabel, components

MAX_BYTES = 200_000_000
"""Of a COCO file."""
MAX_LAID_OUT = 5_000_000_000
"""Pixels that the regions of one file may need in all, each region in its bounding box."""


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


def read_mask(path: Path, name: str, targets: Sequence[Target]) -> tuple[int, Imported]:
    """The mask in an image file called `name`, read by `read_marks`, and the index of its target.

    Raises MaskError where no target is called so or is of its size, ImageError where it is no
    image.
    """
    index = matcher(targets, masks=True)(name)
    if isinstance(index, str):
        raise MaskError(index)
    target = targets[index]
    found, _ = read_marks(path)
    if found.mask.shape != (target.height, target.width):
        height, width = found.mask.shape
        raise MaskError(
            f"the mask {_named(name)} is of {width} x {height} pixels, its image of "
            f"{target.width} x {target.height}"
        )
    return index, found


def read_marks(path: Path) -> tuple[Imported, str]:
    """What an image file marks, whatever its name, and how it was read.

    Marked are grey levels above 127 or, where none is above, whatever is not 0: class numbers,
    which then become labels. Raises ImageError where it is no image.
    """
    values = load_classes(path)
    if values.max() > 127 and len(np.unique(values)) > 2:
        return Imported(values > 127), "grey levels above 127 are marked"
    classes = [int(value) for value in np.unique(values) if value > 0]
    if len(classes) < 2:
        return Imported(values > 0), ""
    labels = []
    for value in classes:
        labels += [
            _label(part, x, y, f"class {value}") for part, x, y in components(values == value)
        ]
    how = f"values {', '.join(map(str, classes[:8]))} as classes"
    return Imported(values > 0, tuple(labels)), how


def origin(path: Path) -> tuple[str, str] | None:
    """The name and the pixels' SHA-256 of the image that an exported mask is for.

    None for a file that does not say so. Opens no pixels.
    """
    try:
        with Image.open(path, formats=["PNG"]) as image:
            said = json.loads(image.info["ddad:image"])
        return str(said["name"]), str(said["sha256"])
    except (OSError, ValueError, KeyError, TypeError, SyntaxError, Image.DecompressionBombError):
        return None


def read_coco(path: Path, targets: Sequence[Target]) -> tuple[dict[int, Imported], list[str]]:
    """The masks of a COCO file by index of the target, and its images that match none.

    Polygons are filled by `ddad.images.outlines.rasterise`, run lengths plain or compressed. Raises
    MaskError, one sentence, where the file is not COCO's.
    """
    data = _load(path)
    try:
        found, strangers = _matched(data, path, targets)
        _draw_all(data, path, found)
    except MaskError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise MaskError(f"{_named(path.name)} is not as COCO files are: {_brief(error)}") from error
    return {i: Imported(mask, tuple(labels)) for i, mask, labels in found.values()}, strangers


_Found = dict[Any, tuple[int, np.ndarray, list[RegionLabel]]]
"""By COCO's number of an image: the index of its target, its mask so far, and their labels."""


def _matched(data: Any, path: Path, targets: Sequence[Target]) -> tuple[_Found, list[str]]:
    """A blank mask for each image of the file that is a target, and the names of the others."""
    found: _Found = {}
    strangers = []
    match = matcher(targets)
    for image in data["images"]:
        index = match(str(image["file_name"]))
        if isinstance(index, str):
            strangers.append(index)
            continue
        target = targets[index]
        if (image["height"], image["width"]) != (target.height, target.width):
            raise MaskError(
                f"{_named(image['file_name'])} is of {image['width']} x {image['height']} "
                f"pixels in {_named(path.name)}, the image of {target.width} x {target.height}"
            )
        found[image["id"]] = index, np.zeros((target.height, target.width), bool), []
    return found, strangers


def _draw_all(data: Any, path: Path, found: _Found) -> None:
    """The annotations drawn into the masks that they are for, within MAX_LAID_OUT."""
    names = {row["id"]: str(row["name"]) for row in data.get("categories", [])}
    budget = MAX_LAID_OUT
    for row in data["annotations"]:
        if row["image_id"] in found:
            _, mask, labels = found[row["image_id"]]
            name = names.get(row["category_id"], "")
            budget -= _draw(row["segmentation"], mask, labels, name)
            if budget < 0:
                raise MaskError(f"{_named(path.name)} holds more regions than can be drawn")


def matcher(targets: Sequence[Target], *, masks: bool = False) -> Callable[[str], int | str]:
    """Says which target, by its index, an image's name or, of `masks`, a mask's is surely for.

    Else the sentence why none is.
    """
    images = Images([place(i, target.name) for i, target in enumerate(targets)])

    def find(name: str) -> int | str:
        name = name.replace("\\", "/").removeprefix("./")
        found = images.of(place(0, name)) if masks else images.called(name)
        if found.image is not None:
            return found.image
        what = "the mask" if masks else "the image"
        meant = listed([_named(targets[i].name) for i in found.candidates], 3)
        return f"{what} {_named(name)} was left out: {found.why}{meant and f' ({meant})'}"

    return find


def _draw(segmentation: Any, mask: np.ndarray, labels: list[RegionLabel], name: str) -> int:
    """Add a segmentation to a mask and its label to the labels; returns the pixels laid out."""
    if isinstance(segmentation, Mapping):
        height, width = segmentation["size"]
        if (height, width) != mask.shape:
            raise ValueError(f"run lengths of {width} x {height} pixels in another image")
        pieces = [(coco_mask(segmentation["counts"], height, width), 0, 0)]
    else:
        pieces = [_polygon(numbers, mask.shape) for numbers in segmentation]
    for piece, x, y in pieces:
        mask[y : y + piece.shape[0], x : x + piece.shape[1]] |= piece
        if name and piece.any():
            labels.append(_label(piece, x, y, name))
    return sum(piece.size for piece, _, _ in pieces)


def _polygon(numbers: Any, shape: tuple[int, ...]) -> tuple[np.ndarray, int, int]:
    """A polygon's pixels within its bounding box, and x and y of that."""
    ring = np.array([float(number) for number in numbers])
    if len(ring) < 6 or len(ring) % 2 or not np.isfinite(ring).all():
        raise ValueError("a polygon needs three or more pairs of finite numbers")
    ring = ring.reshape(-1, 2)
    most = np.array(shape[::-1])
    low = np.clip(np.floor(ring.min(axis=0)), 0, most).astype(int)
    high = np.clip(np.ceil(ring.max(axis=0)), low, most).astype(int)
    size = high - low
    return rasterise([ring - low], (int(size[1]), int(size[0]))), int(low[0]), int(low[1])


def _label(part: np.ndarray, left: int, top: int, name: str) -> RegionLabel:
    y, x = np.unravel_index(int(part.argmax()), part.shape)
    return RegionLabel(left + int(x), top + int(y), name)


def _load(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MaskError(f"{_named(path.name)} is larger than {MAX_BYTES // 10**6} MB")
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise MaskError(f"{_named(path.name)} cannot be read: {error.strerror}") from None
    except RecursionError:
        raise MaskError(f"{_named(path.name)} is nested too deeply") from None
    except ValueError as error:  # not text, not JSON, or a number of too many digits
        raise MaskError(f"{_named(path.name)} is not JSON: {_brief(error)}") from None
    if not isinstance(data, dict) or not {"images", "annotations"} <= set(data):
        raise MaskError(f"{_named(path.name)} is not a COCO file: it has no images and annotations")
    return data


def _named(name: Any) -> str:
    return shown(Path(str(name)[:200]))


def _brief(error: Exception) -> str:
    what = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
    return " ".join(what.split())[:200]
