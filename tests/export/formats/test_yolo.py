from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from reviewing import RING, masks, reviewed

from ddad.export.formats.yolo import segments
from ddad.export.reviewed import find_shapes
from ddad.images.outlines import iou, rasterise


@given(masks)
@example(RING)
@settings(deadline=None)
def test_yolo_lines_read_back_are_the_filled_mask_or_as_near_as_stated(mask):
    height, width = mask.shape
    shapes = find_shapes(reviewed(mask))
    lines = segments(shapes, mask.shape, ["scratch", "defect"]).splitlines()
    for line, shape in zip(lines, shapes, strict=True):
        number, *values = line.split()
        ring = np.array(values, float).reshape(-1, 2)
        assert number == "1" and len(ring) >= 3 and ring.min() >= 0 and ring.max() <= 1
        drawn = rasterise([np.round(ring * [width, height], 3)], mask.shape)
        assert iou(drawn, shape.placed(mask.shape)) == shape.iou
