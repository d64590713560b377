"""The picture of docs/promise.md: what a threshold can promise, by the number of good parts.

    python -m benchmarks.promise_picture

Drawn from `Promise` alone, so it needs no data and no run of `benchmarks.promise`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ddad.images.files import write_text
from ddad.score.promise import Promise, percent

WIDE, HIGH, LEFT, TOP = 720, 400, 64, 20
PARTS, RATES = (2, 1000), (0.0005, 1.0)
"""Ends of both axes, which are logarithmic."""
ASKED = {0.05: "#1f6feb", 0.01: "#c2571a"}
"""Rates of false alarms that are asked for, and the colour of each."""


def draw(path: Path) -> None:
    """What so many parts can promise, as an SVG: the rate and its interval for what is asked."""

    def place(parts: float, rate: float) -> str:
        x = np.log(parts / PARTS[0]) / np.log(PARTS[1] / PARTS[0])
        y = np.log(RATES[1] / max(rate, RATES[0])) / np.log(RATES[1] / RATES[0])
        return f"{LEFT + x * (WIDE - LEFT - 20):.1f},{TOP + y * (HIGH - TOP - 50):.1f}"

    counts = np.unique(np.geomspace(*PARTS, 400).astype(int)).tolist()
    marks = []
    for rate, colour in ASKED.items():
        made = [Promise(n, max(0, int((n + 1) * rate + 1e-9) - 1), rate) for n in counts]
        band = [place(p.parts, p.interval[1]) for p in made]
        band += [place(p.parts, p.interval[0]) for p in reversed(made)]
        line = " ".join(place(p.parts, p.rate) for p in made)
        x, y = place(PARTS[1], rate).split(",")
        marks += [
            f'<polygon points="{" ".join(band)}" fill="{colour}" opacity=".16"/>',
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2.5"/>',
            f'<text x="{float(x) - 6}" y="{float(y) - 8}" text-anchor="end" fill="{colour}">'
            f"{percent(rate)} asked</text>",
        ]
    for parts in (2, 5, 10, 19, 50, 99, 200, 500, 1000):
        x, y = place(parts, RATES[0]).split(",")
        marks.append(f'<text x="{x}" y="{float(y) + 20}" text-anchor="middle">{parts}</text>')
    for rate in (0.001, 0.01, 0.05, 0.1, 0.2, 0.5, 1):
        x, y = place(PARTS[0], rate).split(",")
        end = place(PARTS[1], rate).split(",")[0]
        marks.append(f'<path d="M{x} {y}H{end}" stroke="#8884"/>')
        marks.append(
            f'<text x="{LEFT - 8}" y="{float(y) + 4}" text-anchor="end">{percent(rate)}</text>'
        )
    marks.append(
        f'<text x="{WIDE / 2}" y="{HIGH - 8}" text-anchor="middle">good parts that the threshold '
        "is set by</text>"
    )
    write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" width="{WIDE}" '
        'font-family="sans-serif" font-size="13" fill="#57606a">'
        f'<rect width="{WIDE}" height="{HIGH}" fill="#fff"/>' + "".join(marks) + "</svg>\n",
        path,
    )


if __name__ == "__main__":
    draw(Path("docs/promise.svg"))
