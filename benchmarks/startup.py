"""How soon the page is there, what it holds in memory, and what its installation weighs.

python -m benchmarks.startup
"""

from __future__ import annotations

import importlib.metadata
import re
import tempfile
import time
from pathlib import Path

from gradio_client import Client, handle_file
from PIL import Image

from benchmarks.corpus import picture
from benchmarks.hostile import ROOT, served
from benchmarks.timing import memory
from ddad.model.checkpoint import CHECKPOINTS


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, started = Path(name), time.monotonic()
        with served(CHECKPOINTS, folder / "server") as (url, process, _):
            ready = time.monotonic() - started
            print(f"page ready after {ready:.1f} s (target < 6)")
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
