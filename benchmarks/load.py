"""Many clients at once against the real app: every answer is compared with the offline one.

    python -m benchmarks.load [--clients 50] [--minutes 5]

Each client scores images, asks for masks at thresholds of its own, reviews an image at a desk of
its own and takes the mask away, alone or as COCO, and now and then sends a damaged file; one of
them has a model trained meanwhile. Exit code 1 for a wrong answer, an answer to another's request,
an unclean end, memory that grows, or a training that is lost.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import random
import sys
import tempfile
import threading
import time
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from gradio_client import Client, handle_file
from PIL import Image

from benchmarks.corpus import picture
from benchmarks.hostile import model, served
from ddad.images.decode import load_image
from ddad.model.detection import Detection
from ddad.model.detector import Detector
from demo.store.store import Session, Store
from demo.train.queue import Queue
from demo.train.taking import take_in

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


class Desk:
    """A visitor's desk with one image on it, asked as the canvas asks."""

    def __init__(self, url: str, store: Store, detector: Detector, file: Path, found: Detection):
        session, image = store.open(None), load_image(file)
        self.item = session.add(file.name, image.pixels).id
        session.record(self.item, found, detector)
        self.session, self.found, self.url = session.id, found, url
        parts = httpx.get(f"{url}/config", timeout=60).json()["components"]
        self.part = next(p["id"] for p in parts if p["props"].get("elem_id") == "viewer")

    def ask(self, name: str, **request: Any) -> dict[str, Any]:
        """An answer of the server; RuntimeError where it is a sentence on what is wrong."""
        body = {
            "data": {"session": self.session, "item": self.item, **request},
            **{"component_id": self.part, "fn_name": name, "session_hash": self.session},
        }
        answer = httpx.post(f"{self.url}/gradio_api/component_server", json=body, timeout=120)
        answer.raise_for_status()
        if "error" in (found := dict(answer.json())):
            raise RuntimeError(found["error"])
        return found

    def review(self, threshold: float) -> str:
        """Save a threshold, open the desk again, take the mask; what is wrong with it, or ""."""
        review = {"threshold": threshold, "least": 1, "fill": False, "decision": "defective"}
        review |= {"off": [], "labels": [], "reviewer": self.session[:8]}
        self.ask("save", review=review)
        again = self.ask("open")["review"]["threshold"]
        if again != threshold:
            return f"threshold {again} instead of {threshold}"
        mask = _mask(base64.b64decode(self.ask("take", format="mask")["data"]))
        return "" if np.array_equal(mask, self.found.mask(threshold)) else "another mask"

    def export(self) -> str:
        """Take COCO; what is wrong with it, or ""."""
        marked = _mask(self._taken("masks", ".png"))
        coco = json.loads(self._taken("coco", "exact.json"))
        area = sum(each["area"] for each in coco["annotations"])
        return "" if area == marked.sum() else f"COCO has {area} of {marked.sum()} pixels"

    def _taken(self, kind: str, suffix: str) -> bytes:
        data = base64.b64decode(self.ask("take", format=kind)["data"])
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.read(next(n for n in archive.namelist() if n.endswith(suffix)))


def visit(
    url: str,
    number: int,
    until: float,
    offline: dict[Path, Detection],
    bad: Path,
    desk: Desk,
    tally: Tally,
) -> None:
    """One client until the time is up."""
    rng = random.Random(number)
    try:
        client = Client(url, verbose=False, download_files=False)
    except Exception as error:
        tally.fail(f"client {number} could not connect: {error!r:.200}")
        return
    while time.monotonic() < until:
        kind = rng.choices(("score", "mask", "bad", "review", "export"), (4, 3, 1, 3, 1))[0]
        file = rng.choice(list(offline))
        found = desk.found if kind == "review" else offline[file]
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
                answer = httpx.get(got["url"], headers=client.headers, timeout=30)
                mask = _mask(answer.content)
                if (mask != found.mask(threshold)).sum() > 2:
                    tally.fail(f"{file.name} at {threshold}: another mask")
            elif kind in ("review", "export"):
                wrong = desk.review(threshold) if kind == "review" else desk.export()
                if wrong:
                    tally.fail(f"desk {number}: {wrong}")
            else:
                client.predict(handle_file(str(bad)), "waves", None, api_name="/score")
                tally.fail("a damaged file was scored")
            tally.add(kind, time.monotonic() - started)
        except Exception as error:
            _judge(kind, str(error), started, tally)
        time.sleep(rng.uniform(0.2, 1))  # a person looks at what came


def _mask(png: bytes) -> np.ndarray:
    """The marked pixels of a PNG."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("L")) > 127


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
            work = folder / "server" / "work"
            store, files = Store(work), list(offline)
            desks = [
                Desk(url, store, detector, files[i % 12], offline[files[i % 12]])
                for i in range(args.clients)
            ]
            visitor = order(store, files)
            until = time.monotonic() + 60 * args.minutes
            clients = [
                threading.Thread(target=visit, args=(url, i, until, offline, bad, desk, tally))
                for i, desk in enumerate(desks)
            ]
            for client in clients:
                client.start()
            held = watch(process, until)
            for client in clients:
                client.join(120)
            if any(client.is_alive() for client in clients):
                tally.fail("a client hangs")
            training = visitor.trained.training()
            state = training.state if training else "lost"
            print(f"the training is {state}: {visitor.trained.models()}")
            if state not in ("running", "done"):
                tally.fail(f"the training: {training}")
            ended = time.monotonic()
            process.terminate()
            code = process.wait(30)
            if code != 0:
                tally.fail(f"the app ended with code {code}")
            print(f"shut down in {time.monotonic() - ended:.1f} s with code {code}")
            after = visitor.trained.training()
            if after != training and not (after and after.state == "done"):
                tally.fail("the training was forgotten at the end")
            Queue(store).cancel(visitor)
            if "Traceback" in (text := log.read_text()):
                tally.fail(f"the log: {text[text.index('Traceback') :][:1500]}")
    report(tally, held, args.minutes)
    sys.exit(bool(tally.wrong))


def order(store: Store, photographs: list[Path]) -> Session:
    """A visitor with a training that the server is to take up."""
    visitor = store.open(None)
    take_in(visitor.photographs, photographs)
    Queue(store).start(visitor, "mine", "feature", 5, 0.2)
    return visitor


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
