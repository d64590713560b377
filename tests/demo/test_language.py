"""The page in German, its numbers, and a page that is read from the right."""

from __future__ import annotations

import re

import pytest
from parts import ROOT
from visiting import arrive, pick, text

playwright = pytest.importorskip("playwright.sync_api")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
OURS = re.compile(
    r"[\w .-]+\.png\w*|[\d., ]+\s*[KM]B|stripes|COCO|labelme|Label Studio|coco|csv|masks|mvtec|maps"
    r"|yolo|report|label-studio|square|Datei hier ablegen|Hochladen|Laden|Herunterladen|good part"
    r"|Über API verwenden|\.png|Löschen|Stripes|A card\."
)
"""What no catalogue has a word for: names of files and formats, and what Gradio says in German."""


@pytest.fixture
def german(browser, site):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="de-DE")
    page = context.new_page()
    page.set_default_timeout(60_000)
    arrive(page, site)
    page.wait_for_function("() => window.ddadMissing")
    yield page
    context.close()


def test_nothing_stays_english(german):
    page = german
    assert page.locator("html").get_attribute("lang") == "de"
    assert page.get_by_role("tab", name="Prüfen").is_visible()
    pick(page, 1)
    assert text(page, ".headline") == "Sieht fehlerhaft aus"
    assert re.search(
        r"Der Wert \d+,\d\d liegt über der kalibrierten Schwelle", text(page, ".reason")
    )
    page.keyboard.press("?")
    page.wait_for_selector("#viewer .help[open]")
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    page.wait_for_selector("#viewer .status:has-text('fehlerhaft')")
    page.locator("#viewer .more summary").click()
    for tab, there in (("Viele Bilder", ".many"), ("Selbst trainieren", "#train-upload")):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_selector(f"{there}:visible")
        page.wait_for_timeout(500)
    missing = page.evaluate("() => window.ddadMissing()")
    assert [said for said in missing if not OURS.fullmatch(said.strip())] == []


def test_the_choice_of_a_language_is_kept_and_a_name_is_never_translated(german):
    page = german
    pick(page, 1)
    page.locator("#viewer .add-class").fill("Good")  # a class of the visitor's own
    page.locator("#viewer .add-class").press("Enter")
    page.wait_for_selector("#viewer .class-chip")
    assert text(page, ".class-chip .use-class span") == "Good"
    page.locator(".language").select_option("en")
    page.wait_for_selector("#tabs[data-ready] #viewer .viewer[data-state=full]")
    assert page.locator("html").get_attribute("lang") == "en"
    assert text(page, ".headline") == "Looks defective"
    assert re.search(r"its score of \d+,\d\d is", text(page, ".reason"))  # as the browser's reader
    page.locator(".language").select_option("de")
    page.wait_for_selector("#viewer .headline:has-text('Sieht fehlerhaft aus')")


def test_every_sentence_of_the_templates_is_in_the_catalogue():
    """What stands in the pages' own HTML, whichever state of it is seen."""
    catalogue = (ROOT / "demo/web/language/de.js").read_text()
    for file in ("canvas/desk.html", "table/table.html", "masks/masks.html"):
        html = re.sub(
            r"<!--.*?-->|<svg.*?</svg>", "", (ROOT / "demo/web" / file).read_text(), flags=re.S
        )
        said = re.findall(r'(?:title|aria-label|placeholder)="([^"]+)"', html)
        said += re.findall(r">([^<>]+)<", html)
        for sentence in {" ".join(each.split()) for each in said}:
            plain = sentence.replace("&gt;", ">").replace("&lt;", "<")
            if re.search(r"[A-Za-z]{3}", plain):
                whole = f'"{plain}":' in catalogue
                parts = re.split(r"(?<=[.?!]) (?=[A-Z\d])", plain)
                assert whole or all(f'"{part}":' in catalogue for part in parts), plain


@pytest.mark.parametrize("width", [400, 1280])
def test_from_the_right_nothing_lies_outside_and_the_canvas_is_drawn_on_where_one_points(
    browser, site, width
):
    page = browser.new_page(viewport={"width": width, "height": 850})
    page.set_default_timeout(60_000)
    arrive(page, site)
    page.evaluate(
        """() => { const root = document.documentElement; root.dir = 'rtl';
        root.style.setProperty('--ddad-direction', 'rtl'); }"""
    )
    pick(page, 1)
    across = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(across) <= 1
    if width == 1280:  # the palette stands at the right, the panel at the left
        places = [
            page.locator(f"#viewer {each}").bounding_box()["x"] for each in (".palette", ".panel")
        ]
        assert places[0] > places[1]
    page.keyboard.press("b")
    box = page.locator("#viewer .cursor").bounding_box()
    at = box["x"] + 0.4 * box["width"], box["y"] + 0.5 * box["height"]
    page.mouse.move(*at)
    page.mouse.down()
    page.mouse.up()
    page.wait_for_selector("#viewer .undo:enabled")
    under = page.evaluate(
        """([x, y]) => { const { desk } = document.querySelector('#viewer .viewer');
        const { view } = desk, now = desk.state();
        const box = document.querySelector('#viewer .cursor').getBoundingClientRect();
        const px = Math.floor(((x - box.left) * view.ratio - view.x) / view.scale);
        const py = Math.floor(((y - box.top) * view.ratio - view.y) / view.scale);
        return now.mask[py * now.width + px]; }""",
        arg=list(at),
    )
    assert under == 1
    page.close()
