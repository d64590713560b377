"""The report opens offline: nothing is fetched, nothing is run, every name is text."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from parts import spoil, texture
from playwright.sync_api import sync_playwright

from ddad.export.formats.form import Entry, Whole
from ddad.export.formats.report import Report
from ddad.export.reviewed import Reviewed, find_shapes
from ddad.images.regions import RegionLabel

HOSTILE = "\"'><script>alert(1)</script>\u202e\0.png"


def filled() -> str:
    report = Report(Whole(notes=(f"The level has moved {HOSTILE}",)))
    for i, decision in enumerate(("defective", "good", "skipped", "undecided")):
        rng = np.random.default_rng(i)
        image, mask = spoil(texture(rng, 80, 96), rng)
        y, x = np.argwhere(mask)[0]
        score_map = (rng.normal(size=mask.shape) + 8 * mask).astype(np.float32)
        record = Reviewed(
            *(HOSTILE, image, mask, score_map, float(score_map.max()), 4.0, decision),
            labels=(RegionLabel(int(x), int(y), HOSTILE),),
            reviewer=HOSTILE,
            at=HOSTILE,
            model=HOSTILE,
            fingerprint="ab" * 16,
            seed=0,
            high=6.0,
            normal_scores=(1.0, 2.0, 2.5),
        )
        report.add(Entry(record, find_shapes(record), "part"))
    bare = Reviewed("no model", np.zeros((5, 6, 3), np.uint8), np.zeros((5, 6), bool))
    report.add(Entry(bare, [], "bare"))
    return report.html()


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_every_name_is_text_and_every_tag_is_closed():
    page = filled()
    reader = Reader()
    reader.feed(page)
    assert not reader.open and "<p class='strangers'>The level has moved" in page
    allowed = {"src", "alt", "class", "style", "content", "charset", "name", "http-equiv", "lang"}
    allowed |= {"scope", "role", "aria-label", "viewbox", "x", "y", "d", "width", "height"}
    allowed |= {"stroke-dasharray"}
    assert {tag for tag, _ in reader.tags}.isdisjoint({"script", "link", "iframe", "a"})
    assert {name for _, attrs in reader.tags for name in attrs} <= allowed
    assert "\u202e" not in page and "\0" not in page
    pictures = [attrs for tag, attrs in reader.tags if tag == "img"]
    assert len(pictures) == 10 and all(p["alt"] for p in pictures)
    assert all(re.fullmatch(r"data:image/jpeg;base64,[\w+/=]+", p["src"]) for p in pictures)


def test_what_people_decided_and_what_the_model_said_are_counted_apart():
    report, blank = Report(Whole()), np.zeros((5, 6, 3), np.uint8)
    for decision, verdict in (("good", "defective"), ("undecided", "defective"), ("good", "good")):
        record = Reviewed("a", blank, blank[..., 0] > 0, decision=decision, verdict=verdict)
        report.add(Entry(record, [], "a"))
    page = report.html()
    people, model = page.split("<h2>People decided</h2>")[1].split("<h2>The model said</h2>")
    sums = [
        dict(re.findall(r"<dt>(.+?)</dt><dd>(\d+)</dd>", part.split("</dl>")[0]))
        for part in (people, model)
    ]
    assert sums[0] == {"Defective": "0", "Good": "2", "Skipped": "0", "Undecided": "1"}
    assert sums[1] == {"Defective": "2", "Good": "1"}
    row = page.split("<tbody>")[1].split("</tr>")[0]
    cells = re.findall(r"<span class='said \w+'>\S+ (\w+)</span></td>", row)
    assert cells == ["Good", "Defective"]


def test_a_bar_is_as_tall_as_its_scores_are_many():
    """Three good parts of one score are thrice as tall as one of another; the tallest fill 66."""
    report = Report(Whole())
    for score in (4.0, 4.0, 8.0):
        score_map = np.full((5, 6), score, np.float32)
        blank = np.zeros((5, 6, 3), np.uint8)
        record = Reviewed("a", blank, score_map > 9, score_map, score, 9.0, model="m", seed=0)
        record = replace(record, high=9.0, normal_scores=(1.0, 1.0, 1.0, 2.0))
        report.add(Entry(record, find_shapes(record), "a"))
    bars = re.findall(
        r"y='([\d.]+)' width='15' height='([\d.]+)' style='fill:var\((.+?)\)", report.html()
    )
    tall = {kind: [float(h) for _, h, k in bars if k == kind] for kind in ("--bar", "--hot")}
    assert tall == {"--bar": [66.0, 22.0], "--hot": [66.0, 33.0]}
    ground = {"--bar": 80.0, "--hot": 168.0}
    assert all(float(y) + float(h) == ground[kind] for y, h, kind in bars)


def test_it_opens_offline_without_a_request_or_an_error(tmp_path: Path):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium: install Debian's package chromium")
        pytest.skip("no Chromium on this machine")
    (tmp_path / "report.html").write_text(filled())
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 400, "height": 800})
        requests, errors = [], []
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: errors.append(message.text))
        page.goto((tmp_path / "report.html").as_uri())
        shown = page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
        wide = page.evaluate("document.documentElement.scrollWidth")
        text = page.inner_text("body")
        browser.close()
    assert shown and wide <= 400 and not errors
    assert [url for url in requests if not url.startswith("data:")] == [
        (tmp_path / "report.html").as_uri()
    ]
    assert "<script>alert(1)</script>" in text  # as text
