"""Curves, histograms, confusions and pictures as HTML: small SVG that stretches, labels beside it.

Every text is escaped here; colours come from the page's style.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import numpy as np

WIDTH, HEIGHT = 600, 150
COLOURS = ("var(--color-accent)", "var(--body-text-color-subdued)")


def curve(
    points: np.ndarray,
    title: str,
    note: str,
    axes: tuple[str, str],
    *,
    x_max: float = 1.0,
    chance: bool = False,
) -> str:
    """A figure of a curve (n, 2) with y in 0..1 and x in 0..`x_max`; its area is filled.

    Of a curve that goes on beyond `x_max` the part up to it is drawn. `chance` adds the diagonal.
    """
    xs, ys = _up_to(x_max, *np.asarray(points, float).T)
    path = " L".join(
        f"{100 * a / x_max:.2f} {100 - 100 * b:.2f}" for a, b in zip(xs, ys, strict=True)
    )
    grid = "".join(
        f"<line class='grid' x1='{a}' y1='{b}' x2='{c}' y2='{d}'/>"
        for a, b, c, d in ((50, 0, 50, 100), (0, 50, 100, 50))
    )
    diagonal = "<line class='chance' x1='0' y1='100' x2='100' y2='0'/>" if chance else ""
    across, up = map(html.escape, axes)
    about = html.escape(f"{title}: {note}. {axes[1]} against {axes[0]}", quote=True)
    return (
        f"<figure><figcaption>{html.escape(title)}<small>{html.escape(note)}</small></figcaption>"
        f"<div class='chart'><div class='y' aria-hidden='true'><span>1</span><span>½</span>"
        "<span>0</span></div>"
        f"<svg viewBox='0 0 100 100' preserveAspectRatio='none' role='img' aria-label='{about}'>"
        f"<rect class='frame' width='100' height='100'/>{grid}{diagonal}"
        f"<path class='area' d='M{100 * xs[0] / x_max:.2f} 100 L{path} L{100 * xs[-1] / x_max:.2f} "
        f"100 Z'/><path class='curve' d='M{path}'/></svg>"
        f"<div class='x' aria-hidden='true'><span>0</span><span>{up} by {across}</span>"
        f"<span>{x_max:g}</span></div></div></figure>"
    )


def _up_to(x_max: float, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    inside = x <= x_max
    if inside.all():
        return x, y
    return np.append(x[inside], x_max), np.append(y[inside], np.interp(x_max, x, y))


def confusion(found: dict[str, int], threshold: float) -> str:
    """A figure of right and wrong verdicts at a threshold; keys as `Verdicts.result`."""
    rows = (
        ("truly defective", ("true_positives", "right"), ("false_negatives", "wrong")),
        ("truly good", ("false_positives", "wrong"), ("true_negatives", "right")),
    )
    cells = "".join(
        f"<div role='row'><span role='rowheader'>{label}</span>"
        + "".join(
            f"<span role='cell' class='{kind}'><b>{int(found[name])}</b>"
            f"{'✓ right' if kind == 'right' else '✕ wrong'}</span>"
            for name, kind in pair
        )
        + "</div>"
        for label, *pair in rows
    )
    return (
        "<figure><figcaption>Verdicts on images<small>at the threshold "
        f"{threshold:.2f}</small></figcaption><div class='confusion' role='table' "
        "aria-label='Verdicts on images'><div role='row'><span role='columnheader'></span>"
        "<span role='columnheader'>called defective</span>"
        f"<span role='columnheader'>called good</span></div>{cells}</div></figure>"
    )


def curves(lines: Mapping[str, Sequence[tuple[float, float]]], across: str) -> str:
    """Named lines of (x, y) on common axes; empty where no line has two points."""
    points = [point for line in lines.values() for point in line]
    if not any(len(line) > 1 for line in lines.values()):
        return ""
    (left, right), (low, high) = ((min(v), max(v)) for v in zip(*points, strict=True))
    wide, tall = max(right - left, 1e-9), max(high - low, 1e-9)
    drawn = []
    for (name, line), colour in zip(lines.items(), COLOURS, strict=False):
        path = " ".join(
            f"{(x - left) / wide * WIDTH:.1f},{HEIGHT - (y - low) / tall * HEIGHT:.1f}"
            for x, y in line
        )
        drawn.append(
            f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='2' "
            f"vector-effect='non-scaling-stroke'><title>{html.escape(name)}</title></polyline>"
        )
    keys = " ".join(
        f"<span><i style='background:{colour}'></i>{html.escape(name)} {line[-1][1]:.4g}</span>"
        for (name, line), colour in zip(lines.items(), COLOURS, strict=False)
        if line
    )
    return (
        f"<figure class='plotted'><figcaption>{keys}</figcaption>"
        f"<div class='plot'><span>{high:.3g}</span><span>{low:.3g}</span>"
        f"<svg viewBox='0 -4 {WIDTH} {HEIGHT + 8}' preserveAspectRatio='none' role='img' "
        f"aria-label='{html.escape(' and '.join(lines))} by {html.escape(across)}'>"
        f"{''.join(drawn)}</svg></div>"
        f"<small>{html.escape(across)} {left:g} to {right:g}</small></figure>"
    )


def histogram(counts: Sequence[int], edges: Sequence[float], mark: float, label: str) -> str:
    """Bars with a dashed line at `mark`."""
    low, high = min(edges[0], mark), max(edges[-1], mark)
    high += 0.04 * (high - low)
    scale, top = WIDTH / max(high - low, 1e-9), max(counts)
    bars = "".join(
        f"<rect x='{(edges[i] - low) * scale:.1f}' y='{HEIGHT * (1 - n / top):.1f}' "
        f"width='{max((edges[i + 1] - edges[i]) * scale - 1, 1):.1f}' "
        f"height='{HEIGHT * n / top:.1f}'><title>{n}</title></rect>"
        for i, n in enumerate(counts)
        if n
    )
    at = (mark - low) * scale
    return (
        f"<figure class='plotted'><figcaption>{html.escape(label)}</figcaption>"
        f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' preserveAspectRatio='none' role='img' "
        f"aria-label='{html.escape(label)}'>{bars}"
        f"<line x1='{at:.1f}' x2='{at:.1f}' y1='0' y2='{HEIGHT}'/></svg>"
        f"<small>{low:.2f} to {high:.2f}; dashed: the threshold, {mark:.2f}</small></figure>"
    )


def strips(rows: Mapping[str, Sequence[float]], marks: Mapping[str, float], label: str) -> str:
    """A strip of ticks for each row of values on one axis, and a line for each mark.

    Where some value is far out the axis follows the square root, so that the others stay apart.
    A row's class is its first word. At most two marks: the first is solid and named above, the
    other dashed and named below.
    """
    every = [value for values in rows.values() for value in values]
    low, high = min([*every, *marks.values()]), max([*every, *marks.values()])
    cut = next(iter(marks.values()))
    power = 2 if high > cut + 4 * (cut - low) else 1

    def at(value: float) -> float:
        found: float = 100 * ((value - low) / max(high - low, 1e-9)) ** (1 / power)
        return found

    lines = "".join(
        f"<line class='cut{' tried' * i}' x1='{at(mark):.2f}' x2='{at(mark):.2f}' y1='0' y2='100'/>"
        for i, mark in enumerate(marks.values())
    )
    drawn = "".join(
        f"<span class='of'>{html.escape(name)}</span>"
        f"<svg class='{html.escape(name.split()[0], quote=True)}' viewBox='0 0 100 100' "
        "preserveAspectRatio='none' aria-hidden='true'>"
        + "".join(f"<line x1='{at(v):.2f}' x2='{at(v):.2f}' y1='15' y2='85'/>" for v in values)
        + f"{lines}</svg>"
        for name, values in rows.items()
    )
    names = [
        f"<div class='mark{' tried' * i}' aria-hidden='true'><span style='left:{at(mark):.2f}%'>"
        f"{html.escape(name)} {mark:.2f}</span></div>"
        for i, (name, mark) in enumerate(marks.items())
    ]
    about = html.escape(label, quote=True)
    return (
        f"<figure class='strips' role='img' aria-label='{about}'>{names[0]}{drawn}"
        f"{''.join(names[1:])}<div class='ends' aria-hidden='true'><span>{low:.1f}</span>"
        f"<span>score</span><span>{high:.1f}</span></div></figure>"
    )


def whisker(share: float, low: float, high: float, most: float) -> str:
    """A share as a dot on its interval, on an axis from 0 to `most`; its words stand beside it."""
    ends = [100 * value / most for value in (low, high, share)]
    return (
        f"<span class='whisker' aria-hidden='true'><i style='left:{ends[0]:.1f}%;"
        f"width:{ends[1] - ends[0]:.1f}%'></i><b style='left:{ends[2]:.1f}%'></b></span>"
    )
