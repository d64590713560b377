"""Ways to the desk and on it: a folder, many photographs, a thumb, the Tab key, a screen reader."""

from __future__ import annotations

import re

import numpy as np
import pytest
from parts import texture
from visiting import arrive, pick, png, quiet, text, watched

playwright = pytest.importorskip("playwright.sync_api")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
SIZES = {"wide": (1280, 900), "phone": (400, 850)}


def pictures(folder, count):
    folder.mkdir()
    for k in range(count):
        (folder / f"part{k:02}.png").write_bytes(png(texture(np.random.default_rng(60 + k))))
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.mark.parametrize("size", SIZES)
def test_a_folder_is_judged_in_the_order_of_its_names(browser, site, tmp_path, size):
    width, height = SIZES[size]
    page = watched(browser.new_page(viewport={"width": width, "height": height}))
    page.set_default_timeout(90_000)
    arrive(page, site)
    with page.expect_file_chooser() as choosing:
        page.locator("#viewer .choose-folder:visible").first.click()
    choosing.value.set_files(pictures(tmp_path / "parts", 6))
    page.wait_for_selector("#viewer .asking[open]")
    assert text(page, ".asking-head") == "6 photographs"  # the text is none
    assert text(page, ".ask-judge") == "Judge them with stripes"
    page.keyboard.press("Enter")  # the first answer has the focus
    page.wait_for_function("() => document.querySelectorAll('#viewer .queued').length === 6")
    page.wait_for_function(
        "() => /^6 images/.test(document.querySelector('#viewer .queue-count').textContent)"
    )
    assert (
        page.evaluate("() => document.querySelector('#viewer .viewer').desk.state().name")
        == "part00.png"
    )
    page.wait_for_selector("#viewer .offer", state="hidden")
    # What is left over for the next turn is asked for; here nothing is.
    page.evaluate("() => document.querySelector('#viewer .viewer').desk.receive({ rest: true })")
    quiet(page)
    page.wait_for_selector("#cancel", state="hidden")
    assert page.locator("#problem .problem").count() == 0
    page.close()


def test_with_a_thumb_the_result_is_in_view_and_decided_on(browser, site):
    context = browser.new_context(
        viewport={"width": 400, "height": 850}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    arrive(page, site)
    page.locator("#viewer .example:visible").nth(1).scroll_into_view_if_needed()
    page.locator("#viewer .example:visible").nth(1).tap()
    page.wait_for_selector("#viewer .headline:has-text('Looks defective')")
    page.wait_for_timeout(500)
    for name in (".stage", ".headline", ".decide[data-decision=good]"):
        box = page.locator(f"#viewer {name}").bounding_box()
        assert box["y"] >= -1 and box["y"] + box["height"] <= 850, name
    for button in page.locator("#viewer .decide").all():
        assert button.bounding_box()["height"] >= 44
    page.locator("#viewer .decide[data-decision=defective]").tap()
    page.wait_for_selector("#viewer .status[data-decision=defective]")
    page.wait_for_selector("#viewer .saved:has-text('Saved')")
    context.close()


@pytest.mark.parametrize("size", SIZES)
def test_the_canvas_is_a_few_tabs_away_and_the_verdict_is_said(browser, site, size):
    width, height = SIZES[size]
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(60_000)
    arrive(page, site)
    said = page.locator("#viewer .verdict")
    assert (said.get_attribute("role"), said.get_attribute("aria-live")) == ("status", "polite")
    pick(page, 1)
    told = " ".join(said.inner_text().split())
    assert re.search(
        r"Looks defective 2_square.png: its score of [\d.]+ is above the calibrated", told
    )
    assert re.search(r"marks about [\d.]+ % of good parts", told)
    page.evaluate("() => { scrollTo(0, 0); document.activeElement.blur(); }")
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.matches('#viewer .cursor')"):
            break
    else:
        raise AssertionError("more than 8 Tabs to the canvas")
    label = page.locator("#viewer .cursor").get_attribute("aria-label")
    assert re.match(r"2_square.png: \d+ marked regions, [\d.]+ % of the image", label)
    page.close()
