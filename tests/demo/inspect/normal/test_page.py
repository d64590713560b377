"""The panel that shows the normal version, in a real browser."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from visiting import pick

playwright = pytest.importorskip("playwright.sync_api")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def offered(page, index):
    pick(page, index)
    page.set_default_timeout(90_000)
    said = page.locator("#restoration-said")
    said.wait_for()
    return said


def test_the_normal_version_on_request_with_its_way_there(page):
    said = offered(page, 1)
    assert re.search(r"Takes \d+ to \d+ seconds", said.inner_text())
    page.locator("#restore").click()
    page.locator("#frame img").wait_for()
    page.wait_for_function(
        "() => document.querySelector('#restoration-said').innerText.startsWith('Done in')"
    )
    assert "the score is" in said.inner_text()
    page.locator("#restore-stop").wait_for(state="hidden")
    assert page.locator("#before-after img").count() == 2
    page.locator("#change img").wait_for()
    last = page.locator("#frame img").get_attribute("src")
    slider = page.locator("#step input[type=range]")
    assert int(slider.get_attribute("max")) >= 20
    slider.focus()
    slider.press("Home")
    page.wait_for_function(
        "last => document.querySelector('#frame img').getAttribute('src') !== last", arg=last
    )


def test_stop_keeps_what_was_reached_and_another_image_clears_it(page):
    said = offered(page, 1)
    for _ in range(5):  # a tiny model may be done before the click
        page.locator("#restore").click()
        with suppress(playwright.TimeoutError):
            said.get_by_text(re.compile(r"^Step [1-9]")).wait_for(timeout=5000)
            page.locator("#restore-stop").click(timeout=5000)
        page.locator("#restore-stop").wait_for(state="hidden")
        page.wait_for_function(
            "() => /^(Stopped|Done)/.test(document.querySelector('#restoration-said').innerText)"
        )
        if said.inner_text().startswith("Stopped after"):
            break
    steps = int(page.locator("#step input[type=range]").get_attribute("max"))
    assert f"Stopped after {steps} step" in said.inner_text()
    assert page.locator("#restore").is_enabled()
    page.locator("#restore-stop").wait_for(state="hidden")
    offered(page, 0)
    page.wait_for_function(
        "() => document.querySelector('#restoration-said').innerText.includes('normal version')"
    )
    assert page.locator("#frame").is_hidden()
    assert page.locator("#restore").is_hidden()
