"""COCO files of other tools and our own: what fits is taken, all the rest is said."""

from __future__ import annotations

import hashlib
import json
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as pycoco

from ddad.data.coco import read_coco
from ddad.data.truth import MaskError, Target
from ddad.export.bundle import write_zip
from ddad.export.reviewed import Reviewed, find_shapes
from ddad.images.regions import RegionLabel

TARGETS = [Target("part 1.png", 6, 8), Target("part.jpg", 6, 8)]
BOX = [[1, 1, 4, 1, 4, 3, 1, 3]]
SMALL = [[5, 4, 7, 4, 7, 5, 5, 5]]


@given(st.data())
@settings(deadline=None, max_examples=40)
def test_our_coco_export_comes_back_exactly(tmp_path_factory, data):
    tmp_path = tmp_path_factory.mktemp("coco")
    shape = data.draw(st.tuples(st.integers(1, 10), st.integers(1, 10)))
    records = []
    for name in ("a/part.png", "b/part.png", "../x y.png"):
        mask = data.draw(arrays(bool, shape))
        labels = tuple(RegionLabel(int(x), int(y), "dent") for y, x in np.argwhere(mask)[:1])
        records.append(Reviewed(name, np.zeros((*shape, 3), np.uint8), mask, labels=labels))
    write_zip(records, ["coco"], tmp_path / "c.zip", tolerance=0)
    targets = [Target(r.name, *shape) for r in records]
    with zipfile.ZipFile(tmp_path / "c.zip") as archive:
        for name in ("coco/exact.json", "coco/polygons.json"):
            (tmp_path / "c.json").write_bytes(archive.read(name))
            found, strangers = read_coco(tmp_path / "c.json", targets)
            assert sorted(found) == [0, 1, 2]
            assert len(strangers) == (not all(record.mask.any() for record in records))
            for index, record in enumerate(records):
                assert np.array_equal(found[index].mask, record.mask)
                again = Reviewed(
                    *(record.name, record.pixels, found[index].mask), labels=found[index].labels
                )
                assert {(s.label, s.region.bbox) for s in find_shapes(again)} == {
                    (s.label, s.region.bbox) for s in find_shapes(record)
                }


def coco(tmp_path, **change):
    """A sound file of one polygon for `part.jpg`, with parts of it replaced."""
    annotation = {"image_id": 7, "category_id": 1, "segmentation": [[1, 1, 4, 1, 4, 3, 1, 3]]}
    data = {
        "images": [{"id": 7, "file_name": "part.jpg", "width": 8, "height": 6}],
        "categories": [{"id": 1, "name": "dent"}],
        "annotations": [annotation | change.pop("annotation", {})],
    }
    path = tmp_path / "in.json"
    path.write_text(json.dumps(data | change))
    return path


def test_a_polygon_of_another_tool_is_filled(tmp_path):
    found, strangers = read_coco(coco(tmp_path), TARGETS)
    assert strangers == [] and list(found) == [1]
    assert np.argwhere(found[1].mask).tolist() == [[r, c] for r in (1, 2) for c in (1, 2, 3)]
    assert found[1].labels == (RegionLabel(1, 1, "dent"),)
    images = [{"id": 7, "file_name": "other.jpg", "width": 8, "height": 6}]
    sentence = "other.jpg was left out: no image has its name."
    assert read_coco(coco(tmp_path, images=images), TARGETS) == ({}, [sentence])


def test_polygons_beyond_the_image_are_cut_at_its_edge(tmp_path):
    far = {"segmentation": [[-1e6, -1e6, 1e6, -1e6, 1e6, 1e6, -1e6, 1e6], [90, 90, 99, 90, 99, 99]]}
    found, _ = read_coco(coco(tmp_path, annotation=far), TARGETS)
    assert found[1].mask.all()


