"""The page in a real browser, and its endpoint through the real client."""

from __future__ import annotations

import csv
import io
import re

import gradio as gr
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import binary_fill_holes
from visiting import (
    arrive,
    canvas,
    drawn,
    exported,
    on_screen,
    pick,
    png,
    quiet,
    reload,
    saved,
    set_threshold,
    settled,
    text,
    unfold,
    upload,
    watched,
)

from ddad.images.regions import drop_small, find_regions
from demo.app import LAUNCH
from demo.inspect.layout import canvas as desk_canvas
from demo.inspect.view import desk_value
from demo.shared.pictures import photograph_url
from demo.store.store import Store

playwright = pytest.importorskip("playwright.sync_api")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def test_an_example_shows_verdict_maps_and_meaning(page, tiny_detector, examples):
    assert page.locator(".viewer .empty").is_visible()
    pick(page, 1)
    (found,) = tiny_detector.detect([examples[1]])
    assert text(page, ".headline") == "Looks defective"
    assert text(page, ".score") == f"{found.score:.2f}"
    assert text(page, ".size") == "48 × 40"
    cards = page.locator("#viewer .strip .look").all_inner_texts()
    assert cards[0].startswith("Mean")
    assert [re.findall(r"t = (\d+)", card)[0] for card in cards[1:]] == [
        str(t) for steps in tiny_detector.timesteps.values() for t in steps
    ]
    assert f"of the {tiny_detector.calibration.n} photographs of good parts" in text(
        page, ".meaning"
    )
    pick(page, 0)
    page.wait_for_function(
        "() => document.querySelector('#viewer .headline').textContent.includes('good part')"
    )


def test_the_canvas_marks_what_the_library_marks(page, tiny_detector, examples):
    pick(page, 1)
    (found,) = tiny_detector.detect([examples[1]])
    low, high = found.score_map.min(), found.score_map.max()
    for threshold in (found.threshold, float(low + 0.5 * (high - low)), 0.0):
        set_threshold(page, threshold)
        shown = float(page.locator("#viewer .threshold").input_value())
        expected = found.mask(shown).mean()
        area = text(page, ".area")
        share = 0.0005 if area == "< 0.1 %" else float(area.rstrip(" %")) / 100
        # The page rounds to 0.1 %, and its 16-bit map may move a pixel that lies at the threshold.
        assert share == pytest.approx(expected, abs=5.1e-4 + 1 / found.score_map.size)


def test_the_slider_moves_mask_and_numbers_without_the_server(page):
    pick(page, 1)
    quiet(page)
    before, area = canvas(page), text(page, ".area")
    # Saving, a quarter of a second after the slider rests, is the one call that may be under way:
    # how often the page had asked is read in the page, as the number moves.
    page.evaluate(
        """() => { const asks = window.fetch;
        window.asked = 0;
        window.fetch = (...given) => { window.asked++; return asks(...given); };
        new MutationObserver(() => { window.atFirst ??= window.asked; }).observe(
            document.querySelector('#viewer .area'), { childList: true, characterData: true }); }"""
    )
    page.locator("#viewer .threshold").focus()
    page.keyboard.press("Home")
    page.wait_for_function(
        f"() => document.querySelector('#viewer .area').textContent !== {area!r}"
    )
    assert page.evaluate("() => window.atFirst") == 0
    assert canvas(page) != before
    saved(page)
    assert page.evaluate("() => window.asked") > 0
    page.locator("#viewer .reset").click()
    page.wait_for_function(
        f"() => document.querySelector('#viewer .area').textContent === {area!r}"
    )
    assert canvas(page) == before


