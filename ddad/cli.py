"""The command line: its parser and exit codes. What the commands do is in `ddad.commands`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ddad import __version__, commands
from ddad.model.allocator import keep_freed_memory


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 1 some images failed, 2 usage or configuration, 130 interrupted."""
    args = _parser().parse_args(argv)
    keep_freed_memory()
    try:
        return int(args.run(args))
    except KeyboardInterrupt:
        resumes = "; the same command goes on from the last save" if args.command == "train" else ""
        print(f"\nstopped{resumes}", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        print(f"ddad {args.command}: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ddad", description="Defect maps from denoising diffusion, trained on good parts only."
    )
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[Any], int], text: str) -> argparse.ArgumentParser:
        sub = subparsers.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    train = command(
        "train", commands.train, "Train on normal images, then calibrate on held-out ones."
    )
    train.add_argument("data", type=Path, help="MVTec-shaped category or folder of normal images")
    train.add_argument("--out", type=Path, required=True, help="folder of the new checkpoint")
    train.add_argument("--preset", choices=("tiny", "cpu", "gpu"), help="of the pixel branch")
    for name, kind in _TRAIN_FLAGS.items():
        train.add_argument(f"--{name.replace('_', '-')}", type=kind, help="override the preset")
    train.add_argument(
        "--branch",
        choices=("both", "feature", "pixel"),
        help="feature: a minute or two; pixel: as long as --minutes says; default: feature, or "
        "both where a preset or a length of training is given",
    )
    train.add_argument(
        "--extractor",
        help="backbone directory, or with --download a hub model; default: the bundled one",
    )
    train.add_argument("--download", action="store_true", help="allow --extractor from the hub")
    train.add_argument("--flips", action="store_true", help="mirror images: no handedness in them")
    train.add_argument("--dry-run", action="store_true", help="print the settings and stop")
    _score_flags(train)

    check = command("check", commands.check, "Look over photographs before training on them.")
    check.add_argument("data", type=Path, help="what `train` would be given; nothing is changed")
    check.add_argument("--extractor", help="backbone directory; default: the bundled one")
    check.add_argument("--fpr", type=_rate, default=0.05, help="false-positive rate to aim for")

    calibrate = command(
        "calibrate", commands.calibrate, "Fit the normal level and the threshold anew."
    )
    calibrate.add_argument(
        "data", type=Path, nargs="?", help="good parts; those trained on are left out"
    )
    calibrate.add_argument(
        "--add-normals",
        type=Path,
        nargs="+",
        metavar="IMAGE",
        help="false alarms: good parts that join the calibration, and DATA if that is given",
    )
    calibrate.add_argument("--checkpoint", required=True, help="shipped model or folder")
    calibrate.add_argument("--out", type=Path, help="write a new checkpoint instead of updating")
    _score_flags(calibrate)

    score = command("score", commands.score, "Score images: table, maps, masks and overlays.")
    score.add_argument("paths", nargs="+", help="images or folders; with --ray also s3://...")
    score.add_argument("--checkpoint", required=True, help="shipped model or folder")
    score.add_argument("--out", required=True)
    score.add_argument(
        "--max-megapixels", type=_positive, default=40, help="larger images are refused"
    )
    score.add_argument(
        "--ray",
        nargs="?",
        const="",
        metavar="ADDRESS",
        help="on all cores, or on the cluster at ADDRESS; needs the extra ray",
    )
    score.add_argument("--actors", type=_count, help="with --ray: at most so many models at work")
    score.add_argument("--threads", type=_count, default=1, help="with --ray: CPU threads of each")
    score.add_argument("--gpus", type=float, default=0.0, help="with --ray: share of a GPU of each")
    score.add_argument("--tables-only", action="store_true", help="with --ray: no pictures")

    restore = command(
        "restore", commands.restore, "Show each part as it should have been: pictures and scores."
    )
    restore.add_argument("paths", type=Path, nargs="+", help="images or folders")
    restore.add_argument("--checkpoint", required=True, help="shipped model or folder")
    restore.add_argument("--out", type=Path, required=True)
    restore.add_argument("--method", help="gradient (default), inpaint, partial or one-step")
    restore.add_argument("--energy", help="score (default) or feature: what the gradient descends")
    restore.add_argument("--start", help="of the gradient: inpaint (default), partial or image")
    restore.add_argument("--evaluations", type=_count, help="network evaluations an image")
    restore.add_argument("--sample", action="store_true", default=None, help="draw, not the mean")
    restore.add_argument("--seed", type=int)
    restore.add_argument("--animation", choices=("webp", "gif"), help="write the steps as well")
    restore.add_argument(
        "--max-megapixels", type=_positive, default=40, help="larger images are refused"
    )

    watch = command("watch", commands.watch, "Score a folder's new images as they appear.")
    watch.add_argument("folder", type=Path, help="looked at again and again, folders in it too")
    watch.add_argument("--checkpoint", required=True, help="shipped model or folder")
    watch.add_argument("--out", type=Path, required=True, help="table, maps, masks, ledger")
    watch.add_argument("--every", type=_positive, default=2.0, help="seconds between two looks")
    watch.add_argument("--once", action="store_true", help="end after what is there now")
    watch.add_argument("--max-megapixels", type=_positive, default=40)

    pack = command("pack", commands.pack, "Pack a checkpoint into a ZIP.")
    pack.add_argument("checkpoint", help="shipped model or folder")
    pack.add_argument("zip", type=Path)
    unpack = command("unpack", commands.unpack, "Open a checkpoint's ZIP, with every check.")
    unpack.add_argument("zip", type=Path)
    unpack.add_argument("--out", type=Path, required=True, help="a new folder")
    push = command("push", commands.push, "Upload a checkpoint to the Hub; needs HF_TOKEN.")
    push.add_argument("checkpoint", help="shipped model or folder")
    push.add_argument("repo", help="such as name/bottles; made if need be, private")
    push.add_argument("--public", action="store_true")

    evaluate = command(
        "evaluate", commands.evaluate, "Compare maps with the true masks of a test set."
    )
    evaluate.add_argument("data", type=Path, help="MVTec-shaped category")
    evaluate.add_argument("--checkpoint", required=True, help="shipped model or folder")
    evaluate.add_argument("--out", type=Path, required=True)

    nll = command(
        "nll", commands.nll, "Bits per dimension of normal images the model has not seen."
    )
    nll.add_argument("data", type=Path, help="good parts; those trained on are left out")
    nll.add_argument("--checkpoint", required=True, help="shipped model or folder")
    nll.add_argument(
        "--images", type=_count, default=4, help="at most so many (1000 forwards each)"
    )
    return parser


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _checked(name: str, kind: Callable[[str], Any], valid: Callable[[Any], bool]) -> Any:
    """An argparse type; a wrong value is reported as "invalid `name` value"."""

    def parse(text: str) -> Any:
        if not valid(value := kind(text)):
            raise ValueError
        return value

    parse.__name__ = name
    return parse


_count = _checked("count", int, lambda n: n > 0)
_positive = _checked("positive number", float, lambda x: 0 < x < 1e6)
_rate = _checked("rate between 0 and 1", float, lambda x: 0 < x < 1)

_TRAIN_FLAGS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("size", "crop", "layers", "batch", "steps", "warmup", "seed"), int),
    **dict.fromkeys(("minutes", "lr", "ema", "vlb_weight", "held_out", "save_every"), float),
    "channels": _numbers,
    "precision": str,
}


def _score_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fpr", type=_rate, default=0.05, help="false-positive rate to aim for")
    parser.add_argument("--timesteps", type=_numbers, help="noise scales, such as 20,50,100,200")
    parser.add_argument("--draws", type=int, help="noise draws a scale (antithetic pairs)")
    parser.add_argument("--jump", type=int, help="KL of x_(t-jump) given x_t")
    parser.add_argument("--feature-timesteps", type=_numbers, help="those of the feature branch")
    parser.add_argument("--feature-size", type=int, help="pixels squared it sees an image at")
    parser.add_argument("--pixel-weight", type=float, help="share of the pixel branch, 0 to 1")
    parser.add_argument("--blur", type=float, help="smoothing, pixels at model size")
