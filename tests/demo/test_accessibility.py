"""What axe-core, which judges pages by WCAG's rules, finds on each tab: nothing."""

from __future__ import annotations

import os

import pytest
from parts import ROOT
from visiting import arrive, pick

playwright = pytest.importorskip("playwright.sync_api")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async () => (await axe.run(document, { resultTypes: ['violations'] })).violations.map(
    ({ id, nodes }) => [id, nodes.map(node => node.html.slice(0, 200))])"""


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser, site, scheme, width):
    if not AXE.exists():
        if os.environ.get("CI"):
            pytest.fail("no axe-core: run `npm ci`")
        pytest.skip("no axe-core: `npm ci` installs it")
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 850})
    arrive(page, site)
    page.evaluate(AXE.read_text())
    assert page.evaluate(RUN) == []  # the empty desk
    picture = (ROOT / "checkpoints" / "brick" / "examples" / "1_good.png").read_bytes()
    files = [{"name": f"{k}.png", "mimeType": "image/png", "buffer": picture} for k in range(5)]
    page.locator("#viewer .files-in").set_input_files(files)
    for dialog, how in ((".asking", None), (".camera", ".camera-open:visible")):
        if how:
            page.locator(f"#viewer {how}").click()
        page.wait_for_selector(f"#viewer {dialog}[open]")
        assert page.evaluate(RUN) == [], dialog
        page.keyboard.press("Escape")
        page.wait_for_selector(f"#viewer {dialog}", state="hidden")
    pick(page, 1)
    page.locator("#viewer .more summary").click()
    assert page.evaluate(RUN) == []
    for tab, there in (("Many images", ".many"), ("Train your own", "#train-upload")):
        if width == 400 and tab == "Train your own":
            page.get_by_role("button", name="More tabs").or_(
                page.locator("#tabs .overflow-menu button").first
            ).first.click()
        page.get_by_role("tab", name=tab).or_(page.get_by_text(tab, exact=True)).last.click()
        page.wait_for_selector(f"{there}:visible")
        page.wait_for_timeout(500)  # what fades in has its colours
        assert page.evaluate(RUN) == [], tab
    page.close()
