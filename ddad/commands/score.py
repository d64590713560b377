"""Score images: table, maps, masks and overlays."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ddad.commands import options


def add(commands: options.Commands) -> None:
    parser = options.command(commands, "score", run, __doc__)
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="images or folders; with --ray also s3://..."
    )
    options.add_checkpoint(parser)
    options.add_out(parser, "scores.csv, maps/, masks/, overlays/; with --ray also s3://...", str)
    options.add_megapixels(parser)
    _add_ray(parser.add_argument_group("many cores or machines"))


def _add_ray(parser: options.Parser) -> None:
    parser.add_argument(
        "--ray",
        nargs="?",
        const="",
        metavar="ADDRESS",
        help="score with Ray, the extra `ray`, on all cores or on the cluster at ADDRESS "
        "(default: in this process)",
    )
    count = options.count
    parser.add_argument(
        "--actors",
        type=count,
        metavar="N",
        help="with --ray: at most so many models at work (default: as many as there is room for)",
    )
    parser.add_argument(
        "--threads",
        type=count,
        default=1,
        metavar="N",
        help="with --ray: number of CPU threads of each model (default: %(default)s)",
    )
    parser.add_argument(
        "--gpus",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="with --ray: share of a GPU, 0 to 1, of each model (default: %(default)s)",
    )
    parser.add_argument(
        "--tables-only",
        action="store_true",
        help="with --ray: write no pictures (default: no, write them)",
    )


def run(args: argparse.Namespace) -> int:
    from ddad.model.detection import strangers

    strange: set[str] = set()
    rows: dict[str, dict[str, Any]] = {}

    def seen(row: dict[str, Any]) -> None:
        rows[row["file"]] = row
        if row.get("familiar") is False:
            strange.add(row["file"])

    errors, total = _score(args, seen) if args.ray is None else _score_on_ray(args, seen)
    for error in errors:
        options.tell(error)
    print(f"{total - len(errors)} of {total} images scored: {args.out}/scores.csv")
    if strange:
        print(strangers(len(strange), total - len(errors)))
    options.say_unpromised(args.checkpoint)
    options.say_sight(args.checkpoint)
    options.say_drift(args.checkpoint, rows.values())
    return 1 if errors else 0


Seen = Callable[[dict[str, Any]], None]
"""Is given each row."""


def _score(args: argparse.Namespace, seen: Seen) -> tuple[list[str], int]:
    """The errors, and of how many images."""
    from ddad.model.detector import Detector
    from ddad.work.batch import score_files
    from ddad.work.outputs import plan_outputs

    out = Path(args.out)
    options.check_out(out)
    paths = [Path(path) for path in args.paths]
    options.say_passed_over(paths, out)
    planned = plan_outputs(paths, out)
    detector = Detector.load(args.checkpoint)
    detector.calibration  # noqa: B018  an uncalibrated model fails here, before any work
    most = options.max_pixels(args)
    with options.bar("scoring", "image") as bar:
        report = options.on_named(bar)
        errors = score_files(detector, planned, out, max_pixels=most, report=report, seen=seen)
    return errors, len(planned)


def _score_on_ray(args: argparse.Namespace, seen: Seen) -> tuple[list[str], int]:
    from ddad.work.addresses import is_address
    from ddad.work.cluster import Pool, plan, score_on_ray

    options.say_passed_over([Path(p) for p in args.paths if not is_address(p)])
    planned = plan(args.paths, args.out)
    actors = (1, args.actors or 0)
    pool = Pool(args.ray or None, actors, args.threads, args.gpus, not args.tables_only)
    with options.bar("scoring", "image") as bar:
        errors = score_on_ray(
            planned,
            args.checkpoint,
            args.out,
            pool,
            max_pixels=options.max_pixels(args),
            report=options.on_named(bar),
            seen=seen,
        )
    return errors, len(planned)
