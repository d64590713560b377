"""A training from its photographs to its card: fit, preview, calibrate, estimate, save.

It can be paused, ended early and killed at any moment. The pixel branch resumes from its last
save; the feature branch, a matter of minutes, is simply fitted anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, overload

import numpy as np
from diffusers import UNet2DModel

from ddad.data import datasets as data
from ddad.data.datasets import Sample
from ddad.diffusion.extractor import Extractor
from ddad.diffusion.scheduler import linear_chain
from ddad.images.decode import load_image
from ddad.images.files import file_digest
from ddad.model.allocator import keep_freed_memory
from ddad.model.card import write_card
from ddad.model.detector import Detector, RawMaps
from ddad.score.config import ScoreConfig
from ddad.score.feature import FeatureModel
from ddad.training.estimate import Rehearsal, Trial, preview
from ddad.training.fit import CROSS_FIT_BELOW, cross_fit, fit_features
from ddad.training.journal import PAUSE, STOP, Journal, exclusive, requested
from ddad.training.run import TrainConfig, stop_flag
from ddad.training.train import train

PIXEL, FEATURES, CALIBRATION = "pixel branch", "feature branch", "calibration"
SECONDS = {FEATURES: 0.15, CALIBRATION: 0.6}
"""About what each image takes on two cores: the plan until a phase has a pace of its own."""
STEP_SECONDS = 0.6
"""The same for a step of the pixel branch where its length is given in steps."""
CACHE = 512_000_000
"""Bytes of decoded photographs kept in memory."""

Show = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Plan:
    """What to train."""

    branch: str
    """"feature", "pixel" or "both"."""
    config: TrainConfig
    score: ScoreConfig
    target_fpr: float = 0.05
    seed: int = 0

    def cross_fits(self, normals: int) -> bool:
        return self.branch == "feature" and normals <= CROSS_FIT_BELOW

    def phases(self, normals: int) -> dict[str, float]:
        """The phases of a training on so many normals, with the seconds planned for each."""
        held = normals if self.cross_fits(normals) else normals * self.config.held_out
        phases = {}
        if self.branch != "feature":
            phases[PIXEL] = 60 * self.config.minutes or STEP_SECONDS * self.config.steps
        if self.branch != "pixel":
            phases[FEATURES] = 10 + SECONDS[FEATURES] * normals
        return phases | {CALIBRATION: SECONDS[CALIBRATION] * held}


def planned_seconds(branch: str, normals: int, minutes: float) -> float:
    """About what a training on two cores will take, with `minutes` for the pixel branch."""
    plan = Plan(branch, TrainConfig(minutes=minutes), ScoreConfig())
    return sum(plan.phases(normals).values())


class Photographs(Sequence[np.ndarray]):
    """Images as uint8 (H, W, 3), decoded when asked for; the first CACHE bytes stay in memory."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths, self._kept, self._bytes = paths, dict[int, np.ndarray](), 0

    def __len__(self) -> int:
        return len(self._paths)

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> Photographs: ...
    def __getitem__(self, index: int | slice) -> np.ndarray | Photographs:
        if isinstance(index, slice):
            return Photographs(self._paths[index])
        if index in self._kept:
            return self._kept[index]
        pixels = load_image(self._paths[index]).pixels
        if self._bytes + pixels.nbytes <= CACHE:
            self._kept[index] = pixels
            self._bytes += pixels.nbytes
        return pixels


def run(
    normals: Sequence[Sample],
    extractor: Extractor | None,
    out: Path,
    plan: Plan,
    *,
    show: Show = lambda progress: None,
    first: bool = True,
) -> Detector | None:
    """Train on `normals`, or go on; the checkpoint with its card is in `out` afterwards.

    Under `accelerate launch`, `first` is false for all processes but one: they help with the
    pixel branch and return None. Raises KeyboardInterrupt where the training was paused,
    ValueError for images or settings that cannot be used, or where `out` is being trained into.
    """
    if not first:
        part, held = data.hold_out(normals, plan.config.held_out, plan.config.seed)
        train(part, held, out / "run", plan.config)
        return None
    with exclusive(out / "run"):
        journal = Journal(out / "run", plan.phases(len(normals)), show)
        if plan.branch == "feature":  # begun anew; the pixel branch cuts its log itself
            (out / "run" / "log.jsonl").unlink(missing_ok=True)
        with stop_flag() as stopped, _ending(journal):
            work = _Work(journal, stopped, plan, extractor, out.name)
            detector = (
                work.cross_fitted(normals)
                if plan.cross_fits(len(normals)) and extractor is not None
                else work.held_out(normals)
            )
            detector.save(out)
            estimate = work.rehearsal.estimate(detector)
            pictures = work.rehearsal.write_pictures(detector, out)
            write_card(out, detector, estimate, pictures)
    return detector


@contextmanager
def _ending(journal: Journal) -> Iterator[None]:
    """Whatever ends the training is the journal's last word."""
    try:
        yield
    except KeyboardInterrupt:
        journal.end("paused")
        (journal.folder / PAUSE).unlink(missing_ok=True)
        raise
    except BaseException as error:
        journal.end("failed", str(error) or type(error).__name__)
        raise
    journal.end("done")


