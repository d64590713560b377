"""The page, served once for all tests that visit it, and a fresh visit for each."""

from __future__ import annotations

import asyncio
import shutil
from importlib.util import find_spec
from typing import Any

import gradio as gr
import numpy as np
import pytest
from parts import spoil, texture
from PIL import Image
from serving import Site
from visiting import arrive, watched

from demo.batch import events as batch
from demo.front.turns import Turns
from demo.inspect import events as inspect
from demo.page import Page
from demo.shared.models import Models
from demo.store.store import Store
from demo.train import desk as learning
from demo.train import events as train
from demo.train.models import alarm_button
from demo.train.queue import Queue


@pytest.fixture(scope="session")
def examples():
    rng = np.random.default_rng(3)
    return texture(rng), *spoil(texture(rng), rng)


@pytest.fixture(scope="session")
def site(tiny_checkpoint, examples, tmp_path_factory):
    """The app in a process of its own, over one checkpoint with two examples.

    It has MCP switched on where that is installed.
    """
    root = tmp_path_factory.mktemp("models")
    own = shutil.ignore_patterns("examples", "maps")  # of its training
    shutil.copytree(tiny_checkpoint, root / "stripes", ignore=own)
    folder = root / "stripes" / "examples"
    folder.mkdir()
    good, bad, _ = examples
    Image.fromarray(good).save(folder / "1_good part.png")
    Image.fromarray(bad).save(folder / "2_square.png")
    (root / "stripes" / "README.md").write_text("---\nlicense: cc0-1.0\n---\n# Stripes\nA card.")
    site = Site(tmp_path_factory.mktemp("site"), root, DDAD_MCP=str(int(bool(find_spec("mcp")))))
    site.start()
    yield site.url
    site.stop()


@pytest.fixture
def page(browser, site):
    """A fresh visit that fails on script errors and on requests that leave this machine."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page = watched(context.new_page())
    away: list[str] = []
    page.on(
        "request",
        lambda r: away.append(r.url) if not r.url.startswith((site, "data:", "blob:")) else None,
    )
    arrive(page, site)
    yield page
    context.close()
    assert not page.errors and not away


@pytest.fixture
def handlers(tiny_checkpoint, tmp_path):
    """The tabs laid out without a server: the store, and events by the name of what they call."""
    models, store = Models(tiny_checkpoint.parent), Store(tmp_path / "work")

    async def lay_out():  # in a running loop: else Gradio makes some and leaves them open
        with gr.Blocks() as demo:
            model = gr.Dropdown(models.names, value=models.names[0])
            keys = [gr.BrowserState(storage_key=name, secret=name) for name in ("one", "two")]
            tabs = gr.Tabs()
            session, *states = (gr.State() for _ in range(4))
            page = Page(models, Turns(), model, store, session, keys[0], *states, tabs)
            queue = Queue(store)
            with tabs, gr.Tab("Inspect") as here:
                lesson, _ = inspect.tab(page, here)
                learning.wire(page, queue, lesson)
                alarm = alarm_button()
            with tabs, gr.Tab("Many images") as there:
                batch.tab(page, there)
            with tabs, gr.Tab("Train"):
                train.tab(page, queue, keys[1], alarm)
        return list(demo.fns.values())

    named: dict[str, list[Any]] = {}
    for event in asyncio.run(lay_out()):
        named.setdefault(getattr(event.fn, "__name__", ""), []).append(event)
    return store, named
