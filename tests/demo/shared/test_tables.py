"""Tables and figures as HTML: texts stay texts, unknown numbers a dash."""

from __future__ import annotations

from xml.etree import ElementTree

from demo.shared.tables import figures, number, table


def test_a_table_holds_its_texts_unchanged():
    cells = [["<b>", "a & b", "'\""], ["1", "2", "3"]]
    found = ElementTree.fromstring(table(["x", "<y>", "z"], cells, "a <table>"))
    assert [th.text for th in found.iter("th")] == ["x", "<y>", "z"]
    rows = found.findall(".//tbody/tr")
    assert [[td.text for td in row] for row in rows] == cells
    assert found.find(".//caption").text == "a <table>"


def test_numbers_have_three_decimals_or_are_unknown():
    assert [number(value) for value in (0.12345, 1, None)] == ["0.123", "1.000", "–"]
    found = ElementTree.fromstring(figures([("<AP>", 0.5), ("IoU", None)]))
    assert [each.text for each in found.iter("dt")] == ["<AP>", "IoU"]
    assert [each.text for each in found.iter("dd")] == ["0.500", "–"]
