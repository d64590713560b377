from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from pycocotools import mask as coco
from pycocotools.coco import COCO
from reviewing import RING, content, masks, record, reviewed

from ddad.export.bundle import write_zip
from ddad.export.formats.coco import annotation
from ddad.export.reviewed import find_shapes
from ddad.images.outlines import iou

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
            assert row["iscrowd"] == isinstance(row["segmentation"], dict)
            assert row["iscrowd"] == (exact or shape.has_holes)
            assert iou(drawn, shape.placed(mask.shape)) == row["attributes"]["iou"] == 1
            again |= drawn
        assert np.array_equal(again, mask)


def packed(segmentation, height, width):
    found = coco.frPyObjects(segmentation, height, width)
    return found if isinstance(found, list) else [found]


@theirs
def test_a_simplified_coco_polygon_states_its_iou():
    y, x = np.mgrid[:120, :160]
    mask = ((x - 70) / 60) ** 2 + ((y - 55) / 40) ** 2 <= 1
    (shape,) = find_shapes(reviewed(mask))
    row = annotation(shape, mask.shape, exact=False)
    assert row["attributes"]["iou"] == pytest.approx(shape.iou, abs=1e-6) and shape.iou < 1
    drawn = coco.decode(packed(row["segmentation"], 120, 160)[0])
    # pycocotools rounds sloping edges in its own way: a few pixels of the outline
    assert iou(drawn.astype(bool), mask) == pytest.approx(shape.iou, abs=0.02)


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
            assert image["file_name"] in files
