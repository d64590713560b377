"""The command line: train, calibrate, score, evaluate, nll. Heavy imports wait for the command."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddad import __version__

if TYPE_CHECKING:
    from ddad.data import Sample
    from ddad.detector import Detector
    from ddad.features import Extractor
    from ddad.run import TrainConfig
    from ddad.scoring import ScoreConfig


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 1 some images failed, 2 usage or configuration, 130 interrupted."""
    args = _parser().parse_args(argv)
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
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[Any], int], text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    train = command("train", _train, "Train on normal images, then calibrate on held-out ones.")
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

    calibrate = command("calibrate", _calibrate, "Fit the normal level and the threshold anew.")
    calibrate.add_argument("data", type=Path, help="good parts; those trained on are left out")
    calibrate.add_argument("--checkpoint", required=True, help="shipped model or folder")
    calibrate.add_argument("--out", type=Path, help="write a new checkpoint instead of updating")
    _score_flags(calibrate)

    score = command("score", _score, "Score images: table, maps, masks and overlays.")
    score.add_argument("paths", type=Path, nargs="+", help="images or folders")
    score.add_argument("--checkpoint", required=True, help="shipped model or folder")
    score.add_argument("--out", type=Path, required=True)
    score.add_argument(
        "--max-megapixels", type=_positive, default=40, help="larger images are refused"
    )

    evaluate = command("evaluate", _evaluate, "Compare maps with the true masks of a test set.")
    evaluate.add_argument("data", type=Path, help="MVTec-shaped category")
    evaluate.add_argument("--checkpoint", required=True, help="shipped model or folder")
    evaluate.add_argument("--out", type=Path, required=True)

    nll = command("nll", _nll, "Bits per dimension of normal images the model has not seen.")
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


def _train(args: argparse.Namespace) -> int:
    from ddad import data
    from ddad.checkpoint import BUNDLED
    from ddad.features import Extractor
    from ddad.fit import CROSS_FIT_BELOW
    from ddad.run import PRESETS
    from ddad.scoring import ScoreConfig

    config = _override(PRESETS[args.preset or "cpu"], args)
    if args.dry_run:
        print(json.dumps(asdict(config), indent=2))
        return 0
    score = _override(ScoreConfig(size=config.size), args)  # fails before the training, not after
    asked = any((args.preset, args.minutes, args.steps))
    args.branch = args.branch or ("both" if asked else "feature")
    extractor = None
    if args.branch != "pixel":
        extractor = Extractor.load(args.extractor or BUNDLED, download=args.download)
    samples = data.read(args.data)
    print(data.summary(samples))
    normals = [s for s in samples if s.split == "train" and not s.anomalous]
    if extractor is not None and args.branch == "feature" and len(normals) <= CROSS_FIT_BELOW:
        detector = _cross_fit(extractor, normals, score, args)
    else:
        detector = _fit(extractor, normals, config, score, args)
    detector.save(args.out)
    _say_threshold(detector)
    print(f"wrote {args.out}")
    return 0


def _cross_fit(
    extractor: Extractor, normals: Sequence[Sample], score: ScoreConfig, args: argparse.Namespace
) -> Detector:
    from ddad.diffusion import linear_chain
    from ddad.fit import cross_fit
    from ddad.images import load_image

    with _bar("fitting and calibrating", "image") as bar:
        detector = cross_fit(
            extractor,
            [load_image(sample.path).pixels for sample in normals],
            [sample.group for sample in normals],
            linear_chain(),
            score,
            target_fpr=args.fpr,
            seed=args.seed or 0,
            name=args.out.name,
            on_progress=_on(bar),
        )
    detector.training = {
        "extractor": {"name": extractor.name, "digest": extractor.digest},
        "trained_on": sorted(_file_digest(sample.path) for sample in normals),
    }
    return detector


def _fit(
    extractor: Extractor | None,
    normals: Sequence[Sample],
    config: TrainConfig,
    score: ScoreConfig,
    args: argparse.Namespace,
) -> Detector:
    from ddad import data
    from ddad.detector import Detector
    from ddad.diffusion import linear_chain
    from ddad.fit import fit_features
    from ddad.images import load_image
    from ddad.runtime import keep_freed_memory
    from ddad.train import train

    part, held = data.hold_out(normals, config.held_out, config.seed)
    unet, scheduler, features = None, linear_chain(), None
    record: dict[str, Any] = {}
    if args.branch != "feature":
        keep_freed_memory()
        with _bar("training", "%") as bar:

            def on_log(row: dict[str, float]) -> None:
                text = f"{row['images_per_second']:.1f} images/s, mse {row['mse']:.4f}"
                if "held_out_mse" in row:
                    bar.held_out = f", held out {row['held_out_mse']:.4f}"
                bar.set_postfix_str(text + getattr(bar, "held_out", ""))
                bar.total = 100
                bar.update(round(100 * row["done"], 2) - bar.n)

            unet, scheduler, record = train(part, held, args.out / "run", config, on_log=on_log)
    if extractor is not None:
        with _bar("fitting features", "image") as bar:
            features = fit_features(
                extractor,
                [load_image(sample.path).pixels for sample in part],
                score,
                seed=config.seed,
                on_progress=_on(bar),
            )
        record |= {"extractor": {"name": extractor.name, "digest": extractor.digest}}
    record |= {"trained_on": sorted(_file_digest(sample.path) for sample in part)}
    detector = Detector(
        unet, scheduler, score, features=features, name=args.out.name, training=record
    )
    with _bar("calibrating", "row") as bar:
        detector.calibrate(
            [load_image(sample.path).pixels for sample in held],
            target_fpr=args.fpr,
            on_progress=_on(bar),
        )
    return detector


