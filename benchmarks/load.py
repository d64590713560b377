"""Many clients at once against the real app: every answer is compared with the offline one.

    python -m benchmarks.load [--clients 50] [--minutes 5]

Each client scores images, asks for masks at thresholds of its own, and now and then sends a
damaged file. Exit code 1 for a wrong answer, an answer to another's request, an unclean end, or
memory that grows.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from gradio_client import Client, handle_file
from PIL import Image

from benchmarks.corpus import picture
from benchmarks.hostile import model, served
from ddad.detector import Detector
from ddad.images import load_image

FULL = ("queue is full", "too busy", "queue full")
"""What the answer to one request too many says."""


class Tally:
    """What all clients saw; one lock for all."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.took: dict[str, list[float]] = {}
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []

    def add(self, kind: str, seconds: float) -> None:
        with self.lock:
            self.took.setdefault(kind, []).append(seconds)

    def note(self, what: str) -> None:
        with self.lock:
            self.counts[what] += 1

    def fail(self, what: str) -> None:
        with self.lock:
            self.wrong.append(what)


def visit(
    url: str, number: int, until: float, offline: dict[Path, Any], bad: Path, tally: Tally
) -> None:
    """One client until the time is up."""
    rng = random.Random(number)
    try:
        client = Client(url, verbose=False, download_files=False)
    except Exception as error:
        tally.fail(f"client {number} could not connect: {error!r:.200}")
        return
    while time.monotonic() < until:
        kind = rng.choices(("score", "mask", "bad"), (5, 4, 1))[0]
        file = rng.choice(list(offline))
        found = offline[file]
        threshold = round(rng.uniform(float(found.score_map.min()), found.score), 3)
        started = time.monotonic()
        try:
            if kind == "score":
                got = client.predict(handle_file(str(file)), "waves", threshold, api_name="/score")
                expected = float(found.mask(threshold).mean())
                if abs(got["score"] - found.score) > 1e-5 * abs(found.score):
                    tally.fail(f"{file.name} scored {got['score']}, offline {found.score}")
                if abs(got["area_fraction"] - expected) > 2 / found.score_map.size:
                    tally.fail(f"{file.name} at {threshold}: marked {got['area_fraction']}")
            elif kind == "mask":
                got = client.predict(handle_file(str(file)), "waves", threshold, api_name="/mask")
                mask = _fetched(client, got) > 127
                if (mask != found.mask(threshold)).sum() > 2:
                    tally.fail(f"{file.name} at {threshold}: another mask")
            else:
                client.predict(handle_file(str(bad)), "waves", None, api_name="/score")
                tally.fail("a damaged file was scored")
            tally.add(kind, time.monotonic() - started)
        except Exception as error:
            _judge(kind, str(error), started, tally)
            time.sleep(rng.uniform(0.2, 1))


def _fetched(client: Client, got: Any) -> np.ndarray:
    """The picture of an answer."""
    import httpx

    answer = httpx.get(got["url"], headers=client.headers, timeout=30)
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        Path(file.name).write_bytes(answer.content)
        return np.asarray(Image.open(file.name).convert("L"))


def _judge(kind: str, text: str, started: float, tally: Tally) -> None:
    if any(words in text.lower() for words in FULL):
        tally.note("told that the queue is full")
    elif kind == "bad" and "\n" not in text and ("not an image" in text or "damaged" in text):
        tally.note("bad file refused in one sentence")
        tally.add(kind, time.monotonic() - started)
    else:
        tally.fail(f"{kind}: {text[:300]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--out", type=Path, default=Path("runs/hostile"))
    args = parser.parse_args()
    whole, tally = model(args.out.resolve()), Tally()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        detector, offline = Detector.load(whole), {}
        for seed in range(12):
            file = folder / f"{seed}.png"
            Image.fromarray(picture(seed, 48 + 8 * (seed % 3), 64)).save(file)
            (offline[file],) = detector.detect([load_image(file).pixels])
        bad = folder / "bad.png"
        bad.write_bytes((folder / "0.png").read_bytes()[:200])
        with served(whole.parent, folder / "server") as (url, process, log):
            until = time.monotonic() + 60 * args.minutes
            clients = [
                threading.Thread(target=visit, args=(url, i, until, offline, bad, tally))
                for i in range(args.clients)
            ]
            for client in clients:
                client.start()
            held = watch(process, until)
            for client in clients:
                client.join(120)
            if any(client.is_alive() for client in clients):
                tally.fail("a client hangs")
            ended = time.monotonic()
            process.terminate()
            code = process.wait(30)
            if code != 0:
                tally.fail(f"the app ended with code {code}")
            print(f"shut down in {time.monotonic() - ended:.1f} s with code {code}")
            if "Traceback" in (text := log.read_text()):
                tally.fail(f"the log: {text[text.index('Traceback') :][:1500]}")
    report(tally, held, args.minutes)
    sys.exit(bool(tally.wrong))


def watch(process: psutil.Process, until: float) -> list[float]:
    """MB resident, some forty times until then."""
    held, pause = [], max(1.0, (until - time.monotonic()) / 40)
    while time.monotonic() < until:
        time.sleep(min(pause, max(0.1, until - time.monotonic())))
        held.append(process.memory_info().rss / 2**20)
    return held


def report(tally: Tally, held: list[float], minutes: float) -> None:
    every = [s for times in tally.took.values() for s in times]
    print(f"{len(every)} answers, {len(every) / minutes / 60:.1f} a second")
    for kind, times in sorted(tally.took.items()):
        p50, p95 = np.percentile(times, (50, 95))
        print(f"{kind}: {len(times)}, p50 {p50:.2f} s, p95 {p95:.2f} s")
    for what, count in tally.counts.items():
        print(f"{what}: {count}")
    third = max(1, len(held) // 3)
    early, late = np.median(held[third : 2 * third]), np.median(held[-third:])
    print(f"memory: {held[0]:.0f} MB at first, {early:.0f} midway, {late:.0f} at the end")
    if late > 1.1 * early + 20:
        tally.fail("memory grows")
    wrong = Counter(tally.wrong).most_common(12)
    print(*(f"WRONG {n} x {what}" for what, n in wrong), sep="\n")
    if not wrong:
        print("no wrong answer")


if __name__ == "__main__":
    main()
