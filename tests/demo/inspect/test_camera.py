"""A camera's frames, judged live: what the server takes, and the dialog in a browser."""

from __future__ import annotations

import base64
import io
import re
from types import SimpleNamespace

import numpy as np
import pytest
from parts import spoil, texture
from PIL import Image

from demo.limits import LIMITS


def frame(pixels, kind="JPEG"):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


@pytest.fixture
def judge(handlers):
    (event,) = handlers[1]["judge_frame"]
    return lambda image: event.fn("stripes", SimpleNamespace(image=image))["live"]


def test_a_frame_gets_a_score_and_a_map(judge, tiny_detector):
    rng = np.random.default_rng(2)
    good = texture(rng)
    bad, _ = spoil(texture(rng), rng)
    found = [judge(frame(np.repeat(np.repeat(p, 8, 0), 8, 1))) for p in (good, bad)]
    for each in found:
        assert each["model"] == "stripes" and np.isfinite(each["score"])
        assert max(each["map"]["w"], each["map"]["h"]) <= 192
        assert {"threshold", "normals", "promised", "familiar", "seconds"} <= each.keys()


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (None, "a frame is a JPEG"),
        ({"data": 1}, "a frame is a JPEG"),
        ("data:image/png;base64,AAAA", "a frame is a JPEG"),
        ("data:image/jpeg;base64,@@@", "did not arrive whole"),
        (frame(np.zeros((8, 8, 3), np.uint8), "PNG"), "did not arrive whole"),
        (frame(np.zeros((1200, 1200, 3), np.uint8)), "too large"),
        ("data:image/jpeg;base64," + "A" * (2 * LIMITS.frame_bytes), "too large"),
    ],
)
def test_what_is_no_frame_gets_a_sentence(judge, image, said):
    assert said in judge(image)["error"]


@pytest.mark.parametrize("size", [(1280, 900), (400, 850)])
def test_the_camera_is_judged_live_and_a_key_keeps_a_picture(page, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.locator("#viewer .camera-open:visible").click()
    page.wait_for_selector("#viewer .camera[data-verdict]")
    assert re.search(r"\d s a picture", page.locator("#viewer .camera-said").inner_text())
    first = page.evaluate("() => document.querySelector('#viewer .camera-overlay').width")
    assert 0 < first <= 192
    box = page.locator("#viewer .camera").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= size[0]
    assert box["y"] >= 0 and box["y"] + box["height"] <= size[1]
    page.keyboard.press("k")
    page.wait_for_function(
        "() => document.querySelector('#viewer .viewer').desk.state()?.name?.startsWith('camera_')"
    )
    page.keyboard.press("Escape")
    page.wait_for_selector("#viewer .camera", state="hidden")
    assert page.evaluate("() => document.querySelector('#viewer .camera-video').srcObject") is None
