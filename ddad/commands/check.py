"""Look over photographs before training on them."""

from __future__ import annotations

import argparse
from pathlib import Path

from ddad.commands import options


def add(commands: options.Commands) -> None:
    parser = options.command(commands, "check", run, __doc__)
    parser.add_argument(
        "data",
        type=Path,
        metavar="DATA",
        help="folder of good parts, as `train` takes it; nothing is changed",
    )
    options.add_all_good(parser)
    options.add_extractor(parser)
    options.add_fpr(parser)


def run(args: argparse.Namespace) -> int:
    from ddad.data.photographs import look_over
    from ddad.diffusion.extractor import Extractor
    from ddad.images.files import shown
    from ddad.model.checkpoint import BUNDLED
    from ddad.score.calibration import vouches

    options.say_passed_over([args.data])
    normals = options.normal_images(args.data, all_good=args.all_good)
    with options.bar("looking over", "image") as bar:
        extractor = Extractor.load(args.extractor or BUNDLED)
        found = look_over(normals, extractor, on_progress=options.on(bar))
    for finding in found.findings:
        like = f" as {shown(finding.like)}" if finding.like else ""
        print(f"{finding.kind}: {shown(finding.path)}: {finding.why}{like}")
    for note in found.notes:
        print(note)
    print(vouches(len(found.kept), args.fpr))
    return 0
