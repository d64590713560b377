"""Score a folder's new images as they appear."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ddad.commands import options


def add(commands: options.Commands) -> None:
    parser = options.command(commands, "watch", run, __doc__)
    parser.add_argument("folder", type=Path, help="looked at again and again, folders in it too")
    options.add_checkpoint(parser)
    parser.add_argument("--out", type=Path, required=True, help="table, maps, masks, ledger")
    parser.add_argument(
        "--every", type=options.positive, default=2.0, help="seconds between two looks"
    )
    parser.add_argument("--once", action="store_true", help="end after what is there now")
    options.add_megapixels(parser, None)


def run(args: argparse.Namespace) -> int:
    from ddad.model.detector import Detector
    from ddad.training.run import stop_flag
    from ddad.work.watch import watch

    detector = Detector.load(args.checkpoint)
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
            report=_say,
        )
    print(f"{scored} images scored: {args.out / 'scores.csv'}")
    return 0


def _say(row: dict[str, Any]) -> None:
    said = row.get("error") or ("anomalous" if row["anomalous"] else "good")
    print(f"{row['file']}: {said}", flush=True)
