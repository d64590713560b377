from __future__ import annotations

import shutil

import numpy as np
import pytest
from parts import spoil, texture
from PIL import Image

from ddad.cli import main
from ddad.data import datasets as data
from ddad.images.decode import ImageError
from ddad.model.detector import Detector
from ddad.training.feedback import add_normals, keep_for_training


@pytest.fixture
def copy(tiny_checkpoint, tmp_path):
    return shutil.copytree(tiny_checkpoint, tmp_path / "copy")


@pytest.fixture
def alarms(tmp_path):
    """Four good parts with a mark that the model has never seen."""
    rng, paths = np.random.default_rng(0), []
    for i in range(4):
        paths.append(tmp_path / f"alarm{i}.png")
        Image.fromarray(spoil(texture(rng), rng)[0]).save(paths[-1])
    return paths


def test_a_false_alarm_moves_the_threshold_and_is_remembered(copy, alarms):
    detector = Detector.load(copy)
    before = detector.calibration
    (found,) = detector.detect([np.asarray(Image.open(alarms[0]))])
    assert found.anomalous
    detector, change = add_normals(detector, alarms[:1])
    assert (change.added, change.known, change.retrain) == (1, 0, False)
    after = detector.calibration
    assert after.n == before.n + 1 and change.after > change.before
    assert found.score == pytest.approx(after.normal_scores[-1])
    assert (after.means, after.borders) == (before.means, before.borders)
    detector.save(copy)
    _, again = add_normals(Detector.load(copy), alarms[:1])
    assert (again.added, again.known) == (0, 1)


def test_a_retrain_is_suggested_when_they_pile_up(copy, alarms):
    detector = Detector.load(copy)
    detector, second = add_normals(detector, alarms[:2])
    assert not second.retrain
    _, third = add_normals(detector, alarms[2:3])
    assert third.retrain and "train again" in str(third)


@pytest.mark.parametrize("trained_on, retrain", [(80, True), (81, False)])
def test_of_many_normals_one_in_twenty_has_to_pile_up(copy, alarms, trained_on, retrain):
    detector = Detector.load(copy)
    detector.training["trained_on"] = [f"{number:032x}" for number in range(trained_on)]
    assert add_normals(detector, alarms)[1].retrain is retrain  # four alarms


def test_quiet_normals_lower_the_promised_rate_and_call_for_nothing(copy, tmp_path):
    rng, paths, detector = np.random.default_rng(7), [], Detector.load(copy)
    while len(paths) < 6:
        pixels = texture(rng)
        if not detector.detect([pixels])[0].anomalous:
            paths.append(tmp_path / f"{len(paths)}.png")
            Image.fromarray(pixels).save(paths[-1])
    before = detector.calibration.promise.rate
    detector, change = add_normals(detector, paths)
    assert not change.retrain
    assert detector.calibration.promise.rate < before


def test_what_was_trained_on_does_not_count_and_a_bad_file_changes_nothing(copy, tree, tmp_path):
    detector = Detector.load(copy)
    files = sorted((tree / "train" / "good").iterdir())
    detector, change = add_normals(detector, files)
    assert (change.added, change.known) == (5, 19)  # the five held out were not trained on
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"x")
    fresh = Detector.load(copy)
    before = fresh.calibration
    with pytest.raises(ImageError):
        add_normals(fresh, [bad])
    assert fresh.calibration == before


def test_a_defective_image_never_joins_the_normals(tree, alarms, tmp_path):
    root = shutil.copytree(tree, tmp_path / "data")
    defect = next((root / "test" / "square").iterdir())
    with pytest.raises(ValueError, match="among the defective images"):
        keep_for_training([*alarms, defect], root)
    assert len(list((root / "train" / "good").iterdir())) == 24
    assert keep_for_training(alarms, root) == 4
    assert keep_for_training(alarms, root) == 0
    assert sum(s.split == "train" for s in data.read(root)) == 28


def test_the_command_adds_to_model_and_data(tree, copy, alarms, tmp_path, capsys):
    root = shutil.copytree(tree, tmp_path / "data")
    command = ["calibrate", str(root), "--checkpoint", str(copy), "--add-normals"]
    assert main([*command, *map(str, alarms)]) == 0
    said = capsys.readouterr().out
    assert "4 images copied" in said and "4 normals added" in said and "train again" in said
    assert Detector.load(copy).calibration.n == 9
    assert main(["calibrate", "--checkpoint", str(copy)]) == 2
    assert "needs DATA" in capsys.readouterr().err
