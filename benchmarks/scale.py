"""Throughput of batch scoring: the plain loop beside Ray Data, on this machine.

    python -m benchmarks.scale FOLDER --checkpoint NAME [--images 200] [--tables-only]

Every way scores the same images into tables (and pictures), from process start to the last row.
Ray's start and its actors' imports, which a cluster pays once, are told apart from the rest: warm
is what came after the first row, when every worker had done its first portion. Wants the machine
alone. At the end what a hundred million images a day take by these figures, and the operations of
one image, by which a GPU can be judged.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from torch.utils.flop_counter import FlopCounterMode

from ddad.images.decode import load_image
from ddad.model.detector import Detector
from ddad.work.cluster import BATCH, Pool, score_on_ray
from ddad.work.outputs import plan_outputs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--checkpoint", default="cookie")
    parser.add_argument("--images", type=int, default=200, help="the folder's, again and again")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--tables-only", action="store_true")
    args = parser.parse_args()
    files = list(
        itertools.islice(itertools.cycle(f for f, _ in plan_outputs([args.folder])), args.images)
    )
    planned = [(str(file), f"{i:06}") for i, file in enumerate(files)]
    print("| way | images/s, all in | first row after | images/s, warm | core s/image, warm |")
    print("|---|---|---|---|---|")
    for threads in (1, args.cores):
        found = plain(planned, args, threads)
        print(row(f"plain loop, {threads} thread(s)", threads, *found), flush=True)
    cost = 0.0
    for actors, threads in ((1, 1), (args.cores, 1), (1, args.cores)):
        pool = Pool(actors=(actors, actors), threads=threads, pictures=not args.tables_only)
        label = f"Ray Data, {actors} actor(s) of {threads} thread(s)"
        found = rayed(planned, args, pool)
        print(row(label, actors * threads, *found), flush=True)
        if (actors, threads) == (args.cores, 1):
            cost = args.cores / found[-1]
    cores = 1e8 * cost / 86_400
    print(
        f"100 million images a day: {1e8 / 86_400:.0f} a second, {cores:.0f} cores, "
        f"{24 * cores:.0f} core hours a day"
    )
    operations(args.checkpoint, files[0])


def operations(name: str, file: Path) -> None:
    """Floating-point operations of one image, each branch's."""
    whole, pixels = Detector.load(name), load_image(file).pixels
    branches = {"feature": (None, whole.features), "pixel": (whole.unet, None)}
    for branch, (unet, features) in branches.items():
        if branch in whole.weights:
            alone = Detector(unet, whole.scheduler, whole.config, features=features)
            with FlopCounterMode(display=False) as counter:
                alone.maps([pixels])
            print(f"{branch} branch: {counter.get_total_flops() / 1e9:.1f} G operations an image")


def row(label: str, cores: int, all_in: float, first: float, warm: float) -> str:
    return f"| {label} | {all_in:.2f} | {first:.1f} s | {warm:.2f} | {cores / warm:.3f} |"


def plain(
    planned: list[tuple[str, str]], args: argparse.Namespace, threads: int
) -> tuple[float, float, float]:
    """A process of its own: what it printed of its clock, and the whole of it."""
    code = (
        "import sys, time, torch\n"
        "from pathlib import Path, PurePosixPath\n"
        "from ddad.work.batch import score_files\n"
        "from ddad.model.detector import Detector\n"
        "torch.set_num_threads(int(sys.argv[1]))\n"
        "files = [tuple(line.split('\\t')) for line in sys.stdin.read().splitlines()]\n"
        "planned = [(Path(f), PurePosixPath(n)) for f, n in files]\n"
        "score_files(Detector.load(sys.argv[2]), planned, Path(sys.argv[3]), max_pixels=10**8,\n"
        "            report=lambda *_: print(time.time(), flush=True))\n"
    )
    with tempfile.TemporaryDirectory() as out:
        started = time.time()
        done = subprocess.run(
            [sys.executable, "-c", code, str(threads), args.checkpoint, out],
            input="\n".join("\t".join(pair) for pair in planned),
            capture_output=True,
            text=True,
            check=True,
        )
        return rates(started, [float(line) for line in done.stdout.splitlines()], threads)


def rayed(
    planned: list[tuple[str, str]], args: argparse.Namespace, pool: Pool
) -> tuple[float, float, float]:
    marks: list[float] = []
    with tempfile.TemporaryDirectory() as out:
        started = time.time()
        score_on_ray(
            planned,
            args.checkpoint,
            out,
            pool,
            max_pixels=10**8,
            report=lambda name, done, total: marks.append(time.time()),
        )
        return rates(started, marks, BATCH * pool.actors[0])


def rates(started: float, marks: list[float], ahead: int) -> tuple[float, float, float]:
    """Images a second over all, seconds to the first row, images a second after it.

    `ahead` images are done by the time of the first row: every worker's first portion.
    """
    warm = (len(marks) - ahead) / max(marks[-1] - marks[0], 1e-9)
    return len(marks) / (marks[-1] - started), marks[0] - started, warm


if __name__ == "__main__":
    main()
