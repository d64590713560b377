"""The result of one image as files in a private folder, and what the canvas is sent of it.

Folders have unguessable names outside the served cache; the browser never names one.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ddad.images import write_png
from ddad.regions import escape_cell, find_regions
from ddad.render import heat

if TYPE_CHECKING:
    from ddad.detector import Detection, Detector

SHOWN = 1600
"""Longest side of what the canvas is sent, pixels; files always have the original size."""


def save(pixels: np.ndarray, found: Detection, detector: Detector, name: str) -> Path:
    """Keep a result for later thresholds and downloads; returns its private folder."""
    folder = Path(tempfile.mkdtemp(prefix="ddad-result-"))
    np.save(folder / "map.npy", found.score_map)
    meta = {
        "name": name,
        "model": detector.name,
        "seed": detector.config.seed,
        "score": found.score,
        "threshold": found.threshold,
        "means": {f"mean_{scale.name}": scale.mean for scale in found.scales},
    }
    (folder / "result.json").write_text(json.dumps(meta))
    return folder


def forget(folder: str | None) -> None:
    """Delete a result's folder, if there still is one."""
    if folder:
        shutil.rmtree(folder, ignore_errors=True)


def write_files(folder: Path, threshold: float) -> tuple[Path, Path]:
    """The mask (PNG, 0/255, original size) and the scores (CSV) at a threshold."""
    meta = json.loads((folder / "result.json").read_text())
    score_map = np.load(folder / "map.npy", allow_pickle=False)
    mask = score_map > np.float32(threshold)
    stem = safe_stem(meta["name"])
    mask_path, csv_path = folder / f"{stem}_mask.png", folder / f"{stem}_scores.csv"
    write_png(mask.astype(np.uint8) * 255, mask_path)
    row = {
        "file": meta["name"],
        "width": mask.shape[1],
        "height": mask.shape[0],
        "score": meta["score"],
        "threshold": threshold,
        "anomalous": bool(mask.any()),
        "area_fraction": float(mask.mean()),
        "regions": len(find_regions(score_map, mask)),
        **meta["means"],
        "model": meta["model"],
        "seed": meta["seed"],
    }
    part = csv_path.with_suffix(".part")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow({k: escape_cell(v) for k, v in row.items()})
    part.replace(csv_path)
    return mask_path, csv_path


def safe_stem(name: str) -> str:
    """An upload's name as a file stem: letters, digits, dot, dash, underscore; never empty."""
    stem = re.sub(r"[^\w.-]+", "_", Path(name.replace("\\", "/")).stem)[:80].strip("._")
    return stem or "image"


def payload(pixels: np.ndarray, found: Detection, detector: Detector, name: str) -> dict[str, Any]:
    """What the canvas needs to draw a result and to follow the threshold without the server.

    Maps travel as PNG with the value's 16 bits in red and green: value = low + (high - low) *
    code / 65535, so the canvas and the files differ by at most the pixels within one step.
    """
    fitted = detector.calibration
    height, width = pixels.shape[:2]
    shrink = min(1.0, SHOWN / max(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    shown = Image.fromarray(pixels).resize(size, Image.Resampling.BOX) if shrink < 1 else None
    score_map = found.score_map
    if shrink < 1:
        score_map = np.asarray(Image.fromarray(score_map).resize(size, Image.Resampling.BILINEAR))
    peak = np.unravel_index(int(found.score_map.argmax()), found.score_map.shape)
    return {
        "name": name,
        "model": detector.name,
        "width": width,
        "height": height,
        "image": _data_url(shown or Image.fromarray(pixels)),
        "map": _coded(score_map),
        "score": found.score,
        "threshold": found.threshold,
        "low": fitted.map_low,
        "high": fitted.map_high,
        "normals": list(fitted.normal_scores),
        "targetFpr": fitted.target_fpr,
        "crossFitted": fitted.cross_fitted,
        "scales": [
            {
                "branch": scale.branch,
                "t": scale.t,
                "atPeak": scale.weight
                * _at(scale.map, int(peak[0]) / height, int(peak[1]) / width),
                "noise": scale.noise_std,
                "mean": scale.mean,
                "peak": float(scale.map.max()),
                "map": _coded(scale.map),
                "picture": _data_url(
                    Image.fromarray(heat(scale.map, fitted.map_low, fitted.map_high))
                ),
            }
            for scale in found.scales
        ],
    }


def _at(values: np.ndarray, y: float, x: float) -> float:
    """The value at a place given as shares of height and width."""
    return float(values[int(y * values.shape[0]), int(x * values.shape[1])])


def _coded(values: np.ndarray) -> dict[str, Any]:
    low, high = float(values.min()), float(values.max())
    code = np.rint((values - low) / max(high - low, 1e-12) * 65535).astype(np.uint16)
    rgb = np.stack([code >> 8, code & 255, np.zeros_like(code)], axis=-1).astype(np.uint8)
    return {"low": low, "high": high, "png": _data_url(Image.fromarray(rgb))}


def _data_url(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=3)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
