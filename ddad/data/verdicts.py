"""What names say of parts: that they are good, that they are not, that they are a series."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal


def words_in(text: str) -> frozenset[str]:
    return frozenset(text.split())


SPLITS = {
    **dict.fromkeys(("train", "training", "trainset"), "train"),
    **dict.fromkeys(("test", "testing", "testset", "testpublic", "eval", "evaluation"), "test"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
}
GOOD = words_in("""
    good ok okay normal normals pass passed accepted healthy intact io gut
    良品 正常 合格
""")
BAD = words_in("""
    bad ng nok ko def defect defects defective defekt defekte anomaly anomalies anomalous abnormal
    fail failed failure failures fault faults faulty reject rejects rejected scrap broken damaged
    damage crack cracks cracked scratch scratches scratched dent dents stain stains contamination
    contaminated corrosion rust blowhole nio schlecht 不良 不良品 不合格 异常 異常 缺陷 欠陥
""")
"""What no part should have: without it, it is good."""
KINDS = words_in("""
    hole holes spot spots burr chip chips chipped tear torn cut cuts bent bend missing misplaced
    pit pits pitted fold folded fray break uneven combined
""")
"""Kinds of defects too, but a part may be bad for want of them: `no_hole`."""
UNTOLD = words_in("""
    unsorted unlabeled unlabelled unknown mixed misc all augmented augmentation aug
    reference references ref template templates golden calibration todo
""")
"""Folders of these may hold both, or either."""
SERIES = words_in("""
    batch lot day week month year shift line cam camera station session run series tile item
    part sample set sub subset folder dir group plant hall cell left right top bottom front back
    side view position pos new old more other others first second third upload uploads monday
    tuesday wednesday thursday friday saturday sunday morning night
""")
"""Folders of these, numbered or not, part good parts into series."""
VIEWS = words_in("""
    cam camera view side left right top bottom front back position pos exposure exp light shot
""")
"""Series that show the same parts from several sides, or several times."""
TIMES = words_in("""
    batch lot day week month year shift line station plant hall new old more other others first
    second third upload uploads monday tuesday wednesday thursday friday saturday sunday morning
    night set sub subset folder dir
""")
"""Series of many parts each, made or photographed together."""
_CLASSES = words_in("class type kind category grade label")
_NOT = words_in("no non not without ohne kein keine nicht")
_ADDED = words_in("part parts image images img imgs sample samples photo photos only")
_SEPARATORS = re.compile(r"[\s_.\-+()&,]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LAST = re.compile(r"(?<=.)(parts?|images?|imgs?|samples?|photos?)$")


def plain(text: str) -> str:
    """For comparing: one Unicode form, letter case aside."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def split_words(name: str) -> list[str]:
    words = [word for word in _SEPARATORS.split(plain(_HUMP.sub(" ", name))) if word]
    for i in reversed(range(len(words) - 1)):
        if words[i : i + 2] == ["ground", "truth"]:
            words[i : i + 2] = ["groundtruth"]
    return words


Verdict = Literal["good", "defect", "unclear", ""]


@dataclass(frozen=True)
class Said:
    """What a name says of parts: good, a defect, both or neither for sure; empty for nothing."""

    verdict: Verdict
    exact: bool
    """Whether it says nothing else: `crack_2` but not `crack_dataset`."""


@lru_cache(4096)
def said(name: str) -> Said:
    """The verdict in the name of a folder or file: `OK`, `broken_large`, `no crack`, `not good`."""
    words = [w for w in (word.strip(string.digits) for word in split_words(name)) if w]
    whole = "".join(words)
    if alone := verdict(whole) or verdict(_LAST.sub("", whole)):
        return Said(alone, True)
    joined: list[str] = []
    for word in words:
        if joined and (joined[-1] in _NOT or word in ("free", "less")):
            joined[-1] += word
        else:
            joined.append(word)
    verdicts = {word: verdict(word) for word in joined}
    rest = [w for w, v in verdicts.items() if not v and w not in _ADDED | SERIES | SPLITS.keys()]
    found = set(verdicts.values()) - {""}
    if found == {"good"} and rest or len(found) > 1:
        return Said("unclear", False)
    if found:
        return Said(found.pop(), not rest)
    untold = bool(joined) and all(w in UNTOLD | _ADDED | SERIES for w in joined)
    return Said("unclear" if untold and set(joined) & UNTOLD else "", False)


def verdict(word: str) -> Verdict:
    if word in GOOD:
        return "good"
    if word in BAD | KINDS:
        return "defect"
    for free in ("free", "less"):
        if word.endswith(free) and word.removesuffix(free) in BAD:
            return "good"
    for no in _NOT:
        if (rest := word.removeprefix(no)) != word:
            if rest in GOOD:
                return "defect"
            if rest in BAD | KINDS:
                return "good" if rest in BAD else "unclear"
    return ""


def are_series(names: Collection[str]) -> bool:
    """Whether folders of these names only part photographs: by number, letter, date, camera.

    Several that differ in their numbers alone are a series whatever their word. Not so 0 and 1,
    which are classes as often, and letters that do not begin with A.
    """
    if any(said(name).verdict for name in names) or set(names) == {"0", "1"}:
        return False
    words = {tuple(re.findall(r"[^\W\d_]+", plain(_HUMP.sub(" ", name)))) for name in names}
    letters = {word for found in words for word in found if len(word) == 1}
    known = all(len(word) == 1 or word in SERIES for found in words for word in found)
    if known and letters <= set(string.ascii_lowercase[: len(letters)]):
        return True
    return len(set(names)) > 1 and len(words) == 1 and not _CLASSES & set(*words)


def is_good(name: str) -> bool:
    """Whether a folder of this name says that it holds good parts."""
    return said(name).verdict == "good"


def is_defect(name: str) -> bool:
    """Whether a folder of this name says that it holds defective parts, numbered or not."""
    return said(name).verdict == "defect"
