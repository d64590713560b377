"""Image size, mixture size, noise scales and smoothing of the feature branch: on normals only.

    python -m benchmarks.feature_scales DATA... --extractor BACKBONE

Fits to most of each set's normal images, paints two synthetic defects on each of the others and
compares every choice on those. No test image is read. Rows are means over the sets.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from tqdm import tqdm

from ddad.data import datasets as data
from ddad.diffusion.extractor import Extractor
from ddad.diffusion.mixture import NormalMixture
from ddad.diffusion.scheduler import linear_chain
from ddad.images.decode import load_image
from ddad.images.geometry import feature_shape, to_image, to_model
from ddad.measure.metrics import Evaluation
from ddad.score.feature import FeatureModel, feature_maps, sample_tokens
from ddad.score.levels import border_factors, levels, moments
from ddad.training.synthetic import KINDS, paint_defect

TIMESTEPS = (20, 50, 100, 160, 260, 400, 600, 800)
CHOICES = (
    *((50,), (100,), (160,), (260,), (400,), (600,), (800,), (100, 260), (100, 400)),
    *((100, 160, 260), (100, 160, 260, 400), (50, 100, 160, 260, 400), TIMESTEPS),
)
DEFAULT = (100, 160, 260, 400)
COLUMNS = ("image_auroc", "pixel_auroc", "pixel_ap", "aupro")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--extractor", type=Path, required=True)
    parser.add_argument("--normals", type=int, default=120, help="at most so many a set to fit to")
    args = parser.parse_args()
    extractor = Extractor.load(args.extractor)
    table: dict[str, list[list[float]]] = defaultdict(list)
    for root in args.data:
        for label, row in study(root, extractor, args.normals):
            table[label].append(row)
    print("| choice | " + " | ".join(c.replace("_", " ") for c in COLUMNS) + " |")
    print("|---" * (1 + len(COLUMNS)) + "|")
    for label, rows in table.items():
        print(f"| {label} | " + " | ".join(f"{v:.3f}" for v in np.mean(rows, axis=0)) + " |")


def study(root: Path, extractor: Extractor, most: int) -> list[tuple[str, list[float]]]:
    """Every choice's label with its metrics on the painted normals of one set."""
    normals = [s for s in data.read(root) if s.split == "train"]
    part, held = data.hold_out(normals, 0.25, seed=1)
    rng = np.random.default_rng(1)
    fitted = [load_image(s.path).pixels for s in part[:: max(1, len(part) // most)]]
    judged = [(load_image(s.path).pixels, None) for s in held[:: max(1, len(held) // 12)]]
    judged += [
        paint_defect(pixels, KINDS[(i + k) % len(KINDS)], rng)
        for i, (pixels, _) in enumerate(list(judged))
        for k in (0, 1)
    ]
    rows = []
    bar = tqdm([(256, k) for k in (1, 256, 1024, 4096)] + [(320, 1024), (384, 1024)], disable=None)
    for size, components in bar:
        bar.set_description(f"{root.name} {size} px, {components} centres")
        inputs = [to_model(i, feature_shape(i.shape, size)) for i in fitted]
        tokens = torch.cat(sample_tokens(extractor, inputs, 60_000, seed=0))
        model = FeatureModel(extractor, NormalMixture.fit(tokens, components))
        maps = [
            torch.cat(list(feature_maps(model, linear_chain(), x[None], TIMESTEPS, 0.1))).numpy()
            for x in (to_model(image, feature_shape(image.shape, size)) for image, _ in judged)
        ]
        label = f"{size} px, {components} centres, t = "
        choices = CHOICES if (size, components) == (256, 1024) else (DEFAULT,)
        for choice in choices:
            rows.append((label + ",".join(map(str, choice)), judge(maps, judged, choice, 0.5)))
        if len(choices) > 1:
            for blur in (0.0, 1.0, 2.0):
                rows.append((f"default, sigma {blur:g}", judge(maps, judged, DEFAULT, blur)))
            bare = judge(maps, judged, DEFAULT, 0.5, level_borders=False)
            rows.append(("default, borders left as they are", bare))
    return rows


def judge(
    maps: list,
    judged: list,
    choice: tuple[int, ...],
    blur: float,
    *,
    level_borders: bool = True,
) -> list[float]:
    """Metrics of the mean over the chosen scales, standardised by the clean images."""
    pick = [TIMESTEPS.index(t) for t in choice]
    smooth = [gaussian_filter(m[pick], (0, blur, blur), mode="nearest") for m in maps]
    clean = [m for m, (_, mask) in zip(smooth, judged, strict=True) if mask is None]
    if level_borders:
        _, _, borders = levels(np.sum([moments(m) for m in clean], 0), len(clean))
        smooth = [m / border_factors(borders, *m.shape[1:]) for m in smooth]
        clean = [m for m, (_, mask) in zip(smooth, judged, strict=True) if mask is None]
    means = np.mean([m.mean((1, 2), keepdims=True) for m in clean], 0)
    squares = [((m - means) ** 2).mean((1, 2), keepdims=True) for m in clean]
    stds = np.sqrt(np.mean(squares, 0))
    evaluation = Evaluation()
    for m, (image, mask) in zip(smooth, judged, strict=True):
        grid = torch.from_numpy(((m - means) / stds).mean(0, keepdims=True)).float()
        score_map = to_image(grid, *image.shape[:2])[0].numpy()
        truth = np.zeros(image.shape[:2], bool) if mask is None else mask
        evaluation.add(
            float(score_map.max()), score_map, truth, "good" if mask is None else "painted"
        )
    found = evaluation.result()
    return [found[column] for column in COLUMNS]


if __name__ == "__main__":
    main()
