"""Train the denoiser on normal images: one resumable loop on accelerate.

Every random choice of a step comes from (seed, step) alone and no generator outlives its step, so
an interrupted run that goes on equals one that was never interrupted, bit for bit on a CPU.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from diffusers import UNet2DModel

from ddad.data.datasets import Sample
from ddad.diffusion.extractor import Extractor
from ddad.diffusion.networks import FeatureHead
from ddad.diffusion.precision import bf16_is_fast
from ddad.diffusion.scheduler import PosteriorDDPMScheduler
from ddad.images.levels import Levels
from ddad.model.runtime import pick_device
from ddad.training.batches import crop_window, load_normals
from ddad.training.journal import PAUSE, STOP, append_row, requested
from ddad.training.run import Run, TrainConfig, claim, cut_log, stop_flag
from ddad.training.start import first_network, stride
from ddad.training.steps import Images, Steps


class Trained(NamedTuple):
    """What a training leaves: the averaged networks, their chain, and a record of the run."""

    unet: UNet2DModel
    head: FeatureHead | None
    scheduler: PosteriorDDPMScheduler
    record: dict[str, Any]


def train(
    samples: Sequence[Sample],
    held_out: Sequence[Sample],
    out: Path,
    config: TrainConfig,
    *,
    extractor: Extractor | None = None,
    levels: Levels | None = None,
    on_log: Callable[[dict[str, float]], None] = lambda row: None,
    on_save: Callable[[UNet2DModel, PosteriorDDPMScheduler], None] = lambda unet, scheduler: None,
) -> Trained:
    """Train, or go on where `out` left off.

    `out` receives run.json, log.jsonl and state.safetensors. The first Ctrl-C or SIGTERM, or a
    file `out`/pause, ends the step in hand, saves and raises KeyboardInterrupt; a file `out`/stop
    ends the training early, for good. Under `accelerate launch` every process calls this with the
    same arguments and has its share of each batch; the callbacks are the first process's, and
    `on_save` sees the averaged network. A feature head learns from `extractor`. Raises
    DatasetError for images that cannot be used, ValueError where `out` holds a run of other images
    or settings.
    """
    accelerator = Accelerator(mixed_precision=_precision(config), cpu=not torch.cuda.is_available())
    if config.batch % accelerator.num_processes:
        raise ValueError(
            f"the batch of {config.batch} cannot be shared evenly by "
            f"{accelerator.num_processes} processes"
        )
    multiple = stride(config)  # a start is read for it
    images, held = (
        load_normals(each, config.size, multiple, levels) for each in (samples, held_out)
    )
    window = crop_window(images, config.crop, multiple)
    record = claim(out, config, images, held, accelerator.is_main_process)
    network = first_network(config, images, window, extractor)
    run = Run.begin(network.to(accelerator.device), config)
    if (out / "state.safetensors").exists():
        run.restore(out / "state.safetensors")
    if accelerator.is_main_process:
        cut_log(out / "log.jsonl", run.step)
    steps = Steps(accelerator, run, config, Images(images, held, window), extractor)
    with stop_flag() as stopped:
        loop(steps, out, stopped.is_set, on_log, on_save)
    if run.fraction(config) < 1:
        raise KeyboardInterrupt
    if run.ended:
        (out / STOP).unlink(missing_ok=True)
        record |= {"ended_early": True}
    run.ema.copy_to(run.network.parameters())
    record |= {"steps": run.step, "seconds": round(run.seconds, 1)}
    return Trained(run.network.unet, run.network.head, steps.scheduler, record)


def loop(
    steps: Steps,
    out: Path,
    stopped: Callable[[], bool],
    on_log: Callable[[dict[str, float]], None],
    on_save: Callable[[UNet2DModel, PosteriorDDPMScheduler], None],
) -> None:
    """Steps to the end of the run, or until it is asked to pause."""
    run, config, main = steps.run, steps.config, steps.accelerator.is_main_process
    saved = clock = time.monotonic()
    paused = False
    while run.fraction(config) < 1 and not paused:
        steps.take()
        run.seconds, clock = run.seconds + time.monotonic() - clock, time.monotonic()
        due = clock - saved > config.save_every
        wishes = stopped() or requested(out, PAUSE)
        paused, due = _agree(steps.accelerator, run, wishes, due, out)
        last = paused or run.fraction(config) >= 1
        if not last and run.step % 10:
            continue
        row = steps.row()
        if last or due:
            row |= steps.held_out()
        if main:
            # The row first: one that the state does not reach is cut when the run goes on.
            append_row(out / "log.jsonl", row)
        if last or due:
            if main:
                run.save(out / "state.safetensors")
                with run.averaged() as network:
                    on_save(network.unet, steps.scheduler)
            saved = time.monotonic()
        if main:
            on_log(row)
        clock = time.monotonic()


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
