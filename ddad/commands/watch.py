"""Score a folder's new images as they appear."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path
from typing import Any

from ddad.commands import options


def add(commands: options.Commands) -> None:
    parser = options.command(commands, "watch", run, __doc__)
    parser.add_argument(
        "folder",
        type=Path,
        metavar="DIR",
        help="looked at again and again, the folders in it too",
    )
    options.add_checkpoint(parser)
    options.add_out(parser, "scores.csv, maps/, masks/, overlays/, ledger.sqlite")
    parser.add_argument(
        "--every",
        type=options.positive,
        default=2.0,
        metavar="SECONDS",
        help="seconds between two looks; a file is taken when two find it unchanged "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--once",
        action="store_true",
        help="end after what is there now (default: no, go on until stopped)",
    )
    options.add_megapixels(parser)


def run(args: argparse.Namespace) -> int:
    from ddad.model.detector import Detector
    from ddad.training.run import stop_flag
    from ddad.work.watch import watch

    options.check_out(args.out)
    waiting: set[str] = set()
    detector = Detector.load(args.checkpoint)
    judges = len(set(detector.calibration.parts)) != 1
    options.say_unpromised(args.checkpoint)

    def report(row: dict[str, Any]) -> None:
        (waiting.add if "again" in row else waiting.discard)(row["file"])
        _say(row, judges)

    options.say_passed_over([args.folder], args.out)
    with stop_flag() as stopped:
        scored = watch(
            args.folder,
            args.out,
            detector,
            stopped,
            every=args.every,
            once=args.once,
            max_pixels=options.max_pixels(args),
            report=report,
            say=options.tell,
        )
    print(f"{scored} images scored: {args.out / 'scores.csv'}")
    if waiting:
        options.tell(f"{len(waiting)} images wait: the next start tries them again")
    return 1 if waiting else 0


def _say(row: dict[str, Any], judges: bool) -> None:
    from ddad.images.files import shown

    line = f"{shown(Path(row['file']))}: {row.get('error') or _verdict(row, judges)}"
    if "again" in row:
        options.tell(f"{line}; trying again")
    else:
        with suppress(OSError):  # a full disk under a log file ends no watch
            print(line, flush=True)


def _verdict(row: dict[str, Any], judges: bool) -> str:
    """`judges`: whether the threshold comes from more than one part."""
    from ddad.model.detection import STRANGE

    if not row["familiar"]:
        return STRANGE
    if not judges:
        return "no verdict"
    return "anomalous" if row["anomalous"] else "good"
