"""Which part each photograph shows by the folders that it lies in, where these are a series."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ddad.data.kinds import listed
from ddad.data.verdicts import TIMES, VIEWS, are_series, said, split_words
from ddad.data.words import Place

_DATE = re.compile(r"(19|20)\d\d[-_.]?[01]\d[-_.]?[0-3]\d")


def in_folders(places: Sequence[Place]) -> tuple[dict[str, str], str]:
    """The part of each photograph by its folders, and a sentence on folders that hold many parts.

    A folder is a part where folders differ by its name and that is of a series: `part_01`, `tile7`,
    `003`. Not so lots, days and lines, whose photographs show a part each; of cameras and
    exposures those that are called the same show one. No parts where the folders are no series.
    """
    paths = {place.name: _deepest(place) for place in places}
    levels = [set(level) for level in zip(*paths.values(), strict=False)]
    shared = next((i for i, level in enumerate(levels) if len(level) > 1), len(levels))
    varying = {name: path[shared:] for name, path in paths.items()}
    names = {part for path in varying.values() for part in path}
    if not names or not are_series(names):
        return {}, ""
    kinds = {name: _kind(name) for name in names}
    called = sorted(names)
    if "part" in kinds.values():
        return {
            name: "/".join(part for part in path if kinds[part] != "view")
            for name, path in varying.items()
            if any(kinds[part] == "part" for part in path)
        }, ""
    if "view" in kinds.values():
        kept = {
            place.name: "/".join(
                [*(part for part in varying[place.name] if kinds[part] != "view"), place.stem]
            )
            for place in places
        }
        if max(Counter(kept.values()).values()) > 1:
            return kept, ""
        return {}, (
            f"folders are of several views ({listed(called)}), and no two photographs in them are "
            "called the same: each counts as a part of its own; if one part is in several, name "
            "the parts in split.csv"
        )
    return {}, (
        f"folders hold many parts each ({listed(called)}): each photograph counts as a part of its "
        "own, and what is promised holds for parts like these, not for those of a new folder"
    )


def _deepest(place: Place) -> tuple[str, ...]:
    """Its folders but those that say that parts are good."""
    return tuple(part for part in (*place.above, *place.kinds) if not said(part).verdict)


def _kind(name: str) -> str:
    """What a folder of a series holds: a "part", a "view" of many parts, or many ("time")."""
    words = {re.sub(r"\d", "", word) for word in split_words(name)} - {""}
    if _DATE.fullmatch(name) or words & TIMES:
        return "time"
    return "view" if words & VIEWS else "part"