def test_a_scale_can_be_seen_on_the_image(page):
    pick(page, 1)
    before = canvas(page)
    second = page.locator("#viewer .strip .look").nth(2)
    second.hover()
    page.wait_for_selector("#viewer .caption:has-text('pixel KL, t = ')")
    assert canvas(page) != before
    assert state(page, "look") == 1 and second.get_attribute("aria-pressed") == "true"
    page.locator("#viewer .verdict").hover()  # the mean, as long as the pointer is there
    page.wait_for_selector("#viewer .caption:has-text('mean of all maps')")
    page.mouse.move(1, 1)
    page.wait_for_function("() => document.querySelector('#viewer .caption').textContent === ''")
    assert canvas(page) == before  # the photograph alone, with what is marked


def test_downloads_follow_the_threshold_and_are_exact(page, tiny_detector, examples):
    pick(page, 1)
    (found,) = tiny_detector.detect([examples[1]])
    for threshold in (found.threshold, round(found.score / 2, 3)):
        set_threshold(page, threshold)
        data, name = exported(page, "mask")
        mask = Image.open(io.BytesIO(data))
        assert (mask.mode, mask.size, name) == ("L", (48, 40), "2_square_mask.png")
        assert set(np.unique(mask)) <= {0, 255}
        shown = float(page.locator("#viewer .threshold").input_value())
        np.testing.assert_array_equal(np.asarray(mask) > 0, found.mask(shown))
        data, name = exported(page, "scores")
        (row,) = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
        assert name == "2_square_scores.csv"
        assert float(row["score"]) == pytest.approx(found.score, abs=1e-4)
        assert float(row["threshold"]) == pytest.approx(shown)
        assert float(row["area_fraction"]) == pytest.approx(found.mask(shown).mean())


def test_an_upload_of_sixteen_bits_is_scored_as_it_is(page):
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    upload(page, "ramp.png", png(ramp))
    page.wait_for_selector(".viewer[data-state=full]")
    page.wait_for_selector("#viewer .note:has-text('16-bit')")
    levels = page.evaluate(
        """() => { const now = document.querySelector('#viewer .viewer').desk.state();
        const c = new OffscreenCanvas(now.width, now.height), context = c.getContext('2d');
        context.drawImage(now.picture, 0, 0);
        return new Set(context.getImageData(0, 0, c.width, c.height).data).size; }"""
    )
    assert levels > 40  # a saturated ramp would have two or three


def test_a_broken_file_gets_a_sentence_and_loses_nothing(page):
    pick(page, 1)
    score = text(page, ".score")
    upload(page, "broken.png", b"\x89PNG\r\n\x1a\n" + b"junk" * 20)
    page.wait_for_selector("#problem .problem")
    sentence = page.locator("#problem").inner_text()
    assert "broken.png" in sentence
    assert "/" not in sentence.replace("broken.png", "")
    assert text(page, ".score") == score
    pick(page, 0)
    page.wait_for_selector("#problem .problem", state="detached")


def test_the_first_map_is_seen_before_the_last(page):
    """And nothing can be painted on an image whose maps still come."""
    page.evaluate(
        """() => { const viewer = document.querySelector('#viewer .viewer');
        const seen = window.seen = [];
        new MutationObserver(() => {
            const now = viewer.desk.state();
            if (now) seen.push([viewer.dataset.verdict, now.scales.length, now.item]);
        }).observe(viewer, { attributes: true, attributeFilter: ['data-verdict'] }); }"""
    )
    pick(page, 1)
    (verdict, first, item), *_, (_, last, _) = page.evaluate("window.seen")
    assert (verdict, item) == ("wait", None)
    assert first < last == 6  # two of features, four of pixels


def test_a_picture_is_loaded_once_for_all_the_messages_about_it(page):
    """Else the next message starts its loading anew, and the first map is not the first seen."""
    page.evaluate("""() => {
      window.loads = {};
      const source = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, 'src');
      Object.defineProperty(HTMLImageElement.prototype, 'src', { ...source, set(url) {
        if (url.startsWith('data:image/png')) window.loads[url] = (window.loads[url] ?? 0) + 1;
        source.set.call(this, url);
      } }); }""")
    pick(page, 1)
    assert list(page.evaluate("() => Object.values(window.loads)")) == [1]


