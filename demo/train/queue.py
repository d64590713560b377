"""Everybody's trainings, one at a time, in the order they were asked for.

A training is `python -m ddad train` in a process group of its own, so it goes on when the tab is
closed or this server ends; a server that starts again finds it by what the store says of it.
Nothing here loads torch.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from ddad import HOME
from ddad.training.journal import PAUSE, STOP, read_progress, request
from demo.store.records import StoreError, Training
from demo.store.session import Session
from demo.store.store import Store
from demo.store.trained import BUSY, NAME, process_of


class Queue:
    """The trainings of a store's sessions; made once, shared by all threads."""

    def __init__(self, store: Store, extra: tuple[str, ...] = ()) -> None:
        """`extra` are more flags of `train`, from the operator."""
        self.store, self.limits, self.extra = store, store.limits, extra
        self._lock = threading.RLock()
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    def serve(self, every: float = 1.0) -> None:
        """Hand out turns for as long as this process lives, in a thread."""

        def loop() -> None:
            while True:
                try:
                    self.tick()
                except Exception as error:  # a full disk now need not be one in a second
                    print(f"trainings: {error}", file=sys.stderr)
                time.sleep(every)

        threading.Thread(target=loop, name="trainings", daemon=True).start()

    def start(
        self,
        session: Session,
        name: str,
        branch: str,
        minutes: float,
        fpr: float,
        seconds: float = 2.0,
        keeps: bool = False,
    ) -> Training:
        """Queue a training on a session's photographs; StoreError where that cannot be.

        `seconds` are what its model may take for a photograph; `keeps`: small copies of the
        photographs stay with it.
        """
        if not NAME.fullmatch(name):
            raise StoreError("a model's name has letters, digits, - and _, 40 at most")
        longest = self.limits.training_minutes
        if branch not in ("feature", "both") or not 0 < minutes <= longest:
            raise StoreError(f"a training takes at most {longest:.0f} minutes")
        if not 0.001 <= fpr <= 0.5:
            raise StoreError("the false-positive rate lies between 0.1 % and 50 %")
        if not 0 < seconds <= 60:
            raise StoreError("a model takes at most a minute for a photograph")
        with self._lock:
            training = session.trained.training()
            if training is not None and training.state in (*BUSY, "paused"):
                raise StoreError("your training is not over yet: end or delete it first")
            if not session.photographs.names():
                raise StoreError("a training needs a photograph, better 20")
            if len(self.store.trainings("waiting")) >= self.limits.waiting:
                raise StoreError(f"{self.limits.waiting} trainings wait already: try again later")
            if (session.trained.path(name) / "ddad.json").exists():
                raise StoreError(f"you have a model called {name}: choose another name")
            asked = Training(name, branch, float(minutes), float(fpr), seconds=float(seconds))
            asked = replace(asked, keeps=bool(keeps))
            return session.trained.begin(asked)

    def place(self, session: Session) -> int:
        """How many trainings come before the session's."""
        training = session.trained.training()
        if training is None or training.state != "waiting":
            return 0
        ahead = [t for _, t in self.store.trainings("waiting") if t.since < training.since]
        return len(ahead) + len(self.store.trainings("running"))

    def ask(self, session: Session, what: str) -> None:
        """Ask the training to "pause", to "stop" (early, keeping what is there) or "resume"."""
        with self._lock:
            training, mine = session.trained.training(), session.trained
            if training is None:
                raise StoreError("there is no training")
            if what == "resume" and training.state in ("paused", "failed"):
                mine.put(replace(training, state="waiting", since=time.time(), attempts=0))
            elif what == PAUSE and training.state == "waiting":
                mine.put(replace(training, state="paused"))
            elif what in (PAUSE, STOP) and training.state == "running":
                request(mine.path(training.name) / "run", what)

    def cancel(self, session: Session) -> None:
        """End the training and forget it; photographs and finished models stay."""
        with self._lock:
            training = session.trained.training()
            process = process_of(training) if training else None
            if process is not None:
                process.kill()
                with suppress(psutil.Error):
                    process.wait(10)
            session.trained.forget()

    def join(self, session: Session, key: str | None) -> None:
        """As `Store.join`, while no turn changes hands."""
        with self._lock:
            self.store.join(session, key)

    def tick(self) -> None:
        """See which trainings have ended, start the next one."""
        with self._lock:
            elsewhere = self.store.read_over()
            for session, training in self.store.trainings("running"):
                if process_of(training) is None:
                    if training.pid in self._children:
                        self._children.pop(training.pid).wait()  # it only has to be taken note of
                    session.trained.put(_ended(session, training))
                session.trained.measure(training.name)
                if session.used()[0] > self.limits.quota_bytes:
                    self.ask(session, STOP)  # what is there of the model is kept
            if elsewhere or self.store.trainings("running"):
                return
            for session, training in self.store.trainings("waiting")[:1]:
                session.trained.put(self._begin(session, training))

    def _begin(self, session: Session, training: Training) -> Training:
        out = session.trained.path(training.name)
        (out / "run").mkdir(parents=True, exist_ok=True)  # so that it can be asked from the start
        session.photographs.write_parts()
        # Good as the visitor says: the files' names are ours, and say nothing.
        command = [sys.executable, "-m", "ddad", "train", str(session.photographs.folder)]
        command += ["--all-good"]
        command += ["--out", str(out), "--branch", training.branch, "--fpr", str(training.fpr)]
        command += ["--seconds-per-image", str(training.seconds)]
        if training.branch == "both":
            command += ["--minutes", str(training.minutes)]
        if training.keeps:
            command += ["--keep-photographs"]
        with _output(out).open("ab") as output:
            child = subprocess.Popen(
                [*command, *self.extra],
                cwd=HOME,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._children[child.pid] = child
        process = psutil.Process(child.pid)
        process.nice(15)  # scoring for the visitors who look on comes first
        return replace(
            training,
            state="running",
            pid=child.pid,
            born=process.create_time(),
            attempts=training.attempts + 1,
            message="",
        )


def progress_of(training: Training, folder: Path) -> dict[str, Any]:
    """What its present process has written of a training, empty where that is nothing yet."""
    progress = read_progress(folder)
    return progress if progress.get("updated", 0) >= training.born else {}


def _ended(session: Session, training: Training) -> Training:
    """What became of a training whose process is gone."""
    out, photographs = session.trained.path(training.name), session.photographs
    progress = progress_of(training, out / "run")
    state = progress.get("state")
    if state == "done" and (out / "ddad.json").exists():
        return replace(training, state="done")
    if state == "paused":
        return replace(training, state="paused")
    if state == "failed":
        message = str(progress.get("message", ""))
    else:
        message = _last_words(out)
        if not message and training.attempts < session.limits.attempts:
            return replace(training, state="waiting")  # killed: it goes on where it was
    for file, name in photographs.names().items():
        message = message.replace(f"{photographs.folder}/{file}", name)
    message = message.replace(str(photographs.folder), "the photographs")
    message = message.replace(str(photographs.folder.parent), "")
    message = message or "its process was killed each time"
    return replace(training, state="failed", message=message)


def _output(out: Path) -> Path:
    """What the process printed."""
    return out / "run" / "output.txt"


def _last_words(out: Path) -> str:
    """The sentence with which the last attempt refused to start, if it did."""
    with suppress(OSError):
        lines = _output(out).read_text(errors="replace").splitlines()
        if lines and lines[-1].startswith("ddad train: "):
            return lines[-1].removeprefix("ddad train: ")
    return ""
