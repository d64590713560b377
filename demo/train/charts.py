"""Small pictures in the page's own HTML: curves, histograms, thumbnails. Everything is escaped."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

WIDTH, HEIGHT = 600, 150
COLOURS = ("var(--color-accent)", "var(--body-text-color-subdued)")


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


def picture(path: Path, alt: str, side: int = 0) -> str:
    """An image file inside the page; with `side`, reduced to that many pixels at most."""
    try:
        if side:
            with Image.open(path) as image:
                image.draft("RGB", (2 * side, 2 * side))
                image.thumbnail((side, side))
                buffer = io.BytesIO()
                image.convert("RGB").save(buffer, "JPEG", quality=80)
            kind, data = "jpeg", buffer.getvalue()
        else:
            kind, data = "png", path.read_bytes()
    except (OSError, ValueError, SyntaxError):  # no picture, or one that Pillow does not read
        return f"<span class='nothing'>{html.escape(alt)}</span>"
    coded = base64.b64encode(data).decode()
    return f"<img src='data:image/{kind};base64,{coded}' alt='{html.escape(alt, quote=True)}'>"
