"""The ZIP: whole, the same twice, safe names, and what is in it read by others."""

from __future__ import annotations

import csv
import io
import json
import shlex
import zipfile
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
from parts import spoil, texture
from PIL import Image
from pycocotools.coco import COCO

import ddad
from ddad.cli import main
from ddad.data.datasets import read
from ddad.export.bundle import FORMATS, write_zip
from ddad.export.reviewed import Reviewed
from ddad.images.regions import RegionLabel

HOSTILE = (
    *("../../evil.png", "C:\\x\\CON.png", "evil.png", "EVIL.PNG", "", "\0\n.png"),
    *("=HYPERLINK(1)", "<script>alert(1)</script>.png", "\u202egnp.png", "\udcff.png", "n" * 300),
)


def record(name: str, seed: int = 0, **more) -> Reviewed:
    rng = np.random.default_rng(seed)
    image, mask = spoil(texture(rng), rng)
    y, x = np.argwhere(mask)[0]
    labels = (RegionLabel(int(x), int(y), more.pop("label", "dent")),)
    score_map = (rng.normal(size=mask.shape) + 9 * mask).astype(np.float32)
    mask = more.pop("mask", mask)
    facts = {"model": "brick", "fingerprint": "f" * 32, "seed": 0, "normal_scores": (1.0, 2.0)}
    return Reviewed(
        *(name, image, mask, score_map, float(score_map.max()), 5.0, "accepted", labels),
        **facts | {"reviewer": "Ann", "at": "2026-01-02T03:04:05.678+00:00"} | more,
    )


def good(name: str) -> Reviewed:
    return record(name, 1, mask=np.zeros((40, 48), bool))


def content(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_every_format_at_once(tmp_path):
    records = [record("a.png"), record("b.png", 2, label="scratch"), good("c.png")]
    write_zip(records, FORMATS, tmp_path / "all.zip", extra={"decisions.csv": b"at\n"})
    files = content(tmp_path / "all.zip")
    assert set(files) == {
        *(f"{folder}/{s}.png" for folder in ("images", "masks", "maps") for s in "abc"),
        *(f"maps/{s}.tiff" for s in "abc"),
        *(f"labels/{s}.txt" for s in "abc"),
        *(f"labelme/{s}.json" for s in "abc"),
        *("mvtec/test/dent/a.png", "mvtec/test/scratch/b.png", "mvtec/test/good/c.png"),
        *("mvtec/ground_truth/dent/a_mask.png", "mvtec/ground_truth/scratch/b_mask.png"),
        *("coco/polygons.json", "coco/exact.json", "data.yaml", "scores.csv", "regions.csv"),
        *("label-studio/tasks.json", "label-studio/config.xml", "report.html", "run.json"),
        "decisions.csv",
    }
    assert [p.name for p in tmp_path.iterdir()] == ["all.zip"]
    assert files["labels/c.txt"] == b""
    assert files["labels/b.txt"].startswith(b"1 ")
    assert '{"0": "dent", "1": "scratch"}' in files["data.yaml"].decode()
    for r, stem in zip(records, "abc", strict=True):
        assert np.array_equal(opened(files[f"masks/{stem}.png"]), r.mask * 255)
        assert np.array_equal(opened(files[f"images/{stem}.png"]), r.pixels)
    rows = list(csv.DictReader(io.StringIO(files["scores.csv"].decode())))
    assert [r["labels"] for r in rows] == ["dent", "scratch", ""]
    assert len(list(csv.DictReader(io.StringIO(files["regions.csv"].decode())))) == 2


def opened(data: bytes) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(data)))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_pycocotools_reads_the_coco_files(tmp_path):
    ring = np.zeros((40, 48), bool)
    ring[4:20, 6:30] = True
    ring[8:12, 10:20] = False
    records = [record("a.png"), record("b.png", mask=ring)]
    write_zip(records, ["coco"], tmp_path / "c.zip")
    files = content(tmp_path / "c.zip")
    for name in ("coco/polygons.json", "coco/exact.json"):
        (tmp_path / "one.json").write_bytes(files[name])
        coco = COCO(tmp_path / "one.json")
        for image, r in zip(coco.loadImgs(coco.getImgIds()), records, strict=True):
            (annotation,) = coco.loadAnns(coco.getAnnIds(image["id"]))
            assert np.array_equal(coco.annToMask(annotation), r.mask)  # a square is its own hull
            assert image["file_name"] in files


def test_the_mvtec_layout_is_read_by_our_own_reader(tmp_path):
    records = [record(f"{i}.png", i) for i in range(3)] + [good("fine.png")]
    write_zip(records, ["mvtec"], tmp_path / "m.zip")
    with zipfile.ZipFile(tmp_path / "m.zip") as archive:
        archive.extractall(tmp_path / "out")
    samples = read(tmp_path / "out" / "mvtec")
    assert sorted((s.defect, s.mask_path is not None) for s in samples) == [
        *([("dent", True)] * 3),
        ("good", False),
    ]


