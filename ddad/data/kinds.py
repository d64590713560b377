"""Which photographs show good parts and which a kind of defect, by their folders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ddad.data.layout import Layout
from ddad.data.words import Place, are_series, is_defect, is_good


class UnclearError(ValueError):
    """Which photographs are good is unclear; the message, part of a sentence, says why."""


def good_parts(layout: Layout) -> tuple[list[Place], list[Place]]:
    """The photographs to train on, and those that are to be left out.

    Good are those in a folder of good parts, of `train` where there is one; or all of a tree whose
    folders are series. Raises UnclearError.
    """
    photographs = layout.photographs
    trains = [p for p in photographs if p.split == "train"]
    if not trains and any(p.split for p in photographs):
        raise UnclearError("there are images to test alone")
    pool = trains or list(photographs)
    kinds = find_kinds(photographs)
    good = [p for p in pool if kinds[p.index] == "good"]
    if not good:
        if why := unclear(pool, layout):
            raise UnclearError(why)
        good = pool
    if several := mixed(good):
        raise UnclearError(f"there are good parts of several kinds: {listed(several)}")
    taken = {p.index for p in good}
    return good, [p for p in photographs if p.index not in taken]


def find_kinds(photographs: Sequence[Place]) -> dict[int, str | None]:
    """By index, the kind of defect, "good" for none, None where no folder says.

    A folder of good parts says that the folders beside it are kinds of defects; so does one that
    parts a test set.
    """
    good = {p.index: at for p in photographs if (at := _good_at(p)) is not None}
    beside = {p.kinds[: good[p.index]] for p in photographs if p.index in good}
    return {p.index: "good" if p.index in good else _defect(p, beside) for p in photographs}


def _good_at(place: Place) -> int | None:
    """Where among its folders is the one of good parts; None if a later one speaks of defects."""
    return None if any(map(is_defect, place.kinds)) else next(_good_places(place), None)


def _defect(place: Place, beside: set[tuple[str, ...]]) -> str | None:
    named = next((part for part in place.kinds if is_defect(part)), None)
    depths = [len(p) for p in beside if place.kinds[: len(p)] == p and len(place.kinds) > len(p)]
    if depths:
        return place.kinds[max(depths)]
    if place.split and place.kinds:
        return place.kinds[0]
    return named


def unclear(places: Sequence[Place], layout: Layout) -> str:
    """Why photographs of which none lies in a folder of good parts may not all be good.

    Empty where they may: they lie in one folder, or in folders that are series.
    """
    folders = {part for place in places for part in (*place.above, *place.kinds)}
    defects = {part for part in folders if is_defect(part)}
    if defects:
        return f"there are defective parts ({listed(sorted(defects))}) and no folder of good ones"
    deepest = {place.kinds for place in places}
    if len(deepest) > 1 or any(place.split for place in places):
        names = _differing(deepest)
        if names and not are_series(names):
            return f"it is unclear which folders hold good parts: {listed(sorted(names))}"
    masked = {m.image for m in layout.matches} | {c for m in layout.matches for c in m.candidates}
    marked = sum(place.index in masked for place in places)
    if marked:
        return f"{marked} of {len(places)} images have masks, and no folder says which are good"
    return ""


def _differing(paths: set[tuple[str, ...]]) -> set[str]:
    """The folders in which paths differ: those that all share say nothing."""
    shared = 0
    while len({p[: shared + 1] for p in paths}) == 1 and all(len(p) > shared for p in paths):
        shared += 1
    return {part for path in paths for part in path[shared:]}


def mixed(good: Sequence[Place]) -> list[str]:
    """The folders above those of good parts, where they seem to be of different parts."""
    above = {(*p.above, *p.kinds[: next(_good_places(p), 0)]) for p in good}
    if len(above) < 2 or are_series(_differing(above)):
        return []
    return sorted("/".join(path) or "the folder itself" for path in above)


def _good_places(place: Place) -> Iterator[int]:
    return (i for i, part in enumerate(place.kinds) if is_good(part))


def listed(names: Iterable[str], most: int = 8) -> str:
    """The first of them, and how many there are more."""
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
