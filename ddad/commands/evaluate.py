"""Compare maps with the true masks of a test set."""

from __future__ import annotations

import argparse
from pathlib import Path

from ddad.commands import options

SAID = ("image_auroc", "pixel_auroc", "pixel_ap", "aupro", "image_f1_max")
"""The metrics on the terminal; metrics.json has them all."""


def add(commands: options.Commands) -> None:
    parser = options.command(commands, "evaluate", run, __doc__)
    parser.add_argument("data", type=Path, help="MVTec-shaped category")
    options.add_checkpoint(parser)
    parser.add_argument("--out", type=Path, required=True)


def run(args: argparse.Namespace) -> int:
    from ddad.data.datasets import read
    from ddad.images.files import write_json
    from ddad.measure.evaluation import evaluate
    from ddad.model.detector import Detector

    samples = [s for s in read(args.data) if s.split != "train"]
    if not samples:
        raise ValueError(f"{args.data} has no test images: expected test/good and test/<defect>")
    detector = Detector.load(args.checkpoint)
    options.say_passed_over([args.data])
    options.say_how_read([sample.path for sample in samples], detector.levels)
    with options.bar("evaluating", "image") as bar:
        metrics = evaluate(detector, samples, args.out, report=options.on_named(bar))
    write_json(
        {"model": detector.name, "data": args.data.name} | metrics, args.out / "metrics.json"
    )
    print("  ".join(f"{k} {metrics[k]:.4f}" for k in SAID if metrics[k] is not None))
    return 0
