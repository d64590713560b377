"""Whether masks gain by the edges of the photograph: the score map as it is, and led by them.

    python -m benchmarks.edges DATA MODEL=SET...

A guided filter (He, Sun, Tang 2010) of the score map by the photograph's grey levels: of the whole
map, or of each region's own window alone; `blurred` is the same without a guide, to tell what is
the edges' doing. And a random walk (Grady 2006) within each window from what is surely inside and
outside. IoU is that of all defective photographs together at the model's threshold.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from scipy.ndimage import find_objects, label, uniform_filter
from skimage.segmentation import random_walker

from ddad.data import datasets
from ddad.images.decode import load_image
from ddad.measure.evaluation import truth
from ddad.measure.metrics import Evaluation
from ddad.model.detector import Detector

COLUMNS = ("image_auroc", "pixel_auroc", "pixel_ap", "aupro")
Refine = Callable[[np.ndarray, np.ndarray, float], np.ndarray]
"""Of a score map (H, W), grey levels (H, W) in 0..1 and the threshold."""


def guided(score_map: np.ndarray, grey: np.ndarray, share: float) -> np.ndarray:
    """With a window of `share` of the root of the picture's pixels around each pixel."""
    width = 2 * max(2, round(share * grey.size**0.5)) + 1
    mean = partial(uniform_filter, size=width)
    value = score_map.astype(np.float64)
    level, middle = mean(grey), mean(value)
    slope = (mean(grey * value) - level * middle) / (mean(grey * grey) - level * level + 0.003)
    found: np.ndarray = mean(slope) * grey + mean(middle - slope * level)
    return found.astype(np.float32)


def windows(
    score_map: np.ndarray, threshold: float, begin: float
) -> Iterator[tuple[tuple[slice, slice], np.ndarray]]:
    """Of each region with something above the threshold: its box and itself, bool, in it; regions
    reach to `begin` thresholds."""
    regions, _ = label(score_map > begin * threshold)
    for number, box in enumerate(find_objects(regions), 1):
        own = regions[box] == number
        if score_map[box][own].max() > threshold:
            yield box, own


def wider(box: tuple[slice, slice], by: int) -> tuple[slice, slice]:
    rows, columns = (slice(max(0, cut.start - by), cut.stop + by) for cut in box)
    return rows, columns


def by_region(
    score_map: np.ndarray, grey: np.ndarray, threshold: float, share: float
) -> np.ndarray:
    found = score_map.copy()
    filtered = guided(score_map, grey, share)
    for box, own in windows(score_map, threshold, 0.5):
        found[box][own] = filtered[box][own]
    return found


def walk(score_map: np.ndarray, grey: np.ndarray, threshold: float) -> np.ndarray:
    found = score_map.copy()
    for box, _ in windows(score_map, threshold, 0.6):
        place = wider(box, 24)
        here = score_map[place]
        seeds = np.where(here < 0.4 * threshold, 2, 0)
        seeds[here > max(threshold, 0.6 * here.max())] = 1
        if here.size < 300_000 and len(np.unique(seeds)) == 3:
            inside = random_walker(grey[place], seeds, beta=300, mode="cg_j", tol=1e-2) == 1
            found[place] = np.where(inside, np.maximum(here, threshold + 1e-3), here)
            found[place] = np.where(inside, found[place], np.minimum(found[place], threshold))
    return found


WAYS: dict[str, Refine] = {
    "as it is": lambda m, g, t: m,
    "guided, 3 %": lambda m, g, t: guided(m, g, 0.03),
    "guided, 5 %": lambda m, g, t: guided(m, g, 0.05),
    "blurred, 3 %": lambda m, g, t: guided(m, np.zeros_like(g), 0.03),
    "guided by region, 5 %": lambda m, g, t: by_region(m, g, t, 0.05),
    "random walk by region": walk,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("models", nargs="+", metavar="MODEL=SET")
    args = parser.parse_args()
    print("| set | way | " + " | ".join(c.replace("_", " ") for c in COLUMNS) + " | IoU | ms |")
    print("|---|---|" + "---|" * (len(COLUMNS) + 2), flush=True)
    for pair in args.models:
        model, name = pair.rsplit("=", 1)
        study(Detector.load(model), args.data / name)


def study(detector: Detector, source: Path) -> None:
    threshold = detector.calibration.threshold
    evaluations = {way: Evaluation() for way in WAYS}
    shared, spent = {way: np.zeros(2) for way in WAYS}, dict.fromkeys(WAYS, 0.0)
    tests = [sample for sample in datasets.read(source) if sample.split == "test"]
    for sample in tests:
        pixels = load_image(sample.path).pixels
        (found,) = detector.detect([pixels])
        defect, mask = truth(sample, pixels.shape[:2])
        grey = pixels.mean(2) / 255
        for way, refine in WAYS.items():
            begun = time.perf_counter()
            refined = refine(found.score_map, grey, threshold)
            spent[way] += time.perf_counter() - begun
            evaluations[way].add(max(refined.max(), found.composition), refined, mask, defect)
            if mask is not None and mask.any():
                marked = refined > threshold
                shared[way] += (mask & marked).sum(), (mask | marked).sum()
    for way, evaluation in evaluations.items():
        result = evaluation.result()
        figures = " | ".join(f"{result[column]:.3f}" for column in COLUMNS)
        iou, each = shared[way][0] / max(shared[way][1], 1), 1000 * spent[way] / len(tests)
        print(f"| {source.name} | {way} | {figures} | {iou:.3f} | {each:.0f} |", flush=True)


if __name__ == "__main__":
    main()
