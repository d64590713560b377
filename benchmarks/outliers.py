"""Whether defective photographs among the good ones are shown before training.

    python -m benchmarks.outliers ../shared/data [--good 30] [--defective 3] [--draws 3]

Per set and draw: so many good photographs of `train` and so many defective ones of `test`; how many
of each a model of the others finds far out (`ddad.training.outliers`, default settings).
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

from ddad.data.datasets import DatasetError, read
from ddad.diffusion.extractor import Extractor
from ddad.images.decode import load_image
from ddad.model.checkpoint import BUNDLED
from ddad.training.outliers import far_out


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of data sets")
    parser.add_argument("--good", type=int, default=30)
    parser.add_argument("--defective", type=int, default=3)
    parser.add_argument("--draws", type=int, default=3)
    args = parser.parse_args()
    extractor = Extractor.load(BUNDLED)
    print("| set | defective shown | good shown |\n|---|---|---|")
    for root in sorted(path for path in args.data.iterdir() if path.is_dir()):
        try:
            samples = read(root)
        except DatasetError:
            continue
        good = [s.path for s in samples if s.split == "train"]
        bad = [s.path for s in samples if s.split == "test" and s.anomalous]
        shown = [0, 0]
        for draw in range(args.draws):
            rng = random.Random(f"{root.name} {draw}")
            paths = rng.sample(bad, args.defective) + rng.sample(good, args.good)
            found = far_out([load_image(path).pixels for path in paths], extractor)
            for each in found:
                shown[each.index >= args.defective] += 1
        of = args.defective * args.draws, args.good * args.draws
        print(f"| {root.name} | {shown[0]} of {of[0]} | {shown[1]} of {of[1]} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
