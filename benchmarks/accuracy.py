"""Train, calibrate and evaluate on the real sets, and print one table.

    python -m benchmarks.accuracy DATA [--out runs]

DATA holds the sets (see SETS). Each is trained on its train/good alone, for the minutes given here,
with the default settings; a run that is there already is resumed or, if it is whole, kept.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ddad.cli import main as ddad

SETS = {
    "bottle": ("mvtec_bottle", 4, []),
    "pill": ("mvtec_pill", 5, []),
    "cookie": ("aws_cookie", 26, ["--flips"]),
    "mtd": ("mtd", 5, ["--flips"]),
}
COLUMNS = ("image_auroc", "pixel_auroc", "pixel_ap", "aupro")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs"))
    args = parser.parse_args()
    lines = []
    for name, (folder, minutes, flags) in SETS.items():
        data, out = str(args.data / folder), args.out / name
        metrics = out / "metrics.json"
        train = ["train", data, "--out", str(out), "--minutes", str(minutes), *flags]
        if not (out / "ddad.json").exists() and ddad(train):
            raise SystemExit(f"training on {folder} failed")
        if not metrics.exists() and ddad(
            ["evaluate", data, "--checkpoint", str(out), "--out", str(out)]
        ):
            raise SystemExit(f"evaluating {folder} failed")
        found = json.loads(metrics.read_text())
        lines.append((f"{folder}, {minutes} min", found))
        lines += [(f"- {defect}", row) for defect, row in found["per_defect"].items()]
    print("| set | " + " | ".join(column.replace("_", " ") for column in COLUMNS) + " |")
    print("|---" * (1 + len(COLUMNS)) + "|")
    for label, row in lines:
        print(f"| {label} | " + " | ".join(f"{row[column]:.3f}" for column in COLUMNS) + " |")


if __name__ == "__main__":
    main()
