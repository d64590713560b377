from __future__ import annotations

import shutil

import numpy as np
from parts import texture
from PIL import Image

from ddad.cli import main
from ddad.score.promise import before


def test_the_command_lists_findings(tmp_path, tiny_backbone, capsys):
    for i in range(3):
        Image.fromarray(texture(np.random.default_rng(i))).save(tmp_path / f"{i}.png")
    shutil.copy(tmp_path / "1.png", tmp_path / "x_copy.png")
    (tmp_path / "x_empty.png").write_bytes(b"no image")
    assert main(["check", str(tmp_path), "--extractor", str(tiny_backbone)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert f"duplicate: {tmp_path}/x_copy.png: the same pixels as {tmp_path}/1.png" in said
    assert any(line.startswith(f"unreadable: {tmp_path}/x_empty.png: ") for line in said)
    assert said[-1] == before(3, 0.05)
    assert said[-2] == "counted as 3 parts: 2 photographs in 1 burst of near-identical shots"
    assert len(list(tmp_path.iterdir())) == 5


def test_photographs_are_counted_by_parts(tmp_path, tiny_backbone, capsys):
    for i in range(6):
        folder = tmp_path / f"part_{i // 3}"
        folder.mkdir(exist_ok=True)
        Image.fromarray(texture(np.random.default_rng(i))).save(folder / f"{i}.png")
    assert main(["check", str(tmp_path), "--extractor", str(tiny_backbone)]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "counted as 2 parts: by folder",
        before(2, 0.05),
    ]


def test_what_is_far_out_is_named_and_its_map_written(
    tmp_path, tiny_backbone, capsys, single_precision
):
    data, maps = tmp_path / "data", tmp_path / "maps"
    data.mkdir()
    for i in range(24):  # of random phase: enough that each has its like among the others
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
