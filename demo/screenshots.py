"""Take the pictures of the page for the documents.

    python -m demo.screenshots

Starts the app with the shipped models over an empty store, works in it in headless Chromium,
writes docs/*.png: desk and many images in both schemes and widths, then every other state;
with names, such as `many-dark`, those alone.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from PIL import Image  # noqa: E402
from playwright.sync_api import (  # noqa: E402
    Browser,
    FilePayload,
    Page,
    ViewportSize,
    sync_playwright,
)

from ddad import CHECKPOINTS  # noqa: E402
from demo.app import LAUNCH, build  # noqa: E402

Scheme = Literal["light", "dark"]
DOCS = Path(__file__).resolve().parent.parent / "docs"
SHOTS: tuple[tuple[str, str, tuple[int, ...], int, Scheme], ...] = (
    ("inspect", "brick", (0, 4, 1), 1280, "light"),
    ("inspect-dark", "cookie", (0, 2, 1), 1280, "dark"),
    ("inspect-400", "brick", (3,), 400, "light"),
    ("inspect-400-dark", "cookie", (2,), 400, "dark"),
    ("empty", "brick", (), 1280, "light"),
)
"""File, model, examples (the last one stays on the desk), width in pixels, colour scheme."""
MANY: tuple[tuple[str, str, int, Scheme], ...] = (
    ("many", "brick", 1280, "light"),
    ("many-dark", "cookie", 1280, "dark"),
    ("many-400", "brick", 400, "light"),
    ("many-400-dark", "cookie", 400, "dark"),
)
"""File, model, width in pixels, colour scheme."""


STATES = ("asking", "camera", "keys", "german", "grid", "train", "train-check")
"""States of the page that the others do not show, by the functions of their names."""


def main(wanted: Sequence[str] = ()) -> None:
    """Take the shots of those names, or all."""
    with tempfile.TemporaryDirectory() as work:
        demo = build(work=work)
        _, url, _ = demo.launch(**LAUNCH, prevent_thread_lock=True, quiet=True)
        DOCS.mkdir(exist_ok=True)
        with sync_playwright() as engine:
            film = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
            browser = engine.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", *film]
            )
            for name, model, examples, width, scheme in SHOTS:
                if wanted and name not in wanted:
                    continue
                page = visit(browser, url, model, width, scheme)
                for example in examples:
                    inspect(page, example)
                if len(examples) > 1:
                    correct(page)
                take(page, name)
            for name, model, width, scheme in MANY:
                if wanted and name not in wanted:
                    continue
                page = visit(browser, url, model, width, scheme)
                many(page, model)
                take(page, name)
            for name in STATES:
                if not wanted or name in wanted:
                    address = f"{url}?lang=de" if name == "german" else url
                    page = visit(browser, address, "brick", 1280, "light")
                    globals()[name.replace("-", "_")](page)
                    take(page, name, whole=False)
            browser.close()
        demo.close()


def visit(browser: Browser, url: str, model: str, width: int, scheme: Scheme) -> Page:
    """The page with a model chosen; a context of its own is a visitor of its own."""
    size: ViewportSize = {"width": width, "height": 900}
    page = browser.new_context(viewport=size, color_scheme=scheme).new_page()
    page.goto(url)
    page.wait_for_selector("#tabs[data-ready] #viewer .viewer")
    page.locator("#model input").click()
    page.get_by_role("option", name=model).click()
    page.wait_for_timeout(1500)
    return page


def take(page: Page, name: str, *, whole: bool = True) -> None:
    page.screenshot(path=DOCS / f"{name}.png", full_page=whole)
    shrink(DOCS / f"{name}.png")
    page.context.close()


def many(page: Page, model: str) -> None:
    """All examples with their masks and a torn file, scored and evaluated."""
    page.get_by_role("tab", name="Many images").click()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted((CHECKPOINTS / model / "examples").glob("*.png")):
            kind = path.stem.removesuffix("_mask").split("_", 1)[1]
            folder = "ground_truth" if path.stem.endswith("_mask") else "test"
            archive.write(path, f"{model}/{folder}/{kind}/{path.name}")
        archive.writestr(f"{model}/test/good/torn.png", b"no image")
    files: list[FilePayload] = [
        {"name": "set.zip", "mimeType": "application/zip", "buffer": packed.getvalue()}
    ]
    page.locator("#many-upload input[type=file]").set_input_files(files)
    page.wait_for_selector(".many .said:has-text('Done')", timeout=300_000)
    page.locator(".many tbody tr").last.scroll_into_view_if_needed()
    page.locator("#evaluate button").first.click()
    page.locator("#evaluate-now").click()
    page.wait_for_selector(".evaluation", timeout=120_000)
    page.mouse.move(0, 0)
    page.wait_for_timeout(1000)


def asking(page: Page) -> None:
    """What the desk asks of several photographs."""
    page.locator("#viewer .files-in").set_input_files(examples_of("brick"))
    page.wait_for_selector("#viewer .asking[open]")


def camera(page: Page) -> None:
    """A camera judged live: the browser's own test picture, which is no part."""
    page.locator("#viewer .camera-open:visible").click()
    page.wait_for_selector("#viewer .camera[data-verdict]", timeout=60_000)


