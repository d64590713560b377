"""Read photographs of any common kind.

Every image comes out as uint8 RGB in the orientation a viewer shows. What white is in a deep
picture (16 or 32 bits, float) is said in `ddad.images.levels`: by the file, by the model, or else
by the usual range that holds it.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ddad.images.deep import jpeg2000_bits, orientation, read_deep
from ddad.images.files import shown
from ddad.images.formats import READ, SENTENCE, kind_of
from ddad.images.guard import MAX_PIXELS, check_size, guard, read_bytes
from ddad.images.guard import ImageError as ImageError  # handed on: what loading raises
from ddad.images.levels import Deep, Levels, common_range, eight_bit, own_range, undeclared
from ddad.images.tiff import is_tiff, read_tiff

_TURN_NAMES = (
    *("FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM", "TRANSPOSE"),
    *("ROTATE_270", "TRANSVERSE", "ROTATE_90"),
)
TURNS = {number: Image.Transpose[name] for number, name in enumerate(_TURN_NAMES, 2)}
"""By EXIF's number of an orientation."""


@dataclass(frozen=True)
class LoadedImage:
    """Pixels as uint8 RGB (H, W, 3), and what was done to get them that a user should know."""

    pixels: np.ndarray
    note: str = ""


@dataclass(frozen=True)
class Opened:
    """A file's picture before it is turned into colours: deep, or as Pillow opened it."""

    deep: Deep | None
    image: Image.Image
    """Not decoded yet, where there is no deep picture."""
    notes: tuple[str, ...] = ()


def load_image(
    path: str | Path, *, max_pixels: int = MAX_PIXELS, levels: Levels | None = None
) -> LoadedImage:
    """Decode the full-size picture, or the first frame, of an image file.

    `levels` are those of the model that is to see it (`Detector.levels`); without them a deep
    picture of no declared depth is read at the smallest usual range that holds it, which the note
    says. Raises ImageError, one sentence, for a file that is missing, empty, corrupt, no image, of
    another range than the model's, or of more than `max_pixels` pixels (checked in the header,
    before anything is decoded).
    """
    path = Path(path)
    with guard(path, max_pixels):
        opened = open_picture(read_bytes(path), path, max_pixels)
        if opened.deep is None:
            return LoadedImage(_colours(opened.image), "; ".join(opened.notes))
        pixels, how = eight_bit(opened.deep, levels, path)
        return LoadedImage(_deep_colours(pixels, opened.deep), "; ".join((how, *opened.notes)))


def survey(paths: Sequence[Path], levels: Levels | None = None) -> tuple[Levels, list[str]]:
    """One range for the pictures of a training, and how they are read, each sentence once.

    With the `levels` of a model, how it would read them. Files that cannot be read are passed
    over: whoever loads them says so. Raises ImageError where undeclared ranges are APART.
    """
    ranges: list[tuple[Path, float]] = []
    notes: Counter[str] = Counter()
    deep = 0
    for path in paths:
        with suppress(ImageError), guard(path):
            opened = open_picture(read_bytes(path), path, MAX_PIXELS)
            if opened.deep is not None:
                deep += 1
                if (own := own_range(opened.deep, path)) is not None:
                    ranges.append((path, own))
                else:
                    notes[eight_bit(opened.deep, levels, path)[1]] += 1
            notes.update(opened.notes)
    levels = common_range(ranges) if levels is None else levels
    said = [f"{count} of {len(paths)} pictures: {note}" for note, count in notes.items()]
    if ranges:
        said.append(f"{len(ranges)} of {len(paths)} pictures {undeclared(levels)}")
    if 0 < deep < len(paths):
        said.append(f"{deep} of {len(paths)} pictures have more than 8 bits a channel")
    return levels, said


def open_picture(data: bytes, path: Path, max_pixels: int) -> Opened:
    """The picture of a file's bytes, its size checked; to be called within `guard`."""
    frame, notes = 0, tuple[str, ...]()
    if is_tiff(data):
        found, notes = read_tiff(data, path, max_pixels)
        if isinstance(found, Deep):
            return Opened(
                found, Image.new("1", (1, 1)), _with_alpha(notes, found.alpha is not None)
            )
        frame = found

    def opened() -> Image.Image:
        image = Image.open(io.BytesIO(data), formats=tuple(READ))
        if frame:
            image.seek(frame)
        return image

    try:
        image = opened()
    except UnidentifiedImageError:
        kind = kind_of(data, path)
        what = f"{kind}, which cannot be read" if kind else "not an image that can be read"
        raise ImageError(f"{shown(path)} is {what}: use {SENTENCE}") from None
    check_size(*image.size, path, max_pixels)
    if (frames := getattr(image, "n_frames", 1)) > 1 and image.format not in ("MPO", "TIFF"):
        notes = (*notes, f"first of {frames} frames used")
    if image.format == "JPEG2000" and image.mode != "I;16" and (bits := jpeg2000_bits(data)) > 8:
        notes = (*notes, f"{bits}-bit colours, as declared, scaled to 0..255")
    if (deep := read_deep(opened, data)) is not None:
        return Opened(deep, image, _with_alpha(notes, deep.alpha is not None))
    return Opened(None, image, _with_alpha(notes, image.has_transparency_data))


def _with_alpha(notes: tuple[str, ...], alpha: bool) -> tuple[str, ...]:
    return (*notes, "transparent pixels shown on white") if alpha else notes


def _colours(image: Image.Image) -> np.ndarray:
    """uint8 RGB of an 8-bit picture, upright, what is transparent on white."""
    image.load()
    picture = upright(image, image)
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return np.array(picture if picture.mode == "RGB" else picture.convert("RGB"))


def _deep_colours(pixels: np.ndarray, deep: Deep) -> np.ndarray:
    """uint8 RGB, upright, of samples scaled to 8 bits: inverted grey, inks and alpha resolved."""
    base = pixels.shape[2]
    rgb = np.repeat(pixels, 3, 2) if base == 1 else pixels[..., :3]
    if deep.inverted or base == 4:
        rgb = 255 - rgb
    if base == 4:
        rgb = rgb * ((255 - pixels[..., 3:]) / 255)
    if deep.alpha is not None:
        alpha = deep.alpha[..., None]
        rgb = (rgb if deep.premultiplied else rgb * alpha) + 255 * (1 - alpha)
    rgb = rgb if rgb.dtype == np.uint8 else np.rint(rgb).clip(0, 255).astype(np.uint8)
    return np.ascontiguousarray(turned(rgb, deep.turn))


def turned(values: np.ndarray, turn: int) -> np.ndarray:
    """An array (H, W, ...) as a viewer shows it, by EXIF's number of its orientation."""
    values = values.swapaxes(0, 1) if turn in (5, 6, 7, 8) else values
    values = values[::-1] if turn in (3, 4, 7, 8) else values
    return values[:, ::-1] if turn in (2, 3, 6, 7) else values


def upright(picture: Image.Image, source: Image.Image) -> Image.Image:
    """The picture turned as its loaded source file says; damaged EXIF data says nothing."""
    turn = orientation(source)
    return picture.transpose(TURNS[turn]) if turn in TURNS else picture
