"""What white is in a deep picture: declared, a model's, or the usual range that holds it."""

from __future__ import annotations

import numpy as np
import pytest
from drawing import GREY16, tiff

from ddad.images.decode import load_image, survey
from ddad.images.guard import ImageError
from ddad.images.levels import APART, RANGES, Deep, Levels, common_range, eight_bit, usual_range


def scene(top, seed=0, kind=np.uint16, share=0.75):
    """A grey picture of a camera whose white is `top`, the scene as bright as `share` of it."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.1 * top, share * top, (48, 64))
    return values.astype(kind)


def save(folder, name, values, **options):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(tiff(values, photometric="minisblack", **options))
    return folder / name


def test_the_usual_range_is_the_smallest_that_holds_all_but_hot_pixels():
    for lower, top in zip(RANGES[1:], RANGES[2:], strict=False):
        kind = np.uint32 if top > 65535 else np.uint16
        values = np.full((100, 100), int(lower) + 1, kind)
        assert usual_range(values) == top
        values = np.full((100, 100), int(lower), kind)
        values.flat[:10] = int(top)
        assert usual_range(values) == lower
        values.flat[:11] = int(top)
        assert usual_range(values) == top
    assert usual_range(np.full((9, 9), 0.7)) == 1
    assert usual_range(np.full((9, 9), 1, np.uint16)) == 255
    assert usual_range(np.full((9, 9), 1e12)) == np.inf


@pytest.mark.parametrize("top", [1, 255, 1023, 4095, 16383, 65535])
def test_one_hot_pixel_does_not_decide(tmp_path, top):
    kind = np.float32 if top == 1 else np.uint16
    values = scene(top, kind=kind)
    plain = load_image(save(tmp_path, "a.tif", values)).pixels
    values[3, 5] = min(65535, top * 1.02 + 20)
    hot = load_image(save(tmp_path, "b.tif", values)).pixels
    assert (plain != hot).any(axis=2).sum() <= 1
    assert int(plain.max()) - int(plain.min()) > 150


def test_two_photographs_of_one_camera_keep_their_relation_for_a_model(tmp_path):
    """A bright and a dark one: by themselves of different ranges, for the model of one."""
    bright, dark = scene(4095), scene(4095, 1, share=0.2)
    paths = [save(tmp_path, "bright.tif", bright), save(tmp_path, "dark.tif", dark)]
    levels, notes = survey(paths)
    assert levels == Levels(4095.0)
    assert notes == [
        "2 of 2 pictures declare no depth: only 0..4095 of 65535 is used, which is read as 0..255 "
        "in all that the model sees"
    ]
    for path, values in zip(paths, (bright, dark), strict=True):
        pixels = load_image(path, levels=levels).pixels[..., 0]
        np.testing.assert_allclose(pixels, values * (255 / 4095), atol=0.51)
    assert load_image(paths[1]).pixels.max() > 190  # without a model, by itself


def test_a_declared_depth_counts_more_than_the_model_s(tmp_path):
    path = save(tmp_path, "a.tif", scene(1023), extratags=[(281, "H", 1, 1023, True)])
    for levels in (None, Levels(), Levels(4095.0), Levels(65535.0)):
        assert load_image(path, levels=levels).pixels.max() in range(185, 194)
    assert survey([path]) == (Levels(), ["1 of 1 pictures: values 0..1023, as declared, scaled "
                                         "to 0..255"])  # fmt: skip


def test_what_lies_above_the_model_s_range_is_said_or_refused(tmp_path):
    values = scene(1023)
    values[:10, :10] = 1500
    loaded = load_image(save(tmp_path, "a.tif", values), levels=Levels(1023.0))
    assert "3% of them above" in loaded.note and (loaded.pixels[:10, :10] == 255).all()
    with pytest.raises(ImageError, match=r"goes up to 49\d{3}, the model's range to 1023"):
        load_image(save(tmp_path, "b.tif", scene(65535)), levels=Levels(1023.0))
    with pytest.raises(ImageError, match="of another kind"):
        load_image(save(tmp_path, "c.tif", scene(1, kind=np.float32)), levels=Levels(4095.0))
    with pytest.raises(ImageError, match=r"only 0\.\.76\d of the model's range 0\.\.65535"):
        load_image(save(tmp_path, "d.tif", scene(1023)), levels=Levels(65535.0))


def test_a_model_of_8_bit_pictures_reads_whole_ranges_alone(tmp_path):
    for top, kind in ((65535, np.uint16), (1, np.float32), (255, np.float32)):
        path = save(tmp_path, "a.tif", scene(top, kind=kind))
        np.testing.assert_array_equal(
            load_image(path, levels=Levels()).pixels, load_image(path).pixels
        )
    for top, kind in ((1023, np.uint16), (4095, np.uint16), (4095, np.float32), (2**24, np.uint32)):
        path = save(tmp_path, "b.tif", scene(top, kind=kind))
        with pytest.raises(ImageError, match="declares no depth.*8 bits") as error:
            load_image(path, levels=Levels())
        assert str(error.value).startswith(str(path)) and "\n" not in str(error.value)


def test_pictures_of_different_cameras_have_no_common_range(tmp_path):
    paths = [save(tmp_path, f"{i}.tif", scene(1023, i)) for i in range(4)]
    levels, notes = survey([*paths, save(tmp_path, "dark.tif", scene(1023, 9, share=0.2))])
    assert levels == Levels(1023.0) and len(notes) == 1
    stray = save(tmp_path, "stray.tif", scene(65535))
    with pytest.raises(ImageError, match=r"stray\.tif has values up to 65535.*others up to 1023"):
        survey([*paths, stray])
    assert common_range([]) == Levels()
    assert common_range((p, v) for p, v in zip(paths, (1.0, APART - 1.0), strict=False)) == Levels(
        APART - 1.0
    )


def test_a_survey_says_each_thing_once_and_passes_over_what_cannot_be_read(tmp_path):
    from drawing import COLOUR, encoded
    from PIL import Image

    bad = tmp_path / "bad.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n")
    plain = tmp_path / "plain.png"
    plain.write_bytes(encoded(Image.fromarray(COLOUR), "PNG"))
    clear = tmp_path / "clear.png"
    clear.write_bytes(encoded(Image.fromarray(COLOUR).convert("RGBA"), "PNG"))
    assert survey([bad, plain]) == (Levels(), [])
    levels, notes = survey([bad, plain, clear, clear, save(tmp_path, "d.tif", scene(4095))])
    assert levels == Levels(4095.0)
    assert [note.partition(" ")[0] for note in notes] == ["2", "1", "1"]
    assert "on white" in notes[0] and "no depth" in notes[1] and "more than 8 bits" in notes[2]
    _, said = survey([save(tmp_path, "d.tif", scene(4095))], Levels())
    assert said == ["1 of 1 pictures declare no depth: the model was not trained on such"]


def test_levels_are_a_number_above_0_or_none():
    assert Levels().white is None and Levels(4095).white == 4095
    for wrong in (0, -1, float("nan"), float("inf"), "4095", True, [255], 1e30):
        with pytest.raises(ValueError, match="white level"):
            Levels(wrong)


def test_every_level_of_16_bits_is_as_it_was(tmp_path):
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    pixels, _ = eight_bit(Deep(every), None, tmp_path / "x")
    np.testing.assert_array_equal(pixels, np.rint(every / 257).astype(np.uint8))
    assert eight_bit(Deep(GREY16[..., None]), Levels(), tmp_path / "x")[0].max() == 255
