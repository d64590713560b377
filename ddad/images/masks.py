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
from scipy.ndimage import maximum_filter

from ddad.images.decode import Opened, open_picture, turned, upright
from ddad.images.files import shown
from ddad.images.guard import MAX_PIXELS, ImageError, guard, read_bytes
from ddad.images.levels import Deep

FEW = 3
"""So few different values are classes, however they lie."""
MANY = 16
"""So many different colours are no list of classes."""
LOSSY = ("JPEG", "MPO", "WEBP", "AVIF", "JPEG2000")
"""Formats that leave noise about what they compress."""
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
    with guard(path, max_pixels):
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
    lossy = image.format in LOSSY
    image.load()
    if image.has_transparency_data:
        colours = np.asarray(upright(image.convert("RGBA"), image)).astype(np.int32)
        if np.ptp(colours[..., 3]):
            return _of_alpha(colours[..., :3], colours[..., 3], path, lossy)
        return _of_planes(colours[..., :3], path, lossy)
    picture = upright(image, image)
    if image.mode == "P":
        return _of_palette(picture, path)
    picture = picture.convert("L" if image.mode in ("1", "L") else "RGB")
    return _of_planes(np.atleast_3d(np.asarray(picture).astype(np.int32)), path, lossy)


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
    if len(used) > MANY or (len(used) > FEW and not _flat(entries, entries >= 0)):
        # A picture that was made into a palette, not a list of classes.
        return _of_planes(colours[entries], path)
    black = [int(entry) for entry in used if not colours[entry].any()]
    if 0 in used and (0 in black or not black):
        return _classes(entries, "palette entries other than 0")
    if len(black) == 1:
        return _classes(np.where(entries == black[0], 0, entries + 1), "colours other than black")
    if not black and 0 not in used and not colours[0].any():
        return _classes(entries, "palette entries other than 0")
    raise ImageError(f"{shown(path)} is no mask: neither entry 0 of its palette nor black is used")


def _of_alpha(colours: np.ndarray, alpha: np.ndarray, path: Path, lossy: bool = False) -> Truth:
    """What is not transparent; of that, black is background where other colours are there too."""
    solid = alpha > 127
    dark = colours.max(axis=2) == 0
    if (solid & dark).any() and (solid & ~dark).any():
        return _of_planes(colours * solid[..., None], path, lossy)
    return _graded(alpha, "what is not transparent", path, lossy)


def _of_planes(planes: np.ndarray, path: Path, lossy: bool = False) -> Truth:
    """Grey levels, or colours by how far they are from the background's."""
    if planes.shape[2] == 1 or (planes == planes[..., :1]).all():
        return _graded(planes[..., 0], "", path, lossy)
    planes = planes[..., :3]
    background, name = np.zeros(3, np.int32), "black"
    if not (planes.max(axis=2) <= DARK).any():
        edge = np.concatenate([planes[0], planes[-1], planes[:, 0], planes[:, -1]])
        kinds, counts = np.unique(edge, axis=0, return_counts=True)
        if counts.max() < 0.5 * len(edge):
            raise ImageError(f"{shown(path)} is no mask: it has no black, nor a border of a colour")
        background = kinds[counts.argmax()]
        name = f"its border's {'/'.join(map(str, background))}"
    distance = np.abs(planes - background).max(axis=2)
    read = _graded(distance, f"colours other than {name}", path, lossy)
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


def _graded(values: np.ndarray, what: str, path: Path, lossy: bool = False) -> Truth:
    """Whole numbers from 0 on (H, W): classes, or two ends with a soft or noisy way between."""
    if values.min() < 0:
        raise ImageError(f"{shown(path)} is no mask: it has values below 0")
    top, kinds = int(values.max()), _kinds(values)
    if top == 0:
        return _classes(values, "empty: nothing but background")
    if len(kinds) == 2 and kinds[0] == 0:
        return _classes(values, what or f"0 and {top}")
    if top >= 128 and _two_ends(values, lossy):
        return _upper_half(values, what)
    if kinds[0] > 0:
        raise ImageError(f"{shown(path)} is no mask: it has no background of value 0")
    if len(kinds) <= FEW or _flat(values, values > 0):
        return _classes(values, what or f"class numbers, {len(kinds) - 1} besides 0")
    if top >= 128 and (values == 0).mean() > 0.5:
        return _upper_half(values, what)
    raise ImageError(f"{shown(path)} is no mask: it has {len(kinds)} levels, as photographs have")


def _classes(values: np.ndarray, how: str) -> Truth:
    return Truth(values > 0, values, how)


def _upper_half(values: np.ndarray, what: str) -> Truth:
    top = int(values.max())
    upper = (values > top / 2).astype(np.int32)
    return _classes(upper, f"{what or 'values'}, of soft edges what is above half of {top}")


def _two_ends(values: np.ndarray, lossy: bool) -> bool:
    """Whether all that is at no end lies on an edge between them, or is a compression's noise."""
    top = values.max()
    low, high = values <= NEAR * top, values >= (1 - NEAR) * top
    graded = (values > 0) & (values < top)
    near = graded & (low | high)
    noise = near if lossy or not _flat(values, near) else near & _edge(low, high, 9)
    strange = graded & ~noise & ~_edge(low, high, 5)
    return bool(low.any() and np.count_nonzero(strange) <= STRAY * np.count_nonzero(high))


def _edge(low: np.ndarray, high: np.ndarray, size: int) -> np.ndarray:
    """The pixels that have both about them, in a square of so many pixels a side."""
    return np.asarray(maximum_filter(low, size) & maximum_filter(high, size))


def _flat(values: np.ndarray, among: np.ndarray) -> bool:
    """Whether most neighbours `among` are equal, as class numbers are."""
    equal = total = 0
    for before, after in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        both = among[before] & among[after]
        total += int(np.count_nonzero(both))
        equal += int(np.count_nonzero(both & (values[before] == values[after])))
    return equal >= 0.75 * total
