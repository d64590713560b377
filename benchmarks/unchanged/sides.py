"""The two checkouts, what is run under each, and what they are given to work on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.corpus import picture

ROOT = Path(__file__).resolve().parent.parent.parent
PROBE = Path(__file__).with_name("probe.py")
REAL = {
    "aws_cookie": ("good", "cracked"),
    "mvtec_bottle": ("good", "broken_large", "broken_small", "contamination"),
    "mvtec_pill": ("good", "color", "crack", "scratch", "pill_type"),
    "mtd": ("good", "blowhole", "break", "crack", "fray"),
}
"""Sets, and the folders of their tests that the 20 real images come from, in turn."""
TRAIN = ["--preset", "tiny", "--steps", "150", "--branch", "both", "--feature-size", "64"]
TRAIN += ["--save-every", "0"]


class Both:
    """The two checkouts, and a folder for what they write."""

    def __init__(self, before: Path, data: Path, out: Path) -> None:
        self.before, self.data, self.out = before, data, out
        self.sides = {"before": before, "now": ROOT}

    def run(self, side: str, command: list[str]) -> subprocess.Popen[str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DDAD_", "HF_", "GRADIO"))}
        quiet = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1", "COLUMNS": "100"}
        quiet |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        folder = self.sides[side]
        return subprocess.Popen(
            [sys.executable, "-P", *command],
            cwd=folder,
            env=kept | quiet | {"PYTHONPATH": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def said(self, side: str, *command: str | Path) -> str:
        """What a program prints under one checkout; SystemExit where it fails."""
        child = self.run(side, [str(part) for part in command])
        printed, _ = child.communicate()
        if child.returncode:
            raise SystemExit(f"{side}: {' '.join(map(str, command))} failed\n{printed[-3000:]}")
        return printed

    def probe(self, side: str, job: str, *args: str | Path) -> str:
        return self.said(side, PROBE, job, *args)

    def ddad(self, side: str, *args: str | Path) -> str:
        return self.said(side, "-m", "ddad", *args)

    @property
    def tree(self) -> Path:
        """A small MVTec-shaped set of drawn parts, some with a bright square."""
        root = self.out / "tree"
        if not root.exists():
            for number in range(24):
                _write(picture(number), root / "train" / "good" / f"{number:02}.png")
            for number in range(3):
                _write(picture(100 + number), root / "test" / "good" / f"{number}.png")
                part, mask = picture(200 + number), np.zeros((48, 64), np.uint8)
                mask[10:20, 12 + number : 24] = 255
                part[mask > 0] = (250, 240, 60)
                _write(part, root / "test" / "square" / f"{number}.png")
                _write(mask, root / "ground_truth" / "square" / f"{number}_mask.png")
        return root

    @property
    def model(self) -> Path:
        """A tiny model of both branches, trained by the checkout of before."""
        out = self.out / "model"
        if not (out / "ddad.json").exists():
            self.ddad("before", "train", self.tree, "--out", out, *TRAIN)
        return out


def _write(pixels: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def real_images(data: Path) -> list[str]:
    """Twenty, five of each set, good and defective in turn."""
    chosen = []
    for name, classes in REAL.items():
        for turn in range(5):
            files = sorted((data / name / "test" / classes[turn % len(classes)]).iterdir())
            chosen.append(str(files[(3 + 7 * turn) % len(files)]))
    return chosen
