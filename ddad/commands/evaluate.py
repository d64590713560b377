"""Compare maps with the true masks of a test set."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ddad.commands import options

SAID = ("image_auroc", "pixel_auroc", "pixel_ap", "aupro", "image_f1_max")
"""The metrics on the terminal; metrics.json has them all."""


def add(commands: options.Commands) -> None:
    parser = options.command(commands, "evaluate", run, __doc__)
    parser.add_argument(
        "data",
        type=Path,
        help="folder of images known to be good or defective, such as test/good, test/crack and "
        "ground_truth/crack/<stem>_mask.png; masks may lack, then for the figures of whole images "
        "alone",
    )
    options.add_checkpoint(parser)
    options.add_out(parser, "images.csv and metrics.json")
    parser.add_argument(
        "--wished-recall",
        type=options.rate,
        metavar="SHARE",
        help="propose a threshold that finds this share of defects, 0 to 1, sure in 19 of 20 sets "
        "of so many defects; it changes nothing (default: none is proposed)",
    )


def run(args: argparse.Namespace) -> int:
    from ddad.data.datasets import labelled
    from ddad.images.files import write_json
    from ddad.measure.decided import Rate
    from ddad.measure.evaluation import evaluate
    from ddad.model.detector import Detector

    options.check_out(args.out)
    chosen = labelled(args.data)
    detector = Detector.load(args.checkpoint)
    for note in chosen.notes:
        options.tell(note)
    options.say_passed_over([args.data])
    unseen = set(options.unseen(detector, [sample.path for sample in chosen.samples], args.data))
    samples = [sample for sample in chosen.samples if sample.path in unseen]
    options.say_how_read([sample.path for sample in samples], detector.levels)
    with options.bar("evaluating", "image") as bar:
        metrics = evaluate(
            detector,
            samples,
            args.out,
            wished_recall=args.wished_recall,
            report=options.on_named(bar),
        )
    write_json(
        {"model": detector.name, "data": args.data.name} | metrics, args.out / "metrics.json"
    )
    for error in metrics["errors"]:
        options.tell(error)
    print("  ".join(f"{k} {metrics[k]:.4f}" for k in SAID if metrics[k] is not None))
    options.say_unpromised(args.checkpoint)
    options.say_sight(args.checkpoint)
    missed, alarms = (Rate(**metrics["rates"][name]) for name in ("missed", "false_alarms"))
    print(f"at {detector.calibration.threshold:.4g}: missed defects {missed}")
    print(f"false alarms {alarms}")
    if "proposal" in metrics:
        print(metrics["proposal"]["said"])
    for sentence in lacks(metrics):
        print(sentence)
    return 1 if metrics["errors"] else 0


def lacks(metrics: Mapping[str, Any]) -> list[str]:
    """Sentences on what a test set has too little of, or of another kind, for the figures."""
    from ddad.model.detection import strangers

    good, bad, bare = (metrics[name] for name in ("n_good", "n_defective", "n_without_masks"))
    found = []
    if failed := len(metrics["errors"]):
        found.append(f"{failed} of {failed + good + bad} images left out: they have an error")
    if strange := strangers(metrics["n_unfamiliar"], good + bad):
        found.append(f"{strange}; each counts by its score")
    if bare:
        found.append(f"pixel metrics want masks: {bare} of {bad} defective images have none")
    if not good or not bad:
        lacking = " and ".join(
            kind for kind, count in (("good", good), ("defective", bad)) if not count
        )
        found.append(f"metrics want good and defective images: no {lacking} ones are there")
    return found
