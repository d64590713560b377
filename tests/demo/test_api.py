"""The endpoints through the real clients, and the same image through every door."""

from __future__ import annotations

import ast
import asyncio
import base64
import csv
import io

import numpy as np
import pytest
from parts import spoil, texture
from PIL import Image

from ddad.cli import main
from demo.batch.intake import keep
from demo.shared.pictures import READABLE
from demo.store.store import Store

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def photograph(tmp_path_factory):
    """A spoilt part as a file of 16 bits, which only a reader of files gets right."""
    rng = np.random.default_rng(8)
    pixels, _ = spoil(texture(rng), rng)
    path = tmp_path_factory.mktemp("photo") / "part 1.png"
    Image.fromarray(pixels[..., 1].astype(np.uint16) * 257).save(path)
    return path


@pytest.fixture(scope="module")
def client(site, tmp_path_factory):
    from gradio_client import Client

    client = Client(site, verbose=False, download_files=str(tmp_path_factory.mktemp("got")))
    yield client
    client.close()


def test_the_endpoints_are_few_and_documented(client):
    named = client.view_api(return_format="dict")["named_endpoints"]
    assert set(named) == {"/score", "/mask", "/restore"}
    for name, wanted in (("/score", ["threshold"]), ("/mask", ["threshold"]), ("/restore", [])):
        parameters = {p["parameter_name"]: p for p in named[name]["parameters"]}
        assert list(parameters) == ["image", "model", *wanted]
        assert parameters["model"]["parameter_default"] == "stripes"
        assert all(parameters[each]["parameter_has_default"] for each in wanted)
        assert "photograph" in named[name]["description"]


def test_one_image_is_the_same_through_every_door(
    client, photograph, tiny_checkpoint, tiny_detector, tmp_path
):
    """Command line, page and endpoints: score, threshold and mask to the last pixel."""
    from gradio_client import handle_file

    out = tmp_path / "out"
    assert (
        main(["score", str(photograph), "--checkpoint", str(tiny_checkpoint), "--out", str(out)])
        == 0
    )
    (row,) = csv.DictReader((out / "scores.csv").open(encoding="utf-8-sig"))
    typed = np.asarray(Image.open(out / "masks" / "part 1.png")) > 0

    session = Store(tmp_path / "work").open(None)  # as the page's tabs do it
    keep(session, photograph, photograph.name)
    (item,) = session.items()
    (found,) = tiny_detector.detect([session.pixels(item.id)])
    item = session.record(item.id, found, tiny_detector)
    paged = session.final_mask(item.id)

    result = client.predict(handle_file(photograph), api_name="/score")
    answered = client.predict(handle_file(photograph), "stripes", None, api_name="/mask")
    called = np.asarray(Image.open(answered).convert("L"))

    assert float(row["score"]) == item.score
    assert result["score"] == pytest.approx(item.score, rel=1e-5)  # another process, and JSON
    assert float(row["threshold"]) == item.threshold == result["threshold"]
    assert set(np.unique(called)) <= {0, 255} and typed.any()
    np.testing.assert_array_equal(typed, paged)
    np.testing.assert_array_equal(typed, called > 0)
    assert result["area_fraction"] == pytest.approx(float(row["area_fraction"]))
    assert sum(region["area"] for region in result["regions"]) == typed.sum() == item.area
    assert "16-bit" in result["note"] and "16-bit" in item.note


def test_a_threshold_moves_both_endpoints_and_errors_are_sentences(client, photograph, tmp_path):
    from gradio_client import handle_file

    loud = client.predict(handle_file(photograph), "stripes", 1e6, api_name="/score")
    assert loud["anomalous"] is False and loud["regions"] == [] and loud["threshold"] == 1e6
    quiet = client.predict(handle_file(photograph), "stripes", -1e6, api_name="/mask")
    assert (np.asarray(Image.open(quiet).convert("L")) == 255).all()
    for wrong in ("../stripes", "nothing"):
        with pytest.raises(Exception, match="no model called"):
            client.predict(handle_file(photograph), wrong, None, api_name="/score")
    torn = tmp_path / "torn.png"
    torn.write_bytes(b"\x89PNG\r\n\x1a\njunk")
    with pytest.raises(Exception, match="torn.png is") as caught:
        client.predict(handle_file(torn), api_name="/mask")
    assert str(tmp_path) not in str(caught.value) and "/" not in str(caught.value)


def test_restoring_through_the_client(client, tiny_detector, examples, tmp_path):
    from gradio_client import handle_file

    path = tmp_path / "part.png"
    Image.fromarray(examples[1]).save(path)
    result, restored = client.predict(handle_file(path), "stripes", api_name="/restore")
    *_, expected = tiny_detector.restore(examples[1])
    assert result["score_after"] == pytest.approx(expected.score, abs=0.05)
    assert result["score_after"] < result["score_before"]
    assert result["evaluations"] == expected.evaluations
    found = np.asarray(Image.open(restored).convert("RGB")).astype(int)
    assert np.abs(found - expected.image).mean() < 1
    with pytest.raises(Exception, match="no model called"):
        client.predict(handle_file(path), "../stripes", api_name="/restore")


def test_the_tools_through_an_mcp_client(site, client, photograph):
    pytest.importorskip("mcp")
    from gradio_client import handle_file
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def ask():
        address = f"{site}/gradio_api/mcp/"
        async with (
            streamable_http_client(address) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            tools = {tool.name: tool for tool in (await session.list_tools()).tools}
            data = base64.b64encode(photograph.read_bytes()).decode()
            image = {"image": f"data:image/png;base64,{data}", "model": "stripes"}
            answers = {}
            for name in ("score", "mask"):
                (tool,) = (key for key in tools if key.endswith(name))
                answers[name] = await session.call_tool(tool, image | {"threshold": 2.5})
            return tools, answers

    tools, answers = asyncio.run(ask())
    assert all("photograph" in tool.description for tool in tools.values())
    for tool in tools.values():
        assert READABLE in tool.inputSchema["properties"]["image"]["description"]
    for answer in answers.values():
        assert not answer.isError, answer
    expected = client.predict(handle_file(photograph), "stripes", 2.5, api_name="/score")
    texts = [part.text for part in answers["score"].content if part.type == "text"]
    # Gradio writes a dict's Python text
    assert ast.literal_eval(texts[0])["score"] == pytest.approx(expected["score"], rel=1e-6)
    (picture, *_) = (part for part in answers["mask"].content if part.type == "image")
    mask = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture.data))).convert("L")) > 0
    assert mask.mean() == pytest.approx(expected["area_fraction"])