def test_names_are_text_never_markup(page, examples):
    name = "<img src=x onerror=alert(1)>.png"
    upload(page, name, b"no image at all")
    page.wait_for_selector("#problem .problem")
    assert page.locator("#problem img").count() == 0
    upload(page, name, png(examples[0]))
    page.wait_for_selector(".viewer[data-state=full]")
    assert page.locator("#viewer img[src=x]").count() == 0


def test_two_visits_do_not_see_each_other(page, browser, site):
    pick(page, 1)
    score = text(page, ".score")
    other_context = browser.new_context()
    other = other_context.new_page()
    arrive(other, site)
    assert other.locator(".viewer .empty").is_visible()
    pick(other, 0)
    assert text(other, ".score") != score
    assert text(page, ".score") == score
    mine, _ = exported(page, "mask")
    theirs, _ = exported(other, "mask")
    other_context.close()
    assert mine != theirs


def still(page):
    """Wait until the canvas keeps its place: a chosen tool brings its row, a tap may scroll."""
    page.evaluate(
        """async () => { const canvas = document.querySelector('#viewer .cursor');
        for (let before = '', calm = 0; calm < 5; ) {
            await new Promise(requestAnimationFrame);
            const { x, y, width } = canvas.getBoundingClientRect(), now = `${x} ${y} ${width}`;
            calm = now === before ? calm + 1 : 0;
            before = now; } }"""
    )


def seen(page, left, top):
    """Which point of the image lies there in the window."""
    (x0, y0), (x1, y1) = on_screen(page, 0, 0), on_screen(page, 1, 1)
    return (left - x0) / (x1 - x0), (top - y0) / (y1 - y0)


def stroke(page, points, button="left"):
    """Draw through points of the image with the mouse held down."""
    (first, *rest) = [on_screen(page, *point) for point in points]
    page.mouse.move(*first)
    page.mouse.down(button=button)
    for point in rest:
        page.mouse.move(*point, steps=6)
    page.mouse.up(button=button)


def brush(page, key, size):
    page.locator("#viewer .cursor").focus()
    page.keyboard.press(key)
    page.locator("#viewer .brush-size").evaluate(
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input')); }", size
    )


def state(page, name):
    return page.evaluate(
        f"() => document.querySelector('#viewer .viewer').desk.state().{name} ?? null"
    )


def back(page, name):
    """Leave the page and come back to an image."""
    reload(page)
    settled(page, name)


def test_strokes_mark_and_clear_with_hard_edges_and_are_undone_one_by_one(page):
    pick(page, 0)
    before = drawn(page)
    brush(page, "b", 5)
    stroke(page, [(10.5, 30.5), (30.5, 30.5)])
    y, x = np.mgrid[:40, :48] + 0.5
    near = np.hypot(x - x.clip(10.5, 30.5), y - 30.5) <= 2.5
    marked = drawn(page)
    np.testing.assert_array_equal(marked, before | near)
    brush(page, "e", 3)
    stroke(page, [(20.5, 26.5), (20.5, 34.5)])
    cleared = drawn(page)
    assert not cleared[28:33, 20].any() and cleared[30, 12]
    stroke(page, [(20.5, 30.5)] * 2, button="right")  # the other way round
    assert drawn(page)[30, 20]
    page.locator("#viewer .cursor").focus()
    for key, expected in (
        ("Control+z", cleared),
        ("Control+z", marked),
        ("Control+z", before),
        ("Control+Shift+z", marked),
        ("Control+y", cleared),
    ):
        page.keyboard.press(key)
        np.testing.assert_array_equal(drawn(page), expected)
    assert text(page, ".status") == "○ undecided, mask edited"


