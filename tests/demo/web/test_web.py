"""The page's own JavaScript: its unit tests, its size, and how it reaches a browser."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import time
import urllib.parse

import gradio as gr
import pytest
import uvicorn
from fastapi import FastAPI
from parts import ROOT
from starlette.applications import Starlette
from starlette.testclient import TestClient

from demo.batch.layout import EVENTS
from demo.inspect import layout
from demo.inspect.layout import canvas
from demo.store.store import Store
from demo.web import serve

WEB = ROOT / "demo" / "web"
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def test_the_unit_tests_pass():
    node = shutil.which("node")
    if node is None:
        if os.environ.get("CI"):
            pytest.fail("no node: install Debian's package nodejs")
        pytest.skip("no node on this machine")
    done = subprocess.run([node, "--test"], cwd=WEB, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    passed = re.search(r"^\S+ pass (\d+)$", done.stdout, re.MULTILINE)
    assert passed is not None and int(passed[1]) >= 79


def test_every_file_is_short():
    files = [path for kind in ("js", "css", "html") for path in WEB.rglob(f"*.{kind}")]
    assert len(files) > 40
    catalogue = WEB / "language" / "de.js"  # as long as the page has sentences
    files.remove(catalogue)
    long = [path.name for path in files if len(path.read_text().splitlines()) >= 200]
    assert not long


def test_modules_are_served_by_version():
    client = TestClient(Starlette(routes=[serve.ROUTE]))
    known = client.get(f"/web/{serve.VERSION}/page.js")
    assert known.content == serve.SERVED["page.js"]
    assert known.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in known.headers["cache-control"]
    assert known.headers["content-encoding"] == "gzip"
    plain = client.get(f"/web/{serve.VERSION}/page.js", headers={"accept-encoding": "identity"})
    assert plain.content == known.content and "content-encoding" not in plain.headers
    older = client.get("/web/0123/page.js")  # of a page that was open before an update
    assert older.content == known.content and older.headers["cache-control"] == "no-store"
    german = client.get(f"/web/{serve.VERSION}/language/de.js")
    assert german.text == (WEB / "language" / "de.js").read_text()
    for name in ("serve.py", "canvas/runs.js", "canvas/desk.html", "canvas/../serve.py", ""):
        assert client.get(f"/web/{serve.VERSION}/{name}").status_code == 404, name


def test_every_import_is_served_and_nothing_comes_from_elsewhere():
    for name, text in serve.MODULES.items():
        said = re.findall(r"^import .*$", text, re.MULTILINE)
        assert len(said) == len(serve.IMPORT.findall(text)), f"{name}: an import of another form"
        exported = re.findall(r"^export .*$", text, re.MULTILINE)
        assert len(exported) == len(serve.EXPORT.findall(text)), (
            f"{name}: an export of another form"
        )
        for names, target in serve.IMPORT.findall(text):
            assert target.startswith("."), f"{name} imports {target}"
            other = (WEB / name).parent.joinpath(target).resolve()
            given = serve.EXPORT.findall(other.read_text())
            assert {each.split(" as ")[0] for each in names.split(", ")} <= set(given), name
        assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")


def test_a_bundle_has_each_module_once_before_those_that_import_it():
    modules = {
        "a/main.js": 'import { two as pair } from "./b.js";\nimport { one } from "../c.js";\n'
        "export function start() { return pair + one; }\n",
        "a/b.js": 'import { one } from "../c.js";\nexport const two = one + 1;\n',
        "c.js": "export const one = 1;\n",
    }
    text = serve.bundle(modules, {"main": "a/main.js"})
    order = [text.index(f"const {name} =") for name in ("$c", "$a_b", "$a_main")]
    assert order == sorted(order) and text.count("const one = 1") == 1
    node = shutil.which("node")
    if node:
        run = "const { starts } = await import(process.argv[1]); console.log(starts.main());"
        address = "data:text/javascript," + urllib.parse.quote(text)
        command = [node, "--input-type=module", "-e", run, address]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.stdout.strip() == "3", done.stderr
    modules["c.js"] = 'import { two } from "./a/b.js";\nexport const one = two;\n'
    with pytest.raises(ValueError, match="imports itself"):
        serve.bundle(modules, {"main": "a/main.js"})


@pytest.mark.parametrize(("folder", "events"), [("canvas", layout.EVENTS), ("table", EVENTS)])
def test_the_page_listens_to_every_event_of_a_component(folder, events):
    sources = [text for name, text in serve.MODULES.items() if name.startswith(folder)]
    found = {event for text in sources for event in re.findall(r'\btrigger\("(\w+)"', text)}
    assert found == set(events)


def test_behind_a_path_no_value_is_lost_while_the_module_loads(browser, tmp_path):
    """The page in a folder of a site, on a slow line: two values come before the JavaScript."""
    session = Store(tmp_path).open(None)
    entry = {"item": "0" * 16, "name": "a.png", "score": 1.0, "decision": "undecided"}
    with gr.Blocks() as demo:
        viewer = canvas(
            Store(tmp_path), {"session": session.id, "words": ["dent"]}, elem_id="viewer"
        )
        arrived = gr.Textbox(elem_id="arrived")
        demo.load(lambda: ({"queue": [entry]}, "both"), None, [viewer, arrived])
    app = gr.mount_gradio_app(FastAPI(), demo, path="/inside", app_kwargs={"routes": [serve.ROUTE]})
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    page = browser.new_page()
    held = []
    page.route("**/web/*/page.js", lambda route: held.append(route))
    page.goto(f"http://127.0.0.1:{port}/inside/")
    page.wait_for_function("() => document.querySelector('#arrived textarea')?.value === 'both'")
    (route,) = held
    assert route.request.url.startswith(f"http://127.0.0.1:{port}/inside/web/{serve.VERSION}/")
    route.continue_()
    page.wait_for_selector("#viewer .queued")
    assert page.locator("#viewer .memory option").get_attribute("value") == "dent"
    page.close()
    server.should_exit = server.force_exit = True
    thread.join(20)
