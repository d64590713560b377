"""Nothing leaves the machine unless a repository and a token are set."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from huggingface_hub import CommitScheduler
from parts import ROOT

from ddad.images.masks import load_mask
from demo.store import mirror
from demo.store.store import Store


@pytest.mark.parametrize(
    "environment", [{}, {"DDAD_MIRROR_REPO": "a/b"}, {"HF_TOKEN": "x"}, {"DDAD_MIRROR_REPO": ""}]
)
def test_without_both_settings_nothing_happens(tmp_path, environment):
    assert mirror.settings(tmp_path, environment) is None
    assert mirror.start(tmp_path, environment) is None
    assert list(tmp_path.iterdir()) == []


def test_a_hub_that_cannot_be_reached_costs_the_mirror_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert mirror.start(tmp_path, {"DDAD_MIRROR_REPO": "a/b", "HF_TOKEN": "x"}) is None
    assert "decisions are not mirrored" in capsys.readouterr().err


def test_a_mirror_begins_before_the_store_has_made_its_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    root = tmp_path / "not" / "yet"
    assert mirror.start(root, {"DDAD_MIRROR_REPO": "a/b", "HF_TOKEN": "x"}) is None
    assert (root / "mirror").is_dir()
    assert mirror.start(root, {"DDAD_MIRROR_REPO": "a/b", "HF_TOKEN": "x"}) is None  # it is there


def test_the_store_loads_no_hub_client():
    code = "import sys, demo.store.store, demo.store.mirror\n"
    code += "assert 'huggingface_hub' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_only_the_mirrors_folder_is_sent_privately(tmp_path):
    chosen = mirror.settings(tmp_path, {"DDAD_MIRROR_REPO": "a/b", "HF_TOKEN": "x"})
    assert chosen["folder_path"] == tmp_path / "mirror"  # not `sessions`, whose names are keys
    assert chosen["private"] and chosen["repo_type"] == "dataset" and chosen["repo_id"] == "a/b"
    inspect.signature(CommitScheduler).bind(**chosen)  # the client takes every one of them


def mirrored(root, **how):
    (root / "mirror").mkdir()
    copy = mirror.Mirror(root / "mirror", "a/b", **how)
    store = Store(root, mirror=copy)
    return store, store.open(None), copy


MASK = np.eye(5, 6, dtype=bool)


def decided(session, name="part.png"):
    item = session.add(name, np.zeros((5, 6, 3), np.uint8)).id
    session.review(item, mask=MASK, threshold=1, decision="undecided")
    session.review(item, mask=MASK, threshold=1, decision="defective", reviewer="Ann")
    return item


@pytest.mark.parametrize("names", [False, True])
def test_decisions_alone_reach_the_mirror_and_names_only_if_asked_for(tmp_path, names):
    _, session, _ = mirrored(tmp_path, names=names)
    waiting = session.add("part.png", np.zeros((5, 6, 3), np.uint8)).id
    session.review(waiting, mask=MASK, threshold=1, decision="undecided")
    assert list((tmp_path / "mirror").iterdir()) == []
    item = decided(session)
    files = {f.name: f for f in (tmp_path / "mirror").iterdir()}
    assert set(files) == {f"{item}.png", f"{item}.json"}
    assert np.array_equal(load_mask(files[f"{item}.png"]), MASK)
    text = files[f"{item}.json"].read_text()
    assert session.id not in text and json.loads(text)["decision"] == "defective"
    assert ("Ann" in text, "part.png" in text) == (names, names)


def test_what_is_deleted_or_expires_here_goes_there_too_and_is_tried_again(tmp_path):
    gone: list[str] = []
    down = [True]

    def delete(paths):
        if down[0]:
            raise OSError("no connection")
        gone.extend(paths)

    store, session, copy = mirrored(tmp_path, delete=delete)
    items = [decided(session, f"{n}.png") for n in range(3)]
    session.remove(items[0])
    held = {f.stem for f in (tmp_path / "mirror").glob("*.json")}
    assert held == set(items[1:])  # here at once, whatever the repository says
    down[0] = False
    store.limits = replace(store.limits, max_age_s=0.0)
    store.expire()
    deadline = time.monotonic() + 10
    while (len(gone) < 6 or copy._noted()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert {name.split(".")[0] for name in gone} == set(items)
    assert [f.name for f in (tmp_path / "mirror").iterdir()] == ["forgotten"]


def test_no_file_that_is_being_written_is_sent(tmp_path):
    from huggingface_hub.utils import filter_repo_objects

    chosen = mirror.settings(tmp_path, {"DDAD_MIRROR_REPO": "a/b", "HF_TOKEN": "x"})
    whole = ["0123456789abcdef.json", "fedcba9876543210.png"]
    files = [*whole, ".0123456789abcdef.part.json", ".fedcba9876543210.part.png", "lock"]
    assert list(filter_repo_objects(files, allow_patterns=chosen["allow_patterns"])) == whole
