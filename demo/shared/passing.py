"""Files on their way: in temporary folders that a killed server's successor sweeps, and out."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from gradio.utils import get_upload_folder

from demo.store.files import link

NAME = re.compile(r"ddad-(\d+)-\w+", re.ASCII)


@contextmanager
def passing() -> Iterator[Path]:
    """A folder for as long as this lasts. It bears the process's number, so that another one
    knows whose it was."""
    prefix = f"ddad-{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def sweep_passing() -> int:
    """Delete what killed processes left behind; how many folders."""
    swept = 0
    for folder in Path(tempfile.gettempdir()).glob("ddad-*"):
        found = NAME.fullmatch(folder.name)
        if found and not psutil.pid_exists(int(found[1])):
            shutil.rmtree(folder, ignore_errors=True)
            swept += 1
    return swept


def handed(path: Path) -> str:
    """The path of the same file where Gradio hands files out from, wherever the store lies.

    Gradio deletes it there by its age.
    """
    stat = path.stat()
    known = f"{path} {stat.st_mtime_ns} {stat.st_size}"
    to = Path(get_upload_folder(), hashlib.sha256(known.encode()).hexdigest(), path.name)
    link(path, to)
    return str(to)