def test_a_reload_shows_the_desk_as_it_was_left_and_the_file_is_what_was_drawn(page):
    pick(page, 1)
    set_threshold(page, 3.25)
    brush(page, "b", 7)
    stroke(page, [(5, 5), (40, 8)])
    unfold(page)
    page.locator("#viewer .reviewer").fill("Ada")
    page.locator("#viewer .label").first.fill("<i>dent</i>")
    page.locator("#viewer .label").first.press("Tab")
    page.locator("#viewer .strip .look").nth(1).click()
    page.wait_for_selector("#viewer .saved:has-text('Saved')")
    mask, table = drawn(page), text(page, ".table")
    assert page.locator("#viewer .uncalibrated").is_visible()
    data, _ = exported(page, "mask")
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))) > 0, mask)
    back(page, "2_square.png")
    np.testing.assert_array_equal(drawn(page), mask)
    assert text(page, ".table") == table
    assert state(page, "threshold") == 3.25
    assert page.locator("#viewer .label").first.input_value() == "<i>dent</i>"
    assert page.locator("#viewer .reviewer").input_value() == "Ada"
    assert page.locator("#viewer .strip .look").nth(1).get_attribute("aria-pressed") == "false"
    assert page.locator("#viewer .memory option").first.get_attribute("value") == "<i>dent</i>"


def test_the_average_without_a_scale_is_computed_in_the_browser(page, tiny_detector, examples):
    pick(page, 1)
    (found,) = tiny_detector.detect([examples[1]])
    whole = np.array(
        page.evaluate(
            "() => Array.from(document.querySelector('#viewer .viewer').desk.state().map)"
        )
    ).reshape(40, 48)
    np.testing.assert_allclose(whole, found.score_map, atol=2e-4)
    cards = page.locator("#viewer .strip .look")
    for place in range(2, cards.count()):
        cards.nth(place).click()
    cards.nth(1).click()
    page.wait_for_selector("#viewer .mention:has-text('One map has to stay')")
    pressed = [cards.nth(k).get_attribute("aria-pressed") for k in range(1, cards.count())]
    assert pressed == ["true", *["false"] * (len(pressed) - 1)]
    assert state(page, "score") == pytest.approx(float(found.scales[0].map.max()), rel=0.2)


def test_regions_and_table_are_linked(page, tiny_detector, examples):
    pick(page, 1)
    (found,) = tiny_detector.detect([examples[1]])
    expected = find_regions(found.score_map, found.mask())
    rows = page.locator("#viewer .rows tr")
    assert rows.count() == len(expected)
    for row, region in zip(rows.all(), expected, strict=True):
        cells = row.locator("td").all_inner_texts()
        assert cells[1].replace("\u202f", "").startswith(f"{region.area} px, ")
        assert cells[2] == ", ".join(map(str, region.bbox))
        assert cells[3] == f"{region.centroid[0]:.1f}, {region.centroid[1]:.1f}"
        assert (cells[4], cells[5]) == (f"{region.peak:.2f}", f"{region.mean:.2f}")
    row, column = np.argwhere(drawn(page))[0]
    page.mouse.click(*on_screen(page, column + 0.5, row + 0.5))
    assert page.locator("#viewer .rows tr[aria-current]").count() == 1
    before = drawn(page)
    page.keyboard.press("Delete")
    assert not drawn(page)[row, column]
    page.wait_for_selector("#viewer .rows tr.removed")
    page.keyboard.press("k")
    page.mouse.click(*on_screen(page, column + 0.5, row + 0.5))  # and back
    np.testing.assert_array_equal(drawn(page), before)
    page.keyboard.press("-")
    scale = page.evaluate("document.querySelector('#viewer .viewer').desk.view.scale")
    page.locator("#viewer .rows .show-region").first.click()
    assert page.evaluate("document.querySelector('#viewer .viewer').desk.view.scale") > scale


