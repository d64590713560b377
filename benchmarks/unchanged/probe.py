"""What one checkout says and does, for `benchmarks.unchanged`, which runs this file under two.

It is run as a program with the checkout's folder first on the path, so the names below are that
checkout's. `PLACES` is the one thing here that knows how the code was and is laid out.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PLACES = {
    "Detector": ("ddad.model.detector", "ddad.detector"),
    "load_image": ("ddad.images.decode", "ddad.images"),
    "main": ("ddad.cli",),
    "FORMATS": ("ddad.export.bundle", "ddad.bundle"),
    "build": ("demo.app", "demo.ui"),
    "Store": ("demo.store.store", "demo.store"),
    "export": ("demo.shared.exchange", "demo.shared.outbox", "demo.outbox"),
    "Workshop": ("demo.train.workshop", "demo.workshop"),
    "Job": ("demo.train.bench", "demo.bench"),
}


def ours(name: str) -> Any:
    """A public name of the checkout, from the first of its places that has it."""
    for place in PLACES[name]:
        with contextlib.suppress(ImportError, AttributeError):
            return getattr(importlib.import_module(place), name)
    raise SystemExit(f"{name} is in none of {', '.join(PLACES[name])}: tell benchmarks where it is")


def maps(out: str, listed: str, *checkpoints: str) -> None:
    """Each image's map, score and mask by each checkpoint, as arrays in one file."""
    arrays = {}
    for checkpoint in checkpoints:
        detector = ours("Detector").load(checkpoint)
        for path in json.loads(Path(listed).read_text()):
            (found,) = detector.detect([ours("load_image")(path).pixels])
            key = f"{Path(checkpoint).name}|{path}"
            arrays[f"{key}|map"] = found.score_map
            arrays[f"{key}|score"] = np.array([found.score, found.threshold])
            arrays[f"{key}|mask"] = found.mask()
    np.savez_compressed(out, **arrays)


def words(out: str) -> None:
    """The help of every command, and the page's endpoints, as text."""

    def said(*argv: str) -> str:
        with contextlib.redirect_stdout(io.StringIO()) as text, contextlib.suppress(SystemExit):
            ours("main")([*argv, "--help"])
        return text.getvalue()

    top = said()
    found = {"help": top}
    for command in re.findall(r"^    (\w+)", top, re.MULTILINE):
        found[f"help of {command}"] = said(command)
    with tempfile.TemporaryDirectory() as work:
        endpoints = ours("build")(Path("checkpoints"), work=work).get_api_info()
        found["endpoints"] = json.dumps(endpoints, indent=1, sort_keys=True)
    Path(out).write_text(json.dumps(found))


def visit(root: str, checkpoint: str, folder: str) -> None:
    """Write a visitor's folder as the code of before does: a session, and a bench of the workshop.

    Prints both keys. `folder` has photographs and no subfolder.
    """
    detector, session = ours("Detector").load(checkpoint), ours("Store")(Path(root)).open(None)
    paths = sorted(Path(folder).iterdir())
    items = [session.add(p.name, ours("load_image")(p).pixels, "a note").id for p in paths[:6]]
    session.fail("broken.png", "broken.png cannot be read")
    for item in items[:5]:
        session.record(item, detector.detect([session.pixels(item)])[0], detector)
    height, width = session.pixels(items[0]).shape[:2]
    y, x = np.mgrid[:height, :width]
    drawn, zone = (x - 20) ** 2 + (y - 20) ** 2 < 90, x > width - 5
    label = [{"x": 20, "y": 20, "label": "scratch"}]
    more = {"regions": label, "reviewer": "Ann", "desk": '{"tool": "brush"}', "ignore": zone}
    session.review(items[0], mask=drawn, threshold=2.5, decision="defective", **more)
    session.review(items[1], mask=None, threshold=1.5, decision="defective", min_area=4)
    session.review(items[2], mask=None, threshold=3, decision="good", reviewer="Bo")
    session.review(items[3], mask=None, threshold=3.5, decision="undecided")
    session.review(items[0], mask=~drawn, threshold=2.5, decision="defective", **more)
    session.set_truth(items[0], drawn)
    session.set_truth(items[4], zone)
    bench = ours("Workshop")(Path(root) / "training").open(None)
    bench.add(paths)
    bench.leave_out([photo.name for photo in bench.photos()[:2]])
    shutil.copytree(checkpoint, bench.path("mine"))
    bench.put(ours("Job")("mine", "both", 5.0, 0.05, state="done", message="whole"))
    print(session.id, bench.key)


