"""Rules that reviews would forget: who imports whom, and what nobody imports."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest
from conftest import ROOT

LEAVES = (
    "allocator calibration detection diffusion geometry images journal metrics mixture names "
    "networks outlines regions render runtime"
)
ALLOWED = {
    **{name: set() for name in LEAVES.split()},
    "archive": {"images"},
    "data": {"images"},
    "synthetic": {"images"},
    "scoring": {"diffusion"},
    "run": {"journal", "networks"},
    "train": {
        *("data", "diffusion", "geometry", "images", "journal", "networks", "run", "runtime"),
        "scoring",
    },
    "intake": {"calibration", "features", "geometry", "images"},
    "estimate": {"detector", "images", "metrics", "render", "synthetic"},
    "card": {"calibration", "detector", "estimate", "journal"},
    "lifecycle": {
        *("allocator", "card", "data", "detector", "diffusion", "estimate", "features", "fit"),
        *("images", "journal", "run", "runtime", "scoring", "train"),
    },
    "parcel": {"archive", "checkpoint", "detector"},
    "feedback": {"data", "detector", "images", "lifecycle"},
    "cluster": {"batch", "parcel", "checkpoint", "detector", "images", "regions"},
    "watch": {"batch", "detector", "images", "journal", "regions"},
    "features": {"diffusion", "mixture"},
    "checkpoint": {"calibration", "diffusion", "features", "mixture", "scoring"},
    "energy": {"calibration", "diffusion", "features", "scoring"},
    "restoration": {"calibration", "diffusion", "energy", "features", "geometry", "scoring"},
    "detector": {
        *("calibration", "checkpoint", "detection", "diffusion", "features", "geometry"),
        *("restoration", "runtime", "scoring"),
    },
    "fit": {"detector", "diffusion", "features", "geometry", "mixture", "scoring"},
    "exports": {"outlines", "regions"},
    "report": {"exports", "render"},
    "bundle": {"exports", "names", "outlines", "regions", "report"},
    "imports": {"images", "names", "outlines", "regions"},
    "batch": {
        *("data", "detection", "detector", "images", "metrics", "regions", "render", "restoration"),
        "runtime",
    },
}
FILES = [
    *ROOT.glob("ddad/*.py"),
    *ROOT.glob("demo/*.py"),
    *ROOT.glob("benchmarks/*.py"),
    ROOT / "app.py",
]


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", sorted(ROOT.glob("ddad/*.py")), ids=lambda path: path.stem)
def test_imports_follow_the_table(path):
    if path.stem in ("__init__", "__main__", "cli", "commands"):
        return
    ours = {name.split(".")[1] for name in imports(path) if name.startswith("ddad.")}
    assert ours <= ALLOWED[path.stem]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_forbidden_imports_and_calls(path):
    tops = {name.split(".")[0] for name in imports(path)}
    assert not tops & {"torchvision", "cv2", "pickle", "dill", "joblib"}
    if path.parent == ROOT / "ddad":
        assert not tops & {"demo", "gradio"}
    if path.parent == ROOT / "demo":
        assert not {"ddad.train", "ddad.run", "ddad.cli", "ddad.commands"} & set(imports(path))
    assert not re.search(r"torch\.(load|save)\(|allow_pickle=True", path.read_text())


def test_every_module_has_a_test_file():
    modules = {path.stem for path in ROOT.glob("ddad/*.py")} - {"__init__", "__main__"}
    tested = {path.stem.removeprefix("test_") for path in ROOT.glob("tests/test_*.py")}
    covered_by_others = {
        "commands",
        "run",
        "networks",
        "runtime",
        *("card", "estimate", "detection"),
    }  # test_cli, test_train, test_detector, test_lifecycle
    assert modules - tested == covered_by_others


def test_the_app_imports_without_torchvision_opencv_and_torch():
    """And building the page needs no torch: it loads behind the page."""
    code = (
        "import sys\n"
        "sys.modules['torchvision'] = sys.modules['cv2'] = None  # importing them now fails\n"
        "import demo.models as models\n"
        "models.Models.load_in_background = lambda self, up: None\n"
        "import app\n"
        "assert 'torch' not in sys.modules\n"
        "from ddad.detector import Detector\n"
        "import ddad.train, ddad.batch, ddad.cli\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_readme_and_ci_run_the_same_test_command():
    readme, ci = (ROOT / "README.md").read_text(), (ROOT / ".ci" / "run").read_text()
    (command,) = re.findall(r"^python3 -m venv .*pytest$", readme, re.MULTILINE)
    assert command in ci
    pins = (ROOT / "requirements.txt").read_text()
    version = re.search(r"^sdk_version: (.+)$", readme, re.MULTILINE)
    assert version is not None and f"gradio=={version[1]}" in pins


def test_every_file_of_the_tree_is_named_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    for path in ROOT.glob("ddad/*.py"):
        if not path.stem.startswith("__"):
            assert f"ddad/{path.name}" in readme


def test_the_lock_holds_what_is_pinned():
    """requirements.lock is made from requirements.txt: the same versions, a digest for each."""
    lock = (ROOT / "requirements.lock").read_text()
    pins = re.findall(r"^([\w-]+==\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert pins
    for pin in pins:
        assert re.search(rf"^{re.escape(pin)} .*\\\n\s+--hash=sha256:", lock, re.MULTILINE), pin
    assert not re.search(r"^(torch|triton|nvidia|cuda)", lock, re.MULTILINE)
