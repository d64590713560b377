"""Which test files come near a module, and how they end in a copy of the checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.mutants.changes import PACKAGES

PYTEST = """
import sys, pytest
class Quick:
    def pytest_collection_modifyitems(self, config, items):
        items[:] = [i for i in items if not {"browser", "real_data"} & set(i.fixturenames)]
sys.exit(pytest.main(sys.argv[1:], plugins=[Quick()]))
"""


def imported(file: Path, known: dict[str, str]) -> set[str]:
    """Files of the checkout that a file, or a program in its strings, imports by a dotted name."""
    text = file.read_text()
    found = {"app"} if "app.py" in text and "tests" in file.parts else set()
    line = r"^ *(?:from|import) ([\w.]+)(?: import (\([^)]*\)|.+))?"
    for module, names in re.findall(line, text, re.M):
        found |= {module, *(f"{module}.{name}" for name in re.findall(r"\w+", names))}
    return {known[name] for name in found & known.keys()}


def tests_of(root: Path, most: int) -> dict[str, list[str]]:
    """Each product file's test files: its mirror, then by their distance in imports.

    Of equal distance, those that reach the fewest modules come first.
    """
    known = {"app": "app.py"}
    for package in (*PACKAGES, "tests"):
        for file in (root / package).rglob("*.py"):
            name = file.relative_to(root)
            dotted = ".".join(name.with_suffix("").parts).removesuffix(".__init__")
            known[dotted.removeprefix("tests.")] = name.as_posix()
    uses = {name: imported(root / name, known) for name in known.values()}
    for test in uses:  # what fixtures of its folder use, a test may use
        shared = (place / "conftest.py" for place in Path(test).parents)
        uses[test] |= {b for a in shared for b in uses.get(a.as_posix(), ())} - {test}
    near: dict[str, list[tuple[int, int, str]]] = {}
    for test in uses:
        if not Path(test).name.startswith("test_") or test == "tests/test_architecture.py":
            continue
        reached, edge = {test: 0}, {test}
        for distance in range(1, 6):
            edge = {b for a in edge for b in uses[a] if b not in reached}
            reached |= dict.fromkeys(edge, distance)
        for used, distance in reached.items():
            rank = distance - _mirrors(test, used)
            near.setdefault(used, []).append((rank, len(reached), test))
    return {name: [test for *_, test in sorted(rows)][:most] for name, rows in near.items()}


def _mirrors(test: str, name: str) -> int:
    """10 for a test file of the module's name, 11 where it lies in the folder of that name."""
    one, two = Path(test), Path(name)
    if one.stem.removeprefix("test_").removesuffix("s") != two.stem.removesuffix("s"):
        return 0
    return 10 + (two.parent.name == one.parent.name)


def run_tests(
    folder: Path, tests: Sequence[str], timeout: float, without: Sequence[str] = ()
) -> tuple[str, str]:
    """How the tests of a copy end (passed, failed, time-out, none) and which failed first."""
    flags = ["-x", "-q", "-rfE", "-p", "no:cacheprovider"]
    env = {k: v for k, v in os.environ.items() if k not in ("CI", "DDAD_DATA", "DDAD_WORK")}
    env |= {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", PYTEST, *flags, f"--basetemp={folder}/.tests", *tests]
    command += [f"--deselect={name}" for name in without]
    with subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as child:
        try:
            printed, _ = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, 9)
            return "time-out", ""
    failed = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - |$)", printed, re.MULTILINE)
    if child.returncode in (0, 5):
        return ("passed", "") if child.returncode == 0 else ("none", "")
    return "failed", failed[1] if failed else ""
