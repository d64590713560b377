"""Which part each photograph shows: the unit that a promise counts.

A table says so, or folders do by their names, or photographs themselves, near-identical shots.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ddad.data.bursts import bursts, thumbnail
from ddad.data.datasets import Sample
from ddad.data.kinds import listed
from ddad.images.decode import load_image
from ddad.images.files import shown
from ddad.images.levels import Levels

_WORDS = {"table": "by table", "folder": "by folder", "brought": "by the folders or table they had"}
_FIRM = ("table", "brought")
"""What a person said: no likeness of photographs changes it."""


@dataclass(frozen=True)
class Parts:
    """Samples whose `group` is the part that they show, and sentences on how it was told."""

    samples: tuple[Sample, ...]
    notes: tuple[str, ...]

    @property
    def count(self) -> int:
        return len({sample.group for sample in self.samples})


def find_parts(
    samples: Sequence[Sample],
    levels: Levels | None = None,
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Parts:
    """The samples with near-identical shots in one group; decodes each photograph once.

    Raises ImageError for a photograph that cannot be read.
    """
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

    What a person says stays as it is: of a burst in several groups by a table none is joined,
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
        told = {samples[i].group for i in burst if samples[i].told in _FIRM}
        free = {samples[i].group for i in burst if samples[i].told not in _FIRM}
        if len(told) > 1:
            torn.append([samples[i].path for i in burst])
        into = root(min(told) if len(told) == 1 else samples[burst[0]].group)
        for group in sorted(free if len(told) < 2 else ()):
            parent[root(group)] = into
    joined = tuple(replace(sample, group=root(sample.group)) for sample in samples)
    return Parts(joined, tuple(_notes(joined, shots, torn)))


def _notes(
    samples: Sequence[Sample], shots: Sequence[Sequence[int]], torn: Sequence[Sequence[Path]]
) -> Iterator[str]:
    told = {sample.told for sample in samples}
    reasons = [words for how, words in _WORDS.items() if how in told]
    if shots:
        alike = sum(map(len, shots))
        plural = "s" * (len(shots) > 1)
        reasons.append(f"{alike} photographs in {len(shots)} burst{plural} of near-identical shots")
    count = len({sample.group for sample in samples})
    parts = "1 part" if count == 1 else f"{count} parts"
    yield f"counted as {parts}: {', '.join(reasons) or 'each photograph shows one of its own'}"
    if torn:
        names = listed([" and ".join(shown(Path(p.name)) for p in burst[:2]) for burst in torn], 3)
        yield f"near-identical shots that are told to show different parts, left so: {names}"
