from __future__ import annotations

import csv
import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from parts import spoil, texture
from PIL import Image

from ddad.cli import main
from ddad.score.config import METHODS, RestoreConfig

BUDGET = RestoreConfig(evaluations=60, t=200)


@pytest.fixture(scope="module")
def broken():
    """Clean stripes, the same with a square, and the square's mask."""
    rng = np.random.default_rng(11)
    clean = texture(rng)
    return clean, *spoil(clean, rng)


@pytest.fixture(scope="module")
def steps(tiny_detector, broken):
    return list(tiny_detector.restore(broken[1], BUDGET))


def last(detector, image, config):
    return list(detector.restore(image, config))[-1]


def error(a, b, where):
    return float(((a.astype(float) - b) ** 2)[where].mean())


def test_a_square_gives_way_to_stripes_and_the_rest_stays(steps, broken):
    clean, spoilt, mask = broken
    result = steps[-1].image
    assert error(result, clean, mask) < 0.5 * error(spoilt, clean, mask)
    assert steps[-1].score < 0.5 * steps[0].score
    assert error(result, spoilt, ~mask) < 255**2 / 10**2.8  # 28 dB, on 40 x 48 pixels


def test_steps_count_from_the_original_to_the_total(steps, broken):
    np.testing.assert_array_equal(steps[0].image, broken[1])
    assert [step.step for step in steps] == list(range(steps[-1].total + 1))
    spent = [step.evaluations for step in steps]
    assert spent[0] == 0 and spent == sorted(spent)
    assert {step.image.shape for step in steps} == {broken[1].shape}
    assert [step.score is None for step in steps[1:-1]] == [True] * (len(steps) - 2)


@pytest.mark.parametrize("method", METHODS)
def test_each_method_depends_on_the_seed_alone_and_keeps_the_budget(tiny_detector, broken, method):
    config = replace(BUDGET, method=method, evaluations=24)
    one = last(tiny_detector, broken[1], config)
    assert one.step == one.total and 12 <= one.evaluations <= 24
    np.testing.assert_array_equal(one.image, last(tiny_detector, broken[1], config).image)
    other = last(tiny_detector, broken[1], replace(config, seed=1))
    assert not np.array_equal(one.image, other.image)
    assert error(one.image, broken[0], broken[2]) < error(broken[1], broken[0], broken[2])


@pytest.mark.parametrize("energy", ["score", "feature"])
def test_the_gradient_lowers_what_it_descends(tiny_detector, broken, energy):
    """The score where it descends that, the Gaussian energy where that."""
    from ddad.images.geometry import model_shape, to_model
    from ddad.score.feature import feature_energy

    config = replace(BUDGET, energy=energy, start="image")
    done = list(tiny_detector.restore(broken[1], config))

    def level(image):
        if energy == "score":
            return tiny_detector.detect([image])[0].score
        size = model_shape(image.shape, tiny_detector.config.feature_size, 16)
        with torch.no_grad():
            x, steps = to_model(image, size)[None], tiny_detector.config.feature_timesteps
            return float(feature_energy(tiny_detector.features, tiny_detector.scheduler, x, steps))

    assert level(done[-1].image) < level(broken[1])


