"""Beside the best: ours, PatchCore on our terms, and anomalib's models, on the four sets.

    python -m benchmarks.beside DATA [--peers PYTHON] [--backbone DIR] [--out runs/beside]

PYTHON is that of an environment with anomalib (2.7.0 was measured); without it its lines are left
out. DIR holds the ResNet-18 that all lines but those of the bundled extractor share. Each line is a
process of its own on one thread, so that its CPU seconds and memory are its own; all are fitted to
train/good and judged by our metrics at the photographs' own size. What is measured already is kept.
Ends with one table, docs/beside.svg, and how far our metrics are from anomalib's on the same maps.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.accuracy import COLUMNS, SETS, TRAINED, by_map, learn, peer
from benchmarks.timing import memory
from ddad.data import datasets as data
from ddad.diffusion.extractor import Extractor
from ddad.images.decode import load_image
from ddad.images.files import write_json
from ddad.images.geometry import to_image
from ddad.measure.evaluation import truth
from ddad.measure.metrics import Evaluation
from ddad.model.allocator import keep_freed_memory
from ddad.model.checkpoint import BUNDLED
from ddad.model.detector import Detector

FOUR = ("bottle", "pill", "cookie", "mtd")
LINES = {
    "ours": "ours, bundled extractor",
    "patchcore": "PatchCore on our terms, bundled extractor",
    "patchcore-authors": "PatchCore, its authors' settings, bundled extractor",
    "ours18": "ours, ResNet-18",
    "anomalib PatchCore": "anomalib PatchCore, ResNet-18",
    "anomalib PaDiM": "anomalib PaDiM, ResNet-18",
    "anomalib DFM": "anomalib DFM, ResNet-18",
}
COSTS = {
    "start_s": "start, core s",
    "train_s": "training, core s",
    "image_s": "an image, core s",
    "peak_mb": "peak, MB",
}
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--peers", type=Path, help="Python of an environment with anomalib")
    parser.add_argument("--backbone", type=Path, help="folder of a ResNet-18, stages 1 to 3")
    parser.add_argument("--sets", nargs="+", choices=FOUR, default=list(FOUR))
    parser.add_argument("--lines", nargs="+", choices=LINES, default=list(LINES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/beside"))
    parser.add_argument("--chart", type=Path, default=Path("docs/beside.svg"))
    parser.add_argument("--one", nargs=3, metavar=("LINE", "SET", "SEED"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        line, name, seed = args.one
        return alone(args, line, name, int(seed))
    rows = {}
    for name in args.sets:
        for line in args.lines:
            if line.startswith("anomalib") and not (args.peers and args.backbone):
                continue
            if line.endswith("18") and not args.backbone:
                continue
            rows[name, line] = measure(args, line, name, args.seed)
    tell(rows)
    args.chart.write_text(chart(rows), "utf-8")
    if args.peers:
        compare_metrics(args)
    return None


def measure(args: argparse.Namespace, line: str, name: str, seed: int) -> Row:
    """The figures of one line on one set, from the last time if there was one."""
    done = args.out / name / f"{line.replace(' ', '_')}_{seed}.json"
    if not done.exists():
        done.parent.mkdir(parents=True, exist_ok=True)
        if line.startswith("anomalib"):
            row = of_anomalib(args, line.split()[1], name, done.parent)
        else:
            command = [sys.executable, "-m", "benchmarks.beside", str(args.data)]
            command += ["--out", str(args.out), "--one", line, name, str(seed)]
            command += ["--backbone", str(args.backbone)] if args.backbone else []
            subprocess.run(command, check=True, env=os.environ | ONE_THREAD)
            row = json.loads(done.with_suffix(".part").read_text())
        write_json(row, done)
        print(f"{name}, {line}, {seed}: {row['image_auroc']:.3f} {row['aupro']:.3f}", flush=True)
    return dict(json.loads(done.read_text()))


def alone(args: argparse.Namespace, line: str, name: str, seed: int) -> None:
    """One of our lines, in a process of its own; an image's seconds are with its decoding."""
    torch.set_num_threads(1)
    keep_freed_memory()
    source, out = args.data / SETS[name], args.out / name
    extractor = args.backbone if line.endswith("18") else BUNDLED
    Extractor.load(extractor)
    costs = {"start_s": time.process_time()}
    tests = [s for s in data.read(source) if s.split == "test"]
    images = (load_image(sample.path).pixels for sample in tests)
    if line.startswith("ours"):
        # Without the U-Net, which has no share in the score; with the search for near-identical
        # shots, calibration, and the measure of how small a spot is seen.
        model = out / f"{line}_{seed}"
        learn(args.data, name, model, TRAINED["ours"], seed, extractor)
        found = by_map(Detector.load(model), images)
    else:
        found = peer(line.removesuffix("18"), source, extractor, images)
    evaluation, times, trained = Evaluation(), [], 0.0
    for sample in tests:
        began = time.process_time()
        score_map, value = next(found)
        times.append(time.process_time() - began)
        trained = trained or time.process_time()
        defect, mask = truth(sample, score_map.shape)
        evaluation.add(value, score_map, mask, defect)
    image_s = float(np.median(times[1:]))
    costs |= {"train_s": trained - image_s - costs["start_s"], "image_s": image_s}
    costs["peak_mb"] = memory()[1]
    write_json(evaluation.result() | costs, out / f"{line.replace(' ', '_')}_{seed}.part")


