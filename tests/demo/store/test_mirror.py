"""Nothing leaves the machine unless a repository and a token are set."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys

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


def test_decisions_alone_reach_the_mirror(tmp_path):
    (tmp_path / "mirror").mkdir()
    session = Store(tmp_path, mirror=tmp_path / "mirror").open(None)
    item = session.add("part.png", np.zeros((5, 6, 3), np.uint8)).id
    mask = np.eye(5, 6, dtype=bool)
    session.review(item, mask=mask, threshold=1, decision="undecided")
    assert list((tmp_path / "mirror").iterdir()) == []
    session.review(item, mask=mask, threshold=1, decision="defective", reviewer="Ann")
    files = {f.name: f for f in (tmp_path / "mirror").iterdir()}
    assert set(files) == {f"{item}.png", f"{item}.json"}
    assert np.array_equal(load_mask(files[f"{item}.png"]), mask)
    text = files[f"{item}.json"].read_text()
    assert json.loads(text)["reviewer"] == "Ann" and session.id not in text


def test_no_file_that_is_being_written_is_sent(tmp_path):
    from huggingface_hub.utils import filter_repo_objects

    chosen = mirror.settings(tmp_path, {"DDAD_MIRROR_REPO": "a/b", "HF_TOKEN": "x"})
    whole = ["0123456789abcdef.json", "fedcba9876543210.png"]
    files = [*whole, ".0123456789abcdef.part.json", ".fedcba9876543210.part.png", "lock"]
    assert list(filter_repo_objects(files, allow_patterns=chosen["allow_patterns"])) == whole
