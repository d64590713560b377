"""Folders of one part each; folders of many; folders that show parts again."""

from __future__ import annotations

import pytest

from ddad.data.layout import arrange
from ddad.data.series import in_folders

PARTS = [
    ("part_01", "part_02"),
    ("tile7", "tile8", "tile12"),
    ("session-3", "session-4"),
    ("001", "002", "003"),
    ("Item A", "Item B"),
    ("good/part1", "good/part2"),
    ("train/good/run1", "train/good/run2"),
    ("part1/good", "part2/good"),
    ("part_1/images", "part_2/images"),
    ("2024-05-01/part_1", "2024-05-02/part_1"),
    ("x/lot1/item1", "x/lot1/item2", "x/lot2/item1"),
]
VIEWS = [
    ("cam1", "cam2"),
    ("left", "right"),
    ("exposure_1", "exposure_2"),
    ("good/top", "good/side"),
]
MANY = [
    ("lot1", "lot2"),
    ("monday", "tuesday"),
    ("2024-05-01", "2024-05-02"),
    ("20240501", "20240502"),
]
MANY += [("batch_1", "batch_2"), ("line 1", "line 2"), ("set1", "set2")]


def told(*names):
    return in_folders(arrange(list(names)).photographs)


@pytest.mark.parametrize("folders", PARTS)
def test_a_folder_of_a_series_is_a_part(folders):
    names = [f"{folder}/{shot}.png" for folder in folders for shot in "ab"]
    groups, said = told(*names)
    assert not said and len(set(groups.values())) == len(folders)
    assert all(groups[f"{folder}/a.png"] == groups[f"{folder}/b.png"] for folder in folders)


@pytest.mark.parametrize("folders", VIEWS)
def test_views_that_are_called_the_same_show_one_part(folders):
    groups, said = told(*(f"{folder}/{part}.png" for folder in folders for part in "ab"))
    assert not said and len(set(groups.values())) == 2
    assert {groups[f"{folder}/a.png"] for folder in folders} == {groups[f"{folders[0]}/a.png"]}


def test_views_of_which_nothing_says_what_they_show_are_named():
    groups, said = told("cam1/a.png", "cam2/b.png")
    assert not groups and "cam1, cam2" in said and "split.csv" in said


def test_cameras_within_parts_show_the_part():
    groups, _ = told("part1/cam1/a.png", "part1/cam2/b.png", "cam1/part2/a.png")
    assert groups["part1/cam1/a.png"] == groups["part1/cam2/b.png"] != groups["cam1/part2/a.png"]


@pytest.mark.parametrize("folders", MANY)
def test_lots_and_days_hold_many_parts_and_that_is_said(folders):
    groups, said = told(*(f"{folder}/{part}.png" for folder in folders for part in "ab"))
    assert not groups and folders[0] in said and "part of its own" in said


@pytest.mark.parametrize("names", [("a.png", "b.png"), ("red/a.png", "blue/a.png"), ("p/a.png",)])
def test_other_folders_say_nothing(names):
    assert told(*names) == ({}, "")


def test_a_photograph_beside_the_folders_is_a_part_of_its_own():
    groups, _ = told("part_1/a.png", "part_2/a.png", "c.png")
    assert set(groups) == {"part_1/a.png", "part_2/a.png"}
