"""Compare a checkout of before with this one: scores, words, files, and what was begun before.

    python -m benchmarks.unchanged BEFORE [--data ../shared/data] [--keep FOLDER] [--only PART ...]

Both run with the same interpreter, one program under each (`benchmarks.unchanged.probe`). Exit
code 1 for any difference: a map or score off by more than 1e-6, another mask, another word in a
help text or an endpoint, another file from a command, a model, a visitor's folder or a training
of before that is not taken up as it was. CPU and one thread, so that equal can mean equal.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import signal
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.unchanged import compare
from benchmarks.unchanged.sides import ROOT, TRAIN, Both, real_images

Row = tuple[str, str]
"""What was compared, and how it differs: "equal", or what is wrong."""


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
            told = both.ddad(side, *command, "--out", out).replace(str(out), "OUT")
            said[side] = compare.without_progress(told)
            made[side] = compare.files(out)
        yield f"{name}: {len(made['now'])} files", compare.entries(made["before"], made["now"])
        yield f"{name}: what it says", compare.text(said["before"], said["now"])


def words(both: Both) -> Iterator[Row]:
    """Help and endpoints, as text."""
    found = {}
    for side in both.sides:
        both.probe(side, "words", both.out / f"words-{side}.json")
        found[side] = json.loads((both.out / f"words-{side}.json").read_text())
    for name in sorted(found["before"].keys() | found["now"].keys()):
        yield name, compare.text(found["before"].get(name, ""), found["now"].get(name, ""))


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
        yield f"visitor's {name}", compare.values(before[part], now[part])
    one, two = archives["before"], archives["now"]
    yield f"export: {len(two)} entries", compare.entries(one, two)
    yield "export: their order", compare.text("\n".join(one), "\n".join(two))


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
            yield f"training: {name}", compare.tensors(both.model / name, begun / name)
            continue
        same = (both.model / name).read_bytes() == (begun / name).read_bytes()
        yield f"training: {name}", "equal" if same else "other bytes"


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
    for kind, allowed in (("map", compare.NEAR), ("score", compare.NEAR), ("mask", 0)):
        keys = [key for key in before if key.endswith(f"|{kind}")]
        pairs = [before[key] for key in keys], [now[key] for key in keys]
        yield f"{what}: {kind} x {len(keys)}", compare.near(*pairs, allowed)


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
