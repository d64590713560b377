"""Which photographs show good parts and which a kind of defect, by their folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import takewhile
from pathlib import Path

from ddad.data.layout import Layout
from ddad.data.verdicts import are_series, said
from ddad.data.words import Place, folder, folder_of
from ddad.images.files import shown

_Path = tuple[str, ...]


class UnclearError(ValueError):
    """Which photographs are good is unclear; the message, part of a sentence, says why."""


def good_parts(layout: Layout) -> tuple[list[Place], list[Place]]:
    """The photographs to train on, and those that are to be left out.

    Good are those in a folder of good parts, of `train` where there is one; or all of a tree whose
    folders are series. Raises UnclearError.
    """
    photographs = layout.photographs
    if not photographs:
        raise UnclearError("there are no photographs")
    trains = [p for p in photographs if p.split == "train"]
    if not trains and good_ones_to_test(photographs):
        trains = [p for p in photographs if not p.split]
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


def good_ones_to_test(photographs: Sequence[Place]) -> bool:
    """Whether `normal_test` beside `normal` says that the good parts there are for training, as in
    anomalib's `Folder`: folders of a split in their name, of good parts alone, beside others."""
    tests = [p for p in photographs if p.split]
    named = [
        part
        for p in tests
        for part in map(folder, Path(p.name).parts[:-1])
        if part.split == "test" and part.kind and said(part.kind).verdict == "good"
    ]
    return 0 < len(tests) == len(named) < len(photographs)


def find_kinds(photographs: Sequence[Place]) -> dict[int, str | None]:
    """By index, the kind of defect, "good" for none, None where no folder says.

    The deepest folder that speaks decides. A folder of good parts says that folders beside it are
    kinds of defects, be they called as they may, but no series and nothing `unsorted`; and that
    a name with other words in it, above, is a product's: `crack_dataset/good`.
    """
    good = {p.kinds[: _good_at(p)] for p in photographs if _good_at(p) is not None}
    products = {path[:depth] for path in good for depth in range(1, len(path) + 1)}
    shared = _shared([p.kinds for p in photographs])
    return {p.index: _kind(p.kinds, good, products, shared) for p in photographs}


def _good_at(place: Place) -> int | None:
    """Where among its folders is the deepest one of good parts."""
    return next(
        (i for i in reversed(range(len(place.kinds))) if said(place.kinds[i]).verdict == "good"),
        None,
    )


def _kind(path: _Path, good: set[_Path], products: set[_Path], shared: int) -> str | None:
    """The kind of a photograph in these folders; the first `shared` are above all photographs."""
    spoken = []
    for i, part in enumerate(path):
        says = said(part)
        above = path[: i + 1] in products and (i < shared or not says.exact)
        if says.verdict and not above and (says.exact or i >= shared):
            spoken.append((says.verdict, part))
    verdicts = [verdict for verdict, _ in spoken]
    if verdicts and verdicts[-1] != "defect":
        return "good" if set(verdicts) == {"good"} else None
    depth = next((d for d in reversed(range(len(path))) if path[:d] in good), None)
    beside = path[depth] if depth is not None else ""
    if beside and said(beside).verdict != "good" and (verdicts or not are_series([beside])):
        return beside
    return next((part for verdict, part in spoken if verdict == "defect"), None)


def unclear(places: Sequence[Place], layout: Layout) -> str:
    """Why photographs of which none lies in a folder of good parts may not all be good.

    Empty where they may: they lie in one folder, or in folders that are series.
    """
    around = _shared({p.above for p in places})
    above = {
        part for p in places for i, part in enumerate(p.above) if i >= around or said(part).exact
    }
    parts = above | {part for p in places for part in p.kinds}
    spoken = sorted(part for part in parts if said(part).verdict)
    if spoken:
        return f"no folder is surely of good parts, but there is {listed(spoken)}"
    deepest = {place.kinds for place in places}
    shared = _shared(deepest)
    names = {part for path in deepest for part in path[shared:]}
    if names and not are_series(names):
        return f"it is unclear which folders hold good parts: {listed(sorted(names))}"
    masked = {m.image for m in layout.matches} | {c for m in layout.matches for c in m.candidates}
    if marked := sum(place.index in masked for place in places):
        return f"{marked} of {len(places)} images have masks, and no folder says which are good"
    lost = [layout.places[m.mask] for m in layout.matches if m.image is None and not m.candidates]
    if unfound := sorted(mask.name for mask in lost if mask.split in ("", places[0].split)):
        return f"there are masks of images that are not found: {listed(unfound, 3)}"
    called = sorted(place.name for place in places if said(place.stem).verdict == "defect")
    if called:
        return f"{len(called)} images are called after defects: {listed(called, 3)}"
    return ""


def mixed(good: Sequence[Place]) -> list[str]:
    """The folders above those of good parts, where they seem to be of different parts."""
    above = {(*p.above, *p.kinds[: _good_at(p) or 0]) for p in good}
    shared = _shared(above)
    names = {part for path in above for part in path[shared:]}
    if len(above) < 2 or are_series(names):
        return []
    return sorted("/".join(path) or "the folder itself" for path in above)


def _shared(paths: Collection[_Path]) -> int:
    """How many first folders all paths have in common."""
    levels = zip(*paths, strict=False)
    return sum(1 for _ in takewhile(lambda level: len(set(level)) == 1, levels))


def listed(names: Iterable[str], most: int = 8) -> str:
    """The first of them, and how many there are more."""
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def by_folder(places: Iterable[Place], none: str = "no folder") -> str:
    """How many in which folder: `test/crack 3, test/good 2`; `none` where they lie in none."""
    counts = Counter(folder_of(place) or none for place in places)
    return listed(f"{shown(Path(name))} {count}" for name, count in sorted(counts.items()))
