"""What each shipped model promises and what it realises on good parts that it never saw.

    python -m benchmarks.shipped DATA

DATA holds aws_cookie and mvtec_bottle; the brick wall is at hand. The tests hold the same.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ddad.data import datasets
from ddad.images.decode import load_image
from ddad.images.files import file_digest
from ddad.measure.metrics import image_metrics
from ddad.model.checkpoint import list_checkpoints
from ddad.model.detector import Detector
from ddad.score.promise import Promise
from ddad.training.synthetic import brick_tree

SOURCES = {"cookie": "aws_cookie", "bottle": "mvtec_bottle", "brick": ""}
"""The data set of each model, whose test split it has never seen; none: it is made."""


@dataclass(frozen=True)
class Kept:
    """A model's promise and what became of it."""

    name: str
    promise: Promise
    good: int
    above: int
    """Of the good parts, how many its threshold marks."""
    defective: int
    found: int
    strange: int
    """Of all, how many it does not know."""
    image_auroc: float

    @property
    def within(self) -> tuple[int, int]:
        return self.promise.counts(self.good)


def kept(name: str, root: Path) -> Kept:
    """Judge the test images of a data set by a shipped model. Raises ValueError without promise."""
    detector = Detector.load(name)
    promise = detector.calibration.promise
    if promise is None:
        raise ValueError(f"the model '{name}' promises nothing")
    tests = datasets.labelled(root).samples
    seen = set(detector.training["trained_on"])
    if any(file_digest(sample.path) in seen for sample in tests):
        raise ValueError(f"the model '{name}' was trained on an image of its test split")
    found = [detector.detect([load_image(sample.path).pixels])[0] for sample in tests]
    bad = [sample.anomalous for sample in tests]
    auroc = image_metrics([each.score for each in found], bad)["image_auroc"]
    assert auroc is not None
    pairs = list(zip(found, bad, strict=True))
    return Kept(
        name,
        promise,
        sum(not b for b in bad),
        sum(each.anomalous and not b for each, b in pairs),
        sum(bad),
        sum(each.anomalous and b for each, b in pairs),
        sum(not each.familiar for each in found),
        auroc,
    )


def every(data: Path | None) -> Iterator[Kept]:
    """All shipped models whose data are there; without `data`, those that need none."""
    for name in list_checkpoints():
        if not SOURCES[name]:
            with tempfile.TemporaryDirectory() as folder:
                brick_tree(Path(folder))
                yield kept(name, Path(folder))
        elif data is not None:
            yield kept(name, data / SOURCES[name])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    print("| model | promised | good, marked | within | defective, found | strange | image AUROC |")
    print("|---|---|---|---|---|---|---|")
    for it in every(parser.parse_args().data):
        low, high = it.within
        print(
            f"| {it.name} | {it.promise}, by {it.promise.parts} | {it.above} of {it.good} | "
            f"{low} to {high} | {it.found} of {it.defective} | {it.strange} | "
            f"{it.image_auroc:.3f} |"
        )


if __name__ == "__main__":
    main()
