"""Data sets: which images show good parts, which are defective, and which belong together.

Understands a tree by `ddad.data.layout` and refuses what is unclear: what a model learns as normal
and what it is measured by is never guessed. Decodes only what may be a mask by its name.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from ddad.data.beside import annotated, twin_mask
from ddad.data.groups import GroupsError, find_groups
from ddad.data.kinds import (
    UnclearError,
    by_folder,
    find_kinds,
    good_ones_to_test,
    good_parts,
    listed,
    mixed,
)
from ddad.data.layout import Layout, arrange
from ddad.data.series import in_folders
from ddad.data.verdicts import said
from ddad.data.words import Place, folder
from ddad.images.files import pictures_in, shown

EXPECTED = "expected good parts in train/good or good/, or a folder of nothing but good parts"
_folders = partial(by_folder, none="the folder itself")
_Groups = dict[str, tuple[str, str]]


class DatasetError(ValueError):
    """A folder that is no usable data set; the message says what was expected and was found."""


@dataclass(frozen=True)
class Sample:
    """One image. `group` names what it shares with others: a tile, an item, a series."""

    path: Path
    split: Literal["train", "test", ""]
    """Empty where the folders part no set to train on from one to test."""
    defect: str | None
    """The kind of defect by its folder, "good" for none; None where its mask alone can say."""
    mask_path: Path | None
    group: str
    told: str = ""
    """What says so: "table", "folder" or "brought", as files came; empty: it is its own."""

    @property
    def anomalous(self) -> bool:
        return self.defect != "good"


@dataclass(frozen=True)
class Chosen:
    """Images chosen from a tree, sorted by path, and sentences on what was left out and why."""

    samples: tuple[Sample, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Tree:
    """A folder's images, by what they are."""

    root: Path
    files: list[Path]
    layout: Layout
    kinds: dict[int, str | None]

    def sample(self, place: Place, groups: _Groups, defect: str | None = "good") -> Sample:
        mask = self.layout.masks.get(place.index)
        split = place.split if place.split != "validation" else "test"
        return Sample(
            self.files[place.index],
            split,  # type: ignore[arg-type]  # one of the three
            defect,
            None if mask is None else self.files[mask],
            *groups.get(place.name, (place.name, "")),
        )


def normals(root: str | Path, *, all_good: bool = False) -> Chosen:
    """The good parts of a tree, to train on.

    Those in `train` where there is one; those in a folder `good`, `ok`, `normal`; or all of a
    tree whose folders are series. With `all_good` every photograph. What lies beside them is left
    out and said. Raises DatasetError where it is unclear which are good, with the folders' names.
    """
    tree = _tree(root)
    photographs = tree.layout.photographs
    if all_good:
        return _chosen(tree, photographs, [])
    try:
        good, left_out = good_parts(tree.layout)
        if tree.kinds[good[0].index] != "good" and (why := _doubt(tree)):
            raise UnclearError(why)
    except UnclearError as error:
        found = _folders(photographs)
        raise DatasetError(f"{shown(tree.root)}: {error}; {EXPECTED}; found {found}") from error
    return _chosen(tree, good, left_out)


def labelled(root: str | Path) -> Chosen:
    """The images of a tree that a model can be measured with: of `test`, or all without splits.

    Good or defective by their folder or by their mask; a defective one need not have a mask. What
    cannot be told is left out and said. Raises DatasetError where there is none.
    """
    tree = _tree(root)
    photographs = tree.layout.photographs
    splits = {p.split for p in photographs}
    split = next((s for s in ("test", "validation", "") if s in splits), None)
    apart = good_ones_to_test(photographs)  # then defects to test are in no split
    bad = {p.index for p in photographs if apart and tree.kinds[p.index] not in ("good", None)}
    pool = [p for p in photographs if p.split == split or p.index in bad]
    if not (told := [p for p in pool if tree.kinds[p.index] or p.index in tree.layout.masks]):
        raise DatasetError(
            f"{shown(tree.root)} has no images to test with that are known to be good or "
            f"defective: expected test/good and test/<defect>, or masks beside the images; found "
            f"{_folders(photographs)}"
        )
    if several := mixed([p for p in told if tree.kinds[p.index] == "good"]):
        raise DatasetError(f"{shown(tree.root)} holds several parts ({listed(several)}): give one")
    known = {p.index for p in told}
    notes = [*_unmatched(tree)]
    if untold := [p for p in pool if p.index not in known]:
        notes.append(f"left out, neither good nor defective by folder or mask: {_folders(untold)}")
    groups = _groups(tree)[0]
    return Chosen(tuple(tree.sample(p, groups, tree.kinds[p.index]) for p in told), tuple(notes))


def read(root: str | Path) -> list[Sample]:
    """All images to train on or to test with, by path. Raises DatasetError where there are none."""
    found: dict[Path, Sample] = {}
    errors = []
    for choose in (labelled, normals):
        try:
            found |= {sample.path: sample for sample in choose(root).samples}
        except DatasetError as error:
            errors.append(error)
    if len(errors) == 2:
        raise errors[1]
    return [found[path] for path in sorted(found)]


