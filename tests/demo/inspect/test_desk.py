"""The desk as one screen: what is on it, where a photograph comes from, who judged it."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from parts import spoil, texture
from visiting import arrive, canvas, pick, png, reload, settled, text

playwright = pytest.importorskip("playwright.sync_api")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
ESSENTIAL = (
    *(".stage", ".headline", ".reason", ".threshold", ".threshold-number", ".strip .look"),
    *(".decide[data-decision=defective]", ".decide[data-decision=good]", ".queued", ".next"),
)
PLACES = """names => names.map(name => {
    const box = document.querySelector(`#viewer ${name}`).getBoundingClientRect();
    return [box.left, box.top, box.right, box.bottom]; })"""


def photograph(seed):
    rng = np.random.default_rng(seed)
    return spoil(texture(rng), rng)[0]


def give(page, how, files):
    """Drop or paste files on the desk, as the browser hands them over."""
    page.evaluate(
        """([how, files]) => {
        const carried = new DataTransfer();
        for (const [name, data] of files)
            carried.items.add(new File([Uint8Array.from(atob(data), c => c.charCodeAt(0))], name));
        const viewer = document.querySelector('#viewer .viewer');
        const event = how === 'drop'
            ? new DragEvent('drop', { dataTransfer: carried, bubbles: true, cancelable: true })
            : new ClipboardEvent('paste', { clipboardData: carried, bubbles: true });
        viewer.dispatchEvent(event); }""",
        [how, [(name, base64.b64encode(data).decode()) for name, data in files]],
    )


def test_what_a_decision_needs_is_on_one_screen(browser, site):
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    arrive(page, site)
    pick(page, 1)
    page.evaluate("scrollTo(0, 0)")
    for name, (left, top, right, bottom) in zip(
        ESSENTIAL, page.evaluate(PLACES, list(ESSENTIAL)), strict=True
    ):
        assert 0 <= left < right <= 1280 and 0 <= top < bottom <= 800, name
    ((left, top, right, bottom),) = page.evaluate(PLACES, [".stage"])
    assert (right - left) * (bottom - top) > 0.3 * 1280 * 800
    page.close()


def test_nothing_shifts_whatever_tool_map_or_decision(browser, site):
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    arrive(page, site)
    pick(page, 1)
    page.evaluate("scrollTo(0, 0)")
    watched = [".stage", ".strip", ".decisions", ".threshold", ".queue-list", ".bar"]
    before = page.evaluate(PLACES, watched)
    page.locator("#viewer .cursor").focus()
    for key in "bezkvhhddgs":
        page.keyboard.press(key)
        assert page.evaluate(PLACES, watched) == before, key
    page.locator("#viewer .strip .look").nth(1).hover()
    page.locator("#viewer .cursor").hover()
    assert page.evaluate(PLACES, watched) == before
    page.close()


def test_under_the_cursor_stand_the_score_and_its_parts(page):
    pick(page, 1)
    page.locator("#viewer .cursor").hover()
    page.wait_for_selector("#viewer .caption:has-text(' here · ')")
    at, parts = page.evaluate(
        """() => { const { desk } = document.querySelector('#viewer .viewer');
        const shares = [...document.querySelectorAll('#viewer .look[data-scale]')].slice(1)
            .map(e => Number(e.style.getPropertyValue('--share')));
        const now = desk.state(), said = document.querySelector('#viewer .caption').textContent;
        return [[parseFloat(said), Array.from(now.map)], shares]; }"""
    )
    assert any(abs(at[0] - value) < 0.006 for value in at[1])
    assert sum(parts) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("how", ["drop", "paste"])
def test_photographs_are_dropped_or_pasted_on_the_desk(page, how):
    files = [(f"{how}{k}.png", png(photograph(20 + k))) for k in range(3)]
    give(page, how, [*files, ("broken.png", b"no picture")])
    settled(page, f"{how}0.png")
    page.wait_for_function("() => document.querySelectorAll('#viewer .queued').length === 3")
    names = {each.get_attribute("title") for each in page.locator("#viewer .queued").all()}
    assert names == {name for name, _ in files}
    page.wait_for_selector("#problem .problem:has-text('broken.png')")
    assert state(page, "name") == f"{how}0.png"  # the others wait in the queue


def test_the_last_verdict_is_dimmed_while_the_next_one_is_awaited(page):
    pick(page, 1)
    assert page.locator("#viewer .viewer").get_attribute("aria-busy") is None
    seen = page.evaluate(
        """() => { document.querySelectorAll('#viewer .row .example')[0].click();
        const viewer = document.querySelector('#viewer .viewer');
        return [viewer.getAttribute('aria-busy'), getComputedStyle(
            viewer.querySelector('.verdict')).opacity]; }"""
    )
    assert seen == ["true", "0.5"]
    settled(page, "1_good part.png")
    page.wait_for_selector("#viewer .viewer:not([aria-busy])")
    give(page, "drop", [("broken.png", b"no picture")])
    page.wait_for_selector("#problem .problem")
    page.wait_for_selector("#viewer .viewer:not([aria-busy])")  # what was there is there again
    assert state(page, "name") == "1_good part.png"


def state(page, name):
    return page.evaluate(
        "name => document.querySelector('#viewer .viewer').desk.state()[name]", name
    )


def test_keys_are_shown_by_the_question_mark_and_act_again_after_it(page):
    pick(page, 1)
    page.locator("#viewer .cursor").focus()
    page.keyboard.press("?")
    page.wait_for_selector("#viewer .help[open]")
    page.keyboard.press("d")  # no decision through the box
    assert state(page, "decision") == "undecided"
    page.keyboard.press("Escape")
    page.wait_for_selector("#viewer .help[open]", state="detached")
    page.keyboard.press("d")
    assert state(page, "decision") == "defective"


def test_heat_is_seen_on_demand_and_the_choice_is_kept(page):
    pick(page, 1)
    plain = canvas(page)
    page.locator("#viewer .cursor").focus()
    page.keyboard.press("h")
    warm = canvas(page)
    assert warm != plain
    reload(page)
    page.wait_for_selector("#viewer .queued")
    settled(page, "2_square.png")
    assert canvas(page) == warm
    page.locator("#viewer .cursor").focus()
    page.keyboard.press("h")
    assert canvas(page) == plain


def test_the_format_chosen_last_is_the_one_that_is_exported(page):
    pick(page, 1)
    page.locator("#viewer .format").select_option("coco")
    reload(page)
    settled(page, "2_square.png")
    with page.expect_download() as started:
        page.locator("#viewer .take").click()
    assert started.value.suggested_filename == "2_square_coco.zip"


def test_the_normal_version_is_parted_from_the_photograph_by_a_line(page):
    pick(page, 1)
    button = page.locator("#viewer .as-good")
    button.click(timeout=90_000)
    page.wait_for_selector("#viewer .as-good:text('Photograph alone')", timeout=90_000)
    page.locator("#viewer .compare").focus()
    shown = {}
    for key, value in (("Home", 0), ("End", 100)):  # the photograph alone, the good part alone
        page.keyboard.press(key)
        assert float(page.locator("#viewer .compare").input_value()) == value
        shown[key] = canvas(page)
    assert shown["Home"][0] != shown["End"][0]
    assert text(page, ".status") == "○ undecided"  # nothing was drawn meanwhile
    button.click()
    page.wait_for_selector("#viewer .as-good:text('Show it as a good part')")
    assert page.locator("#viewer .compare").is_hidden()
