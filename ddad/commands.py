"""What each command of the command line does. Heavy imports wait until a command runs."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ddad.data import Sample
    from ddad.detector import Detector
    from ddad.features import Extractor
    from ddad.run import TrainConfig
    from ddad.scoring import ScoreConfig


def train(args: argparse.Namespace) -> int:
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
        "trained_on": sorted(file_digest(sample.path) for sample in normals),
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
    record |= {"trained_on": sorted(file_digest(sample.path) for sample in part)}
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


def calibrate(args: argparse.Namespace) -> int:
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


def score(args: argparse.Namespace) -> int:
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


def restore(args: argparse.Namespace) -> int:
    from ddad.batch import plan_outputs, restore_files
    from ddad.detector import Detector
    from ddad.restoration import RestoreConfig

    config = _override(RestoreConfig(), args)
    planned = plan_outputs(args.paths, args.out)
    detector = Detector.load(args.checkpoint)
    detector.check_restorable(config)
    with _bar("restoring", "%") as bar:
        errors = restore_files(
            detector,
            planned,
            args.out,
            config,
            animation=args.animation,
            max_pixels=int(args.max_megapixels * 1e6),
            report=_on_named(bar),
        )
    for error in errors:
        print(error, file=sys.stderr)
    table = args.out / "restorations.csv"
    print(f"{len(planned) - len(errors)} of {len(planned)} images restored: {table}")
    return 1 if errors else 0


def evaluate(args: argparse.Namespace) -> int:
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


def nll(args: argparse.Namespace) -> int:
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
    unseen = [path for path in normals if file_digest(path) not in seen]
    if not unseen:
        raise ValueError(f"the model was trained on every normal image in {root}")
    if len(unseen) < len(normals):
        print(f"{len(normals) - len(unseen)} images left out: the model was trained on them")
    return unseen


def file_digest(path: Path) -> str:
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
