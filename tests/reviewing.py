"""Reviewed images, drawn: with any mask, or as a person leaves them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from parts import spoil, texture
from PIL import Image

from ddad.export.reviewed import Reviewed
from ddad.images.regions import RegionLabel

RING = np.pad(np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool), 2)
masks = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(lambda s: arrays(bool, s))


def reviewed(mask: np.ndarray, **more) -> Reviewed:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (*mask.shape, 3), np.uint8)
    score_map = (rng.normal(size=mask.shape) + 5 * mask).astype(np.float32)
    return Reviewed("part.png", pixels, mask, score_map, float(score_map.max()), 2.5, **more)


def record(name: str, seed: int = 0, **more) -> Reviewed:
    """A spoiled part, called defective, its defect labelled "dent"."""
    rng = np.random.default_rng(seed)
    image, mask = spoil(texture(rng), rng)
    y, x = np.argwhere(mask)[0]
    labels = (RegionLabel(int(x), int(y), more.pop("label", "dent")),)
    score_map = (rng.normal(size=mask.shape) + 9 * mask).astype(np.float32)
    mask = more.pop("mask", mask)
    facts = {"model": "brick", "fingerprint": "f" * 32, "seed": 0, "normal_scores": (1.0, 2.0)}
    return Reviewed(
        *(name, image, mask, score_map, float(score_map.max()), 5.0),
        decision=more.pop("decision", "defective"),
        labels=labels,
        **facts | {"reviewer": "Ann", "at": "2026-01-02T03:04:05.678+00:00"} | more,
    )


def good(name: str) -> Reviewed:
    """The same, which the model finds defective and a person good."""
    said = {"verdict": "defective", "decision": "good"}
    return record(name, 1, mask=np.zeros((40, 48), bool), **said)


def content(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def opened(data: bytes) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(data)))
