"""A labeller's tools on the canvas, in a real browser with a real mouse and keys."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_fill_holes, label
from visiting import drawn, exported, on_screen, pick, reload, saved, set_threshold, settled, text

playwright = pytest.importorskip("playwright.sync_api")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
ROUND = np.ones((3, 3), bool)


def blank(page):
    """An example with nothing marked, the keys at the canvas."""
    pick(page, 1)
    set_threshold(page, 1000)
    page.locator("#viewer .cursor").focus()
    assert not drawn(page).any()


def click(page, x, y, **how):
    page.mouse.click(*on_screen(page, x, y), **how)


def box_of(mask):
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def corners(page, points):
    page.keyboard.press("l")
    for x, y in points:
        click(page, x, y)


def test_an_outline_of_corners_is_closed_by_enter_or_by_its_first_corner(page):
    blank(page)
    corners(page, [(10, 8), (30, 8), (30, 20), (10, 20)])
    assert not drawn(page).any()
    page.keyboard.press("Enter")
    mask = drawn(page)
    assert box_of(mask) == (10, 8, 30, 20) and mask.sum() == 240
    corners(page, [(12, 25), (20, 25), (20, 33), (12, 33), (12, 25)])
    assert box_of(drawn(page) & ~mask) == (12, 25, 20, 33)
    page.keyboard.press("Control+z")
    np.testing.assert_array_equal(drawn(page), mask)
    corners(page, [(2, 2), (6, 2), (6, 7), (40, 39)])
    page.keyboard.press("Backspace")  # the last corner
    page.keyboard.press("Enter")
    assert box_of(drawn(page) & ~mask) == (2, 2, 6, 6)
    corners(page, [(2, 2), (40, 2), (40, 30)])
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    assert drawn(page).sum() < 300


def test_an_outline_is_drawn_freely_and_cuts_with_alt(page):
    blank(page)
    page.keyboard.press("l")
    for keys, (left, top, right, bottom) in (("", (8, 8, 38, 30)), ("Alt", (16, 14, 24, 22))):
        if keys:
            page.keyboard.down(keys)
        page.mouse.move(*on_screen(page, left, top))
        page.mouse.down()
        for point in ((right, top), (right, bottom), (left, bottom), (left, top)):
            page.mouse.move(*on_screen(page, *point), steps=5)
        page.mouse.up()
        if keys:
            page.keyboard.up(keys)
    mask = drawn(page)
    assert box_of(mask) == (8, 8, 38, 30) and mask.sum() == 30 * 22 - 8 * 8
    page.keyboard.press("c")  # its hole
    np.testing.assert_array_equal(drawn(page), binary_fill_holes(mask))


def test_the_magnet_shrinks_an_outline_to_what_stands_out_of_the_map(page):
    blank(page)
    score = page.evaluate(
        "() => Array.from(document.querySelector('#viewer .viewer').desk.state().map)"
    )
    score = np.array(score).reshape(40, 48)
    page.keyboard.press("m")
    page.wait_for_selector("#viewer .toggle[data-option=magnet][aria-pressed=true]")
    corners(page, [(1, 1), (47, 1), (47, 39), (1, 39)])
    page.keyboard.press("Enter")
    mask, inside = drawn(page), np.zeros((40, 48), bool)
    inside[1:39, 1:47] = True
    assert 0 < mask.sum() < 0.7 * inside.sum()
    assert score[mask].min() > score[inside & ~mask].max()


def test_smart_select_grows_from_a_click_and_by_dragging(page):
    blank(page)
    page.keyboard.press("w")
    click(page, 24, 20)
    first = drawn(page)
    assert first[20, 24] and label(first)[1] == 1
    page.keyboard.press("Control+z")
    x, y = on_screen(page, 24, 20)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=4)
    page.mouse.up()
    grown = drawn(page)
    assert grown.sum() > first.sum() and not (first & ~grown).any()
    page.keyboard.down("Alt")  # takes away what it finds
    click(page, 24, 20)
    page.keyboard.up("Alt")
    assert not drawn(page)[20, 24]


def test_a_mask_is_grown_and_shrunk_a_region_at_a_time(page):
    blank(page)
    for points in ([(5, 5), (12, 5), (12, 12), (5, 12)], [(25, 20), (33, 20), (33, 30), (25, 30)]):
        corners(page, points)
        page.keyboard.press("Enter")
    mask = drawn(page)
    page.keyboard.press("v")
    click(page, 8, 8)
    page.keyboard.press(">")
    one = np.zeros_like(mask)
    one[5:12, 5:12] = True
    np.testing.assert_array_equal(drawn(page), mask | binary_dilation(one, ROUND))
    page.keyboard.press("Control+z")
    page.keyboard.press(">")  # none is chosen any more: all
    np.testing.assert_array_equal(drawn(page), binary_dilation(mask, ROUND))
    page.keyboard.press("<")
    np.testing.assert_array_equal(drawn(page), mask)


def test_alt_and_the_wheel_change_the_brush(page):
    blank(page)
    page.keyboard.press("b")
    sizes = [int(page.locator("#viewer .brush-size").input_value())]
    scale = page.evaluate("document.querySelector('#viewer .viewer').desk.view.scale")
    page.mouse.move(*on_screen(page, 24, 20))
    page.keyboard.down("Alt")
    for turn in (-120, -120, 120):
        page.mouse.wheel(0, turn)
        page.wait_for_timeout(50)
        sizes.append(int(page.locator("#viewer .brush-size").input_value()))
    page.keyboard.up("Alt")
    assert sizes[0] < sizes[1] < sizes[2] and sizes[3] < sizes[2]
    assert page.evaluate("document.querySelector('#viewer .viewer').desk.view.scale") == scale


def test_a_locked_image_is_not_changed_and_stays_locked(page):
    blank(page)
    page.keyboard.press("t")
    page.wait_for_selector("#viewer .status:has-text('locked')")
    saved(page)
    reload(page)
    settled(page, "2_square.png")
    page.locator("#viewer .cursor").focus()
    page.keyboard.press("b")
    click(page, 24, 20)
    page.wait_for_selector("#viewer .complaint:has-text('locked')")
    for key in (">", "c", "Delete"):
        page.keyboard.press(key)
    assert not drawn(page).any()
    page.keyboard.press("t")
    click(page, 24, 20)
    assert drawn(page).any()


def test_the_mask_of_the_image_before_is_copied(page):
    pick(page, 0)
    pick(page, 1)  # the louder one comes first in the queue
    set_threshold(page, 1000)
    corners(page, [(10, 8), (30, 8), (30, 20), (10, 20)])
    page.keyboard.press("Enter")
    saved(page)
    mask = drawn(page)
    page.locator("#viewer .copy-mask").click()
    page.wait_for_selector("#viewer .complaint:has-text('first image')")
    page.locator("#viewer .next").click()
    settled(page, "1_good part.png")
    page.locator("#viewer .copy-mask").click()
    page.wait_for_selector("#viewer .status:has-text('mask edited')")
    np.testing.assert_array_equal(drawn(page), mask)


def test_classes_have_numbers_that_label_the_region_and_are_exported(page):
    blank(page)
    for name in ("scratch", "dent"):
        page.locator("#viewer .add-class").fill(name)
        page.locator("#viewer .add-class").press("Enter")
        page.wait_for_selector(f"#viewer .use-class[data-name={name}]")
    page.locator("#viewer .cursor").focus()
    corners(page, [(10, 8), (30, 8), (30, 20), (10, 20)])
    page.keyboard.press("Enter")
    page.keyboard.press("2")  # the only region
    page.wait_for_function("() => document.querySelector('#viewer .label')?.value === 'dent'")
    saved(page)
    reload(page)
    settled(page, "2_square.png")
    assert page.locator("#viewer .label").input_value() == "dent"
    chips = page.locator("#viewer .use-class").all_inner_texts()
    assert [chip.split() for chip in chips] == [["scratch", "1"], ["dent", "2"]]
    page.locator("#viewer .cursor").focus()
    page.keyboard.press("2")  # the same again takes it away
    page.wait_for_function("() => document.querySelector('#viewer .label')?.value === ''")
    page.locator("#viewer .drop-class").first.click()
    page.wait_for_selector("#viewer .use-class[data-name=scratch]", state="detached")
    data, name = exported(page, "coco")
    assert name == "2_square_coco.zip" and data[:2] == b"PK"


def test_everything_that_is_set_is_undone_in_turn(page):
    pick(page, 1)
    page.locator("#viewer .cursor").focus()
    before = page.evaluate(STATE)
    set_threshold(page, 3.5)
    page.locator("#viewer .strip .look").nth(1).click()
    page.locator("#viewer .cursor").focus()
    page.keyboard.press("d")
    states = [page.evaluate(STATE)]
    for _ in range(3):
        page.keyboard.press("Control+z")
        states.append(page.evaluate(STATE))
    assert [s["decision"] for s in states] == ["defective", *["undecided"] * 3]
    assert [s["on"][0] for s in states] == [False, False, True, True]
    assert states[2]["threshold"] == 3.5 and states[3] == before
    assert text(page, ".status") == "○ undecided"
    for _ in range(3):
        page.keyboard.press("Control+Shift+z")
    assert page.evaluate(STATE) == states[0]


STATE = """() => { const now = document.querySelector('#viewer .viewer').desk.state();
    return { decision: now.decision, on: [...now.on], threshold: now.threshold,
        score: now.score, marked: now.mask.reduce((sum, v) => sum + v, 0) }; }"""
