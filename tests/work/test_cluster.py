from __future__ import annotations

import csv
import os
import threading
import time
from contextlib import suppress

import numpy as np
import psutil
import pytest
from parts import texture
from PIL import Image

from ddad.cli import main
from ddad.work.cluster import Pool, plan, score_on_ray

ray = pytest.importorskip("ray", reason="scoring with Ray needs the extra `ray`")
pq = pytest.importorskip("pyarrow.parquet")
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def cluster():
    """Ray on this machine, shared by the tests, as a user's own cluster would be."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
        runtime_env={"env_vars": {"PYTHONPATH": root}},
    )
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Forty photographs in two folders, one of them broken."""
    root, rng = tmp_path_factory.mktemp("many"), np.random.default_rng(0)
    for i in range(40):
        path = root / ("a" if i % 2 else "b") / f"{i:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(texture(rng)).save(path)
    (root / "a" / "01.png").write_bytes(b"broken")
    return root


@pytest.fixture(scope="module")
def local(folder, tiny_checkpoint, tmp_path_factory):
    out = tmp_path_factory.mktemp("local")
    command = ["score", str(folder), "--checkpoint", str(tiny_checkpoint), "--out", str(out)]
    assert main(command) == 1
    return out


def rows(out):
    with (out / "scores.csv").open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def same(found, expected):
    assert [r["file"] for r in found] == [r["file"] for r in expected]
    for one, two in zip(found, expected, strict=True):
        for name in ("error", "anomalous", "map", "mask", "overlay"):
            assert one[name] == two[name]
        for name in ("score", "map_min", "area_fraction", "mean_pixel_t20"):
            if two[name]:
                assert float(one[name]) == pytest.approx(float(two[name]), abs=1e-5)


def test_it_equals_local_scoring(cluster, folder, local, tiny_checkpoint, tmp_path, capsys):
    command = ["score", str(folder), "--checkpoint", str(tiny_checkpoint), "--ray", "--actors", "2"]
    assert main([*command, "--out", str(tmp_path)]) == 1
    assert "39 of 40 images scored" in capsys.readouterr().out
    found = rows(tmp_path)
    same(found, rows(local))
    table = pq.read_table(tmp_path / "scores.parquet").to_pylist()
    assert [r["file"] for r in table] == [r["file"] for r in found]
    assert [r["mask"] or "" for r in table] == [r["mask"] for r in found]
    assert table[5]["score"] == pytest.approx(float(found[5]["score"]))
    for kind in ("maps", "masks", "overlays"):
        pictures = {p.relative_to(local): p.read_bytes() for p in local.glob(f"{kind}/**/*.png")}
        assert len(pictures) == 39
        for name, content in pictures.items():
            assert (tmp_path / name).read_bytes() == content, name


def test_a_killed_worker_changes_nothing(cluster, folder, local, tiny_checkpoint, tmp_path):
    killed = []

    def kill_one():
        """The process of an actor that has begun to score, found by its picture files."""
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("maps/*/*.png")) and time.monotonic() < deadline:
            time.sleep(0.01)
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                if "MapWorker" in " ".join(child.cmdline()):
                    child.kill()
                    killed.append(child.pid)

    thread = threading.Thread(target=kill_one)
    thread.start()
    pool = Pool(actors=(1, 1))
    planned = plan([str(folder)], str(tmp_path))
    errors = score_on_ray(planned, tiny_checkpoint, str(tmp_path), pool, max_pixels=10**7)
    thread.join()
    assert killed and len(errors) == 1
    same(rows(tmp_path), rows(local))


def test_addresses_are_read_and_written(cluster, folder, local, tiny_checkpoint, tmp_path):
    """file:// goes the way of every object store."""
    out = f"file://{tmp_path}"
    planned = plan([f"file://{folder}/b"], out)
    assert len(planned) == 20 and planned[0][1] == "00.png"
    pool = Pool(actors=(1, 1))
    assert not score_on_ray(planned[:4], tiny_checkpoint, out, pool, max_pixels=10**7)
    found = {os.path.basename(r["file"]): float(r["score"]) for r in rows(tmp_path)}
    for row in rows(local):
        name = os.path.basename(row["file"])
        if name in found:
            assert found[name] == pytest.approx(float(row["score"]), abs=1e-5)
    assert (tmp_path / "maps" / "00.png.png").exists()


def test_addresses_of_one_name_have_outputs_of_their_own(tmp_path):
    for name in ("1/a.png", "2/a.png", "3/A.PNG"):
        path = tmp_path / name
        path.parent.mkdir()
        path.write_bytes(b"")
    planned = plan([*(f"file://{tmp_path}/{i}" for i in (1, 2, 3))], "out")
    assert [name for _, name in planned] == ["a.png", "a.png_2", "A.PNG_3"]


def test_wrong_addresses_are_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="no address"):
        plan(["nowhere://x/y"], "out")
    with pytest.raises(ValueError, match="nothing at"):
        plan([f"file://{tmp_path}/none"], "out")
