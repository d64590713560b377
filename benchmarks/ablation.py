"""What each choice of the score brings, on held-out normals with painted defects only.

    python -m benchmarks.ablation DATA --checkpoint DIR [--extractor BACKBONE]

DIR holds a pixel branch. Takes the normal images it was not trained on, paints one synthetic defect
of each kind on each, and prints image AUROC, pixel AUROC, AP and AUPRO of each choice: branches,
weights, KL or reconstruction, noise scales, draws, jumps, smoothing. No test image is read.
Half of the normals give the statistics that the other half, clean and painted, is scored with; then
the halves change places. With --extractor the feature branch is fitted to the images the pixel
branch was trained on.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from ddad.commands.options import unseen_normals
from ddad.data import datasets as data
from ddad.diffusion.extractor import Extractor
from ddad.images.decode import load_image
from ddad.images.geometry import model_shape, to_image, to_model
from ddad.measure.metrics import Evaluation
from ddad.model.detector import Detector
from ddad.score.config import ScoreConfig
from ddad.score.levels import border_factors, levels, moments
from ddad.score.noise import scale_noise
from ddad.training.fit import Vectors
from ddad.training.synthetic import KINDS, paint_defect

TIMESTEPS = (5, 10, 20, 35, 50, 75, 100, 150, 200, 300, 400)
SETS = (
    *((5,), (20,), (50,), (100,), (200,), (20, 100), (20, 50, 100), (20, 50, 100, 200)),
    *((50, 100, 200), (20, 50, 100, 200, 300), (5, 10, 20, 50, 100, 200, 300, 400)),
)
WEIGHTS = (0.05, 0.1, 0.2, 0.3, 0.5)
COLUMNS = ("image_auroc", "pixel_auroc", "pixel_ap", "aupro")
Maps = list[np.ndarray]


@dataclass(frozen=True)
class Painted:
    """Normals and what was painted on them, with masks at the pixel model's size."""

    images: list[np.ndarray]
    masks: list[np.ndarray]
    clean: list[bool]
    halves: list[int]

    @classmethod
    def of(cls, normals: list[np.ndarray], size: int) -> Painted:
        rng = np.random.default_rng(0)
        made = cls([], [], [], [])
        for index, pixels in enumerate(normals):
            shape = model_shape(pixels.shape, size, 8)
            blank = np.zeros(pixels.shape[:2], bool)
            for image, mask in [(pixels, blank), *(paint_defect(pixels, k, rng) for k in KINDS)]:
                rows = np.arange(shape[0]) * mask.shape[0] // shape[0]
                columns = np.arange(shape[1]) * mask.shape[1] // shape[1]
                made.images.append(image)
                made.masks.append(mask[rows][:, columns])
                made.clean.append(mask is blank)
                made.halves.append(index % 2)
        return made

    def standardise(self, maps: Maps, blur: float) -> Maps:
        """Mean over scales of z-scores against the other half's clean images, at mask size."""
        smooth = [gaussian_filter(m, (0, blur, blur), mode="nearest") for m in maps]
        fused: Maps = [np.empty(0)] * len(maps)
        for half in (0, 1):
            known = zip(smooth, self.halves, self.clean, strict=True)
            fit = [m for m, h, c in known if h != half and c]
            found = levels(np.sum([moments(m) for m in fit], 0), len(fit))
            means, stds = (np.array(v)[:, None, None] for v in found[:2])
            for index, h in enumerate(self.halves):
                if h == half:
                    m = smooth[index] / border_factors(found[2], *smooth[index].shape[1:])
                    z = torch.from_numpy(((m - means) / stds).mean(0, keepdims=True)).float()
                    fused[index] = to_image(z, *self.masks[index].shape)[0].numpy()
        return fused

    def show(self, label: str, fused: Maps) -> None:
        evaluation = Evaluation()
        for m, mask, clean in zip(fused, self.masks, self.clean, strict=True):
            evaluation.add(float(m.max()), m, mask, "good" if clean else "painted")
        found = evaluation.result()
        print(f"| {label} | " + " | ".join(f"{found[c]:.3f}" for c in COLUMNS) + " |", flush=True)


def pixel(detector: Detector, images: list[np.ndarray], **changes: object) -> Maps:
    config = replace(detector.config, blur=0.0, **changes)  # type: ignore[arg-type]
    other = Detector(detector.unet, detector.scheduler, config)
    return [maps["pixel"] for maps in other.maps(images)]


