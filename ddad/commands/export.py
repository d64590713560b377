"""Write a model as an ONNX graph that runs without torch."""

from __future__ import annotations

import argparse
from pathlib import Path

from ddad.commands import options


def add(commands: options.Commands) -> None:
    parser = options.command(commands, "export", run, __doc__)
    options.add_checkpoint(parser)
    options.add_out(parser, "model.onnx, model.json, and score.py, which scores by them")
    parser.add_argument(
        "--like",
        type=Path,
        required=True,
        metavar="IMAGE",
        help="a photograph of the size that is to be scored: the graph is of that size (required)",
    )


def run(args: argparse.Namespace) -> int:
    from ddad.export.graph import write
    from ddad.images.decode import load_image
    from ddad.model.detector import Detector

    options.check_out(args.out)
    detector = Detector.load(args.checkpoint)
    pixels = load_image(args.like, levels=detector.levels).pixels
    write(detector, pixels.shape, args.out)
    print(f"wrote {args.out} for photographs of {pixels.shape[1]} x {pixels.shape[0]} pixels")
    print(f"python {args.out}/score.py PHOTOGRAPH... needs numpy, Pillow and onnxruntime alone")
    return 0
