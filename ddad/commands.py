"""What each command of the command line does. Heavy imports wait until a command runs."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ddad.model.detector import Detector


def train(args: argparse.Namespace) -> int:
    import psutil

    from ddad.training.journal import forget_requests

    # Those made since this process began count, though the training itself has yet to begin.
    forget_requests(args.out / "run", older_than=psutil.Process().create_time())
    from ddad.data import datasets as data
    from ddad.diffusion.extractor import Extractor
    from ddad.model.checkpoint import BUNDLED
    from ddad.score.config import ScoreConfig
    from ddad.training import lifecycle
    from ddad.training.run import PRESETS

    config = _override(PRESETS[args.preset or "cpu"], args)
    if args.dry_run:
        print(json.dumps(asdict(config), indent=2))
        return 0
    score = _override(ScoreConfig(size=config.size), args)  # fails before the training, not after
    asked = any((args.preset, args.minutes, args.steps))
    branch = args.branch or ("both" if asked else "feature")
    first = os.environ.get("RANK", "0") == "0"  # of the processes of `accelerate launch`
    if branch == "feature" and not first:
        return 0  # nothing to share
    samples = data.read(args.data)
    normals = [s for s in samples if s.split == "train" and not s.anomalous]
    extractor = None
    if branch != "pixel" and first:
        extractor = Extractor.load(args.extractor or BUNDLED, download=args.download)
    plan = lifecycle.Plan(branch, config, score, args.fpr, config.seed)
    if first:
        print(data.summary(samples))
    with _bar("training", "%") as bar:
        detector = lifecycle.run(
            normals, extractor, args.out, plan, show=_on_journal(bar), first=first
        )
    if detector is not None:
        _say_threshold(detector)
        print(f"wrote {args.out}")
    return 0


def _on_journal(bar: Any) -> Callable[[dict[str, Any]], None]:
    def show(progress: dict[str, Any]) -> None:
        bar.set_description_str(progress["phase"])
        names = ("loss", "held_out_loss", "images_per_second")
        bar.set_postfix({k: f"{progress[k]:.4g}" for k in names if k in progress})
        bar.total = 100
        bar.update(round(100 * progress["done"], 2) - bar.n)

    return show


def check(args: argparse.Namespace) -> int:
    from ddad.data import datasets as data
    from ddad.data.photographs import look_over
    from ddad.diffusion.extractor import Extractor
    from ddad.model.checkpoint import BUNDLED

    normals = [s.path for s in data.read(args.data) if s.split == "train" and not s.anomalous]
    with _bar("looking over", "image") as bar:
        found = look_over(normals, Extractor.load(args.extractor or BUNDLED), on_progress=_on(bar))
    for finding in found.findings:
        like = f" as {finding.like}" if finding.like else ""
        print(f"{finding.kind}: {finding.path}: {finding.why}{like}")
    print(found.enough(args.fpr))
    return 0


def calibrate(args: argparse.Namespace) -> int:
    from ddad.images.decode import load_image
    from ddad.model.checkpoint import find_checkpoint
    from ddad.model.detector import Detector

    if args.add_normals:
        return _add_normals(args)
    if args.data is None:
        raise ValueError("calibrate needs DATA, or --add-normals with images of good parts")
    detector = Detector.load(args.checkpoint)
    unseen = unseen_normals(detector, args.data)
    detector = detector.with_config(_override(detector.config, args))
    with _bar("calibrating", "image") as bar:
        detector = detector.calibrate(
            [load_image(path).pixels for path in unseen],
            target_fpr=args.fpr,
            on_progress=_on(bar),
        )
    detector.save(args.out or find_checkpoint(args.checkpoint))
    _say_threshold(detector)
    return 0


def _add_normals(args: argparse.Namespace) -> int:
    from ddad.model.checkpoint import find_checkpoint
    from ddad.model.detector import Detector
    from ddad.training.feedback import add_normals, keep_for_training
    from ddad.work.batch import plan_outputs

    files = [file for file, _ in plan_outputs(args.add_normals)]
    detector = Detector.load(args.checkpoint)
    if args.data is not None:
        print(f"{keep_for_training(files, args.data)} images copied to the normals of {args.data}")
    detector, change = add_normals(detector, files)
    print(change)
    detector.save(args.out or find_checkpoint(args.checkpoint))
    _say_threshold(detector)
    return 0


def _say_threshold(detector: Detector) -> None:
    from ddad.model.card import promise

    print(promise(detector.calibration))


def score(args: argparse.Namespace) -> int:
    from ddad.model.detector import Detector
    from ddad.work.batch import plan_outputs, score_files

    if args.ray is not None:
        return _score_on_ray(args)
    out = Path(args.out)
    planned = plan_outputs([Path(path) for path in args.paths], out)
    detector = Detector.load(args.checkpoint)
    detector.calibration  # noqa: B018  an uncalibrated model fails here, before any work
    with _bar("scoring", "image") as bar:
        errors = score_files(
            detector,
            planned,
            out,
            max_pixels=int(args.max_megapixels * 1e6),
            report=_on_named(bar),
        )
    return _say_scored(errors, len(planned), args.out)


def _score_on_ray(args: argparse.Namespace) -> int:
    from ddad.work.cluster import Pool, plan, score_on_ray

    planned = plan(args.paths, args.out)
    most = args.actors or 0
    pool = Pool(args.ray or None, (1, most), args.threads, args.gpus, not args.tables_only)
    with _bar("scoring", "image") as bar:
        errors = score_on_ray(
            planned,
            args.checkpoint,
            args.out,
            pool,
            max_pixels=int(args.max_megapixels * 1e6),
            report=_on_named(bar),
        )
    return _say_scored(errors, len(planned), args.out)


def _say_scored(errors: list[str], total: int, out: str) -> int:
    for error in errors:
        print(error, file=sys.stderr)
    print(f"{total - len(errors)} of {total} images scored: {out}/scores.csv")
    return 1 if errors else 0


def restore(args: argparse.Namespace) -> int:
    from ddad.model.detector import Detector
    from ddad.score.config import RestoreConfig
    from ddad.work.batch import plan_outputs, restore_files

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


def watch(args: argparse.Namespace) -> int:
    from ddad.model.detector import Detector
    from ddad.training.run import stop_flag
    from ddad.work.watch import watch

    def report(row: dict[str, Any]) -> None:
        said = row.get("error") or ("anomalous" if row["anomalous"] else "good")
        print(f"{row['file']}: {said}", flush=True)

    detector = Detector.load(args.checkpoint)
    with stop_flag() as stopped:
        scored = watch(
            args.folder,
            args.out,
            detector,
            stopped,
            every=args.every,
            once=args.once,
            max_pixels=int(args.max_megapixels * 1e6),
            report=report,
        )
    print(f"{scored} images scored: {args.out / 'scores.csv'}")
    return 0


def pack(args: argparse.Namespace) -> int:
    from ddad.model.checkpoint import find_checkpoint
    from ddad.model.package import checkpoint_zip

    print(f"wrote {checkpoint_zip(find_checkpoint(args.checkpoint), args.zip)}")
    return 0


def unpack(args: argparse.Namespace) -> int:
    from ddad.model.package import load_checkpoint_zip

    load_checkpoint_zip(args.zip, args.out)
    print(f"wrote {args.out}")
    return 0


def push(args: argparse.Namespace) -> int:
    from ddad.model.checkpoint import find_checkpoint
    from ddad.model.package import push

    folder, token = find_checkpoint(args.checkpoint), os.environ.get("HF_TOKEN")
    print(push(folder, args.repo, token, private=not args.public))
    return 0


def evaluate(args: argparse.Namespace) -> int:
    from ddad.data import datasets as data
    from ddad.model.detector import Detector
    from ddad.work.batch import evaluate

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
    from ddad.images.decode import load_image
    from ddad.model.detector import Detector
    from ddad.score.scorer import bits_per_dim

    detector = Detector.load(args.checkpoint)
    if detector.unet is None:
        raise ValueError(f"the model '{detector.name}' has no pixel branch, so no likelihood")
    paths = unseen_normals(detector, args.data)[: args.images]
    totals = []
    with _bar("bits per dimension", "step") as bar:
        for path in paths:
            pixels = load_image(path).pixels
            totals.append(bits_per_dim(detector, pixels, on_progress=_on(bar)))
    print(f"{sum(totals) / len(totals):.4f} bits per dimension over {len(totals)} images")
    return 0


def unseen_normals(detector: Detector, root: Path) -> list[Path]:
    """Normal images under `root` that the detector was not trained on."""
    from ddad.data import datasets as data
    from ddad.images.files import file_digest

    seen = set(detector.training.get("trained_on", ()))
    normals = [s.path for s in data.read(root) if s.split == "train" and not s.anomalous]
    unseen = [path for path in normals if file_digest(path) not in seen]
    if not unseen:
        raise ValueError(f"the model was trained on every normal image in {root}")
    if len(unseen) < len(normals):
        print(f"{len(normals) - len(unseen)} images left out: the model was trained on them")
    return unseen


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
