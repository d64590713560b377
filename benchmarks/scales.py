"""Noise scales, draws, jumps and smoothing of the pixel branch: on held-out normals only.

    python -m benchmarks.scales DATA --checkpoint DIR

Takes the normal images that the model was not trained on, paints one synthetic defect of each kind
on each, and prints pixel and image AUROC of every choice. No test image is read. Half of the
normals give the statistics that the other half, clean and painted, is scored with; then the halves
change places.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from ddad.calibration import scale_statistics
from ddad.cli import unseen_normals
from ddad.detector import Detector
from ddad.geometry import model_shape
from ddad.images import load_image
from ddad.metrics import PixelCurves, image_metrics
from ddad.scoring import ScoreConfig
from ddad.synthetic import KINDS, paint_defect

TIMESTEPS = (5, 10, 20, 35, 50, 75, 100, 150, 200, 300, 400)
SETS = (
    *((5,), (20,), (50,), (100,), (200,), (20, 100), (20, 50, 100), (20, 50, 100, 200)),
    *((50, 100, 200), (100, 200, 400), (50, 100, 200, 300), (5, 10, 20, 50, 100, 200, 300, 400)),
)


def raw(detector: Detector, images: list[np.ndarray], **changes: object) -> list[np.ndarray]:
    config = replace(detector.config, blur=0.0, **changes)  # type: ignore[arg-type]
    pixel = Detector(detector.unet, detector.scheduler, config)
    return [maps["pixel"] for maps in pixel.raw_maps(images)]


def judge(
    maps: list[np.ndarray],
    halves: np.ndarray,
    clean: np.ndarray,
    masks: list[np.ndarray],
    blur: float,
) -> tuple[float, float, float]:
    """Image AUROC, pixel AUROC and AUPRO of the mean over scales, the halves swapped."""
    smooth = [gaussian_filter(m, (0, blur, blur), mode="nearest") for m in maps]
    scores: list[float] = []
    labels: list[bool] = []
    curves = PixelCurves()
    for half in (0, 1):
        fit = [m for m, h, c in zip(smooth, halves, clean, strict=True) if h == half and c]
        means, stds = (np.array(v)[:, None, None] for v in scale_statistics(fit))
        for m, h, c, mask in zip(smooth, halves, clean, masks, strict=True):
            if h == half:
                continue
            fused = ((m - means) / stds).mean(0)
            scores.append(float(fused.max()))
            labels.append(not c)
            curves.add(fused.astype(np.float32), mask)
    pixel = curves.result()
    image = image_metrics(scores, labels)["image_auroc"]
    return float(image or 0), float(pixel["pixel_auroc"] or 0), float(pixel["aupro"] or 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--images", type=int, default=24)
    args = parser.parse_args()
    detector = Detector.load(args.checkpoint)
    rng = np.random.default_rng(0)
    images, masks, clean, halves = [], [], [], []
    for index, path in enumerate(unseen_normals(detector, args.data)[: args.images]):
        pixels = load_image(path).pixels
        shape = model_shape(pixels.shape, detector.config.size, 8)
        images.append(pixels)
        masks.append(np.zeros(shape, bool))
        for kind in KINDS:
            painted, mask = paint_defect(pixels, kind, rng)
            rows = np.arange(shape[0]) * mask.shape[0] // shape[0]
            cols = np.arange(shape[1]) * mask.shape[1] // shape[1]
            images.append(painted)
            masks.append(mask[rows][:, cols])
        clean += [True, *[False] * len(KINDS)]
        halves += [index % 2] * (1 + len(KINDS))
    known = (np.array(halves), np.array(clean), masks)

    def show(label: str, maps: list[np.ndarray], blur: float = 2.0) -> None:
        print(f"{label:34s}" + "".join(f"{v:8.3f}" for v in judge(maps, *known, blur)), flush=True)

    print(f"{len(images)} images; image AUROC, pixel AUROC, AUPRO")
    every = raw(detector, images, timesteps=TIMESTEPS, draws=2)
    for t_set in SETS:
        pick = [TIMESTEPS.index(t) for t in t_set]
        show("t = " + ",".join(map(str, t_set)), [m[pick] for m in every])
    chosen = ScoreConfig().timesteps
    maps = raw(detector, images, timesteps=chosen)
    for blur in (0.0, 1.0, 2.0, 3.0, 4.0):
        show(f"default t, blur {blur:g}", maps, blur)
    for draws in (1, 2, 4):
        show(f"default t, {draws} draws", raw(detector, images, timesteps=chosen, draws=draws))
    for jump in (1, 10, 20):
        show(f"default t, jump {jump}", raw(detector, images, timesteps=chosen, jump=jump))


if __name__ == "__main__":
    main()
