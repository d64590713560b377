"""Compare a checkout of before with this one: scores, words, files, and what was begun before.

    python -m benchmarks.unchanged BEFORE [--data ../shared/data] [--keep FOLDER] [--only PART ...]

Both run with the same interpreter, one program under each (`benchmarks.unchanged_probe`). Exit
code 1 for any difference: a map or score off by more than 1e-6, another mask, another word in a
help text or an endpoint, another file from a command, a model, a visitor's folder or a training
of before that is not taken up as it was. CPU and one thread, so that equal can mean equal.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.corpus import picture

ROOT = Path(__file__).resolve().parent.parent
PROBE = Path(__file__).with_name("unchanged_probe.py")
NEAR = 1e-6
REAL = {
    "aws_cookie": ("good", "cracked"),
    "mvtec_bottle": ("good", "broken_large", "broken_small", "contamination"),
    "mvtec_pill": ("good", "color", "crack", "scratch", "pill_type"),
    "mtd": ("good", "blowhole", "break", "crack", "fray"),
}
"""Sets, and the folders of their tests that the 20 real images come from, in turn."""
TRAIN = ["--preset", "tiny", "--steps", "150", "--branch", "both", "--feature-size", "64"]
TRAIN += ["--save-every", "0"]

Row = tuple[str, str]
"""What was compared, and how it differs: "equal", or what is wrong."""


class Both:
    """The two checkouts, and a folder for what they write."""

    def __init__(self, before: Path, data: Path, out: Path) -> None:
        self.before, self.data, self.out = before, data, out
        self.sides = {"before": before, "now": ROOT}

    def run(self, side: str, command: list[str]) -> subprocess.Popen[str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DDAD_", "HF_", "GRADIO"))}
        quiet = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1", "COLUMNS": "100"}
        quiet |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        folder = self.sides[side]
        return subprocess.Popen(
            [sys.executable, "-P", *command],
            cwd=folder,
            env=kept | quiet | {"PYTHONPATH": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def said(self, side: str, *command: str | Path) -> str:
        """What a program prints under one checkout; SystemExit where it fails."""
        child = self.run(side, [str(part) for part in command])
        printed, _ = child.communicate()
        if child.returncode:
            raise SystemExit(f"{side}: {' '.join(map(str, command))} failed\n{printed[-3000:]}")
        return printed

    def probe(self, side: str, job: str, *args: str | Path) -> str:
        return self.said(side, PROBE, job, *args)

    def ddad(self, side: str, *args: str | Path) -> str:
        return self.said(side, "-m", "ddad", *args)

    @property
    def tree(self) -> Path:
        """A small MVTec-shaped set of drawn parts, some with a bright square."""
        root = self.out / "tree"
        if not root.exists():
            for number in range(24):
                _write(picture(number), root / "train" / "good" / f"{number:02}.png")
            for number in range(3):
                _write(picture(100 + number), root / "test" / "good" / f"{number}.png")
                part, mask = picture(200 + number), np.zeros((48, 64), np.uint8)
                mask[10:20, 12 + number : 24] = 255
                part[mask > 0] = (250, 240, 60)
                _write(part, root / "test" / "square" / f"{number}.png")
                _write(mask, root / "ground_truth" / "square" / f"{number}_mask.png")
        return root

    @property
    def model(self) -> Path:
        """A tiny model of both branches, trained by the checkout of before."""
        out = self.out / "model"
        if not (out / "ddad.json").exists():
            self.ddad("before", "train", self.tree, "--out", out, *TRAIN)
        return out


def _write(pixels: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def real_images(data: Path) -> list[str]:
    """Twenty, five of each set, good and defective in turn."""
    chosen = []
    for name, classes in REAL.items():
        for turn in range(5):
            files = sorted((data / name / "test" / classes[turn % len(classes)]).iterdir())
            chosen.append(str(files[(3 + 7 * turn) % len(files)]))
    return chosen


def scores(both: Both) -> Iterator[Row]:
    """The shipped models on real images and on the examples that are shipped with them."""
    shipped = [both.before / "checkpoints" / name for name in ("cookie", "brick")]
    images = real_images(both.data)
    for model in shipped:
        examples = (model / "examples").iterdir()
        images += [str(f) for f in sorted(examples) if not f.stem.endswith("_mask")]
    yield from _maps(both, "shipped", images, shipped)


def checkpoint(both: Both) -> Iterator[Row]:
    """A model that was trained before, and every file that the commands write with it."""
    images = [str(path) for path in sorted((both.tree / "test").rglob("*.png"))]
    yield from _maps(both, "trained before", images, [both.model])
    test, cookie = both.tree / "test", both.before / "checkpoints" / "cookie"
    example = cookie / "examples" / "3_hole.png"
    commands: dict[str, list[str | Path]] = {
        "score": ["score", test, "--checkpoint", both.model],
        "evaluate": ["evaluate", both.tree, "--checkpoint", both.model],
        "restore": ["restore", test / "square", "--checkpoint", both.model, "--evaluations", "30"],
        "restore cookie": ["restore", example, "--checkpoint", cookie, "--evaluations", "12"],
        "calibrate": ["calibrate", test / "good", "--checkpoint", both.model],
    }
    for name, command in commands.items():
        made, said = {}, {}
        for side in both.sides:
            out = both.out / f"{name}-{side}"
            said[side] = both.ddad(side, *command, "--out", out).replace(str(out), "OUT")
            made[side] = {str(f.relative_to(out)): f.read_bytes() for f in _files(out)}
        yield f"{name}: {len(made['now'])} files", _entries(made["before"], made["now"])
        yield f"{name}: what it says", _text(_told(said["before"]), _told(said["now"]))


def words(both: Both) -> Iterator[Row]:
    """Help and endpoints, as text."""
    found = {}
    for side in both.sides:
        both.probe(side, "words", both.out / f"words-{side}.json")
        found[side] = json.loads((both.out / f"words-{side}.json").read_text())
    for name in sorted(found["before"].keys() | found["now"].keys()):
        yield name, _text(found["before"].get(name, ""), found["now"].get(name, ""))


def visitor(both: Both) -> Iterator[Row]:
    """A visitor's folder that the code of before wrote, opened, and exported, by each."""
    folder = both.tree / "train" / "good"
    session, key = both.probe("before", "visit", both.out / "work", both.model, folder).split()[-2:]
    found, archives = {}, {}
    for side in both.sides:
        work, out = both.out / f"work-{side}", both.out / f"kept-{side}.json"
        shutil.copytree(both.out / "work", work)
        both.probe(side, "kept", out, work, session, key)
        found[side] = json.loads(out.read_text())
        path = both.out / f"export-{side}.zip"
        both.probe(side, "exported", path, work, session)
        with zipfile.ZipFile(path) as archive:
            archives[side] = {name: archive.read(name) for name in archive.namelist()}
    before, now = found["before"], found["now"]
    pairs = {"images, results, decisions, masks": "items", "decision log": "log"}
    for name, part in (pairs | {"labels": "labels", "training": "training"}).items():
        yield f"visitor's {name}", _json(before[part], now[part])
    yield f"export: {len(archives['now'])} entries", _entries(archives["before"], archives["now"])
    yield "export: their order", _text(*("\n".join(archives[s]) for s in both.sides))


