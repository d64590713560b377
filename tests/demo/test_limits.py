"""The table of limits is what the README shows, and every one of them is in force somewhere."""

from __future__ import annotations

import re
from dataclasses import fields

from parts import ROOT

from demo.limits import Limits, as_markdown


def test_the_readme_shows_the_table():
    readme = (ROOT / "README.md").read_text()
    (shown,) = re.findall(r"<!-- limits: .*? -->\n(.*?)<!-- end of limits -->", readme, re.DOTALL)
    assert shown == as_markdown()


def test_values_are_written_in_their_units():
    lines = as_markdown(Limits(max_age_s=3600 * 36, quota_bytes=1_500_000, waiting=9)).splitlines()
    assert lines[2].endswith("| 1.5 days |") and lines[3].endswith("| 1.5 MB |")
    assert "| one uploaded file | 64 MiB |" in lines
    assert "| trainings that wait for their turn; one runs | 9 |" in lines


def test_no_limit_stands_there_for_nothing():
    code = "".join(path.read_text() for path in ROOT.glob("demo/**/*.py"))
    for limit in fields(Limits):
        assert re.search(rf"\b(LIMITS|limits)\.{limit.name}\b", code), limit.name
