"""report.html: one HTML page that opens offline, with its pictures inside and no script."""

from __future__ import annotations

import base64
import html
import io
from collections import Counter
from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
from PIL import Image

from ddad.export.formats.form import Entry, Files, Format, Whole, text_bytes
from ddad.export.render import overlay
from ddad.export.reviewed import DECISIONS, Verdict
from ddad.model.detection import strangers

SHOWN = 360
"""Longest side of a picture, pixels."""
SIGNS = {
    "defective": "&#10005;",
    "good": "&#10003;",
    "skipped": "&#10140;",
    "undecided": "&#9675;",
    "not its part": "&ne;",
    "no verdict": "&#9675;",
}
"""Of what a person says and of what a model does: a shape beside each colour."""
VERDICTS = get_args(Verdict)
STYLE = """
:root { color-scheme: light dark; --ink: #16202c; --soft: #5a6776; --line: #d9dfe6;
  --paper: #f6f7f9; --card: #fff; --bar: #7b8ea3; --hot: #c2410c; --cool: #2f6f9f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7ecf2; --soft: #9aa7b5; --line: #2c3743;
  --paper: #0f151c; --card: #17202a; --bar: #60758c; --hot: #fb923c; --cool: #7cc0ee; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1120px; padding: 40px 20px 80px; background: var(--paper);
  color: var(--ink); font: 15px/1.5 ui-sans-serif, system-ui, sans-serif; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 4px; letter-spacing: -.01em; }
h2 { font-size: 17px; margin: 40px 0 12px; }
p { margin: 0; color: var(--soft); max-width: 70ch; }
dl.sums { display: flex; flex-wrap: wrap; gap: 12px; margin: 24px 0 0; }
dl.sums div { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: 10px 16px; min-width: 116px; }
dt { color: var(--soft); font-size: 13px; }
dd { margin: 0; font-size: 22px; font-variant-numeric: tabular-nums; }
.plot { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  margin-top: 12px; padding-bottom: 8px; }
.plot svg { display: block; width: 100%; height: auto; }
.plot div { display: flex; justify-content: space-between; padding: 0 3.3%; font-size: 13px;
  color: var(--soft); font-variant-numeric: tabular-nums; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 16px; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  overflow: hidden; break-inside: avoid; }
figure .pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1px; background: var(--line); }
figure img { width: 100%; height: 160px; object-fit: contain; background: var(--paper);
  display: block; }
figcaption { padding: 10px 14px 14px; font-size: 13px; color: var(--soft); }
figcaption b { display: block; color: var(--ink); font-size: 14px; overflow-wrap: anywhere; }
.table { overflow-x: auto; background: var(--card); border: 1px solid var(--line);
  border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-size: 13px;
  font-variant-numeric: tabular-nums; }
th, td { padding: 7px 12px; text-align: left; border-bottom: 1px solid var(--line);
  vertical-align: top; }
tr:last-child td { border: 0; }
th { color: var(--soft); font-weight: 500; white-space: nowrap; }
.n { text-align: right; } td.name { overflow-wrap: anywhere; min-width: 140px; }
.said { white-space: nowrap; } .bad { color: var(--hot); } .good { color: var(--cool); }
.strange { color: var(--ink); font-weight: 600; }
p.strangers { margin-top: 16px; color: var(--ink); }
@media print { body { padding: 0; background: #fff; } }
"""


