"""Our scores and PatchCore on the real sets, side by side, in one table.

    python -m benchmarks.accuracy DATA [--extractors bundled DIR] [--seeds 0 1 2] [--out runs]

DATA holds the sets (see SETS). Everything is fitted to train/good alone with default settings:
`ours` is what `ddad train` gives, each column the median over the seeds, lowest and highest beside;
`map` its score map alone, without amounts; `longer` with `--minutes 15`, `shared` with a tenth for
its U-Net besides; `patchcore` has all that ours has but its denoiser, `patchcore-authors` its
authors' settings with the same extractor; `pixel` and `head` are the U-Net's scores alone, `spr` a
peer made of it. What has been measured already is kept.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.peers import patchcore, patchcore_on_our_terms, spr
from ddad.cli import main as ddad
from ddad.data import datasets as data
from ddad.diffusion.extractor import Extractor
from ddad.images.decode import load_image
from ddad.images.files import write_json
from ddad.measure.evaluation import truth
from ddad.measure.metrics import Evaluation
from ddad.model.checkpoint import BUNDLED
from ddad.model.detector import Detector
from ddad.score.config import ScoreConfig
from ddad.training.photographs import Photographs

SETS = {
    "bottle": "mvtec_bottle",
    "pill": "mvtec_pill",
    "cookie": "aws_cookie",
    "mtd": "mtd",
    "pill_800": "mvtec_pill_800",
}
FLIPPED = ("cookie", "mtd", "brick")
"""Sets whose parts have no handedness: their U-Net sees them mirrored too."""
COLUMNS = ("image_auroc", "pixel_auroc", "pixel_ap", "aupro")
DECIDES = bool(ScoreConfig.pixel_weight or ScoreConfig.head_weight)
"""Whether the default's U-Net has a share in the score; else its training can be left out here."""
BRANCH = ["--branch", "both" if DECIDES else "feature"]
LONGER = ["--branch", "both", "--minutes", "15"]
TRAINED = {
    "ours": BRANCH,
    "longer": LONGER,
    "shared": [*LONGER, "--pixel-weight", "0.1"],
    "pixel": ["--branch", "pixel"],
    "head": ["--features", "0.3", "--pixel-weight", "0", "--head-weight", "1"],
}
"""Arguments of `train` for each of our methods."""
SAME = {"map": "ours", "spr": "pixel"}
"""What judges by the model of another method."""
METHODS = (
    "ours",
    "map",
    "patchcore",
    "patchcore-authors",
    "longer",
    "shared",
    "pixel",
    "head",
    "spr",
)
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--extractors", nargs="+", default=["bundled"], help="bundled, or folders")
    parser.add_argument("--out", type=Path, default=Path("runs/accuracy"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of ours")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=["ours", "patchcore"])
    args = parser.parse_args()
    lines: list[tuple[str, list[Row]]] = []
    means: dict[str, list[list[float]]] = {}
    for name in args.sets:
        for extractor in args.extractors:
            for method in args.methods:
                seeds = args.seeds if method == "ours" else args.seeds[:1]
                rows = [measure(name, method, extractor, seed, args) for seed in seeds]
                label = f"{method}, {Path(extractor).name}"
                lines.append((f"{SETS[name]}, {label}", rows))
                means.setdefault(label, []).append(median(rows))
                if method == "ours":
                    kinds = rows[0]["per_defect"]
                    lines += [
                        (f"- {kind}", [row["per_defect"][kind] for row in rows]) for kind in kinds
                    ]
    print("| set, method, extractor | " + " | ".join(c.replace("_", " ") for c in COLUMNS) + " |")
    print("|---" * (1 + len(COLUMNS)) + "|")
    for label, rows in lines:
        print(f"| {label} | " + " | ".join(cell(rows, column) for column in COLUMNS) + " |")
    for label, each in means.items():
        print(f"| mean, {label} | " + " | ".join(f"{v:.3f}" for v in np.mean(each, 0)) + " |")


def median(rows: list[Row]) -> list[float]:
    return [float(np.median([row[column] for row in rows])) for column in COLUMNS]


def cell(rows: list[Row], column: str) -> str:
    """The median over seeds, and the lowest and highest where they differ."""
    values = sorted(f"{row[column]:.3f}" for row in rows)
    middle = f"{float(np.median([row[column] for row in rows])):.3f}"
    return middle if values[0] == values[-1] else f"{middle} ({values[0]} to {values[-1]})"


def measure(name: str, method: str, extractor: str, seed: int, args: argparse.Namespace) -> Row:
    """The metrics of one method on one set, from the last time if there was one."""
    source = args.data / SETS[name]
    out = args.out / f"{name}_{Path(extractor).name}"
    done = out / f"{method}_{seed}.json"
    if done.exists():
        return dict(json.loads(done.read_text()))
    folder = BUNDLED if extractor == "bundled" else Path(extractor)
    if method.startswith("patchcore"):
        found = judge(source, lambda images: peer(method, source, folder, images))
    else:
        model = out / f"{SAME.get(method, method)}_{seed}"
        if not (model / "ddad.json").exists():
            learn(args.data, name, model, TRAINED[SAME.get(method, method)], seed, folder)
        detector = Detector.load(model)
        if method == "spr":
            found = judge(source, lambda images: spr(detector, images))
        elif method == "map":
            alone = replace(detector, fitted=replace(detector.calibration, usual=None))
            found = judge(source, lambda images: by_map(alone, images))
        else:
            if ddad(["evaluate", str(source), "--checkpoint", str(model), "--out", str(model)]):
                raise SystemExit(f"evaluating {source} failed")
            found = json.loads((model / "metrics.json").read_text())
    out.mkdir(parents=True, exist_ok=True)
    write_json(found, done)
    return dict(found)


def learn(
    root: Path, name: str, model: Path, flags: Sequence[str], seed: int, extractor: Path
) -> None:
    """`ddad train` on one of the sets."""
    flags = [*flags, "--seed", str(seed), *(["--flips"] if name in FLIPPED else [])]
    flags += ["--extractor", str(extractor)] if "pixel" not in flags else []
    if ddad(["train", str(root / SETS[name]), "--out", str(model), *flags]):
        raise SystemExit(f"training on {SETS[name]} failed")


def peer(
    method: str, source: Path, extractor: Path, images: Iterable[np.ndarray]
) -> Iterator[tuple[np.ndarray, float]]:
    """PatchCore on our terms, or as its authors set it."""
    loaded = Extractor.load(extractor)
    samples = [s for s in data.read(source) if s.split == "train"]
    normals = Photographs([s.path for s in samples])
    if method == "patchcore-authors":
        return patchcore(loaded, normals, images)
    return patchcore_on_our_terms(loaded, normals, [s.group for s in samples], images)


def by_map(detector: Detector, images: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, float]]:
    for pixels in images:
        (found,) = detector.detect([pixels])
        yield found.score_map, found.score


def judge(
    source: Path, score: Callable[[list[np.ndarray]], Iterator[tuple[np.ndarray, float]]]
) -> dict[str, Any]:
    """Metrics of a peer on the test images, at their original size."""
    tests = [s for s in data.read(source) if s.split == "test"]
    images = [load_image(s.path).pixels for s in tests]
    evaluation = Evaluation()
    results = tqdm(score(images), total=len(tests), desc=source.name, disable=None)
    for sample, image, (score_map, value) in zip(tests, images, results, strict=True):
        defect, mask = truth(sample, image.shape[:2])
        evaluation.add(value, score_map, mask, defect)
    return evaluation.result()


if __name__ == "__main__":
    main()
