"""The workshop: everybody's trainings, one at a time, in the order they were asked for.

Each visitor has a bench, `root/<key>`; the key, 128 random bits that his browser keeps, is the only
way in. A training is `python -m ddad train` in a process group of its own, so it goes on when the
tab is closed or this server ends; a server that starts again finds it by its files. Nothing here
loads torch.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
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
from demo.train.bench import NAME, Bench, Job, Rules, WorkshopError

KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)
ATTEMPTS = 3
"""A training that dies so often without a word is given up."""


class Workshop:
    """All benches under `root`; made once, shared by all threads."""

    def __init__(self, root: Path, rules: Rules | None = None, extra: tuple[str, ...] = ()) -> None:
        """`extra` are more flags of `train`, from the operator."""
        self.root, self.rules, self.extra = root, rules or Rules(), extra
        self._lock = threading.RLock()
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._swept = 0.0
        root.mkdir(parents=True, exist_ok=True)

    def serve(self, every: float = 1.0) -> None:
        """Hand out turns for as long as this process lives, in a thread."""

        def loop() -> None:
            while True:
                with suppress(OSError):  # a full disk now need not be one in a second
                    self.tick()
                time.sleep(every)

        threading.Thread(target=loop, name="trainings", daemon=True).start()

    def open(self, key: Any) -> Bench:
        """The visitor's bench; a new one, with a new key, for anything that is no key of ours."""
        if not isinstance(key, str) or not KEY.fullmatch(key) or not (self.root / key).is_dir():
            key = secrets.token_hex(16)
        bench = Bench(self.root / key, self.rules)
        os.utime(bench.folder)
        return bench

    def find(self, key: str) -> Bench | None:
        """The bench of a key, if there is one."""
        known = KEY.fullmatch(key) and (self.root / key).is_dir()
        return Bench(self.root / key, self.rules) if known else None

    def private_model(self, name: str) -> Path | None:
        """The folder of `~<key>/<name>`, a finished model by the name that its owner's page has."""
        key, _, own = name.removeprefix("~").partition("/")
        bench = self.find(key) if name.startswith("~") else None
        return bench.path(own) if bench is not None and own in bench.models() else None

    def start(self, bench: Bench, name: str, branch: str, minutes: float, fpr: float) -> Job:
        """Queue a training on a bench's photographs; WorkshopError where that cannot be."""
        if not NAME.fullmatch(name):
            raise WorkshopError("a model's name has letters, digits, - and _, 40 at most")
        if branch not in ("feature", "both") or not 0 < minutes <= self.rules.minutes:
            raise WorkshopError(f"a training takes at most {self.rules.minutes:.0f} minutes")
        if not 0.001 <= fpr <= 0.5:
            raise WorkshopError("the false-positive rate lies between 0.1 % and 50 %")
        with self._lock:
            job = bench.job()
            if job is not None and job.state in ("waiting", "running", "paused"):
                raise WorkshopError("your training is not over yet: end or delete it first")
            if len(bench.names()) < 2:
                raise WorkshopError("a training needs at least 2 photographs, better 20")
            if len(self._jobs("waiting")) >= self.rules.waiting:
                raise WorkshopError(f"{self.rules.waiting} trainings wait already: try again later")
            if self._used() > self.rules.all_bytes:
                raise WorkshopError("the server's space for trainings is used up: try again later")
            folder = bench.path(name)
            if (folder / "ddad.json").exists():
                raise WorkshopError(f"you have a model called {name}: choose another name")
            shutil.rmtree(folder, ignore_errors=True)
            return bench.put(Job(name, branch, float(minutes), float(fpr)))

    def place(self, bench: Bench) -> int:
        """How many trainings come before the bench's."""
        job = bench.job()
        if job is None or job.state != "waiting":
            return 0
        ahead = [j for _, j in self._jobs("waiting") if j.since < job.since]
        return len(ahead) + len(self._jobs("running"))

    def ask(self, bench: Bench, what: str) -> None:
        """Ask the training to "pause", to "stop" (early, keeping what is there) or "resume"."""
        with self._lock:
            job = bench.job()
            if job is None:
                raise WorkshopError("there is no training")
            if what == "resume" and job.state in ("paused", "failed"):
                bench.put(replace(job, state="waiting", since=time.time(), attempts=0))
            elif what == PAUSE and job.state == "waiting":
                bench.put(replace(job, state="paused"))
            elif what in (PAUSE, STOP) and job.state == "running":
                request(bench.path(job.name) / "run", what)

    def cancel(self, bench: Bench) -> None:
        """End the training and forget it; photographs and finished models stay."""
        with self._lock:
            job = bench.job()
            if job is None:
                return
            process = self._alive(job)
            if process is not None:
                process.kill()
                with suppress(psutil.Error):
                    process.wait(10)
            (bench.folder / "job.json").unlink(missing_ok=True)
            if not (bench.path(job.name) / "ddad.json").exists():
                shutil.rmtree(bench.path(job.name), ignore_errors=True)

    def tick(self) -> None:
        """See which trainings have ended, start the next one, drop what has expired."""
        with self._lock:
            for bench, job in self._jobs("running"):
                if self._alive(job) is None:
                    bench.put(_ended(bench, job))
            if not self._jobs("running") and (waiting := self._jobs("waiting")):
                bench, job = min(waiting, key=lambda pair: pair[1].since)
                bench.put(self._begin(bench, job))
            if time.time() - self._swept > 600:
                self._swept = time.time()
                self._sweep()

    def _begin(self, bench: Bench, job: Job) -> Job:
        out = bench.path(job.name)
        (out / "run").mkdir(parents=True, exist_ok=True)  # so that it can be asked from the start
        command = [sys.executable, "-m", "ddad", "train", str(bench.photo_folder)]
        command += ["--out", str(out), "--branch", job.branch, "--fpr", str(job.fpr)]
        if job.branch == "both":
            command += ["--minutes", str(job.minutes)]
        with (bench.folder / "output.txt").open("ab") as output:
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
        process.nice(10)  # scoring for the visitors who look on comes first
        return replace(
            job,
            state="running",
            pid=child.pid,
            born=process.create_time(),
            attempts=job.attempts + 1,
            message="",
        )

    def _alive(self, job: Job) -> psutil.Process | None:
        with suppress(psutil.Error, ValueError):
            process = psutil.Process(job.pid)
            same = abs(process.create_time() - job.born) < 1
            if same and process.status() != psutil.STATUS_ZOMBIE:
                return process
        if job.pid in self._children:
            self._children.pop(job.pid).wait()  # over: it only has to be taken note of
        return None

    def _jobs(self, state: str) -> list[tuple[Bench, Job]]:
        found = []
        for file in self.root.glob("*/job.json"):
            bench = self.find(file.parent.name)
            job = bench.job() if bench else None
            if bench is not None and job is not None and job.state == state:
                found.append((bench, job))
        return found

    def _sweep(self) -> None:
        """Delete the benches of visitors who have not come back, unless a training is going on."""
        oldest = time.time() - self.rules.max_age
        for folder in self.root.iterdir():
            if KEY.fullmatch(folder.name) and folder.stat().st_mtime < oldest:
                job = Bench(folder, self.rules).job()
                if job is None or job.state not in ("waiting", "running"):
                    shutil.rmtree(folder, ignore_errors=True)

    def _used(self) -> int:
        total = 0
        for file in self.root.rglob("*"):
            with suppress(OSError):
                total += file.stat().st_size
        return total


def _ended(bench: Bench, job: Job) -> Job:
    """What became of a training whose process is gone."""
    progress = read_progress(bench.path(job.name) / "run")
    state = progress.get("state") if progress.get("updated", 0) >= job.born else None
    if state == "done" and (bench.path(job.name) / "ddad.json").exists():
        return replace(job, state="done")
    if state == "paused":
        return replace(job, state="paused")
    if state == "failed":
        message = str(progress.get("message", ""))
    else:
        message = _last_words(bench)
        if not message and job.attempts < ATTEMPTS:  # killed: it goes on where it was
            return replace(job, state="waiting")
    for file, name in bench.names().items():
        message = message.replace(f"{bench.photo_folder}/{file}", name)
    message = message.replace(str(bench.photo_folder), "the photographs")
    message = message.replace(str(bench.folder), "")
    return replace(job, state="failed", message=message or "its process was killed each time")


def _last_words(bench: Bench) -> str:
    """The sentence with which the last attempt refused to start, if it did."""
    with suppress(OSError):
        lines = (bench.folder / "output.txt").read_text(errors="replace").splitlines()
        if lines and lines[-1].startswith("ddad train: "):
            return lines[-1].removeprefix("ddad train: ")
    return ""
