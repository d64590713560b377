"""Bits per dimension of normal images the model has not seen."""

from __future__ import annotations

import argparse
from pathlib import Path

from ddad.commands import options


def add(commands: options.Commands) -> None:
    parser = options.command(commands, "nll", run, __doc__)
    parser.add_argument(
        "data",
        type=Path,
        metavar="DATA",
        help="folder of good parts, as `train` takes it; those trained on are left out",
    )
    options.add_checkpoint(parser)
    options.add_all_good(parser)
    parser.add_argument(
        "--images",
        type=options.count,
        default=4,
        metavar="N",
        help="at most so many images, 1000 network evaluations each (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    from ddad.images.decode import load_image
    from ddad.model.detector import Detector
    from ddad.score.scorer import bits_per_dim

    detector = Detector.load(args.checkpoint)
    paths = options.unseen_normals(detector, args.data, all_good=args.all_good)[: args.images]
    if detector.unet is None:
        raise ValueError(f"the model '{detector.name}' has no pixel branch, so no likelihood")
    totals = []
    with options.bar("bits per dimension", "step") as bar:
        report = options.on(bar)
        for path in paths:
            pixels = load_image(path, levels=detector.levels).pixels
            totals.append(bits_per_dim(detector, pixels, on_progress=report))
    print(f"{sum(totals) / len(totals):.4f} bits per dimension over {len(totals)} images")
    return 0
