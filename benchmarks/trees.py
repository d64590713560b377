"""Random trees with their right answers, read by folder, by name and as a ZIP: no truth is guessed.

    python -m benchmarks.trees [--trees 2000] [--seed 0] [--layout MVTec]

Prints a table by layout and the first trees that were read wrongly; exit code 1 where one was, or
where anything but a declared error was raised. A refusal, or a file that is left out and said, is
never wrong; how often it was clear to us what was meant is in the table.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.forest import SIDE, Photo, Tree, disturb, number_of, owner
from benchmarks.layouts import LAYOUTS
from benchmarks.marked import coco
from ddad.data import datasets
from ddad.data.coco import read_coco
from ddad.data.kinds import UnclearError, find_kinds, good_parts
from ddad.data.truth import MaskError, Target, matcher, read_mask
from ddad.images.decode import load_image
from ddad.images.masks import load_mask
from demo.shared.intake import gather

OUTCOMES = ("right", "asked", "asked though clear", "wrong", "crash")


class Wrong(Exception):
    """A truth that is not so."""


def grown(seed: int, layout: str = "") -> Tree:
    """The tree of this seed, the same on every machine."""
    rng = random.Random(f"tree {seed}")
    name = rng.choice(list(LAYOUTS))
    tree = Tree(layout or name)
    LAYOUTS[tree.layout](rng, tree)
    disturb(rng, tree)
    return tree


def judge(tree: Tree, folder: Path) -> Iterator[tuple[str, str, str]]:
    """Road, outcome, and what is to be said of it, for each way that the tree is read."""
    root = folder / "tree"
    tree.write(root)
    roads: dict[str, Callable[[Tree, Path], str]] = {
        "train": _train,
        "evaluate": _evaluate,
        "read": _read,
        "names": _names,
        "COCO": _coco,
        "ZIP": _zip,
    }
    for road, walk in roads.items():
        try:
            yield road, walk(tree, root), ""
        except Wrong as error:
            yield road, "wrong", str(error)
        except Exception:
            yield road, "crash", traceback.format_exc(limit=-4)


def _asked(clear: bool) -> str:
    return "asked though clear" if clear else "asked"


def _train(tree: Tree, root: Path) -> str:
    """Good parts to train on, none to test with, in the groups that a table names."""
    part = "train" if any(p.part == "train" for p in tree.photos.values()) else ""
    wanted = {path for path, p in tree.photos.items() if p.good and p.part == part}
    wanted = {path for path in wanted if tree.photos[path].told} or wanted
    clear = tree.trains and bool(wanted) and not tree.broken
    try:
        chosen = datasets.normals(root)
    except datasets.DatasetError:
        return _asked(clear)
    if tree.broken:
        raise Wrong("a table of groups that is broken was passed over")
    groups: dict[str, str] = {}
    for sample in chosen.samples:
        name, photo = _seen(tree, root, sample.path)
        if not photo.good or photo.part == "test":
            raise Wrong(f"{name} is trained on")
        if tree.groups and (tree.groups[name] != sample.group):
            raise Wrong(f"{name} is in group {sample.group}, not in {tree.groups[name]}")
        groups[name] = sample.group
    if missing := wanted - set(groups):
        if not chosen.notes:
            raise Wrong(f"{min(missing)} is left out without a word")
        return _asked(clear)
    return "right"


def _evaluate(tree: Tree, root: Path) -> str:
    parts = {p.part for p in tree.photos.values()}
    masks = {mask.of: (path, mask) for path, mask in tree.masks.items() if mask.clear}
    wanted = {
        path
        for path, p in tree.photos.items()
        if p.part == ("test" if "test" in parts else "") and (p.told or p.number in masks)
    }
    clear = tree.measures and bool(wanted) and not tree.broken
    try:
        chosen = datasets.labelled(root)
    except datasets.DatasetError:
        return _asked(clear)
    for sample in chosen.samples:
        _truth(tree, root, sample)
    found = {_seen(tree, root, s.path)[0]: s for s in chosen.samples}
    lost = [name for name in wanted if name not in found]
    lost += [
        name
        for name in wanted & found.keys()
        if tree.photos[name].number in masks
        and not tree.photos[name].good
        and found[name].mask_path is None
    ]
    if not lost:
        return "right"
    if not chosen.notes:
        raise Wrong(f"{min(lost)} or its mask is left out without a word")
    return _asked(clear)


def _read(tree: Tree, root: Path) -> str:
    """Everything at once: right where each image is what it is."""
    try:
        samples = datasets.read(root)
    except datasets.DatasetError:
        return _asked(tree.trains and tree.measures and not tree.broken)
    for sample in samples:
        _truth(tree, root, sample)
    return "right"


def _truth(tree: Tree, root: Path, sample: datasets.Sample) -> None:
    """Raises Wrong where an image's kind or mask is not its own."""
    name, photo = _seen(tree, root, sample.path)
    if sample.defect is not None and (sample.defect == "good") != photo.good:
        raise Wrong(f"{name} is measured as {sample.defect}")
    if sample.mask_path is not None:
        mask = sample.mask_path.relative_to(root).as_posix()
        _own(tree, mask, load_mask(sample.mask_path), photo, name)


def _own(tree: Tree, mask: str, pixels, photo: Photo, name: str) -> None:
    """Raises Wrong where a mask's pixels are not of that photograph."""
    if mask not in tree.masks:
        raise Wrong(f"{mask}, no mask, is the truth of {name}")
    number = owner(pixels)
    if tree.masks[mask].of != photo.number or number not in (None, photo.number):
        raise Wrong(f"{mask} is the truth of {name}")


