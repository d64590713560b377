"""A tree of photographs and masks with its right answer, and what befalls trees on people's disks.

What a file is, is known because it was made so. Its number is in its pixels: a mask marks the
number of its image, so a wrong truth is seen in what was read.
"""

from __future__ import annotations

import io
import random
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from zlib import Z_RLE

import numpy as np
from PIL import Image

SIDE = 16


@dataclass(frozen=True)
class Photo:
    number: int
    good: bool
    part: str = ""
    """"train" or "test", where the folders part the set so."""
    told: bool = True
    """Whether its folder says if it is good."""


@dataclass(frozen=True)
class Mask:
    of: int
    """The number of its image."""
    blank: bool = False
    clear: bool = True
    """Whether it is clear which image it is for."""


@dataclass
class Tree:
    """Files by path, and what is right for them."""

    layout: str
    photos: dict[str, Photo] = field(default_factory=dict)
    masks: dict[str, Mask] = field(default_factory=dict)
    others: dict[str, bytes | None] = field(default_factory=dict)
    """Of any other kind; None for a picture that is neither photograph nor mask."""
    trains: bool = True
    """Whether it is clear which photographs are good parts to train on."""
    measures: bool = True
    """Whether it is clear which can be measured with."""
    alike: bool = False
    """Whether an image's mask may be another's by its name once that is gone."""
    groups: dict[str, str] = field(default_factory=dict)
    """By path, where a table tells."""
    broken: bool = False
    """Whether that table cannot be understood."""

    def add(self, path: str, good: bool, part: str = "", *, told: bool = True) -> Photo:
        assert path not in self.photos and path not in self.masks, path
        photo = self.photos[path] = Photo(len(self.photos) + 1, good, part, told)
        return photo

    def mask(self, path: str, photo: Photo, *, clear: bool = True) -> None:
        """A photograph's mask, blank for a good one."""
        assert path not in self.photos and path not in self.masks, path
        self.masks[path] = Mask(photo.number, photo.good, clear)

    def rename(self, change: Callable[[str], str]) -> None:
        for name in ("photos", "masks", "others", "groups"):
            files = getattr(self, name)
            new = {change(path): value for path, value in files.items()}
            assert len(new) == len(files), new
            setattr(self, name, new)

    def files(self) -> dict[str, bytes]:
        found = {path: picture(photo.number) for path, photo in self.photos.items()}
        found |= {p: marked(m.of, blank=m.blank) for p, m in self.masks.items()}
        return found | {p: picture(0) if d is None else d for p, d in self.others.items()}

    def write(self, root: Path) -> None:
        for name, data in self.files().items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


def picture(number: int) -> bytes:
    """A noisy photograph with its number in its first pixel."""
    pixels = np.random.default_rng(number).integers(30, 220, (SIDE, SIDE, 3), dtype=np.uint8)
    pixels[0, 0] = 7, number >> 8, number & 255
    return _png(pixels)


def number_of(pixels: np.ndarray) -> int:
    """The number in a photograph of these pixels; 0 for a picture that is none."""
    return int(pixels[0, 0, 1]) << 8 | int(pixels[0, 0, 2]) if pixels[0, 0, 0] == 7 else 0


def bits(number: int, *, blank: bool = False) -> np.ndarray:
    """A mask, bool (SIDE, SIDE), whose first row is the number and second row is marked."""
    mask = np.zeros((SIDE, SIDE), bool)
    mask[0] = [number >> i & 1 for i in range(SIDE)]
    mask[1] = True
    return mask & (not blank)


def owner(mask: np.ndarray) -> int | None:
    """The number that a mask is for; None for a blank one."""
    return sum(1 << i for i in range(SIDE) if mask[0, i]) if mask.any() else None


def marked(number: int, *, blank: bool = False) -> bytes:
    return _png(bits(number, blank=blank).astype(np.uint8) * 255)


