"""A handful of good photographs: ours beside PatchCore on the same ones.

    python -m benchmarks.few_shots DATA [--set mvtec_pill] [--shots 1 2 4 8 16] [--draws 5]
                                        [--out runs/few_shots]

Mean and range over draws of the photographs, all test images. Features of the test images are
computed once (`benchmarks.cached`); both methods use the bundled extractor.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from benchmarks.cached import features
from benchmarks.peers import patchcore_map, patchcore_memory
from ddad.data import datasets
from ddad.data.datasets import Sample
from ddad.diffusion.extractor import Extractor
from ddad.images.decode import load_image
from ddad.images.files import write_json
from ddad.measure.evaluation import truth
from ddad.measure.metrics import Evaluation
from ddad.model.checkpoint import BUNDLED
from ddad.model.detector import Detector
from ddad.score.config import ScoreConfig
from ddad.score.feature import jump
from ddad.score.promise import percent
from ddad.training.fit import Vectors, cross_fit, cross_fitted

COLUMNS = ("image_auroc", "pixel_auroc", "pixel_ap", "aupro")
Found = Iterator[tuple[np.ndarray, float, bool]]


def trained(extractor: Extractor, shots: list[np.ndarray], seed: int) -> Detector:
    """As `ddad train` makes it of so many photographs."""
    groups = [str(index) for index in range(len(shots))]
    vectors = Vectors.of(shots, extractor, ScoreConfig(), seed=seed)
    raw = {index: maps for index, _, maps in cross_fit(vectors, shots, groups)}
    return cross_fitted(vectors, raw, groups, 0.05)


def ours(detector: Detector, kept: list[np.ndarray], sizes: list[tuple[int, ...]]) -> Found:
    """Map, score and verdict of images whose features are at hand."""
    assert detector.features is not None
    config = detector.config
    steps = [jump(detector.scheduler, t, config.feature_left) for t in config.feature_timesteps]
    for each, size in zip(kept, sizes, strict=True):
        vectors = torch.from_numpy(np.array(each, np.float32)).flatten(1).T
        found = detector.features.mixture.steps(vectors, steps)
        maps = np.stack([step.kl.view(each.shape[1:]).numpy() for step in found])
        judged = detector.judge({"feature": maps}, size)
        yield judged.score_map, judged.score, judged.anomalous


def peer(extractor: Extractor, shots: list[np.ndarray], images: list[np.ndarray]) -> Found:
    memory = patchcore_memory(extractor, shots)
    for pixels in images:
        yield *patchcore_map(extractor, memory, pixels), False


def judge(samples: list[Sample], masks: list[np.ndarray | None], found: Found) -> dict[str, float]:
    evaluation, alarms, good = Evaluation(), 0, 0
    for sample, mask, (score_map, score, anomalous) in zip(samples, masks, found, strict=True):
        evaluation.add(score, score_map, mask, sample.defect)
        good += not sample.anomalous
        alarms += anomalous and not sample.anomalous
    result = evaluation.result()
    return {column: result[column] for column in COLUMNS} | {"realised": alarms / good}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--set", default="mvtec_pill")
    parser.add_argument("--shots", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("runs/few_shots"))
    args = parser.parse_args()
    samples = datasets.read(args.data / args.set)
    normals = [s for s in samples if s.split == "train"]
    tests = [s for s in samples if s.split == "test"]
    images = [load_image(s.path).pixels for s in tests]
    masks = [truth(s, i.shape[:2])[1] for s, i in zip(tests, images, strict=True)]
    extractor = Extractor.load(BUNDLED)
    cache = args.out / "features"
    kept = features([s.path for s in tests], extractor, ScoreConfig().feature_size, cache)
    sizes = [image.shape for image in images]
    heads = ["image AUROC", "pixel AUROC", "pixel AP", "AUPRO"]
    print(f"| {args.set}, photographs | {' | '.join(heads)} | promised | realised |")
    print("|---" * (3 + len(heads)) + "|", flush=True)
    for count in args.shots:
        rows: dict[str, list[dict[str, float]]] = {"ours": [], "PatchCore": []}
        promises = set()
        for draw in tqdm(range(args.draws), desc=f"{count}", disable=None):
            done = args.out / f"{args.set}_{count}_{draw}.json"
            if not done.exists():
                order = np.random.default_rng((draw, count)).permutation(len(normals))[:count]
                shots = [load_image(normals[i].path).pixels for i in order]
                detector = trained(extractor, shots, draw)
                promise = detector.calibration.promise
                found = {
                    "ours": judge(tests, masks, ours(detector, kept, sizes)),
                    "PatchCore": judge(tests, masks, peer(extractor, shots, images)),
                    "promise": percent(promise.rate) if promise else "none",
                }
                write_json(found, done)
            read = json.loads(done.read_text())
            promises.add(read["promise"])
            for method, each in rows.items():
                each.append(read[method])
        for method, each in rows.items():
            cells = []
            for column in COLUMNS:
                values = [row[column] for row in each]
                cells.append(f"{np.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})")
            realised = percent(float(np.mean([row["realised"] for row in each])))
            told = [*promises, realised] if method == "ours" else ["", ""]
            print(f"| {method}, {count} | {' | '.join([*cells, *told])} |", flush=True)


if __name__ == "__main__":
    main()
