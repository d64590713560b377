"""Take the pictures of the page for the documents.

    python -m demo.screenshots

Starts the app with the shipped models over an empty store, works at the desk in headless
Chromium, writes docs/*.png.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from PIL import Image  # noqa: E402
from playwright.sync_api import Page, sync_playwright  # noqa: E402

from demo.ui import LAUNCH, build  # noqa: E402

DOCS = Path(__file__).resolve().parent.parent / "docs"
SHOTS = (
    ("inspect", "brick", (0, 4, 1), 1280, "light"),
    ("inspect-dark", "cookie", (0, 2, 1), 1280, "dark"),
    ("inspect-400", "brick", (3,), 400, "light"),
    ("inspect-400-dark", "cookie", (2,), 400, "dark"),
    ("empty", "brick", (), 1280, "light"),
)
"""File, model, examples (the last one stays on the desk), width in pixels, colour scheme."""


def main() -> None:
    with tempfile.TemporaryDirectory() as work:
        demo = build(work=work)
        _, url, _ = demo.launch(**LAUNCH, prevent_thread_lock=True, quiet=True)
        DOCS.mkdir(exist_ok=True)
        with sync_playwright() as engine:
            browser = engine.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            for name, model, examples, width, scheme in SHOTS:
                # A context of its own is a visitor of its own.
                context = browser.new_context(
                    viewport={"width": width, "height": 900}, color_scheme=scheme
                )
                page = context.new_page()
                page.goto(url)
                page.wait_for_selector("#viewer .viewer")
                page.get_by_label("Model", exact=True).click()
                page.get_by_role("option", name=model).click()
                page.wait_for_timeout(1500)
                for example in examples:
                    inspect(page, example)
                if len(examples) > 1:
                    correct(page)
                page.screenshot(path=DOCS / f"{name}.png", full_page=True)
                if name != "inspect":  # the README's picture keeps every colour
                    shrink(DOCS / f"{name}.png")
                context.close()
            browser.close()
        demo.close()


def inspect(page: Page, example: int) -> None:
    """Put an example on the desk and wait for all its maps."""
    page.locator("#examples .thumbnail-item").nth(example).click()
    page.wait_for_function(
        """at => { const now = document.querySelector('#viewer .viewer').desk.state();
        return now?.item && now.name.startsWith(`${at + 1}_`); }""",
        arg=example,
        timeout=120_000,
    )
    page.mouse.move(0, 0)
    page.wait_for_timeout(800)


def correct(page: Page) -> None:
    """A name, a label and a stroke, so that the picture shows what the desk is for."""
    page.locator("#viewer .reviewer").fill("Ada")
    page.locator("#viewer .label").first.fill("scratch")
    page.locator("#viewer .label").first.press("Tab")
    page.locator("#viewer .least").fill("12")
    page.locator("#viewer .least").press("Tab")
    page.locator("#viewer .tool[data-tool=brush]").click()
    box = page.locator("#viewer .cursor").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * 0.62, box["y"] + box["height"] * 0.7
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 25, steps=8)
    page.mouse.up()
    page.wait_for_timeout(1200)


def shrink(path: Path) -> None:
    """256 colours: pictures for documents, at a third of the size."""
    Image.open(path).convert("RGB").quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(
        path, optimize=True
    )


if __name__ == "__main__":
    main()
