"""Train on normal images, then calibrate on held-out ones."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddad.commands import options

if TYPE_CHECKING:
    from ddad.training.lifecycle import Plan
    from ddad.training.run import TrainConfig

_PRESET_FLAGS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("size", "crop", "layers", "batch", "steps", "warmup", "seed"), int),
    **dict.fromkeys(("minutes", "lr", "ema", "vlb_weight", "held_out", "save_every"), float),
    "channels": options.numbers,
    "precision": str,
}


def add(commands: options.Commands) -> None:
    parser = options.command(commands, "train", run, __doc__)
    parser.add_argument("data", type=Path, help="MVTec-shaped category or folder of normal images")
    parser.add_argument("--out", type=Path, required=True, help="folder of the new checkpoint")
    parser.add_argument("--preset", choices=("tiny", "cpu", "gpu"), help="of the pixel branch")
    for name, kind in _PRESET_FLAGS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, help="override the preset")
    parser.add_argument(
        "--branch",
        choices=("both", "feature", "pixel"),
        help="feature: a minute or two; pixel: as long as --minutes says; default: feature, or "
        "both where a preset or a length of training is given",
    )
    parser.add_argument(
        "--extractor",
        help="backbone directory, or with --download a hub model; default: the bundled one",
    )
    parser.add_argument("--download", action="store_true", help="allow --extractor from the hub")
    parser.add_argument("--flips", action="store_true", help="mirror images: no handedness in them")
    parser.add_argument("--dry-run", action="store_true", help="print the settings and stop")
    options.add_score_settings(parser)


def run(args: argparse.Namespace) -> int:
    import psutil

    from ddad.training.journal import forget_requests

    # Those made since this process began count, though the training itself has yet to begin.
    forget_requests(args.out / "run", older_than=psutil.Process().create_time())
    from ddad.training.run import PRESETS

    config = options.override(PRESETS[args.preset or "cpu"], args)
    if args.dry_run:
        print(json.dumps(asdict(config), indent=2))
        return 0
    plan = _plan(args, config)
    first = os.environ.get("RANK", "0") == "0"  # of the processes of `accelerate launch`
    if plan.branch == "feature" and not first:
        return 0  # nothing to share
    return _train(args, plan, first)


def _plan(args: argparse.Namespace, config: TrainConfig) -> Plan:
    from ddad.score.config import ScoreConfig
    from ddad.training.lifecycle import Plan

    score = options.override(ScoreConfig(size=config.size), args)  # a mistake in it ends here
    asked = any((args.preset, args.minutes, args.steps))
    branch = args.branch or ("both" if asked else "feature")
    return Plan(branch, config, score, args.fpr, config.seed)


def _train(args: argparse.Namespace, plan: Plan, first: bool) -> int:
    from ddad.data.datasets import read, summary
    from ddad.diffusion.extractor import Extractor
    from ddad.model.checkpoint import BUNDLED
    from ddad.training import lifecycle

    samples = read(args.data)
    normals = [s for s in samples if s.split != "test" and not s.anomalous]
    extractor = None
    if plan.branch != "pixel" and first:
        extractor = Extractor.load(args.extractor or BUNDLED, download=args.download)
    if first:
        options.say_passed_over([args.data])
        print(summary(samples))
    levels = options.say_how_read([sample.path for sample in normals], quiet=not first)
    with options.bar("training", "%") as bar:
        detector = lifecycle.run(
            *(normals, extractor, args.out, plan),
            levels=levels,
            show=_on_journal(bar),
            first=first,
        )
    if detector is not None:
        options.say_threshold(detector)
        print(f"wrote {args.out}")
    return 0


def _on_journal(bar: Any) -> Callable[[dict[str, Any]], None]:
    def show(progress: dict[str, Any]) -> None:
        bar.set_description_str(progress["phase"])
        names = ("loss", "held_out_loss", "images_per_second")
        bar.set_postfix({k: f"{progress[k]:.4g}" for k in names if k in progress})
        bar.total = 100
        bar.update(round(100 * progress["done"], 2) - bar.n)

    return show
