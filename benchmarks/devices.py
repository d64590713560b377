"""The feature score by precision, layout and compiler, on the GPU where there is one, else the CPU.

    python -m benchmarks.devices [--model cookie] [--images 24] [--device cuda]

A row each: milliseconds a photograph (median; they take turns), how far its scores are from those
in float32, channels first, not compiled, at most and in deviations of good parts' scores, and how
many verdicts differ. Half precision is that of the backbone alone: the denoiser's KL, the
difference of large numbers, stays in float32. float16 is left out on CPUs, which emulate it.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from benchmarks.timing import REST
from ddad import CHECKPOINTS
from ddad.images.decode import load_image
from ddad.model.detector import Detector
from ddad.model.runtime import pick_device

KINDS = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}


def computing_in(kind: torch.dtype | None) -> Any:
    """Whatever the processor would choose."""
    return patch("ddad.diffusion.extractor.fast_dtype", lambda device: kind)


def detector(model: str, device: torch.device, channels_last: bool, compiled: bool) -> Detector:
    found = Detector.load(model, device=device)
    if not channels_last:
        found.features.extractor.to(memory_format=torch.contiguous_format)
    return found.compiled() if compiled else found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="cookie")
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--device", type=torch.device, default=pick_device())
    args = parser.parse_args()
    gpu = args.device.type == "cuda"
    name = torch.cuda.get_device_name(args.device) if gpu else "CPU"
    print(f"{name}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    files = sorted(Path(CHECKPOINTS / args.model / "examples").glob("*[!k].png"))
    images = [load_image(file).pixels for file in files]
    ways = [
        (f"{kind}, channels {layout}{', compiled' * compiled}", dtype, layout == "last", compiled)
        for kind, dtype in KINDS.items()
        if gpu or dtype != torch.float16
        for layout in ("first", "last")
        for compiled in (False, True)
        if not compiled or layout == "last"
    ]
    models = {label: detector(args.model, args.device, last, c) for label, _, last, c in ways}
    scores: dict[str, list[float]] = {}
    for label, dtype, _, _ in ways:  # a compilation is of one precision: its own model's
        with computing_in(dtype):
            scores[label] = [found.score for found in models[label].detect(images)]
    times: dict[str, list[float]] = {label: [] for label, *_ in ways}
    for turn in range(args.images):
        for label, dtype, _, _ in ways:
            time.sleep(REST)
            with computing_in(dtype):
                began = time.perf_counter()
                models[label].detect([images[turn % len(images)]])
                times[label].append(time.perf_counter() - began)
    base, *_ = scores.values()
    fitted = models[ways[0][0]].calibration
    spread = float(np.std(fitted.normal_scores))
    print("| way | ms | farthest score, deviations | other verdicts |\n|---|---|---|---|")
    for label, found in scores.items():
        apart = float(np.abs(np.subtract(found, base)).max()) / spread
        others = sum(
            (a > fitted.threshold) != (b > fitted.threshold)
            for a, b in zip(found, base, strict=True)
        )
        ms = 1e3 * float(np.median(times[label]))
        print(f"| {label} | {ms:.0f} | {apart:.4f} | {others} of {len(found)} |", flush=True)


if __name__ == "__main__":
    main()
