from __future__ import annotations

import json
from xml.etree import ElementTree

import numpy as np
from hypothesis import example, given, settings
from reference import decode_rle
from reviewing import RING, content, masks, record, reviewed

from ddad.export.bundle import write_zip
from ddad.export.formats.label_studio import task
from ddad.export.reviewed import find_shapes


@given(masks)
@example(RING)
@settings(deadline=None)
def test_label_studio_decodes_the_mask_of_each_label(mask):
    record = reviewed(mask, model="brick", fingerprint="ab12")
    shapes = find_shapes(record)
    made = json.loads(json.dumps(task(record, shapes, "images/part.png")))
    (prediction,) = made["predictions"]
    again = np.zeros(mask.shape, bool)
    for result in prediction["result"]:
        assert (result["original_height"], result["original_width"]) == mask.shape
        # as label_studio_sdk.converter.brush.decode_from_annotation does
        rgba = decode_rle(result["value"]["rle"]).reshape(*mask.shape, 4)
        again |= rgba[:, :, 3] == 255
    assert np.array_equal(again, mask)
    assert prediction["model_version"] == "brick ab12"


def test_label_studios_config_names_every_label_whatever_it_holds(tmp_path):
    labels = ['"><x', "a & b", "\0nul", "\u7834\u640d"]
    records = [record("a.png", i, label=label) for i, label in enumerate(labels)]
    write_zip(records, ["label-studio", "yolo"], tmp_path / "l.zip")
    files = content(tmp_path / "l.zip")
    found = ElementTree.fromstring(files["label-studio/config.xml"].decode()).iter("Label")
    assert [e.get("value") for e in found] == ['"><x', "a & b", "nul", "\u7834\u640d"]
    tasks = json.loads(files["label-studio/tasks.json"])
    assert [t["predictions"][0]["result"][0]["value"]["brushlabels"] for t in tasks] == [
        [label] for label in labels
    ]
