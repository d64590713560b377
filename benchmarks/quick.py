"""Training your own, minutes after the photographs were taken: ours beside PatchCore.

    python -m benchmarks.quick DATA [--sets bottle cookie] [--normals 30 all] [--extractor DIR]

30 random normals of train/good (fixed seed) and all of them; `python -m ddad train` with its
default settings (without its U-Net where that has no share in the score, which saves two minutes),
and PatchCore by its authors' settings on the same images with the same backbone; judged on the
test split. What has been measured already is kept.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.accuracy import BRANCH, SETS, judge
from benchmarks.peers import patchcore
from ddad.cli import main as ddad
from ddad.data import datasets as data
from ddad.data.datasets import Sample
from ddad.diffusion.extractor import Extractor
from ddad.images.decode import load_image
from ddad.model.checkpoint import BUNDLED

FEW, SEED = 30, 0
METHODS = ("ours", "patchcore")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--extractor", type=Path, default=BUNDLED)
    parser.add_argument("--out", type=Path, default=Path("runs/quick"))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--normals", nargs="+", choices=("30", "all"), default=["30", "all"])
    args = parser.parse_args()
    print("| set | normals | method | image AUROC | AUPRO | training |")
    print("|---|---|---|---|---|---|")
    for few in (number != "all" for number in args.normals):
        for name in args.sets:
            for method in METHODS:
                row = measure(name, few, method, args)
                print(
                    f"| {SETS[name]} | {row['normals']} | {method} | "
                    f"{row['image_auroc']:.3f} | {row['aupro']:.3f} | {row['seconds']:.0f} s |",
                    flush=True,
                )


def measure(name: str, few: bool, method: str, args: argparse.Namespace) -> dict[str, Any]:
    """The figures of one method on one choice of normals, from the last time if there was one."""
    source = args.data / SETS[name]
    out = args.out / f"{name}_{FEW if few else 'all'}"
    done = out / f"{method}.json"
    if done.exists():
        return dict(json.loads(done.read_text()))
    normals = choose(source, few)
    found = (
        ours(source, normals, out, args.extractor)
        if method == "ours"
        else peer(source, normals, args.extractor)
    )
    found |= {"normals": len(normals), "threads": os.environ.get("OMP_NUM_THREADS", "all")}
    out.mkdir(parents=True, exist_ok=True)
    part = done.with_suffix(".part")
    part.write_text(json.dumps(found, indent=2) + "\n")
    os.replace(part, done)
    return found


def choose(source: Path, few: bool) -> list[Sample]:
    """All normals of the train split, or FEW of them at random."""
    normals = [s for s in data.read(source) if s.split == "train"]
    if not few:
        return normals
    return sorted(random.Random(SEED).sample(normals, FEW), key=lambda s: s.path.as_posix())


def ours(source: Path, normals: list[Sample], out: Path, extractor: Path) -> dict[str, Any]:
    """`train` on a folder of links to the normals, `evaluate` on the test split."""
    folder = out / "normals"
    folder.mkdir(parents=True, exist_ok=True)
    rows = ["path,group"]
    for sample in normals:
        link = folder / sample.path.name
        if not link.is_symlink():
            link.symlink_to(sample.path.resolve())
        rows.append(f"{link.name},{sample.group}")
    (folder / "split.csv").write_text("\n".join(rows) + "\n")
    started = time.monotonic()
    model = out / "model"
    train = ["train", str(folder), "--out", str(model), "--extractor", str(extractor), *BRANCH]
    if ddad(train):
        raise SystemExit(f"training on {folder} failed")
    seconds = time.monotonic() - started
    if ddad(["evaluate", str(source), "--checkpoint", str(model), "--out", str(out / "test")]):
        raise SystemExit(f"evaluating {source} failed")
    return json.loads((out / "test" / "metrics.json").read_text()) | {"seconds": seconds}


def peer(source: Path, normals: list[Sample], extractor: Path) -> dict[str, Any]:
    """PatchCore on the same images; its training ends when the first test image is due."""
    images = [load_image(sample.path).pixels for sample in normals]
    started = time.monotonic()
    fitted: list[float] = []

    def score(tests: list[np.ndarray]) -> Iterator[tuple[np.ndarray, float]]:
        for found in patchcore(Extractor.load(extractor), images, tests):
            fitted.append(time.monotonic())
            yield found

    metrics = judge(source, score)
    return metrics | {"seconds": fitted[0] - started}


if __name__ == "__main__":
    main()
