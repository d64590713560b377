"""Files as visitors drop them: photographs, masks of known size, ZIPs of them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

SHAPE = (24, 32)


def photograph(seed: int = 0, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """Noise, the same for the same seed."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (*shape, 3), dtype=np.uint8)


def marking(count: int, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """A mask, 0 and 255, of the first so many pixels."""
    mask = np.zeros(shape, np.uint8)
    mask.flat[:count] = 255
    return mask


def encoded(pixels: np.ndarray, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def a_file(path: Path, content: np.ndarray | bytes) -> Path:
    """A file of those bytes, or a PNG of those pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else encoded(content))
    return path


def a_zip(path: Path, entries: dict[str, np.ndarray | bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content if isinstance(content, bytes) else encoded(content))
    return path
