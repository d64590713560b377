"""What a table holds, that it is whole, and that no cell runs."""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts import spoil, texture

from ddad.export.reviewed import Reviewed, find_shapes
from ddad.export.tables import (
    PICTURES,
    REGION_COLUMNS,
    amend_table,
    append_row,
    escape_cell,
    growing_table,
    path_cell,
    region_rows,
    review_row,
    score_columns,
    score_row,
    table,
    write_table,
)


@pytest.mark.parametrize(
    "cell", ["=1+1", "+cmd|' /C calc'!A0", "-2", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", "\n=1"]
)
def test_formulas_are_defused(cell):
    assert escape_cell(cell) == "'" + cell


@given(st.text(min_size=1).filter(lambda t: t.strip()[:1].isalnum() and t[0].isalnum()))
def test_plain_text_and_numbers_stay(text):
    assert escape_cell(text) == text
    assert escape_cell(-1.5) == -1.5
    assert escape_cell(True) is True
    assert escape_cell("") == ""


@pytest.mark.parametrize("path", ["-5.png", "@cam.png", "=1/a.png", " +1.png", "\ta.png"])
def test_a_relative_path_that_could_run_stays_a_path_to_the_same_file(path):
    assert path_cell(path) == f"./{path}" == escape_cell(f"./{path}")
    assert path_cell(f"/tmp/{path}") == f"/tmp/{path}"
    assert path_cell("a/b.png") == "a/b.png"


def read(path):
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.reader(file))


def test_a_growing_table_takes_its_name_when_it_is_complete(tmp_path):
    path = tmp_path / "new" / "t.csv"
    with growing_table(path, ["file", "error"]) as write:
        write({"file": "=a", "error": "x"})
        assert not path.exists()
        assert read(path.with_name("t.csv.partial")) == [["file", "error"], ["'=a", "x"]]
        write({"file": "b\udcff"})
    assert read(path) == [["file", "error"], ["'=a", "x"], ["b\\udcff", ""]]
    assert [p.name for p in path.parent.iterdir()] == ["t.csv"]


def test_a_table_that_was_cut_short_keeps_another_name(tmp_path):
    with (
        pytest.raises(RuntimeError),
        growing_table(tmp_path / "t.csv", ["file"]) as write,
    ):
        write({"file": "a"})
        raise RuntimeError
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv.partial"]


def test_a_whole_table_goes_on_line_by_line(tmp_path):
    path, rows = tmp_path / "t.csv", [{"a": 1, "b": None, "of another version": 3}]
    write_table(path, ["a", "b"], rows)
    assert path.read_bytes() == b"\xef\xbb\xbfa,b\r\n1,\r\n" == table(rows, ["a", "b"]).encode()
    append_row(path, ["a", "b"], {"b": "@x"})
    assert read(path) == [["a", "b"], ["1", ""], ["", "'@x"]]
    assert path.read_bytes().count(b"\xef\xbb\xbf") == 1
    assert pd.read_csv(path).columns.tolist() == ["a", "b"]
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]


def test_a_models_row_fills_the_columns_that_are_the_models(tiny_detector):
    (found,) = tiny_detector.detect([texture(np.random.default_rng(0))])
    columns, row = score_columns(tiny_detector.timesteps), score_row(found)
    of_the_file = {"file", "model", "seed", "seconds", "note", "error", *PICTURES}
    assert [name for name in columns if name not in of_the_file] == list(row)
    assert (row["height"], row["width"]) == (40, 48)
    assert row["area_fraction"] == found.mask().mean()


def test_rows_state_what_was_measured():
    image, mask = spoil(texture(np.random.default_rng(3)), np.random.default_rng(3))
    record = Reviewed("a.png", image, mask, mask.astype(np.float32), 1.0, 0.5, "defective")
    shapes = find_shapes(record)
    row = review_row(record, shapes, "a")
    assert (row["area"], row["regions"], row["labels"]) == (100, 1, "defect")
    (region,) = region_rows(record, shapes, "a")
    assert tuple(region) == REGION_COLUMNS
    y, x = np.argwhere(mask)[0]
    assert (region["x"], region["y"], region["width"], region["height"]) == (x, y, 10, 10)
    assert (region["centre_x"], region["centre_y"]) == (x + 4.5, y + 4.5)


def test_without_a_map_its_cells_are_empty():
    mask = np.zeros((10, 12), bool)
    mask[1:3, 1:4] = mask[6:9, 5:9] = True
    record = Reviewed("a", np.zeros((10, 12, 3), np.uint8), mask)
    shapes = find_shapes(record)
    assert [r["peak"] for r in region_rows(record, shapes, "a")] == [None, None]
    assert review_row(record, shapes, "a")["map_max"] is None


def test_rows_are_amended_in_their_places_and_the_others_stay_byte_for_byte(tmp_path):
    path, columns = tmp_path / "a.csv", ["file", "score", "error"]
    rows = [{"file": f"=a,{i}\n", "score": i / 3} for i in range(4)]
    write_table(path, columns, rows)
    before = path.read_bytes()
    amend_table(path, columns, {})
    assert path.read_bytes() == before
    amend_table(path, columns, {0: {"file": "b", "error": "x"}, 3: rows[1]})
    write_table(tmp_path / "b.csv", columns, [{"file": "b", "error": "x"}, *rows[1:3], rows[1]])
    assert path.read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_a_row_is_added_to_a_table_that_stands_alone(tmp_path):
    with pytest.raises(FileNotFoundError):
        append_row(tmp_path / "none.csv", ["a"], {"a": 1})
    assert not list(tmp_path.iterdir())


def test_a_table_that_cannot_take_its_name_says_where_it_is(tmp_path):
    (tmp_path / "a.csv").mkdir()
    with (
        pytest.raises(OSError, match="a.csv cannot be replaced .*: the table is .*a.csv.partial"),
        growing_table(tmp_path / "a.csv", ["a"]) as write,
    ):
        write({"a": 1})
    assert (tmp_path / "a.csv.partial").read_text("utf-8-sig").split() == ["a", "1"]
