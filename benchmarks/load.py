"""Many clients at once against the real app: every answer is compared with the offline one.

    python -m benchmarks.load [--clients 50] [--minutes 5]
    python -m benchmarks.load --clients 6 --minutes 60        the soak

Each client scores images, asks for masks at thresholds of its own, puts an image on a desk of its
own, reviews it and takes the mask away, alone or as COCO, and now and then sends a damaged file or
leaves and comes anew; one of them has a model trained meanwhile. Each comes from an address of its
own, one after the other within the first half minute. Exit code 1 for a wrong answer, an answer to
another's request, an unclean end, memory or open files that grow, or a training that is lost.
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
from benchmarks.visit import Visit
from ddad.images.decode import load_image
from ddad.model.detection import Detection
from ddad.model.detector import Detector
from demo.store.store import Session, Store
from demo.train.queue import Queue
from demo.train.taking import take_in

FULL = ("too many requests", "queue is full", "too busy")
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

    def __init__(self, url: str, address: str, file: Path, found: Detection):
        self.visit, self.found = Visit(url, address), found
        self.item = self.visit.inspect(file, "waves")["item"]

    def ask(self, name: str, **request: Any) -> dict[str, Any]:
        """An answer of the server; Refused where it is a sentence on what is wrong."""
        return self.visit.ask(name, item=self.item, **request)

    def leave(self) -> None:
        """Everything is deleted, and the visit is over."""
        self.visit.do("delete_everything", None)
        self.visit.close()

    def review(self, threshold: float) -> str:
        """Save a threshold, open the desk again, take the mask; what is wrong with it, or ""."""
        review = {"threshold": threshold, "least": 1, "fill": False, "decision": "defective"}
        review |= {"off": [], "labels": [], "reviewer": self.visit.session[:8]}
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
    tally: Tally,
) -> None:
    """One client until the time is up."""
    rng, address = random.Random(number), f"10.1.{number // 200}.{number % 200}"
    headers = {"x-forwarded-for": address}
    client: Any = None
    desk: Desk | None = None
    time.sleep(0.6 * number)
    while time.monotonic() < until:
        kind = rng.choices(
            ("score", "mask", "bad", "review", "export", "anew"), (8, 6, 2, 6, 2, 1)
        )[0]
        file, started = rng.choice(list(offline)), time.monotonic()
        try:
            if client is None:
                kind = "connect"
                client = Client(url, verbose=False, download_files=False, headers=headers)
            elif desk is None:
                kind = "arrive"
                desk = Desk(url, address, file, offline[file])
            elif kind == "anew":
                desk.leave()
                desk = None
            else:
                _act(kind, file, rng, client, desk, offline, bad, tally)
            tally.add(kind, time.monotonic() - started)
        except Exception as error:
            _judge(kind, str(error), started, tally)
        time.sleep(rng.uniform(0.2, 1))  # a person looks at what came


def _act(
    kind: str,
    file: Path,
    rng: random.Random,
    client: Any,
    desk: Desk,
    offline: dict[Path, Detection],
    bad: Path,
    tally: Tally,
) -> None:
    found = desk.found if kind == "review" else offline[file]
    threshold = round(rng.uniform(float(found.score_map.min()), found.score), 3)
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
        if (_mask(answer.content) != found.mask(threshold)).sum() > 2:
            tally.fail(f"{file.name} at {threshold}: another mask")
    elif kind in ("review", "export"):
        if wrong := desk.review(threshold) if kind == "review" else desk.export():
            tally.fail(f"{desk.visit.session[:6]}: {wrong}")
    else:
        client.predict(handle_file(str(bad)), "waves", None, api_name="/score")
        tally.fail("a damaged file was scored")


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
        with served(whole.parent, folder / "server", DDAD_PROXY="*") as (url, process, log):
            store, files = Store(folder / "server" / "work"), list(offline)
            visitor = order(store, files)
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


def watch(process: psutil.Process, until: float) -> list[tuple[float, int, int]]:
    """MB resident, open files and threads, some forty times until then."""
    held, pause = [], max(1.0, (until - time.monotonic()) / 40)
    while time.monotonic() < until:
        time.sleep(min(pause, max(0.1, until - time.monotonic())))
        memory = process.memory_info().rss / 2**20
        held.append((memory, process.num_fds(), process.num_threads()))
    return held


def report(tally: Tally, held: list[tuple[float, int, int]], minutes: float) -> None:
    every = [s for times in tally.took.values() for s in times]
    print(f"{len(every)} answers, {len(every) / minutes / 60:.1f} a second")
    for kind, times in sorted(tally.took.items()):
        p50, p95 = np.percentile(times, (50, 95))
        print(f"{kind}: {len(times)}, p50 {p50:.2f} s, p95 {p95:.2f} s, at most {max(times):.2f} s")
    for what, count in tally.counts.items():
        print(f"{what}: {count}")
    third = max(1, len(held) // 3)
    for (name, slack), values in zip(
        (("MB", 20), ("open files", 20), ("threads", 20)), zip(*held, strict=True), strict=True
    ):
        early, late = np.median(values[third : 2 * third]), np.median(values[-third:])
        print(f"{name}: {values[0]:.0f} at first, {early:.0f} midway, {late:.0f} in the last third")
        if late > 1.1 * early + slack:
            tally.fail(f"{name} grow")
    wrong = Counter(tally.wrong).most_common(12)
    print(*(f"WRONG {n} x {what}" for what, n in wrong), sep="\n")
    if not wrong:
        print("no wrong answer")


if __name__ == "__main__":
    main()