def test_compressed_run_lengths_of_pycocotools_come_in(tmp_path):
    mask = np.random.default_rng(0).random((6, 8)) > 0.5
    packed = pycoco.encode(np.asfortranarray(mask.astype(np.uint8)))
    segmentation = {"size": [6, 8], "counts": packed["counts"].decode()}
    found, _ = read_coco(coco(tmp_path, annotation={"segmentation": segmentation}), TARGETS)
    assert np.array_equal(found[1].mask, mask)


def twins(name, *digests):
    return [
        Target(f"{folder}/{name}", 6, 8, digest)
        for folder, digest in zip("ab", digests, strict=True)
    ]


@pytest.mark.parametrize(
    "names", [("a/p.png", "b/p.png"), ("set/a/p.png", "set/b/p.png"), ("a\\p.png", "b\\p.png")]
)
def test_folders_tell_images_of_one_name_apart(tmp_path, names):
    images = [{"id": i, "file_name": name} for i, name in enumerate(names)]
    rows = [{"image_id": 0, "segmentation": BOX}, {"image_id": 1, "segmentation": SMALL}]
    path = coco(tmp_path, images=images[::-1], annotations=rows)
    found, said = read_coco(path, twins("p.png", "", ""))
    assert [found[i].mask.sum() for i in (0, 1)] == [6, 2] and said == []


def test_a_bare_name_of_two_images_is_not_guessed(tmp_path):
    images = [{"id": 7, "file_name": "p.png"}]
    found, (sentence,) = read_coco(coco(tmp_path, images=images), twins("p.png", "", ""))
    assert found == {}
    assert sentence == "p.png was left out: several images may be meant (a/p.png, b/p.png)."
    images[0]["sha256"] = "f" * 64
    found, said = read_coco(coco(tmp_path, images=images), twins("p.png", "e" * 64, "f" * 64))
    assert list(found) == [1] and said == []


def test_two_images_of_the_file_for_one_of_ours_are_both_left_out(tmp_path):
    images = [{"id": 7, "file_name": "part.jpg"}, {"id": 8, "file_name": "images/part.jpg"}]
    found, said = read_coco(coco(tmp_path, images=images), TARGETS)
    assert found == {}
    assert said == ["Left out, as all are for your part.jpg: part.jpg, images/part.jpg."]


NAMES = ("part 1.png", "part_1.png", "x.jpg", "x.png")


@pytest.mark.parametrize("file", ["exact", "polygons"])
@pytest.mark.parametrize("as_exported", [False, True])
def test_images_whose_stems_are_equal_come_back_to_themselves(tmp_path, file, as_exported):
    """To the originals in another order, and to the ZIP's pictures, whose names are others'."""
    records = []
    for number, name in enumerate(NAMES):
        mask = np.zeros((6, 8), bool)
        mask[1:3, number : number + 2] = True
        records.append(Reviewed(name, np.full((6, 8, 3), number, np.uint8), mask))
    write_zip(records, ["coco"], tmp_path / "c.zip")
    with zipfile.ZipFile(tmp_path / "c.zip") as archive:
        (tmp_path / "c.json").write_bytes(archive.read(f"coco/{file}.json"))
        stored = [name for name in archive.namelist() if name.startswith("images/")]
    targets = []
    for record, name in zip(records, stored, strict=True):
        digest = hashlib.sha256(record.pixels.tobytes()).hexdigest()
        base = name.removeprefix("images/")
        targets.append(Target(base, 6, 8, digest) if as_exported else Target(record.name, 6, 8))
    found, said = read_coco(tmp_path / "c.json", targets[::-1])
    assert said == [] and len(found) == 4
    for index, record in enumerate(records[::-1]):
        assert np.array_equal(found[index].mask, record.mask)


