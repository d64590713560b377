"""What the store hands out: frozen records of an image, its result, its review, of a training.

Times are ISO 8601 in UTC. Masks, maps and pixels are files, read through the session.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ddad.export.reviewed import Decision, Verdict
from ddad.images.regions import RegionLabel
from ddad.model.detection import FAMILIAR
from ddad.score.promise import Promise, promised

if TYPE_CHECKING:
    from ddad.model.detection import Detection
    from ddad.model.detector import Detector


class StoreError(ValueError):
    """What could not be kept or found; the message is one sentence for the visitor."""


class ConflictError(StoreError):
    """What was to be changed has been changed since, from another page."""


DECIDED: tuple[Decision, ...] = ("defective", "good")
NO_VERDICT: dict[str, Verdict] = {"strange": "not its part", "unpromised": "no verdict"}
"""By why it is withheld."""


@dataclass(frozen=True)
class Scale:
    """One noise scale of a result; `map` is float32 (h, w), None in what `Item.result` lists."""

    branch: str
    t: int
    noise_std: float
    weight: float
    mean: float
    map: np.ndarray | None = None

    @property
    def name(self) -> str:
        return f"{self.branch}_t{self.t}"


@dataclass(frozen=True)
class Result:
    """What a model said of an image, and the facts of its calibration that later pages need."""

    model: str
    fingerprint: str
    seed: int
    score: float
    threshold: float
    """The calibrated one."""
    low: float
    high: float
    """Ends of the colour scale."""
    normal_scores: tuple[float, ...]
    target_fpr: float
    cross_fitted: bool
    scales: tuple[Scale, ...]
    level: float = 0.0
    """The level of its map: `Detection.level`."""
    parts: tuple[int, ...] = ()
    """Which part each of the normal scores belongs to; empty for results of earlier versions."""
    normal_levels: tuple[float, ...] = ()
    strangeness: float = 0.0
    """`Detection.strangeness`; 0 for results of earlier versions."""
    composition: float | None = None
    """`Detection.composition`; None where the model says nothing of amounts."""
    findings: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """What there is less or more of: a sentence, and the numbers of the places, row by row."""
    sees: str = ""
    """How small a spot the model finds, `Sight.sentence`; empty where that is not known."""

    @property
    def withheld(self) -> Literal["", "strange", "unpromised"]:
        """Why the score makes no verdict: another part or camera, or a threshold from one part."""
        if self.strangeness > FAMILIAR:
            return "strange"
        return "unpromised" if len(set(self.parts)) == 1 else ""

    @property
    def promise(self) -> Promise | None:
        """What the calibrated threshold promised when the image was scored."""
        known = self.normal_scores, self.parts, self.threshold, self.target_fpr
        return promised(*known, folds=self.cross_fitted)

    @classmethod
    def of(cls, found: Detection, detector: Detector) -> Result:
        """Raises CheckpointError where the model is not calibrated."""
        fitted = detector.calibration
        return cls(
            detector.name,
            detector.fingerprint,
            detector.config.seed,
            found.score,
            found.threshold,
            fitted.map_low,
            fitted.map_high,
            fitted.normal_scores,
            fitted.target_fpr,
            fitted.cross_fitted,
            tuple(Scale(s.branch, s.t, s.noise_std, s.weight, s.mean) for s in found.scales),
            found.level,
            fitted.parts,
            fitted.normal_levels,
            found.strangeness,
            found.composition if math.isfinite(found.composition) else None,
            tuple((it.sentence, tuple(it.places)) for it in found.findings),
            fitted.sight.sentence if fitted.sight else "",
        )

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Result:
        values = json.loads(text)
        values.pop("guaranteed_fpr", None)  # of earlier versions, which promised too much
        for name in {"normal_scores", "parts", "normal_levels"} & set(values):
            values[name] = tuple(values[name])
        values["findings"] = tuple((said, tuple(at)) for said, at in values.get("findings", ()))
        values["scales"] = tuple(Scale(**scale) for scale in values["scales"])
        return cls(**values)


@dataclass(frozen=True)
class Review:
    """What a person said of an image, and of which model's result."""

    decision: Decision
    threshold: float
    min_area: int
    regions: tuple[RegionLabel, ...]
    reviewer: str
    at: str
    model: str
    fingerprint: str
    edited: bool
    """Whether the mask was drawn by hand rather than cut at the threshold."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Review:
        values = json.loads(text)
        values["regions"] = tuple(RegionLabel(**region) for region in values["regions"])
        return cls(**values)


@dataclass(frozen=True)
class Item:
    """One image of a session."""

    id: str
    name: str
    """As uploaded: any text at all, so escape it in pages and never make a path of it."""
    note: str
    state: Literal["waiting", "scored", "failed"]
    error: str
    """One sentence where the state is "failed", else empty."""
    width: int
    height: int
    """Pixels; 0 where the image could not be read."""
    added: str
    score: float | None
    """The largest map value outside the ignore zone; None until scored."""
    area: int | None
    """Pixels of the final mask; None until there is one."""
    regions: int | None
    """Its 8-connected regions."""
    result: Result | None
    review: Review | None
    has_truth: bool
    has_ignore: bool
    kind: str
    """What it shows by its folder: "good", a kind of defect, or empty where none says."""
    digest: str
    """SHA-256 of its pixels, empty where an earlier version kept it."""
    revision: int = field(default=0, compare=False)
    """How often it was changed: who changes it says which state he saw."""

    @classmethod
    def of(cls, row: Any) -> Item:
        """From a row of the table."""
        files = json.loads(row.files)
        return cls(
            *(row.id, row.name, row.note, row.state, row.error, row.width, row.height, row.added),
            *(row.score, row.area, row.regions),
            Result.from_json(row.result) if row.result else None,
            Review.from_json(row.review) if row.review else None,
            "truth" in files,
            "ignore" in files,
            row.kind,
            row.digest,
            row.revision,
        )

    @property
    def decision(self) -> Decision:
        return self.review.decision if self.review else "undecided"

    @property
    def verdict(self) -> Verdict | None:
        """What the model says at the threshold in force, whatever a person does; None unasked."""
        if self.result is None or self.score is None:
            return None
        if self.result.withheld:
            return NO_VERDICT[self.result.withheld]
        return "defective" if self.score > np.float32(self.threshold or 0.0) else "good"

    @property
    def threshold(self) -> float | None:
        """The one in force: the reviewer's, else the calibrated one, else None."""
        if self.review:
            return self.review.threshold
        return self.result.threshold if self.result else None


@dataclass(frozen=True)
class Logged:
    """One line of the decision log, which only grows."""

    at: str
    item: str
    name: str
    reviewer: str
    decision: Decision
    threshold: float
    min_area: int
    area: int
    """Pixels of the final mask."""
    model: str
    fingerprint: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Training:
    """A visitor's training. `state` is waiting, running, paused, done or failed."""

    name: str
    """Of its model."""
    branch: str
    minutes: float
    fpr: float
    state: str = "waiting"
    since: float = field(default_factory=time.time)
    """When it entered the queue, seconds since 1970: the order of turns."""
    pid: int = 0
    born: float = 0.0
    """When the process started, so that a recycled pid is no mistake."""
    attempts: int = 0
    message: str = ""
    seconds: float = 2.0
    """That its model may take for a photograph."""
    keeps: bool = False
    """Whether small copies of the photographs stay with the model: the visitor's to say."""

    @property
    def over(self) -> bool:
        return self.state in ("done", "failed")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def plain(text: str, most: int = 1000) -> str:
    """Text as the database can keep it: valid Unicode, bounded."""
    return text[:most].encode("utf-8", "backslashreplace").decode()
