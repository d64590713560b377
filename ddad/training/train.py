"""Train the denoiser on normal images: one resumable loop on accelerate.

Every random choice of a step comes from (seed, step) alone and no generator outlives its step, so
an interrupted run that goes on equals one that was never interrupted, bit for bit on a CPU.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from diffusers import UNet2DModel
from torch import Tensor

from ddad.data.datasets import Sample
from ddad.diffusion.losses import hybrid_loss
from ddad.diffusion.networks import UNetConfig
from ddad.diffusion.scheduler import PosteriorDDPMScheduler, linear_chain
from ddad.images.levels import Levels
from ddad.model.runtime import bf16_is_fast, pick_device
from ddad.training.batches import crop_window, draw_batch, load_normals
from ddad.training.journal import PAUSE, STOP, append_row, requested
from ddad.training.run import Run, TrainConfig, claim, cut_log, stop_flag


def train(
    samples: Sequence[Sample],
    held_out: Sequence[Sample],
    out: Path,
    config: TrainConfig,
    *,
    levels: Levels | None = None,
    on_log: Callable[[dict[str, float]], None] = lambda row: None,
    on_save: Callable[[UNet2DModel, PosteriorDDPMScheduler], None] = lambda unet, scheduler: None,
) -> tuple[UNet2DModel, PosteriorDDPMScheduler, dict[str, Any]]:
    """Train, or go on where `out` left off; returns the averaged network, scheduler and a record.

    `out` receives run.json, log.jsonl and state.safetensors. The first Ctrl-C or SIGTERM, or a
    file `out`/pause, ends the step in hand, saves and raises KeyboardInterrupt; a file `out`/stop
    ends the training early, for good. Under `accelerate launch` every process calls this with the
    same arguments and has its share of each batch; the callbacks are the first process's, and
    `on_save` sees the averaged network. Raises DatasetError for images that cannot be used,
    ValueError where `out` holds a run of other images or settings.
    """
    accelerator = Accelerator(mixed_precision=_precision(config), cpu=not torch.cuda.is_available())
    if config.batch % accelerator.num_processes:
        raise ValueError(
            f"the batch of {config.batch} cannot be shared evenly by "
            f"{accelerator.num_processes} processes"
        )
    stride = UNetConfig(config.channels, config.layers).stride
    images = load_normals(samples, config.size, stride, levels)
    held = load_normals(held_out, config.size, stride, levels)
    window = crop_window(images, config.crop, stride)
    record = claim(out, config, images, held, accelerator.is_main_process)

    scheduler = linear_chain()
    run = Run.begin(config, window, accelerator.device)
    if (out / "state.safetensors").exists():
        run.restore(out / "state.safetensors")
    if accelerator.is_main_process:
        cut_log(out / "log.jsonl", run.step)
    step = _Step(accelerator, run, scheduler, images, window, config)
    saved = clock = time.monotonic()
    paused = False
    with stop_flag() as stopped:
        while run.fraction(config) < 1 and not paused:
            step.take()
            run.seconds, clock = run.seconds + time.monotonic() - clock, time.monotonic()
            due = clock - saved > config.save_every
            paused, due = _agree(
                accelerator, run, stopped.is_set() or requested(out, PAUSE), due, out
            )
            last = paused or run.fraction(config) >= 1
            if not last and run.step % 10:
                continue
            row = step.row()
            if last or due:
                row |= held_out_loss(run, scheduler, held, window, config)
            if accelerator.is_main_process:
                # The row first: one that the state does not reach is cut when the run goes on.
                append_row(out / "log.jsonl", row)
            if last or due:
                if accelerator.is_main_process:
                    run.save(out / "state.safetensors")
                    with run.averaged() as unet:
                        on_save(unet, scheduler)
                saved = time.monotonic()
            if accelerator.is_main_process:
                on_log(row)
            clock = time.monotonic()
    if run.fraction(config) < 1:
        raise KeyboardInterrupt
    if run.ended:
        (out / STOP).unlink(missing_ok=True)
        record |= {"ended_early": True}
    run.ema.copy_to(run.unet.parameters())
    return run.unet, scheduler, record | {"steps": run.step, "seconds": round(run.seconds, 1)}


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
    with run.averaged() as unet:
        out = torch.cat(
            [unet(a, b).sample.float() for a, b in zip(x_t.split(8), t.split(8), strict=True)]
        )
    mse, vlb = hybrid_loss(scheduler, out, x0, x_t, t, eps, vlb_weight=config.vlb_weight)
    return {"held_out_mse": float(mse.mean()), "held_out_vlb": float(vlb.mean())}


class _Step:
    """One step of the optimiser at a time, and the sums of its losses since the last log row."""

    def __init__(
        self,
        accelerator: Accelerator,
        run: Run,
        scheduler: PosteriorDDPMScheduler,
        images: Sequence[Tensor],
        window: tuple[int, int],
        config: TrainConfig,
    ) -> None:
        self.accelerator, self.run, self.scheduler = accelerator, run, scheduler
        self.images, self.window, self.config = images, window, config
        self.model, self.optimizer = accelerator.prepare(run.unet, run.optimizer)
        self.mine = slice(accelerator.process_index, None, accelerator.num_processes)
        self._since = (run.step, run.seconds)
        self._sums = torch.zeros(2, dtype=torch.float64)

    def take(self) -> None:
        run, config = self.run, self.config
        batch = draw_batch(self.images, self.window, config, run.step, self.scheduler.steps)
        x0, t, eps = (v[self.mine].to(self.accelerator.device) for v in batch)
        x_t = self.scheduler.q_sample(x0, t, eps)
        for group in self.optimizer.param_groups:
            group["lr"] = config.lr * _lr_factor(run.step, run.fraction(config), config.warmup)
        out_t = self.model(x_t, t).sample.float()
        mse, vlb = hybrid_loss(self.scheduler, out_t, x0, x_t, t, eps, vlb_weight=config.vlb_weight)
        self.accelerator.backward((mse + vlb).mean())
        self.accelerator.clip_grad_norm_(self.model.parameters(), config.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        run.ema.step(run.unet.parameters())
        run.step += 1
        self._sums += torch.stack([mse.detach().mean(), vlb.detach().mean()]).cpu().double()

    def row(self) -> dict[str, float]:
        """The log row of the steps since the last one: means over all processes."""
        (step, seconds), run = self._since, self.run
        sums = self.accelerator.reduce(self._sums.float(), "mean")
        mse, vlb = (sums / (run.step - step)).tolist()
        speed = (run.step - step) * self.config.batch / max(run.seconds - seconds, 1e-9)
        self._since, self._sums = (run.step, run.seconds), torch.zeros(2, dtype=torch.float64)
        return {
            "step": run.step,
            "seconds": round(run.seconds, 2),
            "done": round(run.fraction(self.config), 5),
            "mse": mse,
            "vlb": vlb,
            "images_per_second": round(speed, 2),
        }


def _agree(
    accelerator: Accelerator, run: Run, paused: bool, due: bool, out: Path
) -> tuple[bool, bool]:
    """What the first process knows is what all go by: its clock, its requests, its save.

    Sets `run.seconds` and `run.ended`; returns whether to pause and whether a save is due.
    """
    facts = torch.tensor(
        [run.seconds, requested(out, STOP), paused, due],
        dtype=torch.float64,
        device=accelerator.device,
    )
    run.seconds, ended, paused_, due_ = broadcast(facts, from_process=0).tolist()
    run.ended = run.ended or bool(ended)
    return bool(paused_), bool(due_)


def _precision(config: TrainConfig) -> str:
    if config.precision != "auto":
        return config.precision
    return "bf16" if bf16_is_fast(pick_device()) else "no"


def _lr_factor(step: int, done: float, warmup: int) -> float:
    return min(1.0, (step + 1) / max(1, warmup)) * (1 + math.cos(math.pi * done)) / 2
