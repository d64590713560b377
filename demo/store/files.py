"""Files of a session: written whole under new names, linked to a second place, measured."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from ddad.images.files import write_whole


def put(folder: Path, kind: str, suffix: str, write: Callable[[BinaryIO], Any]) -> Path:
    """A new file `<kind>-<random><suffix>` in the folder, whole or not at all."""
    path = folder / f"{kind}-{secrets.token_hex(6)}{suffix}"
    with write_whole(path) as part, part.open("xb") as file:
        write(file)
    return path


def put_png(folder: Path, kind: str, array: np.ndarray) -> Path:
    """uint8 (H, W, 3), or bool (H, W) as a bitmap of one bit a pixel."""
    image = Image.fromarray(array)
    return put(folder, kind, ".png", lambda file: image.save(file, "PNG", compress_level=1))


def read_png(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image)


def link(source: str | Path, to: str | Path) -> None:
    """The same file in a second place, until its first name goes; a copy where links cannot be.

    It counts as young from now on, so that the sweep leaves it until a row names it.
    """
    to = Path(to)
    to.parent.mkdir(parents=True, exist_ok=True)
    to.unlink(missing_ok=True)
    try:
        os.link(source, to)
    except OSError:
        shutil.copyfile(source, to)
    os.utime(to)


def link_tree(source: Path, to: Path) -> None:
    shutil.copytree(source, to, copy_function=link, dirs_exist_ok=True)


def size_of(*paths: Path) -> int:
    """Bytes of files, and of those below folders; what is not there has none.

    A training may take files and folders away meanwhile.
    """
    total = 0
    for path in paths:
        below = (Path(root, name) for root, _, names in os.walk(path) for name in names)
        for file in [path] if path.is_file() else below:
            with suppress(OSError):
                total += file.stat().st_size * file.is_file()
    return total