@pytest.mark.parametrize(
    ("of_image", "of_annotation"), [("1", 1), (1, "1"), (1.0, 1), ("a1", "a1"), (" 7", 7)]
)
def test_ids_are_numbers_or_text(tmp_path, of_image, of_annotation):
    path = coco(
        tmp_path,
        images=[{"id": of_image, "file_name": "part.jpg"}],
        categories=[{"id": of_image, "name": "dent"}],
        annotation={"image_id": of_annotation, "category_id": of_annotation},
    )
    found, said = read_coco(path, TARGETS)
    assert found[1].mask.sum() == 6 and said == [] and found[1].labels[0].label == "dent"


def test_annotations_of_no_image_are_counted_and_leave_no_image_good(tmp_path):
    rows = [{"id": i, "image_id": 99, "segmentation": BOX} for i in range(8)]
    found, said = read_coco(coco(tmp_path, annotations=[*rows, None]), TARGETS)
    assert found == {}
    assert said == [
        "Left out, as they belong to no image that the file lists: annotation 0, annotation 1, "
        "annotation 2, annotation 3, annotation 4 and 4 more.",
        "No mask, as the annotations that belong to no image may be its: part.jpg.",
    ]


def test_an_image_without_annotations_is_good_and_that_is_said(tmp_path):
    found, said = read_coco(coco(tmp_path, annotations=[]), TARGETS)
    assert not found[1].mask.any()
    assert said == ["Without a defect, as it has no annotation: part.jpg."]


@pytest.mark.parametrize("outline", [[], None, {}, "absent"])
def test_a_box_without_an_outline_is_filled_and_named(tmp_path, outline):
    row = {"id": 5, "image_id": 7, "segmentation": outline, "bbox": [2, 1, 4, 3]}
    if outline == "absent":
        del row["segmentation"]
    found, said = read_coco(coco(tmp_path, annotations=[row]), TARGETS)
    assert found[1].mask.sum() == 12 == found[1].mask[1:4, 2:6].sum()
    assert said == ["The box was filled, as it has no outline: annotation 5 of part.jpg."]


BAD = [
    ({"segmentation": [[1, 1, 2, 2]]}, "three or more pairs"),
    ({"segmentation": [1, 1, 2, 2]}, "three or more pairs"),
    ({"segmentation": [[]]}, "three or more pairs"),
    ({"segmentation": [[1, 1, 2, 2, 3]]}, "three or more pairs"),
    ({"segmentation": [[1, 1, 2, 2, float("nan"), 3]]}, "finite numbers"),
    ({"segmentation": [[1, 1, 2, 2, 1e300, 3]]}, "finite numbers"),
    ({"segmentation": [["a"] * 6]}, "three or more pairs"),
    ({"segmentation": [[{}] * 6]}, "three or more pairs"),
    ({"segmentation": [None]}, "three or more pairs"),
    ({"segmentation": ["1,1,4,1,4,3"]}, "three or more pairs"),
    ({"segmentation": [[4, 4, 4, 4, 4, 4]]}, "marks no pixel"),
    ({"segmentation": [[40, 40, 50, 40, 50, 50]]}, "marks no pixel"),
    ({"segmentation": 5}, "neither polygons nor run lengths"),
    ({"segmentation": "x"}, "neither polygons nor run lengths"),
    ({"segmentation": {"size": [6, 8], "counts": [9]}}, "do not add up"),
    ({"segmentation": {"size": [6, 8], "counts": [48]}}, "marks no pixel"),
    ({"segmentation": {"size": [8, 6], "counts": [48]}}, "of 6 x 8 pixels, the image of 8 x 6"),
    ({"segmentation": {"size": [2**40, 2**40], "counts": [2**80]}}, "the image of 8 x 6"),
    ({"segmentation": {"size": [6, 8], "counts": "\u20ac"}}, "not compressed as COCO's"),
    ({"segmentation": {"size": [6, 8], "counts": {}}}, "not written as COCO's"),
    ({"segmentation": {"size": 3, "counts": [48]}}, "not written as COCO's"),
    ({"segmentation": {"counts": [48]}}, "lack their size"),
    ({"segmentation": []}, "neither an outline nor a box"),
    ({"segmentation": [], "bbox": [1, 2, 0, 3]}, "not x, y, width and height"),
    ({"segmentation": [], "bbox": [1, 2, 3]}, "not x, y, width and height"),
    ({"segmentation": [], "bbox": "1234"}, "not x, y, width and height"),
    ({"segmentation": [], "bbox": [90, 90, 3, 3]}, "marks no pixel"),
]


