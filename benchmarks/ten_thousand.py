"""Ten thousand images through the command line, Ray and the page, each killed in the middle.

    python -m benchmarks.ten_thousand [--images 10000] [--ways watch ray page]

Says throughput and memory (at a third of the way and at the end), and counts that every image has
its row once. The command line is `watch --once`, killed with -9 and started again; of Ray an actor
is killed; the page's server is killed and started again, and five visitors' images go on. The model
is a small one, so that the way itself is measured. Exit code 1 where a row is lost, is there twice,
or memory grows.
"""

from __future__ import annotations

import argparse
import csv
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from benchmarks.corpus import picture
from benchmarks.hostile import ROOT, model, served
from benchmarks.visit import Visit
from demo.store.store import Store

Outcome = tuple[float, list[tuple[int, float]], str]
"""Seconds; images done and megabytes held, as time went on; what is wrong, or nothing."""
PORTION = 2000
"""Images of one visitor, the most that the page takes."""


class Memory:
    """Megabytes that a process and its children hold, watched from beside them."""

    def __init__(self, pid: int, done: Callable[[], int]) -> None:
        self.seen: list[tuple[int, float]] = []
        self._pid, self._done, self._over = pid, done, threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self._over.wait(2):
            with suppress(psutil.Error, OSError):
                root = psutil.Process(self._pid)
                every = [root, *root.children(recursive=True)]
                held = sum(each.memory_full_info().pss for each in every) / 2**20
                self.seen.append((self._done(), held))

    def end(self) -> list[tuple[int, float]]:
        self._over.set()
        return self.seen


def made(folder: Path, count: int) -> list[Path]:
    """So many small pictures, five hundred different ones."""
    folder.mkdir()
    different = [picture(seed, 48, 64) for seed in range(500)]
    files = [folder / f"{number:05}.png" for number in range(count)]
    for number, file in enumerate(files):
        Image.fromarray(different[number % 500]).save(file, compress_level=1)
    return files


def counted(table: Path) -> int:
    """Lines of a table without its head, 0 where there is none yet."""
    try:
        return max(0, table.read_bytes().count(b"\n") - 1)
    except OSError:
        return 0


def rows(table: Path, count: int) -> str:
    """What is wrong with a table of so many images, or nothing."""
    with table.open(encoding="utf-8-sig", newline="") as file:
        found = [(row["file"], row.get("error", "")) for row in csv.DictReader(file)]
    names = {name for name, error in found if not error}
    if len(found) != count or len(names) != count:
        return f"{len(found)} rows of {len(names)} images"
    return ""


def watch(folder: Path, files: list[Path], whole: Path) -> Outcome:
    out = folder / "watch"
    command = [sys.executable, "-m", "ddad", "watch", str(files[0].parent), "--once"]
    command += ["--checkpoint", str(whole), "--out", str(out), "--every", "1"]
    began, seen, killed = time.monotonic(), [], 0
    for half in (True, False):
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        memory = Memory(child.pid, lambda: counted(out / "scores.csv"))
        while child.poll() is None:
            time.sleep(0.5)
            if half and (killed := counted(out / "scores.csv")) > len(files) / 2:
                child.kill()
        child.wait()
        seen += memory.end()
    print(f"watch: killed after {killed} images and started again")
    return time.monotonic() - began, seen, rows(out / "scores.csv", len(files))


