"""Which part each photograph shows: what a promise counts, for photographs of one part are one word.

A table says so, or folders do by their names, or photographs themselves, near-identical shots.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ddad.data.kinds import listed
from ddad.data.verdicts import TIMES, VIEWS, are_series, said, split_words
from ddad.data.words import Place
from ddad.images.files import shown

if TYPE_CHECKING:
    from ddad.data.datasets import Sample
    from ddad.images.levels import Levels

_DATE = re.compile(r"(19|20)\d\d[-_.]?[01]\d[-_.]?[0-3]\d")


@dataclass(frozen=True)
class Parts:
    """Samples whose `group` is the part that they show, and sentences on how it was told."""

    samples: tuple[Sample, ...]
    notes: tuple[str, ...]
    bursts: dict[Path, Path]
    """Of each photograph that is a near-identical shot of an earlier one, that one."""

    @property
    def count(self) -> int:
        return len({sample.group for sample in self.samples})


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
        kept = {
            name: "/".join(part for part in path if kinds[part] != "view")
            for name, path in varying.items()
        }
        return {name: group for name, group in kept.items() if group}, ""
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


def find_parts(
    samples: Sequence[Sample],
    levels: Levels | None = None,
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Parts:
    """The samples with near-identical shots in one group; decodes each photograph once.

    Raises ImageError for a photograph that cannot be read.
    """
    from ddad.data.bursts import bursts, thumbnail
    from ddad.images.decode import load_image

    thumbnails, shapes = [], []
    for done, sample in enumerate(samples, 1):
        pixels = load_image(sample.path, levels=levels).pixels
        thumbnails.append(thumbnail(pixels))
        shapes.append((pixels.shape[0], pixels.shape[1]))
        on_progress(done, 2 * len(samples))
    total = len(samples)
    firsts = bursts(
        thumbnails, shapes, on_progress=lambda done, _: on_progress(total + done, 2 * total)
    )
    return with_bursts(samples, firsts)


def with_bursts(samples: Sequence[Sample], firsts: Sequence[int]) -> Parts:
    """The samples with each burst in one group; `firsts` names the first of the burst of each.

    What a table says stays as it is: of a burst that it puts into several groups none is joined,
    and that is said.
    """
    members = defaultdict[int, list[int]](list)
    for index, first in enumerate(firsts):
        members[first].append(index)
    shots = [burst for burst in members.values() if len(burst) > 1]
    parent = {sample.group: sample.group for sample in samples}

    def root(group: str) -> str:
        while parent[group] != group:
            group = parent[group]
        return group

    torn = []
    for burst in shots:
        told = {samples[i].group for i in burst if samples[i].told == "table"}
        free = {samples[i].group for i in burst if samples[i].told != "table"}
        if len(told) > 1:
            torn.append([samples[i].path for i in burst])
        into = root(min(told) if len(told) == 1 else samples[burst[0]].group)
        for group in sorted(free if len(told) < 2 else ()):
            parent[root(group)] = into
    joined = tuple(replace(sample, group=root(sample.group)) for sample in samples)
    alike = {samples[i].path: samples[burst[0]].path for burst in shots for i in burst[1:]}
    return Parts(joined, tuple(_notes(joined, shots, torn)), alike)
