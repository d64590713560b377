"""Files: pictures listed, names shown, and everything written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from errno import ENOENT
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ddad.images.formats import IMAGE_SUFFIXES as IMAGE_SUFFIXES  # handed on
from ddad.images.formats import OTHER_SUFFIXES


@dataclass(frozen=True)
class Listing:
    """What is in a folder and those below it."""

    pictures: tuple[Path, ...]
    passed_over: tuple[str, ...]
    """What a user may miss among them, in words: kinds that are not read, links, shut folders."""

    @property
    def sentence(self) -> str:
        """Empty where nothing was passed over."""
        return f"passed over: {', '.join(self.passed_over)}" if self.passed_over else ""


def pictures_in(folder: Path, *, apart: Path | None = None) -> list[Path]:
    """Image files below a folder, sorted; what is hidden or lies under `apart` is passed over."""
    return list(look_into(folder, apart=apart).pictures)


def look_into(folder: Path, *, apart: Path | None = None) -> Listing:
    """The image files below a folder, sorted, links to folders followed, each folder once.

    A link to a folder above the one given is not followed, which is said. What is hidden or lies
    under `apart` is passed over in silence.
    """
    walk = _Walk(folder.resolve(), apart.resolve() if apart else None, [folder])
    while walk.starts:  # links after all else: a file has its own path where it has one
        start = walk.starts.pop(0)
        for root, folders, files in os.walk(start, onerror=walk.shut.append):
            here = Path(root)
            if (real := here.resolve()) in walk.seen:
                folders[:] = []
                continue
            walk.seen.add(real)
            folders[:] = walk.enter(here, sorted(folders))
            walk.take(here, files)
    return walk.listing()


@dataclass
class _Walk:
    """What a walk through a folder has met so far."""

    top: Path
    apart: Path | None
    starts: list[Path]
    seen: set[Path] = field(default_factory=set)
    found: list[Path] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    upward: list[Path] = field(default_factory=list)
    lost: list[Path] = field(default_factory=list)
    shut: list[OSError] = field(default_factory=list)

    def enter(self, here: Path, folders: Sequence[str]) -> list[str]:
        """Those of its folders that are walked into now; links are for later."""
        inside = []
        for name in folders:
            path = here / name
            target = path.resolve()
            if name[0] == "." or (self.apart and target.is_relative_to(self.apart)):
                continue
            if not path.is_symlink():
                inside.append(name)
            elif self.top.is_relative_to(target):
                self.upward.append(path)
            else:
                self.starts.append(path)
        return inside

    def take(self, here: Path, files: Sequence[str]) -> None:
        for name in files:
            path, suffix = here / name, Path(name).suffix.lower()
            if name[0] == ".":
                continue
            if path.is_symlink() and not path.exists():
                self.lost.append(path)
            elif suffix in OTHER_SUFFIXES:
                self.others[suffix] += 1
            elif suffix in IMAGE_SUFFIXES and path.is_file():
                self.found.append(path)

    def listing(self) -> Listing:
        said = [f"{count} {suffix}" for suffix, count in sorted(self.others.items())]
        shut = [Path(str(error.filename)) for error in self.shut if error.errno != ENOENT]
        for what, paths in (
            ("links that lead nowhere", self.lost),
            ("links to a folder above", self.upward),
            ("folders that cannot be opened", shut),
        ):
            if paths:
                few = ", ".join(shown(path) for path in sorted(paths)[:3])
                said.append(f"{len(paths)} {what} ({few}{', ...' if len(paths) > 3 else ''})")
        return Listing(tuple(sorted(self.found)), tuple(said))


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
