"""A hundred thousand small images on three Ray nodes, one of which is killed on the way.

    python -m benchmarks.nodes [--images 100000] [--store 100]

The nodes are raylets of one machine (`ray.cluster_utils.Cluster`), each with a core, a model and an
object store of its own, so small that what fills it has to be spilled to disk: the model that the
actors fetch lies among ballast of four times the store. After a third of the rows a node is killed
without a word, after two thirds a new one joins. Says the throughput, how much was spilled, and
counts that every image has its row once, in order. Exit code 1 where a row is lost, is there twice
or has an error, or nothing was spilled.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.hostile import model
from benchmarks.ten_thousand import made
from ddad.work.cluster import Pool, plan, score_on_ray

KEPT = 500
"""Different pictures; the other files are links to them."""
BALLAST = 4
"""Times the object store of the head, put before the model."""


class Nodes:
    """The cluster, and what happens to it while rows come in."""

    def __init__(self, images: int, megabytes: int) -> None:
        from ray.cluster_utils import Cluster

        self.images, self.store = images, megabytes * 2**20
        head = {"num_cpus": 1, "object_store_memory": self.store, "include_dashboard": False}
        self.cluster = Cluster(initialize_head=True, head_node_args=head)
        self.workers = [self._join() for _ in range(2)]
        self.cluster.wait_for_nodes()
        self.done, self.times = 0, dict[str, float]()
        self.work = 0.0
        """CPU seconds of this process, which all rows pass, before the first of them."""

    def _join(self) -> Any:
        return self.cluster.add_node(num_cpus=1, object_store_memory=self.store)

    def seen(self, row: dict[str, Any]) -> None:
        """Each row: the first says when scoring began, others that a node is to die or to join."""
        if not self.done:
            self.times["first row"] = time.monotonic()
            self.work = time.process_time()
        self.done += 1
        if self.done == self.images // 3:
            self.times["killed"] = time.monotonic()
            self.cluster.remove_node(self.workers.pop(), allow_graceful=False)
        if self.done == 2 * self.images // 3:
            self.times["joined"] = time.monotonic()
            self.workers.append(self._join())


def spilled(session: str) -> float:
    """Megabytes that lie on disk because object stores were full."""
    folders = Path(session).glob("ray_spilled_objects*")
    return sum(file.stat().st_size for folder in folders for file in folder.rglob("*")) / 2**20


def wrong_with(table: Path, files: list[Path]) -> str:
    """What is wrong with a table of these files, in their order, or nothing."""
    with table.open(encoding="utf-8-sig", newline="") as file:
        found = [(Path(row["file"]).name, row["error"]) for row in csv.DictReader(file)]
    if errors := [error for _, error in found if error]:
        return f"{len(errors)} errors, such as {errors[0]}"
    names = [name for name, _ in found]
    if names != [file.name for file in files]:
        return f"{len(names)} rows of {len(set(names))} images, of {len(files)}"
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--store", type=int, default=100, help="MB of each node's object store")
    parser.add_argument("--out", type=Path, default=Path("runs/hostile"))
    args = parser.parse_args()
    import ray

    whole = model(args.out.resolve())
    with tempfile.TemporaryDirectory() as name:
        files = linked(Path(name) / "images", args.images)
        nodes = Nodes(args.images, args.store)
        ray.init(address=nodes.cluster.address, log_to_driver=False, logging_level="ERROR")
        piece = np.zeros(nodes.store // 4, np.uint8)
        ballast = [ray.put(piece + number) for number in range(4 * BALLAST)]
        began = time.monotonic()
        with tqdm(total=args.images, disable=None) as bar:

            def seen(row: dict[str, Any]) -> None:
                nodes.seen(row)
                bar.update()

            pool = Pool(nodes.cluster.address, (1, 3), pictures=False)
            out = Path(name) / "out"
            planned = plan([str(files[0].parent)], str(out))
            errors = score_on_ray(planned, whole, str(out), pool, max_pixels=10**7, seen=seen)
        ended = time.monotonic()
        megabytes = spilled(nodes.cluster.head_node.get_session_dir_path())
        intact = all(int(ray.get(ref)[0]) == n % 256 for n, ref in enumerate(ballast))
        wrong = wrong_with(out / "scores.csv", files) or "; ".join(errors[:1])
        ray.shutdown()
        nodes.cluster.shutdown()
    # Rows come in order, so those behind a lost one wait: only the whole has a pace.
    first, killed, joined = (nodes.times[key] for key in ("first row", "killed", "joined"))
    print(
        f"first row after {first - began:.0f} s, a node killed after {killed - began:.0f} s, "
        f"another joined after {joined - began:.0f} s, all in after {ended - began:.0f} s"
    )
    print(f"{args.images / (ended - first):.1f} images/s from the first row to the last")
    print(f"{1e3 * (time.process_time() - nodes.work) / args.images:.2f} ms of CPU a row, here")
    print(f"spilled: {megabytes:.0f} MB, all of it {'read back' if intact else 'LOST'}")
    print(f"rows: {wrong or 'each image once, in order'}")
    sys.exit(bool(wrong or not intact or not megabytes))


def linked(folder: Path, count: int) -> list[Path]:
    """So many files that are KEPT different pictures."""
    kept = made(folder.with_name("kept"), min(KEPT, count))
    folder.mkdir()
    files = [folder / f"{number:06}.png" for number in range(count)]
    for number, file in enumerate(files):
        os.link(kept[number % len(kept)], file)
    return files


if __name__ == "__main__":
    main()
