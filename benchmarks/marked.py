"""Layouts in which masks or annotations tell what is good: see `benchmarks.layouts`."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from dataclasses import replace

from benchmarks.forest import Mask, Photo, Tree, bits

SUFFIXES = (".png", ".jpg", ".bmp", ".tif", ".JPG", ".PNG", ".jpeg")
MASK_NAMES = ("{}_mask", "{}", "{}-mask", "{} mask", "{}_gt", "{}_label", "mask_{}", "{}_MASK")
MASK_FOLDERS = ("masks", "Masks", "mask", "ground_truth", "GT", "labels", "SegmentationClass")
IMAGE_FOLDERS = ("images", "Images", "img", "JPEGImages", "rgb", "photos", "raw")


def stems(rng: random.Random, count: int) -> list[str]:
    """Names of photographs, all in one style."""
    style = rng.choice(("%03d", "%d", "IMG_%04d", "part %d", "Teil.%d", "部品_%d", "é%d", "n (%d)"))
    first = rng.randrange(3)
    return [style % (first + i) for i in range(count)]


def some(
    rng: random.Random, tree: Tree, folder: str, good: bool, part: str = "", **told: bool
) -> dict[str, Photo]:
    """Two to four photographs in a folder, by stem."""
    suffix = rng.choice(SUFFIXES)
    here = stems(rng, rng.randint(2, 4))
    return {stem: tree.add(f"{folder}{stem}{suffix}", good, part, **told) for stem in here}


def images_and_masks(rng: random.Random, tree: Tree) -> None:
    images, masks = rng.choice(IMAGE_FOLDERS), rng.choice(MASK_FOLDERS)
    named = rng.choice(MASK_NAMES)
    for below in rng.choice((("",), ("lot1/", "lot2/"), ("A/b/", "A/c/"))):
        for stem, photo in mixed(rng, tree, f"{images}/{below}").items():
            tree.mask(f"{masks}/{below}{named.format(stem)}.png", photo)
    tree.trains = False


def split_masks(rng: random.Random, tree: Tree) -> None:
    """`images/train` and `masks/train`, or `train/images` and `train/masks`."""
    order = rng.choice(("{part}/{what}/", "{what}/{part}/", "{part}_{what}/"))
    images, masks = rng.choice(IMAGE_FOLDERS), rng.choice(("masks", "mask", "gt", "ground_truth"))
    named = rng.choice(("{}", "{}_mask"))
    for part in ("train", "test"):
        here = order.format(part=part, what=images)
        for stem, photo in mixed(rng, tree, here, part).items():
            folder = order.format(part=part, what=masks)
            tree.mask(f"{folder}{named.format(stem)}.png", photo)
    tree.trains = False


def masks_across_splits(rng: random.Random, tree: Tree) -> None:
    """Images in splits, all masks in one folder: clear only where names do not repeat."""
    for part in ("train", "test"):
        for stem, photo in mixed(rng, tree, f"images/{part}/", part).items():
            if f"masks/{stem}.png" not in tree.masks:
                tree.mask(f"masks/{stem}.png", photo, clear=False)
    tree.trains = tree.measures = False


def mixed(rng: random.Random, tree: Tree, folder: str, part: str = "") -> dict[str, Photo]:
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
        for stem, photo in mixed(rng, tree, folder).items():
            tree.mask(f"{folder}{named.format(stem)}.png", photo)
    tree.trains = False


def several_masks(rng: random.Random, tree: Tree) -> None:
    """Two masks of an image: for none until someone says which, or both."""
    for folder in ("", "B/"):
        for stem, photo in mixed(rng, tree, folder).items():
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
    for stem, photo in mixed(rng, tree, own).items():
        tree.mask(f"{own and 'masks/'}{stem}_mask.png", photo, clear=False)
        for folder in others:
            tree.add(f"{folder}{stem}.png", photo.good, told=False)
    tree.trains, tree.measures, tree.alike = False, False, True


def loco(rng: random.Random, tree: Tree) -> None:
    """Several masks of an image in a folder of its name."""
    some(rng, tree, "train/good/", True, "train")
    some(rng, tree, "test/good/", True, "test")
    for kind in ("logical_anomalies", "structural_anomalies"):
        for stem, photo in some(rng, tree, f"test/{kind}/", False, "test").items():
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
    tree.alike = True
    tree.trains = tree.measures = False


def kolektor(rng: random.Random, tree: Tree) -> None:
    for number in range(1, 4):
        for stem in stems(rng, 3):
            photo = tree.add(f"kos{number:02}/{stem}.jpg", rng.random() < 0.6, told=False)
            tree.mask(f"kos{number:02}/{stem}_label.bmp", photo)
    tree.trains = False


def kolektor_2(rng: random.Random, tree: Tree) -> None:
    for part in ("train", "test"):
        for stem, photo in mixed(rng, tree, f"{part}/", part).items():
            tree.mask(f"{part}/{stem}_GT.png", photo)
    tree.trains = False


def dagm(rng: random.Random, tree: Tree) -> None:
    """Only defective ones have labels."""
    for part in ("train", "test"):
        found = mixed(rng, tree, f"Class1/{part.title()}/", part)
        first = min(found)
        for stem, photo in found.items():
            if not photo.good or stem == first:
                tree.mask(f"Class1/{part.title()}/Label/{stem}_label.PNG", photo)
    tree.trains = False


def annotations(rng: random.Random, tree: Tree) -> None:
    """Regions in files of YOLO, VOC, LabelMe or COCO beside photographs."""
    form = rng.choice(("yolo", "voc", "labelme", "coco"))
    found = mixed(rng, tree, rng.choice(("images/", "images/train/", "")))
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
            tree.photos[path] = replace(photo, part="train")
    tree.trains = tree.measures = False


def export(rng: random.Random, tree: Tree) -> None:
    """What the page exports, unpacked."""
    for stem, photo in mixed(rng, tree, "images/").items():
        tree.mask(f"masks/{stem}.png", photo)
        tree.others |= {f"maps/{stem}.png": None, f"maps/{stem}.tiff": None}
    tree.others["run.json"] = b'{"images": []}'
    tree.trains = False


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
