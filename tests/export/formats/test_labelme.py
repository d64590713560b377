from __future__ import annotations

import base64
import io
import json

import numpy as np
from hypothesis import example, given, settings
from PIL import Image
from reviewing import RING, masks, reviewed

from ddad.export.formats.labelme import document
from ddad.export.reviewed import find_shapes


@given(masks)
@example(RING)
@settings(deadline=None)
def test_labelme_masks_read_back_are_the_mask(mask):
    record = reviewed(mask)
    data = json.loads(json.dumps(document(record, find_shapes(record), "../a.png")))
    again = np.zeros((data["imageHeight"], data["imageWidth"]), bool)
    for shape in data["shapes"]:  # as labelme.utils.shape does
        (x1, y1), (x2, y2) = np.asarray(shape["points"], int)
        part = np.array(Image.open(io.BytesIO(base64.b64decode(shape["mask"])))).astype(bool)
        assert shape["shape_type"] == "mask" and part.shape == (y2 - y1 + 1, x2 - x1 + 1)
        again[y1 : y2 + 1, x1 : x2 + 1] |= part
    assert np.array_equal(again, mask)
