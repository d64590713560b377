"""What the canvas is sent of an image, and the files to take away."""

from __future__ import annotations

import base64
import csv
import io
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ddad.images.names import safe_stem
from ddad.images.regions import escape_cell, find_regions
from demo.inspect.payload import encode_runs
from demo.limits import LIMITS
from demo.store.records import Item
from demo.store.session import Session

if TYPE_CHECKING:
    from ddad.model.detector import Detector

EDITED = LIMITS.edited_pixels
"""Pixels up to which a mask is edited at the image's own size; larger images at about this many."""
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


def picture(pixels: np.ndarray) -> str:
    """The photograph for the canvas, as a data URL."""
    height, width = edit_shape(*pixels.shape[:2])
    image = Image.fromarray(pixels)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BOX, reducing_gap=2)
    buffer = io.BytesIO()
    if width * height <= LOSSLESS:
        image.save(buffer, "PNG", compress_level=1)
        return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    image.save(buffer, "JPEG", quality=92, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def facts(detector: Detector) -> dict[str, Any]:
    """What the canvas must know of a model to say what a score means."""
    fitted = detector.calibration
    return {
        "model": detector.name,
        "seed": detector.config.seed,
        "of": sum(len(steps) for steps in detector.timesteps.values()),
        "threshold": fitted.threshold,
        "low": fitted.map_low,
        "high": fitted.map_high,
        "normals": list(fitted.normal_scores),
        "crossFitted": fitted.cross_fitted,
    }


def scale_values(scales: Iterable[Any], height: int, width: int) -> list[dict[str, Any]]:
    """Scales with their maps: float32 in base64, at the size they were made at."""
    edited = edit_shape(height, width)
    values = []
    for scale in scales:
        values.append(
            {
                "name": scale.name,
                "branch": scale.branch,
                "t": scale.t,
                "noise": scale.noise_std,
                "weight": scale.weight,
                "map": _coded(scale.map, *edited),
            }
        )
    return values


def desk_value(session: Session, item: Item, image: str) -> dict[str, Any]:
    """A stored item as the canvas shows it. Raises StoreError for one without a result."""
    scales = session.scales(item.id)
    result = item.result
    assert result is not None
    return {
        "token": item.id,
        "item": item.id,
        "name": item.name,
        "note": " ".join(filter(None, [item.note, _reduced(item.height, item.width)])),
        "partial": False,
        "image": image,
        "original": [item.width, item.height],
        "shown": list(edit_shape(item.height, item.width)[::-1]),
        "model": result.model,
        "seed": result.seed,
        "of": len(scales),
        "threshold": result.threshold,
        "low": result.low,
        "high": result.high,
        "normals": list(result.normal_scores),
        "crossFitted": result.cross_fitted,
        "scales": scale_values(scales, item.height, item.width),
        "review": session.desk(item.id) or _review(session, item),
        "entry": entry(item),
    }


def _reduced(height: int, width: int) -> str:
    """A sentence for an image whose masks are edited at less than its size."""
    shape = edit_shape(height, width)
    if shape == (height, width):
        return ""
    return (
        f"Masks of so large an image are edited at {shape[1]} x {shape[0]} pixels and enlarged "
        f"to {width} x {height} in the files."
    )


def _review(session: Session, item: Item) -> dict[str, Any] | None:
    """A review that was not made at the desk, in the desk's terms."""
    if item.review is None:
        return None
    shape, zone = edit_shape(item.height, item.width), session.ignore(item.id)
    drawn: dict[str, Any] = {"added": None, "removed": None}
    if item.review.edited:
        proposed = session.score_map(item.id) > np.float32(item.review.threshold)
        mask = session.mask(item.id)
        drawn = {"added": mask & ~proposed, "removed": proposed & ~mask}
    return {
        "threshold": item.review.threshold,
        "least": max(1, item.review.min_area),
        "fill": False,
        "decision": item.review.decision,
        "off": [],
        "labels": [vars(region) for region in item.review.regions],
        **{
            key: None if each is None else encode_runs(resized(each, *shape))
            for key, each in {**drawn, "zone": zone}.items()
        },
    }


def entry(item: Item) -> dict[str, Any]:
    """An item's line in the queue."""
    return {
        "item": item.id,
        "name": item.name,
        "score": item.score,
        "decision": item.decision,
    }


def mask_file(session: Session, item: Item) -> tuple[str, str, bytes]:
    """Name, type and bytes of the final mask: PNG of 0 and 255, original size."""
    buffer = io.BytesIO()
    mask = session.final_mask(item.id)
    Image.fromarray(mask.astype(np.uint8) * 255).save(buffer, "PNG")
    return f"{safe_stem(item.name)}_mask.png", "image/png", buffer.getvalue()


def scores_file(session: Session, item: Item) -> tuple[str, str, bytes]:
    """Name, type and bytes of the scores: CSV of one row."""
    result, mask = item.result, session.final_mask(item.id)
    assert result is not None
    row = {
        "file": item.name,
        "width": item.width,
        "height": item.height,
        "score": item.score,
        "threshold": item.threshold,
        "anomalous": bool(mask.any()),
        "area_fraction": float(mask.mean()),
        "regions": len(find_regions(session.score_map(item.id), mask)),
        "decision": item.decision,
        "reviewer": item.review.reviewer if item.review else "",
        **{f"mean_{scale.name}": scale.mean for scale in result.scales},
        "model": result.model,
        "seed": result.seed,
    }
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(row))
    writer.writeheader()
    writer.writerow({key: escape_cell(value) for key, value in row.items()})
    return f"{safe_stem(item.name)}_scores.csv", "text/csv", text.getvalue().encode()


def _coded(values: np.ndarray, height: int, width: int) -> dict[str, Any]:
    """A map as the browser reads it; never larger than the image, which it is laid on."""
    h, w = values.shape
    if h > height or w > width:
        size = min(w, width), min(h, height)
        image = Image.fromarray(np.asarray(values, np.float32))
        values = np.asarray(image.resize(size, Image.Resampling.BILINEAR))
    data = np.ascontiguousarray(values, "<f4")
    return {
        "w": data.shape[1],
        "h": data.shape[0],
        "data": base64.b64encode(data.tobytes()).decode(),
    }
