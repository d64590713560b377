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
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue

from benchmarks.mutants.changes import Mutant, draw
from benchmarks.mutants.tests import run_tests, tests_of

ROOT = Path(__file__).resolve().parent.parent.parent
LEFT_OUT = shutil.ignore_patterns(".*", "runs", "node_modules", "__pycache__", "docs")


@dataclass(frozen=True)
class Verdict:
    mutant: Mutant
    end: str
    """killed, time-out, SURVIVED, or untested where no test comes near."""
    by: str = ""


def judge(
    mutant: Mutant, free: SimpleQueue[Path], tests: dict[str, list[str]], timeout: float
) -> Verdict:
    """Make the change in a copy that is free, run its tests until one fails, put it back."""
    near = tests.get(mutant.file, [])
    if not near:
        return Verdict(mutant, "untested")
    folder = free.get()
    file, broken = folder / mutant.file, list[str]()
    source = file.read_bytes()
    changed = source[: mutant.start] + b"(" + mutant.new.encode() + b")" + source[mutant.end :]
    try:
        while True:
            file.write_bytes(changed)
            result, by = run_tests(folder, near, timeout, without=broken)
            if result in ("passed", "none"):
                end = "SURVIVED" if result == "passed" else "untested"
                return Verdict(mutant, end, f"left out: {broken}" if broken else "")
            file.write_bytes(source)
            if run_tests(folder, [by] if by else near, timeout)[0] == "passed":
                return Verdict(mutant, "killed" if result == "failed" else result, by)
            if not by or by in broken:
                return Verdict(mutant, "untested", "its tests fail on the unchanged code")
            broken.append(by)  # without our help: it says nothing
    finally:
        file.write_bytes(source)
        free.put(folder)


def judge_all(
    drawn: list[Mutant], root: Path, jobs: int, tests: dict[str, list[str]], timeout: float
) -> Iterator[Verdict]:
    """Every verdict as it comes, so many copies at work."""
    free: SimpleQueue[Path] = SimpleQueue()
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(jobs) as pool:
        for turn in range(jobs):
            free.put(Path(shutil.copytree(root, Path(temporary) / f"{turn}", ignore=LEFT_OUT)))
        going = [pool.submit(judge, mutant, free, tests, timeout) for mutant in drawn]
        try:
            for done in as_completed(going):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout to try")
    parser.add_argument("--places", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="at a time")
    parser.add_argument("--files", type=int, default=4, help="at most so many test files a change")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for a change's tests")
    parser.add_argument("--only", default="", help="only changes in files with this in their path")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "mutants")
    parser.add_argument("--resume", action="store_true", help="keep the verdicts in --out")
    parser.add_argument("--list", action="store_true", help="print the changes and stop")
    args = parser.parse_args()
    root, tests = args.root.resolve(), tests_of(args.root.resolve(), args.files)
    drawn = [m for m in draw(root, args.places, args.seed) if args.only in m.file]
    if args.list:
        for mutant in drawn:
            print(mutant, *tests.get(mutant.file, ()), sep="\n    ")
        return 0
    args.out.mkdir(parents=True, exist_ok=True)
    table = args.out / f"seed{args.seed}.json"
    rows = json.loads(table.read_text()) if args.resume and table.exists() else []
    verdicts = [Verdict(Mutant(**row.pop("mutant")), **row) for row in rows]
    left = [mutant for mutant in drawn if mutant not in {v.mutant for v in verdicts}]
    for verdict in judge_all(left, root, args.jobs, tests, args.timeout):
        verdicts.append(verdict)
        print(f"{verdict.end:9} {verdict.mutant}  {verdict.by}", flush=True)
        rows = [asdict(v) for v in verdicts]
        table.write_text(json.dumps(rows, indent=1))
    counts = Counter(v.end for v in verdicts)
    print(f"{len(drawn)} changes:", *(f"{n} {end}" for end, n in counts.most_common()))
    return 1 if counts["SURVIVED"] or counts["untested"] else 0


if __name__ == "__main__":
    sys.exit(main())
