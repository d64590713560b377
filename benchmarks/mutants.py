"""Break the code in one obvious way at a time and see whether a test notices.

    python -m benchmarks.mutants [--root CHECKOUT] [--places 40] [--seed 0] [--out runs/mutants]

Every change is made in a temporary copy: a sign, a bound, a constant, an `and`, two arguments, a
dropped `not`. Its tests are the file that mirrors the module, then those that come nearest to it by
imports; those that need a browser or the real data are left out. Places are drawn by a hash of the
seed and of the line's text, so that a line which only moves is drawn again. A kill counts once its
test has passed on the unchanged copy. Exit code 1 where a change survived.
"""

from __future__ import annotations

import argparse
import ast
import copy
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("ddad", "demo")
LEFT_OUT = shutil.ignore_patterns(".*", "work", "runs", "node_modules", "__pycache__", "docs")
UNTESTED = ("demo/screenshots.py",)

OTHER: dict[type, type] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
LOOKS = {"help", "metavar", "title", "label", "info", "placeholder", "scale", "min_width", "lines"}
LOOKS |= {"height", "width", "visible", "columns", "elem_classes", "file_types", "size", "variant"}
"""Arguments of the parser and of the page's components that are words or appearance."""

PYTEST = """
import sys, pytest
class Quick:
    def pytest_collection_modifyitems(self, config, items):
        items[:] = [i for i in items if not {"browser", "real_data"} & set(i.fixturenames)]
sys.exit(pytest.main(sys.argv[1:], plugins=[Quick()]))
"""


@dataclass(frozen=True)
class Mutant:
    """One change of one expression: bytes `start` to `end` of the file become `new`."""

    file: str
    line: int
    start: int
    end: int
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.old}  ->  {self.new}"


@dataclass(frozen=True)
class Verdict:
    mutant: Mutant
    end: str
    """killed, time-out, SURVIVED, or untested where no test comes near."""
    by: str = ""


def changed(node: ast.AST) -> ast.AST | None:
    """A copy of the expression with one thing wrong, or None where there is nothing to change."""
    new = copy.copy(node)
    match new:
        case ast.Compare(ops=[op]) if type(op) in OTHER:
            new.ops = [OTHER[type(op)]()]
        case ast.BinOp(op=op) if type(op) in OTHER and not _joins(new):
            new.op = OTHER[type(op)]()
        case ast.BoolOp(op=op):
            new.op = OTHER[type(op)]()
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            return operand
        case ast.Constant(value=bool(value)):
            new.value = not value
        case ast.Constant(value=int(value)):
            new.value = value + 1
        case ast.Constant(value=float(value)) if not 0 < abs(value) < 1e-4:  # a guard, no bound
            new.value = value * 2 or 1.0
        case ast.Call(args=[one, two, *rest]) if ast.dump(one) != ast.dump(two):
            if isinstance(one, ast.Starred) or isinstance(two, ast.Starred):
                return None
            new.args = [two, one, *rest]
        case _:
            return None
    return new


def _joins(node: ast.BinOp) -> bool:
    """Whether text, lists or a path are put together: the change would only crash."""
    return any(
        isinstance(side, ast.JoinedStr | ast.List | ast.Tuple)
        or (isinstance(side, ast.Constant) and not isinstance(side.value, int | float))
        or re.search(r"(folder|path|file|root|out|name|HOME)\b", ast.unparse(side))
        for side in (node.left, node.right)
    )


def expressions(node: ast.AST) -> Iterator[ast.AST]:
    """What a program computes: no annotations, decorators, messages or words of the page."""
    match node:
        case ast.Raise() | ast.Assert() | ast.JoinedStr() | ast.Import() | ast.ImportFrom():
            return
        case ast.keyword(arg=name) if name in LOOKS:
            return
        case ast.Call(func=ast.Name(id="print")):
            return
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return
    yield node
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from expressions(child)


def mutants(root: Path, file: Path) -> Iterator[Mutant]:
    """Every change that can be made to a file."""
    source = file.read_bytes()
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node in expressions(ast.parse(source)):
        new = changed(node)
        if new is not None and isinstance(node, ast.expr):
            assert node.end_lineno is not None and node.end_col_offset is not None
            start = starts[node.lineno - 1] + node.col_offset
            end = starts[node.end_lineno - 1] + node.end_col_offset
            name = file.relative_to(root).as_posix()
            yield Mutant(name, node.lineno, start, end, ast.unparse(node), ast.unparse(new))


