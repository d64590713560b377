"""Kill -9 at random moments of training, scoring, saving, export and a move; then look, and go on.

    python -m benchmarks.kill [--moments 100] [--seed 0] [--jobs train score watch save ...]

Nothing that was finished may be lost, nothing half written may be seen, and the same command must
go on. Raises AssertionError where that fails.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.corpus import picture
from ddad.work.ledger import Ledger
from demo.store.session import Session

ROOT = Path(__file__).resolve().parent.parent


def kill(command: Sequence[str], begun: Callable[[], bool], moment: float) -> list[str]:
    """Start a command, wait until it has begun, kill it `moment` seconds later.

    Returns the lines it had printed; with a return code of 0 it was quicker than that.
    """
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        deadline = time.monotonic() + 300
        while not begun() and child.poll() is None:
            assert time.monotonic() < deadline, f"{command} never began"
            time.sleep(0.005)
        time.sleep(moment)
        child.kill()
        printed = child.stdout.read().split()
    assert child.returncode in (0, -9), f"{command} failed by itself"
    return printed


def newer(folder: Path, pattern: str, mark: float) -> bool:
    """Whether a file of that pattern was written after the mark."""
    for file in folder.rglob(pattern):
        with suppress(FileNotFoundError):  # replaced meanwhile
            if file.stat().st_mtime > mark:
                return True
    return False


def train(folder: Path, moments: Sequence[float]) -> None:
    """A killed training goes on from its last save and ends in the same weights, bit for bit."""
    data = folder / "parts" / "train" / "good"
    data.mkdir(parents=True)
    for seed in range(10):
        Image.fromarray(picture(seed)).save(data / f"{seed}.png")
    command = [sys.executable, "-m", "ddad", "train", str(folder / "parts"), "--branch", "pixel"]
    command += ["--preset", "tiny", "--steps", "120", "--save-every", "0.05"]
    whole = folder / "whole"
    subprocess.run([*command, "--out", str(whole)], cwd=ROOT, check=True, capture_output=True)
    left = list(moments)
    while left:
        out = folder / "killed"
        shutil.rmtree(out, ignore_errors=True)
        step = 0
        while left and not (out / "ddad.json").exists():
            mark = time.time()
            state = out / "run" / "state.safetensors"
            begun = partial(newer, out, state.name, mark)
            kill([*command, "--out", str(out)], begun, left.pop())
            step, before = _step(state), step
            assert step >= before, f"training went back from step {before} to {step}"
        subprocess.run([*command, "--out", str(out)], cwd=ROOT, check=True, capture_output=True)
        for name in ("unet/diffusion_pytorch_model.safetensors", "calibration.json"):
            assert (out / name).read_bytes() == (whole / name).read_bytes(), f"{name} differs"
        for row in (out / "run" / "log.jsonl").read_text().splitlines():
            json.loads(row)


def _step(state: Path) -> int:
    from safetensors import safe_open

    with safe_open(state, "pt") as file:
        return int(file.metadata()["step"])


def score(folder: Path, moments: Sequence[float]) -> None:
    """A killed scoring leaves whole pictures, no table that looks complete, and can be repeated."""
    command = judging(folder, "score", 30)
    for turn, moment in enumerate(moments):
        out = folder / f"killed{turn % 4}"  # every fourth finds what a kill has left before
        if turn < 4:
            shutil.rmtree(out, ignore_errors=True)
        mark = time.time()
        kill([*command, str(out)], partial(newer, out, "*.png", mark), moment)
        for file in out.rglob("*.png"):
            if not file.name.startswith("."):
                np.asarray(Image.open(file))
        if (out / "scores.csv").exists():
            assert len((out / "scores.csv").read_text().splitlines()) == 31
    completed(command, folder / "whole", out)


def watch(folder: Path, moments: Sequence[float]) -> None:
    """A killed watch has a picture for each of its rows, loses none, and goes on: each once."""
    command = judging(folder, "watch", 100, "--once", "--every", "0.1")
    for turn, moment in enumerate(moments):
        out = folder / f"killed{turn // 4}"  # four kills of each
        before = len(committed(out)) if turn % 4 else 0
        kill([*command, str(out)], partial(newer, out, "ledger.sqlite*", time.time()), moment)
        rows = committed(out)
        assert before <= len({row["file"] for row in rows}) == len(rows) <= 100
        for row in rows:
            np.asarray(Image.open(out / str(row["mask"])))
        if turn % 4 == 3:
            completed(command, folder / "whole", out)
            assert len(committed(out)) == 100


def committed(out: Path) -> list[dict[str, object]]:
    """The rows of a watch."""
    with closing(Ledger(out / "ledger.sqlite")) as ledger:
        return ledger.rows()


def judging(folder: Path, what: str, count: int, *options: str) -> list[str]:
    """A command that judges so many pictures, all but where to; its whole output in `whole`."""
    from benchmarks.hostile import model

    images = folder / "images"
    images.mkdir()
    for seed in range(count):
        Image.fromarray(picture(seed)).save(images / f"{seed:02}.png")
    command = [sys.executable, "-m", "ddad", what, str(images), *options]
    command += ["--checkpoint", str(model(folder)), "--out"]
    subprocess.run([*command, str(folder / "whole")], cwd=ROOT, check=True, capture_output=True)
    return command


def completed(command: Sequence[str], whole: Path, out: Path) -> None:
    """What the command, once more, makes of what a kill left equals the whole."""
    subprocess.run([*command, str(out)], cwd=ROOT, check=True, capture_output=True)
    for file in whole.rglob("*.png"):
        again = out / file.relative_to(whole)
        assert again.read_bytes() == file.read_bytes(), f"{again} differs"


SAVE = """
import sys, numpy as np
from pathlib import Path
from demo.store.store import Store
session = Store(Path(sys.argv[1])).open(sys.argv[2])
item = session.items()[0].id
for turn in range(int(sys.argv[3]), 10**6):
    mask = np.zeros((60, 80), bool)
    mask.flat[: turn % 4000 + 1] = True
    session.review(item, mask=mask, threshold=turn, decision="defective")
    print(turn, flush=True)