def training(both: Both) -> Iterator[Row]:
    """A training that before began and was asked to end, gone on with now."""
    begun, state = both.out / "begun", both.out / "begun" / "run" / "state.safetensors"
    command = ["-m", "ddad", "train", str(both.tree), "--out", str(begun), *TRAIN]
    child = both.run("before", command)
    while child.poll() is None and not state.exists():
        time.sleep(0.02)
    child.send_signal(signal.SIGTERM)
    printed, _ = child.communicate()
    stopped = child.returncode == 130 and not (begun / "ddad.json").exists()
    yield "training: stopped half way", "equal" if stopped else f"it was not: {printed[-500:]}"
    both.said("now", *command)
    names = ("unet/diffusion_pytorch_model.safetensors", "features/mixture.safetensors")
    for name in (*names, "calibration.json", "run/state.safetensors"):
        if name.startswith("run"):  # its header holds seconds
            yield f"training: {name}", _arrays(both.model / name, begun / name)
            continue
        same = (both.model / name).read_bytes() == (begun / name).read_bytes()
        yield f"training: {name}", "equal" if same else "other bytes"


def _arrays(before: Path, now: Path) -> str:
    from safetensors.numpy import load_file

    one, two = load_file(before), load_file(now)
    same = one.keys() == two.keys() and all(np.array_equal(one[k], two[k]) for k in one)
    return "equal" if same else "other tensors"


def _maps(both: Both, what: str, images: list[str], models: Iterable[Path]) -> Iterator[Row]:
    listed, found = both.out / "images.json", {}
    listed.write_text(json.dumps(images))
    for side in both.sides:
        out = both.out / f"maps-{side}.npz"
        both.probe(side, "maps", out, listed, *models)
        with np.load(out) as arrays:
            found[side] = dict(arrays)
    before, now = found["before"], found["now"]
    assert before.keys() == now.keys()
    for kind in ("map", "score", "mask"):
        pairs = [(before[k], now[k]) for k in before if k.endswith(f"|{kind}")]
        if any(one.shape != two.shape for one, two in pairs):
            yield f"{what}: {kind}", "other shapes"
            continue
        exact = all(np.array_equal(one, two) for one, two in pairs)
        worst = max(float(np.abs(np.subtract(*p, dtype=np.float64)).max()) for p in pairs)
        allowed = NEAR if kind != "mask" else 0
        verdict = "equal, bit for bit" if exact else f"equal within {worst:.1e}"
        yield f"{what}: {kind} x {len(pairs)}", verdict if worst <= allowed else f"off {worst:.2g}"


def _files(folder: Path) -> list[Path]:
    return [f for f in sorted(folder.rglob("*")) if f.is_file()]


def _entries(before: dict[str, bytes], now: dict[str, bytes]) -> str:
    names = sorted(before.keys() | now.keys())
    other = [name for name in names if before.get(name) != now.get(name)]
    return f"{len(other)} differ, such as {', '.join(other[:3])}" if other else "equal"


def _told(text: str) -> str:
    """What a command says, without its progress bars."""
    return "\n".join(line for line in text.replace("\r", "\n").splitlines() if "it/s" not in line)


def _text(before: str, now: str) -> str:
    for one, two in zip(before.splitlines(), now.splitlines(), strict=False):
        if one != two:
            return f"{one.strip()!r} is now {two.strip()!r}"
    return "equal" if before == now else "one is longer"


def _json(before: Any, now: Any) -> str:
    return _text(*(json.dumps(v, indent=1, sort_keys=True) for v in (before, now)))


PARTS: dict[str, Callable[[Both], Iterator[Row]]] = {
    part.__name__: part for part in (words, scores, checkpoint, visitor, training)
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path, help="a checkout of the commit to compare with")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--keep", type=Path, help="a new folder for what both write")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    args = parser.parse_args()
    differ = 0
    with contextlib.ExitStack() as stack:
        out = args.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        out.mkdir(parents=True, exist_ok=True)
        both = Both(args.before.resolve(), args.data.resolve(), out.resolve())
        for name in args.only:
            for what, verdict in PARTS[name](both):
                differ += not verdict.startswith("equal")
                print(f"{what:<48} {verdict}", flush=True)
    print(f"{differ} differences" if differ else "nothing changed")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
