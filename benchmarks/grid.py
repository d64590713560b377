"""A U-Net on the feature grid, kept from seeing the defect by noise that differs by place.

    python -m benchmarks.grid FOLDER... [--minutes 5] [--out runs/grid]

Blocks of the grid are noised heavily, the places around them lightly; the network says of the
blocks what their clean features were and how sure it is (mean by L_mse, log-variance by the
Gaussian likelihood with the mean detached, as L_mse + L_vlb train eps and v). In four passes every
place was once in such a block. The score is the KL of the block's step, alone and fused with the
closed form. FOLDERs are data sets, of which four fifths of the normals are fitted to and the rest
levels; of mtd every fourth test image is judged.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DModel
from torch import Tensor
from torch.nn.functional import pad

from benchmarks.accuracy import COLUMNS
from benchmarks.closed_form import THIN, Choice, Set
from ddad.diffusion.precision import bf16_is_fast
from ddad.model.allocator import keep_freed_memory
from ddad.score.noise import seeded_generator

WIDTH = 96
"""Directions of the features that the network sees: those that vary most beside the residuals."""
HIGH, LOW, LEFT = 10.0, 0.1, 0.3
"""Noise ratios in the blocks and around them, and the share that the step leaves."""
BLOCK = 5
"""Cells a side of the blocks that are judged."""


class Grid:
    """Features of one set in few directions, in units of the closed form's residuals."""

    def __init__(self, one: Set) -> None:
        fitted = one.fitted(Choice("plain", around=0)).mixture
        self.one, self.mixture = one, fitted
        centres = fitted.rotated / (fitted.variances + 1).sqrt()
        _, _, directions = torch.linalg.svd(centres - centres.mean(0), full_matrices=False)
        self.directions = directions[:WIDTH].T
        seen = torch.cat([self.of(kept).flatten(1).T for kept in one.part[::4]])
        self.mean, self.scale = seen.mean(0), seen.var(0).mean().sqrt()

    def of(self, kept: np.ndarray) -> Tensor:
        """(WIDTH, h, w)."""
        laid = self.one.vectors(kept, 0)
        z = (laid.flatten(1).T - self.mixture.mean) / self.mixture.scale @ self.mixture.basis
        z = z / (self.mixture.variances + 1).sqrt() @ self.directions
        if hasattr(self, "scale"):
            z = (z - self.mean) / self.scale
        return z.T.reshape(-1, *laid.shape[1:])


def blocks(shape: tuple[int, int], rng: np.random.Generator) -> Tensor:
    """Where noise is high, (h, w): rectangles over about a third of the grid."""
    where = torch.zeros(shape, dtype=torch.bool)
    while float(where.float().mean()) < 0.25:
        height, width = rng.integers(3, 12, 2)
        top, left = rng.integers(0, shape[0]), rng.integers(0, shape[1])
        where[top : top + height, left : left + width] = True
    return where


