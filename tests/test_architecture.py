"""Rules that reviews would forget: who imports whom, and what nobody imports."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from graphlib import TopologicalSorter

import pytest
from parts import ROOT

LIBRARY = (
    *("cli", "commands", "work", "training", "measure", "export", "model", "score"),
    *("diffusion", "data", "images"),
)
"""The library's folders. A module imports from its own folder and from those after it."""
PAGE = (
    "app",
    "api keeping",
    "inspect batch train",
    "page",
    "shared",
    "web",
    "front",
    "store",
    "limits",
)
"""The page's, tabs beside one another on one floor: no tab imports another."""
HANDED_ON = tuple(folder for folder in LIBRARY if folder not in ("cli", "commands"))
MODULES = sorted(p for top in ("ddad", "demo") for p in ROOT.glob(f"{top}/**/*.py"))
FILES = [*MODULES, *ROOT.glob("benchmarks/*.py"), ROOT / "app.py"]


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relative to itself"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def label(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def floor(name, order):
    """Its place in the order, and which of the rooms of that floor it is in."""
    room = name.split(".")[1]
    found = [i for i, rooms in enumerate(order) if room in rooms.split()]
    return (found[0], room) if found else None


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_arrows_run_downward(path):
    top = path.relative_to(ROOT).parts[0]
    order = LIBRARY if top == "ddad" else PAGE
    here = floor(label(path), order)
    if here is None:
        assert path.stem in ("__init__", "__main__", "screenshots"), "a room without a floor"
        return
    for name in imports(path):
        there = floor(name, order) if name.startswith(f"{top}.") else None
        if there:
            assert there[0] > here[0] or there == here, f"{label(path)} imports {name}"


def test_no_module_imports_itself_by_way_of_others():
    known = {label(path).removesuffix(".__init__") for path in MODULES}
    arrows = {label(p).removesuffix(".__init__"): known & set(imports(p)) for p in MODULES}
    tuple(TopologicalSorter(arrows).static_order())  # raises CycleError


@pytest.mark.parametrize("path", FILES, ids=label)
def test_forbidden_imports_and_calls(path):
    names = set(imports(path))
    tops = {name.split(".")[0] for name in names}
    assert not tops & {"torchvision", "cv2", "pickle", "dill", "joblib"}
    if path.is_relative_to(ROOT / "ddad"):
        assert not tops & {"demo", "gradio", "benchmarks"}
    if path.is_relative_to(ROOT / "demo"):  # the command line trains, in a process of its own
        banned = ("ddad.training.train", "ddad.training.run", "ddad.cli", "ddad.commands")
        assert not [name for name in names if name.startswith(banned)]
    assert not re.search(r"torch\.(load|save)\(|allow_pickle=True", path.read_text())


@pytest.mark.parametrize("folder", HANDED_ON)
def test_each_folder_hands_on_names_that_are_there(folder):
    package = importlib.import_module(f"ddad.{folder}")
    assert package.__doc__ and package.__all__
    for name in package.__all__:
        assert getattr(package, name) is not None


COVERED = {
    "export/formats/form": "export/test_bundle",
    "export/runner": "export/test_graph",
    "model/card": "training/test_lifecycle",
    "model/detection": "model/test_detector",
    "model/runtime": "work/test_batch",
    "model/verification": "model/test_package",
    "diffusion/networks": "training/test_train",
    "training/estimate": "training/test_lifecycle",
    "training/run": "training/test_train",
    "training/steps": "training/test_train",
}
"""Modules whose tests are in another's file."""


def test_every_module_has_a_test_file():
    tests = ROOT / "tests"
    for path in ROOT.glob("ddad/*/**/*.py"):
        name = path.relative_to(ROOT / "ddad").with_suffix("")
        own = name.parent / f"test_{name.name}"
        if path.stem != "__init__":
            assert (tests / f"{COVERED.get(name.as_posix(), own)}.py").exists(), f"no {own}.py"


def test_the_app_imports_without_torchvision_opencv_and_torch():
    """And building the page needs no torch: it loads behind the page."""
    code = (
        "import sys\n"
        "sys.modules['torchvision'] = sys.modules['cv2'] = None  # importing them now fails\n"
        "import demo.shared.models as models\n"
        "models.Models.load_in_background = lambda self, up: None\n"
        "import app\n"
        "assert 'torch' not in sys.modules\n"
        "queue = app.demo._queue  # sums up no events of before\n"
        "queue.events_recorded = 5\n"
        "assert queue.compute_analytics_summary([{'function': 'f'}]) == {'functions': {}}\n"
        "from ddad import Detector\n"
        "import ddad.training.train, ddad.work.batch, ddad.cli\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_readme_and_ci_run_the_same_test_command():
    readme, ci = (ROOT / "README.md").read_text(), (ROOT / ".ci" / "run").read_text()
    (command,) = re.findall(r"^python3 -m venv .*pytest .*$", readme, re.MULTILINE)
    assert command in ci
    pins = (ROOT / "requirements.txt").read_text()
    version = re.search(r"^sdk_version: (.+)$", readme, re.MULTILINE)
    assert version is not None and f"gradio=={version[1]}" in pins


def test_every_folder_of_the_tree_is_named_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    for top in ("ddad", "demo"):
        for folder in {path.parent for path in ROOT.glob(f"{top}/**/*.py")}:
            assert f"{folder.relative_to(ROOT).as_posix()}/" in readme


def test_the_lock_holds_what_is_pinned():
    """requirements.lock is made from requirements.txt: the same versions, a digest for each."""
    lock = (ROOT / "requirements.lock").read_text()
    pins = re.findall(r"^([\w-]+==\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert pins
    for pin in pins:
        assert re.search(rf"^{re.escape(pin)} .*\\\n\s+--hash=sha256:", lock, re.MULTILINE), pin
    assert not re.search(r"^(torch|triton|nvidia|cuda)", lock, re.MULTILINE)
