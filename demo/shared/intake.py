"""Files that a visitor drops: archives unpacked, each source's files told apart by their paths.

A ZIP is a source, and so are all files that were dropped by themselves. Nothing is kept here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ddad.data import archive
from ddad.data.beside import twin_mask
from ddad.data.layout import Layout, arrange
from ddad.data.words import Place, folder_of
from ddad.images.files import IMAGE_SUFFIXES
from demo.limits import LIMITS
from demo.shared.own import Export, export_of


@dataclass(frozen=True)
class Dropped:
    """One file that was dropped or lies in a ZIP that was."""

    name: str
    """As the visitor knows it: text, never to be opened."""
    path: Path | None
    problem: str = ""
    """One sentence where there is no path."""
    source: int = -1
    """Which of the dropped files the ZIP is; -1 where it was dropped itself."""


def dropped(
    paths: Sequence[Path],
    into: Path,
    *,
    entries: int = LIMITS.archive_entries,
    total: int = LIMITS.archive_bytes,
    suffixes: Iterable[str] = IMAGE_SUFFIXES,
) -> Iterator[Dropped]:
    """Each file in turn, archives unpacked under `into`, of these files with `suffixes` alone.

    A ZIP is unpacked, `entries` files of `total` bytes at most, when its turn comes. Raises
    ArchiveError for one that is refused as a whole.
    """
    limits = archive.Limits(entries=entries, total=total)
    for number, path in enumerate(paths):
        if path.suffix.lower() != ".zip":
            yield Dropped(path.name, path)
            continue
        for file in archive.extract(path, into / str(number), limits=limits, suffixes=suffixes):
            yield Dropped(file.name, file.path, file.problem, number)


@dataclass(frozen=True)
class Source:
    """What is in a ZIP, or in all files that were dropped by themselves."""

    called: str
    """The ZIP's name; empty for files that were dropped by themselves."""
    names: tuple[str, ...]
    """Of its images, by the layout's indexes: as the visitor knows them."""
    paths: tuple[Path, ...]
    layout: Layout
    twins: tuple[tuple[int, int], ...]
    """Where `x.jpg` and `x.png` lie side by side: which looks like a mask, and of which other."""
    texts: tuple[tuple[str, Path], ...]
    """Files that are no images."""
    problems: tuple[Dropped, ...]
    own: Export
    """What the page itself made, if it is an export taken back."""

    @property
    def loose(self) -> bool:
        return not self.called

    @property
    def photographs(self) -> list[Place]:
        """Without what only looks like one."""
        masks = {mask for mask, _ in self.twins}
        return [place for place in self.layout.photographs if place.index not in masks]


def gather(
    paths: Sequence[Path], into: Path, *, texts: Iterable[str] = (".json",), **limits: int
) -> list[Source]:
    """What is in the files, by its sources; archives are unpacked under `into`.

    `texts` are the suffixes of files that are no images and are wanted all the same. Raises
    ArchiveError for an archive that is refused as a whole.
    """
    found: dict[int, list[Dropped]] = defaultdict(list)
    for file in dropped(paths, into, suffixes=IMAGE_SUFFIXES.union(texts), **limits):
        found[file.source].append(file)
    called = {number: path.name for number, path in enumerate(paths)}
    return [_source(called.get(number, ""), files) for number, files in sorted(found.items())]


def _source(called: str, files: Sequence[Dropped]) -> Source:
    usable = [(file.name, file.path) for file in files if file.path is not None]
    images = [each for each in usable if _suffix(each[0]) in IMAGE_SUFFIXES]
    texts = [each for each in usable if _suffix(each[0]) not in IMAGE_SUFFIXES]
    own, images, texts = export_of(images, texts)
    layout = arrange([name for name, _ in images])
    paths = tuple(path for _, path in images)
    return Source(
        called,
        tuple(name for name, _ in images),
        paths,
        layout,
        tuple(_twins(paths, layout)),
        tuple(texts),
        tuple(file for file in files if file.path is None and not own.knows(file.name)),
        own,
    )


def _twins(paths: Sequence[Path], layout: Layout) -> Iterator[tuple[int, int]]:
    pairs: dict[tuple[str, str], list[Place]] = defaultdict(list)
    for place in layout.photographs:
        pairs[folder_of(place), place.stem].append(place)
    for pair in pairs.values():
        suffixes = {place.suffix for place in pair}
        if len(pair) == len(suffixes) == 2 and (found := twin_mask(paths, pair)):
            index = {paths[place.index]: place.index for place in pair}
            yield index[found[0]], index[found[1]]


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()
