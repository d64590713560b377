"""Our scores and their peers on the real sets, side by side, in one table.

    python -m benchmarks.accuracy DATA --extractor BACKBONE [--sets bottle cookie] [--out runs]

DATA holds the sets (see SETS). Everything is fitted to train/good alone with default settings;
what has been measured already is kept.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.peers import patchcore, spr
from ddad.cli import main as ddad
from ddad.data import datasets as data
from ddad.diffusion.extractor import Extractor
from ddad.images.decode import load_image
from ddad.images.masks import load_mask
from ddad.measure.metrics import Evaluation
from ddad.model.detector import Detector

SETS = {
    "bottle": ("mvtec_bottle", 4, []),
    "pill": ("mvtec_pill", 5, []),
    "cookie": ("aws_cookie", 26, ["--flips"]),
    "mtd": ("mtd", 5, ["--flips"]),
}
"""Folder, minutes of training of the pixel branch, and its flags."""
METHODS = ("feature", "patchcore", "pixel", "spr")
COLUMNS = ("image_auroc", "pixel_auroc", "pixel_ap", "aupro")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--extractor", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/accuracy"))
    parser.add_argument("--seed", type=int, default=0, help="of ours; give it an --out of its own")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    args = parser.parse_args()
    lines = []
    for name in args.sets:
        for method in args.methods:
            found = measure(name, method, args)
            lines.append((f"{SETS[name][0]}, {method}", found))
            if method == "feature":
                lines += [(f"- {defect}", row) for defect, row in found["per_defect"].items()]
    print("| set, score | " + " | ".join(column.replace("_", " ") for column in COLUMNS) + " |")
    print("|---" * (1 + len(COLUMNS)) + "|")
    for label, row in lines:
        print(f"| {label} | " + " | ".join(f"{row[column]:.3f}" for column in COLUMNS) + " |")


def measure(name: str, method: str, args: argparse.Namespace) -> dict[str, Any]:
    """The metrics of one method on one set, from the last time if there was one."""
    folder, minutes, flags = SETS[name]
    source, out = args.data / folder, args.out / name
    done = out / f"{method}.json"
    if done.exists():
        return dict(json.loads(done.read_text()))
    branch = out / ("feature" if method == "feature" else "pixel")
    if method != "patchcore" and not (branch / "ddad.json").exists():
        train = ["train", str(source), "--out", str(branch), "--branch", branch.name]
        train += ["--seed", str(args.seed)]
        if branch.name == "feature":
            train += ["--extractor", str(args.extractor)]
        else:
            train += ["--minutes", str(minutes), *flags]
        if ddad(train):
            raise SystemExit(f"training on {folder} failed")
    if method in ("feature", "pixel"):
        if ddad(["evaluate", str(source), "--checkpoint", str(branch), "--out", str(branch)]):
            raise SystemExit(f"evaluating {folder} failed")
        found = json.loads((branch / "metrics.json").read_text())
    elif method == "patchcore":
        extractor = Extractor.load(args.extractor)
        normals = [load_image(s.path).pixels for s in data.read(source) if s.split == "train"]
        found = judge(source, lambda images: patchcore(extractor, normals, images))
    else:
        detector = Detector.load(branch)
        found = judge(source, lambda images: spr(detector, images))
    out.mkdir(parents=True, exist_ok=True)
    part = done.with_suffix(".part")
    part.write_text(json.dumps(found, indent=2) + "\n")
    os.replace(part, done)
    return dict(found)


def judge(
    source: Path, score: Callable[[list[np.ndarray]], Iterator[tuple[np.ndarray, float]]]
) -> dict[str, Any]:
    """Metrics of a peer on the test images, at their original size."""
    tests = [s for s in data.read(source) if s.split == "test"]
    images = [load_image(s.path).pixels for s in tests]
    evaluation = Evaluation()
    results = tqdm(score(images), total=len(tests), desc=source.name, disable=None)
    for sample, image, (score_map, value) in zip(tests, images, results, strict=True):
        mask = np.zeros(image.shape[:2], bool)
        if sample.mask_path is not None:
            mask = load_mask(sample.mask_path)
        evaluation.add(value, score_map, mask, sample.defect)
    return evaluation.result()


if __name__ == "__main__":
    main()