def keys(page: Page) -> None:
    inspect(page, 1)
    page.keyboard.press("?")
    page.wait_for_timeout(400)


def german(page: Page) -> None:
    inspect(page, 1)


def grid(page: Page) -> None:
    """Examples with what is marked on them."""
    for example in (0, 1, 2, 3, 4):
        inspect(page, example)
    page.get_by_role("tab", name="Many images").click()
    page.locator("#many-table .view", has_text="Grid").click()
    page.wait_for_function("() => document.querySelectorAll('.many .marks[src]').length > 4")
    page.locator(".many .open").first.focus()
    page.wait_for_timeout(600)


def train(page: Page) -> None:
    page.get_by_role("tab", name="Train your own").click()
    files: list[FilePayload] = [  # under names that say nothing of defects
        {"name": f"part {k}.png", "mimeType": "image/png", "buffer": file.read_bytes()}
        for k, file in enumerate(examples_of("brick"), 1)
    ]
    page.locator("#train-upload input[type=file]").set_input_files(files)
    page.wait_for_selector("#train-kept strong")


def train_check(page: Page) -> None:
    """What is said against photographs, some of which have painted defects."""
    train(page)
    page.locator("#train-look").click()
    page.wait_for_selector("#train-findings .kept", timeout=120_000)
    page.wait_for_timeout(800)


def examples_of(model: str) -> list[Path]:
    files = (CHECKPOINTS / model / "examples").glob("*.png")
    return sorted(file for file in files if not file.stem.endswith("_mask"))


def inspect(page: Page, example: int) -> None:
    """Put an example on the desk and wait for all its maps."""
    page.locator("#viewer .example:visible").nth(example).click()
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
    page.locator("#viewer .more summary").click()
    page.locator("#viewer .reviewer").fill("Ada")
    page.locator("#viewer .label").first.fill("scratch")
    page.locator("#viewer .label").first.press("Tab")
    page.locator("#viewer .least").fill("12")
    page.locator("#viewer .least").press("Tab")
    page.locator("#viewer .more summary").click()
    page.locator("#viewer .tool[data-tool=brush]").click()
    box = page.locator("#viewer .cursor").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * 0.62, box["y"] + box["height"] * 0.7
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 25, steps=8)
    page.mouse.up()
    page.keyboard.press("d")
    page.mouse.move(0, 0)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(1200)


def shrink(path: Path) -> None:
    """256 colours: pictures for documents, at a third of the size."""
    Image.open(path).convert("RGB").quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(
        path, optimize=True
    )


if __name__ == "__main__":
    main(sys.argv[1:])
