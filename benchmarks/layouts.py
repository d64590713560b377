"""The layouts that people's trees have, each grown at random: see `benchmarks.forest`."""

from __future__ import annotations

import random
from collections.abc import Callable

from benchmarks import marked
from benchmarks.forest import Tree
from benchmarks.marked import SUFFIXES, some, stems

GOODS = ("good", "Good", "ok", "OK", "normal", "gut", "i.O.", "good parts", "no_defect", "pass")
GOODS += ("defect-free", "ok_front", "non defective", "NoDefect", "良品", "正常")
DEFECTS = ("crack", "Scratch", "broken_large", "hole", "defect 1", "NG", "bad", "not_good", "异常")
DEFECTS += ("def_front", "n.i.O.", "logical_anomalies", "MT_Blowhole", "rejected", "Anomaly", "ko")
OWN_WORDS = ("colour", "poke", "glue strip", "squeeze", "thread-side", "Kratzer", "刮花")
"""Kinds of defects that only a folder of good parts beside them makes plain."""
SERIES = (
    ("lot1", "lot2", "lot3"),
    ("cam left", "cam right"),
    ("2024-05-01", "2024-05-02"),
    ("A", "B", "C"),
    ("Monday", "Tuesday"),
    ("batch_7/1", "batch_7/2"),
    ("S0001", "S0002"),
)
UNCLEAR = (
    ("bottle", "cable"),
    ("0", "1"),
    ("class1", "class2"),
    ("Positive", "Negative"),
    ("G", "B"),
    ("bon", "mauvais"),
    ("crack", "bottle"),
    ("unsorted", "reference"),
    ("好", "坏"),
    ("good and bad", "lot2"),
)


def _kinds(rng: random.Random, *, own: bool = True) -> list[str]:
    return rng.sample(DEFECTS + (OWN_WORDS if own else ()), rng.randint(1, 3))


def mvtec(rng: random.Random, tree: Tree, around: str = "") -> None:
    good = rng.choice(GOODS)
    named = rng.choice(("{}_mask", "{}", "{}_GT"))
    some(rng, tree, f"{around}train/{good}/", True, "train")
    if rng.random() < 0.3:
        some(rng, tree, f"{around}train/{rng.choice(DEFECTS)}/", False, "train")
    masked = rng.random() < 0.7
    for stem, photo in some(rng, tree, f"{around}test/{good}/", True, "test").items():
        if masked and rng.random() < 0.2:  # as many were converted, with blank ones of good parts
            tree.mask(f"{around}ground_truth/{good}/{named.format(stem)}.png", photo, clear=False)
    for kind in _kinds(rng):
        for stem, photo in some(rng, tree, f"{around}test/{kind}/", False, "test").items():
            if masked:
                tree.mask(f"{around}ground_truth/{kind}/{named.format(stem)}.png", photo)


def flat_train(rng: random.Random, tree: Tree) -> None:
    some(rng, tree, "train/", True, "train", told=False)
    some(rng, tree, f"test/{rng.choice(GOODS)}/", True, "test")
    for kind in _kinds(rng):
        some(rng, tree, f"test/{kind}/", False, "test")


def visa(rng: random.Random, tree: Tree) -> None:
    some(rng, tree, "Data/Images/Normal/", True)
    for stem, photo in some(rng, tree, "Data/Images/Anomaly/", False).items():
        tree.mask(f"Data/Masks/Anomaly/{stem}.png", photo)


def btad(rng: random.Random, tree: Tree) -> None:
    some(rng, tree, "train/ok/", True, "train")
    some(rng, tree, "test/ok/", True, "test")
    for stem, photo in some(rng, tree, "test/ko/", False, "test").items():
        tree.mask(f"ground_truth/ko/{stem}.png", photo)


def mvtec_3d(rng: random.Random, tree: Tree) -> None:
    for part, kinds in (("train", ["good"]), ("test", ["good", *_kinds(rng)])):
        for kind in kinds:
            found = some(rng, tree, f"{part}/{kind}/rgb/", kind == "good", part)
            for stem, photo in found.items():
                tree.others[f"{part}/{kind}/xyz/{stem}.tiff"] = None
                if part == "test":
                    tree.mask(f"{part}/{kind}/gt/{stem}.png", photo)


def ad2(rng: random.Random, tree: Tree) -> None:
    some(rng, tree, "train/good/", True, "train")
    some(rng, tree, "test_public/good/", True, "test")
    for stem, photo in some(rng, tree, "test_public/bad/", False, "test").items():
        tree.mask(f"test_public/ground_truth/bad/{stem}_mask.png", photo)
    for folder in ("test_private/", "test_private_mixed/"):
        some(rng, tree, folder, rng.random() < 0.5, "test", told=False)


def folders(rng: random.Random, tree: Tree, around: str = "") -> None:
    good = rng.choice(GOODS)
    masks = rng.choice(("", "mask/", "ground_truth/", "Masks/"))
    named = rng.choice(("{}_mask", "{}"))
    for below in rng.choice((("",), ("lot1/", "lot2/"))):
        some(rng, tree, f"{around}{good}/{below}", True)
    for kind in _kinds(rng):
        for stem, photo in some(rng, tree, f"{around}{kind}/", False).items():
            if masks:
                tree.mask(f"{around}{masks}{kind}/{named.format(stem)}.png", photo)