def of_anomalib(args: argparse.Namespace, model: str, name: str, out: Path) -> Row:
    samples = data.read(args.data / SETS[name])
    tests = [s for s in samples if s.split == "test"]
    job = {
        "model": model,
        "weights": str(args.backbone.resolve()),
        "train": [str(s.path.resolve()) for s in samples if s.split == "train"],
        "test": [str(s.path.resolve()) for s in tests],
    }
    found = asked(args, job, out)
    evaluation, maps = Evaluation(), np.load(out / "maps.npy", mmap_mode="r")
    for sample, value, score_map in zip(tests, found["scores"], maps, strict=True):
        size = load_image(sample.path).pixels.shape[:2]
        whole = to_image(torch.from_numpy(np.array(score_map))[None], *size)[0].numpy()
        defect, mask = truth(sample, size)
        evaluation.add(value, whole, mask, defect)
    (out / "maps.npy").unlink()
    return evaluation.result() | {key: found[key] for key in COSTS}


def asked(args: argparse.Namespace, job: dict[str, Any], out: Path) -> dict[str, Any]:
    """What `benchmarks/anomalib_models.py` finds in its own environment."""
    file = out / "job.json"
    file.write_text(json.dumps(job | {"out": str(out.resolve())}))
    # Else PatchCore's choice of a coreset leaves a hole as large as all vectors at every step: nine
    # gigabytes for 31 photographs.
    handed_back = {"MALLOC_MMAP_THRESHOLD_": "1048576"}
    script = Path(__file__).parent / "anomalib_models.py"
    command = [str(args.peers), "-W", "ignore", str(script), str(file)]
    subprocess.run(command, check=True, env=os.environ | ONE_THREAD | handed_back)
    return dict(json.loads((out / "found.json").read_text()))


