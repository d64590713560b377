from __future__ import annotations

import argparse
import io
import shutil
from pathlib import Path

import pytest
from tqdm import tqdm

from ddad.cli import main
from ddad.commands import options
from ddad.score.config import ScoreConfig
from ddad.training.run import PRESETS


def parsed(kind, text):
    parser = argparse.ArgumentParser()
    parser.add_argument("value", type=kind)
    return parser.parse_args([text]).value


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("count", {"1": 1, "12": 12}, ("0", "-3", "1.5", "x")),
        ("positive", {"0.5": 0.5, "40": 40.0}, ("0", "-1", "1e6", "nan")),
        ("rate", {"0.05": 0.05}, ("0", "1", "-0.1", "2", "nan")),
        ("numbers", {"20,50": (20, 50), "7": (7,)}, ("", "a", "1,,2")),
    ],
)
def test_kinds_of_arguments(kind, good, bad, capsys):
    for text, value in good.items():
        assert parsed(getattr(options, kind), text) == value
    for text in bad:
        with pytest.raises(SystemExit):
            parsed(getattr(options, kind), f" {text}")  # not taken for a flag
        assert "invalid" in capsys.readouterr().err


def test_flags_that_were_given_override_and_others_do_not():
    args = argparse.Namespace(draws=3, blur=None, path=Path("x"))
    config = options.override(ScoreConfig(), args)
    assert config.draws == 3 and config.blur == ScoreConfig().blur


def test_steps_and_minutes_displace_each_other():
    config = PRESETS["cpu"]
    steps = options.override(config, argparse.Namespace(steps=7, minutes=None))
    assert (steps.steps, steps.minutes) == (7, 0)
    minutes = options.override(steps, argparse.Namespace(steps=None, minutes=2.0))
    assert (minutes.steps, minutes.minutes) == (0, 2)
    with pytest.raises(ValueError, match="either steps or minutes"):
        options.override(config, argparse.Namespace(steps=7, minutes=2.0))


def test_normal_images_are_those_to_train_on_and_unseen_ones_are_told(tree, tiny_detector, capsys):
    normals = [sample.path for sample in options.normal_samples(tree)]
    assert len(normals) == 24 and {p.parent for p in normals} == {tree / "train" / "good"}
    assert len(options.unseen_normals(tiny_detector, tree)) == 5
    assert capsys.readouterr().out == "19 images left out: the model was trained on them\n"


def test_a_bar_moves_to_what_was_done():
    with tqdm(file=io.StringIO()) as bar:
        report = options.on_named(bar)
        report("a\n.png", 3, 7)
        assert (bar.n, bar.total, bar.postfix) == (3, 7, "a?.png")
        report("b" * 50, 5, 7)
        assert (bar.n, bar.total, bar.postfix) == (5, 7, "b" * 40)


def test_what_is_left_out_is_said_and_all_good_takes_everything(tree, tmp_path, capsys):
    shutil.copytree(tree / "test", tmp_path / "parts")
    good = options.normal_samples(tmp_path / "parts")
    assert {sample.path.parent.name for sample in good} == {"good"} and len(good) == 6
    assert "square 6" in capsys.readouterr().err
    assert len(options.normal_samples(tmp_path / "parts", all_good=True)) == 12
    shutil.move(tmp_path / "parts" / "good", tmp_path / "parts" / "dented")
    with pytest.raises(ValueError, match="dented.*square"):
        options.normal_samples(tmp_path / "parts")


@pytest.mark.parametrize("command", ["train", "check", "calibrate", "nll"])
def test_all_good_reaches_what_reads_good_parts(command, tree, tiny_checkpoint, tmp_path, capsys):
    for kind in ("crack", "square"):
        shutil.copytree(tree / "test" / "good", tmp_path / "parts" / kind)
    words = [command, str(tmp_path / "parts")]
    if command == "train":
        words += ["--out", str(tmp_path / "out"), "--preset", "tiny", "--steps", "2"]
        words += ["--branch", "pixel"]
    elif command == "calibrate":
        words += ["--out", str(tmp_path / "out")]
    if command in ("calibrate", "nll"):
        words += ["--checkpoint", str(tiny_checkpoint)]
    if command == "nll":
        words += ["--images", "1"]
    assert main(words) == 2 and "crack" in capsys.readouterr().err
    assert main([*words, "--all-good"]) == 0
