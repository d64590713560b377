"""True masks of any common kind: what is marked in them, and in words how that was seen.

Any value but the background's counts: colours, palette entries, what is not transparent, class
numbers. Of soft edges and of compressed masks the upper half counts. A picture that is plainly no
mask, or would mark everything, is refused: nothing here guesses in silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import maximum_filter, minimum_filter

from ddad.images.decode import Opened, open_picture, turned, upright
from ddad.images.files import shown
from ddad.images.guard import MAX_PIXELS, ImageError, guard, read_bytes
from ddad.images.levels import Deep

MANY = 16
"""From so many different values on, those near the two ends may be a compression's noise."""
NEAR = 0.2
"""Of the largest value: so near to an end is at it, where values are graded."""
DARK = 12
"""Of 255: colours up to it are black, a compression's noise aside."""
STRAY = 0.02
"""Of the marked pixels: so few may be graded without lying on an edge."""


@dataclass(frozen=True)
class Truth:
    """What a mask says. `classes` numbers what is marked, 0 the background."""

    mask: np.ndarray
    """bool (H, W)."""
    classes: np.ndarray
    """int (H, W): class numbers as they are, colours numbered in their order, else 0 and 1."""
    how: str
    """How it was read, in words that follow "read as"."""


def load_mask(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """A true mask as bool (H, W); see `load_truth`, whose errors it raises."""
    return load_truth(path, max_pixels=max_pixels).mask


def load_classes(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The class numbers of a true mask, int (H, W); see `load_truth`, whose errors it raises."""
    return load_truth(path, max_pixels=max_pixels).classes


def load_truth(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Truth:
    """A true mask with its classes, and how it was read.

    Raises ImageError, one sentence, for a file that `load_image` does not read either, and for a
    picture that cannot be told to be a mask: a photograph, one without a background, one that
    marks most of the picture and its whole border, as an inverted mask does.
    """
    path = Path(path)
    with guard(path):
        truth = _read(open_picture(read_bytes(path), path, max_pixels), path)
    mask = truth.mask
    border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    if mask.mean() > 0.5 and border.mean() > 0.9:
        raise ImageError(
            f"{shown(path)}, read as {truth.how}, marks {mask.mean():.0%} of the picture and its "
            "border: if it is inverted, give it with the background black"
        )
    return truth


def _read(opened: Opened, path: Path) -> Truth:
    if opened.deep is not None:
        return _of_deep(opened.deep, path)
    image = opened.image
    image.load()
    if image.has_transparency_data:
        colours = np.asarray(upright(image.convert("RGBA"), image)).astype(np.int32)
        if np.ptp(colours[..., 3]):
            return _of_alpha(colours[..., :3], colours[..., 3], path)
        return _of_planes(colours[..., :3], path)
    picture = upright(image, image)
    if image.mode == "P":
        return _of_palette(picture, path)
    picture = picture.convert("L" if image.mode in ("1", "L") else "RGB")
    return _of_planes(np.atleast_3d(np.asarray(picture).astype(np.int32)), path)


def _of_deep(deep: Deep, path: Path) -> Truth:
    """Samples as they are stored: what is not 0 counts, whatever the range."""
    values = deep.values
    if values.dtype.kind == "f":
        values = _whole(values, path)
    if values.max(initial=0) > 2**31 - 1:
        raise ImageError(f"{shown(path)} is no mask: it has values up to {values.max()}")
    values = values.astype(np.int32)
    values = np.stack([turned(values[..., n], deep.turn) for n in range(values.shape[2])], axis=2)
    if deep.alpha is not None and np.ptp(deep.alpha):
        alpha = np.rint(turned(deep.alpha, deep.turn) * 255).astype(np.int32)
        return _of_alpha(values, alpha, path)
    if values.shape[2] > 1 and (top := int(values.max())) > 255:
        values = np.ceil(values * (255 / top)).astype(np.int32)
    return _of_planes(values.max() - values if deep.inverted else values, path)


def _whole(values: np.ndarray, path: Path) -> np.ndarray:
    """Float samples as whole numbers; where they are fractions, in 255 steps."""
    if not np.isfinite(values).all() or np.abs(values).max() > 2**31 - 1:
        raise ImageError(f"{shown(path)} is no mask: it holds values that are no numbers")
    whole = (values == np.rint(values)).all()
    return (values if whole else np.rint(values * 255 / max(1.0, values.max()))).astype(np.int32)


def _of_palette(picture: Image.Image, path: Path) -> Truth:
    """Entries as class numbers; the background is entry 0, or the one black entry in use."""
    entries = np.asarray(picture).astype(np.int32)
    flat = picture.getpalette("RGB") or []
    colours = np.zeros((256, 3), np.int32)
    colours[: len(flat) // 3] = np.array(flat[: len(flat) // 3 * 3], np.int32).reshape(-1, 3)
    used = _kinds(entries)
    if all((colours[entry] == entry).all() for entry in used):  # a grey ramp: levels, not classes
        return _of_planes(entries[..., None], path)
    if len(used) > MANY:  # a picture that was made into a palette, not a list of classes
        return _of_planes(colours[entries], path)
    black = [int(entry) for entry in used if not colours[entry].any()]
    if 0 in used and (0 in black or not black):
        return _classes(entries, "palette entries other than 0")
    if len(black) == 1:
        return _classes(np.where(entries == black[0], 0, entries + 1), "colours other than black")
    if not black and 0 not in used and not colours[0].any():
        return _classes(entries, "palette entries other than 0")
    raise ImageError(f"{shown(path)} is no mask: neither entry 0 of its palette nor black is used")


def _of_alpha(colours: np.ndarray, alpha: np.ndarray, path: Path) -> Truth:
    """What is not transparent; of that, black is background where other colours are there too."""
    solid = alpha > 127
    dark = colours.max(axis=2) == 0
    if (solid & dark).any() and (solid & ~dark).any():
        return _of_planes(colours * solid[..., None], path)
    return _graded(alpha, "what is not transparent", path)


def _of_planes(planes: np.ndarray, path: Path) -> Truth:
    """Grey levels, or colours by how far they are from the background's."""
    if planes.shape[2] == 1 or (planes == planes[..., :1]).all():
        return _graded(planes[..., 0], "", path)
    planes = planes[..., :3]
    background, name = np.zeros(3, np.int32), "black"
    if not (planes.max(axis=2) <= DARK).any():
        edge = np.concatenate([planes[0], planes[-1], planes[:, 0], planes[:, -1]])
        kinds, counts = np.unique(edge, axis=0, return_counts=True)
        if counts.max() < 0.5 * len(edge):
            raise ImageError(f"{shown(path)} is no mask: it has no black, nor a border of a colour")
        background = kinds[counts.argmax()]
        name = f"its border's {'/'.join(map(str, background))}"
    read = _graded(np.abs(planes - background).max(axis=2), f"colours other than {name}", path)
    codes = (planes[..., 0] << 16 | planes[..., 1] << 8 | planes[..., 2]) * read.mask
    kinds = _kinds(codes)
    if len(kinds) > MANY:
        return Truth(read.mask, read.mask.astype(np.int32), read.how)
    return Truth(read.mask, np.searchsorted(kinds, codes).astype(np.int32), read.how)


def _kinds(values: np.ndarray) -> np.ndarray:
    """The different values, sorted; counting is quicker than sorting where they are small."""
    if values.max(initial=0) < 1 << 24 and values.min(initial=0) >= 0:
        return np.flatnonzero(np.bincount(values.ravel()))
    return np.unique(values)


def _graded(values: np.ndarray, what: str, path: Path) -> Truth:
    """Whole numbers from 0 on (H, W): classes, or two ends with a soft or noisy way between."""
    if values.min() < 0:
        raise ImageError(f"{shown(path)} is no mask: it has values below 0")
    top, kinds = int(values.max()), _kinds(values)
    if top == 0:
        return _classes(values, "empty: nothing but background")
    if len(kinds) <= 2 and kinds[0] == 0:
        return _classes(values, what or f"values other than 0 ({top} is there)")
    if top >= 128 and _two_ends(values, len(kinds)):
        return _classes(
            (values > top / 2).astype(np.int32), f"{what or 'values'} above half of {top}"
        )
    if kinds[0] > 0:
        raise ImageError(f"{shown(path)} is no mask: it has no background of value 0")
    if len(kinds) <= MANY or _flat(values):
        return _classes(values, what or f"class numbers, {len(kinds) - 1} besides 0")
    if top >= 128 and (values == 0).mean() > 0.5:
        return _classes(
            (values > top / 2).astype(np.int32), f"{what or 'levels'} above half of {top}"
        )
    raise ImageError(
        f"{shown(path)} is no mask: it has {len(kinds)} grey levels, as photographs do"
    )


def _classes(values: np.ndarray, how: str) -> Truth:
    return Truth(values > 0, values, how)


def _two_ends(values: np.ndarray, kinds: int) -> bool:
    """Whether all that is not at an end lies on an edge between them, as smoothing leaves it."""
    top = values.max()
    low, high = values <= NEAR * top, values >= (1 - NEAR) * top
    if not low.any() or (kinds <= MANY and not (values == 0).any()):
        return bool(kinds == 2 and low.any())
    graded = (values > 0) & (values < top)
    if kinds > MANY:
        graded &= ~low & ~high
    on_edge = (minimum_filter(values, 5) <= NEAR * top) & (
        maximum_filter(values, 5) >= (1 - NEAR) * top
    )
    return bool(np.count_nonzero(graded & ~on_edge) <= STRAY * np.count_nonzero(values > top / 2))


def _flat(values: np.ndarray) -> bool:
    """Whether most neighbours within what is marked are equal, as class numbers are."""
    left, right = values[:, :-1], values[:, 1:]
    inside = (left > 0) & (right > 0)
    return bool(np.count_nonzero((left == right) & inside) >= 0.8 * np.count_nonzero(inside))