class _Work:
    """The phases, with what they share: the journal, the signals, the painted defects."""

    def __init__(
        self,
        journal: Journal,
        stopped: Event,
        plan: Plan,
        extractor: Extractor | None,
        name: str,
    ) -> None:
        self.journal, self.stopped, self.plan = journal, stopped, plan
        self.extractor, self.name = extractor, name
        self.rehearsal = Rehearsal(0)

    def cross_fitted(self, normals: Sequence[Sample]) -> Detector:
        """The feature branch alone: every normal serves both fitting and calibration."""
        assert self.extractor is not None
        photographs = Photographs([sample.path for sample in normals])
        self.rehearsal = Rehearsal(len(normals), self.plan.seed)
        self.journal.begin(FEATURES)

        def on_progress(done: int, total: int) -> None:
            half = total // 2
            if done == half + 1:
                self.journal.begin(CALIBRATION)
            self._at((done - half) / half if done > half else done / half)

        def on_image(index: int, model: Detector) -> bool:
            self._rehearse(index, photographs[index], model)
            return not self._ending_early()

        detector = cross_fit(
            self.extractor,
            photographs,
            [sample.group for sample in normals],
            linear_chain(),
            self.plan.score,
            target_fpr=self.plan.target_fpr,
            seed=self.plan.seed,
            name=self.name,
            on_progress=on_progress,
            on_image=on_image,
        )
        detector.training = self._record(normals)
        return detector

    def held_out(self, normals: Sequence[Sample]) -> Detector:
        """One part of the normals is trained on, the other calibrates."""
        part, held = data.hold_out(normals, self.plan.config.held_out, self.plan.config.seed)
        self.rehearsal = Rehearsal(len(held), self.plan.seed)
        unet, scheduler, features = None, linear_chain(), None
        record: dict[str, Any] = {}
        if self.plan.branch != "feature":
            unet, scheduler, record = self._pixel_branch(part, held)
        if self.extractor is not None:
            features = self._features(part)
        detector = Detector(
            unet,
            scheduler,
            self.plan.score,
            features=features,
            name=self.name,
            training=record | self._record(part),
        )
        photographs = Photographs([sample.path for sample in held])
        self.journal.begin(CALIBRATION)
        raw: list[RawMaps] = []
        for index in range(len(held)):
            raw += detector.raw_maps([photographs[index]])
            self._rehearse(index, photographs[index], detector)
            self._at(len(raw) / len(held))
            if self._ending_early():
                break
        shapes = [photographs[index].shape[:2] for index in range(len(raw))]
        detector.calibrate_maps(raw, shapes, target_fpr=self.plan.target_fpr, cross_fitted=False)
        return detector

    def _pixel_branch(self, part: Sequence[Sample], held: Sequence[Sample]) -> Any:
        keep_freed_memory(all_of_it=True)
        self.journal.begin(PIXEL)
        pixels = load_image(held[0].path).pixels

        def on_log(row: dict[str, float]) -> None:
            figures: dict[str, Any] = {
                "loss": row["mse"],
                "images_per_second": row["images_per_second"],
            }
            if "held_out_mse" in row:
                figures["held_out_loss"] = row["held_out_mse"]
            self.journal.at(row["done"], **figures)

        def on_save(unet: UNet2DModel, scheduler: Any) -> None:
            copy = UNet2DModel.from_config(unet.config)
            copy.load_state_dict(unet.state_dict())
            model = Detector(copy, scheduler, self.plan.score)
            trial = Rehearsal(1, self.plan.seed).see(0, pixels, model)
            if trial is not None:
                self._preview(model, trial)

        folder = self.journal.folder
        return train(part, held, folder, self.plan.config, on_log=on_log, on_save=on_save)

    def _features(self, part: Sequence[Sample]) -> FeatureModel:
        assert self.extractor is not None
        self.journal.begin(FEATURES)
        return fit_features(
            self.extractor,
            Photographs([sample.path for sample in part]),
            self.plan.score,
            seed=self.plan.config.seed,
            on_progress=lambda done, total: self._at(done / total),
        )

    def _at(self, share: float) -> None:
        """Report, and pause here if that was asked for."""
        self.journal.at(share)
        if self.stopped.is_set() or requested(self.journal.folder, PAUSE):
            raise KeyboardInterrupt

    def _ending_early(self) -> bool:
        return requested(self.journal.folder, STOP)

    def _rehearse(self, index: int, pixels: np.ndarray, model: Detector) -> None:
        """Paint on a held-out normal: a row of the log, now and then a preview."""
        trial = self.rehearsal.see(index, pixels, model)
        if trial is None:
            return
        peaks = {
            name: float(np.mean([m.mean(0).max() for m in raw.values()]))
            for name, raw in (("normal_peak", trial.clean), ("painted_peak", trial.spoiled))
        }
        self.journal.log(normals=len(self.rehearsal.trials), kind=trial.kind, **peaks)
        self._preview(model, trial)

    def _preview(self, model: Detector, trial: Trial) -> None:
        if trial.pictures is not None:
            preview(model, trial, self.journal.next_preview())

    def _record(self, seen: Sequence[Sample]) -> dict[str, Any]:
        record: dict[str, Any] = {"trained_on": sorted(file_digest(s.path) for s in seen)}
        if self.extractor is not None:
            name, digest = self.extractor.name, self.extractor.digest
            record["extractor"] = {"name": name, "digest": digest}
        return record
