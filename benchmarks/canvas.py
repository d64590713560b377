"""How fluid the desk is: frame times of a stroke, the slider, the wheel, on a large image.

    python -m benchmarks.canvas [--width 4000 --height 3000]

Starts the page with a shipped model, uploads an enlarged example, and drives headless Chromium
with a real mouse and real keys, at the calibrated threshold and with every pixel marked. A frame is
the time from one animation frame to the next; work is the part of it that drawing takes; blocked
is the longest time that the page answered nothing (browsers count from 50 ms on). Prints one row
an action.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from playwright.sync_api import Page, Playwright, sync_playwright  # noqa: E402

from ddad import CHECKPOINTS  # noqa: E402
from demo.app import LAUNCH, build  # noqa: E402

WATCH = """() => {
  const desk = document.querySelector('#viewer .viewer').desk;
  desk.frames = []; desk.work = []; desk.blocked = []; desk.watching = true;
  const durations = entries => entries.map(each => each.duration);
  desk.blocks = new PerformanceObserver(
    list => desk.blocked.push(...durations(list.getEntries())));
  desk.blocks.observe({ type: 'longtask' });
  let last = performance.now();
  const next = (at) => {
    desk.frames.push(at - last); last = at;
    if (desk.watching) requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
}"""
STOP = """() => { const desk = document.querySelector('#viewer .viewer').desk;
  desk.watching = false; desk.blocked.push(...desk.blocks.takeRecords().map(e => e.duration));
  desk.blocks.disconnect(); return [desk.frames.slice(1), desk.work, desk.blocked]; }"""


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


@contextmanager
def watched(page: Page, action: str) -> Iterator[None]:
    """Print a row of what the page did meanwhile."""
    page.evaluate(WATCH)
    yield
    page.wait_for_timeout(600)  # what waits for a hand that rests
    frames, work, blocked = page.evaluate(STOP)
    row = [f"{np.median(frames):.0f}", f"{np.percentile(frames, 95):.0f}"]
    row += [f"{np.median(work):.1f}" if work else "-"]
    row += [f"{max(blocked):.0f}" if blocked else "under 50"]
    print(f"| {action} | {' | '.join(row)} |", flush=True)


def measure(page: Page, marked: str) -> None:
    """Each action in turn, for about two seconds."""
    stage = page.locator("#viewer .cursor")
    box = stage.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for size in (12, 100):
        stage.focus()
        page.keyboard.press("b")
        slider = page.locator("#viewer .brush-size")
        slider.evaluate("(e, v) => { e.value = v; e.dispatchEvent(new Event('input')); }", size)
        page.mouse.move(x - 200, y)
        with watched(page, f"{marked}: stroke, brush of {size} px"):
            page.mouse.down()
            for k in range(120):
                page.mouse.move(x - 200 + 3.3 * k, y + 90 * np.sin(k / 9))
            page.mouse.up()
    stage.focus()
    page.keyboard.press("w")
    page.mouse.move(x + 30, y + 30)
    with watched(page, f"{marked}: smart select, a press and a drag"):
        page.mouse.down()
        for k in range(30):
            page.mouse.move(x + 30 + 2 * k, y + 30)
        page.mouse.up()
    page.keyboard.press("v")
    drop_regions(page, marked, x, y)
    with watched(page, f"{marked}: zoom by the wheel"):
        page.mouse.move(x, y)
        for k in range(40):
            page.mouse.wheel(0, -60 if k < 25 else 60)
    with watched(page, f"{marked}: moving the image"):
        page.mouse.down()
        for k in range(60):
            page.mouse.move(x + 2 * k, y + k)
        page.mouse.up()
    for key, action in (("f", "fitting the image"), ("h", "heat on or off")):
        with watched(page, f"{marked}: {action}"):
            page.keyboard.press(key)
            page.wait_for_timeout(400)


def drop_regions(page: Page, marked: str, x: float, y: float) -> None:
    """A region dropped by a click, the click undone and done again; the same of a scale."""
    with watched(page, f"{marked}: click on a region"):
        page.mouse.click(x, y)
    for key, action in (
        ("Delete", "dropping the region"),
        ("Control+z", "undo"),
        ("Control+Shift+z", "redo"),
        ("Control+z", "undo again"),
        ("Control+z", "undo of a stroke"),
    ):
        with watched(page, f"{marked}: {action}"):
            page.keyboard.press(key)
            page.wait_for_timeout(200)
    for action in ("a map out of the mean", "and into it again"):
        with watched(page, f"{marked}: {action}"):
            page.locator("#viewer .strip .look").nth(1).evaluate("e => e.click()")
    with watched(page, f"{marked}: looking at a map"):
        page.locator("#viewer .strip .look").nth(1).hover()
    page.locator("#viewer .cursor").focus()
    for key, action in ((">", "growing the mask"), ("<", "shrinking it"), ("c", "closing holes")):
        with watched(page, f"{marked}: {action}"):
            page.keyboard.press(key)


def slide(page: Page) -> None:
    slider = page.locator("#viewer .threshold")
    slider.scroll_into_view_if_needed()
    span = slider.bounding_box()
    assert span is not None
    middle = span["y"] + span["height"] / 2
    page.mouse.move(span["x"] + span["width"] / 2, middle)
    with watched(page, "threshold slider"):
        page.mouse.down()
        for k in range(120):
            across = 0.5 + 0.4 * np.sin(k / 12)
            page.mouse.move(span["x"] + span["width"] * across, middle)
        page.mouse.up()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--width", type=int, default=4000)
    parser.add_argument("--height", type=int, default=3000)
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
            print("| action, times in ms | frame: median | 95 % | drawing: median | blocked |")
            print("|---|---|---|---|---|")
            slide(page)
            measure(page, "calibrated")
            number = page.locator("#viewer .threshold-number")
            number.fill("-1000")
            number.press("Enter")
            measure(page, "all marked")
        demo.close()


if __name__ == "__main__":
    main()