@torch.inference_mode()
def one_step(detector: Detector, image: np.ndarray, timesteps: tuple[int, ...]) -> np.ndarray:
    """Squared error of the clean image predicted in one step, mean over a pair of draws."""
    config = replace(detector.config, draws=2)
    x0 = to_model(image, model_shape(image.shape, config.size, 8))[None]
    found = []
    for t in timesteps:
        step = torch.full((2,), t)
        x_t = detector.scheduler.q_sample(
            x0.expand(2, -1, -1, -1), step, scale_noise(config, t, x0.shape[1:])
        )
        _, x0_hat = detector.scheduler.p_posterior(_out(detector, x_t, t), x_t, step, clip=True)
        found.append((x0_hat - x0).square().sum(1).mean(0))
    return torch.stack(found).numpy()


@torch.inference_mode()
def many_steps(detector: Detector, image: np.ndarray, t: int, steps: int) -> np.ndarray:
    """Squared error after noising to t and as many DDIM steps back (eta 0)."""
    x0 = to_model(image, model_shape(image.shape, detector.config.size, 8))[None]
    tables = detector.scheduler.tables.float()
    x = detector.scheduler.q_sample(
        x0, torch.tensor([t]), scale_noise(detector.config, t, x0.shape[1:])[:1]
    )
    times = [round(t * (steps - k) / steps) for k in range(steps)] + [-1]
    for now, then in zip(times[:-1], times[1:], strict=True):
        eps = _out(detector, x, now).chunk(2, 1)[0]
        clean = ((x - (1 - tables[now + 1]).sqrt() * eps) / tables[now + 1].sqrt()).clamp(-1, 1)
        x = tables[then + 1].sqrt() * clean + (1 - tables[then + 1]).sqrt() * eps
    return (x - x0).square().sum(1).numpy()


def _out(detector: Detector, x: Tensor, t: int) -> Tensor:
    assert detector.unet is not None
    found: Tensor = detector.unet(x, torch.full((len(x),), t)).sample
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--extractor", type=Path)
    parser.add_argument("--images", type=int, default=24)
    args = parser.parse_args()
    detector = Detector.load(args.checkpoint)
    unseen = unseen_normals(detector, args.data)
    size = detector.config.size
    painted = Painted.of([load_image(p).pixels for p in unseen[: args.images]], size)
    images, show = painted.images, painted.show
    print(f"| {args.data.name}: {len(images)} images | " + " | ".join(COLUMNS) + " |")
    print("|---" * (1 + len(COLUMNS)) + "|")
    default = ScoreConfig()
    maps = pixel(detector, images, timesteps=default.timesteps)
    whole = painted.standardise(maps, default.blur)
    show("pixel branch (KL)", whole)
    if args.extractor is not None:
        taken = set(unseen)
        normals = [s for s in data.read(args.data) if s.split == "train" and s.path not in taken]
        seen = [load_image(s.path).pixels for s in normals]
        features = Vectors.of(seen, Extractor.load(args.extractor), default).fit()
        branch = Detector(None, detector.scheduler, default, features=features)
        found = [m["feature"] for m in branch.maps(images)]
        fused = painted.standardise(found, 0.0)
        show("feature branch", fused)
        for w in WEIGHTS:
            both = [w * p + (1 - w) * f for p, f in zip(whole, fused, strict=True)]
            show(f"both, pixel weight {w:g}", both)
    errors = [one_step(detector, image, default.timesteps) for image in images]
    show("one-step x0 error, same t and draws", painted.standardise(errors, default.blur))
    for t in (100, 200, 400):
        errors = [many_steps(detector, image, t, 8) for image in images]
        show(f"8 steps back from t = {t}", painted.standardise(errors, default.blur))
    every = pixel(detector, images, timesteps=TIMESTEPS)
    for t_set in SETS:
        pick = [TIMESTEPS.index(t) for t in t_set]
        label = "t = " + ",".join(map(str, t_set))
        show(label, painted.standardise([m[pick] for m in every], default.blur))
    for blur in (0.0, 1.0, 2.0, 3.0, 4.0):
        show(f"default t, blur {blur:g}", painted.standardise(maps, blur))
    for changes in ({"draws": 1}, {"draws": 4}, {"jump": 10}, {"jump": 20}):
        ((key, value),) = changes.items()
        other = pixel(detector, images, timesteps=default.timesteps, **changes)
        show(f"default t, {key} {value}", painted.standardise(other, default.blur))


if __name__ == "__main__":
    main()
