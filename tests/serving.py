"""The app in a process of its own, as visitors meet it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from parts import ROOT

FRAME = re.compile(r'File "([^"]+)"')
OURS = re.compile(rf"{re.escape(str(ROOT))}/(app\.py|ddad/|demo/)")
PASSED = re.compile(rf"{re.escape(str(ROOT))}/demo/front/")
"""Through which every request passes, whatever goes wrong beyond."""


class Site:
    """The app over a folder of checkpoints; it can be killed and started again where it was."""

    def __init__(self, folder: Path, checkpoints: Path, **environment: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "log"
        (folder / "tmp").mkdir(exist_ok=True)
        self._environment = os.environ | {
            "DDAD_CHECKPOINTS": str(checkpoints),
            "DDAD_WORK": str(folder / "work"),
            "GRADIO_SERVER_PORT": str(port),
            "GRADIO_TEMP_DIR": str(folder / "gradio"),
            "TMPDIR": str(folder / "tmp"),  # so the store lies outside of it, as in a container
            **environment,
        }

    def start(self) -> None:
        """Return once the page answers."""
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "app.py"], cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(self.url, timeout=1).close()
                return
            except OSError:
                said = self.log.read_text()
                assert self._process.poll() is None, said
                assert time.monotonic() < deadline, said
                time.sleep(0.2)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it as a user would; our code must have met nothing that it did not expect.

        Gradio itself reports a browser that leaves in the middle of an answer: no code of ours
        stands in such a report.
        """
        self._process.terminate()
        self._process.wait(20)
        said = self.log.read_text()
        assert not [part for part in said.split("Traceback")[1:] if ours(part)], said


def ours(traceback: str) -> bool:
    """Whether our code stands in it: anywhere, or at its end where every request passes."""
    frames = FRAME.findall(traceback)
    own = [frame for frame in frames if OURS.match(frame) and not PASSED.match(frame)]
    return bool(own) or (bool(frames) and bool(PASSED.match(frames[-1])))
