"""A visitor's training, one at a time, and his models: `models/<name>`, `<name>/run` its training.

What a training writes it writes itself, in a process of its own; rows say whose it is, how it
stands and how much there is of it.
"""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path

import psutil

from demo.store.files import size_of
from demo.store.records import StoreError, Training
from demo.store.rows import Rows

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", re.ASCII)
BUSY = ("waiting", "running")


class Trained:
    """Holds no state but where things lie."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._trainings, self._models = rows.tables.trainings, rows.tables.models

    def training(self) -> Training | None:
        with self._rows.tables.reading():
            row = self._trainings.get_or_none(session=self._rows.session)
        return training_of(row) if row else None

    def put(self, training: Training) -> Training:
        """Keep the state of the training."""
        with self._rows.tables.transaction():
            self._put(training)
        return training

    def begin(self, training: Training) -> Training:
        """A new training in place of the last; its model's folder is the session's from now on.

        Raises StoreError where there is no room for one.
        """
        with self._rows.tables.transaction():
            self._rows.make_room(self._rows.limits.training_bytes)
        self.forget()
        shutil.rmtree(self.path(training.name), ignore_errors=True)
        with self._rows.tables.transaction():
            self._put(training)
            self._count(training.name, 0)
        return training

    def forget(self) -> None:
        """No training any more; its model stays if it is whole."""
        training = self.training()
        if training is None:
            return
        whole, table = (self.path(training.name) / "ddad.json").exists(), self._trainings
        with self._rows.tables.transaction():
            table.delete().where(self._rows.mine(table)).execute()
            if not whole:
                self._uncount(training.name)
        if whole:
            self.measure(training.name)
        else:
            self._remove(training.name)

    def run_folder(self) -> Path | None:
        """Where the training keeps its progress, log and previews."""
        training = self.training()
        return self.path(training.name) / "run" if training else None

    def models(self) -> list[str]:
        """Names of the finished models."""
        training, table = self.training(), self._models
        busy = training.name if training and training.state != "done" else None
        with self._rows.tables.reading():
            query = table.select(table.name).where(self._rows.mine(table))
            names = [name for (name,) in query.tuples()]
        return sorted(n for n in names if n != busy and (self.path(n) / "ddad.json").exists())

    def new_model(self, name: str, size: int = 0) -> Path:
        """The folder for a model of so many bytes that he brings. Raises StoreError for a name
        that is taken, and where there is no room for it."""
        self._rows.expect(size)
        if not NAME.fullmatch(name):
            raise StoreError("a model's name has letters, digits, - and _, 40 at most")
        folder = self.path(name)
        if folder.exists():
            raise StoreError(f"you have a model called {name}: choose another name")
        if len(self.models()) >= self._rows.limits.models:
            raise StoreError("there is no room for another model: delete one first")
        return folder

    def take_in(self, name: str) -> None:
        """Keep the model that now lies in the folder of `new_model`.

        Raises StoreError where the session is full; the folder is gone then.
        """
        try:
            with self._rows.tables.transaction():
                size = size_of(self.path(name))
                self._rows.make_room(size)
                self._count(name, size)
        except BaseException:
            shutil.rmtree(self.path(name), ignore_errors=True)
            raise

    def model(self, name: str) -> Path:
        """The folder of one of his finished models; StoreError for anything else."""
        if name not in self.models():
            raise StoreError("this model is not yours, or has expired")
        return self.path(name)

    def path(self, name: str) -> Path:
        """Where a model of this name lies, or would."""
        if not NAME.fullmatch(name):
            raise StoreError("there is no such model")
        return self._rows.folder / "models" / name

    def zip_path(self, name: str) -> Path:
        """Where its ZIP lies, once it was made."""
        return self._rows.folder / "zips" / f"{self.path(name).name}.zip"

    def measure(self, name: str) -> None:
        """Take note of how large a model is now, which a training or a person has changed."""
        size = size_of(self.path(name), self.zip_path(name))
        table = self._models
        mine = self._rows.mine(table, name=name)
        with self._rows.tables.reading():
            if table.select(table.bytes).where(mine).scalar() in (None, size):
                return
        with self._rows.tables.transaction():
            table.update(bytes=size).where(mine).execute()

    def delete(self, name: str) -> None:
        """Delete a model and what its training left."""
        self.path(name)  # or it is no name
        with self._rows.tables.transaction():
            self._uncount(name)
        self._remove(name)

    def _remove(self, name: str) -> None:
        shutil.rmtree(self.path(name), ignore_errors=True)
        self.zip_path(name).unlink(missing_ok=True)

    def _put(self, training: Training) -> None:
        table = self._trainings
        table.delete().where(self._rows.mine(table)).execute()
        table.create(session=self._rows.session, **asdict(training))

    def _count(self, name: str, size: int) -> None:
        self._uncount(name)
        self._models.create(session=self._rows.session, name=name, bytes=size)

    def _uncount(self, name: str) -> None:
        table = self._models
        table.delete().where(self._rows.mine(table, name=name)).execute()


def training_of(row: object) -> Training:
    """From a row of the table."""
    return Training(**{each.name: getattr(row, each.name) for each in fields(Training)})


def process_of(training: Training) -> psutil.Process | None:
    """The process that trains; None where it is gone or only waits to be taken note of."""
    with suppress(psutil.Error, ValueError):
        process = psutil.Process(training.pid)
        same = abs(process.create_time() - training.born) < 1
        if same and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None
