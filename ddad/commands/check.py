"""Look over photographs before training on them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ddad.commands import options

if TYPE_CHECKING:
    from ddad.data.photographs import Intake
    from ddad.diffusion.extractor import Extractor
    from ddad.training.outliers import FarOut


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
    parser.add_argument(
        "--maps",
        type=Path,
        metavar="DIR",
        help="folder for the map of each photograph that is far out (default: none is written)",
    )
    options.add_fpr(parser)


def run(args: argparse.Namespace) -> int:
    from ddad.data.photographs import look_over
    from ddad.diffusion.extractor import Extractor
    from ddad.images.files import shown, write_png
    from ddad.model.checkpoint import BUNDLED
    from ddad.score.promise import before

    if args.maps:
        options.check_out(args.maps, apart_from=args.data)
    options.say_passed_over([args.data])
    normals = options.normal_images(args.data, all_good=args.all_good)
    with options.bar("looking over", "image") as bar:
        extractor = Extractor.load(args.extractor or BUNDLED)
        found = look_over(normals, extractor, on_progress=options.on(bar))
    for finding in found.findings:
        like = f" as {shown(finding.like)}" if finding.like else ""
        print(f"{finding.kind}: {shown(finding.path)}: {finding.why}{like}")
    far = _far_out(found, extractor)
    for path, outlier in far.items():
        print(f"far out: {shown(path)}: {outlier.why}")
    for number, outlier in enumerate(far.values() if args.maps else (), 1):
        write_png(outlier.picture, args.maps / f"{number}.png")
    for note in found.notes:
        print(note)
    print(before(len(found.kept), args.fpr))
    return 0


def _far_out(found: Intake, extractor: Extractor) -> dict[Path, FarOut]:
    """The photographs that a model of the others finds far out, the farthest first."""
    from ddad.training.outliers import far_out
    from ddad.training.photographs import Photographs

    images = Photographs(found.kept, found.levels)
    with options.bar("cross-fitting", "image") as bar:
        far = far_out(images, extractor, on_progress=options.on(bar))
    return {found.kept[each.index]: each for each in far}
