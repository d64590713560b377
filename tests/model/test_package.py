from __future__ import annotations

import http.server
import json
import shutil
import struct
import threading
import time
import zipfile

import numpy as np
import pytest
from parts import texture
from safetensors.numpy import load, save

from ddad.cli import main
from ddad.model.checkpoint import CheckpointError
from ddad.model.detector import Detector
from ddad.model.package import checkpoint_zip, files, load_checkpoint_zip, push


@pytest.fixture(scope="module")
def packed(tiny_checkpoint, tmp_path_factory):
    return checkpoint_zip(tiny_checkpoint, tmp_path_factory.mktemp("zips") / "stripes.zip")


def rewrite(packed, to, change):
    """The archive with `change(name, bytes)`, which returns a list of (name, bytes)."""
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            for renamed, content in change(name, old.read(name)):
                new.writestr(renamed, content)
    return to


def test_what_is_packed_and_opened_scores_the_same(packed, tiny_checkpoint, tmp_path):
    with zipfile.ZipFile(packed) as archive:
        names = archive.namelist()
    assert "ddad.json" in names and not [n for n in names if n.startswith("run/")]
    opened = load_checkpoint_zip(packed, tmp_path / "opened")
    image = texture(np.random.default_rng(5))
    (one,), (two,) = (d.detect([image]) for d in (opened, Detector.load(tiny_checkpoint)))
    assert one.score == two.score and opened.name == "opened"
    assert len(files(tmp_path / "opened")) == len(names)


def test_a_folder_around_everything_is_taken_off(packed, tmp_path):
    wrapped = rewrite(packed, tmp_path / "w.zip", lambda n, b: [(f"my model/{n}", b)])
    load_checkpoint_zip(wrapped, tmp_path / "m")
    assert (tmp_path / "m" / "ddad.json").is_file()


def edit(name, **changes):
    """A change of one JSON file."""

    def change(each, content):
        if each == name:
            content = json.dumps(json.loads(content) | changes).encode()
        return [(each, content)]

    return change


def score(**changes):
    """A change of the score's settings."""

    def change(each, content):
        if each == "ddad.json":
            meta = json.loads(content)
            content = json.dumps(meta | {"score": meta["score"] | changes}).encode()
        return [(each, content)]

    return change


def lacking(name):
    """A file of weights without the last of its tensors."""

    def change(each, content):
        if each == name:
            tensors = load(content)
            tensors.pop(max(tensors))
            content = save(tensors)
        return [(each, content)]

    return change


def crowded(name):
    def change(each, content):
        if each == name:
            content = save({f"t{n}": np.zeros(1, np.float32) for n in range(2500)})
        return [(each, content)]

    return change


def huge_header(name, content):
    prefix = struct.pack("<Q", 2**62) if name.endswith("mixture.safetensors") else b""
    return [(name, prefix + content)]


