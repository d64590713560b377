from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from parts import spoil, texture

from ddad import CHECKPOINTS
from ddad.images.decode import load_image
from ddad.model.checkpoint import CheckpointError
from ddad.model.detector import Detector
from ddad.score.fusion import normalise


@pytest.fixture
def images():
    rng = np.random.default_rng(5)
    good = [texture(rng) for _ in range(3)]
    return [good[0], spoil(good[1], rng)[0], texture(rng, 64, 90), good[2]]


def test_a_painted_defect_is_found_where_it_is(tiny_detector):
    rng = np.random.default_rng(1)
    pairs = [spoil(texture(rng), rng) for _ in range(8)]
    normal = tiny_detector.detect([texture(rng) for _ in range(8)])
    broken = tiny_detector.detect([image for image, _ in pairs])
    assert min(d.score for d in broken) > max(d.score for d in normal)
    for found, (_, mask) in zip(broken, pairs, strict=True):
        y, x = np.unravel_index(found.score_map.argmax(), found.score_map.shape)
        assert mask[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4].any()


def test_a_score_depends_on_its_image_alone(tiny_detector, images):
    together = tiny_detector.detect(images, batch_size=4)
    reversed_order = tiny_detector.detect(images[::-1], batch_size=3)[::-1]
    for image, one, other in zip(images, together, reversed_order, strict=True):
        (alone,) = tiny_detector.detect([image], batch_size=1)
        np.testing.assert_allclose(one.score_map, alone.score_map, atol=1e-5, rtol=1e-5)
        np.testing.assert_allclose(one.score_map, other.score_map, atol=1e-5, rtol=1e-5)
        (again,) = tiny_detector.detect([image], batch_size=1)
        np.testing.assert_array_equal(alone.score_map, again.score_map)


def test_maps_have_the_size_of_their_image(tiny_detector, images):
    for image, found in zip(images, tiny_detector.detect(images), strict=True):
        assert found.score_map.shape == image.shape[:2]
        assert found.score_map.dtype == np.float32
        scales = [(s.branch, s.t) for s in found.scales]
        config = tiny_detector.config
        assert scales == [("pixel", t) for t in config.timesteps] + [
            ("feature", t) for t in config.feature_timesteps
        ]
        assert sum(s.weight for s in found.scales) == pytest.approx(1)


def test_verdict_and_mask_agree_at_every_threshold(tiny_detector, images):
    (found,) = tiny_detector.detect(images[1:2])
    thresholds = [found.threshold, found.score, np.nextafter(found.score, -np.inf), 0.0, 1e9]
    for threshold in thresholds:
        assert found.mask(threshold).any() == (found.score > np.float32(threshold))
    assert found.mask().any() == found.anomalous


def test_steps_bring_every_scale_and_end_in_the_same_detection(tiny_detector, images):
    for image in images:
        (whole,) = tiny_detector.detect([image])
        *scales, last = tiny_detector.detect_steps(image)
        np.testing.assert_array_equal(last.score_map, whole.score_map)
        assert last.threshold == whole.threshold
        assert [s.branch for s in scales] == sorted(s.branch for s in whole.scales)
        for kept in (scales, last.scales):
            by_name = {s.name: s for s in kept}
            assert len(by_name) == len(kept) == len(whole.scales)
            for scale in whole.scales:
                np.testing.assert_array_equal(by_name[scale.name].map, scale.map)
                assert by_name[scale.name].weight == scale.weight


