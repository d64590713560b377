"""A camera's frames judged as they come, one after the other; nothing of them is kept."""

from __future__ import annotations

import base64
import binascii
import io
import time
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image, UnidentifiedImageError

from demo.limits import LIMITS
from demo.page import HEAVY, PRIVATE, Page
from demo.shared import meaning
from demo.shared.pictures import map_values

MAP_SIDE = 192
"""Longest side of the map over the picture, pixels."""


def wire(page: Page, viewer: gr.HTML) -> None:
    """Answer the canvas's frames with what the chosen model says of them."""

    def judge_frame(name: str, event: gr.EventData) -> dict[str, Any]:
        began = time.monotonic()
        try:
            pixels = _decoded(getattr(event, "image", None))  # anyone can make up an event
            detector = page.models.get(name)
            (found,) = detector.detect([pixels])
        except ValueError as error:
            return {"live": {"error": str(error)}}
        rows, columns = found.score_map.shape
        by = min(1.0, MAP_SIDE / max(rows, columns))
        size = max(1, round(rows * by)), max(1, round(columns * by))
        said = {
            "map": map_values(found.score_map, *size),
            "score": found.score,
            "familiar": found.familiar,
            "seconds": round(time.monotonic() - began, 2),
        }
        return {"live": meaning.of_detector(detector) | said}

    hidden: dict[str, Any] = {"show_progress": "hidden", **HEAVY, **PRIVATE}
    viewer.frame(page.turns.shared(judge_frame), page.model, viewer, **hidden)


def _decoded(address: object) -> np.ndarray:
    """uint8 (H, W, 3) of a JPEG in a data URL. Raises ValueError for anything else."""
    head = "data:image/jpeg;base64,"
    if not isinstance(address, str) or not address.startswith(head):
        raise ValueError("a frame is a JPEG inside an address")
    if len(address) > LIMITS.frame_bytes * 4 / 3 + 100:
        raise ValueError("this frame is too large")
    try:
        data = base64.b64decode(address.removeprefix(head), validate=True)
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            if image.width * image.height > LIMITS.frame_pixels:
                raise ValueError("this frame is too large")
            return np.asarray(image.convert("RGB"))
    except Image.DecompressionBombError:
        raise ValueError("this frame is too large") from None
    except (binascii.Error, UnidentifiedImageError, OSError, SyntaxError):
        raise ValueError("this frame did not arrive whole") from None
