"""Parts that are missing, one too many or swapped, on drawn trays: what amounts add to the map.

    python -m benchmarks.trays [--trays 6] [--out runs/trays]

Each tray is a data set of its own: 50 photographs of good trays to train on; 20 good ones, 12 with
an object missing, 12 with one too many and 12 with two swapped to judge, objects jittered about
their slots. Training and scoring are the product's, with default settings. Columns: image AUROC of
the score and of the score map's highest value alone, by change; and how often the place that is
said to be wrong lies where it is.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.ndimage import maximum_filter
from skimage.transform import resize
from sklearn.metrics import roc_auc_score

from benchmarks.objects import CHANGES, tray, tray_picture
from ddad.cli import main as ddad
from ddad.images.decode import load_image
from ddad.images.files import write_png
from ddad.images.masks import load_mask
from ddad.model.detection import Detection
from ddad.model.detector import Detector
from ddad.score.composition import PLACES

SIDE = 320
TRAINED, GOOD, EACH = 50, 20, 12


def write(folder: Path, number: int) -> None:
    """The photographs of tray `number`, laid out as MVTec AD."""
    rng = np.random.default_rng((3, number))
    plan = tray(rng)
    jobs = [("train", "good", TRAINED), ("test", "good", GOOD)]
    jobs += [("test", change, EACH) for change in CHANGES]
    for split, change, count in jobs:
        for index in range(count):
            pixels, wrong = tray_picture(plan, change, SIDE, rng)
            path = folder / split / change / f"{index:03}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_png(pixels, path)
            if change != "good":
                mask = folder / "ground_truth" / change / f"{index:03}_mask.png"
                mask.parent.mkdir(parents=True, exist_ok=True)
                write_png(wrong.astype(np.uint8) * 255, mask)


def judged(detector: Detector, folder: Path, change: str) -> list[Detection]:
    paths = sorted((folder / "test" / change).glob("*.png"))
    return [detector.detect([load_image(path).pixels])[0] for path in paths]


def auroc(good: Sequence[float], bad: Sequence[float]) -> float:
    labels = [0] * len(good) + [1] * len(bad)
    return float(roc_auc_score(labels, [*good, *bad]))


def pointed(found: Sequence[Detection], folder: Path, change: str) -> list[bool]:
    """Whether each one's first finding lies, by half, within a place of where the tray is wrong."""
    hits = []
    for number, detection in enumerate(found):
        mask = load_mask(folder / "ground_truth" / change / f"{number:03}_mask.png")
        near = maximum_filter(mask, 2 * (min(mask.shape) // PLACES) + 1)
        if not detection.findings:
            hits.append(False)
            continue
        marked = resize(detection.findings[0].where.astype(float), mask.shape, order=0) > 0.5
        hits.append(bool((marked & near).sum() >= 0.5 * marked.sum()))
    return hits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trays", type=int, default=6)
    parser.add_argument("--out", type=Path, default=Path("runs/trays"))
    args = parser.parse_args()
    whole: dict[str, list[list[float]]] = {change: [] for change in CHANGES}
    alarms: list[bool] = []
    for number in range(args.trays):
        folder, model = args.out / f"{number}" / "photographs", args.out / f"{number}" / "model"
        if not folder.exists():
            write(folder, number)
        if not (model / "ddad.json").exists() and ddad(
            ["train", str(folder), "--out", str(model), "--branch", "feature"]
        ):
            raise SystemExit(f"training on tray {number} failed")
        detector = Detector.load(model)
        good = judged(detector, folder, "good")
        alarms += [detection.anomalous for detection in good]
        for change in CHANGES:
            bad = judged(detector, folder, change)
            whole[change].append(
                [
                    auroc([d.score for d in good], [d.score for d in bad]),
                    auroc(*([float(d.score_map.max()) for d in part] for part in (good, bad))),
                    float(np.mean([d.anomalous for d in bad])),
                    float(np.mean(pointed(bad, folder, change))),
                ]
            )
        print(f"tray {number}: {[round(whole[c][-1][0], 3) for c in CHANGES]}", flush=True)
    print("| change | image auroc | of the map alone | found | place pointed at |")
    print("|---" * 5 + "|")
    for change, rows in whole.items():
        print(f"| {change} | " + " | ".join(f"{v:.3f}" for v in np.mean(rows, 0)) + " |")
    print(f"good trays above the threshold: {sum(alarms)} of {len(alarms)}")


if __name__ == "__main__":
    main()
