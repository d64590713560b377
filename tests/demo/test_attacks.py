"""What strangers send: scripts in models, names and labels; events no page sends; six at once."""

from __future__ import annotations

import json
import shutil
import threading
import time
import zipfile

import httpx
import numpy as np
import pytest
from PIL import Image
from serving import Site
from visiting import arrive, pick, watched

from benchmarks.doors import EVENTS, JUNK
from ddad.export.bundle import FORMATS
from ddad.images.regions import RegionLabel
from ddad.model.package import checkpoint_zip
from demo.shared import exchange
from demo.store.store import Store
from demo.train.taking import take_in

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
SCRIPT = '"\'><img src=x onerror="window.hit=1"><script>window.hit=2</script>'
AWAY = "http://192.0.2.7/spy.png"


@pytest.fixture
def hostile(tiny_checkpoint, tmp_path):
    """A model's ZIP that scores as it should, and speaks in scripts and pictures from the web."""
    folder = tmp_path / "models" / "mine"
    shutil.copytree(tiny_checkpoint, folder)
    (folder / "README.md").write_text(
        f"# Mine {SCRIPT}\n\n![spy]({AWAY})\n<img src='{AWAY}'>\n[go](javascript:window.hit=3)\n"
    )
    names = ("normals", "image_auroc", "pixel_auroc", "aupro", "painted_over_threshold")
    (folder / "metrics.json").write_text(json.dumps({"estimate": dict.fromkeys(names, SCRIPT)}))
    (folder / "maps").mkdir(exist_ok=True)
    (folder / "maps" / "1_good.png").write_bytes(f"<svg onload='window.hit=4'>{SCRIPT}".encode())
    return checkpoint_zip(folder, tmp_path / "mine.zip")


def test_a_strangers_model_runs_no_script_and_loads_nothing(browser, site, hostile):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, away = watched(context.new_page()), []
    page.on(
        "request", lambda r: None if r.url.startswith((site, "data:", "blob:")) else away.append(r)
    )
    page.set_default_timeout(60_000)
    arrive(page, site)
    page.get_by_role("tab", name="Train your own").click()
    page.get_by_text("Or load a model that you downloaded").first.click()
    page.locator("#train-bring input[type=file]").set_input_files(str(hostile))
    page.wait_for_selector("#train-result .facts")
    assert page.locator("#train-result dd").all_inner_texts() == ["none"] * 4
    page.locator("#train-use").click()
    page.wait_for_selector("#viewer .viewer[data-state=full]")
    page.locator("#about button").first.click()
    page.wait_for_selector("#about :text('Mine')")
    page.wait_for_timeout(500)
    assert page.evaluate("() => window.hit") is None
    refused = [each for each in away if each.failure is None]
    assert not refused, refused
    context.close()


def test_scripts_in_names_and_labels_stay_texts_in_every_export(browser, tiny_detector, tmp_path):
    session = Store(tmp_path / "work").open(None)
    pixels = np.random.default_rng(0).integers(0, 255, (40, 48, 3), np.uint8)
    item = session.add(f"{SCRIPT}.png", pixels, f"note {SCRIPT}")
    session.record(item.id, tiny_detector.detect([pixels])[0], tiny_detector)
    mask = np.zeros((40, 48), bool)
    mask[5:15, 5:30] = True
    labels = [RegionLabel(6, 6, SCRIPT[:60])]
    session.name_classes([SCRIPT[:60]])
    session.review(
        item.id, mask=mask, threshold=1, decision="defective", regions=labels, reviewer=SCRIPT
    )
    exchange.export(session, FORMATS, tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        archive.extractall(tmp_path / "all")
    page, opened = browser.new_page(), list[str]()
    away: list[str] = []
    page.on(
        "request", lambda r: None if r.url.startswith(("file:", "data:")) else away.append(r.url)
    )
    page.on("dialog", lambda dialog: away.append("a dialog"))
    for file in sorted((tmp_path / "all").rglob("*")):
        if file.suffix in (".html", ".json", ".xml", ".svg", ".txt"):  # others are downloaded
            page.goto(file.as_uri())
            page.wait_for_timeout(100)
            assert page.evaluate("() => window.hit") is None, file.name
            opened.append(file.suffix)
    assert ".html" in opened and len(opened) >= 5 and not away
    page.close()


def test_six_visits_at_once_lose_no_photograph(tmp_path):
    """A second ZIP adds and never replaces, whatever its files are called."""
    store, zips = Store(tmp_path / "work"), []
    session = store.open(None)
    for number in range(6):
        path = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for n in range(20):
                file = tmp_path / "a.png"
                Image.fromarray(np.full((16, 16, 3), number * 20 + n, np.uint8)).save(file)
                archive.write(file, f"{n}.png")
        zips.append(path)
    wrong: list[BaseException] = []

    def take(path):
        try:
            take_in(store.open(session.id).photographs, [path])
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=take, args=(path,)) for path in zips]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and len(session.photographs.names()) == 120
    greys = {int(np.asarray(Image.open(f))[0, 0, 0]) for f in session.photographs.files()}
    assert len(greys) == 120
    take_in(session.photographs, [zips[0]])
    assert len(session.photographs.names()) == 140


def test_events_that_no_page_sends_are_answered_and_leave_no_traceback(tiny_checkpoint, tmp_path):
    site = Site(tmp_path, tiny_checkpoint.parent, DDAD_PROXY="*")
    site.start()
    with httpx.Client(base_url=site.url, timeout=60) as client:
        client.get("/")
        events = client.get("/config").json()["dependencies"]
        rng, sent = np.random.default_rng(0), 0
        for event in events:
            for _ in range(3):
                data = [JUNK[rng.integers(len(JUNK))] for _ in event["inputs"]]
                body = {"data": data, "fn_index": event["id"], "session_hash": f"junk{sent}"}
                body["event_data"] = EVENTS[rng.integers(len(EVENTS))]
                address = {"x-forwarded-for": f"10.0.{sent // 200}.{sent % 200}"}
                answer = client.post("/gradio_api/queue/join", json=body, headers=address)
                assert answer.status_code in (200, 400, 422)
                sent += 1
        halves = b'{"data": ["\\ud800"], "fn_index": 1, "session_hash": "a"}'
        for path in ("queue/join", "component_server"):
            typed = {"content-type": "application/json", "x-forwarded-for": "10.9.9.9"}
            answer = client.post(f"/gradio_api/{path}", content=halves, headers=typed)
            assert answer.status_code == 400 and "halves of characters" in answer.text
        time.sleep(5)
        assert client.get("/").status_code == 200
        for visit in range(sent):  # Gradio's deep links would write all that a visit was sent
            client.get("/gradio_api/deep_link", params={"session_hash": f"junk{visit}"})
    site.kill()
    assert {file.read_bytes() for file in tmp_path.rglob("state.json")} == {b"[]"}
    said = site.log.read_text()
    assert sent > 250 and "Traceback" not in said, said[said.index("Traceback") :][:3000]


def test_what_was_brought_is_shown_as_text_on_the_desk(page, site):
    pick(page, 1)
    page.locator("#viewer .add-class").fill(SCRIPT[:60])
    page.locator("#viewer .add-class").press("Enter")
    page.wait_for_selector("#viewer .class-chip")
    assert page.evaluate("() => window.hit") is None
