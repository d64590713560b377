"""The house as it stands: who imports whom, drawn, and the way of a photograph through the calls.

    python -m benchmarks.structure [--root CHECKOUT] [--picture docs/structure.webp]

The picture has the whole, the library and the page: a folder a room, on floors in the order of the
imports. An arrow is drawn where modules of one import modules of another, the thicker the more do;
one that climbs would be red. The way is taken by running `ddad train` and `ddad score` on a few
drawn parts: our functions in the order in which they are first called, as a list of the modules
(and folders) they stand in. A return is a stay in one that had been left. `--root` measures another
checkout's calls, for comparison.
"""

from __future__ import annotations

import argparse
import ast
import json
import math
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parent.parent
FLOORS = {
    "": ("app", "benchmarks", "demo", "ddad"),
    "ddad": (
        *("cli", "commands", "work", "training", "measure", "export", "model", "score"),
        *("diffusion", "data", "images"),
    ),
    "demo": ("app", "api", "inspect", "batch", "train", "page", "shared", "web", "store", "limits"),
}
TRACE = """
import json, runpy, sys
from pathlib import Path
root, seen, order = str(Path.cwd() / "ddad") + "/", set(), []
def look(frame, event, argument):
    code = frame.f_code
    if event == "call" and code.co_filename.startswith(root) and code not in seen:
        seen.add(code)
        if code.co_name != "<module>":
            order.append(code.co_filename[len(root):])
out = sys.argv[1]
sys.argv = ["ddad", *sys.argv[2:]]
sys.setprofile(look)
try:
    runpy.run_module("ddad", run_name="__main__")
except SystemExit:
    pass
finally:
    sys.setprofile(None)
    Path(out).write_text(json.dumps(order))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--picture", type=Path)
    args = parser.parse_args()
    if args.picture:
        draw(args.picture)
    for name, files in ways(args.root).items():
        for kind, rooms in {"modules": files, "folders": [f.split("/")[0] for f in files]}.items():
            stays = [room for room, _ in groupby(rooms)]
            print(f"{name}: {len(set(stays))} {kind}, {len(stays) - len(set(stays))} returns")


def arrows(top: str) -> Counter[tuple[str, str]]:
    """How many modules of one room import how many of another, by both rooms."""
    found: Counter[tuple[str, str]] = Counter()
    depth, rooms = (1 if top else 0), FLOORS[top]
    for room in rooms:
        for path in _files(room, top, (".py",)):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(top):
                    parts = f"{node.module}.{node.names[0].name}".split(".")
                    if parts[depth] in rooms and parts[depth] != room:
                        found[room, parts[depth]] += 1
    return found


def _files(room: str, top: str, suffixes: tuple[str, ...]) -> list[Path]:
    """A room's own files, tests left out."""
    place = ROOT / top / room
    inside = place.rglob("*") if place.is_dir() else [place.with_suffix(".py")]
    return [f for f in inside if f.suffix in suffixes and ".test." not in f.name]


def draw(to: Path) -> None:
    """The whole and both houses: rooms from the top floor down, arrows on their right."""
    wide, tall, room = 560, 1000, 190
    canvas = Image.new("RGB", (len(FLOORS) * wide, tall), "white")
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default
    for side, (top, floors) in enumerate(FLOORS.items()):
        x0, step = side * wide + 30, min(120.0, (tall - 90) / len(floors))
        pen.text((x0, 18), f"{top}/" if top else "the whole", "black", font(24))
        middle = {name: 70 + step * (i + 0.4) for i, name in enumerate(floors)}
        for (here, there), count in sorted(arrows(top).items()):
            _arrow(pen, x0 + room, middle[here], middle[there], count)
        for name, y in middle.items():
            files = _files(name, top, (".py", ".js", ".css"))
            lines = sum(len(path.read_text().splitlines()) for path in files)
            box = (x0, y - 0.34 * step, x0 + room, y + 0.34 * step)
            pen.rounded_rectangle(box, 8, "#e8eef7", "#33507a", 2)
            pen.text((x0 + 12, y - 20), name, "black", font(17))
            pen.text((x0 + 12, y), f"{lines} lines", "#555", font(14))
    canvas.save(to, quality=90)


def _arrow(pen: ImageDraw.ImageDraw, x: float, start: float, end: float, count: int) -> None:
    """Half an ellipse from one room's right edge to another's, with a head; red if it climbs."""
    colour = "#c22" if end < start else "#5a7fb5"
    reach, middle = 36 + 0.32 * abs(end - start), (start + end) / 2
    turns = np.linspace(-math.pi / 2, math.pi / 2, 60)
    points = [
        (x + reach * math.cos(t), middle + (end - start) / 2 * math.sin(t)) for t in turns.tolist()
    ]
    pen.line(points, colour, max(1, round(math.sqrt(count) * 0.9)), joint="curve")
    pen.polygon([(x, end), (x + 9, end - 4), (x + 9, end + 4)], colour)


def ways(root: Path) -> dict[str, Sequence[str]]:
    """The files of our functions in the order of their first call, of a training and of a score."""
    with tempfile.TemporaryDirectory() as name:
        data, model = Path(name) / "good", Path(name) / "model"
        data.mkdir()
        for seed in range(8):
            pixels = np.random.default_rng(seed).integers(90, 160, (48, 48, 3), np.uint8)
            Image.fromarray(pixels).save(data / f"{seed}.png")
        flags = ["--branch", "both", "--preset", "tiny", "--steps", "20", "--feature-size", "64"]
        score = ["score", str(data / "0.png"), "--checkpoint", str(model), "--out", f"{name}/out"]
        return {
            "train": _way(root, Path(name), ["train", str(data), "--out", str(model), *flags]),
            "score": _way(root, Path(name), score),
        }


def _way(root: Path, folder: Path, command: Sequence[str]) -> list[str]:
    out = folder / "order.json"
    run = [sys.executable, "-c", TRACE, str(out), *command]
    subprocess.run(run, cwd=root, check=True, capture_output=True)
    return list(json.loads(out.read_text()))


if __name__ == "__main__":
    main()
