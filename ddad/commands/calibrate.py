"""Fit the normal level and the threshold anew."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ddad.commands import options

if TYPE_CHECKING:
    from ddad.model.detector import Detector


def add(commands: options.Commands) -> None:
    parser = options.command(commands, "calibrate", run, __doc__)
    parser.add_argument(
        "data",
        type=Path,
        nargs="?",
        metavar="DATA",
        help="folder of good parts, as `train` takes it; those trained on are left out",
    )
    parser.add_argument(
        "--add-normals",
        type=Path,
        nargs="+",
        metavar="IMAGE",
        help="false alarms: good parts that join the calibration, and DATA if that is given "
        "(default: none; calibrate on DATA anew)",
    )
    options.add_checkpoint(parser)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder of a new checkpoint (default: update MODEL itself)",
    )
    options.add_all_good(parser)
    options.add_fpr(parser)
    options.add_score_settings(parser.add_argument_group("scores"), of_model=True)


def run(args: argparse.Namespace) -> int:
    from ddad.model.checkpoint import detail_of, find_checkpoint

    if not args.add_normals and args.data is None:
        raise ValueError("calibrate needs DATA, or --add-normals with images of good parts")
    if args.out is not None:
        options.check_out(args.out)
    if detail_of(args.checkpoint)[1] is not None:
        raise ValueError("calibrate the whole model: what it says with fewer looks goes along")
    detector = _with_false_alarms(args) if args.add_normals else _anew(args)
    detector.save(args.out or find_checkpoint(args.checkpoint))
    options.say_threshold(detector)
    return 0


def _anew(args: argparse.Namespace) -> Detector:
    from ddad.data.parts import find_parts
    from ddad.images.decode import load_image
    from ddad.model.detector import Detector
    from ddad.training import spots

    detector = Detector.load(args.checkpoint)
    options.say_passed_over([args.data])
    samples = {s.path: s for s in options.normal_samples(args.data, all_good=args.all_good)}
    unseen = options.unseen(detector, list(samples), args.data, "normal image")
    detector = detector.with_config(options.override(detector.config, args))
    options.say_how_read(unseen, detector.levels)
    parts = find_parts([samples[path] for path in unseen], detector.levels)
    for note in parts.notes:
        print(note)
    images = [load_image(path, levels=detector.levels).pixels for path in unseen]
    with options.bar("calibrating", "image") as bar:
        found = detector.calibrate(
            images,
            target_fpr=args.fpr,
            parts=[sample.group for sample in parts.samples],
            on_progress=options.on(bar),
        )
    return spots.seen(found, [(pixels, found) for pixels in images[: spots.PHOTOGRAPHS]])


def _with_false_alarms(args: argparse.Namespace) -> Detector:
    from ddad.model.detector import Detector
    from ddad.training.feedback import add_normals, keep_for_training
    from ddad.work.outputs import plan_outputs

    files = [file for file, _ in plan_outputs(args.add_normals)]
    detector = Detector.load(args.checkpoint)
    if args.data is not None:
        print(f"{keep_for_training(files, args.data)} images copied to the normals of {args.data}")
    detector, change = add_normals(detector, files)
    print(change)
    return detector
