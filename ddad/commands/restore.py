"""Show each part as it should have been: pictures and scores."""

from __future__ import annotations

import argparse
from pathlib import Path

from ddad.commands import options


def add(commands: options.Commands) -> None:
    parser = options.command(commands, "restore", run, __doc__)
    parser.add_argument("paths", type=Path, nargs="+", metavar="PATH", help="images or folders")
    options.add_checkpoint(parser)
    options.add_out(parser, "restorations.csv, restored/, differences/")
    parser.add_argument(
        "--method",
        metavar="NAME",
        help="gradient, inpaint, partial or one-step (default: gradient)",
    )
    parser.add_argument(
        "--energy",
        metavar="NAME",
        help="what the gradient descends: score or feature (default: score)",
    )
    parser.add_argument(
        "--start",
        metavar="NAME",
        help="where the gradient starts: inpaint, partial or image (default: inpaint)",
    )
    parser.add_argument(
        "--evaluations",
        type=options.count,
        metavar="N",
        help="at most so many network evaluations an image (default: 135)",
    )
    parser.add_argument(
        "--sample",
        action="store_true",
        default=None,
        help="draw each reverse step (default: no, take its mean)",
    )
    parser.add_argument(
        "--seed", type=int, metavar="N", help="of the noise, a whole number (default: 0)"
    )
    parser.add_argument(
        "--animation",
        choices=("webp", "gif"),
        help="write the steps as well, in animations/ (default: no)",
    )
    options.add_megapixels(parser)


def run(args: argparse.Namespace) -> int:
    from ddad.model.detector import Detector
    from ddad.score.config import RestoreConfig
    from ddad.work.outputs import plan_outputs
    from ddad.work.restore import restore_files

    config = options.override(RestoreConfig(), args)
    options.check_out(args.out)
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
        options.tell(error)
    table = args.out / "restorations.csv"
    print(f"{len(planned) - len(errors)} of {len(planned)} images restored: {table}")
    return 1 if errors else 0
