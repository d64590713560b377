"""How soon the page is there, what it holds in memory, and what its installation weighs.

python -m benchmarks.startup
"""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from gradio_client import Client, handle_file
from PIL import Image
from playwright.sync_api import sync_playwright

from benchmarks.corpus import picture
from benchmarks.hostile import ROOT, served
from benchmarks.timing import memory
from ddad import CHECKPOINTS

SEEN = """() => {
  const sent = performance.getEntriesByType('resource');
  const [first] = performance.getEntriesByType('navigation');
  const paint = performance.getEntriesByName('first-contentful-paint')[0].startTime;
  const module = sent.find(each => each.name.includes('/web/'));
  const bytes = [first, ...sent].reduce((sum, each) => sum + each.transferSize, 0);
  return [paint, module.responseEnd, sent.length + 1, bytes]; }"""


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, started = Path(name), time.monotonic()
        with served(CHECKPOINTS, folder / "server") as (url, process, _):
            ready = time.monotonic() - started
            print(f"page ready after {ready:.1f} s (target < 6)")
            _first_visit(url)
            client = Client(url, verbose=False, download_files=False)
            for side in (256, 1024, 4096, 6000):
                file = folder / f"{side}.png"
                Image.fromarray(picture(0, 256, 256)).resize((side, side)).save(file)
                client.predict(handle_file(str(file)), "cookie", None, api_name="/score")
                held, most = memory(process.pid)
                print(f"{side} x {side} scored: {held:.0f} MB held, at most {most:.0f} so far")
            time.sleep(5)
            print(f"idle: {memory(process.pid)[0]:.0f} MB (targets: idle < 1000, at most 1500)")
    sizes = sorted(installed().items(), key=lambda item: -item[1])
    print(f"installed: {sum(size for _, size in sizes):.0f} MB")
    print(", ".join(f"{name} {size:.0f}" for name, size in sizes if size >= 5))


def _first_visit(url: str) -> None:
    """First paint, requests and bytes of a browser that was never here; the middle of five."""
    rows = []
    with sync_playwright() as engine:
        chromium = shutil.which("chromium")
        browser = engine.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(6):
            page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
            page.goto(url)
            page.wait_for_selector("#tabs[data-ready] #viewer .viewer")
            page.wait_for_timeout(1500)  # a heartbeat keeps the network busy
            rows.append(page.evaluate(SEEN))
            page.context.close()
        browser.close()
    paint, desk, requests, size = np.median(rows[1:], 0)  # the first one warms the server up
    print(
        f"first visit: painted after {paint / 1e3:.2f} s, desk ready after {desk / 1e3:.2f} s, "
        f"{requests:.0f} requests, {size / 1e6:.2f} MB (before the desk was one screen: .42 s, "
        "122 requests, .89 MB)"
    )


def installed() -> dict[str, float]:
    """MB of every distribution that requirements.txt brings, itself or through another."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    wanted = [re.split(r"[<>=\[;]", line)[0] for line in lines if line and line[0] != "#"]
    sizes: dict[str, float] = {}
    while wanted:
        name = re.sub(r"[-_.]+", "-", wanted.pop()).lower()
        if name in sizes:
            continue
        try:
            found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # of another platform
        sizes[name] = sum(f.size or 0 for f in found.files or ()) / 1e6
        needs = (r for r in found.requires or () if "extra ==" not in r)
        wanted += [re.split(r"[^\w.-]", need)[0] for need in needs]
    return sizes


if __name__ == "__main__":
    main()
