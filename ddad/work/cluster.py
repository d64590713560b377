"""Score images on many machines with Ray Data: the same rows as `ddad score`, in the same order.

A pool of actors, each with the model and its threads, takes small batches as they become free; Ray
holds reading back where scoring is slower. A worker that dies is replaced and its batch scored
again: a score depends on its image and the model alone, so the output is the same. Paths and
output may be local or addresses that pyarrow knows (s3://, gs://, ...).

Needs the extra `ray`. On other machines the same version of this package must be installed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ddad import HOME
from ddad.export.tables import PICTURES, growing_table, path_cell, score_columns
from ddad.images.names import folded
from ddad.model.checkpoint import find_checkpoint
from ddad.model.detector import Detector
from ddad.model.package import files
from ddad.work.addresses import copy, is_address, pictures_at
from ddad.work.batch import score_file
from ddad.work.outputs import Report, own, plan_outputs

BATCH = 8
"""Images an actor takes at a time: what is scored again when it dies."""


@dataclass(frozen=True)
class Pool:
    """How the work is spread."""

    address: str | None = None
    """Of a cluster; None: this machine."""
    actors: tuple[int, int] = (1, 0)
    """At least and at most; 0: as many as the cluster has room for."""
    threads: int = 1
    """CPU threads of each actor: one is the most work a core, unless memory is short."""
    gpus: float = 0.0
    """Share of a GPU for each actor."""
    pictures: bool = True
    """Whether maps, masks and overlays are written, or the tables alone."""


class Scorer:
    """An actor: the model, loaded once from the files that it was given."""

    def __init__(self, model: Any, name: str, out: str, pool: Pool, most: int) -> None:
        """`model` is Ray's reference to the checkpoint's files: each machine has them once."""
        import ray
        import torch

        torch.set_num_threads(pool.threads)
        with tempfile.TemporaryDirectory() as folder:
            for relative, content in ray.get(model).items():
                path = Path(folder) / name / relative
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            self.detector = Detector.load(Path(folder) / name)
        self.out = out if pool.pictures else None
        self.most = most

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        rows = [self._row(*pair) for pair in zip(batch["file"], batch["name"], strict=True)]
        return {
            key: [row.get(key) for row in rows] for key in score_columns(self.detector.timesteps)
        }

    def _row(self, file: str, name: str) -> dict[str, Any]:
        remote_out = self.out is not None and is_address(self.out)
        if not is_address(file) and not remote_out:
            return self._score(Path(file), name, Path(self.out) if self.out else None)
        with tempfile.TemporaryDirectory() as folder:
            here = Path(file)
            if is_address(file):
                here = Path(folder) / PurePosixPath(file).name
                try:
                    copy(file, str(here))
                except OSError as error:
                    problem = f"{file} cannot be read: {str(error).splitlines()[0]}"
                    return {"file": file, "model": self.detector.name, "error": problem}
            pictures = Path(self.out) if self.out and not remote_out else Path(folder) / "pictures"
            row = self._score(here, name, pictures if self.out else None)
            row["file"] = path_cell(file)
            if remote_out and pictures.is_dir():
                for picture in sorted(pictures.rglob("*.png")):
                    copy(str(picture), f"{self.out}/{picture.relative_to(pictures).as_posix()}")
        return row

    def _score(self, file: Path, name: str, out: Path | None) -> dict[str, Any]:
        return score_file(self.detector, file, PurePosixPath(name), out, max_pixels=self.most)


def score_on_ray(
    planned: Sequence[tuple[str, str]],
    checkpoint: str | Path,
    out: str,
    pool: Pool,
    *,
    max_pixels: int,
    report: Report = lambda name, done, total: None,
    seen: Callable[[dict[str, Any]], None] = lambda row: None,
) -> list[str]:
    """Write scores.csv and scores.parquet, and the pictures, under `out`; returns the errors.

    `planned` holds files with output names, as `plan` makes them; `seen` is given each row. Raises
    ValueError where Ray is not installed or the cluster cannot be reached, CheckpointError for a
    model that cannot score.
    """
    folder = find_checkpoint(checkpoint)
    detector = Detector.load(folder)
    detector.calibration  # noqa: B018  an uncalibrated model fails here, before any work
    model = {f.relative_to(folder).as_posix(): f.read_bytes() for f in files(folder)}
    model = {name: data for name, data in model.items() if not name.endswith(".png")}
    names, errors = score_columns(detector.timesteps), list[str]()
    with _ray(pool) as ray, _tables(out, names) as write:
        dataset = ray.data.from_items(
            [{"file": file, "name": name} for file, name in planned],
            override_num_blocks=max(1, -(-len(planned) // BATCH)),
        ).map_batches(
            Scorer,
            fn_constructor_args=(ray.put(model), folder.name, out, pool, max_pixels),
            batch_size=BATCH,
            num_cpus=pool.threads,
            num_gpus=pool.gpus or None,
            compute=ray.data.ActorPoolStrategy(
                min_size=pool.actors[0], max_size=pool.actors[1] or None
            ),
        )
        for done, row in enumerate(dataset.iter_rows(), 1):
            if row["error"]:
                errors.append(row["error"])
            write(row)
            seen(row)
            report(PurePosixPath(row["file"]).name, done, len(planned))
    return errors


def plan(paths: Sequence[str], out: str) -> list[tuple[str, str]]:
    """The images under files, folders and addresses, each with an output name without suffix.

    Local paths are planned as `ddad score` does; an address keeps its path below the one given.
    """
    local = [Path(path) for path in paths if not is_address(path)]
    inside = None if is_address(out) else Path(out)
    found = [(str(f), str(n)) for f, n in plan_outputs(local, inside)] if local else []
    taken = {folded(name) for _, name in found}
    for address in filter(is_address, paths):
        found += [(file, str(own(PurePosixPath(n), taken))) for file, n in pictures_at(address)]
    return found


@contextmanager
def _ray(pool: Pool) -> Iterator[Any]:
    """A connection to Ray, ended afterwards where it was made here."""
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ValueError("scoring with --ray needs the extra: pip install ddad[ray]") from error
    mine = not ray.is_initialized()
    if mine:
        # Workers do not begin where this process did, which may be what made `ddad` importable.
        local = {"env_vars": {"PYTHONPATH": str(HOME)}} if pool.address is None else None
        try:
            ray.init(
                address=pool.address,
                runtime_env=local,
                include_dashboard=False if pool.address is None else None,
                log_to_driver=False,
                logging_level="ERROR",
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            reason = str(error).strip().splitlines()[0]
            raise ValueError(f"no Ray cluster at {pool.address}: {reason}") from error
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    try:
        yield ray
    finally:
        if mine:
            ray.shutdown()


@contextmanager
def _tables(out: str, names: Sequence[str]) -> Iterator[Callable[[dict[str, Any]], None]]:
    """scores.csv and scores.parquet, which take their names when they are complete."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = {"file", "amiss", "model", "note", "error", *PICTURES}
    kinds = {"width": pa.int32(), "height": pa.int32(), "seed": pa.int64()}
    kinds |= dict.fromkeys(("anomalous", "familiar"), pa.bool_())
    schema = pa.schema(
        [(n, pa.string() if n in text else kinds.get(n, pa.float64())) for n in names]
    )
    with tempfile.TemporaryDirectory() as folder:
        csv_part, parquet_part = Path(folder) / "scores.csv", Path(folder) / "scores.parquet"
        rows: list[dict[str, Any]] = []
        with (
            growing_table(csv_part, names) as write_line,
            pq.ParquetWriter(parquet_part, schema) as parquet,
        ):

            def flush() -> None:
                parquet.write_table(pa.Table.from_pylist(rows, schema=schema))
                rows.clear()

            def write(row: dict[str, Any]) -> None:
                write_line(row)
                rows.append(row)
                if len(rows) >= 1000:
                    flush()

            yield write
            flush()
        for part in (csv_part, parquet_part):
            copy(str(part), f"{out}/{part.name}")