def test_zoom_keeps_the_point_under_the_cursor(page):
    pick(page, 1)
    where = (460, 526)  # whole pixels: a wheel event knows no others
    x, y = seen(page, *where)
    page.mouse.move(*where)
    for _ in range(4):
        page.mouse.wheel(0, -120)
    page.wait_for_function(
        "() => document.querySelector('#viewer .viewer').desk.view.fitted === false"
    )
    assert seen(page, *where) == pytest.approx((x, y), abs=1e-6)
    page.keyboard.down("Space")
    page.mouse.down()
    page.mouse.move(where[0] + 50, where[1] + 20)
    page.mouse.up()
    page.keyboard.up("Space")
    assert on_screen(page, x, y) == pytest.approx((where[0] + 50, where[1] + 20), abs=0.01)
    page.locator("#viewer .cursor").focus()
    page.keyboard.press("0")
    assert text(page, ".zoom-out") == "100 %"
    page.keyboard.press("f")
    assert page.evaluate("document.querySelector('#viewer .viewer').desk.view.fitted")


def test_what_is_ignored_does_not_count(page, tiny_detector, examples):
    pick(page, 1)
    (found,) = tiny_detector.detect([examples[1]])
    brush(page, "z", 4)
    page.keyboard.down("Shift")
    stroke(page, [(0.1, 0.1), (47.9, 24.9)])  # a box
    page.keyboard.up("Shift")
    saved(page)
    assert not drawn(page)[:25].any()
    outside = float(found.score_map[25:].max())
    assert state(page, "score") == pytest.approx(outside, abs=1e-3)
    assert text(page, ".headline").startswith("Looks d" if outside > found.threshold else "Looks l")
    data, _ = exported(page, "scores")
    (row,) = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
    assert float(row["score"]) == pytest.approx(outside, abs=1e-4)
    back(page, "2_square.png")
    assert not drawn(page)[:25].any()


def test_small_regions_and_holes(page, tiny_detector, examples):
    pick(page, 1)
    (found,) = tiny_detector.detect([examples[1]])
    threshold = float(np.quantile(found.score_map, 0.6))
    set_threshold(page, threshold)
    shown = float(page.locator("#viewer .threshold").input_value())
    unfold(page)
    page.locator("#viewer .least").fill("30")
    page.locator("#viewer .least").press("Tab")
    np.testing.assert_array_equal(drawn(page), drop_small(found.mask(shown), 30))
    page.locator("#viewer .fill").check()
    filled = binary_fill_holes(found.mask(shown))
    np.testing.assert_array_equal(drawn(page), drop_small(filled, 30))


def test_decisions_by_key_survive_a_reload_and_the_queue_is_walked(page):
    pick(page, 1)
    pick(page, 0)
    names = [node.get_attribute("title") for node in page.locator("#viewer .queued").all()]
    assert names == ["2_square.png", "1_good part.png"]  # the louder first
    page.locator("#viewer .cursor").focus()
    page.keyboard.press("g")
    page.wait_for_selector("#viewer .queued[aria-current] .chip:has-text('✓ good')")
    page.keyboard.press("ArrowLeft")
    settled(page, "2_square.png")
    page.keyboard.press("d")
    page.wait_for_selector("#viewer .queued[aria-current] .chip:has-text('✕ defective')")
    page.keyboard.press("ArrowRight")
    settled(page, "1_good part.png")
    page.keyboard.press("g")  # the same again takes it back
    page.wait_for_selector("#viewer .queued[aria-current] .chip:has-text('○ undecided')")
    page.keyboard.press("s")
    page.wait_for_selector("#viewer .queued[aria-current] .chip:has-text('➜ skipped')")
    assert "1 decided" in text(page, ".queue-count")
    reload(page)
    page.wait_for_selector("#viewer .queued")
    chips = page.locator("#viewer .chip").all_inner_texts()
    assert chips == ["✕ defective", "➜ skipped"]
    judged = [node.get_attribute("data-verdict") for node in page.locator(".queue-score").all()]
    assert judged == ["defective", "good"]  # what the model said stands by itself


