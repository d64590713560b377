"""Models for the page: loaded once, in the background, shared read-only by all visits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ddad import CHECKPOINTS
from ddad.model.card import unpromised
from ddad.score.calibration import Calibration
from ddad.score.config import detail
from demo.limits import LIMITS

if TYPE_CHECKING:
    from ddad.model.detector import Detector


OWN = LIMITS.own_models
"""So many of the visitors' own models stay in memory."""


@dataclass(frozen=True)
class Example:
    """An image to try, and its true mask if it shows a defect."""

    path: Path
    caption: str


@dataclass
class Models:
    """The checkpoints of a folder. Finding them is instant; torch and weights load in a thread."""

    root: Path = CHECKPOINTS
    private: Callable[[str], Path | None] = lambda name: None
    """The folder of a visitor's own model, by a name that only he knows."""
    _loaded: dict[str, Detector] = field(default_factory=dict)
    _stamps: dict[str, int] = field(default_factory=dict)
    _failed: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def names(self) -> list[str]:
        return sorted(f.parent.name for f in self.root.glob("*/ddad.json"))

    @property
    def first(self) -> str | None:
        """The one that a new visit has: it comes with examples to try, where any does."""
        return next((name for name in self.names if self.examples(name)), None) or next(
            iter(self.names), None
        )

    def load_in_background(self, up: Callable[[], bool] = lambda: True) -> None:
        """Load every model once the page is `up`, or in ten seconds; `get` waits for its own.

        Loading earlier would make the page wait: only one thread imports at a time.
        """

        def load() -> None:
            for _ in range(200):
                if up():
                    break
                time.sleep(0.05)
            self._load_all()

        threading.Thread(target=load, name="load-models", daemon=True).start()

    @property
    def ready(self) -> bool:
        return all(name in self._loaded or name in self._failed for name in self.names)

    def folder(self, name: str) -> Path:
        """Where a model lies, whatever its detail. Raises ValueError for a name that is not on
        offer."""
        name, _ = detail(name)
        if name in self.names:  # a request's text never becomes a path unchecked
            return self.root / name
        own = self.private(name)
        if own is None:
            raise ValueError(f"there is no model called {name[:60]!r}: use {', '.join(self.names)}")
        return own

    def get(self, name: str) -> Detector:
        """The model, loaded now if need be; NAME@fast is its quickest detail, see `offers`.

        Raises ValueError for a name that is not on offer.
        """
        folder = self.folder(name)
        calibration = folder / "calibration.json"
        stamp = calibration.stat().st_mtime_ns if calibration.exists() else 0
        with self._lock:
            if self._stamps.get(name) != stamp:
                from ddad.model.detector import Detector

                self._loaded[name] = Detector.load(f"{folder}{detail(name)[1]}")
                self._stamps[name] = stamp
            own = [each for each in self._loaded if detail(each)[0] not in self.names]
            for old in own[:-OWN]:
                del self._loaded[old], self._stamps[old]
            return self._loaded[name]

    def judge(self, called: str, session: str) -> Detector:
        """The model that a result in a visitor's session names: everybody's, or his own.

        Raises ValueError where it is gone.
        """
        return self.get(self.offered(called, session))

    def offered(self, called: str, session: str) -> str:
        """The name by which a visitor chooses the model that a result names."""
        return called if detail(called)[0] in self.names else f"~{session}/{called}"

    def library(self) -> None:
        """Import what models need, before anything else imports a part of it.

        diffusers gives half of itself to a thread that imports it while another does.
        """
        with self._lock:
            import ddad.model.detector  # noqa: F401

    def examples(self, name: str) -> list[Example]:
        """The example images beside a checkpoint; the file's stem is the caption."""
        try:
            folder = self.folder(name) / "examples"
        except ValueError:
            return []
        files = sorted(f for f in folder.glob("*.png") if not f.stem.endswith("_mask"))
        return [Example(f, f.stem.split("_", 1)[-1].replace("_", " ")) for f in files]

    def card(self, name: str) -> str:
        """A model's card as Markdown, without its YAML header."""
        try:
            file = self.folder(name) / "README.md"
        except ValueError:
            return "This model has no card."
        if not file.is_file():
            return "This model has no card."
        text = file.read_text()
        return text.split("\n---\n", 1)[-1] if text.startswith("---\n") else text

    def promise(self, name: str) -> str:
        """What a model's threshold promises and how small a spot it sees, a sentence or two in
        Markdown; empty where it has none."""
        try:
            fitted = self._calibration(name)
        except (OSError, ValueError):
            return ""
        made, sight = fitted.promise, fitted.sight
        sentence = f": {unpromised(fitted)}" if made is None else f" marks {made}"
        seen = "" if sight is None else f" It {sight.sentence}."
        return f"**{name.rpartition('/')[2]}**{sentence}.{seen}"

    def offers(self, name: str, called: str = "") -> list[tuple[str, str]]:
        """What of a model can be chosen, as labels and names: itself, and where it looks closer
        what is quicker and sees less, the closest look first."""
        called = called or name
        with suppress(OSError, ValueError):
            count = len(list(self.folder(name).glob("calibration_?.json")))
            names = [name, *(f"{name}@{n or 'fast'}" for n in reversed(range(count)))]
            words = ("fine", *["middle"] * (count - 1), "fast") if count else ("",)
            return [
                (f"{called}{self._kind(each, word)}", each)
                for each, word in zip(names, words, strict=True)
            ]
        return [(called, name)]

    def all_offers(self) -> list[tuple[str, str]]:
        """Those of all models that everybody has."""
        return [offer for name in self.names for offer in self.offers(name)]

    def _kind(self, name: str, word: str) -> str:
        """What tells a detail from the others, for its label."""
        sight = self._calibration(name).sight if word else None
        if sight is None or sight.clear is None:
            return f": {word}" if word else ""
        return f": {word}, {sight.seconds:.1g} s a picture, sees marks from {sight.clear:.0f} px"

    def _calibration(self, name: str) -> Calibration:
        folder, (_, kind) = self.folder(name), detail(name)
        number = {"": "", "@fast": "_0"}.get(kind, f"_{kind[1:]}")
        return Calibration.from_json((folder / f"calibration{number}.json").read_text("utf-8"))

    def _load_all(self) -> None:
        for name in self.names:
            try:
                self.get(name)
            except Exception as error:  # a broken folder must not keep the others away
                self._failed[name] = str(error)
