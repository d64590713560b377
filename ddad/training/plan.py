"""What a training is to do, and about how long each part of it will take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ddad.data.datasets import Sample, hold_out
from ddad.score.config import ScoreConfig
from ddad.training.fit import CROSS_FIT_BELOW, FOLDS
from ddad.training.looks import SECONDS as SECONDS_PER_IMAGE
from ddad.training.run import CPU, TrainConfig

PIXEL, FEATURES, CALIBRATION = "pixel branch", "feature branch", "calibration"


SECONDS = {FEATURES: 0.06, CALIBRATION: 0.25}
"""About what each image takes on two cores: the plan until a phase has a pace of its own."""


FIT_SECONDS = 10
"""The same for a mixture: of all normals, and where they are few of each fold's."""


STEP_SECONDS = 0.6
"""The same for a step of the pixel branch where its length is given in steps."""


@dataclass(frozen=True)
class Plan:
    """What to train."""

    branch: str
    """"feature", "pixel" or "both"."""
    config: TrainConfig
    score: ScoreConfig
    target_fpr: float = 0.05
    seed: int = 0
    seconds: float = SECONDS_PER_IMAGE
    """A photograph may take about this long on this machine: it decides on closer looks."""
    looks: tuple[int, ...] | None = None
    """Their sizes, where they are given."""
    keeps: bool = False
    """Whether small copies of photographs stay with the model: its trainer's to say."""

    def cross_fits(self, normals: int) -> bool:
        """Whether every normal serves both fitting and calibration: not of a pixel branch that
        scores, which cannot be trained anew for every fold."""
        draws = not self.score.pixel_weight and not self.score.head_weight
        alone = self.branch == "feature" or (self.branch == "both" and draws)
        return alone and normals <= CROSS_FIT_BELOW

    def calibrating(self, normals: Sequence[Sample]) -> int:
        """How many parts the threshold will be set by."""
        if not self.cross_fits(len(normals)) and len({sample.group for sample in normals}) > 1:
            _, normals = hold_out(normals, self.config.held_out, self.config.seed)
        return len({sample.group for sample in normals})

    def phases(self, normals: int) -> dict[str, float]:
        """The phases of a training on so many normals, with the seconds planned for each."""
        held = normals if self.cross_fits(normals) else normals * self.config.held_out
        phases = {}
        if self.branch != "feature":
            phases[PIXEL] = 60 * self.config.minutes or STEP_SECONDS * self.config.steps
        if self.branch != "pixel":
            phases[FEATURES] = FIT_SECONDS + SECONDS[FEATURES] * normals
        folds = FIT_SECONDS * FOLDS if self.cross_fits(normals) else 0
        return phases | {CALIBRATION: folds + SECONDS[CALIBRATION] * held}


def cross_fitted_share(fitted: int, judged: int, normals: int) -> float:
    """How much of a cross-fit is done, 0 to 1: most of its time goes into fitting the folds."""
    folds = min(FOLDS, normals)
    seconds = FIT_SECONDS * fitted + SECONDS[CALIBRATION] * judged
    return min(1.0, seconds / (FIT_SECONDS * folds + SECONDS[CALIBRATION] * normals))


def quick() -> Plan:
    """What is trained where nothing else is asked for: both branches, in minutes."""
    return Plan("both", CPU, ScoreConfig())


def planned_seconds(branch: str, normals: int, minutes: float) -> float:
    """About what a training on two cores will take, with `minutes` for the pixel branch."""
    plan = Plan(branch, replace(CPU, minutes=minutes), ScoreConfig())
    return sum(plan.phases(normals).values())
