"""Distil the bundled feature extractor from a pretrained one, on pictures free to use.

    python -m benchmarks.distill TEACHER --out DIR --minutes 60

TEACHER is a local backbone directory (see ddad/features.py). The student has its architecture and
learns, from random weights, to predict its features at every stage (mean squared error per channel
in units of the channel's standard deviation; the patch-description idea of EfficientAD, Batzner et
al. 2024). Pictures: the photographs that come with scikit-image and scikit-learn, and procedural
textures and parts; none of the defect data sets. The same command resumes.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import time
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from scipy.ndimage import gaussian_filter
from skimage import data as photographs
from sklearn.datasets import load_sample_images
from torch import Tensor
from torch.nn.functional import interpolate, mse_loss
from transformers import AutoBackbone, AutoConfig

from ddad.features import Extractor
from ddad.runtime import keep_freed_memory
from ddad.synthetic import KINDS, paint_defect

PHOTOGRAPHS = (
    *("astronaut", "brick", "camera", "cell", "chelsea", "coffee", "coins", "colorwheel"),
    *("grass", "gravel", "horse", "hubble_deep_field", "immunohistochemistry", "moon", "page"),
    *("retina", "rocket", "text", "stereo_motorcycle"),
)
CROP, BATCH = 128, 24


def pictures() -> list[np.ndarray]:
    """Every photograph as uint8 (H, W, 3), at least CROP pixels a side."""
    found: list[np.ndarray] = list(load_sample_images().images)
    for name in PHOTOGRAPHS:
        loaded = getattr(photographs, name)()
        found += list(loaded[:2]) if isinstance(loaded, tuple) else [loaded]
    result = []
    for picture in found:
        picture = np.asarray(picture)
        if picture.dtype == bool:
            picture = picture.astype(np.uint8) * 255
        picture = np.repeat(picture[..., None], 3, 2) if picture.ndim == 2 else picture[..., :3]
        if min(picture.shape[:2]) >= CROP:
            result.append(np.ascontiguousarray(picture))
    return result


def texture(rng: np.random.Generator) -> np.ndarray:
    """A procedural texture: waves and noise of random scale and colour, with or without parts."""
    side = 2 * CROP
    y, x = np.mgrid[:side, :side]
    layers = []
    for _ in range(rng.integers(1, 4)):
        if rng.random() < 0.5:
            angle, period = rng.uniform(0, np.pi), np.exp(rng.uniform(1, 4))
            wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)
            layers.append(np.sign(wave) if rng.random() < 0.3 else wave)
        else:
            noise = gaussian_filter(rng.normal(size=(side, side)), np.exp(rng.uniform(-1, 3)))
            layers.append(noise / noise.std())
    grey = sum(rng.normal() * layer for layer in layers)
    colour = rng.uniform(30, 225, 3) + grey[..., None] * rng.uniform(5, 60) * rng.uniform(0, 1, 3)
    for _ in range(rng.integers(0, 6)):  # round and square parts of one colour
        cy, cx = rng.uniform(0, side, 2)
        radius, power = np.exp(rng.uniform(1.5, 4.3)), rng.choice([1, 2, 8])
        inside = np.abs((y - cy) / radius) ** power + np.abs((x - cx) / radius) ** power < 1
        edge = gaussian_filter(inside.astype(float), rng.uniform(0.3, 2))[..., None]
        colour += (rng.uniform(0, 255, 3) - colour) * edge * rng.uniform(0.3, 1)
    colour += rng.normal(0, rng.uniform(0, 8), colour.shape)
    return np.asarray(colour.clip(0, 255).astype(np.uint8))


def crop(photos: list[np.ndarray], rng: np.random.Generator) -> Tensor:
    """A random view (3, CROP, CROP) in [-1, 1]: zoomed, mirrored, recoloured, perhaps spoiled."""
    picture = texture(rng) if rng.random() < 0.25 else photos[rng.integers(len(photos))]
    height, width = picture.shape[:2]
    side = int(min(height, width, CROP * np.exp(rng.uniform(np.log(0.7), np.log(3)))))
    top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
    view = picture[top : top + side, left : left + side]
    if rng.random() < 0.2:
        with contextlib.suppress(ValueError):  # nothing visible could be painted here
            view, _ = paint_defect(view, KINDS[rng.integers(len(KINDS))], rng)
    view = np.rot90(view, rng.integers(4))
    view = view[:, ::-1] if rng.random() < 0.5 else view
    image = torch.from_numpy(np.ascontiguousarray(view)).permute(2, 0, 1).float()[None] / 255
    image = interpolate(image, (CROP, CROP), mode="bilinear", antialias=True)[0]
    image = image ** float(np.exp(rng.normal(0, 0.3)))
    if rng.random() < 0.3:
        image = image.mean(0, keepdim=True).expand(3, -1, -1)
    gains = torch.from_numpy(np.exp(rng.normal(0, 0.15, 3))).float()[:, None, None]
    image = image * gains + float(rng.normal(0, 0.05))
    return image.clamp(0, 1) * 2 - 1


def views(photos: list[np.ndarray], step: int) -> Tensor:
    """The batch of a step; depends on the step alone."""
    rng = np.random.default_rng((7, step % 2**32))
    return torch.stack([crop(photos, rng) for _ in range(BATCH)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("teacher", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--lr", type=float, default=2e-3)
    args = parser.parse_args()
    keep_freed_memory()
    photos = pictures()
    teacher = Extractor.load(args.teacher)
    torch.manual_seed(0)
    student = AutoBackbone.from_config(AutoConfig.from_pretrained(args.teacher))
    extractor = Extractor(student, "distilled").train()
    optimizer = torch.optim.AdamW(student.parameters(), args.lr, weight_decay=1e-4)
    args.out.mkdir(parents=True, exist_ok=True)
    state, step, seconds = args.out / "state.safetensors", 0, 0.0

    @torch.no_grad()
    def targets(x: Tensor) -> list[Tensor]:
        return teacher.stages(x)

    sample = [targets(views(photos, -1 - k)) for k in range(4)]
    means = [torch.cat(s).mean((0, 2, 3), keepdim=True) for s in zip(*sample, strict=True)]
    stds = [
        torch.cat(s).std((0, 2, 3), keepdim=True).clamp(min=1e-3) for s in zip(*sample, strict=True)
    ]
    if state.exists():
        tensors = load_file(state)
        student.load_state_dict(
            {k[6:]: v for k, v in tensors.items() if k.startswith("model.")}, strict=True
        )
        for name, weight in student.named_parameters():
            optimizer.state[weight] = {
                k: tensors[f"adam.{k}.{name}"] for k in ("step", "exp_avg", "exp_avg_sq")
            }
        with safe_open(state, "pt") as file:
            header = file.metadata()
        step, seconds = int(header["step"]), float(header["seconds"])
    clock = saved = time.monotonic()
    tally: list[float] = []
    while seconds < 60 * args.minutes:
        done = seconds / (60 * args.minutes)
        for group in optimizer.param_groups:
            group["lr"] = args.lr * min(1, (step + 1) / 200) * (1 + math.cos(math.pi * done)) / 2
        x = views(photos, step)
        wanted = targets(x)
        with torch.autocast("cpu", torch.bfloat16):
            found = extractor.stages(x)
        parts = [
            mse_loss((f.float() - m) / s, (w - m) / s)
            for f, w, m, s in zip(found, wanted, means, stds, strict=True)
        ]
        loss = sum(parts)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        seconds, clock = seconds + time.monotonic() - clock, time.monotonic()
        tally.append(float(parts[-1].detach()))
        if step % 50 == 0:
            text = " ".join(f"{float(p.detach()):.3f}" for p in parts)
            print(f"step {step} {seconds / 60:.1f} min: {text}", flush=True)
        if clock - saved > 120 or seconds >= 60 * args.minutes:
            tensors = {f"model.{k}": v.clone() for k, v in student.state_dict().items()}
            for name, weight in student.named_parameters():
                tensors |= {f"adam.{k}.{name}": v for k, v in optimizer.state[weight].items()}
            save_file(
                tensors, state.with_suffix(".part"), {"step": str(step), "seconds": repr(seconds)}
            )
            os.replace(state.with_suffix(".part"), state)
            extractor.save(args.out)
            saved = clock
    print(f"{step} steps, {seconds / 60:.1f} minutes, last stage {np.mean(tally[-200:]):.4f}")


if __name__ == "__main__":
    main()