class Report(Format):
    """Keeps the small pictures of the images, and their rows."""

    name, label = "report", "Report, one HTML page"

    def __init__(self, whole: Whole) -> None:
        super().__init__(whole)
        self.rows: list[dict[str, Any]] = []
        self.figures: list[str] = []
        self.normals: dict[str, tuple[float, ...]] = {}

    def add(self, entry: Entry) -> Files:
        record = entry.record
        self.rows.append(entry.row)
        self.figures.append(_figure(entry))
        if record.normal_scores:
            self.normals[record.model] = record.normal_scores
        return ()

    def finish(self) -> Files:
        yield "report.html", text_bytes(self.html())

    def html(self) -> str:
        strange = sum(row["familiar"] is False for row in self.rows)
        models = "; ".join(
            dict.fromkeys(
                f"{row['model']} ({row['fingerprint'][:12]}), seed {row['seed']}"
                for row in self.rows
                if row["model"]
            )
        )
        histograms = "".join(
            histogram(name, normal, [row for row in self.rows if row["model"] == name])
            for name, normal in self.normals.items()
        )
        return (
            "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
            "<meta name='viewport' content='width=device-width, initial-scale=1'>"
            "<meta http-equiv='Content-Security-Policy' "
            "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
            f"<title>Defect report</title><style>{STYLE}</style></head><body><h1>Defect report</h1>"
            f"<p>{html.escape(_printable(models)) or 'No model was asked.'}</p>"
            f"{_sums(self.rows)}{_strangers(strange, len(self.rows))}"
            f"{_notes(self.whole.notes)}{histograms}"
            f"<h2>Pictures</h2><div class='cards'>{''.join(self.figures)}</div>"
            f"<h2>Table</h2>{_table(self.rows)}</body></html>\n"
        )


def _sums(rows: list[dict[str, Any]]) -> str:
    """How often a person and the model said what, each by itself."""
    decided = Counter(_decision(row) for row in rows)
    judged = Counter(_verdict(row) for row in rows)
    parts = {
        "People decided": {key: decided[key] for key in DECISIONS},
        "The model said": {key: judged[key] for key in VERDICTS if judged[key]},
    }
    said = ""
    for who, counts in parts.items():
        boxes = "".join(
            f"<div><dt>{key.capitalize()}</dt><dd>{n}</dd></div>" for key, n in counts.items()
        )
        said += f"<h2>{who}</h2><dl class='sums'>{boxes}</dl>" if counts else ""
    return said


def _strangers(count: int, total: int) -> str:
    sentence = strangers(count, total)
    return f"<p class='strangers'>{html.escape(sentence)}.</p>" if sentence else ""


def _notes(notes: Sequence[str]) -> str:
    return "".join(f"<p class='strangers'>{html.escape(_printable(note))}</p>" for note in notes)


def _figure(entry: Entry) -> str:
    record, row = entry.record, entry.row
    score_map = record.score_map
    if score_map is None:
        score_map = np.full(record.mask.shape, record.low, np.float32)
    found = overlay(record.pixels, score_map, record.mask, record.low, record.high)
    name = html.escape(_printable(record.name))
    return (
        f"<figure><div class='pair'>{_picture(record.pixels, f'{name}, as photographed')}"
        f"{_picture(found, f'{name} with what was found')}</div><figcaption><b>{name}</b>"
        f"{_said(row)} &middot; score {_number(row['score'])} &middot; "
        f"{row['area']} pixels in {row['regions']} region{'s' * (row['regions'] != 1)}"
        f"{' &middot; ' + html.escape(_printable(row['labels'])) if row['labels'] else ''}"
        "</figcaption></figure>"
    )