ITEM: tuple[str, ...] = (
    "id",
    "name",
    "note",
    "state",
    "error",
    "width",
    "height",
    "added",
    "score",
    "area",
)
ITEM += ("regions", "result", "review")
ARRAYS = ("pixels", "score_map", "final_mask", "mask", "ignore", "truth", "desk", "thumbnail")
JOB = ("name", "branch", "minutes", "fpr", "state", "message", "attempts")


def kept(out: str, root: str, session_id: str, key: str) -> None:
    """What a visitor's folder holds, by whichever store the checkout has."""
    store = ours("Store")(Path(root))
    session = store.open(session_id)
    assert session.id == session_id, "the session did not open"
    rows = []
    for item in session.items():
        row = {name: getattr(item, name) for name in ITEM}
        row |= {name: row[name] and asdict(row[name]) for name in ("result", "review")}
        row |= {name: _digest(getattr(session, name), item.id) for name in ARRAYS}
        row["scales"] = [_sha(s.map.tobytes()) for s in _or_none(session.scales, item.id) or []]
        rows.append(row)
    found: dict[str, Any] = {"items": rows, "log": [asdict(line) for line in session.log()]}
    found |= {"labels": session.labels(), "training": _training(store, Path(root), key)}
    Path(out).write_text(json.dumps(found, default=str))


def _training(store: Any, root: Path, key: str) -> dict[str, Any]:
    """Photographs, models and job of a workshop's key: the one reader that knows both stores."""
    session = store.open(key)
    if hasattr(session, "photographs"):
        assert session.id == key, "the workshop's key does not open"
        photographs = session.photographs
        folder, names, job = photographs.folder, photographs.names(), session.trained.training()
        left_out, models = photographs.left_out(), session.trained.models()
        place = session.trained.path
    else:
        bench = ours("Workshop")(root / "training").find(key)
        folder, names, job = bench.photo_folder, bench.names(), bench.job()
        left_out, models = list((folder / ".left_out").iterdir()), bench.models()
        place = bench.path
    return {
        "photographs": sorted((n, _sha((folder / file).read_bytes())) for file, n in names.items()),
        "left out": sorted(_sha(path.read_bytes()) for path in left_out),
        "job": {name: getattr(job, name) for name in JOB},
        "models": {name: _tree(place(name)) for name in models},
    }


def exported(out: str, root: str, session_id: str) -> None:
    """The session as a ZIP, in every format."""
    ours("export")(ours("Store")(Path(root)).open(session_id), list(ours("FORMATS")), Path(out))


def _or_none(call: Callable[[str], Any], item: str) -> Any:
    with contextlib.suppress(ValueError):  # it has none
        return call(item)


def _digest(call: Callable[[str], Any], item: str) -> str | None:
    found = _or_none(call, item)
    if isinstance(found, np.ndarray):
        return f"{found.dtype} {found.shape} {_sha(found.tobytes())}"
    if isinstance(found, Path):
        return _sha(np.asarray(Image.open(found)).tobytes())
    return None if found is None else json.dumps(found)


def _tree(folder: Path) -> dict[str, str]:
    files = (f for f in sorted(folder.rglob("*")) if f.is_file() and f.name != "output.txt")
    return {f.relative_to(folder).as_posix(): _sha(f.read_bytes()) for f in files}


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


if __name__ == "__main__":
    here = importlib.import_module("ddad").__file__
    assert here and Path(here).is_relative_to(Path.cwd()), f"{here} is not of this checkout"
    JOBS = {job.__name__: job for job in (maps, words, visit, kept, exported)}
    JOBS[sys.argv[1]](*sys.argv[2:])