def _png(pixels: np.ndarray) -> bytes:
    """Whatever a file is called, what is in it is lossless."""
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG", compress_type=Z_RLE)
    return data.getvalue()


def disturb(rng: random.Random, tree: Tree) -> None:
    """Up to three things that befall trees on people's disks."""
    for change in rng.sample(CHANGES, rng.choice((0, 1, 1, 2, 3))):
        change(rng, tree)


def _capitals(rng: random.Random, tree: Tree) -> None:
    """All folders in another letter case, each spelled one way."""
    how = rng.choice((str.upper, str.lower, str.title))

    def change(name: str) -> str:
        path = PurePosixPath(name)
        return str(PurePosixPath(*map(how, path.parts[:-1]), path.name))

    tree.rename(change)


AROUND = ("bottle", "Metal_nut", "数据", "Teil é", "dataset", "images", "data", "parts/2024-05-01")
SPEAKING = ("crack_dataset", "surface defects", "Defect detection", "scratch-free project")
"""Names of sets that say nothing of what lies in them."""
ROLES = ("face_mask", "mask", "test_2024")


def _wrapped(rng: random.Random, tree: Tree) -> None:
    around = rng.choice((*AROUND, *SPEAKING, *ROLES))
    tree.rename(lambda path: f"{around}/{path}")
    trained = any(photo.part == "train" for photo in tree.photos.values())
    by_folder = any(photo.told and photo.good for photo in tree.photos.values())
    tree.trains &= around in AROUND or (trained and by_folder)
    tree.measures &= around in (*AROUND, "test_2024") or by_folder and around in SPEAKING
    if (
        around in ROLES and not trained
    ):  # its photographs may be taken for masks, or its set for one to test
        tree.measures = False


def _decomposed(rng: random.Random, tree: Tree) -> None:
    """All names, or those of masks alone, as macOS writes them."""
    if tree.alike:
        return
    kept = set(tree.photos) if rng.random() < 0.5 else set()
    tree.rename(lambda path: path if path in kept else unicodedata.normalize("NFD", path))


def _fewer_masks(rng: random.Random, tree: Tree) -> None:
    for path in [path for path in tree.masks if rng.random() < 0.3 and not tree.alike][1:]:
        del tree.masks[path]


def _fewer_photos(rng: random.Random, tree: Tree) -> None:
    """Some images are missing: their masks are for none."""
    if tree.alike:
        return
    for path in [path for path in tree.photos if rng.random() < 0.2][1:]:
        del tree.photos[path]


def _stray(rng: random.Random, tree: Tree) -> None:
    near = PurePosixPath(rng.choice([*tree.photos, *tree.masks]))
    tree.others |= {
        str(near.with_name("Thumbs.db")): b"\xd0\xcf",
        str(near.with_name(".DS_Store")): b"\0\0\0\1Bud1",
        str(near.with_name(f"._{near.name}")): b"\0\5\x16\7",
        "readme.txt": b"How it was made: 5 lots.\n",
        "camera.json": b'{"exposure": 12, "lens": "f/8"}',
    }


def _strangers(rng: random.Random, tree: Tree) -> None:
    """Masks whose image never was there, where other masks lie."""
    for path in [path for path in tree.masks if rng.random() < 0.2]:
        at = PurePosixPath(path)
        prefix = "mask_" if at.name.startswith("mask_") else ""
        name = f"{prefix}zz{at.name.removeprefix(prefix)}"
        tree.masks[str(at.with_name(name))] = Mask(60_000)


def _misplaced(rng: random.Random, tree: Tree) -> None:
    """A mask in a folder where its image is not."""
    if tree.masks and not tree.alike:
        path = PurePosixPath(rng.choice(list(tree.masks)))
        mask = tree.masks.pop(str(path))
        tree.masks[str(path.parent / "elsewhere" / path.name)] = replace(mask, clear=False)


CHANGES = (_capitals, _wrapped, _decomposed, _fewer_masks, _fewer_photos, _stray, _strangers)
CHANGES += (_misplaced,)