def denoised(unet: UNet2DModel, z: Tensor, where: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log-variance (B, WIDTH, h, w) of clean z under noise that `where` (B, h, w) sets."""
    noise = torch.where(where, HIGH, LOW)[:, None]
    y = (z + noise.sqrt() * eps) / (1 + noise).sqrt()
    x = torch.cat([y, where[:, None].float()], 1)
    height, width = x.shape[2:]
    x = pad(x, (0, -width % 4, 0, -height % 4), mode="replicate")
    out = unet(x, torch.zeros(len(x))).sample[..., :height, :width]
    mean, log_var = out.float().chunk(2, 1)
    return mean, log_var.clamp(-6, 4)


def trained(grid: Grid, minutes: float) -> tuple[UNet2DModel, int]:
    """The network, averaged over its last steps, and how many there were."""
    torch.manual_seed(0)
    unet = UNet2DModel(
        **{"in_channels": WIDTH + 1, "out_channels": 2 * WIDTH, "layers_per_block": 1},
        **{"block_out_channels": (96, 128, 160), "norm_num_groups": 8, "attention_head_dim": 8},
        down_block_types=("DownBlock2D",) * 3,
        up_block_types=("UpBlock2D",) * 3,
    )
    pictures = [grid.of(kept).half() for kept in grid.one.part]
    height, width = (min(p.shape[side] for p in pictures) // 4 * 4 for side in (1, 2))
    shape = height, width
    average = torch.optim.swa_utils.AveragedModel(
        unet, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.99)
    )
    optimizer = torch.optim.AdamW(unet.parameters(), 1e-3)
    begin, step = time.monotonic(), 0
    while (done := (time.monotonic() - begin) / (60 * minutes)) < 1:
        rng = np.random.default_rng((1, step))
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * min(1, (step + 1) / 50) * (1 + np.cos(np.pi * done)) / 2
        z = torch.stack([window(pictures, shape, rng) for _ in range(8)])
        where = torch.stack([blocks(shape, rng) for _ in z])
        eps = torch.from_numpy(rng.standard_normal(z.shape, np.float32))
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16_is_fast(torch.device("cpu"))):
            mean, log_var = denoised(unet, z, where, eps)
        error = (mean - z).square()
        bound = (error.detach() / log_var.exp() + log_var) / 2
        loss = ((error + 0.1 * bound) * where[:, None]).sum() / (where.sum() * WIDTH)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        average.update_parameters(unet)
        step += 1
    return average.module.eval(), step


def window(pictures: list[Tensor], shape: tuple[int, int], rng: np.random.Generator) -> Tensor:
    picture = pictures[rng.integers(len(pictures))].float()
    top, left = (rng.integers(0, picture.shape[1 + i] - shape[i] + 1) for i in (0, 1))
    return picture[:, top : top + shape[0], left : left + shape[1]]


@torch.inference_mode()
def kl_map(unet: UNet2DModel, z: Tensor) -> np.ndarray:
    """(1, h, w), nats: every place judged in the pass in which it was noised heavily."""
    height, width = z.shape[1:]
    rows, columns = torch.arange(height) // BLOCK % 2, torch.arange(width) // BLOCK % 2
    phases = rows[:, None] * 2 + columns
    where = torch.stack([phases == number for number in range(4)])
    step, found = LEFT * HIGH / (1 - LEFT), torch.zeros(height, width)
    every = z[None].expand(4, -1, -1, -1)
    for sign in (1, -1):
        eps = torch.randn(every.shape, generator=seeded_generator(0)) * sign
        mean, log_var = denoised(unet, every, where, eps)
        variance = log_var.exp()
        error = (step + (every - mean).square()) / (step + variance) - 1
        kl = (torch.log1p(variance / step) + error).sum(1) / 2
        found += kl.gather(0, phases[None])[0] / 2
    return found[None].numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--out", type=Path, default=Path("runs/grid"))
    args = parser.parse_args()
    keep_freed_memory(all_of_it=True)
    print("| set, score | " + " | ".join(c.replace("_", " ") for c in COLUMNS) + " |")
    print("|---" * (1 + len(COLUMNS)) + "|")
    for folder in args.folders:
        one = Set(folder, args.out, thin=THIN.get(folder.name, 1))
        grid = Grid(one)
        unet, steps = trained(grid, args.minutes)
        levels, judged = one.closed_form(Choice("default"))
        for maps, kept in ((levels, one.levels), (judged, one.judged)):
            for each, features in zip(maps, kept, strict=True):
                each["grid"] = kl_map(unet, grid.of(features))
        for share in (1.0, 0.0, 0.1, 0.2, 0.3, 0.5):
            weights = {"feature": 1 - share, "grid": share}
            metrics = one.judge(levels, judged, {b: w for b, w in weights.items() if w})
            name = f"{'/'.join(folder.parts[-2:])}, {share:g} of the grid's KL, {steps} steps"
            cells = [f"{metrics[column]:.3f}" for column in COLUMNS]
            kinds = metrics["per_defect"]
            cells[0] += (
                " (" + ", ".join(f"{k} {v['image_auroc']:.2f}" for k, v in kinds.items()) + ")"
            )
            print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