def test_steps_come_one_by_one(tiny_detector, images):
    steps, seen = tiny_detector.detect_steps(images[0]), []
    counting = tiny_detector.unet.register_forward_hook(lambda *a: seen.append(1))
    try:
        assert next(steps).branch == "feature"
        assert not seen  # the pixel network has not run yet
        assert sum(1 for _ in steps) == len(tiny_detector.config.timesteps) + len(
            tiny_detector.config.feature_timesteps
        )
        assert len(seen) == len(tiny_detector.config.timesteps)
    finally:
        counting.remove()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_new_process_gives_the_same_score(tiny_checkpoint, tiny_detector, tmp_path, threads):
    """To 1e-6 of its size whatever the threads (sums run in another order), else bit for bit."""
    image = texture(np.random.default_rng(9))
    np.save(tmp_path / "image.npy", image)
    code = (
        "import sys, numpy as np, torch; torch.set_num_threads(int(sys.argv[3]))\n"
        "from ddad.model.detector import Detector\n"
        "found, = Detector.load(sys.argv[1]).detect([np.load(sys.argv[2] + '/image.npy')])\n"
        "np.save(sys.argv[2] + '/map.npy', found.score_map)"
    )
    command = [sys.executable, "-c", code, tiny_checkpoint, tmp_path, str(threads)]
    subprocess.run(command, check=True)
    (here,) = tiny_detector.detect([image])
    there = np.load(tmp_path / "map.npy")
    assert there.max() == pytest.approx(here.score, rel=1e-6)
    np.testing.assert_allclose(there, here.score_map, atol=2e-5)
    if threads == torch.get_num_threads():
        np.testing.assert_array_equal(there, here.score_map)


def test_an_uncalibrated_model_says_what_to_do(tiny_detector, images):
    other = tiny_detector.with_config(replace(tiny_detector.config, seed=7))
    with pytest.raises(CheckpointError, match="python -m ddad calibrate"):
        other.detect(images)


def test_each_branch_alone_and_their_weighted_mean(tiny_detector, images):
    from ddad.model.detector import Detector

    found = tiny_detector.detect(images[:1])[0]
    for branch in ("pixel", "feature"):
        alone = Detector(
            tiny_detector.unet if branch == "pixel" else None,
            tiny_detector.scheduler,
            tiny_detector.config,
            features=tiny_detector.features if branch == "feature" else None,
        )
        (maps,) = alone.maps(images[:1])
        assert set(maps) == {branch} | ({"held"} if branch == "feature" else set())
        z = normalise(tiny_detector.calibration, branch, torch.from_numpy(maps[branch]))
        np.testing.assert_allclose(z, [s.map for s in found.scales if s.branch == branch])
    with pytest.raises(ValueError, match="a pixel branch, a feature branch, or both"):
        Detector(None, tiny_detector.scheduler, tiny_detector.config)


@pytest.mark.parametrize(
    ("name", "half"),
    [("cookie", torch.bfloat16), ("brick", torch.bfloat16), ("cookie", torch.float16)],
)
def test_half_precision_says_what_single_precision_says(name, half, monkeypatch):
    """To .05 of a deviation of normal pixels, root mean square, on whatever processor; verdicts
    agree. The figures of the data sets are those of `benchmarks.detail precision`."""
    whole = Detector.load(name)
    files = sorted((CHECKPOINTS / name / "examples").glob("*[!k].png"))  # without the masks
    assert len(files) >= 2
    for file in files:
        pixels = load_image(file).pixels
        found = []
        for kind in (half, None):
            monkeypatch.setattr(
                "ddad.diffusion.extractor.fast_dtype", lambda device, kind=kind: kind
            )
            found += whole.detect([pixels])
        off = found[0].score_map - found[1].score_map
        assert np.sqrt(np.square(off).mean()) < 0.05 and off.any()
        assert found[0].anomalous == found[1].anomalous
        assert found[0].score == pytest.approx(found[1].score, abs=0.2, rel=0.02)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, of its own parts
def test_a_compiled_detector_says_the_same_and_is_the_same_model(
    tiny_checkpoint, tiny_detector, single_precision
):
    """As on a GPU, but for the processor."""
    compiled = Detector.load(tiny_checkpoint).compiled()
    assert compiled.fingerprint == tiny_detector.fingerprint
    image = texture(np.random.default_rng(3))
    (wanted,), (found,) = tiny_detector.detect([image]), compiled.detect([image])
    np.testing.assert_allclose(found.score_map, wanted.score_map, atol=1e-3, rtol=1e-3)
    assert found.anomalous == wanted.anomalous
