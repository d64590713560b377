from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from pycocotools import mask as coco
from pycocotools.coco import COCO
from reviewing import RING, content, masks, record, reviewed
from scipy.ndimage import gaussian_filter

from ddad.export.bundle import write_zip
from ddad.export.formats.coco import annotation
from ddad.export.reviewed import find_shapes
from ddad.images.outlines import LEAST_IOU, iou

theirs = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@theirs
@given(masks)
@example(RING)
@settings(deadline=None)
def test_coco_read_by_pycocotools_is_the_mask_or_as_near_as_stated(mask):
    height, width = mask.shape
    shapes = find_shapes(reviewed(mask), tolerance=0)
    for exact in (True, False):
        again = np.zeros(mask.shape, bool)
        for shape in shapes:
            row = json.loads(json.dumps(annotation(shape, mask.shape, exact=exact)))
            drawn = coco.decode(coco.merge(packed(row["segmentation"], height, width))).astype(bool)
            assert row["area"] == shape.region.area and len(row["bbox"]) == 4
            assert row["iscrowd"] == 0 and isinstance(row["segmentation"], dict) == exact
            assert iou(drawn, shape.placed(mask.shape)) == row["attributes"]["iou"] == 1
            again |= drawn
        assert np.array_equal(again, mask)


def packed(segmentation, height, width):
    found = coco.frPyObjects(segmentation, height, width)
    return found if isinstance(found, list) else [found]


def drawn_masks():
    """Discs, rings, noise grown together, hair-thin lines, combs."""
    y, x = np.mgrid[:120, :160]
    rng = np.random.default_rng(0)
    for radius in (1.5, 4, 9.3, 40):
        yield f"disc {radius}", (x - 70.2) ** 2 + (y - 55.7) ** 2 <= radius**2
    distance = np.hypot(x - 80, y - 60)
    yield "ring", (distance < 50) & (distance > 30)
    yield "two holes", (distance < 50) & (np.abs(np.abs(x - 80) - 20) + np.abs(y - 60) > 9)
    for share in (0.9, 0.99, 0.999):
        yield f"grown {share}", gaussian_filter(rng.random((120, 160)), 3) > 0.5 + (1 - share) / 2
    yield "line", np.abs(y - 60 - 30 * np.sin(x / 9)) < 0.7
    yield "comb", ((x % 4 < 2) | (y > 100)) & (y > 20)
    yield "all", np.ones((120, 160), bool)


@theirs
@pytest.mark.parametrize(("name", "mask"), list(drawn_masks()), ids=lambda v: str(v)[:12])
def test_a_simplified_coco_polygon_states_its_iou(name, mask):
    for shape in find_shapes(reviewed(mask)):
        row = annotation(shape, mask.shape, exact=False)
        (packed_one,) = packed(row["segmentation"], *mask.shape)
        drawn = coco.decode(packed_one).astype(bool)
        stated = row["attributes"]["iou"]
        assert iou(drawn, shape.placed(mask.shape)) == pytest.approx(stated, abs=1e-6)
        assert stated >= LEAST_IOU and row["iscrowd"] == 0


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_pycocotools_reads_the_coco_files(tmp_path):
    ring = np.zeros((40, 48), bool)
    ring[4:20, 6:30] = True
    ring[8:12, 10:20] = False
    records = [record("a.png"), record("b.png", mask=ring)]
    write_zip(records, ["coco"], tmp_path / "c.zip")
    files = content(tmp_path / "c.zip")
    for name in ("coco/polygons.json", "coco/exact.json"):
        (tmp_path / "one.json").write_bytes(files[name])
        coco = COCO(tmp_path / "one.json")
        for image, r in zip(coco.loadImgs(coco.getImgIds()), records, strict=True):
            (annotation,) = coco.loadAnns(coco.getAnnIds(image["id"]))
            assert np.array_equal(coco.annToMask(annotation), r.mask)  # a square is its own hull
            assert image["file_name"] in files and annotation["iscrowd"] == 0
            assert image["name"] == r.name
            assert image["sha256"] == hashlib.sha256(r.pixels.tobytes()).hexdigest()
        assert "iscrowd 0" in coco.dataset["info"]["regions"]
