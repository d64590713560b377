"""Pictures for the page: as files that Gradio hands out, and inside the page as data URLs."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gradio.utils import get_upload_folder
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ddad.images.files import write_whole
from ddad.images.formats import READ, SENTENCE
from ddad.images.guard import MAX_PIXELS, ImageError, check_size, guard, read_bytes
from demo.limits import LIMITS

READABLE = f"{SENTENCE}, of any depth"
"""What a photograph may be, in words."""
EDITED = LIMITS.edited_pixels
"""Pixels up to which a mask is edited at the image's own size; larger images at about this many."""
LARGEST = 1600
"""Longest side of a picture in the page, pixels."""
LOSSLESS = 1_000_000
"""Pixels up to which the canvas is sent PNG; larger photographs go as JPEG, their masks exactly."""


def edit_shape(height: int, width: int) -> tuple[int, int]:
    """Height and width at which an image's masks are edited."""
    shrink = min(1.0, math.sqrt(EDITED / (height * width)))
    return max(1, round(height * shrink)), max(1, round(width * shrink))


def resized(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """A bool mask at another size, nearest neighbour."""
    if mask.shape == (height, width):
        return mask
    return np.asarray(Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST))


def reduced(pixels: np.ndarray, side: int) -> Image.Image:
    """A picture whose longer side has at most so many pixels."""
    image = Image.fromarray(pixels)
    image.thumbnail((side, side))
    return image


def picture_file(
    pixels: np.ndarray, name: str, side: int | None = None, *, told: Mapping[str, str] | None = None
) -> str:
    """The path of a picture that Gradio may hand out, written once and whole.

    `pixels` are uint8 (H, W) or (H, W, 3); the suffix of `name` says how they are written, `side`
    how many pixels the longer side has at most, `told` the texts that a PNG carries. Given the
    array itself, Gradio writes it anew over the file of the same content: a visitor who is just
    fetching that file gets less than was promised him.
    """
    image = reduced(pixels, side) if side else Image.fromarray(pixels)
    head, texts = f"{image.mode} {image.size}", PngInfo()
    for key, text in (told or {}).items():
        head += f" {key}={text}"
        texts.add_itxt(key, text)
    digest = hashlib.sha256(head.encode() + image.tobytes()).hexdigest()
    path = Path(get_upload_folder(), digest, name)
    try:
        os.utime(path)  # the page deletes files by their age
    except FileNotFoundError:
        with write_whole(path) as part:
            image.save(part, quality=90, pnginfo=texts)
    return str(path)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The bytes of the picture as a file of a kind of Pillow's."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def data_url(data: bytes, kind: str) -> str:
    """The bytes of a picture, "png" or "jpeg", inside the page."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def small_url(pixels: np.ndarray, side: int, quality: int = 85) -> str:
    """A small picture inside the page, its longer side of at most so many pixels."""
    return data_url(encoded(reduced(pixels, side), "WEBP", quality=quality), "webp")


def photograph_url(pixels: np.ndarray) -> str:
    """The photograph for the canvas, at the size its masks are edited at."""
    height, width = edit_shape(*pixels.shape[:2])
    image = Image.fromarray(pixels)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BOX, reducing_gap=2)
    if width * height <= LOSSLESS:
        return data_url(encoded(image, "PNG", compress_level=1), "png")
    return data_url(encoded(image, "JPEG", quality=92, subsampling=0), "jpeg")


def map_values(values: np.ndarray, height: int, width: int) -> dict[str, Any]:
    """A map for the canvas, float32 in base64; never larger than the image, which it is laid on."""
    h, w = values.shape
    if h > height or w > width:
        size = min(w, width), min(h, height)
        image = Image.fromarray(np.asarray(values, np.float32))
        values = np.asarray(image.resize(size, Image.Resampling.BILINEAR))
    data = np.ascontiguousarray(values, "<f4")
    rows, columns = data.shape
    return {"w": columns, "h": rows, "data": base64.b64encode(data.tobytes()).decode()}


def image_tag(path: Path, alt: str, side: int = 0) -> str:
    """An image file inside the page, reduced to `side` pixels at most; without it, a PNG as it is
    but for what is larger than a screen."""
    most = side or LARGEST
    try:
        with guard(path), Image.open(io.BytesIO(read_bytes(path)), formats=tuple(READ)) as image:
            check_size(*image.size, path, MAX_PIXELS)
            image.draft("RGB", (2 * most, 2 * most))
            image.thumbnail((most, most))
            picture = image.convert("RGB")
    except ImageError:
        return f"<span class='nothing'>{html.escape(alt)}</span>"
    if side:
        url = data_url(encoded(picture, "JPEG", quality=80), "jpeg")
    else:
        url = data_url(encoded(picture, "PNG", compress_level=1), "png")
    return f"<img src='{url}' alt='{html.escape(alt, quote=True)}'>"
