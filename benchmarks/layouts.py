"""The layouts that people's trees have, each grown at random: see `benchmarks.forest`."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable

from benchmarks.forest import Mask, Tree, bits

SUFFIXES = (".png", ".jpg", ".bmp", ".tif", ".JPG", ".PNG", ".jpeg")
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
MASK_NAMES = ("{}_mask", "{}", "{}-mask", "{} mask", "{}_gt", "{}_label", "mask_{}", "{}_MASK")
MASK_FOLDERS = ("masks", "Masks", "mask", "ground_truth", "GT", "labels", "SegmentationClass")
IMAGE_FOLDERS = ("images", "Images", "img", "JPEGImages", "rgb", "photos", "raw")


def stems(rng: random.Random, count: int) -> list[str]:
    """Names of photographs, all in one style."""
    style = rng.choice(("%03d", "%d", "IMG_%04d", "part %d", "Teil.%d", "部品_%d", "é%d", "n (%d)"))
    first = rng.randrange(3)
    return [style % (first + i) for i in range(count)]


def _some(rng: random.Random, tree: Tree, folder: str, good: bool, part: str = "", **told: bool):
    """Two to four photographs in a folder, by stem."""
    suffix = rng.choice(SUFFIXES)
    here = stems(rng, rng.randint(2, 4))
    return {stem: tree.add(f"{folder}{stem}{suffix}", good, part, **told) for stem in here}


def _kinds(rng: random.Random, *, own: bool = True) -> list[str]:
    return rng.sample(DEFECTS + (OWN_WORDS if own else ()), rng.randint(1, 3))


def mvtec(rng: random.Random, tree: Tree, around: str = "") -> None:
    good = rng.choice(GOODS)
    named = rng.choice(("{}_mask", "{}", "{}_GT"))
    _some(rng, tree, f"{around}train/{good}/", True, "train")
    if rng.random() < 0.3:
        _some(rng, tree, f"{around}train/{rng.choice(DEFECTS)}/", False, "train")
    masked = rng.random() < 0.7
    for stem, photo in _some(rng, tree, f"{around}test/{good}/", True, "test").items():
        if masked and rng.random() < 0.2:  # as many were converted, with blank ones of good parts
            tree.mask(f"{around}ground_truth/{good}/{named.format(stem)}.png", photo, clear=False)
    for kind in _kinds(rng):
        for stem, photo in _some(rng, tree, f"{around}test/{kind}/", False, "test").items():
            if masked:
                tree.mask(f"{around}ground_truth/{kind}/{named.format(stem)}.png", photo)


def flat_train(rng: random.Random, tree: Tree) -> None:
    _some(rng, tree, "train/", True, "train", told=False)
    _some(rng, tree, f"test/{rng.choice(GOODS)}/", True, "test")
    for kind in _kinds(rng):
        _some(rng, tree, f"test/{kind}/", False, "test")


def visa(rng: random.Random, tree: Tree) -> None:
    _some(rng, tree, "Data/Images/Normal/", True)
    for stem, photo in _some(rng, tree, "Data/Images/Anomaly/", False).items():
        tree.mask(f"Data/Masks/Anomaly/{stem}.png", photo)


def btad(rng: random.Random, tree: Tree) -> None:
    _some(rng, tree, "train/ok/", True, "train")
    _some(rng, tree, "test/ok/", True, "test")
    for stem, photo in _some(rng, tree, "test/ko/", False, "test").items():
        tree.mask(f"ground_truth/ko/{stem}.png", photo)


def mvtec_3d(rng: random.Random, tree: Tree) -> None:
    for part, kinds in (("train", ["good"]), ("test", ["good", *_kinds(rng)])):
        for kind in kinds:
            found = _some(rng, tree, f"{part}/{kind}/rgb/", kind == "good", part)
            for stem, photo in found.items():
                tree.others[f"{part}/{kind}/xyz/{stem}.tiff"] = None
                if part == "test":
                    tree.mask(f"{part}/{kind}/gt/{stem}.png", photo)


def ad2(rng: random.Random, tree: Tree) -> None:
    _some(rng, tree, "train/good/", True, "train")
    _some(rng, tree, "test_public/good/", True, "test")
    for stem, photo in _some(rng, tree, "test_public/bad/", False, "test").items():
        tree.mask(f"test_public/ground_truth/bad/{stem}_mask.png", photo)
    for folder in ("test_private/", "test_private_mixed/"):
        _some(rng, tree, folder, rng.random() < 0.5, "test", told=False)


def images_and_masks(rng: random.Random, tree: Tree) -> None:
    images, masks = rng.choice(IMAGE_FOLDERS), rng.choice(MASK_FOLDERS)
    named = rng.choice(MASK_NAMES)
    for below in rng.choice((("",), ("lot1/", "lot2/"), ("A/b/", "A/c/"))):
        for stem, photo in _mixed(rng, tree, f"{images}/{below}").items():
            tree.mask(f"{masks}/{below}{named.format(stem)}.png", photo)
    tree.trains = False


def split_masks(rng: random.Random, tree: Tree) -> None:
    """`images/train` and `masks/train`, or `train/images` and `train/masks`."""
    order = rng.choice(("{part}/{what}/", "{what}/{part}/", "{part}_{what}/"))
    images, masks = rng.choice(IMAGE_FOLDERS), rng.choice(("masks", "mask", "gt", "ground_truth"))
    named = rng.choice(("{}", "{}_mask"))
    for part in ("train", "test"):
        here = order.format(part=part, what=images)
        for stem, photo in _mixed(rng, tree, here, part).items():
            folder = order.format(part=part, what=masks)
            tree.mask(f"{folder}{named.format(stem)}.png", photo)
    tree.trains = False


def masks_across_splits(rng: random.Random, tree: Tree) -> None:
    """Images in splits, all masks in one folder: clear only where names do not repeat."""
    for part in ("train", "test"):
        for stem, photo in _mixed(rng, tree, f"images/{part}/", part).items():
            if f"masks/{stem}.png" not in tree.masks:
                tree.mask(f"masks/{stem}.png", photo, clear=False)
    tree.trains = tree.measures = False


def _mixed(rng: random.Random, tree: Tree, folder: str, part: str = ""):
    """Photographs, some good, of which only masks tell which."""
    suffix = rng.choice(SUFFIXES)
    return {
        stem: tree.add(f"{folder}{stem}{suffix}", rng.random() < 0.4, part, told=False)
        for stem in stems(rng, rng.randint(3, 5))
    }


def loose(rng: random.Random, tree: Tree) -> None:
    named = rng.choice((*MASK_NAMES, "{}_mask_1", "{}_mask (2)"))
    named = "{}_mask" if named == "{}" else named
    for folder in rng.choice((("",), ("A/", "B/"), ("a/b/", "c/"))):
        for stem, photo in _mixed(rng, tree, folder).items():
            tree.mask(f"{folder}{named.format(stem)}.png", photo)
    tree.trains = False


def several_masks(rng: random.Random, tree: Tree) -> None:
    """Two masks of an image: for none until someone says which, or both."""
    for folder in ("", "B/"):
        for stem, photo in _mixed(rng, tree, folder).items():
            for number in rng.sample((1, 2, 3), 2):
                tree.mask(f"{folder}{stem}_mask_{number}.png", photo, clear=False)
    tree.trains = tree.measures = False


def twins(rng: random.Random, tree: Tree) -> None:
    """`x.jpg` and `x.png` with masks named by the whole file, or by the stem alone."""
    whole = rng.random() < 0.5
    images, masks = rng.choice((("images/", "masks/"), ("", "")))
    for stem in stems(rng, 3):
        for suffix in (".jpg", ".png"):
            photo = tree.add(f"{images}{stem}{suffix}", False, told=False)
            if whole:
                tree.mask(f"{masks}{stem}{suffix}.mask.png", photo)
            elif suffix == ".png":
                tree.mask(f"{masks}{stem}_mask.png", photo, clear=False)
    tree.trains, tree.measures, tree.alike = False, whole, not whole


def alike(rng: random.Random, tree: Tree) -> None:
    """Names that differ in letter case, Unicode form or what a file system makes of them."""
    names = [
        "part 1",
        "Part 1",
        "part_1",
        "PART-1",
        "\u00e9",
        "e\u0301",
        "a.b",
        "a",
        "1",
        "01",
        "1.0",
    ]
    images, masks = rng.choice((("images/", "masks/"), ("", ""), ("x/", "x/"), ("Rgb/c/", "gt/c/")))
    named = "{}_mask" if images == masks else rng.choice(("{}", "{}_mask"))
    for stem in rng.sample(names, 6):
        photo = tree.add(f"{images}{stem}.png", rng.random() < 0.4, told=False)
        tree.mask(f"{masks}{named.format(stem)}.png", photo, clear=False)
    tree.trains, tree.measures, tree.alike = False, False, True


def copies(rng: random.Random, tree: Tree) -> None:
    """Photographs of the same names in other folders, one set of masks."""
    own, *others = rng.sample(("images/", "raw/", "small/", "crops/a/", "old/images/", ""), 3)
    for stem, photo in _mixed(rng, tree, own).items():
        tree.mask(f"{own and 'masks/'}{stem}_mask.png", photo, clear=False)
        for folder in others:
            tree.add(f"{folder}{stem}.png", photo.good, told=False)
    tree.trains, tree.measures, tree.alike = False, False, True


def loco(rng: random.Random, tree: Tree) -> None:
    """Several masks of an image in a folder of its name."""
    _some(rng, tree, "train/good/", True, "train")
    _some(rng, tree, "test/good/", True, "test")
    for kind in ("logical_anomalies", "structural_anomalies"):
        for stem, photo in _some(rng, tree, f"test/{kind}/", False, "test").items():
            for number in range(rng.randint(1, 2)):
                tree.mask(f"ground_truth/{kind}/{stem}/{number:03}.png", photo, clear=False)


def masks_alone(rng: random.Random, tree: Tree) -> None:
    """No photographs at all."""
    folder, named = rng.choice(
        (("masks/", "{}"), ("", "{}_mask"), ("ground_truth/crack/", "{}_mask"))
    )
    for number in range(3):
        tree.masks[f"{folder}{named.format(number)}.png"] = Mask(number + 1)
    tree.trains = tree.measures = False


def mtd(rng: random.Random, tree: Tree) -> None:
    """Photograph and mask of one name side by side: pixels alone tell them apart."""
    for kind in ("MT_Blowhole", "MT_Free", "MT_Crack"):
        for stem in stems(rng, 2):
            photo = tree.add(f"{kind}/Imgs/{stem}.jpg", kind == "MT_Free")
            tree.mask(f"{kind}/Imgs/{stem}.png", photo, clear=False)
    tree.trains = tree.measures = False


def kolektor(rng: random.Random, tree: Tree) -> None:
    for number in range(1, 4):
        for stem in stems(rng, 3):
            photo = tree.add(f"kos{number:02}/{stem}.jpg", rng.random() < 0.6, told=False)
            tree.mask(f"kos{number:02}/{stem}_label.bmp", photo)
    tree.trains = False


def kolektor_2(rng: random.Random, tree: Tree) -> None:
    for part in ("train", "test"):
        for stem, photo in _mixed(rng, tree, f"{part}/", part).items():
            tree.mask(f"{part}/{stem}_GT.png", photo)
    tree.trains = False


def dagm(rng: random.Random, tree: Tree) -> None:
    """Only defective ones have labels."""
    for part in ("train", "test"):
        found = _mixed(rng, tree, f"Class1/{part.title()}/", part)
        first = min(found)
        tree.photos = {p: photo for p, photo in tree.photos.items()}
        for stem, photo in found.items():
            if not photo.good or stem == first:
                tree.mask(f"Class1/{part.title()}/Label/{stem}_label.PNG", photo)
    tree.trains = False


def folders(rng: random.Random, tree: Tree, around: str = "") -> None:
    good = rng.choice(GOODS)
    masks = rng.choice(("", "mask/", "ground_truth/", "Masks/"))
    named = rng.choice(("{}_mask", "{}"))
    for below in rng.choice((("",), ("lot1/", "lot2/"))):
        _some(rng, tree, f"{around}{good}/{below}", True)
    for kind in _kinds(rng):
        for stem, photo in _some(rng, tree, f"{around}{kind}/", False).items():
            if masks:
                tree.mask(f"{around}{masks}{kind}/{named.format(stem)}.png", photo)


def folders_loose(rng: random.Random, tree: Tree) -> None:
    """Each mask beside its image, below a folder that says what it shows."""
    good = rng.choice(GOODS)
    _some(rng, tree, f"{good}/", True)
    for kind in _kinds(rng):
        for stem, photo in _some(rng, tree, f"{kind}/", False).items():
            tree.mask(f"{kind}/{stem}_mask.png", photo)


def good_and_unsorted(rng: random.Random, tree: Tree) -> None:
    _some(rng, tree, f"{rng.choice(GOODS)}/", True)
    _some(rng, tree, f"{rng.choice(DEFECTS)}/", False)
    for folder in rng.sample(("unsorted/", "new/", "lot 2/", "augmented/", "reference/", "2/"), 2):
        for number in range(3):
            tree.add(f"{folder}x{number}.png", bool(number), told=False)


def defects_alone(rng: random.Random, tree: Tree) -> None:
    for kind in _kinds(rng, own=False):
        _some(rng, tree, f"{kind}/", False)
    tree.trains = False


def plain(rng: random.Random, tree: Tree) -> None:
    """Nothing but good parts, in one folder or in series."""
    for folder in rng.choice((("",), ("photos",), *SERIES)):
        _some(rng, tree, f"{folder}/" if folder else "", True, told=False)
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


def annotations(rng: random.Random, tree: Tree) -> None:
    """Regions in files of YOLO, VOC, LabelMe or COCO beside photographs."""
    form = rng.choice(("yolo", "voc", "labelme", "coco"))
    found = _mixed(rng, tree, rng.choice(("images/", "images/train/", "")))
    bad = {s: p for s, p in found.items() if not p.good} or found
    for stem in bad:
        if form == "yolo":
            tree.others[f"labels/{stem}.txt"] = b"0 0.5 0.5 0.25 0.125\n"
        elif form == "voc":
            tree.others[f"Annotations/{stem}.xml"] = b"<annotation><object/></annotation>"
        elif form == "labelme":
            tree.others[f"{stem}.json"] = b'{"shapes": [{"points": [[1, 2], [3, 4], [5, 6]]}]}'
    if form == "coco":
        tree.others["annotations/all.json"] = coco(tree, list(tree.photos)).encode()
    if any(path.startswith("images/train") for path in tree.photos):
        for path, photo in list(tree.photos.items()):
            tree.photos[path] = type(photo)(photo.number, photo.good, "train", False)
    tree.trains = tree.measures = False


def products(rng: random.Random, tree: Tree) -> None:
    grow = rng.choice((mvtec, folders))
    for product in rng.sample(("bottle", "Cable", "nut plate", "hole_plate"), 2):
        grow(rng, tree, f"{product}/")
    tree.trains = tree.measures = False


def export(rng: random.Random, tree: Tree) -> None:
    """What the page exports, unpacked."""
    for stem, photo in _mixed(rng, tree, "images/").items():
        tree.mask(f"masks/{stem}.png", photo)
        tree.others |= {f"maps/{stem}.png": None, f"maps/{stem}.tiff": None}
    tree.others["run.json"] = b'{"images": []}'
    tree.trains = False


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


def coco(tree: Tree, names: Iterable[str]) -> str:
    """A COCO file of these photographs, each marked with its number by run lengths."""
    images, rows = [], []
    for i, name in enumerate(names, 1):
        number = tree.photos[name].number
        flat = bits(number).T.ravel()
        images.append({"id": i, "file_name": name, "height": len(bits(0)), "width": len(bits(0))})
        counts, last = [0], False
        for value in flat.tolist():
            if value != last:
                counts.append(0)
                last = value
            counts[-1] += 1
        rows.append(
            {
                **{"id": i, "image_id": i, "category_id": 1, "iscrowd": 1},
                "segmentation": {"counts": counts, "size": list(bits(0).shape)},
                **{"bbox": [0, 0, 16, 2], "area": int(flat.sum())},
            }
        )
    kinds = [{"id": 1, "name": "dent"}]
    return json.dumps({"images": images, "annotations": rows, "categories": kinds})


LAYOUTS: dict[str, Callable[[random.Random, Tree], None]] = {
    "MVTec": mvtec,
    "MVTec, train without folders": flat_train,
    "MVTec 3D": mvtec_3d,
    "MVTec LOCO": loco,
    "MVTec AD 2": ad2,
    "VisA": visa,
    "BTAD": btad,
    "images/ and masks/": images_and_masks,
    "images/ and masks/ with splits": split_masks,
    "splits, one folder of masks": masks_across_splits,
    "x and x_mask": loose,
    "x and x_mask_1, x_mask_2": several_masks,
    "x.jpg and x.png": twins,
    "names alike": alike,
    "copies in other folders": copies,
    "masks alone": masks_alone,
    "MTD, x.jpg its mask x.png": mtd,
    "KolektorSDD": kolektor,
    "KolektorSDD2": kolektor_2,
    "DAGM": dagm,
    "good/ and defects": folders,
    "good/ and defects, x_mask": folders_loose,
    "good/, defects, unsorted/": good_and_unsorted,
    "defects without good": defects_alone,
    "plain or series": plain,
    "folders that do not say": unclear,
    "file names that say": named_files,
    "YOLO, VOC, LabelMe, COCO": annotations,
    "several products": products,
    "our export": export,
    "table of groups": tables,
}
