"""What a path says of its file: a split, a mask, a photograph, and what it may be compared by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from ddad.data.verdicts import SPLITS, said, split_words, verdict, words_in
from ddad.data.verdicts import plain as plain  # for comparing, with what a path says

MASKS = words_in("""
    mask masks maske masken groundtruth groundtruths gt gts truth segmentation segmentations
    segmentationclass segmentationobject segmask segmasks gtmask gtmasks
""")
"""Folders of these names hold masks."""
MAYBE_MASKS = words_in("label labels annotation annotations anno annos seg segs target targets")
"""Folders of these hold masks if those have their images beside them."""
PHOTOGRAPHS = words_in("""
    image images img imgs picture pictures photo photos photograph photographs rgb jpegimages
    data bilder bild input inputs raw original originals
""")
"""Folders of these say nothing of what they hold."""
ASIDE = words_in("""
    xyz depth overlay overlays heatmap heatmaps map maps anomalymaps scoremaps thumbnails thumbs
""")
"""Folders of these hold pictures that are neither photographs nor masks."""
_COUNT = r"([\s_.\-]*\(?\d+\)?)?$"
_SUFFIX = re.compile(r"[\s_.\-]+(masks?|ground[\s_\-]?truth)$")
_MAYBE = re.compile(
    r"[\s_.\-]+(gt|labels?|seg|segmentation|annotation|anno|truth|pixeltruth|masks?)" + _COUNT
)
_PREFIX = re.compile(r"^(masks?|gt|label|seg)[\s_.\-]+")


@dataclass(frozen=True)
class Folder:
    """What one folder's name says."""

    key: str
    """What is left to compare when words of a role are gone; empty for a folder of a role."""
    split: str = ""
    masks: bool = False
    maybe_masks: bool = False
    aside: bool = False
    kind: str = ""
    """What may say good or defective; empty where it is but the rest of a split's name."""


@lru_cache(4096)
def folder(name: str) -> Folder:
    """A folder's name, read whole or, as in `train_images`, by its first and last word."""
    words = split_words(name)
    whole = "".join(words)
    if whole in SPLITS:
        return Folder("", split=SPLITS[whole])
    if whole in PHOTOGRAPHS:
        return Folder("")
    if whole in MASKS | MAYBE_MASKS | ASIDE:
        return Folder("", "", whole in MASKS, whole in MAYBE_MASKS, whole in ASIDE)
    text = plain(name)
    if len(words) < 2 or verdict(whole):
        return Folder(text, kind=name)
    split, masks, seen = "", False, False
    for place in (-1, 0, -1):
        word = words[place] if words else ""
        if word in SPLITS and not split:
            split, seen = SPLITS[words.pop(place)], True
        elif word in MASKS and not masks:
            masks, seen = True, bool(words.pop(place))
        elif word in PHOTOGRAPHS:
            seen = bool(words.pop(place))
    if not seen:
        return Folder(text, masks=masks, kind=name)
    key = "_".join(words)
    return Folder(key, split=split, masks=masks, kind=key if not split or said(key).verdict else "")


@dataclass(frozen=True)
class Owner:
    """What the image of a mask may be called."""

    stem: str
    suffix: str = ""
    """Of its file, where the mask's name says it: `part.jpg.mask.png`."""


def says_mask(stem: str) -> bool:
    """Whether a file's stem says that it is a mask: `part_mask`, `part.jpg.mask`."""
    return bool(_SUFFIX.search(plain(stem)))


def maybe_mask(stem: str) -> tuple[str, str]:
    """The stem of the image that `part_gt`, `part_label_2` or `mask_part` is for, and the word.

    Empty where there is no such word.
    """
    text = plain(stem)
    for pattern in (_MAYBE, _PREFIX):
        if found := pattern.search(text):
            return pattern.sub("", text), found[1]
    return "", ""


def owners(stem: str, suffixes: frozenset[str]) -> list[Owner]:
    """What the image of a mask of this stem may be called; `suffixes` are those of images."""
    text = plain(stem)
    stems = [text]
    for pattern in (_SUFFIX, _MAYBE, _PREFIX):
        shorter = pattern.sub("", text)
        if shorter and shorter not in stems:
            stems.append(shorter)
    found = [Owner(each) for each in stems]
    for each in stems:
        base, dot, suffix = each.rpartition(".")
        if dot and base and f".{suffix}" in suffixes:
            found.append(Owner(base, f".{suffix}"))
    return found


@dataclass(frozen=True)
class Place:
    """What a path says of its file."""

    index: int
    """Of the path among those given."""
    name: str
    stem: str
    """To compare: one Unicode form, letter case aside."""
    suffix: str
    folders: tuple[str, ...]
    """Those that name no role, to compare."""
    kinds: tuple[str, ...]
    """Those from the folder of a split on, or all where there is none, as they are written."""
    above: tuple[str, ...]
    """Those above the folder of a split."""
    split: str
    """"train", "test", "validation" or empty."""
    role: str
    """"photograph", "mask" or "aside": neither."""


def place(index: int, name: str, product: int = 0) -> Place:
    """What a path says; of its first folders, so many, that they are a product, not a role."""
    path = PurePosixPath(name)
    parts = [
        Folder(plain(part), kind=part) if i < product else folder(part)
        for i, part in enumerate(path.parts[:-1])
    ]
    at = next((i for i, part in enumerate(parts) if part.split), -1)
    masked = any(part.masks for part in parts) or says_mask(path.stem)
    return Place(
        index,
        name,
        plain(path.stem),
        path.suffix,
        tuple(part.key for part in parts if part.key),
        tuple(part.kind for part in parts[max(at, 0) :] if part.kind),
        tuple(part.kind for part in parts[: max(at, 0)] if part.kind),
        parts[at].split if at >= 0 else "",
        "mask" if masked else "aside" if any(part.aside for part in parts) else "photograph",
    )


def folder_of(place: Place) -> str:
    """The folder that a file lies in, empty for none."""
    return place.name.rpartition("/")[0]
