from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch
from parts import ROOT
from safetensors import safe_open
from safetensors.torch import load_file

from ddad.data import datasets as data
from ddad.training.journal import read_log
from ddad.training.run import TINY, cut_log
from ddad.training.train import train

SHORT = replace(TINY, steps=12, save_every=0, precision="no")


@pytest.fixture
def normals(tree):
    samples = [s for s in data.read(tree) if s.split == "train"]
    return samples[:16], samples[16:20]


def state(folder):
    return load_file(folder / "state.safetensors")


def rows_of(log):
    """The rows that are whole and of the training loop; what follows it logs its phases."""
    rows = [json.loads(row) for row in log.read_text().splitlines() if row.endswith("}")]
    return [row for row in rows if "step" in row]


class Stop(Exception):
    pass


def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(normals, tmp_path):
    config = replace(SHORT, steps=30)

    def interrupt(row):
        if row["step"] == 10:
            raise Stop

    with pytest.raises(Stop):
        train(*normals, tmp_path / "two", config, on_log=interrupt)
    resumed, *_ = train(*normals, tmp_path / "two", config)
    whole, *_ = train(*normals, tmp_path / "one", config)
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name]), name
    one, two = state(tmp_path / "one"), state(tmp_path / "two")
    assert one.keys() == two.keys()
    assert all(torch.equal(one[k], two[k]) for k in one)
    logs = [(tmp_path / run / "log.jsonl").read_text().splitlines() for run in ("one", "two")]
    steps = [[json.loads(row)["step"] for row in log] for log in logs]
    assert steps[0] == steps[1] == [10, 20, 30]


def test_rows_of_steps_that_are_done_again_are_replaced(normals, tmp_path):
    config = replace(SHORT, steps=30, save_every=3600)

    def interrupt(row):
        if row["step"] == 20:
            raise Stop

    with pytest.raises(Stop):
        train(*normals, tmp_path, config, on_log=interrupt)
    train(*normals, tmp_path, config)
    assert [row["step"] for row in rows_of(tmp_path / "log.jsonl")] == [10, 20, 30]


def test_another_seed_is_another_run(normals, tmp_path):
    one, *_ = train(*normals, tmp_path / "one", SHORT)
    two, *_ = train(*normals, tmp_path / "two", replace(SHORT, seed=1))
    assert not torch.equal(one.conv_in.weight, two.conv_in.weight)


def test_loss_falls(normals, tmp_path):
    rows = []
    train(*normals, tmp_path, replace(SHORT, steps=60), on_log=rows.append)
    assert rows[-1]["mse"] < 0.6 * rows[0]["mse"]
    assert rows[-1]["held_out_mse"] < rows[0]["mse"]
    assert {"vlb", "images_per_second", "held_out_vlb"} <= rows[-1].keys()


def test_the_result_is_the_averaged_network(normals, tmp_path):
    unet, *_ = train(*normals, tmp_path, SHORT)
    saved = state(tmp_path)
    for name, weight in unet.named_parameters():
        assert torch.equal(weight.detach(), saved[f"ema.unet.{name}"])
    assert any(
        not torch.equal(saved[f"ema.unet.{n}"], saved[f"network.unet.{n}"])
        for n, _ in unet.named_parameters()
    )


@pytest.mark.parametrize("number, save_every", [(signal.SIGINT, "3600"), (signal.SIGKILL, "0")])
def test_a_stopped_command_goes_on_from_its_last_save(tree, tmp_path, number, save_every):
    """One that is asked to stop saves the step in hand, though no save is due for an hour."""
    command = [sys.executable, "-m", "ddad", "train", str(tree), "--out", str(tmp_path / "m")]
    command += ["--preset", "tiny", "--steps", "150", "--save-every", save_every]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    log = tmp_path / "m" / "run" / "log.jsonl"
    saved = log.with_name("state.safetensors")
    deadline = time.monotonic() + 120
    while not (log if number == signal.SIGINT else saved).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    assert (b"goes on from the last save" in stderr) == (number == signal.SIGINT)
    with safe_open(saved, "pt") as file:
        step = int(file.metadata()["step"])
    kept = [row for row in rows_of(log) if row["step"] <= step]
    assert 0 < step < 150 and kept[-1]["step"] == step
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "threshold" in done.stdout
    rows = rows_of(log)
    assert rows[: len(kept)] == kept  # the seconds too: none of these steps was done again
    assert [row["step"] for row in rows] == sorted({step, *range(10, 151, 10)})


def test_a_folder_with_another_run_is_refused(normals, tmp_path):
    train(*normals, tmp_path, SHORT)
    with pytest.raises(ValueError, match="lr"):
        train(*normals, tmp_path, replace(SHORT, lr=1e-4))
    with pytest.raises(ValueError, match="the images"):
        train(normals[0][:-1], normals[1], tmp_path, SHORT)


def test_log_rows_after_the_last_save_are_cut(tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text('{"step": 10}\n{"step": 20}\n{"step": 3')
    cut_log(log, 10)
    assert log.read_text() == '{"step": 10}\n'


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"minutes": 1.0}, {"size": 4}, {"precision": "x"}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError):
        replace(TINY, **wrong)


def test_two_processes_go_on_where_one_stopped_and_equal_it(tree, tmp_path):
    """`accelerate launch` on two CPU processes: the loss of one at the same global batch."""
    config = replace(TINY, steps=20, save_every=0)
    samples = [s for s in data.read(tree) if s.split == "train"]
    parts = data.hold_out(samples, config.held_out, config.seed)

    def interrupt(row):
        if row["step"] == 10:
            raise Stop

    train(*parts, tmp_path / "one" / "run", config)
    with pytest.raises(Stop):
        train(*parts, tmp_path / "two" / "run", config, on_log=interrupt)
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu"]
    launch += ["--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no"]
    launch += ["--dynamo_backend", "no", "--main_process_port", "0", "-m", "ddad"]
    command = ["train", str(tree), "--out", str(tmp_path / "two"), "--branch", "pixel"]
    command += ["--preset", "tiny", "--steps", "20", "--save-every", "0"]
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*launch, *command], cwd=ROOT, env=one_thread, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "two" / "calibration.json").exists()
    logs = [read_log(tmp_path / name / "run") for name in ("one", "two")]
    rows = [[row for row in log if "mse" in row] for log in logs]
    assert [row["step"] for row in rows[1]] == [10, 20]
    for name in ("mse", "vlb", "held_out_mse"):
        assert rows[1][1][name] == pytest.approx(rows[0][1][name], rel=1e-4)


def test_a_batch_that_cannot_be_shared_evenly_is_refused(normals, tmp_path, monkeypatch):
    monkeypatch.setattr("ddad.training.train.Accelerator.num_processes", 3)
    with pytest.raises(ValueError, match="shared evenly by 3"):
        train(*normals, tmp_path, SHORT)