def test_a_mask_made_elsewhere_is_corrected(page):
    pick(page, 1)
    mask = np.zeros((40, 48), np.uint8)
    mask[10:20, 5:25] = 255
    page.locator("#viewer .bring").set_input_files(
        {"name": "mask.png", "mimeType": "image/png", "buffer": png(mask)}
    )
    page.wait_for_selector("#viewer .status:has-text('mask edited')")
    np.testing.assert_array_equal(drawn(page), mask > 0)
    page.keyboard.press("Control+z")
    assert text(page, ".status") == "○ undecided"
    page.locator("#viewer .bring").set_input_files(
        {"name": "mask.png", "mimeType": "image/png", "buffer": png(mask[:9])}
    )
    page.wait_for_selector("#viewer .complaint:has-text('48 x 9')")


def test_a_link_restores_example_model_and_threshold(page, site):
    pick(page, 1)
    set_threshold(page, 2.75)
    unfold(page)
    link = page.locator("#viewer .link").input_value()
    assert link.startswith(site)
    page.context.clear_cookies()
    other = page.context.new_page()
    other.goto(link)
    settled(other, "2_square.png")
    assert state(other, "threshold") == 2.75
    for query in ("model=../stripes", "model=stripes&example=../x", "model=stripes&threshold=a"):
        other.goto(f"{site}/?{query}")
        other.wait_for_selector("#problem .problem")
    other.close()


def test_an_answer_that_comes_twice_does_not_undo_what_was_done_meanwhile(page):
    pick(page, 1)
    set_threshold(page, 2.75)
    again = """async known => {
        const { desk } = document.querySelector('#viewer .viewer'), now = desk.state();
        const opened = await desk.ask('open', { item: now.item });
        const answer = known ? now.answer : 'another';
        await desk.receive({ desk: { ...opened, review: null, answer } }); }"""
    page.evaluate(again, True)
    assert state(page, "threshold") == 2.75
    page.evaluate(again, False)  # a new answer without the review: this is what the first is not
    assert state(page, "threshold") != 2.75


def test_a_stroke_outlives_a_lost_connection(browser, site):
    page = watched(browser.new_page())
    arrive(page, site)
    pick(page, 0)
    page.route("**/component_server/**", lambda route: route.abort())
    brush(page, "b", 6)
    stroke(page, [(10, 10), (30, 10)])
    page.wait_for_selector("#viewer .saved.wrong:has-text('tried again')")
    mask = drawn(page)
    page.unroute("**/component_server/**")
    saved(page)
    back(page, "1_good part.png")
    np.testing.assert_array_equal(drawn(page), mask)
    page.close()


def test_a_made_up_session_sees_an_empty_desk_and_strangers_get_nothing(page, browser, site):
    pick(page, 1)
    item = state(page, "item")
    context = browser.new_context()
    other = context.new_page()
    arrive(other, site)
    other.evaluate("localStorage.setItem('ddad-session', 'made up')")
    context.add_cookies([{"name": "ddad", "value": "made up", "url": site}])
    other.reload()
    other.wait_for_selector("#tabs[data-ready]")
    pick(other, 0)
    assert other.locator("#viewer .queued").count() == 1
    for name in (item, "../" + item, "0" * 16, None):
        answer = other.evaluate(
            "item => document.querySelector('#viewer .viewer').desk.ask('open', { item })", name
        )
        assert list(answer) == ["error"]
    context.close()


def test_nothing_can_be_begun_before_the_visit_has_its_session(browser, site):
    """A greeting that came late would clear the desk of what another session had begun."""
    page = browser.new_page()
    held: list = []
    page.route("**/queue/join*", lambda route: held.append(route))
    page.goto(site)
    page.wait_for_selector("#viewer .viewer")
    page.wait_for_timeout(500)
    assert held, "the greeting is on its way"
    through = "e => getComputedStyle(e).pointerEvents"
    assert page.locator("#viewer .choose").first.evaluate(through) == "none"
    page.unroute("**/queue/join*")  # lets them go on
    page.wait_for_selector("#tabs[data-ready]")
    assert page.locator("#viewer .choose").first.evaluate(through) == "auto"
    pick(page, 0)
    page.close()