def histogram(model: str, normals: tuple[float, ...], rows: list[dict[str, Any]]) -> str:
    """Two histograms of scores on one axis: good parts above, these images below."""
    known = [row for row in rows if row["familiar"] is not False]  # the others' scores lie far out
    scores = [row["score"] for row in known if row["score"] is not None]
    thresholds = sorted({row["threshold"] for row in rows if row["threshold"] is not None})
    values = [*normals, *scores, *thresholds]
    low, high = min(values), max(values)
    edges = np.linspace(low, max(high, low + 1e-6), 41)
    parts = []
    for data, base, colour in ((normals, 80, "--bar"), (scores, 168, "--hot")):
        counts, _ = np.histogram(data, edges)
        for index in np.flatnonzero(counts):
            tall = 66 * counts[index] / counts.max()
            parts.append(
                f"<rect x='{24 + index * 16.8:.1f}' y='{base - tall:.1f}' width='15' "
                f"height='{tall:.1f}' style='fill:var({colour})'/>"
            )
        parts.append(f"<path d='M24 {base}.5H696' style='stroke:var(--line)'/>")
    for value in thresholds[:8]:
        x = 24 + 672 * (value - low) / (edges[-1] - low)
        dashes = "stroke-dasharray='4 3' style='stroke:var(--ink)'"
        parts.append(f"<path d='M{x:.1f} 8V168' {dashes}/>")
    above, below = (f"{len(normals)} good parts of the calibration", f"{len(scores)} images")
    left = f"; {len(rows) - len(known)} not of this model's part left out" if known != rows else ""
    return (
        f"<h2>Scores by {html.escape(_printable(model))}</h2>"
        f"<p>Above: {above}. Below: {below} of this report{left}. Dashed: the threshold.</p>"
        f"<div class='plot'><svg viewBox='0 0 720 180' role='img' aria-label='Histogram of scores: "
        f"{above} and {below}'>{''.join(parts)}</svg>"
        f"<div><span>{low:.2f}</span><span>score</span><span>{edges[-1]:.2f}</span></div></div>"
    )


def _table(rows: list[dict[str, Any]]) -> str:
    head = (
        "Image",
        "Decision",
        "Model",
        "Score",
        "Threshold",
        "Marked",
        "Regions",
        "Labels",
        "By",
        "When",
    )
    lines = []
    for row in rows:
        cells = (
            f"<td class='name'>{html.escape(_printable(row['file']))}</td>"
            f"<td>{_sign(_decision(row))}</td><td>{_sign(_verdict(row))}</td>"
            f"<td class='n'>{_number(row['score'])}</td>"
            f"<td class='n'>{_number(row['threshold'])}</td>"
            f"<td class='n'>{100 * row['area_fraction']:.2f} %</td>"
            f"<td class='n'>{row['regions']}</td>"
        )
        texts = (row["labels"], row["reviewer"], row["reviewed_at"][:16].replace("T", " "))
        cells += "".join(f"<td>{html.escape(_printable(text))}</td>" for text in texts)
        lines.append(f"<tr>{cells}</tr>")
    numbers = head[3:7]
    heads = "".join(
        f"<th scope='col'{' class=n' if name in numbers else ''}>{name}</th>" for name in head
    )
    return (
        f"<div class='table'><table><thead><tr>{heads}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _decision(row: dict[str, Any]) -> str:
    return row["decision"] if row["decision"] in DECISIONS else "undecided"


def _verdict(row: dict[str, Any]) -> str | None:
    """What the model said; None where none was asked."""
    found: str | None = VERDICTS[2] if row["familiar"] is False else row["verdict"]
    return found


def _said(row: dict[str, Any]) -> str:
    """What a person said, else that nobody did; and what the model said."""
    verdict = _verdict(row)
    return _sign(_decision(row)) + (f" &middot; model: {_sign(verdict)}" if verdict else "")


def _sign(word: str | None) -> str:
    if word is None:
        return "&ndash;"
    tone = {"defective": "bad", "good": "good", VERDICTS[2]: "strange"}.get(word, "open")
    return f"<span class='said {tone}'>{SIGNS[word]} {word.capitalize()}</span>"


def _number(value: float | None) -> str:
    return "&ndash;" if value is None else f"{value:.2f}"


def _printable(text: str) -> str:
    """Control and direction characters made visible."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def _picture(pixels: np.ndarray, alt: str) -> str:
    """An img element; `alt` is escaped already."""
    image = Image.fromarray(pixels)
    image.thumbnail((SHOWN, SHOWN), reducing_gap=2)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=82)
    code = base64.b64encode(buffer.getvalue()).decode()
    return f"<img alt=\"{alt}\" src='data:image/jpeg;base64,{code}'>"
