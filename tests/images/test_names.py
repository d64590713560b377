"""Stems that every system takes, each given once."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddad.images.names import Stems, folded, safe_stem, tag


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        *(("part.png", "part"), ("a/b\\c d.e.tiff", "c_d.e"), ("../../etc/passwd", "passwd")),
        *(("CON", "_CON"), ("nul.png", "_nul"), ("com1.x.png", "_com1.x"), ("console", "console")),
        *(("-5.png", "_-5"), ("-rf 1.png", "_-rf_1"), ("@cam.png", "cam"), ("=1+1.png", "1_1")),
        *(("", "image"), ("..", "image"), (".png", "png"), ("\0\n", "image"), ("a/", "a")),
        *(
            ("\u65e5\u672c.png", "\u65e5\u672c"),
            ("e\u0301.png", "\u00e9"),
            ("\u202egnp.exe", "gnp"),
        ),
    ],
)
def test_stems_of_odd_names(name, stem):
    assert safe_stem(name) == stem


@given(st.lists(st.text(max_size=300), max_size=12))
def test_stems_are_safe_and_unique_letter_case_aside(names):
    stems = Stems()
    given_out = [stems.unique(name) for name in names]
    assert len({unicodedata.normalize("NFD", stem.casefold()) for stem in given_out}) == len(names)
    for stem in given_out:
        assert 0 < len(stem.encode()) < 120 and stem not in (".", "..")
        assert not set(stem) & set('/\\:*?"<>|\0\n') and stem[-1] != "." and stem[0] != "-"


def test_a_stem_that_says_too_little_carries_its_names_tag():
    names = ("a.png", "A.jpg", "b/a.bmp", "a_2", "part 1.png", "part_1.png", "part 1.png")
    stems = Stems()
    given_out = [stems.unique(name) for name in names]
    assert given_out == [
        *("a", f"A~{tag('A.jpg')}", f"a~{tag('b/a.bmp')}", "a_2", f"part_1~{tag('part 1.png')}"),
        *("part_1", f"part_1~{tag('part 1.png')}_2"),
    ]


@given(st.lists(st.text(max_size=20), max_size=20))
def test_no_stem_is_another_names_own(names):
    stems = Stems()
    for name in names:
        stem = stems.unique(name)
        others = {safe_stem(other) for other in names if safe_stem(other) != safe_stem(name)}
        assert stem not in others


def test_names_that_will_share_a_stem_are_all_told_apart():
    names = ("x.jpg", "y.png", "x.png", "A/1.png", "B/1.png")
    stems = Stems(names)
    assert [stems.unique(name) for name in names] == [
        *(f"x~{tag('x.jpg')}", "y", f"x~{tag('x.png')}", f"1~{tag('A/1.png')}"),
        f"1~{tag('B/1.png')}",
    ]


def test_names_that_are_one_file_to_some_system_are_told_apart():
    stems = Stems()
    names = ("é.png", "e\u0301.png", "É.png", "E\u0301.png", "ß", "SS", "\u03a9", "\u2126")
    given_out = [stems.unique(n) for n in names]
    assert len({folded(stem) for stem in given_out}) == len(names)
    assert folded("A\u030a/x") == folded("å/X")
