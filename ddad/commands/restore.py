"""Show each part as it should have been: pictures and scores."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ddad.commands import options


def add(commands: options.Commands) -> None:
    parser = options.command(commands, "restore", run, __doc__)
    parser.add_argument("paths", type=Path, nargs="+", help="images or folders")
    options.add_checkpoint(parser)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--method", help="gradient (default), inpaint, partial or one-step")
    parser.add_argument("--energy", help="score (default) or feature: what the gradient descends")
    parser.add_argument("--start", help="of the gradient: inpaint (default), partial or image")
    parser.add_argument("--evaluations", type=options.count, help="network evaluations an image")
    parser.add_argument("--sample", action="store_true", default=None, help="draw, not the mean")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--animation", choices=("webp", "gif"), help="write the steps as well")
    options.add_megapixels(parser, "larger images are refused")


def run(args: argparse.Namespace) -> int:
    from ddad.model.detector import Detector
    from ddad.score.config import RestoreConfig
    from ddad.work.outputs import plan_outputs
    from ddad.work.restore import restore_files

    config = options.override(RestoreConfig(), args)
    options.say_passed_over(args.paths, args.out)
    planned = plan_outputs(args.paths, args.out)
    detector = Detector.load(args.checkpoint)
    detector.check_restorable(config)
    with options.bar("restoring", "%") as bar:
        errors = restore_files(
            detector,
            planned,
            args.out,
            config,
            animation=args.animation,
            max_pixels=options.max_pixels(args),
            report=options.on_named(bar),
        )
    for error in errors:
        print(error, file=sys.stderr)
    table = args.out / "restorations.csv"
    print(f"{len(planned) - len(errors)} of {len(planned)} images restored: {table}")
    return 1 if errors else 0