def test_label_studios_config_names_every_label_whatever_it_holds(tmp_path):
    labels = ['"><x', "a & b", "\0nul", "\u7834\u640d"]
    records = [record("a.png", i, label=label) for i, label in enumerate(labels)]
    write_zip(records, ["label-studio", "yolo"], tmp_path / "l.zip")
    files = content(tmp_path / "l.zip")
    found = ElementTree.fromstring(files["label-studio/config.xml"].decode()).iter("Label")
    assert [e.get("value") for e in found] == ['"><x', "a & b", "nul", "\u7834\u640d"]
    tasks = json.loads(files["label-studio/tasks.json"])
    assert [t["predictions"][0]["result"][0]["value"]["brushlabels"] for t in tasks] == [
        [label] for label in labels
    ]


def test_hostile_names_make_safe_unique_paths_and_harmless_cells(tmp_path):
    records = [record(name, label=f"../{name}"[:90]) for name in HOSTILE]
    write_zip(records, FORMATS, tmp_path / "h.zip")
    files = content(tmp_path / "h.zip")
    with zipfile.ZipFile(tmp_path / "h.zip") as archive:
        assert len({n.casefold() for n in archive.namelist()}) == len(archive.namelist())
    for name in files:
        path = PurePosixPath(name)
        assert not path.is_absolute() and ".." not in path.parts and "\\" not in name
        assert all(part.isprintable() and len(part.encode()) < 200 for part in path.parts)
    assert len([n for n in files if n.startswith("images/")]) == len(HOSTILE)
    cells = [c for row in csv.reader(io.StringIO(files["scores.csv"].decode())) for c in row]
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "@")]
    assert b"<script>" not in files["report.html"]


def test_the_same_work_makes_the_same_bytes(tmp_path):
    for name in ("one.zip", "two.zip"):
        write_zip((record(f"{i}.png", i) for i in range(2)), FORMATS, tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_failure_on_the_way_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(b"old")

    def records():
        yield record("a.png")
        raise RuntimeError("a disk went away")

    with pytest.raises(RuntimeError):
        write_zip(records(), FORMATS, path)
    with pytest.raises(ValueError, match="there is no image to export"):
        write_zip([], FORMATS, path)
    with pytest.raises(ValueError, match="there is no export format voc: use masks, mvtec"):
        write_zip([record("a.png")], ["voc"], path)
    assert [p.name for p in tmp_path.iterdir()] == ["x.zip"] and path.read_bytes() == b"old"


def test_run_json_makes_the_maps_again(tmp_path, tiny_detector, tiny_checkpoint, monkeypatch):
    rng = np.random.default_rng(5)
    image, _ = spoil(texture(rng), rng)
    (found,) = tiny_detector.detect([image])
    threshold = found.score - 2
    one = Reviewed(
        *("part.png", image, found.mask(threshold), found.score_map, found.score, threshold),
        model=tiny_detector.name,
        fingerprint=tiny_detector.fingerprint,
        seed=tiny_detector.config.seed,
    )
    write_zip([one], ["coco", "masks", "maps"], tmp_path / "r.zip")
    with zipfile.ZipFile(tmp_path / "r.zip") as archive:
        archive.extractall(tmp_path / "r")
    run = json.loads((tmp_path / "r" / "run.json").read_text())
    (command,) = run["commands"]
    words = [tiny_checkpoint if w == tiny_detector.name else w for w in shlex.split(command)]
    assert words[:3] == ["python", "-m", "ddad"]
    monkeypatch.chdir(tmp_path / "r")
    assert main([str(word) for word in words[3:]]) == 0
    scores = (tmp_path / "r" / "again" / "scores.csv").read_text()
    (row,) = csv.DictReader(io.StringIO(scores))
    facts = run["images"][0]
    assert float(row["score"]) == pytest.approx(facts["score"], abs=1e-4)
    kept = tifffile.imread(tmp_path / "r" / "maps" / "part.tiff")
    again = opened((tmp_path / "r" / "again" / "maps" / "part.png").read_bytes()) / 65535
    low, high = float(row["map_min"]), float(row["map_max"])
    half_a_code = (high - low) / 65535 / 2
    assert np.abs(low + (high - low) * again - kept).max() < half_a_code + 1e-4
    mask = opened((tmp_path / "r" / "masks" / "part.png").read_bytes()) > 0
    assert np.array_equal(kept > np.float32(facts["threshold"]), mask)
    assert run["versions"]["numpy"] == np.__version__ and ddad.__version__ in run["program"]
