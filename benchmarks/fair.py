"""How long another visitor's photograph waits beside a visitor who takes all that he can get.

    python -m benchmarks.fair [--seconds 40]

The greedy one asks, from one address, for 21 large photographs at once; has hundreds looked over
before a training; has a normal version drawn; trains; takes a mask of twelve megapixels six times
at once. Meanwhile another's photograph is scored again and again with the shipped model, and a new
visitor opens the page. Exit code 1 where either waited longer than the promise of five seconds.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from benchmarks.corpus import picture
from benchmarks.hostile import ROOT, served
from benchmarks.visit import Refused, Visit

MODELS = ROOT / "checkpoints"
LONGEST = 5.0
"""Seconds that another's photograph may wait."""


def many(url: str, made: Path, number: int) -> None:
    """One of 21 at once: a photograph of twelve megapixels."""
    visit = Visit(url, "10.8.0.1")
    visit.inspect(made / "large.png", "cookie")


def look(url: str, made: Path, number: int) -> None:
    visit = Visit(url, "10.8.0.1", timeout=600)
    visit.do("add", None, visit.upload(*sorted((made / "photographs").glob("*.png"))))
    visit.do("look", None, 0.05)


def normal(url: str, made: Path, number: int) -> None:
    visit = Visit(url, "10.8.0.1", timeout=600)
    item = visit.inspect(next(made.glob("bad.png")), "cookie")["item"]
    visit.do("on_desk", event={"item": item})
    visit.do("_run_in_turns", None, None, 400)


def train(url: str, made: Path, number: int) -> None:
    visit = Visit(url, "10.8.0.1", timeout=600)
    visit.do("add", None, visit.upload(*sorted((made / "photographs").glob("*.png"))[:60]))
    visit.do("start", None, "greedy", "both", 2, 0.05, 2, False)
    time.sleep(60)


def take(url: str, made: Path, number: int) -> None:
    """One of six at once: everything of an image of twelve megapixels."""
    visit = Visit(url, "10.8.0.1", timeout=600)
    item = visit.inspect(made / "large.png", "cookie")["item"]
    for _ in range(3):
        visit.ask("take", item=item, format="all")


GREED: dict[str, tuple[Callable[[str, Path, int], None], int]] = {
    "nothing": (lambda url, made, number: None, 1),
    "21 large photographs at once": (many, 21),
    "a look over 200 photographs": (look, 1),
    "two normal versions": (normal, 2),
    "a training": (train, 1),
    "six exports of 12 megapixels": (take, 6),
}


def beside(url: str, made: Path, seconds: float, act: Callable[..., None], count: int) -> list[str]:
    """Photographs' and pages' waits beside the greedy one; how he fared."""
    told: list[str] = []

    def one(number: int) -> None:
        try:
            act(url, made, number)
            told.append("done")
        except (Refused, httpx.HTTPError) as error:
            told.append("refused" if "too many" in str(error) else str(error)[:60])

    other = Visit(url, "10.8.0.2")
    other.inspect(made / "0.png", "cookie")
    threads = [threading.Thread(target=one, args=(n,), daemon=True) for n in range(count)]
    for thread in threads:
        thread.start()
    photographs, pages, number = [], [], 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        number += 1
        began = time.monotonic()
        other.inspect(made / f"{number % 200}.png", "cookie")
        photographs.append(time.monotonic() - began)
        began = time.monotonic()
        Visit(url, f"10.9.{number // 200}.{number % 200}").close()
        pages.append(time.monotonic() - began)
        with suppress(Refused):
            other.do("delete_everything", None)
    return [
        f"{np.median(photographs):.2f}",
        f"{max(photographs):.2f}",
        f"{max(pages):.2f}",
        ", ".join(f"{told.count(each)} {each}" for each in dict.fromkeys(told)) or "under way",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=40)
    args = parser.parse_args()
    late = False
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        (made / "photographs").mkdir()
        for seed in range(200):
            Image.fromarray(picture(seed, 480, 640)).save(made / f"{seed}.png", compress_level=1)
            file = made / "photographs" / f"{seed}.png"
            Image.fromarray(picture(seed, 960, 1280)).save(file, compress_level=1)
        Image.fromarray(picture(1, 3000, 4000)).save(made / "large.png", compress_level=1)
        bad = sorted((MODELS / "cookie" / "examples").glob("*.png"))[1]
        (made / "bad.png").write_bytes(bad.read_bytes())
        print("| beside | photograph, s | at most | new page, at most | the greedy one |")
        print("|---|---|---|---|---|")
        for greed, (act, count) in GREED.items():
            with served(MODELS, made / "server", DDAD_PROXY="*") as (url, process, _):
                Visit(url).inspect(made / "0.png", "cookie")  # the models are loaded
                run = partial(beside, url, made, args.seconds, act, count)
                found = run()
                peak = process.memory_info().rss / 2**20
                print(f"| {greed} | {' | '.join(found)} ({peak:.0f} MB) |", flush=True)
                late |= float(found[1]) > LONGEST or float(found[2]) > LONGEST
    sys.exit(late)


if __name__ == "__main__":
    main()
