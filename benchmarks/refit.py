"""Refit the feature branch of a model with today's defaults; its pixel branch stays as it is.

    python -m benchmarks.refit CHECKPOINT DATA

DATA is what the model was trained on, split as training splits it: the same images are fitted to
again, the others calibrate.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from ddad.data import datasets as data
from ddad.diffusion.extractor import Extractor
from ddad.images.decode import load_image
from ddad.images.files import file_digest
from ddad.model.checkpoint import BUNDLED, find_checkpoint
from ddad.model.detector import Detector
from ddad.score.config import ScoreConfig
from ddad.training.fit import Vectors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint")
    parser.add_argument("data", type=Path)
    args = parser.parse_args()
    old = Detector.load(args.checkpoint)
    config = old.training["config"]
    normals = [s for s in data.read(args.data) if s.split == "train" and not s.anomalous]
    part, held = data.hold_out(normals, config["held_out"], config["seed"])
    if len(part) != old.training["images"]["trained_on"]:
        raise SystemExit(f"{args.checkpoint} was not trained on {args.data} with its shares")
    seen, unseen = ([load_image(s.path).pixels for s in group] for group in (part, held))
    score = replace(old.config, feature_blur=ScoreConfig.feature_blur)
    new = Detector(
        old.unet,
        old.scheduler,
        score,
        features=Vectors.of(seen, Extractor.load(BUNDLED), score).fit(),
        name=old.name,
        training=old.training | {"trained_on": sorted(file_digest(s.path) for s in part)},
    )
    new = new.calibrate(unseen, target_fpr=old.calibration.target_fpr)
    new.save(find_checkpoint(args.checkpoint))
    at = new.calibration
    print(f"{len(seen)} images fitted to, threshold {at.threshold:.4f} from {at.n}")


if __name__ == "__main__":
    main()
