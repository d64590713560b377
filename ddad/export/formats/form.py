"""The shape of a format: which files it puts for one image, and which for the whole set."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ddad.data.truth import ORIGIN, digest
from ddad.export.reviewed import Reviewed, Shape
from ddad.export.tables import review_row
from ddad.images.outlines import TOLERANCE

Files = Iterable[tuple[str, bytes]]
"""Paths in the ZIP, with their content."""


@dataclass
class Whole:
    """What is known of the set so far: no pixels."""

    tolerance: float = TOLERANCE
    """Of the polygons, pixels."""
    classes: list[str] = field(default_factory=list)
    """Labels: the project's own, then others in the order in which they first came."""
    formats: frozenset[str] = frozenset()
    """Names of the formats that go into the ZIP."""
    pictures: bool = False
    """Whether images/ goes into it."""
    notes: tuple[str, ...] = ()
    """Sentences on the set as a whole."""


@dataclass(frozen=True)
class Entry:
    """One image on its way into the ZIP; what several formats need of it is made once."""

    record: Reviewed
    shapes: list[Shape]
    stem: str

    @cached_property
    def picture(self) -> bytes:
        return png_bytes(self.record.pixels)

    @cached_property
    def digest(self) -> str:
        return digest(self.record.pixels)

    @cached_property
    def mask(self) -> bytes:
        return mask_png(self.record.mask, {"name": self.record.name, "sha256": self.digest})

    @cached_property
    def row(self) -> dict[str, Any]:
        """Its row of scores.csv."""
        return review_row(self.record, self.shapes, self.stem)


class Format:
    """Puts nothing; a format says what it puts. One object serves one ZIP."""

    name: ClassVar[str]
    label: ClassVar[str]
    """What the page calls it."""
    pictures: ClassVar[bool] = False
    """Whether its files speak of images/<stem>.png."""
    late: ClassVar[bool] = False
    """Whether its files of an image come after those of the other formats."""

    def __init__(self, whole: Whole) -> None:
        self.whole = whole

    def add(self, entry: Entry) -> Files:
        """The files of one image, whose labels `whole.classes` holds already."""
        return ()

    def finish(self) -> Files:
        """The files about the set, when every image was added."""
        return ()


def json_bytes(value: Any, indent: int | None = None) -> bytes:
    return text_bytes(json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False) + "\n")


def text_bytes(text: str) -> bytes:
    """UTF-8; file names need not be valid Unicode on Linux."""
    return text.encode(errors="backslashreplace")


def mask_png(mask: np.ndarray, origin: Mapping[str, str]) -> bytes:
    """8-bit grey PNG of 0 and 255, which says whose mask it is: see `ddad.data.truth.origin`."""
    told = PngInfo()
    told.add_itxt(ORIGIN, json.dumps(origin))
    return png_bytes(np.asarray(mask, bool).astype(np.uint8) * 255, told)


def png_bytes(array: np.ndarray, told: PngInfo | None = None) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG", compress_level=4, pnginfo=told)
    return buffer.getvalue()