HOSTILE = {
    "a pickle": lambda n, b: [(n, b)] + [("unet/evil.pkl", b"x")] * (n == "ddad.json"),
    "code": lambda n, b: [(n, b)] + [("features/extractor/modeling.py", b"x")] * (n == "ddad.json"),
    "a way out": lambda n, b: [(n, b)] + [("../out.json", b"{}")] * (n == "ddad.json"),
    "no ddad.json": lambda n, b: [(n, b)] * (n != "ddad.json"),
    "no calibration": lambda n, b: [(n, b)] * (n != "calibration.json"),
    "cut weights": lambda n, b: [(n, b[:-9] if n.endswith("safetensors") else b)],
    "a lying header": huge_header,
    "other widths": edit("unet/config.json", block_out_channels=[8, 24]),
    "a giant": edit("unet/config.json", block_out_channels=[10**9, 10**9]),
    "many layers": edit("unet/config.json", layers_per_block=9999),
    "another class": edit("features/extractor/config.json", model_type="no-such"),
    "other features": edit("features/extractor/config.json", hidden_sizes=[8, 12, 20]),
    "settings of nonsense": edit("ddad.json", score={"size": "big"}),
    "no settings": edit("ddad.json", score=None),
    "half a draw": score(draws=1.5),
    "a look at too much": score(feature_size=3000),
    "a size beyond all": score(size=10**7),
    "noise without end": score(timesteps=list(range(1, 65)), draws=64),
    "an endless blur": score(blur=1e12),
    "a missing tensor": lacking("unet/diffusion_pytorch_model.safetensors"),
    "a backbone's missing tensor": lacking("features/extractor/model.safetensors"),
    "too many tensors": crowded("unet/diffusion_pytorch_model.safetensors"),
    "code from elsewhere": edit("features/extractor/config.json", auto_map={"AutoModel": "a--b.c"}),
    "a kernel": edit("features/extractor/config.json", _attn_implementation_internal="me/kernel"),
    "hundreds of blocks": edit("unet/config.json", down_block_types=["DownBlock2D"] * 220),
    "a thousand layers": edit("features/extractor/config.json", depths=[60] * 40),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_anything_else_is_refused_with_a_sentence_and_leaves_nothing(packed, tmp_path, change):
    bad = rewrite(packed, tmp_path / "bad.zip", change)
    began = time.monotonic()
    with pytest.raises(ValueError) as refused:
        load_checkpoint_zip(bad, tmp_path / "models" / "bad")
    assert "\n" not in str(refused.value) and str(refused.value)
    assert list((tmp_path / "models").iterdir()) == []
    assert time.monotonic() - began < 20  # no network of a stranger's making was built or run


def test_a_checkpoint_that_lacks_a_tensor_is_refused(tiny_checkpoint, tmp_path):
    for weights in (
        "unet/diffusion_pytorch_model.safetensors",
        "features/extractor/model.safetensors",
    ):
        folder = tmp_path / weights.replace("/", "-")
        shutil.copytree(tiny_checkpoint, folder)
        file = folder / weights
        ((_, content),) = lacking(weights)(weights, file.read_bytes())
        file.write_bytes(content)
        with pytest.raises(CheckpointError, match="lacks 1 tensors"):
            Detector.load(folder)


def test_no_zip_and_a_taken_name_are_refused(packed, tmp_path):
    (tmp_path / "no.zip").write_bytes(b"hello")
    with pytest.raises(ValueError, match="ZIP"):
        load_checkpoint_zip(tmp_path / "no.zip", tmp_path / "m")
    (tmp_path / "m").mkdir(exist_ok=True)
    with pytest.raises(ValueError, match="exists already"):
        load_checkpoint_zip(packed, tmp_path / "m")
    with pytest.raises(CheckpointError, match="no checkpoint"):
        checkpoint_zip(tmp_path, tmp_path / "x.zip")


def test_the_commands(tiny_checkpoint, tmp_path, capsys, monkeypatch):
    assert main(["pack", str(tiny_checkpoint), str(tmp_path / "a.zip")]) == 0
    assert main(["unpack", str(tmp_path / "a.zip"), "--out", str(tmp_path / "b")]) == 0
    assert Detector.load(tmp_path / "b").name == "b"
    monkeypatch.delenv("HF_TOKEN", raising=False)
    assert main(["push", str(tiny_checkpoint), "me/stripes"]) == 2
    assert "set HF_TOKEN" in capsys.readouterr().err


class Hub(http.server.BaseHTTPRequestHandler):
    """Refuses everything, as the Hub does a token without write access."""

    asked: list[tuple[str, str | None]] = []

    def do_POST(self):
        self.asked.append((self.path, self.headers.get("authorization")))
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(403)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


def test_a_refusal_of_the_hub_is_a_sentence(tiny_checkpoint, monkeypatch):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        with pytest.raises(ValueError, match="the Hub did not take me/stripes"):
            push(tiny_checkpoint, "me/stripes", "hf_secret", endpoint=address)
        server.shutdown()
    assert Hub.asked == [("/api/repos/create", "Bearer hf_secret")]
    with pytest.raises(ValueError, match="did not take"):
        push(tiny_checkpoint, "not a name", "hf_secret", endpoint=address)
