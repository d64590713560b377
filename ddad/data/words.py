"""What names say, of a folder, a file, a path: a split, masks, good parts, defects, a series."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


SPLITS = {
    **dict.fromkeys(("train", "training", "trainset"), "train"),
    **dict.fromkeys(("test", "testing", "testset", "testpublic", "eval", "evaluation"), "test"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
}
MASKS = _set("""
    mask masks maske masken groundtruth groundtruths gt gts truth segmentation segmentations
    segmentationclass segmask segmasks gtmask gtmasks maskimages
""")
"""Folders of these names hold masks."""
MAYBE_MASKS = _set("label labels annotation annotations anno annos seg segs target")
"""Folders of these hold masks if those have their images beside them."""
PHOTOGRAPHS = _set("""
    image images img imgs picture pictures photo photos photograph photographs rgb jpegimages
    data bilder bild input inputs
""")
"""Folders of these say nothing of what they hold."""
ASIDE = _set("xyz depth overlay overlays heatmap heatmaps anomalymaps")
"""Folders of these hold pictures that are neither photographs nor masks."""
GOOD = _set("""
    good ok okay normal normals pass passed defectfree nodefect nodefects nondefective
    withoutdefect withoutdefects faultfree healthy intact io gut goodparts
""")
DEFECTS = _set("""
    bad ng nok ko notgood nogood notok nongood defect defects defective defekt defekte anomaly
    anomalies anomalous abnormal nonnormal fail failed failure failures fault faults faulty
    reject rejects rejected scrap broken damaged damage crack cracks cracked scratch scratches
    scratched dent dents hole holes stain stains spot spots contamination contaminated combined
    burr chip chips chipped tear torn cut cuts bent bend missing misplaced rust corrosion pit
    pits pitted fold folded fray blowhole break uneven niq nio positive schlecht positives
""")
"""Kinds of defects that people have folders of; any folder beside a good one is such too."""
SERIES = _set("""
    a batch lot day week month year shift line cam camera station session run series tile item
    part sample set sub subset folder dir group plant hall cell left right top bottom front back
    side view position pos new old more other others first second third upload uploads monday
    tuesday wednesday thursday friday saturday sunday morning night
""")
"""Folders of these, numbered or not, part good parts into series."""
_ADDED = _set("part parts image images img imgs sample samples photo photos only all")
_SEPARATORS = re.compile(r"[\s_.\-+()]+")
_SUFFIX = re.compile(r"[\s_.\-]+(masks?|ground[\s_\-]?truth)$")
_MAYBE = re.compile(r"[\s_.\-]+(gt|labels?|seg|segmentation|annotation|anno|truth|pixeltruth)$")
_PREFIX = re.compile(r"^(masks?|gt|label|seg)[\s_.\-]+")


def plain(text: str) -> str:
    """For comparing: one Unicode form, letter case aside."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


@dataclass(frozen=True)
class Folder:
    """What one folder's name says."""

    key: str
    """What is left to compare when words of a role are gone; empty for a folder of a role."""
    split: str = ""
    masks: bool = False
    maybe_masks: bool = False
    aside: bool = False


@lru_cache(4096)
def folder(name: str) -> Folder:
    """A folder's name, read whole or, as in `train_images`, by its first and last word."""
    text = plain(name)
    words = [word for word in _SEPARATORS.split(text) if word]
    whole = "".join(words)
    if whole in SPLITS:
        return Folder("", split=SPLITS[whole])
    if whole in PHOTOGRAPHS:
        return Folder("")
    if whole in MASKS | MAYBE_MASKS | ASIDE:
        return Folder("", "", whole in MASKS, whole in MAYBE_MASKS, whole in ASIDE)
    if len(words) < 2 or whole in GOOD | DEFECTS:
        return Folder(text)
    split, masks, seen = "", False, False
    for place in (-1, 0, -1):
        word = words[place] if words else ""
        if word in SPLITS and not split:
            split, seen = SPLITS[words.pop(place)], True
        elif word in MASKS and not masks:
            masks, seen = True, bool(words.pop(place))
        elif word in PHOTOGRAPHS:
            seen = bool(words.pop(place))
    if words == ["ground", "truth"]:
        masks, words = True, []
    return Folder("_".join(words) if seen else text, split=split, masks=masks)


def is_good(name: str) -> bool:
    """Whether a folder of this name says that it holds good parts."""
    words = [word for word in _SEPARATORS.split(plain(name)) if word]
    if "".join(words) in DEFECTS:
        return False
    rest = [word for word in words if word not in _ADDED and word not in SPLITS]
    return "".join(words) in GOOD or "".join(rest) in GOOD


def is_defect(name: str) -> bool:
    """Whether a folder of this name says that it holds defective parts, numbered or not."""
    words = [re.sub(r"\d+$", "", word) for word in _SEPARATORS.split(plain(name))]
    words = [word for word in words if word and word not in _ADDED and word not in SPLITS]
    return "".join(words) in DEFECTS or any(word in DEFECTS for word in words)


def are_series(names: Collection[str]) -> bool:
    """Whether folders of these names only part photographs: by number, letter, date, camera.

    Several that differ in their numbers alone are a series whatever their word.
    """
    words = {name: _letters(name) for name in names if not is_defect(name)}
    if len(words) < len(set(names)):
        return False
    known = all(all(len(w) == 1 or w in SERIES for w in found) for found in words.values())
    alike = len(words) > 1 and len(set(words.values())) == 1
    return known or (alike and not {"class", "type", "kind"} & set(next(iter(words.values()))))


def _letters(name: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[^\W\d_]+", plain(name)))


@dataclass(frozen=True)
class Owner:
    """What the image of a mask may be called."""

    stem: str
    suffix: str = ""
    """Of its file, where the mask's name says it: `part.jpg.mask.png`."""


def says_mask(stem: str) -> bool:
    """Whether a file's stem says that it is a mask: `part_mask`, `part.jpg.mask`."""
    return bool(_SUFFIX.search(plain(stem)))


def maybe_owner(stem: str) -> str:
    """The stem of the image that `part_gt`, `part_label` or `mask_part` is for, else empty."""
    text = plain(stem)
    for pattern in (_MAYBE, _PREFIX):
        if pattern.search(text):
            return pattern.sub("", text)
    return ""


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
    """Those below the folder of a split, or all where there is none, as they are written."""
    above: tuple[str, ...]
    """Those above the folder of a split."""
    split: str
    """"train", "test", "validation" or empty."""
    role: str
    """"photograph", "mask" or "aside": neither."""


def place(index: int, name: str, product: int = 0) -> Place:
    """What a path says; of its first folders, so many, that they are a product, not a role."""
    path = PurePosixPath(name)
    said = [
        (part, Folder(plain(part)) if i < product else folder(part))
        for i, part in enumerate(path.parts[:-1])
    ]
    at = next((i for i, (_, f) in enumerate(said) if f.split), -1)
    left = [(part if f.key == plain(part) else f.key, i) for i, (part, f) in enumerate(said)]
    masked = any(f.masks for _, f in said) or says_mask(path.stem)
    aside = any(f.aside for _, f in said)
    return Place(
        index,
        name,
        plain(path.stem),
        path.suffix,
        tuple(f.key for _, f in said if f.key),
        tuple(part for part, i in left if part and i >= at),
        tuple(part for part, i in left if part and i < at),
        said[at][1].split if at >= 0 else "",
        "mask" if masked else "aside" if aside else "photograph",
    )