def _seen(tree: Tree, root: Path, path: Path) -> tuple[str, Photo]:
    """A photograph by its pixels. Raises Wrong for another picture."""
    name = path.relative_to(root).as_posix()
    number = number_of(load_image(path).pixels)
    photo = tree.photos.get(name)
    if photo is None or photo.number != number:
        raise Wrong(f"{name} is taken for a photograph")
    return name, photo


def _names(tree: Tree, root: Path) -> str:
    """Masks brought to a session's images, by whatever part of their paths is left."""
    names = list(tree.photos)
    targets = [Target(name, SIDE, SIDE) for name in names]
    find = matcher(targets, masks=True)
    asked = clear = False
    for path, mask in tree.masks.items():
        for told in (path, path.replace("/", "\\"), f"./{path}"):
            index = find(told)
            if isinstance(index, str):
                asked = True
                clear |= mask.clear and mask.of in {p.number for p in tree.photos.values()}
                continue
            try:
                index, found = read_mask(root / path, told, targets)
            except MaskError as error:
                raise Wrong(f"{told} was sure and is not: {error}") from error
            name = names[index]
            _own(tree, path, found.mask, tree.photos[name], name)
    return _asked(clear) if asked else "right"


def _coco(tree: Tree, root: Path) -> str:
    """A COCO file of some images, named by paths or their ends, brought to others."""
    rng = random.Random(len(tree.photos))
    names = list(tree.photos)
    targets = [Target(name, SIDE, SIDE) for name in names if rng.random() < 0.9]
    for how in (str, lambda name: name.replace("/", "\\"), lambda name: name.rpartition("/")[2]):
        file = root.parent / "coco.json"
        told = coco(tree, names)
        for name in names:
            as_told = how(name)
            told = told.replace(*(_quoted(text) for text in (name, as_told)))
        file.write_text(told)
        try:
            found, said = read_coco(file, targets)
        except MaskError:
            return "asked"
        for index, imported in found.items():
            name = targets[index].name
            if owner(imported.mask) != tree.photos[name].number:
                raise Wrong(f"COCO, {how(name)}: another's mask is the truth of {name}")
        if len(found) < len(targets) and not said:
            raise Wrong("COCO: images without a mask and without a word")
    return "right"


def _quoted(name: str) -> str:
    return f'"file_name": {json.dumps(name)}'


def _zip(tree: Tree, root: Path) -> str:
    """The same tree as a ZIP: what the page arranges, measures with and would train on."""
    packed = root.parent / "tree.zip"
    with zipfile.ZipFile(packed, "w") as file:
        for name, data in tree.files().items():
            file.writestr(name, data)
    (source,) = gather([packed], root.parent / "unpacked", entries=10_000, total=10**9)
    layout, files, paths = source.layout, source.names, source.paths
    if source.twins:
        return _asked(tree.trains)
    for place in layout.photographs:
        _photo(tree, place.name, paths[place.index])
    for image, mask in layout.masks.items():
        name = files[image]
        pixels = load_mask(paths[mask])
        _own(tree, files[mask], pixels, tree.photos[name], name)
    for index, kind in find_kinds(layout.photographs).items():
        if kind is not None and (kind == "good") != tree.photos[files[index]].good:
            raise Wrong(f"ZIP: {files[index]} is {kind}")
    try:
        good, _ = good_parts(layout)
    except UnclearError:
        return _asked(tree.trains)
    if any(not tree.photos[place.name].good for place in good) and not tree.others:
        raise Wrong("ZIP: a defective part is trained on")
    return "right"


def _photo(tree: Tree, name: str, path: Path) -> None:
    if name not in tree.photos or number_of(load_image(path).pixels) != tree.photos[name].number:
        raise Wrong(f"ZIP: {name} is taken for a photograph")


def listing(tree: Tree) -> str:
    """A tree as text: what each file is."""
    lines = [
        f"  {p}  {'good' if f.good else 'defective'} {f.number}" for p, f in tree.photos.items()
    ]
    lines += [f"  {p}  mask of {m.of}{'' if m.clear else '?'}" for p, m in tree.masks.items()]
    return "\n".join(sorted(lines + [f"  {path}" for path in tree.others]))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trees", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--layout", choices=LAYOUTS, default="", help="of all trees")
    parser.add_argument("--shown", type=int, default=5, help="so many wrong trees are listed")
    args = parser.parse_args(arguments)
    counts: Counter[tuple[str, str]] = Counter()
    trees: Counter[str] = Counter()
    shown = 0
    for number in range(args.trees):
        seed = args.seed * 1_000_000 + number
        tree = grown(seed, args.layout)
        trees[tree.layout] += 1
        with tempfile.TemporaryDirectory() as folder:
            for road, outcome, said in judge(tree, Path(folder)):
                counts[tree.layout, outcome] += 1
                if said and shown < args.shown:
                    shown += 1
                    print(f"tree {seed}, {tree.layout}, {road}: {outcome}: {said}\n{listing(tree)}")
    print(table(trees, counts))
    return int(any(outcome in ("wrong", "crash") for _, outcome in counts))


def table(trees: Counter[str], counts: Counter[tuple[str, str]]) -> str:
    lines = ["| layout | trees | " + " | ".join(OUTCOMES) + " |", "|---|" + "---|" * 6]
    for layout in [*trees, "all"]:
        of = trees if layout == "all" else [layout]
        row = [sum(counts[one, outcome] for one in of) for outcome in OUTCOMES]
        total = trees.total() if layout == "all" else trees[layout]
        lines.append(f"| {layout} | {total} | " + " | ".join(map(str, row)) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
