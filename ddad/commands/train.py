"""Train on normal images, then calibrate on held-out ones."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddad.commands import options

if TYPE_CHECKING:
    from ddad.training.plan import Plan
    from ddad.training.run import TrainConfig


def _start(text: str) -> str:
    """An empty one for none, as `TrainConfig` has it."""
    return "" if text == "none" else text


PIXEL_FLAGS: dict[str, tuple[Callable[[str], Any], str, str, str]] = {
    "size": (int, "PIXELS", "images are resized to about N x N pixels in area", "32 256 256"),
    "crop": (
        *(int, "PIXELS", "side of random square crops, pixels at that size; 0: as large as fits"),
        "0 0 0",
    ),
    "start": (
        *(
            _start,
            "MODEL",
            "network whose weights the first of the steps begins with: base, a checkpoint, or none",
        ),
        "none base none",
    ),
    "channels": (
        *(options.numbers, "N,N,...", "number of channels of the U-Net, one a resolution"),
        "8,16 16,32,64,128 64,128,128,192,256",
    ),
    "layers": (int, "N", "number of residual blocks a resolution", "1 1 2"),
    "patch": (
        int,
        "PIXELS",
        "pixels a side of the blocks that the U-Net sees as one position",
        "1 1 1",
    ),
    "features": (float, "FACTOR", "factor of the feature head's error; 0: no head", "0 0 0"),
    "batch": (int, "N", "images a step, over all processes", "8 8 32"),
    "steps": (int, "N", "end after so many steps; 0: --minutes decides", "400 0 0"),
    "minutes": (float, "MINUTES", "end after so many minutes; 0: --steps decides", "0 2 30"),
    "lr": (float, "RATE", "peak learning rate of AdamW, an update a step", "0.002 0.0003 0.0002"),
    "warmup": (int, "N", "steps until the learning rate is at its peak", "10 20 100"),
    "ema": (float, "SHARE", "decay of the averaged weights a step, 0 to 1", "0.95 0.98 0.999"),
    "vlb_weight": (
        *(float, "FACTOR", "factor of the variational bound in the loss"),
        "0.001 0.001 0.001",
    ),
    "save_every": (float, "SECONDS", "seconds between two saves", "60 60 60"),
    "precision": (
        *(str, "NAME", "auto (bf16 where the hardware has it), bf16 or no"),
        "no auto auto",
    ),
}
"""A field of `TrainConfig`: the kind of its flag, what stands for a value, what it is, and the
defaults of the presets tiny, cpu and gpu."""


def add(commands: options.Commands) -> None:
    parser = options.command(commands, "train", run, __doc__)
    _add_what(parser.add_argument_group("what to train"))
    _add_pixel_branch(parser.add_argument_group("pixel branch"))
    options.add_score_settings(parser.add_argument_group("scores"))
    calibration = parser.add_argument_group("calibration")
    options.add_fpr(calibration)
    calibration.add_argument(
        "--held-out",
        type=float,
        metavar="SHARE",
        help="share of the good parts, 0 to 1, kept from training for it (default: 0.2)",
    )


def _add_what(parser: options.Parser) -> None:
    parser.add_argument(
        "data",
        type=Path,
        metavar="DATA",
        help="folder of good parts: train/good, good/, or nothing but good parts",
    )
    options.add_out(parser, "the new checkpoint; a training begun there goes on")
    options.add_all_good(parser)
    parser.add_argument(
        "--branch",
        choices=("both", "feature", "pixel"),
        help="feature: a minute or two, but no normal versions; pixel: as long as --minutes says "
        "(default: both)",
    )
    options.add_extractor(parser, ", or with --download a model of the hub")
    parser.add_argument(
        "--download", action="store_true", help="fetch --extractor from the hub (default: no)"
    )
    parser.add_argument(
        "--seconds-per-image",
        type=options.positive,
        metavar="SECONDS",
        help="seconds that a photograph may take on this machine: with more, the model looks "
        "closer, as far as its photographs have the pixels (default: 2)",
    )
    parser.add_argument(
        "--closer-looks",
        type=options.numbers,
        metavar="N,N,...",
        help="sizes of its closer looks, as --feature-size, in pixels; 0: none (default: by "
        "--seconds-per-image)",
    )
    parser.add_argument(
        "--flips",
        action="store_true",
        help="mirror images at random, for parts without a handedness (default: no)",
    )
    parser.add_argument(
        "--keep-photographs",
        action="store_true",
        help="keep small copies of 40 photographs in the model, which travel with it: it can show "
        "what a place looks like on good parts (default: no)",
    )
    parser.add_argument(
        "--seed", type=int, metavar="N", help="of all that is random, a whole number (default: 0)"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print the settings and stop (default: no)"
    )


def _add_pixel_branch(parser: options.Parser) -> None:
    parser.add_argument(
        "--preset",
        choices=("tiny", "cpu", "gpu"),
        help="where the settings below begin: tiny is a trial of seconds (default: cpu)",
    )
    for field, (kind, metavar, text, defaults) in PIXEL_FLAGS.items():
        tiny, cpu, gpu = defaults.split()
        others = [f"{name} {v}" for name, v in (("tiny", tiny), ("gpu", gpu)) if v != cpu]
        default = "; ".join([cpu, ", ".join(others)] if others else [cpu])
        parser.add_argument(
            f"--{field.replace('_', '-')}",
            type=kind,
            metavar=metavar,
            help=f"{text} (default: {default})",
        )


def run(args: argparse.Namespace) -> int:
    import psutil

    from ddad.training.journal import forget_requests

    options.check_out(args.out, apart_from=args.data)
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
    from ddad.training.plan import Plan

    score = options.override(ScoreConfig(size=config.size), args)  # a mistake in it ends here
    plan = Plan(args.branch or "both", config, score, args.fpr, config.seed)
    plan = replace(plan, keeps=args.keep_photographs)
    if args.closer_looks is not None:
        plan = replace(plan, looks=tuple(size for size in args.closer_looks if size))
        score.closer(plan.looks or ())  # a mistake in it ends here
    return plan if args.seconds_per_image is None else replace(plan, seconds=args.seconds_per_image)


def _train(args: argparse.Namespace, plan: Plan, first: bool) -> int:
    from ddad.data.datasets import normals, summary
    from ddad.data.parts import find_parts
    from ddad.diffusion.extractor import Extractor
    from ddad.model.checkpoint import BUNDLED
    from ddad.score.promise import before
    from ddad.training import lifecycle

    chosen = normals(args.data, all_good=args.all_good)
    extractor = None
    if plan.branch != "pixel" and first:
        extractor = Extractor.load(args.extractor or BUNDLED, download=args.download)
    if first:
        options.say_passed_over([args.data])
        print(summary(chosen.samples))
        for note in chosen.notes:
            options.tell(note)
    levels = options.say_how_read([each.path for each in chosen.samples], quiet=not first)
    with options.bar("looking for near-identical shots", "image") as bar:
        parts = find_parts(chosen.samples, levels, on_progress=options.on(bar))
    if first:
        for note in parts.notes:
            print(note)
        print(before(plan.calibrating(parts.samples), args.fpr))
    with options.bar("training", "%") as bar:
        detector = lifecycle.run(
            *(parts.samples, extractor, args.out, plan),
            levels=levels,
            show=_on_journal(bar),
            first=first,
        )
    if detector is not None:
        options.say_threshold(detector)
        options.say_sight(args.out)
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
