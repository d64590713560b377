"""Files: pictures listed, names shown, and everything written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

IMAGE_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".gif"))


def pictures_in(folder: Path, *, apart: Path | None = None) -> list[Path]:
    """Image files below a folder, sorted; what is hidden or lies under `apart` is passed over."""
    left_out = apart.resolve() if apart else None
    found: list[Path] = []
    for root, folders, files in os.walk(folder):
        here = Path(root)
        folders[:] = [
            name for name in folders if name[0] != "." and (here / name).resolve() != left_out
        ]
        found += [
            here / name
            for name in files
            if name[0] != "." and Path(name).suffix.lower() in IMAGE_SUFFIXES
        ]
    return sorted(path for path in found if path.is_file())


@contextmanager
def write_whole(path: str | Path) -> Iterator[Path]:
    """A name to write a file under: it becomes `path` when all went well, and else is deleted.

    The folder is made. The name is hidden, ends like `path` and is nobody else's, so writers of
    the same file do not meet.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{secrets.token_hex(8)}.part{path.suffix}")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_text(text: str, path: str | Path) -> None:
    """UTF-8, whole or not at all; line ends stay as they are."""
    with write_whole(path) as part:
        part.write_bytes(text.encode())


def write_json(value: Any, path: str | Path) -> None:
    """Indented JSON, whole or not at all."""
    write_text(json.dumps(value, indent=2) + "\n", path)


def write_png(array: np.ndarray, path: str | Path) -> None:
    """uint8 or uint16 (H, W), or uint8 (H, W, 3), whole or not at all."""
    with write_whole(path) as part:
        # Runs alone are as small as zlib's search for photographs and noisy maps, in a sixth of
        # the time.
        Image.fromarray(array).save(part, "PNG", compress_type=zlib.Z_RLE)


def write_animation(frames: Sequence[np.ndarray], path: str | Path, *, seconds: float = 4) -> None:
    """uint8 (H, W, 3) frames as an endless WebP or GIF, by the path's suffix.

    Whole or not at all. The last frame is held for as long as all others take.
    """
    first, *others = (Image.fromarray(frame) for frame in frames)
    each = max(20, round(1000 * seconds / 2 / len(frames)))
    times = [each] * len(others) + [round(500 * seconds)]
    gif = Path(path).suffix.lower() == ".gif"
    form, how = ("GIF", {}) if gif else ("WEBP", {"quality": 90})
    with write_whole(path) as part:
        first.save(part, form, save_all=True, append_images=others, duration=times, loop=0, **how)


def file_digest(path: Path) -> str:
    """What `training["trained_on"]` knows an image file by."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def shown(path: Path) -> str:
    """A file name that is safe in a message of one line, whatever its characters."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(path))
