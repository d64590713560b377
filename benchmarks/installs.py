"""Wheel and source archive installed away from the checkout: do they train, score, open the page?

    python -m benchmarks.installs [--pythons python3.11 python3.12 ...] [--uv UV]

Builds both, installs each for each Python in an environment of its own (the source archive for the
first alone: it becomes the same wheel), and with UV as `uv tool install` and `uvx` do. Away from
the checkout, with nothing of ours on the path, each then says its help, is imported, trains on
drawn photographs, scores them and answers as a page. Exit code 1 where one of these fails.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parent.parent
EXTRA = "demo"
FASTEST = 5
"""Runs of which the quickest says how long a start takes: the others had to read the disk."""


def build(out: Path, *, isolated: bool = True) -> tuple[Path, Path]:
    """Source archive, and the wheel that is built from it."""
    command = [sys.executable, "-m", "build", "-o", str(out), str(ROOT)]
    run([*command, *([] if isolated else ["--no-isolation"])], ROOT)
    (archive,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    return archive, wheel


def run(command: Sequence[str | Path], cwd: Path, **env: str) -> str:
    """What it prints, without any of the checkout in its environment."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=clean | env, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def photographs(folder: Path, count: int = 12) -> Path:
    """Drawn parts that differ in noise alone, and beside them one with a spot."""
    good = folder / "good"
    good.mkdir(parents=True)
    for seed in range(count):
        noise = np.random.default_rng(seed).normal(0, 6, (96, 128, 3))
        ground = 120 + 40 * np.sin(np.arange(128) / 9)[None, :, None] + noise
        pixels = np.clip(ground, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(good / f"{seed:02}.png")
    pixels[40:60, 50:70] = (250, 20, 20)
    Image.fromarray(pixels).save(folder / "spot.png")
    return folder


def trial(ddad: Path, python: Path, folder: Path) -> dict[str, float]:
    """Help, import, train, score and page of an installation; seconds of each."""
    data, took = photographs(folder / "photographs"), dict[str, float]()
    whose = run([python, "-c", "import ddad; print(ddad.__file__)"], folder)
    if not Path(whose.strip()).is_relative_to(python.parent.parent.resolve()):
        raise SystemExit(f"not the installed one: {whose}")
    before = files(Path(whose.strip()).parent)
    took["help"] = quickest([ddad, "--help"], folder)
    took["import"] = quickest([python, "-c", "import ddad"], folder)
    started = time.monotonic()
    train = [ddad, "train", data / "good", "--out", folder / "model", "--branch", "feature"]
    run([*train, "--feature-size", "96"], folder)
    took["train"], started = time.monotonic() - started, time.monotonic()
    for model in (folder / "model", "cookie"):
        out = folder / f"scores_{Path(model).name}"
        run([ddad, "score", data / "spot.png", "--checkpoint", model, "--out", out], folder)
        if len((out / "scores.csv").read_text("utf-8-sig").splitlines()) != 2:
            raise SystemExit(f"{model} scored nothing")
    took["score"] = (time.monotonic() - started) / 2
    took["page"] = page(ddad, folder)
    if files(Path(whose.strip()).parent) != before:
        raise SystemExit("it wrote into its own package")
    return took


def quickest(command: Sequence[str | Path], cwd: Path) -> float:
    times = []
    for _ in range(FASTEST):
        started = time.monotonic()
        run(command, cwd)
        times.append(time.monotonic() - started)
    return min(times)


def files(package: Path) -> set[str]:
    return {str(path) for path in package.rglob("*") if "__pycache__" not in path.parts}


def page(ddad: Path, folder: Path) -> float:
    """Seconds until `ddad demo` answers with the page, which then is ended."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.monotonic()
    with (folder / "page.log").open("wb") as log:
        child = subprocess.Popen(
            [str(ddad), "demo", "--no-browser", "--port", str(port)],
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    try:
        while time.monotonic() < started + 120 and child.poll() is None:
            with suppress(OSError):
                found = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).read()
                if b"where is it defective" in found:
                    return time.monotonic() - started
            time.sleep(0.2)
    finally:
        child.terminate()
        child.wait()
    raise SystemExit(f"no page: {(folder / 'page.log').read_text()}")


def installed(python: str, what: str, folder: Path) -> tuple[Path, Path]:
    """`ddad` and the Python of a new environment that holds `what`, a path, with its page."""
    run([python, "-m", "venv", folder], folder.parent)
    inside = folder / "bin" / "python"
    run([inside, "-m", "pip", "install", "-q", f"ddad[{EXTRA}] @ file://{what}"], folder)
    return folder / "bin" / "ddad", inside


def with_uv(uv: str, wheel: Path, folder: Path) -> tuple[Path, Path]:
    """The same by `uv tool install`; `uvx` is asked for its version as well."""
    source = f"ddad[{EXTRA}] @ file://{wheel}"
    env = {"UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    said = run([uv, "tool", "run", "--from", source, "ddad", "--version"], folder, **env)
    if not said.strip():
        raise SystemExit("uvx says no version")
    run([uv, "tool", "install", "-q", source], folder, **env)
    return folder / "bin" / "ddad", folder / "tools" / "ddad" / "bin" / "python"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pythons", nargs="+", default=[sys.executable])
    parser.add_argument("--uv", help="uv's executable")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive, wheel = build(folder)
        for file in (wheel, archive):
            print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB")
        print("| Python | by | installed in | help | import | train | score | page |")
        print("|---|---|---|---|---|---|---|---|", flush=True)
        ways = [(python, "pip, wheel", str(wheel)) for python in args.pythons]
        ways.insert(1, (args.pythons[0], "pip, source archive", str(archive)))
        ways += [(args.uv, "uv tool install, uvx", "")] if args.uv else []
        for number, (python, how, what) in enumerate(ways):
            here = folder / str(number)
            here.mkdir()
            started = time.monotonic()
            ddad, inside = (
                installed(python, what, here / "env") if what else with_uv(python, wheel, here)
            )
            took = time.monotonic() - started
            version = run([inside, "-c", "import platform; print(platform.python_version())"], here)
            found = trial(ddad, inside, here / "trial")
            cells = [f"{took:.0f} s", *(f"{value:.2f} s" for value in found.values())]
            print(f"| {version.strip()} | {how} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
