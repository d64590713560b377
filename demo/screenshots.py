"""Take the pictures of the page for the documents.

    python -m demo.screenshots

Starts the app with the shipped models, picks examples in headless Chromium, writes docs/*.png.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from playwright.sync_api import sync_playwright  # noqa: E402

from demo.ui import LAUNCH, build  # noqa: E402

DOCS = Path(__file__).resolve().parent.parent / "docs"
SHOTS = (
    ("inspect", "brick", 1, 1280, "light"),
    ("inspect-dark", "cookie", 1, 1280, "dark"),
    ("inspect-400", "brick", 3, 400, "light"),
    ("inspect-400-dark", "cookie", 2, 400, "dark"),
    ("empty", "brick", None, 1280, "light"),
)
"""File, model, example, width in pixels, colour scheme."""


def main() -> None:
    demo = build()
    _, url, _ = demo.launch(**LAUNCH, prevent_thread_lock=True, quiet=True)
    DOCS.mkdir(exist_ok=True)
    with sync_playwright() as engine:
        browser = engine.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, model, example, width, scheme in SHOTS:
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            page.goto(url)
            page.wait_for_selector("#viewer .viewer")
            page.get_by_label("Model", exact=True).click()
            page.get_by_role("option", name=model).click()
            page.wait_for_timeout(1500)
            if example is not None:
                page.locator("#examples .thumbnail-item").nth(example).click()
                page.wait_for_selector(".viewer[data-state=full]", timeout=120_000)
                page.mouse.move(0, 0)
                page.wait_for_timeout(800)
            page.screenshot(path=DOCS / f"{name}.png", full_page=True)
            page.close()
        browser.close()
    demo.close()


if __name__ == "__main__":
    main()
