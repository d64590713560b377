"""What a tree of image files means: which are photographs, which are masks, which are neither.

Reads paths alone, so that a folder, a ZIP and files dropped together mean the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import PurePosixPath

from ddad.data.matching import Match, match
from ddad.data.verdicts import is_good
from ddad.data.words import Place, folder, maybe_owner, owners, place
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
    """How many first folders, in all paths, name a product: up to one called `mask` or so, if
    there are good parts to train on in it.
    """
    paths = [PurePosixPath(name).parts[:-1] for name in names]
    shared = 0
    while paths and all(len(p) > shared and p[shared] == paths[0][shared] for p in paths):
        shared += 1
    called = [i for i in range(shared) if folder(paths[0][i]).masks]
    if not called:
        return 0
    below = [[part for part in path[called[-1] + 1 :]] for path in paths]
    trains = any(
        folder(one).split == "train" and is_good(other) for p in below for one, other in pairwise(p)
    )
    return called[-1] + 1 if trains else 0


def _masks_told_from_photographs(places: list[Place]) -> list[Place]:
    """Names such as `x_gt` and folders such as `labels` mean masks where `x` is beside them."""
    photographs = [p for p in places if p.role == "photograph"]
    beside = {(PurePosixPath(p.name).parent, p.stem) for p in photographs}
    told = set()
    by_label: dict[tuple[str, ...], list[Place]] = defaultdict(list)
    plainly: set[tuple[tuple[str, ...], str]] = set()
    for p in photographs:
        if any(folder(part).maybe_masks for part in PurePosixPath(p.name).parts[:-1]):
            by_label[p.folders].append(p)
        else:
            plainly.add((p.folders, p.stem))
            base = maybe_owner(p.stem)
            if base and (PurePosixPath(p.name).parent, base) in beside:
                told.add(p.index)
    for folders, labels in by_label.items():
        known = [
            any((folders, owner.stem) in plainly for owner in owners(p.stem, IMAGE_SUFFIXES))
            for p in labels
        ]
        if sum(known) * 2 >= len(known):
            told |= {p.index for p in labels}
    return [replace(p, role="mask") if p.index in told else p for p in places]