def _calibrate(args: argparse.Namespace) -> int:
    from ddad.checkpoint import find_checkpoint
    from ddad.detector import Detector
    from ddad.images import load_image

    detector = Detector.load(args.checkpoint)
    unseen = unseen_normals(detector, args.data)
    detector = detector.with_config(_override(detector.config, args))
    with _bar("calibrating", "image") as bar:
        detector.calibrate(
            [load_image(path).pixels for path in unseen],
            target_fpr=args.fpr,
            on_progress=_on(bar),
        )
    detector.save(args.out or find_checkpoint(args.checkpoint))
    _say_threshold(detector)
    return 0


def _say_threshold(detector: Detector) -> None:
    from ddad.calibration import normals_needed

    fitted = detector.calibration
    how = "about" if fitted.cross_fitted else "at most"
    print(
        f"threshold {fitted.threshold:.4f} from {fitted.n} held-out normals: {how} "
        f"{fitted.guaranteed_fpr:.1%} of good parts score above it"
    )
    if fitted.n < (needed := normals_needed(fitted.target_fpr)):
        print(f"{fitted.target_fpr:.1%} as asked would need {needed} held-out normals")


def _score(args: argparse.Namespace) -> int:
    from ddad.batch import plan_outputs, score_files
    from ddad.detector import Detector

    planned = plan_outputs(args.paths, args.out)
    detector = Detector.load(args.checkpoint)
    detector.calibration  # noqa: B018  an uncalibrated model fails here, before any work
    with _bar("scoring", "image") as bar:
        errors = score_files(
            detector,
            planned,
            args.out,
            max_pixels=int(args.max_megapixels * 1e6),
            report=_on_named(bar),
        )
    for error in errors:
        print(error, file=sys.stderr)
    print(
        f"{len(planned) - len(errors)} of {len(planned)} images scored: {args.out / 'scores.csv'}"
    )
    return 1 if errors else 0


def _evaluate(args: argparse.Namespace) -> int:
    from ddad import data
    from ddad.batch import evaluate
    from ddad.detector import Detector

    samples = [s for s in data.read(args.data) if s.split == "test"]
    if not samples:
        raise ValueError(f"{args.data} has no test images: expected test/good and test/<defect>")
    detector = Detector.load(args.checkpoint)
    with _bar("evaluating", "image") as bar:
        metrics = evaluate(detector, samples, args.out, report=_on_named(bar))
    metrics = {"model": detector.name, "data": args.data.name} | metrics
    part = args.out / "metrics.json.part"
    part.write_text(json.dumps(metrics, indent=2) + "\n")
    os.replace(part, args.out / "metrics.json")
    shown = ("image_auroc", "pixel_auroc", "pixel_ap", "aupro", "image_f1_max")
    print("  ".join(f"{k} {metrics[k]:.4f}" for k in shown if metrics[k] is not None))
    return 0


def _nll(args: argparse.Namespace) -> int:
    from ddad.detector import Detector
    from ddad.images import load_image

    detector = Detector.load(args.checkpoint)
    paths = unseen_normals(detector, args.data)[: args.images]
    totals = []
    with _bar("bits per dimension", "step") as bar:
        for path in paths:
            totals.append(detector.bits_per_dim(load_image(path).pixels, on_progress=_on(bar)))
    print(f"{sum(totals) / len(totals):.4f} bits per dimension over {len(totals)} images")
    return 0


def unseen_normals(detector: Detector, root: Path) -> list[Path]:
    """Normal images under `root` that the detector was not trained on."""
    from ddad import data

    seen = set(detector.training.get("trained_on", ()))
    normals = [s.path for s in data.read(root) if s.split == "train" and not s.anomalous]
    unseen = [path for path in normals if _file_digest(path) not in seen]
    if not unseen:
        raise ValueError(f"the model was trained on every normal image in {root}")
    if len(unseen) < len(normals):
        print(f"{len(normals) - len(unseen)} images left out: the model was trained on them")
    return unseen


def _file_digest(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _override(config: Any, args: argparse.Namespace) -> Any:
    """The preset with the flags that were given; `--steps` and `--minutes` displace each other."""
    names = {field.name for field in fields(config)}
    given = {k: v for k, v in vars(args).items() if k in names and v is not None}
    if "steps" in given and "minutes" not in given:
        given["minutes"] = 0.0
    if "minutes" in given and "steps" not in given:
        given["steps"] = 0
    return replace(config, **{k: v for k, v in given.items() if k in names})


def _bar(text: str, unit: str) -> Any:
    from tqdm import tqdm

    return tqdm(desc=text, unit=unit, disable=None, dynamic_ncols=True)


def _on(bar: Any) -> Callable[[int, int], None]:
    def report(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    return report


def _on_named(bar: Any) -> Callable[[str, int, int], None]:
    def report(name: str, done: int, total: int) -> None:
        bar.total = total
        bar.set_postfix_str(name[:40].replace("\n", "?"))
        bar.update(done - bar.n)

    return report
