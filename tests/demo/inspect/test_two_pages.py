"""One visitor, two pages; and a hand that is still drawing when the image changes."""

from __future__ import annotations

import numpy as np
from visiting import arrive, drawn, on_screen, pick, saved, set_threshold, settled, unfold, watched


def state(page, name):
    return page.evaluate(f"() => document.querySelector('#viewer .viewer').desk.state().{name}")


def move_threshold(page, value):
    box = page.locator("#viewer .threshold-number")
    box.fill(str(value))
    box.press("Enter")


def at(page, threshold):
    page.wait_for_function(
        "at => document.querySelector('#viewer .viewer').desk.state().threshold === at",
        arg=threshold,
    )


def test_the_later_of_two_pages_is_told_and_can_choose(page, site):
    pick(page, 1)
    set_threshold(page, 2.5)
    other = watched(page.context.new_page())
    arrive(other, site)
    settled(other, "2_square.png")
    set_threshold(page, 2.75)
    conflict = other.locator("#viewer .conflict")
    move_threshold(other, 3.5)  # of a state that is not the latest any more
    other.wait_for_selector("#viewer .saved.wrong:has-text('another page')")
    assert conflict.is_visible()
    other.locator("#viewer .take-theirs").click()
    at(other, 2.75)
    conflict.wait_for(state="hidden")
    set_threshold(page, 2.5)
    move_threshold(other, 3.5)
    other.wait_for_selector("#viewer .saved.wrong:has-text('another page')")
    move_threshold(other, 3.25)  # what is done before the choice is not sent, nor lost
    other.locator("#viewer .keep-mine").click()
    conflict.wait_for(state="hidden")
    saved(other)
    other.reload()
    settled(other, "2_square.png")
    at(other, 3.25)
    other.close()
    assert not other.errors


def test_a_stroke_stays_on_its_image_when_a_key_brings_the_next(page):
    pick(page, 0)
    pick(page, 1)
    set_threshold(page, 300)  # nothing is marked
    unfold(page)
    page.locator("#viewer .go-on").check()
    before = drawn(page).copy()
    page.keyboard.press("b")
    page.mouse.move(*on_screen(page, 8, 8))
    page.mouse.down()
    page.mouse.move(*on_screen(page, 20, 8), steps=4)
    page.keyboard.press("d")
    settled(page, "1_good part.png")
    untouched = drawn(page).copy()
    page.mouse.move(*on_screen(page, 30, 20), steps=4)  # the button is still down
    page.mouse.up()
    np.testing.assert_array_equal(drawn(page), untouched)
    saved(page)
    page.locator("#viewer .queued").first.click()
    settled(page, "2_square.png")
    added = drawn(page) & ~before
    assert added[8, 8:21].all() and not added[14:].any()
    assert state(page, "decision") == "defective"