def test_a_finger_paints_and_two_fingers_zoom(browser, site):
    context = browser.new_context(viewport={"width": 400, "height": 800}, has_touch=True)
    page = context.new_page()
    arrive(page, site)
    pick(page, 0)
    before = drawn(page)
    page.locator("#viewer .tool[data-tool=brush]").tap()
    page.wait_for_selector("#viewer .tool[data-tool=brush][aria-pressed=true]")
    page.locator("#viewer .stage").scroll_into_view_if_needed()
    still(page)
    page.touchscreen.tap(*on_screen(page, 24.5, 20.5))
    page.wait_for_selector("#viewer .status:has-text('mask edited')")
    painted = drawn(page)
    assert painted[20, 24] and painted.sum() > before.sum()
    cdp = context.new_cdp_session(page)
    x, y = on_screen(page, 24, 20)
    scale = page.evaluate("document.querySelector('#viewer .viewer').desk.view.scale")
    for kind, apart in (("touchStart", 20), ("touchMove", 40), ("touchMove", 60)):
        points = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
        cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    cdp.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    grown = page.evaluate("document.querySelector('#viewer .viewer').desk.view.scale")
    assert grown == pytest.approx(3 * scale, rel=0.05)
    np.testing.assert_array_equal(drawn(page), painted)  # the first finger drew nothing
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_overflows(browser, site, width, scheme):
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, has_touch=width == 400
    )
    page = context.new_page()
    arrive(page, site)
    pick(page, 1)
    wide = page.evaluate(
        """() => [...document.querySelectorAll('#viewer *')]
        .filter(e => e.getBoundingClientRect().right > innerWidth + 1
            && !e.closest('svg, .table-scroll > *, .queue-list > *, .examples > *, .strip > *'))
        .map(e => e.className)"""
    )
    assert wide == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_the_keyboard_reaches_every_control(page):
    pick(page, 1)
    unfold(page)
    page.locator("#viewer .cursor").focus()
    reached = []
    for _ in range(64):
        reached.append(page.evaluate("document.activeElement.className.split(' ')[0]"))
        page.keyboard.press("Tab")
    wanted = ["cursor", "zoom-less", "fit", "tool", "look", "decide", "threshold"]
    wanted += ["threshold-number", "reset", "format", "take", "least", "fill", "reviewer", "next"]
    assert [name for name in dict.fromkeys(reached) if name in wanted] == wanted


def test_two_canvases_on_a_page_are_apart(browser, tiny_detector, examples, tmp_path):
    """Each has its own image, and the keys act on the one last touched."""
    store = Store(tmp_path)
    session = store.open(None)
    values = []
    for k, pixels in enumerate(examples[:2]):
        (found,) = tiny_detector.detect([pixels])
        item = session.add(f"{k}.png", pixels)
        item = session.record(item.id, found, tiny_detector)
        value = desk_value(session, item, photograph_url(pixels))
        values.append({"session": session.id, "desk": value})
    with gr.Blocks() as demo:
        for k, value in enumerate(values):
            desk_canvas(store, value, elem_id=f"desk{k}")
    look = {name: LAUNCH[name] for name in ("css_paths", "app_kwargs")}
    _, url, _ = demo.launch(**look, prevent_thread_lock=True)
    page = browser.new_page()
    page.goto(url)
    read = """k => { const viewer = document.querySelector(`#desk${k} .viewer`);
        const now = viewer?.desk?.state();
        return now?.found ? [now.name, now.decision] : null; }"""
    for k in (0, 1):
        page.wait_for_function(read, arg=k)
    page.locator("#desk1 .cursor").focus()
    page.keyboard.press("g")
    page.wait_for_selector("#desk1 .saved:has-text('Saved')")
    assert page.evaluate(read, 0) == ["0.png", "undecided"]
    assert page.evaluate(read, 1) == ["1.png", "good"]
    page.close()
    demo.close()