def ray(folder: Path, files: list[Path], whole: Path) -> Outcome:
    out, count = folder / "ray", len(files)
    command = [sys.executable, "-m", "ddad", "score", str(files[0].parent), "--ray"]
    command += ["--actors", "2", "--checkpoint", str(whole), "--out", str(out)]
    began, killed = time.monotonic(), 0
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    pictures = out / "masks"

    def done() -> int:
        return sum(1 for _ in pictures.glob("*.png")) if pictures.is_dir() else 0

    memory = Memory(child.pid, done)
    said = bytearray()
    reader = threading.Thread(target=lambda: said.extend(child.stderr.read()), daemon=True)
    reader.start()
    while child.poll() is None:
        time.sleep(1)
        if not killed and (there := done()) > count / 2:
            for each in psutil.Process(child.pid).children(recursive=True):
                with suppress(psutil.Error):
                    if "ray::" in " ".join(each.cmdline()) and "Scorer" in " ".join(each.cmdline()):
                        each.kill()
                        killed = there
                        break
    print(f"ray: an actor was killed after {killed} images")
    wrong = (
        rows(out / "scores.csv", count) if (out / "scores.csv").exists() else said[-500:].decode()
    )
    return time.monotonic() - began, memory.end(), wrong or ("" if killed else "nothing was killed")


def page(folder: Path, files: list[Path], whole: Path) -> Outcome:
    """Five visitors' ZIPs; what waits when the server is killed is scored by the next one."""
    began, seen, cookies, sessions = time.monotonic(), [], [], []
    for half in (True, False):
        with served(whole.parent, folder / "server", DDAD_PROXY="*") as (url, process, _):
            memory = Memory(process.pid, lambda: scored(folder))
            visits = []
            for number, start in enumerate(range(0, len(files), PORTION)):
                given = None if half else cookies[number]
                visit = Visit(url, f"10.7.0.{number}", timeout=600, cookies=given)
                visits.append(visit)
                if half:
                    cookies.append(dict(visit.http.cookies))
                    sessions.append(visit.session)
                    path = packed(folder / f"{start}.zip", files[start : start + PORTION])
                    visit.do("bring_in_turns", visit.upload(path), "truth", "waves", None)
            while left := [visit for visit in visits if waits(folder, visit.session)]:
                if half and scored(folder) > len(files) / 2:
                    print(f"page: its server is killed after {scored(folder)} images")
                    process.kill()
                    break
                left[0].do("score_in_turns", "waves", None)
            seen += memory.end()
    store = Store(folder / "server" / "work")
    states = [item.state for session in sessions for item in store.open(session).items()]
    sound = states.count("scored") == len(states) == len(files)
    return time.monotonic() - began, seen, "" if sound else f"{states.count('scored')} scored"


def packed(path: Path, files: list[Path]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.write(file, file.name)
    return path


def scored(folder: Path) -> int:
    return asked(folder, "SELECT COUNT(*) FROM item WHERE state = 'scored'")


def waits(folder: Path, session: str) -> int:
    command = "SELECT COUNT(*) FROM item WHERE state = 'waiting' AND session_id = ?"
    return asked(folder, command, session)


def asked(folder: Path, command: str, *values: str) -> int:
    path = folder / "server" / "work" / "store.sqlite"
    with closing(sqlite3.connect(path, timeout=10)) as database:
        return int(database.execute(command, values).fetchone()[0])


WAYS = {"watch": watch, "ray": ray, "page": page}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--out", type=Path, default=Path("runs/hostile"))
    args = parser.parse_args()
    whole, bad = model(args.out.resolve()), []
    print("| way | images | images/s | MB after a third | MB at the end | rows |")
    print("|---|---|---|---|---|---|")
    for way in args.ways:
        with tempfile.TemporaryDirectory() as name:
            files = made(Path(name) / "images", args.images)
            took, seen, wrong = WAYS[way](Path(name), files, whole)
        late = [held for done, held in seen if done > 0.9 * args.images] or [seen[-1][1]]
        early = [held for done, held in seen if 0.25 < done / args.images < 0.42] or [seen[0][1]]
        third, end = float(np.median(early)), float(np.median(late))
        print(
            f"| {way} | {args.images} | {args.images / took:.1f} | {third:.0f} | {end:.0f} | "
            f"{wrong or 'each once'} |",
            flush=True,
        )
        if wrong or end > 1.15 * third + 50:
            bad.append(way)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
