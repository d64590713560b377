from __future__ import annotations

import shutil

import numpy as np
import pytest
from parts import texture
from PIL import Image

from ddad.cli import main
from ddad.score.calibration import vouches


def test_the_command_lists_findings(tmp_path, tiny_backbone, capsys):
    for i in range(3):
        Image.fromarray(texture(np.random.default_rng(i))).save(tmp_path / f"{i}.png")
    shutil.copy(tmp_path / "1.png", tmp_path / "x_copy.png")
    (tmp_path / "x_empty.png").write_bytes(b"no image")
    assert main(["check", str(tmp_path), "--extractor", str(tiny_backbone)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert f"duplicate: {tmp_path}/x_copy.png: the same pixels as {tmp_path}/1.png" in said
    assert any(line.startswith(f"unreadable: {tmp_path}/x_empty.png: ") for line in said)
    assert said[-1] == vouches(3, 0.05)
    assert len(list(tmp_path.iterdir())) == 5


@pytest.mark.parametrize(
    ("photographs", "fpr", "sentence"),
    [
        (14, 0.05, "14 photographs are few: 15 are the least, 19 vouch for 5.0%"),
        (15, 0.05, "15 photographs vouch for 6.2% at best; 5.0% needs 19"),
        (18, 0.05, "18 photographs vouch for 5.3% at best; 5.0% needs 19"),
        (19, 0.05, "19 photographs vouch for 5.0% (that needs 19); 5.0% at best"),
        (16, 0.1, "16 photographs vouch for 10.0% (that needs 9); 5.9% at best"),
    ],
)
def test_what_so_many_photographs_vouch_for(photographs, fpr, sentence):
    assert vouches(photographs, fpr) == sentence


def test_what_is_far_out_is_named_and_its_map_written(tmp_path, tiny_backbone, capsys):
    data, maps = tmp_path / "data", tmp_path / "maps"
    data.mkdir()
    for i in range(12):
        pixels = texture(np.random.default_rng(i), 64, 64)
        if i == 5:
            pixels[16:48, 16:48] = (255, 0, 0)
        Image.fromarray(pixels).save(data / f"{i:02}.png")
    command = ["check", str(data), "--extractor", str(tiny_backbone), "--maps", str(maps)]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert said.count("far out: ") == 1 and f"far out: {data}/05.png: " in said
    with Image.open(maps / "1.png") as picture:
        assert picture.size == (64, 64)
    assert main([*command[:-1], str(data / "maps")]) == 2  # it would be read as photographs
