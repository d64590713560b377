"""Gradient denoising beside its baselines: what each makes of a defect, at one budget.

    python -m benchmarks.restoration DATA [--sets brick cookie-real mtd] [--images 6]

brick and cookie: the shipped models, synthetic defects on good parts held out of training, so the
true original is known; parts that already score above the threshold when whole are left out, as no
restoration could be judged on them. cookie-real, bottle, pill, mtd:
real defects of the test sets, evenly chosen; for the last three small models of both branches are
trained first, four minutes each. Every row that has been measured for a model is kept. Writes
docs/restoration.webp with --picture.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from skimage.metrics import structural_similarity
from torch.nn.functional import adaptive_max_pool2d, normalize

from benchmarks.figures import sheet
from ddad.cli import main as ddad
from ddad.commands.options import unseen_normals
from ddad.data import datasets as data
from ddad.images.decode import load_image
from ddad.images.files import write_png
from ddad.images.geometry import model_shape, to_model
from ddad.images.masks import load_mask
from ddad.model.detector import Detector
from ddad.score.config import RestoreConfig
from ddad.training.synthetic import KINDS, brick_tree, paint_defect

SETS = ("brick", "cookie", "cookie-real", "bottle", "pill", "mtd")
FOLDERS = {"bottle": "mvtec_bottle", "pill": "mvtec_pill", "mtd": "mtd"}
PLAIN = RestoreConfig()
METHODS = {
    "gradient denoising": PLAIN,
    "the same, drawn": replace(PLAIN, sample=True),
    "the same, from the image": replace(PLAIN, start="image", step=0.05),
    "the same, Gaussian energy": replace(PLAIN, energy="feature"),
    "inpainting": replace(PLAIN, method="inpaint", t=400),
    **{f"partial, t = {t}": replace(PLAIN, method="partial", t=t) for t in (100, 200, 400)},
    "one step, t = 200": replace(PLAIN, method="one-step", t=200),
}
SHOWN = ("gradient denoising", "inpainting", "partial, t = 200", "one step, t = 200")
PICTURED = 3
"""Cases of each set in the picture."""


@dataclass(frozen=True)
class Case:
    """One image with a defect, its true mask and, where it is known, its true original."""

    name: str
    image: np.ndarray
    mask: np.ndarray
    clean: np.ndarray | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/restoration"))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS[:3]))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--images", type=int, default=6, help="good parts, or real defects, a set")
    parser.add_argument("--measured", action="store_true", help="only show what was measured")
    parser.add_argument("--picture", action="store_true", help="write docs/restoration.webp")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    tables = []
    tiles: list[list[np.ndarray | None]] = []
    for name in args.sets:
        detector = model(name, args)
        chosen = list(cases(name, detector, args))
        found = [c for c in chosen if (measure(name, detector, c, None, args) or {}).get("found")]
        rows: dict[str, list[dict[str, Any]]] = {m: [] for m in args.methods}
        enough = len(tiles) + PICTURED
        for case in found:
            got = {m: measure(name, detector, case, m, args) for m in args.methods}
            for method, row in got.items():  # a case counts when every method has been at it
                rows[method] += [row] if row and all(got.values()) else []
            if args.picture and len(tiles) < enough and all(got.values()):
                paths = [args.out / (got[m] or {}).get("picture", "") for m in SHOWN if m in got]
                shown = [load_image(path).pixels for path in paths if path.is_file()]
                tiles += [[case.image, *shown, case.clean]] if len(shown) == len(SHOWN) else []
        tables.append((name, len(found), len(chosen), rows))
    show(tables)
    if tiles:
        sheet(tiles, ["defect", *SHOWN, "true original"], "restoration.webp")


def model(name: str, args: argparse.Namespace) -> Detector:
    """The shipped model of a set, or one trained for it here."""
    if name not in FOLDERS:
        return Detector.load(name.removesuffix("-real"))
    out = args.out / name
    if not (out / "ddad.json").exists():
        train = ["train", str(args.data / FOLDERS[name]), "--out", str(out), "--branch", "both"]
        if ddad([*train, "--minutes", "4"]):
            raise SystemExit(f"training on {name} failed")
    return Detector.load(out)


def cases(name: str, detector: Detector, args: argparse.Namespace) -> Iterator[Case]:
    """Painted defects, one of each kind on every good part, or real ones."""
    if name in ("brick", "cookie"):
        root = args.data / "aws_cookie"
        if name == "brick":
            root = args.out / "BRICK"
            if not (root / "train").exists():
                brick_tree(root)
        paths = unseen_normals(detector, root)
        rng = np.random.default_rng(2026)
        for path in paths[:: -(-len(paths) // args.images)]:
            clean = load_image(path).pixels
            if detector.detect([clean])[0].anomalous:
                continue
            inner = np.zeros(clean.shape[:2], bool)
            height, width = inner.shape
            inner[height // 4 : -height // 4, width // 4 : -width // 4] = True
            for kind in KINDS:
                image, mask = paint_defect(clean, kind, rng, where=inner)
                yield Case(f"{path.stem} {kind}", image, mask, clean)
        return
    root = args.data / FOLDERS.get(name, "aws_cookie")
    tests = [s for s in data.read(root) if s.split == "test" and s.mask_path is not None]
    for sample in tests[:: -(-len(tests) // args.images)]:
        assert sample.mask_path is not None
        label = f"{sample.defect} {sample.path.stem}"
        yield Case(label, load_image(sample.path).pixels, load_mask(sample.mask_path), None)


def measure(
    name: str, detector: Detector, case: Case, method: str | None, args: argparse.Namespace
) -> dict[str, Any] | None:
    """One row, from the last time if this model and these settings made one.

    The method None is the score before. Returns None where nothing is there and nothing may run.
    """
    settings = json.dumps(asdict(METHODS[method])) if method else "score"
    image = hashlib.sha256(case.image.tobytes()).hexdigest()[:16]
    key = [detector.fingerprint, name, case.name, image, settings]
    store = args.out / "rows.jsonl"
    if store.exists():
        for line in store.read_text().splitlines():
            row = json.loads(line)
            if row["key"] == key:
                return dict(row)
    if args.measured:
        return None
    if method is None:
        row = {"found": detector.detect([case.image])[0].anomalous}
    else:
        picture = hashlib.sha256(repr(key).encode()).hexdigest()[:16] + ".png"
        row = restored(detector, case, METHODS[method], args.out / picture) | {"picture": picture}
    with store.open("a") as file:
        file.write(json.dumps({"key": key} | row) + "\n")
    print(name, case.name, method or "", row, flush=True)
    return row


def restored(
    detector: Detector, case: Case, config: RestoreConfig, picture: Path
) -> dict[str, Any]:
    """Figures of one restoration; its seconds include the scoring before and after."""
    clock = time.perf_counter()
    *_, step = detector.restore(case.image, config)
    image, outside = step.image, ~case.mask
    write_png(image, picture)
    _, similar = structural_similarity(case.image, image, channel_axis=2, full=True)
    row = {
        "seconds": time.perf_counter() - clock,
        "evaluations": step.evaluations,
        "score": step.score,
        "under": float(step.score or 0) <= detector.calibration.threshold,
        "psnr_outside": psnr(image, case.image, outside),
        "ssim_outside": float(similar[outside].mean()),
    }
    if case.clean is not None:
        row["psnr_inside_before"] = psnr(case.image, case.clean, case.mask)
        row["psnr_inside"] = psnr(image, case.clean, case.mask)
        row["distance_before"] = distance(detector, case.image, case)
        row["distance"] = distance(detector, image, case)
    return row


def psnr(one: np.ndarray, other: np.ndarray, where: np.ndarray) -> float:
    """Decibels over the pixels of a mask; 60 where nothing differs."""
    error = ((one.astype(float) - other) ** 2)[where].mean()
    return float(min(60, 10 * np.log10(255**2 / max(error, 1e-9))))


@torch.inference_mode()
def distance(detector: Detector, image: np.ndarray, case: Case) -> float:
    """Squared distance of unit feature vectors to the true original's, mean over the mask.

    Like LPIPS (Zhang et al. 2018) without its learned weights, with this model's own extractor.
    """
    assert detector.features is not None and case.clean is not None
    size = model_shape(image.shape, detector.config.feature_size, 16)
    both = torch.stack([to_model(pixels, size) for pixels in (image, case.clean)])
    one, other = normalize(detector.features.extractor(both), dim=1)
    error = (one - other).square().sum(0)
    mask = torch.from_numpy(case.mask)[None].float()
    return float(error[adaptive_max_pool2d(mask, error.shape)[0] > 0].mean())


def show(tables: list[tuple[str, int, int, dict[str, list[dict[str, Any]]]]]) -> None:
    columns = "under threshold | PSNR outside, least | SSIM outside | PSNR inside | distance"
    print(f"\n| set, method | {columns} | evaluations | seconds |\n" + "|---" * 8 + "|")
    for name, found, total, table in tables:
        print(f"| {name}: {found} of {total} defects found" + " |" * 8)
        for method, rows in table.items():
            if not rows:
                continue

            def mean(key: str, rows: list[dict[str, Any]] = rows) -> float:
                return float(np.mean([row[key] for row in rows]))

            inside, far = "", ""
            if "distance" in rows[0]:
                inside = f"{mean('psnr_inside'):.1f} (was {mean('psnr_inside_before'):.1f})"
                far = f"{mean('distance'):.3f} (was {mean('distance_before'):.3f})"
            least = min(row["psnr_outside"] for row in rows)
            print(
                f"| {name}, {method} ({len(rows)}) | {mean('under'):.0%} | "
                f"{mean('psnr_outside'):.1f}, {least:.1f} | {mean('ssim_outside'):.3f} | "
                f"{inside} | {far} | {mean('evaluations'):.0f} | {mean('seconds'):.1f} |"
            )


if __name__ == "__main__":
    main()
