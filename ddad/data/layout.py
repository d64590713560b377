"""What a tree of image files means: which are photographs, which are masks, which are neither.

Reads paths alone, so that a folder, a ZIP and files dropped together mean the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from ddad.data.matching import Match, match
from ddad.data.verdicts import is_good
from ddad.data.words import Place, folder, folder_of, maybe_mask, owners, place, plain
from ddad.images.files import IMAGE_SUFFIXES


@dataclass(frozen=True)
class Layout:
    """The files by what they are; indexes count the paths given."""

    places: tuple[Place, ...]
    photographs: tuple[Place, ...]
    aside: tuple[Place, ...]
    matches: tuple[Match, ...]
    masks: dict[int, int] = field(default_factory=dict)
    """By image, the mask that is surely its own."""


def arrange(names: Sequence[str]) -> Layout:
    """What the files of one tree are. Names are relative paths with forward slashes."""
    product = _product(names)
    places = [place(i, name, product) for i, name in enumerate(names)]
    places = _masks_told_from_photographs(places)
    photographs = tuple(p for p in places if p.role == "photograph")
    matches = match(tuple(p for p in places if p.role == "mask"), photographs)
    return Layout(
        tuple(places),
        photographs,
        tuple(p for p in places if p.role == "aside"),
        matches,
        {m.image: m.mask for m in matches if m.image is not None},
    )


def _product(names: Sequence[str]) -> int:
    """How many first folders, in all paths, name a product: up to one called `mask` if there are
    good parts to train on in it, or `test 2` if `train` is.
    """
    paths = [PurePosixPath(name).parts[:-1] for name in names]
    shared = 0
    while paths and all(len(p) > shared and p[shared] == paths[0][shared] for p in paths):
        shared += 1
    for at in reversed(range(shared)):
        called = folder(paths[0][at])
        below = {part for path in paths for part in path[at + 1 :]}
        trains = any(folder(part).split == "train" for part in below)
        if trains and (called.split or (called.masks and any(map(is_good, below)))):
            return at + 1
    return 0


def _masks_told_from_photographs(places: list[Place]) -> list[Place]:
    """Names such as `x_gt` and folders such as `labels` mean masks where `x` is beside some."""
    photographs = [p for p in places if p.role == "photograph"]
    labels = {p.index: at for p in photographs if (at := _labels(p))}
    plainly = {p.stem for p in photographs if p.index not in labels}
    beside = {(_folder(p), p.stem) for p in photographs}
    maybe = {p.index: (_folder(p), *maybe_mask(p.stem)) for p in photographs}
    words = {word for at, stem, word in maybe.values() if word and (at, stem) in beside}
    told = {index for index, (_, _, word) in maybe.items() if word in words}
    known = {
        labels[p.index]
        for p in photographs
        if p.index in labels
        and any(owner.stem in plainly for owner in owners(p.stem, IMAGE_SUFFIXES))
    }
    told |= {index for index, called in labels.items() if called in known}
    return [replace(p, role="mask") if p.index in told else p for p in places]


def _folder(place: Place) -> str:
    return plain(folder_of(place))


def _labels(place: Place) -> str:
    """What its folder `labels` or so is called; empty where there is none."""
    parts = PurePosixPath(place.name).parts[:-1]
    return next((plain(part) for part in parts if folder(part).maybe_masks), "")
