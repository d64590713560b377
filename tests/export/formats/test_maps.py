from __future__ import annotations

import io

import numpy as np
import tifffile
from hypothesis import given, settings
from reviewing import masks, opened, reviewed

from ddad.export.formats.form import Entry, Whole
from ddad.export.formats.maps import Maps
from ddad.export.reviewed import Reviewed


@given(masks)
@settings(deadline=None)
def test_the_float_map_is_the_map_and_the_codes_are_it_by_the_tables_ends(mask):
    entry = Entry(reviewed(mask), [], "part")
    files = dict(Maps(Whole()).add(entry))
    score_map, row = entry.record.score_map, entry.row
    assert np.array_equal(tifffile.imread(io.BytesIO(files["maps/part.tiff"])), score_map)
    codes = opened(files["maps/part.png"])
    step = (row["map_max"] - row["map_min"]) / 65535
    values = row["map_min"] + step * codes.astype(float)
    assert codes.dtype == np.uint16
    assert np.abs(values - score_map).max() <= step / 2 + 1e-6


def test_an_image_without_a_map_has_no_file():
    record = Reviewed("a", np.zeros((10, 12, 3), np.uint8), np.zeros((10, 12), bool))
    assert not list(Maps(Whole()).add(Entry(record, [], "a")))
