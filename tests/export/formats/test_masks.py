from __future__ import annotations

import io

import numpy as np
from hypothesis import example, given, settings
from PIL import Image
from reviewing import RING, masks, opened, reviewed

from ddad.export.formats.form import Entry, Whole
from ddad.export.formats.masks import Masks


@given(masks)
@example(RING)
@settings(deadline=None)
def test_a_mask_is_a_grey_picture_of_two_levels(mask):
    ((name, data),) = Masks(Whole()).add(Entry(reviewed(mask), [], "part"))
    again = opened(data)
    assert name == "masks/part.png"
    assert set(Image.open(io.BytesIO(data)).info) == {"ddad:image"}
    assert again.dtype == np.uint8 and np.array_equal(again, mask * 255)
