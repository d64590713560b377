"""The tour: from 20 photographs to an export, in a browser, recorded.

    python -m benchmarks.tour [--out docs/tour.webp]

Starts the app over an empty store and drives it in headless Chromium with mouse and keys: drop 20
photographs of a brick wall, learn from them, inspect one with a painted defect, look at the place
on good parts, correct, decide, export. Prints when each step was done. The recording leaves out
what does not move: the clock in its caption is the true one.
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from benchmarks.hostile import served
from ddad import CHECKPOINTS
from ddad.training.synthetic import brick_tree

WIDTH, HEIGHT, SHOWN = 1280, 800, 960
LONGEST = 900
"""No picture of the recording stands longer, ms, but the last."""
EVERY = 0.45
"""Seconds between two pictures while something is waited for."""
CAPTION = """text => {
  let bar = document.querySelector('#tour');
  if (!bar) {
    bar = document.body.appendChild(document.createElement('div'));
    bar.id = 'tour';
    bar.style.cssText = 'position:fixed;inset:auto auto 10px 50%;translate:-50% 0;' +
      'margin:0;border:0;' +
      'padding:6px 16px;border-radius:99px;background:#0f172aee;color:#fff;font:600 15px system-ui';
    bar.popover = 'manual';
  }
  bar.textContent = text;
  bar.showPopover?.();
}"""


class Recording:
    """Pictures of a page, with the time at which each was taken."""

    def __init__(self, page: Page) -> None:
        self._page, self._said = page, ""
        self._began = time.monotonic()
        self.frames: list[tuple[float, Image.Image]] = []

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def say(self, text: str) -> None:
        print(f"{self.seconds:5.1f} s  {text}", flush=True)
        self._said = text
        self.take()

    def take(self) -> None:
        clock = f"{int(self.seconds) // 60}:{int(self.seconds) % 60:02}"
        self._page.evaluate(CAPTION, f"{self._said} · {clock}")
        picture = Image.open(io.BytesIO(self._page.screenshot(type="jpeg", quality=90)))
        self.frames.append((self.seconds, picture.convert("RGB")))

    def until(self, expression: str, timeout: float = 150) -> None:
        """Record until the page says so."""
        end = time.monotonic() + timeout
        while not self._page.evaluate(expression):
            if time.monotonic() > end:
                raise TimeoutError(expression)
            self.take()
            time.sleep(EVERY)
        self.take()

    def save(self, path: Path) -> None:
        """An animated WebP; what is the same as before is told as longer, up to LONGEST."""
        height = round(SHOWN * HEIGHT / WIDTH)
        pictures, lengths = [], []
        ends = [at for at, _ in self.frames[1:]] + [self.frames[-1][0] + 2.5]
        for (at, picture), end in zip(self.frames, ends, strict=True):
            pictures.append(picture.resize((SHOWN, height), Image.Resampling.LANCZOS))
            lengths.append(round(min(1000 * (end - at), LONGEST)))
        lengths[-1] = 2500
        first, *rest = pictures
        first.save(
            path,
            save_all=True,
            append_images=rest,
            duration=lengths,
            loop=0,
            quality=62,
            method=4,
            minimize_size=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", type=Path, default=Path("docs/tour.webp"))
    args = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        served(CHECKPOINTS, Path(name) / "server") as (url, _, _),
        sync_playwright() as engine,
    ):
        wall = Path(name) / "wall"
        brick_tree(wall)
        browser = engine.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.set_default_timeout(60_000)
        page.goto(url)
        page.wait_for_selector("#tabs[data-ready] #viewer .viewer")
        page.wait_for_function("() => !document.querySelector('#loading p')")
        recording = Recording(page)
        tour(page, recording, wall)
        print(f"{recording.seconds:5.1f} s in all (target 180)")
        browser.close()
        recording.save(args.out)
    size = args.out.stat().st_size / 1e6
    print(f"wrote {args.out}: {len(recording.frames)} pictures, {size:.1f} MB")


def tour(page: Page, recording: Recording, wall: Path) -> None:
    good = sorted((wall / "train" / "good").glob("*.png"))[:20]
    broken = sorted(path for path in (wall / "test").glob("*/*.png") if path.parent.name != "good")
    recording.say("Drop 20 photographs of good parts")
    page.locator("#viewer .files-in").set_input_files(good)
    page.wait_for_selector("#viewer .asking[open]")
    recording.say("Judge them, or learn from them?")
    page.wait_for_timeout(900)
    page.locator("#viewer .ask-keep").check()
    recording.take()
    page.locator("#viewer .ask-learn").click()
    recording.say("It learns")
    recording.until(
        """() => { const now = document.querySelector('#viewer .viewer').desk.state();
        return now?.found && now.item && now.model.startsWith('part-'); }"""
    )
    recording.say("The new model judges. Drop a photograph")
    page.wait_for_timeout(900)
    page.locator("#viewer .files-in").set_input_files(broken[0])
    recording.until(
        f"""() => {{ const now = document.querySelector('#viewer .viewer').desk.state();
        return now?.found && now.item && now.name === '{broken[0].name}'; }}"""
    )
    recording.say("Where, how sure, and why")
    look(page, recording)
    correct(page, recording)
    page.keyboard.press("d")
    recording.say("Decide: D for defective")
    page.wait_for_timeout(900)
    with page.expect_download() as coming:
        page.locator("#viewer .take").click()
    recording.say(f"Take the mask with you: {coming.value.suggested_filename}")


def look(page: Page, recording: Recording) -> None:
    """Each map on the image, then the place on good parts."""
    for card in page.locator("#viewer .look[data-scale]").all():
        card.hover()
        page.wait_for_timeout(500)
        recording.take()
    page.mouse.move(2, 2)
    page.keyboard.press("n")
    recording.until("() => document.querySelectorAll('#viewer .like-row img').length > 1")
    recording.say("The place on good parts")
    page.wait_for_timeout(1200)
    page.keyboard.press("n")


def correct(page: Page, recording: Recording) -> None:
    """A class for the region and a stroke of the brush."""
    recording.say("Correct by brush, name the defect")
    page.locator("#viewer .add-class").fill("scratch")
    page.locator("#viewer .add-class").press("Enter")
    page.wait_for_selector("#viewer .class-chip")
    page.locator("#viewer .tool[data-tool=brush]").click()
    box = page.locator("#viewer .cursor").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * 0.55, box["y"] + box["height"] * 0.55
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 5):
        page.mouse.move(x + 14 * step, y + 6 * step, steps=3)
        recording.take()
    page.mouse.up()
    page.wait_for_timeout(600)
    recording.take()


if __name__ == "__main__":
    main()
