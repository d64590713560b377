"""How fluid the desk is: frame times of a stroke, the slider, the wheel, on a large image.

    python -m benchmarks.canvas [--width 2000 --height 1500]

Starts the page with a shipped model, uploads an enlarged example, and drives headless Chromium
with a real mouse and real keys. A frame is the time from one animation frame to the next while
the hand moves; work is the part of it that the page's own code takes. Prints one row an action.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from playwright.sync_api import Page, Playwright, sync_playwright  # noqa: E402

from demo.app import LAUNCH, build  # noqa: E402
from demo.shared.models import CHECKPOINTS  # noqa: E402

WATCH = """() => {
  const desk = document.querySelector('#viewer .viewer').desk;
  desk.frames = []; desk.work = []; desk.watching = true;
  let last = performance.now();
  const next = (at) => {
    desk.frames.push(at - last); last = at;
    if (desk.watching) requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
}"""
STOP = """() => { const desk = document.querySelector('#viewer .viewer').desk;
  desk.watching = false; return [desk.frames.slice(1), desk.work]; }"""


def visit(engine: Playwright, url: str, model: str) -> Page:
    """The desk in a headless Chromium, with that model chosen."""
    chromium = shutil.which("chromium")
    browser = engine.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(url)
    page.wait_for_selector("#tabs[data-ready] #viewer .viewer")
    page.get_by_label("Model", exact=True).click()
    page.get_by_role("option", name=model).click()
    return page


def report(page: Page, action: str) -> None:
    frames, work = page.evaluate(STOP)
    row = [f"{np.median(frames):.0f}", f"{np.percentile(frames, 95):.0f}", f"{max(frames):.0f}"]
    row += [f"{np.median(work):.1f}", f"{max(work):.1f}"] if work else ["-", "-"]
    print(f"| {action} | {' | '.join(row)} |", flush=True)


def measure(page: Page) -> None:
    """Each action in turn, for about two seconds."""
    stage = page.locator("#viewer .cursor")
    box = stage.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    print("| action, times in ms | frame: median | 95 % | largest | work: median | largest |")
    print("|---|---|---|---|---|---|")
    for size in (12, 100):
        page.keyboard.press("b")
        slider = page.locator("#viewer .brush-size")
        slider.evaluate("(e, v) => { e.value = v; e.dispatchEvent(new Event('input')); }", size)
        page.mouse.move(x - 200, y)
        page.evaluate(WATCH)
        page.mouse.down()
        for k in range(120):
            page.mouse.move(x - 200 + 3.3 * k, y + 90 * np.sin(k / 9))
        report(page, f"stroke, brush of {size} px")
        page.mouse.up()
        page.wait_for_timeout(800)
    slider = page.locator("#viewer .threshold")
    slider.scroll_into_view_if_needed()
    span = slider.bounding_box()
    assert span is not None
    page.mouse.move(span["x"] + span["width"] / 2, span["y"] + span["height"] / 2)
    page.evaluate(WATCH)
    page.mouse.down()
    for k in range(120):
        across = 0.5 + 0.4 * np.sin(k / 12)
        page.mouse.move(span["x"] + span["width"] * across, span["y"] + span["height"] / 2)
    report(page, "threshold slider")
    page.mouse.up()
    page.wait_for_timeout(1200)
    stage.scroll_into_view_if_needed()
    page.mouse.move(x, y)
    page.evaluate(WATCH)
    for k in range(40):
        page.mouse.wheel(0, -60 if k < 25 else 60)
    report(page, "zoom by the wheel")
    page.keyboard.press("v")
    page.evaluate(WATCH)
    page.mouse.down()
    for k in range(60):
        page.mouse.move(x + 2 * k, y + k)
    report(page, "moving the image")
    page.mouse.up()
    stage.focus()
    for key, action in (("Control+z", "undo of a stroke"), ("h", "heat on or off")):
        page.evaluate(WATCH)
        page.keyboard.press(key)
        page.wait_for_timeout(400)
        report(page, action)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--width", type=int, default=2000)
    parser.add_argument("--height", type=int, default=1500)
    parser.add_argument("--model", default="brick")
    size = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        example = sorted((CHECKPOINTS / size.model / "examples").glob("*.png"))[1]
        large = Path(folder, "large.png")
        Image.open(example).convert("RGB").resize((size.width, size.height)).save(large)
        demo = build(work=Path(folder, "work"))
        _, url, _ = demo.launch(**LAUNCH, prevent_thread_lock=True, quiet=True)
        with sync_playwright() as engine:
            page = visit(engine, url, size.model)
            page.locator("#upload input[type=file]").set_input_files(large)
            page.wait_for_selector(".viewer:is([data-verdict=good], [data-verdict=bad])", timeout=0)
            page.wait_for_timeout(1500)
            measure(page)
        demo.close()


if __name__ == "__main__":
    main()
