"""Distil the bundled feature extractor from a pretrained one, on pictures free to use.

    python -m benchmarks.distill TEACHER --out DIR --minutes 60

TEACHER is a local ResNet backbone directory (see ddad/features.py). The student has its
architecture and learns, from random weights, to predict its features at every stage (mean squared
error in units of the stage's mean variance, the scale at which features are scored; the
patch-description idea of EfficientAD, Batzner et al. 2024). For the first part of the
time each stage is given the teacher's features of the stage before, so that all learn at once;
then its own. Pictures: the photographs that come with scikit-image and scikit-learn, and
procedural textures and parts; none of the defect data sets. The same command resumes.
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
from torch import Tensor, nn
from torch.nn.functional import interpolate, mse_loss
from transformers import AutoBackbone, AutoConfig

from ddad.diffusion.extractor import IMAGENET, Extractor
from ddad.model.allocator import keep_freed_memory
from ddad.training.synthetic import KINDS, paint_defect

PHOTOGRAPHS = (
    *("astronaut", "brick", "camera", "cell", "chelsea", "coffee", "coins", "colorwheel"),
    *("grass", "gravel", "horse", "hubble_deep_field", "immunohistochemistry", "moon", "page"),
    *("retina", "rocket", "text", "stereo_motorcycle"),
)
CROP, BATCH, TEXTURES = 128, 24, 600
FORCED = 0.6
"""Share of the time in which every stage sees the teacher's features of the stage before."""


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


def texture(rng: np.random.Generator, side: int = 2 * CROP) -> np.ndarray:
    """A procedural texture: waves and noise of random scale and colour, with or without parts."""
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


def crop(photos: list[np.ndarray], rng: np.random.Generator, size: int = CROP) -> Tensor:
    """A random view (3, size, size) in [-1, 1]: zoomed, mirrored, recoloured, perhaps spoiled."""
    picture = photos[rng.integers(len(photos))]
    height, width = picture.shape[:2]
    side = int(min(height, width, size * np.exp(rng.uniform(np.log(0.7), np.log(3)))))
    top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
    view = picture[top : top + side, left : left + side]
    if rng.random() < 0.2:
        with contextlib.suppress(ValueError):  # nothing visible could be painted here
            view, _ = paint_defect(view, KINDS[rng.integers(len(KINDS))], rng)
    view = np.rot90(view, rng.integers(4))
    view = view[:, ::-1] if rng.random() < 0.5 else view
    image = torch.from_numpy(np.ascontiguousarray(view)).permute(2, 0, 1).float()[None] / 255
    image = interpolate(image, (size, size), mode="bilinear", antialias=True)[0]
    image = image ** float(np.exp(rng.normal(0, 0.3)))
    if rng.random() < 0.3:
        image = image.mean(0, keepdim=True).expand(3, -1, -1)
    gains = torch.from_numpy(np.exp(rng.normal(0, 0.15, 3))).float()[:, None, None]
    image = image * gains + float(rng.normal(0, 0.05))
    return image.clamp(0, 1) * 2 - 1


def views(sources: list[list[np.ndarray]], step: int) -> Tensor:
    """The batch of a step; depends on the step alone."""
    rng = np.random.default_rng((7, step % 2**32))
    return torch.stack([crop(sources[rng.random() < 0.3], rng) for _ in range(BATCH)])


def stages(model: nn.Module, x: Tensor, given: list[Tensor] | None = None) -> list[Tensor]:
    """Maps (B, C, h, w) of every stage of a ResNet; stage k from given[k - 1] if there is such."""
    mean, std = (torch.tensor(v)[:, None, None] for v in IMAGENET)
    with torch.autocast("cpu", torch.bfloat16):
        state = model.embedder((x / 2 + 0.5 - mean) / std)
        maps: list[Tensor] = []
        for index, stage in enumerate(model.encoder.stages):
            state = stage(given[index - 1] if given and index else state)
            maps.append(state)
    return [m.float() for m in maps]


def start_at(student: nn.Module, wanted: list[Tensor]) -> None:
    """Scale the student's first outputs to the size of the teacher's."""
    sizes = [float(w.square().mean().sqrt()) for w in wanted]
    with torch.no_grad():
        student.embedder.embedder.normalization.weight *= sizes[0]
        for stage, size in zip(student.encoder.stages, sizes, strict=True):
            for layer in stage.layers:
                layer.layer[-1].normalization.weight *= 0.3 * size
                if hasattr(layer.shortcut, "normalization"):
                    layer.shortcut.normalization.weight *= size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("teacher", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--lr", type=float, default=2e-3)
    args = parser.parse_args()
    keep_freed_memory(all_of_it=True)
    rng = np.random.default_rng(0)
    sources = [pictures(), [texture(rng) for _ in range(TEXTURES)]]
    teacher = Extractor.load(args.teacher).model
    torch.manual_seed(0)
    student = AutoBackbone.from_config(AutoConfig.from_pretrained(args.teacher)).train()
    scales = [p for p in student.parameters() if p.ndim == 1]
    filters = [p for p in student.parameters() if p.ndim > 1]
    groups = [{"params": filters, "rate": 1.0}, {"params": scales, "rate": 5.0}]
    optimizer = torch.optim.AdamW(groups, args.lr, weight_decay=1e-4)
    args.out.mkdir(parents=True, exist_ok=True)
    state, step, seconds = args.out / "state.safetensors", 0, 0.0
    with torch.no_grad():
        sample = [
            torch.cat(s)
            for s in zip(*(stages(teacher, views(sources, -1 - k)) for k in range(8)), strict=True)
        ]
    variances = [s.var((0, 2, 3)).mean() for s in sample]
    start_at(student, sample)
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
            warm = min(1, (step + 1) / 50)
            group["lr"] = args.lr * group["rate"] * warm * (1 + math.cos(math.pi * done)) / 2
        x = views(sources, step)
        with torch.no_grad():
            wanted = stages(teacher, x)
        found = stages(student, x, wanted if done < FORCED else None)
        pairs = zip(found, wanted, variances, strict=True)
        parts = [mse_loss(f, w) / variance for f, w, variance in pairs]
        loss = torch.stack(parts).sum()
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
            saved = clock
    # Half precision halves the file; features change by less than a thousandth of their size.
    Extractor(student.half(), "distilled").save(args.out)
    print(
        f"{step} steps, {seconds / 60:.1f} minutes" + f", {np.mean(tally[-200:]):.4f}" * bool(tally)
    )


if __name__ == "__main__":
    main()
