"""What of the files that a visitor drops is taken to train on: good parts, and which part each is.

The rest is left out and said; what is unclear is asked about.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ddad.data.groups import SUFFIXES, GroupsError, find_groups, is_table
from ddad.data.kinds import UnclearError, by_folder, good_parts
from ddad.data.series import in_folders
from ddad.data.words import Place, folder_of
from demo.shared.intake import Source, gather
from demo.shared.passing import passing
from demo.store.photographs import Photographs

Chosen = tuple[Path, str, str, str]
"""What `Photographs.add` is given: file, the visitor's name, the folder asked about, part."""


@dataclass(frozen=True)
class Taken:
    """Sentences on what was refused, and on what was left out or is asked."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def take_in(
    photographs: Photographs,
    paths: list[Path],
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Taken:
    """Keep the photographs of good parts in the files and ZIPs; the rest is left out and said.

    Where it is unclear which are good none is kept: they lie aside until `Photographs.answer`.
    `on_progress` is told how many of a source's photographs are kept, and of how many. Raises
    ArchiveError for a ZIP that is refused as a whole, StoreError where there is no room for all:
    what came before is kept.
    """
    said, limits = Taken(), photographs.limits
    with passing() as into:
        bounds = {"entries": limits.photographs, "total": limits.photograph_bytes}
        for source in gather(paths, into, texts=(".json", *SUFFIXES), **bounds):
            said.problems.extend(f"{file.name}: {file.problem}" for file in source.problems)
            strange = [n for n, _ in source.texts if not is_table(n) and not source.own.knows(n)]
            said.problems.extend(f"{name} is neither an image nor a ZIP" for name in strange)
            try:
                chosen = _choose(source, brought_parts(source), said)
            except GroupsError as error:
                said.problems.append(f"{error}; none of its photographs was taken")
                continue
            for done, photograph in enumerate(chosen, 1):
                photographs.add(*photograph)
                on_progress(done, len(chosen))
    return said


def _choose(source: Source, parts: dict[str, str], said: Taken) -> list[Chosen]:
    """The photographs of a source that are good parts, or all to be asked about."""
    masks = [place for place in source.layout.places if place.role == "mask"]
    twins = {index for index, _ in source.twins}
    masks += [place for place in source.layout.photographs if place.index in twins]
    left: list[tuple[str, list[Place]]] = [("masks", masks)]
    left.append(("no photographs by their folders", list(source.layout.aside)))
    good: Sequence[Place] = ()
    chosen: list[Chosen] = []
    try:
        if source.own.pictures or source.twins:
            raise UnclearError("some of the images have masks, and no folder says which are good")
        if source.layout.photographs:
            good, rest = good_parts(source.layout)
            left.append(("not to train on", rest))
    except UnclearError as error:
        said.notes.append(f"{error}: say below which are good parts")
        chosen = _asked(source, parts)
    if not parts:
        parts, doubt = in_folders(good)
        said.notes.extend([doubt] if doubt else [])
    for place in good:
        name, part = source.names[place.index], _part(source, parts, place)
        chosen.append((source.paths[place.index], _last(name), "", part))
    for what, places in left:
        if places:
            said.notes.append(f"left out, {what}: {by_folder(places)}")
    if source.own.masks:
        said.notes.append(f"left out, masks: {len(source.own.masks)} of an export of this page")
    return chosen


def brought_parts(source: Source) -> dict[str, str]:
    """The part of each photograph by the table that it came with; empty without one.

    Raises GroupsError for one that cannot be understood.
    """
    tables = [(name, path) for name, path in source.texts if is_table(name)]
    if not tables:
        return {}
    if len(tables) > 1:
        both = " and ".join(name for name, _ in tables)
        raise GroupsError(f"{source.called or both}: {both} name groups: keep one")
    (name, path), *_ = tables
    with passing() as folder:
        shutil.copyfile(path, folder / _last(name))
        try:
            return find_groups(folder, source.names)[0]
        except GroupsError as error:
            raise GroupsError(str(error).replace(f"{folder}/", "")) from error


def _part(source: Source, parts: dict[str, str], place: Place) -> str:
    part = parts.get(place.name)
    return f"{source.called}: {part}" if part else ""


def _asked(source: Source, parts: dict[str, str]) -> list[Chosen]:
    """All photographs of a source lie aside, under the words for their folders."""
    parts, chosen = parts or in_folders(source.photographs)[0], []
    matches = source.layout.matches
    marked = {m.image for m in matches} | {c for m in matches for c in m.candidates}
    marked |= {image for _, image in source.twins}
    for place in source.photographs:
        where = _where(source, folder_of(place))
        where = f"{where}, with masks" if place.index in marked else where
        part = _part(source, parts, place)
        name = _last(source.names[place.index])
        chosen.append((source.paths[place.index], name, where, part))
    for name, path, origin in source.own.pictures:
        where = _where(source, name.rpartition("/")[0])
        chosen.append((path, _last(origin.name), where, ""))
    return chosen


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _where(source: Source, folder: str) -> str:
    """The words by which a folder is asked about."""
    called = source.called or "dropped by themselves"
    return f"{called}: {folder}" if folder else called