def hold_out(
    samples: Sequence[Sample], fraction: float, seed: int
) -> tuple[list[Sample], list[Sample]]:
    """Split into a training and a held-out part by whole groups; about `fraction` is held out.

    Depends on names and seed alone. Raises DatasetError where a part would be empty.
    """
    if not 0 < fraction < 1:
        raise DatasetError(f"the held-out share must lie between 0 and 1, not {fraction}")
    members: dict[str, list[Sample]] = {}
    for sample in sorted(samples, key=_by_path):
        members.setdefault(sample.group, []).append(sample)
    if len(members) < 2:
        raise DatasetError(
            f"{len(samples)} photograph{'s' * (len(samples) != 1)} of one part: none can be held "
            "out for calibration; add other parts, or train on 200 at most with --branch feature"
        )
    names = sorted(members)
    random.Random(f"hold-out {seed}").shuffle(names)
    wanted = max(1, round(fraction * len(samples)))
    held: list[Sample] = []
    while len(held) < wanted and len(names) > 1:
        held += members[names.pop()]
    kept = [sample for name in names for sample in members[name]]
    return sorted(kept, key=_by_path), sorted(held, key=_by_path)


def _by_path(sample: Sample) -> str:
    return sample.path.as_posix()


def _tree(root: str | Path) -> _Tree:
    root = Path(root)
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "is not there"
        raise DatasetError(f"no folder at {shown(root)}: it {what}; {EXPECTED}")
    files = pictures_in(root)
    layout = arrange([file.relative_to(root).as_posix() for file in files])
    if not layout.photographs:
        masks = f": its {len(files)} image files are masks by their names" if files else ""
        raise DatasetError(f"no images in {shown(root)}{masks}; {EXPECTED}")
    if twins := twin_mask(files, layout.photographs):
        mask, image = twins
        raise DatasetError(
            f"{shown(mask)} looks like the mask of {shown(image)}: put masks into a folder "
            f"ground_truth/ or masks/, or call it {image.stem}_mask{mask.suffix}"
        )
    return _Tree(root, files, layout, find_kinds(layout.photographs))


def _doubt(tree: _Tree) -> str:
    """Why photographs may not all be good where no folder in the tree says that any are."""
    name = tree.root.resolve().name
    says = said(name)
    if folder(name) == folder("masks") or (says.exact and says.verdict == "defect"):
        return f"the folder is called {name}"
    marked = next(annotated(tree.root, tree.files), "")
    return marked and f"{shown(Path(marked))} marks regions, and no folder says which are good"


def _groups(tree: _Tree) -> tuple[_Groups, str]:
    try:
        groups, said = find_groups(tree.root, [place.name for place in tree.layout.places])
        return {name: (group, "table") for name, group in groups.items()}, said
    except GroupsError as error:
        raise DatasetError(str(error)) from error


def _chosen(tree: _Tree, good: Sequence[Place], left_out: Sequence[Place]) -> Chosen:
    """Those to train on; what was left out is named by its folders."""
    groups, said = _groups(tree)
    notes = [said] if said else []
    masks = [place for place in tree.layout.places if place.role == "mask"]
    why = ("not to train on", "masks", "no photographs by their folders")
    for reason, places in zip(why, (left_out, masks, tree.layout.aside), strict=True):
        notes += [f"left out, {reason}: {_folders(places)}"] if places else []
    if groups and (alone := sum(place.name not in groups for place in good)):
        notes.append(f"{alone} images are in no group of the table: each counts as one of its own")
    if not groups:
        folders, said = in_folders(good)
        groups = {name: (group, "folder") for name, group in folders.items()}
        notes += [said] if said else []
    return Chosen(tuple(tree.sample(place, groups) for place in good), tuple(notes))


def _unmatched(tree: _Tree) -> Iterable[str]:
    """Sentences on masks that are not used, by the reason."""
    by_reason: dict[str, list[str]] = {}
    for match in tree.layout.matches:
        if match.image is None:
            by_reason.setdefault(match.why, []).append(tree.layout.places[match.mask].name)
    for why, names in by_reason.items():
        yield f"{len(names)} mask(s) not used, {why}: {listed(sorted(names))}"


def summary(samples: Sequence[Sample]) -> str:
    """One line on what a data set holds."""
    normal = sum(s.split != "test" and not s.anomalous for s in samples)
    noun = "image" if normal == 1 else "images"
    parts = [f"{normal} normal {noun} to train on"] if normal else []
    tests = Counter(s.defect or "by mask" for s in samples if s.split == "test" or s.anomalous)
    good = tests.pop("good", 0)
    if good or tests:
        kinds = ", ".join(f"{name} {count}" for name, count in sorted(tests.items()))
        parts.append(f"{good} good and {tests.total()} defective to test ({kinds or 'none'})")
    return "; ".join(parts) or "no images"
