"""Curves and confusions as HTML."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from demo.shared.charts import confusion, curve


def drawn(figure):
    """The points of the line, x to the right and y up, in hundredths."""
    (path,) = re.findall(r"class='curve' d='M([^']*)'", figure)
    return np.array([pair.split() for pair in path.split(" L")], float) * (1, -1) + (0, 100)


def test_a_curve_is_drawn_up_to_its_limit_and_ends_there():
    line = np.array([(0, 0), (0.2, 0.5), (0.6, 0.9), (1, 1)])
    figure = curve(line, "a <b>", "AP 0.5", ("recall", "precision"))
    np.testing.assert_allclose(drawn(figure), 100 * line, atol=0.01)
    cut = drawn(curve(line, "a", "b", ("x", "y"), x_max=0.4))
    np.testing.assert_allclose(cut, [(0, 0), (50, 50), (100, 70)], atol=0.01)
    root = ElementTree.fromstring(figure)
    assert root.find("figcaption").text == "a <b>"
    assert root.find(".//svg").get("aria-label") == "a <b>: AP 0.5. precision against recall"


@pytest.mark.parametrize("chance", [True, False])
def test_the_diagonal_of_chance_is_drawn_where_it_means_something(chance):
    figure = curve(np.eye(2), "a", "b", ("x", "y"), chance=chance)
    assert ("class='chance'" in figure) == chance


def test_a_confusion_puts_each_count_in_its_place():
    names = ("true_positives", "false_negatives", "false_positives", "true_negatives")
    root = ElementTree.fromstring(confusion(dict(zip(names, (1, 2, 3, 4), strict=True)), 2.5))
    assert [cell.text for cell in root.iter("b")] == ["1", "2", "3", "4"]
    kinds = [e.get("class") for e in root.iter("span") if e.get("role") == "cell"]
    assert kinds == ["right", "wrong", "wrong", "right"]
    assert "2.50" in root.find("figcaption/small").text