@pytest.mark.parametrize(("row", "sentence"), BAD)
def test_an_annotation_that_cannot_be_read_is_named_and_the_rest_is_kept(tmp_path, row, sentence):
    bad, good = {"id": 4, "image_id": 7} | row, {"id": 5, "image_id": 7, "segmentation": BOX}
    for order in ([bad, good], [good, bad]):
        found, (said,) = read_coco(coco(tmp_path, annotations=order), TARGETS)
        assert found[1].mask.sum() == 6 and sentence in said
        assert said.startswith("Left out, as ") and "annotation 4 of part.jpg" in said
        assert "\n" not in said and str(tmp_path) not in said
    found, (_, none) = read_coco(coco(tmp_path, annotations=[bad]), TARGETS)
    assert found == {}
    assert none == "No mask, as all its annotations were left out: part.jpg."


def test_of_several_parts_the_sound_ones_are_kept(tmp_path):
    row = {"id": 4, "image_id": 7, "segmentation": [[1, 1, 2, 2], BOX[0]]}
    found, (said,) = read_coco(coco(tmp_path, annotations=[row]), TARGETS)
    assert found[1].mask.sum() == 6
    assert said.startswith("A part was left out, as a polygon needs") and "annotation 4" in said


def test_a_polygon_that_is_not_in_a_list_of_its_own_is_drawn(tmp_path):
    found, said = read_coco(coco(tmp_path, annotation={"segmentation": BOX[0]}), TARGETS)
    assert found[1].mask.sum() == 6 and said == []


@pytest.mark.parametrize("lacking", ["categories", "images.width", "images.height", "category_id"])
def test_what_is_not_needed_may_lack(tmp_path, lacking):
    data = json.loads(coco(tmp_path).read_text())
    data["images"][0].pop(lacking.removeprefix("images."), None)
    data["annotations"][0].pop(lacking, None)
    data.pop(lacking, None)
    (tmp_path / "in.json").write_text(json.dumps(data))
    found, said = read_coco(tmp_path / "in.json", TARGETS)
    assert found[1].mask.sum() == 6 and said == []


def test_a_size_of_nothing_is_no_size(tmp_path):
    images = [{"id": 7, "file_name": "part.jpg", "width": 0, "height": 0}]
    found, said = read_coco(coco(tmp_path, images=images), TARGETS)
    assert found[1].mask.sum() == 6 and said == []


@pytest.mark.parametrize("categories", [None, 3, [None], [{"id": 1}], [{"name": "dent"}], {}])
def test_categories_that_say_nothing_give_no_label(tmp_path, categories):
    found, _ = read_coco(coco(tmp_path, categories=categories), TARGETS)
    assert found[1].mask.sum() == 6 and found[1].labels == ()


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        ({}, "no id or no file_name: image 1 of the list"),
        (None, "no id or no file_name: image 1 of the list"),
        ({"id": [], "file_name": "part.jpg"}, "no id or no file_name: image 1 of the list"),
        ({"id": 6, "file_name": None}, "no id or no file_name: image 1 of the list"),
        ({"id": 6, "file_name": "part 1.png", "width": 9**9}, "part 1.png was left out: it is of"),
        ({"id": 6, "file_name": "part 1.png", "height": "x"}, "your image of 8 x 6"),
        ({"id": 6, "file_name": "new\nline.jpg"}, "new\\\\nline.jpg was left out: no image has"),
    ],
)
def test_an_image_that_cannot_be_used_is_named_and_the_rest_is_kept(tmp_path, image, sentence):
    images = [image, {"id": 7, "file_name": "part.jpg", "width": 8, "height": 6}]
    found, (said,) = read_coco(coco(tmp_path, images=images), TARGETS)
    assert list(found) == [1] and sentence.replace("\\\\", "\\") in said and "\n" not in said


