"""Many images without a browser: what comes in, what is kept of it, what the page is sent."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest
from parts import spoil, texture
from PIL import Image

from demo.batch.intake import keep
from demo.batch.view import listing
from demo.shared.intake import gather
from demo.store.store import Store


@pytest.fixture(scope="module")
def found(tiny_detector):
    image, _ = spoil(texture(np.random.default_rng(1)), np.random.default_rng(2))
    return image, tiny_detector.detect([image])[0]


def test_an_item_knows_the_extent_of_its_final_mask(tmp_path, found, tiny_detector):
    image, detection = found
    session = Store(tmp_path).open(None)
    item = session.add("part.png", image)
    assert (item.area, item.regions) == (None, None)
    item = session.record(item.id, detection, tiny_detector)
    assert item.area == detection.mask().sum() > 0 and item.regions >= 1
    drawn = np.zeros(image.shape[:2], bool)
    drawn[2:5, 2:6] = drawn[20:22, 30:31] = drawn[5, 6] = True  # the last one touches by a corner
    item = session.review(item.id, mask=drawn, threshold=1, decision="corrected")
    assert (item.area, item.regions) == (15, 2)
    item = session.record(item.id, detection, tiny_detector)  # what a person drew stays
    assert (item.area, item.regions) == (15, 2)
    item = session.review(item.id, mask=drawn, threshold=1, decision="rejected")
    assert (item.area, item.regions) == (0, 0)


@pytest.fixture
def session(tmp_path):
    return Store(tmp_path / "work").open(None)


def written(folder, name, pixels):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def parts(tmp_path):
    """A good and a spoilt part with its mask, as files in MVTec's layout."""
    rng = np.random.default_rng(4)
    image, mask = spoil(texture(rng), rng)
    root = tmp_path / "data"
    written(root, "set/test/good/0.png", texture(rng))
    written(root, "set/test/square/0.png", image)
    written(root, "set/ground_truth/square/0_mask.png", mask.astype(np.uint8) * 255)
    written(root, "set/train/good/0.png", texture(rng))
    return root, mask


def zipped(root, path):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(root.rglob("*")):
            archive.write(file, file.relative_to(root))
    return path


def taken(session, paths, into, **options):
    for each in gather(paths, into):
        keep(session, each, **options)
    return {item.name: item for item in session.items()}


def test_the_layout_of_mvtec_gives_truth_and_leaves_training_out(session, parts, tmp_path):
    root, mask = parts
    items = taken(session, [zipped(root, tmp_path / "set.zip")], tmp_path / "in")
    assert list(items) == ["set/test/good/0.png", "set/test/square/0.png"]
    good, bad = items.values()
    assert not session.truth(good.id).any()
    np.testing.assert_array_equal(session.truth(bad.id), mask)
    assert {item.state for item in items.values()} == {"waiting"}


def test_a_mask_beside_its_image_is_truth_or_a_draft(
    session, parts, tmp_path, found, tiny_detector
):
    root, mask = parts
    image = written(tmp_path, "part 1.jpg", found[0])
    beside = written(tmp_path, "part 1_mask.png", mask.astype(np.uint8))  # class numbers 0 and 1
    (item,) = taken(session, [beside, image], tmp_path / "in").values()
    np.testing.assert_array_equal(session.truth(item.id), mask)
    session.clear()
    (item,) = taken(session, [beside, image], tmp_path / "in", drafts_at=2.5).values()
    assert not item.has_truth and item.decision == "undecided" and item.review.edited
    np.testing.assert_array_equal(session.final_mask(item.id), mask)
    session.record(item.id, tiny_detector.detect([session.pixels(item.id)])[0], tiny_detector)
    np.testing.assert_array_equal(session.final_mask(item.id), mask)  # scoring leaves the draft


def test_masks_that_come_later_find_their_images(session, parts, tmp_path):
    _, mask = parts
    rng = np.random.default_rng(0)
    taken(session, [written(tmp_path, "a.png", texture(rng))], tmp_path / "in")
    later = written(tmp_path, "a_mask.png", mask.astype(np.uint8) * 255)
    (item,) = taken(session, [later], tmp_path / "in").values()
    np.testing.assert_array_equal(session.truth(item.id), mask)
    coco = tmp_path / "instances.json"
    square = {"image_id": 7, "category_id": 1, "iscrowd": 0, "bbox": [2, 3, 8, 5], "area": 40}
    square |= {"id": 1, "segmentation": [[2, 3, 10, 3, 10, 8, 2, 8]]}
    names = [{"id": 1, "name": "dent"}]
    image = {"id": 7, "file_name": "a.png", "height": 40, "width": 48}
    coco.write_text(json.dumps({"images": [image], "annotations": [square], "categories": names}))
    (item,) = taken(session, [coco], tmp_path / "in", drafts_at=1.0).values()
    assert session.final_mask(item.id).sum() == 40 and item.review.regions[0].label == "dent"


def test_what_cannot_be_used_is_a_row_with_its_sentence(session, parts, tmp_path):
    root, mask = parts
    torn = tmp_path / "torn.png"
    torn.write_bytes(b"\x89PNG\r\n\x1a\njunk")
    wrong = written(tmp_path, "b_mask.png", np.zeros((9, 9), np.uint8))
    orphan = written(tmp_path, "c_mask.png", np.zeros((9, 9), np.uint8))
    plain = tmp_path / "notes.json"
    plain.write_text("{}")
    image = written(tmp_path, "b.png", texture(np.random.default_rng(0)))
    written(root, "set/ground_truth/square/9_mask.png", np.zeros((9, 9), np.uint8))
    (root / "set" / "readme.txt").write_text("x")
    paths = [torn, wrong, orphan, plain, image, zipped(root, tmp_path / "set.zip")]
    items = taken(session, paths, tmp_path / "in")
    sentences = {name: item.error for name, item in items.items() if item.state == "failed"}
    assert sentences.keys() == {
        *("torn.png", "c_mask.png", "notes.json", "set/readme.txt"),
        "set/ground_truth/square/9_mask.png",
    }
    assert all(str(tmp_path) not in sentence for sentence in sentences.values())
    assert "no image is called like" in sentences["c_mask.png"]
    assert "9 x 9 pixels" in items["b.png"].note and str(tmp_path) not in items["b.png"].note
    rows = {row["name"]: row for row in listing(session)["rows"]}
    assert rows["torn.png"]["error"] == sentences["torn.png"]
