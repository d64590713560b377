"""Throughput of batch scoring: the plain loop beside Ray Data, on this machine.

    python -m benchmarks.scale FOLDER --checkpoint NAME [--images 200] [--tables-only]

Every way scores the same images into tables (and pictures), from process start to the last row.
Ray's start, its actors' imports and its warm rate are told apart: a cluster pays the first two
once.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ddad.batch import plan_outputs
from ddad.cluster import Pool, score_on_ray


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
    print("| way | images/s, all in | first row after | images/s, warm |")
    print("|---|---|---|---|")
    for threads in (1, args.cores):
        print(row(f"plain loop, {threads} thread(s)", *plain(planned, args, threads)), flush=True)
    for actors, threads in ((1, 1), (args.cores, 1), (1, args.cores)):
        pool = Pool(actors=(actors, actors), threads=threads, pictures=not args.tables_only)
        label = f"Ray Data, {actors} actor(s) of {threads} thread(s)"
        print(row(label, *rayed(planned, args, pool)), flush=True)


def row(label: str, all_in: float, first: float, warm: float) -> str:
    return f"| {label} | {all_in:.2f} | {first:.1f} s | {warm:.2f} |"


def plain(
    planned: list[tuple[str, str]], args: argparse.Namespace, threads: int
) -> tuple[float, float, float]:
    """A process of its own: what it printed of its clock, and the whole of it."""
    code = (
        "import sys, time, torch\n"
        "from pathlib import Path, PurePosixPath\n"
        "from ddad.batch import score_files\n"
        "from ddad.detector import Detector\n"
        "torch.set_num_threads(int(sys.argv[1]))\n"
        "files = [tuple(line.split('\\t')) for line in sys.stdin.read().splitlines()]\n"
        "planned = [(Path(f), PurePosixPath(n)) for f, n in files]\n"
        "score_files(Detector.load(sys.argv[2]), planned, Path(sys.argv[3]), max_pixels=10**8,\n"
        "            report=lambda name, done, total: print(time.time(), flush=True))\n"
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
        return rates(started, [float(line) for line in done.stdout.splitlines()])


def rayed(
    planned: list[tuple[str, str]], args: argparse.Namespace, pool: Pool
) -> tuple[float, float, float]:
    times: list[float] = []
    with tempfile.TemporaryDirectory() as out:
        started = time.time()
        score_on_ray(
            planned,
            args.checkpoint,
            out,
            pool,
            max_pixels=10**8,
            report=lambda name, done, total: times.append(time.time()),
        )
        return rates(started, times)


def rates(started: float, times: list[float]) -> tuple[float, float, float]:
    """Images a second over all, seconds to the first row, and the rate of the second half."""
    half = len(times) // 2
    warm = (len(times) - half - 1) / max(times[-1] - times[half], 1e-9)
    return len(times) / (times[-1] - started), times[0] - started, warm


if __name__ == "__main__":
    main()
