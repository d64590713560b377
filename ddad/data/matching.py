"""Which image a mask is for.

For the one at the same place, where folders that name a role (`images`, `masks`, `ground_truth`,
`test`) do not count: `ground_truth/crack/000_mask.png` is for `test/crack/000.png`, and
`masks/lot/7.png` for `images/lot/7.jpg`. What is not sure is never used unasked; it is said.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from ddad.data.verdicts import is_good
from ddad.data.words import Owner, Place, folder, folder_of, owners, place, plain
from ddad.images.files import IMAGE_SUFFIXES
from ddad.images.names import safe_stem, tag

SEVERAL = "several images have this name"
SEVERAL_NEAR = "several images may be meant"
ELSEWHERE = "its image lies elsewhere or is called a little differently"
OTHER_FOLDERS = "images of this name lie in other folders only"
NO_IMAGE = "no image has its name"


@dataclass(frozen=True)
class Match:
    """A mask, and the image that it is for."""

    mask: int
    image: int | None
    """Index of the image where that is sure."""
    candidates: tuple[int, ...] = ()
    """Images that it may be for, where it is not."""
    why: str = ""
    """One sentence where it is not sure."""


def match(masks: Sequence[Place], images: Sequence[Place]) -> tuple[Match, ...]:
    """For each mask its image. Two masks of one image are for none; names may repeat."""
    index = Images(images)
    found = _by_whole_names(masks, images, [index.of(mask) for mask in masks])
    found = _by_whole_folder(masks, images, found)
    wanted = Counter(m.image for m in found if m.image is not None)
    return tuple(
        replace(m, image=None, candidates=(m.image,), why="another mask is for the same image")
        if m.image is not None and wanted[m.image] > 1
        else m
        for m in found
    )


def _by_whole_names(
    masks: Sequence[Place], images: Sequence[Place], found: list[Match]
) -> list[Match]:
    """`x.jpg` and `x.png` are sure of their masks where those are `x.jpg` and `x.png` as well."""
    files = {i.index: (i.stem, plain(i.suffix)) for i in images}
    sharing: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for at, one in enumerate(found):
        if len(one.candidates) > 1 and one.why == SEVERAL:
            sharing[tuple(sorted(one.candidates))].append(at)
    for candidates, places in sharing.items():
        own = {(masks[at].stem, plain(masks[at].suffix)): at for at in places}
        wanted = {files[image]: image for image in candidates}
        if len(own) == len(places) == len(candidates) and set(own) == set(wanted):
            for name, at in own.items():
                found[at] = Match(masks[at].index, wanted[name])
    return found


def _by_whole_folder(
    masks: Sequence[Place], images: Sequence[Place], found: list[Match]
) -> list[Match]:
    """`mask/7.png` is for `abnormal/7.png`, as anomalib's `Folder` has it: where there is one
    folder of defects beside those of good parts, and each has a mask in one folder of these."""
    loose = {masks[at].stem: at for at, one in enumerate(found) if one.image is None}
    bad = [image for image in images if not any(map(is_good, image.kinds))]
    own = {image.stem: image for image in bad}
    if not len(loose) == len(own) == len(bad) == sum(one.image is None for one in found):
        return found
    left = [masks[at] for at in loose.values()]
    places = {folder_of(image) for image in bad}, {folder_of(mask) for mask in left}
    splits = {place.split for place in (*bad, *left) if place.split}
    sole = len(places[0]) == len(places[1]) == 1 and len(splits) < 2 and len(bad) < len(images)
    if not sole or set(own) != set(loose) or any(mask.folders for mask in left):
        return found
    for stem, at in loose.items():
        found[at] = Match(masks[at].index, own[stem].index)
    return found


class Images:
    """Images by what they are called."""

    def __init__(self, images: Sequence[Place]) -> None:
        self._at: dict[_Key, list[Place]] = defaultdict(list)
        self._named: dict[_Key, list[Place]] = defaultdict(list)
        self._below: dict[_Key, list[Place]] = defaultdict(list)
        self._stems = {image.stem for image in images}
        self._places = {image.index: image for image in images}
        self._tagged: dict[tuple[str, str], list[Place]] = defaultdict(list)
        self._splits: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for image in images:
            self._at[image.stem, image.folders].append(image)
            self._splits[image.folders].add(image.split)
            for told in {image.name, image.name.rpartition("/")[2]}:
                self._tagged[plain(safe_stem(told)), tag(told)].append(image)
            for stem in {image.stem, plain(safe_stem(image.name))}:
                self._named[stem, image.folders].append(image)
                for part in {*_ends(image.folders), *_starts(image.folders)}:
                    self._below[stem, part].append(image)

    def called(self, name: str) -> Match:
        """The image that is called so, its suffix aside only where none has that."""
        it = place(0, name)
        found = self._find(it, [Owner(it.stem, plain(it.suffix))])
        if found.image is None and not found.candidates:
            found = self._find(it, [Owner(it.stem)])
        if found.why == ELSEWHERE and it.folders:  # below another folder, with folders of its own
            (image,) = found.candidates
            if self._places[image].folders and self._places[image].stem == it.stem:
                return Match(0, image)
        return found

    def of(self, mask: Place) -> Match:
        """The image that a mask of this path is for."""
        return self._find(mask, owners(mask.stem, IMAGE_SUFFIXES))

    def _find(self, mask: Place, called: Sequence[Owner]) -> Match:
        """The one image at the mask's place, if no other may be meant.

        A mask of no split is surely for an image of one only where others have no such folder, as
        the image that is meant may be missing; and one that lies less deep than another image of
        that name only where it lies beside its own.
        """
        if len(tagged := self._by_tag(called)) == 1:
            return Match(mask.index, tagged[0].index)
        at = [i for o in called for i in self._at.get((o.stem, mask.folders), ()) if _fits(i, o)]
        at = _narrowed(mask, at)
        if len(at) > 1:
            return Match(mask.index, None, _indexes(at), SEVERAL)
        near = [] if at and _beside(mask, at[0]) else list(self._near(mask, called))
        deeper = [i for i in near if len(i.folders) > len(mask.folders) and _one_split(mask, i)]
        if at and not deeper and (mask.split or len(self._splits[mask.folders]) == 1):
            return Match(mask.index, at[0].index)
        if indexes := _indexes([*at, *near]):
            why = ELSEWHERE if len(indexes) == 1 else SEVERAL_NEAR
            return Match(mask.index, None, indexes, why)
        alike = any(owner.stem in self._stems for owner in called)
        return Match(mask.index, None, (), OTHER_FOLDERS if alike else NO_IMAGE)

    def _by_tag(self, called: Sequence[Owner]) -> list[Place]:
        """Those whose stem in our own export this is, the tag of its name in it."""
        parts = [owner.stem.rpartition("~") for owner in called]
        found = [i for stem, _, end in parts for i in self._tagged.get((stem, end), ())]
        return list({image.index: image for image in found}.values())

    def _near(self, mask: Place, called: Sequence[Owner]) -> Iterable[Place]:
        """Images of that name, or of one that is stored so, some of whose folders are the mask's.

        Those are the first or the last of the image's, or the image's are the last of the mask's.
        """
        for owner in called:
            for stem in dict.fromkeys((owner.stem, plain(safe_stem(owner.stem)))):
                below = self._below.get((stem, mask.folders), ())
                above = (
                    image
                    for end in _ends(mask.folders)
                    for image in self._named.get((stem, end), ())
                )
                yield from (i for i in (*below, *above) if stem != i.stem or _fits(i, owner))


_Key = tuple[str, tuple[str, ...]]
"""A stem, and folders, or the first or last of them."""


def _beside(mask: Place, image: Place) -> bool:
    """Whether they lie in one folder."""
    here, there = (plain(folder_of(place)) for place in (mask, image))
    return here == there


def _one_split(mask: Place, image: Place) -> bool:
    return not mask.split or not image.split or mask.split == image.split


def _fits(image: Place, owner: Owner) -> bool:
    return owner.suffix in ("", plain(image.suffix))


def _ends(folders: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    return (folders[i:] for i in range(len(folders) + 1))


def _starts(folders: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    return (folders[:i] for i in range(1, len(folders)))


def _narrowed(mask: Place, images: list[Place]) -> list[Place]:
    """Those of the mask's own split; in one split those of its very spelling, if there are such."""
    images = list({image.index: image for image in images}.values())
    if mask.split:
        images = [image for image in images if image.split in ("", mask.split)]
        images = [image for image in images if image.split] or images
    if len({image.split for image in images}) > 1:
        return images
    return [image for image in images if _spelled(mask, image)] or images


def _spelled(mask: Place, image: Place) -> bool:
    """Whether the mask's path has the image's in it letter for letter."""
    mine, its = PurePosixPath(mask.name), PurePosixPath(image.name)
    folders = [part for part in its.parts[:-1] if folder(part).key]
    return its.stem in mine.stem and all(part in mine.parts for part in folders)


def _indexes(images: Iterable[Place]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(image.index for image in images))