"""


def save(folder: Path, moments: Sequence[float]) -> None:
    """Of a desk that is killed, every saved review is there, mask and all."""
    from demo.store.store import Store

    session = Store(folder / "work").open(None)
    item = session.add("part.png", np.zeros((60, 80, 3), np.uint8)).id
    turn = -1
    for moment in moments:
        command = [sys.executable, "-c", SAVE, str(folder / "work"), session.id, str(turn + 1)]
        mark = time.time()
        saved = partial(newer, folder / "work", "mask-*", mark)
        said = [int(line) for line in kill(command, saved, moment)]
        store = Store(folder / "work")
        again = store.open(session.id)
        review = again.item(item).review
        if review is None:  # killed before the first was done
            assert not said and turn < 0, "a saved review is gone"
            continue
        last, turn = max([turn, *said]), int(review.threshold)
        assert last <= turn <= last + 1, f"review {last} was saved, {turn} is there"
        assert again.final_mask(item).sum() == turn % 4000 + 1, (
            "mask and review are not of one save"
        )
        store.sweep(grace_s=-1)
        assert again.final_mask(item).any()


EXPORT = """
import sys
from pathlib import Path
from demo.shared.exchange import export
from demo.store.store import Store
session = Store(Path(sys.argv[1])).open(sys.argv[2])
while True:
    export(session, ["masks", "mvtec", "coco", "csv", "report"], Path(sys.argv[3]))
    print("done", flush=True)
"""


def export(folder: Path, moments: Sequence[float]) -> None:
    """Of an export that is killed, the archive of before or the new one is there, whole."""
    from demo.store.store import Store

    session = Store(folder / "work").open(None)
    for seed in range(6):
        pixels = picture(seed, 60, 80)
        item = session.add(f"{seed}.png", pixels).id
        session.review(item, mask=pixels[..., 0] > 150, threshold=1, decision="defective")
    path = folder / "out" / "work.zip"
    path.parent.mkdir()
    for moment in moments:
        command = [sys.executable, "-c", EXPORT, str(folder / "work"), session.id, str(path)]
        mark = time.time()
        kill(command, partial(newer, path.parent, "*", mark), moment)
        if path.exists():
            with zipfile.ZipFile(path) as archive:
                assert archive.testzip() is None and "run.json" in archive.namelist()


MOVE = """
import sys
from pathlib import Path
from demo.store.store import Store
print("begun", flush=True)
Store(Path(sys.argv[1]))
"""


def move(folder: Path, moments: Sequence[float]) -> None:
    """A store of an earlier version that is being read over when it is killed loses no file."""
    from demo.store.store import Store

    for number, moment in enumerate(moments):
        key, root = f"{number:032x}", folder / str(number)
        photos = root / "training" / key / "photos"
        photos.mkdir(parents=True)
        names = {f"{n:02}.png": f"part {n}.png" for n in range(60)}
        for name in names:
            (photos / name).write_bytes(name.encode() * 500)
        (photos / "names.json").write_text(json.dumps(names))
        model = root / "training" / key / "models" / "mine"
        model.mkdir(parents=True)
        (model / "ddad.json").write_text("{}")
        (model / "weights.safetensors").write_bytes(b"w" * 100_000)
        kill([sys.executable, "-c", MOVE, str(root)], partial(newer, root, "*.sqlite", 0), moment)
        store = Store(root)
        mine = store.find(key)
        assert mine is not None, "the session is gone"
        store.sweep(grace_s=-1)
        held = {name: file.read_bytes() for name, file in _photographs(mine)}
        assert held == {names[name]: name.encode() * 500 for name in names}, "photographs are lost"
        assert (mine.trained.path("mine") / "weights.safetensors").read_bytes() == b"w" * 100_000
        assert not (root / "training").exists(), "it was not moved to the end"


def _photographs(session: Session) -> list[tuple[str, Path]]:
    folder = session.photographs.folder
    return [(name, folder / file) for file, name in session.photographs.names().items()]


JOBS: dict[str, Callable[[Path, Sequence[float]], None]] = {
    "train": train,
    "score": score,
    "watch": watch,
    "save": save,
    "export": export,
    "move": move,
}
LONGEST = {"train": 3.0, "score": 1.5, "watch": 2.0, "save": 0.5, "export": 0.5, "move": 0.3}
"""Seconds after the first output within which a kill comes."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moments", type=int, default=100, help="over all jobs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=list(JOBS))
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    each = -(-args.moments // len(args.jobs))
    for name in args.jobs:
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            JOBS[name](Path(folder), rng.uniform(0, LONGEST[name], each).tolist())
        took = time.monotonic() - started
        print(f"{name}: {each} kills, nothing lost or half written ({took:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