def draw(root: Path, number: int, seed: int) -> list[Mutant]:
    """One change on each of so many lines."""

    def luck(*parts: object) -> str:
        return hashlib.sha256(repr((seed, *parts)).encode()).hexdigest()

    drawn: list[tuple[str, Mutant]] = []
    for file in sorted(f for package in PACKAGES for f in (root / package).rglob("*.py")):
        if file.relative_to(root).as_posix() in UNTESTED:
            continue
        lines: dict[int, list[Mutant]] = {}
        for mutant in mutants(root, file):
            lines.setdefault(mutant.line, []).append(mutant)
        text = file.read_text().splitlines()
        for line, choices in lines.items():
            chosen = min(choices, key=lambda m: luck(m.old, m.new, m.start - choices[0].start))
            drawn.append((luck(text[line - 1].strip()), chosen))
    drawn.sort(key=lambda pair: (pair[0], pair[1].file, pair[1].line))
    return [mutant for _, mutant in drawn[:number]]


def imported(file: Path, known: dict[str, str]) -> set[str]:
    """Files of the checkout that a file, or a program in its strings, imports by a dotted name."""
    text = file.read_text()
    found = {"app"} if "app.py" in text and "tests" in file.parts else set()
    for module, names in re.findall(r"^ *(?:from|import) ([\w.]+)(?: import (.+))?", text, re.M):
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


def run_tests(folder: Path, tests: Sequence[str], timeout: float) -> tuple[str, str]:
    """How the tests of a copy end (passed, failed, time-out, none) and which failed first."""
    flags = ["-x", "-q", "-rfE", "-p", "no:cacheprovider"]
    env = {k: v for k, v in os.environ.items() if k not in ("CI", "DDAD_DATA", "DDAD_WORK")}
    env |= {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", PYTEST, *flags, f"--basetemp={folder}/.tests", *tests]
    with subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as child:
        try:
            printed, _ = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, 9)
            return "time-out", ""
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", printed, re.MULTILINE)
    if child.returncode in (0, 5):
        return ("passed", "") if child.returncode == 0 else ("none", "")
    return "failed", failed[1] if failed else printed[-300:]


def judge(
    mutant: Mutant, root: Path, free: SimpleQueue[Path], tests: dict[str, list[str]], timeout: float
) -> Verdict:
    """Make the change in a copy that is free, run its tests one file at a time, put it back."""
    folder = free.get()
    file, left_out = folder / mutant.file, []
    source = (root / mutant.file).read_bytes()
    end = Verdict(mutant, "untested")
    try:
        for test in tests.get(mutant.file, ()):
            new = b"(" + mutant.new.encode() + b")"
            file.write_bytes(source[: mutant.start] + new + source[mutant.end :])
            result, by = run_tests(folder, [test], timeout)
            if result in ("passed", "none"):
                end = Verdict(mutant, "SURVIVED") if result == "passed" else end
                continue
            file.write_bytes(source)
            again = by if "::" in by else test
            if run_tests(folder, [again], timeout)[0] == "passed":
                return Verdict(mutant, "killed" if result == "failed" else "time-out", by or test)
            left_out.append(again)  # broken without our help: it says nothing
        return Verdict(mutant, end.end, f"left out: {left_out}" if left_out else "")
    finally:
        file.write_bytes(source)
        free.put(folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout to try")
    parser.add_argument("--places", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="at a time")
    parser.add_argument("--files", type=int, default=8, help="at most so many test files a change")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for one test file")
    parser.add_argument("--only", default="", help="only changes in files with this in their path")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "mutants")
    parser.add_argument("--list", action="store_true", help="print the changes and stop")
    args = parser.parse_args()
    root = args.root.resolve()
    drawn = [m for m in draw(root, args.places, args.seed) if args.only in m.file]
    tests = tests_of(root, args.files)
    if args.list:
        for mutant in drawn:
            print(mutant, *tests.get(mutant.file, ()), sep="\n    ")
        return 0
    args.out.mkdir(parents=True, exist_ok=True)
    free: SimpleQueue[Path] = SimpleQueue()
    verdicts = []
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(args.jobs) as pool:
        for turn in range(args.jobs):
            free.put(Path(shutil.copytree(root, Path(temporary) / f"{turn}", ignore=LEFT_OUT)))
        work = partial(judge, root=root, free=free, tests=tests, timeout=args.timeout)
        for verdict in pool.map(work, drawn):
            verdicts.append(verdict)
            print(f"{verdict.end:9} {verdict.mutant}  {verdict.by}", flush=True)
            rows = [asdict(v) for v in verdicts]
            (args.out / f"seed{args.seed}.json").write_text(json.dumps(rows, indent=1))
    counts = Counter(v.end for v in verdicts)
    print(f"{len(drawn)} changes:", *(f"{n} {end}" for end, n in counts.most_common()))
    return 1 if counts["SURVIVED"] or counts["untested"] else 0


if __name__ == "__main__":
    sys.exit(main())