@pytest.mark.parametrize("other", [7, "7", 7.0])
def test_two_images_of_one_id_are_refused(tmp_path, other):
    images = [{"id": 7, "file_name": "part.jpg"}, {"id": other, "file_name": "part 1.png"}]
    with pytest.raises(MaskError, match=r"in\.json has two images of the id 7"):
        read_coco(coco(tmp_path, images=images), TARGETS)


def test_many_sentences_end_in_a_count(tmp_path):
    images = [{"id": i, "file_name": f"{i}.png"} for i in range(50)]
    _, said = read_coco(coco(tmp_path, images=images, annotation={"image_id": "?"}), TARGETS)
    assert len(said) == 21 and said[0].startswith("Left out, as they belong to no image")
    assert said[-1] == "31 more sentences of the kind."


numbers = st.integers(-9, 9) | st.floats() | st.text(max_size=3) | st.none()
values = st.recursive(numbers, lambda inner: st.lists(inner, max_size=7), max_leaves=12)
keys = st.sampled_from(["id", "image_id", "segmentation", "bbox", "category_id", "size", "counts"])


@given(st.lists(st.dictionaries(keys, values | st.dictionaries(keys, values))), values)
@settings(deadline=None)
def test_whatever_a_file_holds_it_is_taken_or_said(tmp_path_factory, rows, image):
    tmp_path = tmp_path_factory.mktemp("any")
    images = [{"id": image, "file_name": "part 1.png"}, {"id": "seven", "file_name": "part.jpg"}]
    try:
        found, said = read_coco(coco(tmp_path, images=images, annotations=rows), TARGETS)
    except MaskError:
        return
    empty = [index for index, one in found.items() if not one.mask.any()]
    told = [line for line in said if line.startswith("Without a defect, as it has no annotation")]
    assert all(TARGETS[index].name in " ".join(told) for index in empty)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[1" + b"0" * 5000 + b"]", "not JSON"),
        (b"[]", "not a COCO file"),
        (b'{"images": []}', "not a COCO file"),
        (b'{"images": 3, "annotations": []}', "not a COCO file"),
        (b'\xef\xbb\xbf{"annotations": {}, "images": []}', "not a COCO file"),
    ],
)
def test_a_file_that_is_no_coco_file_is_one_sentence(tmp_path, data, sentence):
    path = tmp_path / "in.json"
    path.write_bytes(data)
    with pytest.raises(MaskError, match=f"in.json is .*{sentence}"):
        read_coco(path, TARGETS)
    with pytest.raises(MaskError, match="gone.json cannot be read"):
        read_coco(tmp_path / "gone.json", TARGETS)


def test_a_file_of_too_many_regions_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr("ddad.data.coco.MAX_LAID_OUT", 48 * 3)
    row = {"image_id": 7, "category_id": 1, "segmentation": {"size": [6, 8], "counts": [0, 48]}}
    assert read_coco(coco(tmp_path, annotations=[row] * 3), TARGETS)
    with pytest.raises(MaskError, match="more regions than can be drawn"):
        read_coco(coco(tmp_path, annotations=[row] * 4), TARGETS)
    row["segmentation"] = [BOX[0]] * 30
    with pytest.raises(MaskError, match="more regions than can be drawn"):
        read_coco(coco(tmp_path, annotations=[row]), TARGETS)
    row["segmentation"] = {"size": [6, 8], "counts": [48]}  # nothing marked, but laid out
    with pytest.raises(MaskError, match="more regions than can be drawn"):
        read_coco(coco(tmp_path, annotations=[row] * 4), TARGETS)
