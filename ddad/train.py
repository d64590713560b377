"""Train the denoiser on normal images: one resumable loop on accelerate.

Every random choice of a step comes from (seed, step) alone and no generator outlives its step, so
an interrupted run that goes on equals one that was never interrupted, bit for bit on a CPU.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from diffusers import UNet2DModel
from torch import Tensor

from ddad.data import DatasetError, Sample
from ddad.diffusion import PosteriorDDPMScheduler, hybrid_loss, linear_chain
from ddad.geometry import model_shape, to_model
from ddad.images import load_image
from ddad.networks import UNetConfig
from ddad.run import Run, TrainConfig, claim, cut_log, stop_flag
from ddad.runtime import bf16_is_fast, pick_device
from ddad.scoring import seeded_generator


def train(
    samples: Sequence[Sample],
    held_out: Sequence[Sample],
    out: Path,
    config: TrainConfig,
    *,
    on_log: Callable[[dict[str, float]], None] = lambda row: None,
) -> tuple[UNet2DModel, PosteriorDDPMScheduler, dict[str, Any]]:
    """Train, or go on where `out` left off; returns the averaged network, scheduler and a record.

    `out` receives run.json, log.jsonl and state.safetensors. The first Ctrl-C ends the step in
    hand, saves and raises KeyboardInterrupt. Raises DatasetError for images that cannot be used,
    ValueError where `out` holds a run of other images or settings.
    """
    accelerator = Accelerator(mixed_precision=_precision(config), cpu=not torch.cuda.is_available())
    stride = UNetConfig(config.channels, config.layers).stride
    images = load_normals(samples, config.size, stride)
    held = load_normals(held_out, config.size, stride)
    window = crop_window(images, config.crop, stride)
    record = claim(out, config, images, held, accelerator.is_main_process)

    scheduler = linear_chain()
    run = Run.begin(config, window, accelerator.device)
    state = out / "state.safetensors"
    if state.exists():
        run.restore(state)
    cut_log(out / "log.jsonl", run.step)
    model, optimizer = accelerator.prepare(run.unet, run.optimizer)
    mine = slice(accelerator.process_index, None, accelerator.num_processes)
    tally = _Tally(run.step, run.seconds)
    saved = clock = time.monotonic()
    with stop_flag() as stopped:
        while (done := run.fraction(config)) < 1 and not stopped.is_set():
            batch = draw_batch(images, window, config, run.step, scheduler.steps)
            x0, t, eps = (v[mine].to(accelerator.device) for v in batch)
            x_t = scheduler.q_sample(x0, t, eps)
            for group in optimizer.param_groups:
                group["lr"] = config.lr * _lr_factor(run.step, done, config.warmup)
            out_t = model(x_t, t).sample.float()
            mse, vlb = hybrid_loss(scheduler, out_t, x0, x_t, t, eps, vlb_weight=config.vlb_weight)
            accelerator.backward((mse + vlb).mean())
            accelerator.clip_grad_norm_(model.parameters(), config.clip)
            optimizer.step()
            optimizer.zero_grad()
            run.ema.step(run.unet.parameters())
            run.step += 1
            run.seconds, clock = run.seconds + time.monotonic() - clock, time.monotonic()
            tally.add(mse, vlb)
            last = run.fraction(config) >= 1 or stopped.is_set()
            if not last and run.step % 10:
                continue
            row = tally.row(run, config)
            if last or clock - saved > config.save_every:
                row |= held_out_loss(run, scheduler, held, window, config)
                if accelerator.is_main_process:
                    run.save(state)
                saved = clock = time.monotonic()
            if accelerator.is_main_process:
                with (out / "log.jsonl").open("a") as log:
                    log.write(json.dumps(row) + "\n")
            on_log(row)
    if run.fraction(config) < 1:
        raise KeyboardInterrupt
    run.ema.copy_to(run.unet.parameters())
    return run.unet, scheduler, record | {"steps": run.step, "seconds": round(run.seconds, 1)}


def load_normals(samples: Sequence[Sample], size: int, stride: int) -> list[Tensor]:
    """Images at model size as uint8 (3, h, w): what training keeps in memory."""
    images = []
    for sample in samples:
        pixels = load_image(sample.path).pixels
        resized = to_model(pixels, model_shape(pixels.shape, size, stride))
        images.append(((resized + 1) * 127.5).round().byte())
    return images


def crop_window(images: Sequence[Tensor], crop: int, stride: int) -> tuple[int, int]:
    """(h, w) of the training windows: `crop` squared, or the largest that fits every image.

    Raises DatasetError where an image is smaller than the crop.
    """
    height, width = (min(image.shape[axis] for image in images) for axis in (1, 2))
    if not crop:
        return height, width
    if crop % stride or crop > min(height, width):
        raise DatasetError(
            f"crop must be a multiple of {stride} and at most {min(height, width)} pixels for "
            f"these images, not {crop}"
        )
    return crop, crop


def draw_batch(
    images: Sequence[Tensor], window: tuple[int, int], config: TrainConfig, step: int, chain: int
) -> tuple[Tensor, Tensor, Tensor]:
    """x0 (B, 3, h, w), t (B,) and eps of a step; depends on (seed, step) and the images alone.

    Each epoch is a fresh permutation; t is stratified over the batch, so uniform over the chain.
    """
    generator = seeded_generator(config.seed, 1, step)
    rows = []
    for index in range(step * config.batch, (step + 1) * config.batch):
        epoch, place = divmod(index, len(images))
        order = torch.randperm(len(images), generator=seeded_generator(config.seed, 2, epoch))
        image = images[int(order[place])]
        u = torch.rand(4, generator=generator).tolist()
        top = int(u[0] * (image.shape[1] - window[0] + 1))
        left = int(u[1] * (image.shape[2] - window[1] + 1))
        image = image[:, top : top + window[0], left : left + window[1]]
        axes = [axis for axis, coin in ((1, u[2]), (2, u[3])) if config.flips and coin < 0.5]
        rows.append(image.flip(axes))
    x0 = torch.stack(rows).float() / 127.5 - 1
    strata = (torch.arange(config.batch) + torch.rand(config.batch, generator=generator)).double()
    t = (strata / config.batch * chain).long().clamp(max=chain - 1)
    return x0, t, torch.randn(x0.shape, generator=generator)


@torch.no_grad()
def held_out_loss(
    run: Run,
    scheduler: PosteriorDDPMScheduler,
    images: Sequence[Tensor],
    window: tuple[int, int],
    config: TrainConfig,
) -> dict[str, float]:
    """Both loss terms of the averaged weights on held-out normals, the noise always the same."""
    fixed = replace(config, batch=min(32, max(8, len(images))), seed=config.seed + 1)
    x0, t, eps = (
        v.to(run.unet.device) for v in draw_batch(images, window, fixed, 0, scheduler.steps)
    )
    x_t = scheduler.q_sample(x0, t, eps)
    run.ema.store(run.unet.parameters())
    run.ema.copy_to(run.unet.parameters())
    try:
        out = torch.cat(
            [run.unet(a, b).sample.float() for a, b in zip(x_t.split(8), t.split(8), strict=True)]
        )
    finally:
        run.ema.restore(run.unet.parameters())
    mse, vlb = hybrid_loss(scheduler, out, x0, x_t, t, eps, vlb_weight=config.vlb_weight)
    return {"held_out_mse": float(mse.mean()), "held_out_vlb": float(vlb.mean())}


class _Tally:
    """Sums of the losses since the last log row."""

    def __init__(self, step: int, seconds: float) -> None:
        self.step, self.seconds = step, seconds
        self.mse, self.vlb = 0.0, 0.0

    def add(self, mse: Tensor, vlb: Tensor) -> None:
        self.mse += float(mse.detach().mean())
        self.vlb += float(vlb.detach().mean())

    def row(self, run: Run, config: TrainConfig) -> dict[str, float]:
        steps = run.step - self.step
        row = {
            "step": run.step,
            "seconds": round(run.seconds, 2),
            "done": round(run.fraction(config), 5),
            "mse": self.mse / steps,
            "vlb": self.vlb / steps,
            "images_per_second": round(
                steps * config.batch / max(run.seconds - self.seconds, 1e-9), 2
            ),
        }
        self.__init__(run.step, run.seconds)  # type: ignore[misc]
        return row


def _precision(config: TrainConfig) -> str:
    if config.precision != "auto":
        return config.precision
    return "bf16" if bf16_is_fast(pick_device()) else "no"


def _lr_factor(step: int, done: float, warmup: int) -> float:
    return min(1.0, (step + 1) / max(1, warmup)) * (1 + math.cos(math.pi * done)) / 2
