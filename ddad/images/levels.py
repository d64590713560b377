"""Which value of a deep picture is white: float, 10 to 14 bits in 16, 32 bits.

A declared depth is used. Without one the usual ranges are tried, and one is found for all pictures
of a model: a picture's own brightest pixel decides nothing where a model judges it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ddad.images.files import shown
from ddad.images.guard import ImageError

RANGES = (1.0, *(float(2**bits - 1) for bits in (8, 10, 12, 14, 16, 20, 24, 32)))
"""The usual ranges begin at 0 and end here; 1 is for float values alone."""
FEW = 0.001
"""Hot pixels: so small a share of a picture's values may lie above its range."""
APART = 64
"""Ranges so many times apart are not of one camera: six bits of eight would be lost."""
PLAIN = 65535.0
"""White, of integers, for a model that was trained on pictures of 8 bits."""


@dataclass(frozen=True)
class Levels:
    """What white is in deep pictures of no declared depth, for all pictures of one model.

    `white` is None where none of its training pictures was such. Raises ValueError for no number.
    """

    white: float | None = None

    def __post_init__(self) -> None:
        number = isinstance(self.white, int | float) and not isinstance(self.white, bool)
        if self.white is not None and not (number and 0 < self.white <= RANGES[-1]):
            raise ValueError("the white level must be a number above 0")


@dataclass(frozen=True)
class Deep:
    """A deep picture as stored: its samples, and what they mean."""

    values: np.ndarray
    """(H, W, n) of any number type: n = 1 grey, 3 RGB, 4 inks."""
    declared: float | None = None
    """White, where the file says it."""
    alpha: np.ndarray | None = None
    """(H, W) in 0..1."""
    premultiplied: bool = False
    inverted: bool = False
    """Grey: 0 is white."""
    turn: int = 1
    """EXIF's number of its orientation."""


def usual_range(values: np.ndarray) -> float:
    """The smallest of RANGES that holds the values but FEW; infinite where none does."""
    ranges = RANGES if values.dtype.kind == "f" else RANGES[1:]
    return next((top for top in ranges if _holds(top, values)), np.inf)


def _holds(top: float, values: np.ndarray) -> bool:
    return bool(np.count_nonzero(values > top) <= FEW * values.size)


def own_range(deep: Deep, path: Path) -> float | None:
    """The range that an undeclared picture would have by itself; None where it declares one."""
    values = _finite(deep.values, path)
    if deep.declared is not None and _holds(deep.declared, values):
        return None
    return usual_range(values)


def eight_bit(deep: Deep, levels: Levels | None, path: Path) -> tuple[np.ndarray, str]:
    """The samples as uint8 (H, W, n), and the sentence that says how.

    Without `levels` the picture's own usual range is taken. Raises ImageError where the values
    are of no usual range, below 0, or of another range than the model's.
    """
    values = _finite(deep.values, path)
    own = usual_range(values)
    top = float(values[values <= own].max(initial=0))
    if own == np.inf:
        raise ImageError(f"{shown(path)} has values of no usual range, up to {values.max():g}")
    if values.dtype.kind in "if" and np.count_nonzero(values < -own / 100) > FEW * values.size:
        raise ImageError(f"{shown(path)} has values below 0, down to {values.min():g}: shift them")
    if deep.declared is not None and _holds(deep.declared, values):
        white, how = deep.declared, f"values 0..{deep.declared:.0f}, as declared, scaled to 0..255"
    elif levels is None:
        white, how = own, _said(values, own, top)
    else:
        white = _of_model(values, own, top, levels, path)
        how = _said(values, white, top)
        above = np.count_nonzero(values > white) / values.size
        if above > 0.5:
            raise ImageError(f"{shown(path)} goes up to {top:g}, the model's range to {white:g}")
        if above > FEW:
            how += f", {above:.0%} of them above that"
    scale = np.float32(255 / white)
    return np.rint((values * scale).clip(0, 255)).astype(np.uint8), how


def _of_model(values: np.ndarray, own: float, top: float, levels: Levels, path: Path) -> float:
    """White for a picture of no declared depth that a model is to judge."""
    floats = values.dtype.kind == "f"
    if levels.white is not None:
        if own * APART <= levels.white:
            raise ImageError(
                f"{shown(path)} uses only 0..{top:g} of the model's range 0..{levels.white:g}: "
                "it is black, or of another kind than the model's pictures"
            )
        return levels.white
    if floats and own <= 255:
        return own
    if not floats and PLAIN / 16 < own <= PLAIN:
        return PLAIN
    held = "" if floats else f" of {min(float(np.iinfo(values.dtype).max), PLAIN):.0f}"
    raise ImageError(
        f"{shown(path)} uses only 0..{top:g}{held} and declares no depth, and the model was not "
        "trained on such pictures: save it with 8 bits, or train a model on its like"
    )


def _said(values: np.ndarray, white: float, top: float) -> str:
    if values.dtype.kind == "f":
        return f"float values, 0..{white:g} scaled to 0..255"
    most = float(np.iinfo(values.dtype).max)
    if white == PLAIN and most >= PLAIN:
        only = f", only 0..{top:.0f} used" if top * 4 < PLAIN else ""
        return f"16-bit values 0..65535 scaled to 0..255{only}"
    if white >= most:
        return f"values 0..{white:.0f} scaled to 0..255"
    return (
        f"only 0..{top:.0f} of {most:.0f} is used: read as {white + 1:.0f} levels, "
        f"{int(white).bit_length()} bits"
    )


def _finite(values: np.ndarray, path: Path) -> np.ndarray:
    """The values, with 0 for what is no finite number; not all may be such."""
    if values.dtype.kind != "f":
        return values
    finite = np.isfinite(values)
    if not finite.any():
        raise ImageError(f"{shown(path)} holds no finite number")
    return values if finite.all() else np.where(finite, values, 0).astype(values.dtype)


def undeclared(levels: Levels) -> str:
    """How a model reads pictures of no declared depth, in words that follow "pictures"."""
    if levels.white is None:
        return "declare no depth: the model was not trained on such"
    only = f"only 0..{levels.white:.0f} of 65535 is used" if 1 < levels.white < PLAIN else ""
    only = only or f"0..{levels.white:g} is used"
    return f"declare no depth: {only}, which is read as 0..255 in all that the model sees"


def common_range(ranges: Iterable[tuple[Path, float]]) -> Levels:
    """One range for the undeclared pictures of a training, given that of each.

    Raises ImageError, naming two, where they are not of one camera.
    """
    found = sorted(ranges, key=lambda each: each[1])
    if not found:
        return Levels()
    (low, least), (high, most) = found[len(found) // 2], found[-1]
    if least * APART <= most:
        raise ImageError(
            f"{shown(high)} has values up to {most:g}, {shown(low)} and most others up to "
            f"{least:g}: pictures of one model must be of one range"
        )
    return Levels(most)
