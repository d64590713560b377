"""A training from its photographs to its card: fit, preview, calibrate, estimate, save.

It can be paused, ended early and killed at any moment. The pixel branch resumes from its last
save; the feature branch, a matter of minutes, is simply fitted anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from diffusers import UNet2DModel

from ddad.data import datasets
from ddad.data.datasets import Sample
from ddad.diffusion.extractor import Extractor
from ddad.diffusion.scheduler import linear_chain
from ddad.images.decode import survey
from ddad.images.files import file_digest
from ddad.images.levels import Levels
from ddad.model.allocator import keep_freed_memory
from ddad.model.card import write_card
from ddad.model.detector import Detector
from ddad.score import appearance
from ddad.score.config import ScoreConfig
from ddad.score.fusion import Maps
from ddad.score.pace import pace
from ddad.training import spots
from ddad.training.estimate import Rehearsal, Trial, preview
from ddad.training.fit import Vectors, cross_fit, cross_fitted
from ddad.training.journal import PAUSE, STOP, Journal, exclusive, requested
from ddad.training.looks import closer_looks, settled
from ddad.training.photographs import Photographs
from ddad.training.plan import CALIBRATION, FEATURES, PIXEL, Plan, cross_fitted_share
from ddad.training.run import stop_flag
from ddad.training.train import train

Show = Callable[[dict[str, Any]], None]


def run(
    normals: Sequence[Sample],
    extractor: Extractor | None,
    out: Path,
    plan: Plan,
    *,
    levels: Levels | None = None,
    show: Show = lambda progress: None,
    first: bool = True,
) -> Detector | None:
    """Train on `normals`, or go on; the checkpoint with its card is in `out` afterwards.

    `levels` are those that `survey` finds for the normals, which it is asked for where they are
    not given. Under `accelerate launch`, `first` is false for all processes but one: they help
    with the pixel branch and return None. Raises KeyboardInterrupt where the training was paused,
    ValueError for images or settings that cannot be used, or where `out` is being trained into.
    """
    if levels is None:
        levels, _ = survey([sample.path for sample in normals])
    if not first:
        part, held = datasets.hold_out(normals, plan.config.held_out, plan.config.seed)
        train(part, held, out / "run", plan.config, extractor=extractor, levels=levels)
        return None
    with exclusive(out / "run"):
        journal = Journal(out / "run", plan.phases(len(normals)), show)
        if plan.branch == "feature":  # begun anew; the pixel branch cuts its log itself
            (out / "run" / "log.jsonl").unlink(missing_ok=True)
        with stop_flag() as stopped, _ending(journal):
            work = _Work(journal, stopped, plan, extractor, out.name, levels)
            detector = (
                work.cross_fitted(normals)
                if plan.cross_fits(len(normals)) and extractor is not None
                else work.held_out(normals)
            )
            detector.save(out)
            if plan.keeps:
                appearance.keep(work.photographs(normals), out)
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
        levels: Levels,
    ) -> None:
        self.journal, self.stopped, self.plan = journal, stopped, plan
        self.extractor, self.name, self.levels = extractor, name, levels
        self.rehearsal = Rehearsal(0)
        self.trials: dict[int, spots.Trial] = {}
        """Normals that spots are painted on, each with a model that was not fitted to it: one a
        fold where there are folds."""

    def cross_fitted(self, normals: Sequence[Sample]) -> Detector:
        """Every normal serves both fitting and calibration of the feature branch."""
        record = self._record(normals)
        unet, head = None, None
        if self.plan.branch != "feature":
            part, held = self._parted(normals)
            unet, head, _, steps = self._pixel_branch(part, held)
            record = steps | record
        photographs = self.photographs(normals)
        self.rehearsal = Rehearsal(len(normals), self.plan.seed)
        vectors = self._vectors(photographs, self.plan.seed)
        raw: dict[int, Maps] = {}
        groups = [sample.group for sample in normals]
        self.journal.begin(CALIBRATION)
        fitted: dict[int, Detector] = {}  # held, so that no two have one id
        for index, model, maps in cross_fit(vectors, photographs, groups):
            raw[index], fitted[id(model)] = maps, model
            self._at(cross_fitted_share(len(fitted), len(raw), len(normals)))
            if len(normals) > 1:  # a single one was fitted to
                self._rehearse(index, photographs[index], model)
                if len(self.trials) < spots.PHOTOGRAPHS:
                    self.trials.setdefault(id(model), (photographs[index], model))
            if self._ending_early():
                break
        found = cross_fitted(vectors, raw, groups, self.plan.target_fpr)
        detector = self._sighted(found)
        named = replace(detector, name=self.name, training=record, levels=self.levels)
        return replace(named, unet=unet, head=head)

    def held_out(self, normals: Sequence[Sample]) -> Detector:
        """One part of the normals is trained on, the other calibrates."""
        part, held = datasets.hold_out(normals, self.plan.config.held_out, self.plan.config.seed)
        self.rehearsal = Rehearsal(len(held), self.plan.seed)
        unet, head, scheduler, features = None, None, linear_chain(), None
        score = self.plan.score
        record: dict[str, Any] = {}
        if self.plan.branch != "feature":
            unet, head, scheduler, record = self._pixel_branch(part, held)
        if self.extractor is not None:
            vectors = self._vectors(self.photographs(part), self.plan.config.seed, keep=False)
            score, features = vectors.config, vectors.fit()
        detector = Detector(
            unet,
            scheduler,
            score,
            features=features,
            head=head,
            name=self.name,
            training=record | self._record(part),
            levels=self.levels,
        )
        return self._sighted(self._calibrated(detector, held))

    def _parted(self, normals: Sequence[Sample]) -> tuple[Sequence[Sample], Sequence[Sample]]:
        """What the pixel branch learns from and what its loss is watched on; it calibrates nothing
        here, so of a single part they are the same."""
        if len({sample.group for sample in normals}) == 1:
            return normals, normals
        return datasets.hold_out(normals, self.plan.config.held_out, self.plan.config.seed)

    def _calibrated(self, detector: Detector, held: Sequence[Sample]) -> Detector:
        """By the held-out normals, as many as there is time for."""
        photographs = self.photographs(held)
        self.journal.begin(CALIBRATION)
        pairs: list[tuple[Maps, Sequence[int]]] = []
        for index in range(len(held)):
            pixels = photographs[index]
            pairs += [(maps, pixels.shape[:2]) for maps in detector.maps([pixels])]
            self._rehearse(index, pixels, detector)
            if len(self.trials) < spots.PHOTOGRAPHS:
                self.trials[index] = pixels, detector
            self._at(len(pairs) / len(held))
            if self._ending_early():
                break
        parts = [sample.group for sample in held[: len(pairs)]]
        final = settled(detector, [maps for maps, _ in pairs])
        return final.calibrated_by(pairs, self.plan.target_fpr, parts)

    def _pixel_branch(self, part: Sequence[Sample], held: Sequence[Sample]) -> Any:
        keep_freed_memory(all_of_it=True)
        self.journal.begin(PIXEL)
        pixels = self.photographs(held)[0]

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
            model = Detector(copy, scheduler, self.plan.score, levels=self.levels)
            trial = Rehearsal(1, self.plan.seed).see(0, pixels, model)
            if trial is not None:
                self._preview(model, trial)

        folder = self.journal.folder
        return train(
            *(part, held, folder, self.plan.config),
            extractor=self.extractor,
            levels=self.levels,
            on_log=on_log,
            on_save=on_save,
        )

    def photographs(self, samples: Sequence[Sample]) -> Photographs:
        """Decoded when asked for, in the levels of all."""
        return Photographs([sample.path for sample in samples], self.levels)

    def _vectors(self, photographs: Photographs, seed: int, *, keep: bool = True) -> Vectors:
        assert self.extractor is not None
        self.journal.begin(FEATURES)
        return Vectors.of(
            photographs,
            self.extractor,
            self._score(photographs),
            seed=seed,
            keep=keep,
            on_progress=lambda done, total: self._at(done / total),
        )

    def _score(self, photographs: Photographs) -> ScoreConfig:
        """The score's settings with as close a look as the photographs and the time allow."""
        assert self.extractor is not None
        score, sizes = self.plan.score, self.plan.looks
        if sizes is None:
            # A handful tells: those of one part are of one size, or nearly so.
            some = range(0, len(photographs), len(photographs) // 9 + 1)
            shapes = [photographs[index].shape for index in some]
            sizes = closer_looks(shapes, score, self.plan.seconds, pace(self.extractor))
        return score.closer(sizes)

    def _at(self, share: float) -> None:
        """Report, and pause here if that was asked for."""
        self.journal.at(share)
        if self.stopped.is_set() or requested(self.journal.folder, PAUSE):
            raise KeyboardInterrupt

    def _ending_early(self) -> bool:
        return requested(self.journal.folder, STOP)

    def _sighted(self, detector: Detector) -> Detector:
        """With how small a spot it finds, where it looks at features and was not fitted to all."""
        if not self.trials or self._ending_early():
            return detector
        return spots.seen(detector, [*self.trials.values()], self.plan.seed)

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
        record["parts"] = len({sample.group for sample in seen})
        if self.extractor is not None:
            name, digest = self.extractor.name, self.extractor.digest
            record["extractor"] = {"name": name, "digest": digest}
        return record