@pytest.mark.parametrize("start", ["partial", "inpaint"])
def test_what_passes_after_the_start_is_left_as_it_is(tiny_detector, broken, start):
    lenient = tiny_detector.calibrated(replace(tiny_detector.calibration, threshold=20.0))
    config = replace(BUDGET, start=start, evaluations=320)
    done = last(lenient, broken[1], config)
    whole = last(lenient, broken[1], replace(config, method=start, evaluations=320 // 3))
    assert whole.score <= 20
    np.testing.assert_array_equal(done.image, whole.image)
    assert done.done and done.evaluations <= 320 // 3 + 9  # it was judged once


def test_a_gradient_that_leads_astray_is_not_followed(tiny_detector, broken):
    """Steps far too large: of the canvases that were judged, the best is the result.

    Which one that is differs between processors, but for steps that ruin the image at once.
    """

    def scores(step):
        config = replace(BUDGET, start="image", step=step, evaluations=160)
        done = tiny_detector.restore(broken[1], config)
        return [tiny_detector.detect([canvas.image])[0].score for canvas in done]

    far, ruinous = scores(0.9), scores(0.99)
    assert far[-1] == min(far[::5])
    assert ruinous[-1] == min(ruinous[::5]) and ruinous[-1] in ruinous[:-1]


def test_sampling_differs_from_the_mean(tiny_detector, broken, steps):
    drawn = last(tiny_detector, broken[1], replace(BUDGET, sample=True))
    assert not np.array_equal(drawn.image, steps[-1].image)


def test_a_good_part_stays_nearly_as_it_is(tiny_detector):
    """And one without a pixel above the threshold exactly so."""
    rng = np.random.default_rng(12)
    for good in (texture(rng) for _ in range(4)):
        first, *others = tiny_detector.restore(good, BUDGET)
        np.testing.assert_array_equal(first.image, good)
        assert bool(others) == (first.score > tiny_detector.calibration.threshold)
        if others:
            assert error(others[-1].image, good, slice(None)) < 255**2 / 10**2.5


def test_it_can_be_stopped_half_way(tiny_detector, broken, steps):
    running = tiny_detector.restore(broken[1], BUDGET)
    some = list(itertools.islice(running, 5))
    running.close()
    for mine, whole in zip(some, steps, strict=False):
        np.testing.assert_array_equal(mine.image, whole.image)
    assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()


def test_what_a_model_lacks_is_said_at_once(tiny_detector, broken):
    from ddad.model.checkpoint import CheckpointError
    from ddad.model.detector import Detector

    parts = (tiny_detector.scheduler, tiny_detector.config)
    features = Detector(None, *parts, features=tiny_detector.features)
    with pytest.raises(ValueError, match="no pixel branch.*--branch both"):
        features.restore(broken[1])
    pixel = Detector(tiny_detector.unet, *parts)
    with pytest.raises(ValueError, match="no feature branch: use energy 'score'"):
        pixel.restore(broken[1], RestoreConfig(energy="feature"))
    with pytest.raises(CheckpointError, match="not calibrated"):
        pixel.restore(broken[1])
    for wrong in ({"method": "magic"}, {"step": 1.0}, {"evaluations": 0}, {"reach": 2.0}):
        with pytest.raises(ValueError):
            RestoreConfig(**wrong)


def test_a_pixel_model_alone_restores_by_its_kl(tiny_detector, tree, broken):
    from ddad.images.decode import load_image
    from ddad.model.detector import Detector

    pixel = Detector(tiny_detector.unet, tiny_detector.scheduler, tiny_detector.config)
    pixel = pixel.calibrate([load_image(p).pixels for p in sorted(tree.glob("test/good/*.png"))])
    done = list(pixel.restore(broken[1], BUDGET))
    assert done[-1].score < done[0].score


def test_the_command_writes_pictures_table_and_animation(tree, tiny_checkpoint, tmp_path, capsys):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no image")
    base = ["--checkpoint", str(tiny_checkpoint), "--evaluations", "24"]
    image = tree / "test" / "square" / "000.png"
    for kind in ("webp", "gif"):
        out = tmp_path / kind
        command = ["restore", str(image), str(bad), *base, "--out", str(out), "--animation", kind]
        assert main(command) == 1
        assert "bad.png is not an image" in capsys.readouterr().err
        with (out / "restorations.csv").open(newline="", encoding="utf-8-sig") as file:
            done, failed = csv.DictReader(file)
        assert float(done["score_after"]) < float(done["score_before"])
        assert done["restored"] == str(float(done["score_after"]) <= float(done["threshold"]))
        assert failed["error"] and not failed["score_after"]
        before, after = (np.asarray(Image.open(f)) for f in (image, out / "restored" / "000.png"))
        changed = np.asarray(Image.open(out / "differences" / "000.png")).sum(2) > 4
        assert np.array_equal(changed, (before != after).any(2))
        with Image.open(out / "animations" / f"000.{kind}") as animation:
            assert animation.n_frames > 8
            animation.seek(0)
            first = np.asarray(animation.convert("RGB")).astype(int)
        assert np.abs(first - before).mean() < 12
    clean = tmp_path / "partial"
    command = ["restore", str(image), *base, "--method", "partial", "--out", str(clean)]
    assert main(command) == 0 and not (clean / "animations").exists()
    assert main([*command[:-2], "--out", str(clean), "--method", "magic"]) == 2
    assert "no method 'magic'" in capsys.readouterr().err
