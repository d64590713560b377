"""How soon after an upload's arrival the page shows its first map, and all of them.

    python -m benchmarks.first_map [--model cookie] [--side 256] [--times 12]

The real app in a process of its own, a headless Chromium beside it. An upload has arrived when
the browser has its answer; a map is there in the first animation frame that has it. What the
browser's own drawing takes is counted, on the same cores.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from benchmarks.canvas import visit
from benchmarks.hostile import served
from ddad import CHECKPOINTS

WATCH = """name => { window.seen = new Promise(done => {
  const desk = document.querySelector('#viewer .viewer').desk, before = desk.state()?.token;
  const at = { first: 0, maps: 0 };
  const next = () => {
    const now = desk.state();
    if (now && now.token !== before && now.name === name) {
      at.first ||= performance.now();
      at.maps = Math.max(at.maps, now.partial ? now.scales.length : 0);
      if (!now.partial) {
        const sent = performance.getEntriesByType('resource');
        const arrived = sent.filter(r => r.name.includes('/upload?')).at(-1).responseEnd;
        return done([at.first - arrived, performance.now() - arrived, at.maps]);
      }
    }
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next); }); }"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--model", default="cookie")
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--times", type=int, default=12)
    args = parser.parse_args()
    example = sorted((CHECKPOINTS / args.model / "examples").glob("*.png"))[1]
    rows = []
    with (
        tempfile.TemporaryDirectory() as name,
        served(CHECKPOINTS, Path(name) / "server") as (url, _, _),
        sync_playwright() as engine,
    ):
        page = visit(engine, url, args.model)
        page.wait_for_function(
            "() => !document.querySelector('#loading')?.textContent.includes('Loading')"
        )
        picture = Image.open(example).convert("RGB").resize((args.side, args.side))
        for turn in range(args.times + 2):  # the first two are for warming up
            file = Path(name) / f"upload {turn}.png"
            pixels = np.asarray(picture).copy()
            pixels[0, 0] = turn  # another image each time, or the page would know it
            Image.fromarray(pixels).save(file)
            page.evaluate("performance.clearResourceTimings()")
            page.evaluate(WATCH, file.name)
            page.locator("#upload input[type=file]").set_input_files(file)
            found = page.evaluate("() => window.seen")
            page.wait_for_timeout(1500)  # the upload field empties itself
            if turn >= 2:
                rows.append(found)
    first, every, _ = np.median(rows, 0)
    print(
        f"{args.model}, {args.side} x {args.side}, after the upload's arrival: first map "
        f"{first / 1e3:.2f} s (target 0.3), all {every / 1e3:.2f} s (target 1.5); slowest "
        f"{max(r[0] for r in rows) / 1e3:.2f} and {max(r[1] for r in rows) / 1e3:.2f} s; "
        f"partial maps seen: {min(r[2] for r in rows)} to {max(r[2] for r in rows)}"
    )


if __name__ == "__main__":
    main()