def folders_loose(rng: random.Random, tree: Tree) -> None:
    """Each mask beside its image, below a folder that says what it shows."""
    good = rng.choice(GOODS)
    some(rng, tree, f"{good}/", True)
    for kind in _kinds(rng):
        for stem, photo in some(rng, tree, f"{kind}/", False).items():
            tree.mask(f"{kind}/{stem}_mask.png", photo)


def good_and_unsorted(rng: random.Random, tree: Tree) -> None:
    some(rng, tree, f"{rng.choice(GOODS)}/", True)
    some(rng, tree, f"{rng.choice(DEFECTS)}/", False)
    for folder in rng.sample(("unsorted/", "new/", "lot 2/", "augmented/", "reference/", "2/"), 2):
        for number in range(3):
            tree.add(f"{folder}x{number}.png", bool(number), told=False)


def defects_alone(rng: random.Random, tree: Tree) -> None:
    for kind in _kinds(rng, own=False):
        some(rng, tree, f"{kind}/", False)
    tree.trains = False


def plain(rng: random.Random, tree: Tree) -> None:
    """Nothing but good parts, in one folder or in series."""
    for folder in rng.choice((("",), ("photos",), *SERIES)):
        some(rng, tree, f"{folder}/" if folder else "", True, told=False)
    tree.measures = False


def unclear(rng: random.Random, tree: Tree) -> None:
    part = rng.choice(("", "train/"))
    for i, folder in enumerate(rng.choice(UNCLEAR)):
        for number in range(3):
            tree.add(f"{part}{folder}/{number}.png", bool(i), part.strip("/"), told=False)
    tree.trains = tree.measures = False


def named_files(rng: random.Random, tree: Tree) -> None:
    """All in one folder, what they show in their names."""
    for number in range(3):
        tree.add(f"good_{number}.png", True, told=False)
        tree.add(
            f"{rng.choice(('crack', 'defect', 'NG', 'bad part'))}_{number}.png", False, told=False
        )
    tree.trains = tree.measures = False


def products(rng: random.Random, tree: Tree) -> None:
    grow = rng.choice((mvtec, folders))
    for product in rng.sample(("bottle", "Cable", "nut plate", "hole_plate"), 2):
        grow(rng, tree, f"{product}/")
    tree.trains = tree.measures = False


def tables(rng: random.Random, tree: Tree) -> None:
    """A table of groups, well or badly written."""
    suffix = rng.choice(SUFFIXES)
    paths = [f"train/good/{stem}{suffix}" for stem in stems(rng, 6)]
    for path in paths:
        tree.add(path, True, "train")
    tree.groups = {path: f"t{i // 2}" for i, path in enumerate(paths)}
    tree.measures = False
    slash, case = rng.choice("/\\"), rng.choice((str, str, str.upper))
    mark, head = (
        rng.choice(",;\t|"),
        rng.choice(("path{}tile", "File Name{}Group", "IMAGE{}part_id")),
    )
    lines = [head.format(mark)]
    lines += [f"{case(p).replace('/', slash)}{mark}{group}" for p, group in tree.groups.items()]
    text = rng.choice(("\n", "\r\n")).join(lines)
    data = text.encode(rng.choice(("utf-8", "utf-8-sig", "utf-16")))
    how = rng.choice(("", "", "", "no head", "short row", "strangers", "binary", "empty", "twice"))
    tree.broken = bool(how)
    if how == "no head":
        data = "\n".join(lines[1:]).encode()
    elif how == "short row":
        data = "\n".join([*lines, paths[0]]).encode()
    elif how == "strangers":
        data = b"path,tile\nother/1.png,t0\n"
    elif how == "binary":
        data = bytes(range(256))
    elif how == "empty":
        data = b""
    elif how == "twice":
        data = "\n".join([*lines, f"{paths[0]}{mark}t9"]).encode()
    tree.others[rng.choice(("split.csv", "Split.CSV", "groups.csv", "groups.tsv"))] = data


LAYOUTS: dict[str, Callable[[random.Random, Tree], None]] = {
    "MVTec": mvtec,
    "MVTec, train without folders": flat_train,
    "MVTec 3D": mvtec_3d,
    "MVTec LOCO": marked.loco,
    "MVTec AD 2": ad2,
    "VisA": visa,
    "BTAD": btad,
    "images/ and masks/": marked.images_and_masks,
    "images/ and masks/ with splits": marked.split_masks,
    "splits, one folder of masks": marked.masks_across_splits,
    "x and x_mask": marked.loose,
    "x and x_mask_1, x_mask_2": marked.several_masks,
    "x.jpg and x.png": marked.twins,
    "names alike": marked.alike,
    "copies in other folders": marked.copies,
    "masks alone": marked.masks_alone,
    "MTD, x.jpg its mask x.png": marked.mtd,
    "KolektorSDD": marked.kolektor,
    "KolektorSDD2": marked.kolektor_2,
    "DAGM": marked.dagm,
    "good/ and defects": folders,
    "good/ and defects, x_mask": folders_loose,
    "good/, defects, unsorted/": good_and_unsorted,
    "defects without good": defects_alone,
    "plain or series": plain,
    "folders that do not say": unclear,
    "file names that say": named_files,
    "YOLO, VOC, LabelMe, COCO": marked.annotations,
    "several products": products,
    "our export": marked.export,
    "table of groups": tables,
}
