"""One visitor's bench in the workshop: his photographs, his training, his models, in one folder.

photos/          what he uploaded, under generated names; names.json has the names he gave
models/<name>/   his models; <name>/run is the training's own folder
job.json         the training that waits, runs or is over
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ddad.data.archive import Limits, extract
from ddad.images.files import IMAGE_SUFFIXES, write_json

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", re.ASCII)
DAY = 86_400.0
MODELS = 20
"""A visitor keeps at most so many."""


class WorkshopError(ValueError):
    """What a visitor asked for cannot be done; one sentence."""


@dataclass(frozen=True)
class Rules:
    """What one visitor, and all together, may use."""

    photos: int = 3000
    photo_bytes: int = 1_000_000_000
    all_bytes: int = 20_000_000_000
    waiting: int = 8
    max_age: float = 7 * DAY
    minutes: float = 60
    """Longest training of the pixel branch."""


@dataclass(frozen=True)
class Job:
    """One training. `state` is waiting, running, paused, done or failed."""

    name: str
    branch: str
    minutes: float
    fpr: float
    state: str = "waiting"
    since: float = field(default_factory=time.time)
    """When it entered the queue: the order of turns."""
    pid: int = 0
    born: float = 0.0
    """When the process started, so that a recycled pid is no mistake."""
    attempts: int = 0
    message: str = ""


class Bench:
    """Made by `Workshop.open`; holds no state but where things lie."""

    def __init__(self, folder: Path, rules: Rules) -> None:
        self.folder, self.rules = folder, rules
        self.key = folder.name
        self.photo_folder = folder / "photos"
        self.photo_folder.mkdir(parents=True, exist_ok=True)

    def add(self, paths: list[Path]) -> list[str]:
        """Keep images and the images inside ZIPs; returns a sentence for each that was refused.

        Raises WorkshopError where there is no room for all: what fitted is kept.
        """
        folder, problems = self.photo_folder, []
        names = self.names()
        free = self.rules.photo_bytes - sum((folder / name).stat().st_size for name in names)

        def keep(file: Path, name: str) -> None:
            nonlocal free
            free -= file.stat().st_size
            if len(names) >= self.rules.photos or free < 0:
                raise WorkshopError(
                    f"that is more than {self.rules.photos} photographs or "
                    f"{self.rules.photo_bytes // 10**6} MB: what fitted was kept"
                )
            names[file.name] = name

        try:
            for path in paths:
                if path.suffix.lower() == ".zip":
                    limits = Limits(entries=self.rules.photos, total=self.rules.photo_bytes)
                    for row in extract(path, folder, limits=limits):
                        if row.path is None:
                            problems.append(row.problem)
                        else:
                            keep(row.path, row.name.rsplit("/", 1)[-1])
                elif path.suffix.lower() in IMAGE_SUFFIXES:
                    kept = folder / f"{secrets.token_hex(8)}{path.suffix.lower()}"
                    shutil.copyfile(path, kept)
                    keep(kept, path.name)
                else:
                    problems.append(f"{path.name} is neither an image nor a ZIP")
        finally:
            write_json(names, folder / "names.json")
            for file in folder.iterdir():  # what did not fit
                if file.is_file() and file.name not in names and file.name != "names.json":
                    file.unlink()
        return problems

    def names(self) -> dict[str, str]:
        """The visitor's photographs: file name here to the name that he gave."""
        file = self.photo_folder / "names.json"
        found = json.loads(file.read_text()) if file.exists() else {}
        return {k: v for k, v in found.items() if (file.parent / k).exists()}

    def photos(self) -> list[Path]:
        """The files, in a fixed order."""
        return [self.photo_folder / name for name in sorted(self.names())]

    def leave_out(self, files: list[str]) -> None:
        """Put some of the photographs aside, by their file names here."""
        aside = self.photo_folder / ".left_out"
        aside.mkdir(exist_ok=True)
        for name in set(files) & set(self.names()):
            os.replace(self.photo_folder / name, aside / name)

    # His training and his models

    def job(self) -> Job | None:
        try:
            return Job(**json.loads((self.folder / "job.json").read_text()))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def put(self, job: Job) -> Job:
        """Keep the state of his training."""
        write_json(asdict(job), self.folder / "job.json")
        return job

    def run_folder(self) -> Path | None:
        """Where his training keeps its progress, log and previews."""
        job = self.job()
        return self.path(job.name) / "run" if job else None

    def models(self) -> list[str]:
        """Names of his finished models."""
        busy = {j.name for j in [self.job()] if j and j.state != "done"}
        found = (self.folder / "models").glob("*/ddad.json")
        return sorted(f.parent.name for f in found if f.parent.name not in busy)

    def new_model(self, name: str) -> Path:
        """The folder for a model that he brings. Raises WorkshopError for a name that is taken."""
        if not NAME.fullmatch(name):
            raise WorkshopError("a model's name has letters, digits, - and _, 40 at most")
        folder = self.path(name)
        if folder.exists():
            raise WorkshopError(f"you have a model called {name}: choose another name")
        if len(self.models()) >= MODELS:
            raise WorkshopError("there is no room for another model: delete one first")
        return folder

    def model(self, name: str) -> Path:
        """The folder of one of his finished models; WorkshopError for anything else."""
        if name not in self.models():
            raise WorkshopError("this model is not yours, or has expired")
        return self.path(name)

    def path(self, name: str) -> Path:
        """Where a model of this name lies, or would."""
        if not NAME.fullmatch(name):
            raise WorkshopError("there is no such model")
        return self.folder / "models" / name
