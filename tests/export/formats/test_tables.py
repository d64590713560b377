from __future__ import annotations

import csv
import io

from reviewing import content, good, record

from ddad.export.bundle import write_zip
from ddad.images.names import tag


def test_each_image_and_each_region_has_its_row(tmp_path):
    records = [record("a.png"), good("b.png"), record("=c.png", 2, label="@scratch")]
    write_zip(records, ["csv"], tmp_path / "t.zip")
    files = content(tmp_path / "t.zip")
    assert set(files) == {"scores.csv", "regions.csv", "run.json"}
    scores, regions = (
        list(csv.DictReader(io.StringIO(files[name].decode("utf-8-sig"), newline="")))
        for name in ("scores.csv", "regions.csv")
    )
    assert [row["file"] for row in scores] == ["a.png", "b.png", "'=c.png"]
    assert [row["anomalous"] for row in scores] == ["True", "False", "True"]
    assert [(row["stem"], row["label"]) for row in regions] == [
        ("a", "dent"),
        (f"c~{tag('=c.png')}", "'@scratch"),
    ]
    assert files["scores.csv"].count(b"\r\n") == 4