def compare_metrics(args: argparse.Namespace) -> None:
    """Our metrics and anomalib's of the same maps and masks: those of ours on one set, brought to
    0..1. Anomalib's AUROC takes the logistic function of anything else, in which maps that reach
    beyond 17 are all alike: 1.5e-4 of the pixel AUROC here."""
    source, out = args.data / SETS["bottle"], args.out / "metrics"
    model = args.out / "bottle" / f"ours_{args.seed}"
    if not model.exists():
        return
    out.mkdir(parents=True, exist_ok=True)
    tests = [s for s in data.read(source) if s.split == "test"]
    detector, evaluation = Detector.load(model), Evaluation()
    maps, masks, defects = list[np.ndarray](), list[np.ndarray](), list[str]()
    for sample in tests:
        pixels = load_image(sample.path).pixels
        (found,) = detector.detect([pixels])
        defect, mask = truth(sample, pixels.shape[:2])
        maps.append(found.score_map)
        masks.append(mask)
        defects.append(defect)
    every = np.stack(maps)
    every = (every - every.min()) / (every.max() - every.min())
    for score_map, mask, defect in zip(every, masks, defects, strict=True):
        evaluation.add(float(score_map.max()), score_map, mask, defect)
    np.save(out / "maps.npy", every)
    np.save(out / "masks.npy", np.stack(masks))
    theirs = asked(args, {k: str((out / f"{k}.npy").resolve()) for k in ("maps", "masks")}, out)
    mine = evaluation.result()
    print("\n| metric, the same maps | ours | anomalib's | apart by |\n|---|---|---|---|")
    for key, value in theirs.items():
        print(f"| {key} | {mine[key]:.8f} | {value:.8f} | {abs(mine[key] - value):.1e} |")


def tell(rows: dict[tuple[str, str], Row]) -> None:
    """A row a set and line, then each line's mean over the sets."""
    names = [*(c.replace("_", " ") for c in COLUMNS), *COSTS.values()]
    print("| set, method | " + " | ".join(names) + " |\n" + "|---" * (len(names) + 1) + "|")
    for (name, line), row in rows.items():
        print(f"| {SETS[name]}, {LINES[line]} | {cells(row)} |")
    for line in dict.fromkeys(line for _, line in rows):
        every = [row for (_, its), row in rows.items() if its == line]
        mean = {k: float(np.mean([row[k] for row in every])) for k in (*COLUMNS, *COSTS)}
        print(f"| mean of {len(every)}, {LINES[line]} | {cells(mean)} |")


def cells(row: Row) -> str:
    costs = f"{row['start_s']:.1f} | {row['train_s']:.0f} | {row['image_s']:.3f}"
    return " | ".join(f"{row[c]:.3f}" for c in COLUMNS) + f" | {costs} | {row['peak_mb']:.0f}"


def chart(rows: dict[tuple[str, str], Row]) -> str:
    """An SVG: each line's means of image AUROC and AUPRO over the sets, as bars from .5."""
    lines = list(dict.fromkeys(line for _, line in rows))
    kinds = {"image_auroc": ("image AUROC", "#2f6f8f"), "aupro": ("AUPRO", "#d08a3c")}
    left, wide, step, low = 390, 420, 46, 0.5
    height = 60 + step * len(lines)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + wide + 70} {height}" '
        'font-family="system-ui, sans-serif" font-size="14">',
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for number, (_, (name, colour)) in enumerate(kinds.items()):
        at = left + 120 * number
        parts.append(f'<rect x="{at}" y="14" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{at + 18}" y="25" fill="#333">{name}</text>')
    sets = len({name for name, _ in rows})
    parts.append(
        f'<text x="{left + 220}" y="25" fill="#666" font-size="12">'
        f"means of {sets} sets; bars begin at .5</text>"
    )
    for turn, line in enumerate(lines):
        every = [row for (_, its), row in rows.items() if its == line]
        top, weight = 48 + step * turn, 600 if line.startswith("ours") else 400
        parts.append(
            f'<text x="{left - 10}" y="{top + 19}" text-anchor="end" fill="#222" '
            f'font-weight="{weight}">{LINES[line]}</text>'
        )
        for number, (key, (_, colour)) in enumerate(kinds.items()):
            value = float(np.mean([row[key] for row in every]))
            long, y = wide * max(0.0, value - low) / (1 - low), top + 16 * number
            parts.append(
                f'<rect x="{left}" y="{y}" width="{long:.0f}" height="13" fill="{colour}"/>'
            )
            parts.append(
                f'<text x="{left + long + 6:.0f}" y="{y + 11}" fill="#333" '
                f'font-size="12">{value:.3f}</text>'
            )
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    main()
