from __future__ import annotations

import json
import time

import pytest

from ddad.training.journal import (
    PAUSE,
    STOP,
    Journal,
    append_row,
    exclusive,
    forget_requests,
    read_log,
    read_progress,
    request,
    requested,
)


def test_shares_add_up_over_the_phases(tmp_path):
    seen = []
    journal = Journal(tmp_path, {"fit": 30.0, "calibrate": 10.0}, seen.append)
    journal.begin("fit")
    journal.at(0.5, force=True, loss=2.0)
    journal.begin("calibrate")
    journal.at(0.5, force=True)
    journal.end("done")
    assert [p["done"] for p in seen] == [0.0, 0.375, 0.75, 0.875, 1.0]
    assert [p["state"] for p in seen] == ["running"] * 4 + ["done"]
    assert seen[0]["seconds_left"] == pytest.approx(40, abs=0.2)
    assert seen[2]["seconds_left"] == pytest.approx(10, abs=0.2)
    assert read_progress(tmp_path) == seen[-1] and seen[-1]["loss"] == 2.0
    with pytest.raises(KeyError):
        journal.begin("dance")


def test_time_left_follows_the_pace_of_a_phase_that_resumed(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("ddad.training.journal.time.monotonic", lambda: clock[0])
    journal = Journal(tmp_path, {"fit": 1000.0})
    journal.begin("fit")
    journal.at(0.8, force=True)  # where the last attempt had come to
    clock[0] = 10.0
    journal.at(0.9, force=True)
    assert read_progress(tmp_path)["seconds_left"] == pytest.approx(10)


def test_requests_are_files_and_old_ones_do_not_count(tmp_path):
    request(tmp_path, STOP)
    forget_requests(tmp_path, older_than=time.time() - 60)
    assert requested(tmp_path, STOP)
    forget_requests(tmp_path, older_than=time.time() + 60)
    assert not requested(tmp_path, STOP)
    forget_requests(tmp_path / "none", older_than=time.time())
    with pytest.raises(ValueError, match="stop or to pause"):
        request(tmp_path, "explode")
    request(tmp_path, PAUSE)
    assert (tmp_path / "pause").exists()


def test_what_is_cut_short_is_passed_over(tmp_path):
    assert read_progress(tmp_path) == {} and read_log(tmp_path) == []
    append_row(tmp_path / "log.jsonl", {"step": 1})
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"step": 2')
    (tmp_path / "progress.json").write_text(json.dumps({"done": 0.5})[:-1])
    assert read_log(tmp_path) == [{"step": 1}] and read_progress(tmp_path) == {}


def test_previews_are_numbered_on(tmp_path):
    journal = Journal(tmp_path, {})
    (tmp_path / "preview" / "0003_good.png").touch()
    assert journal.next_preview() == str(tmp_path / "preview" / "0004")


def test_a_folder_has_one_worker(tmp_path):
    refused = pytest.raises(ValueError, match="another process")
    with exclusive(tmp_path), refused, exclusive(tmp_path):
        pass
    with exclusive(tmp_path):
        pass
