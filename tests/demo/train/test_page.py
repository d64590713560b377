"""The Train tab in a real browser: from photographs to a model, with real clicks."""

from __future__ import annotations

import shutil
import zipfile

import gradio as gr
import numpy as np
import pytest
from parts import spoil, texture
from PIL import Image
from serving import Site

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def site(tiny_checkpoint, tiny_backbone, tmp_path_factory):
    root = tmp_path_factory.mktemp("site")
    shutil.copytree(tiny_checkpoint, root / "models" / "stripes")
    # A backbone of nothing, so that a training takes seconds; large maps, so that it lasts.
    flags = f"--extractor {tiny_backbone} --feature-size 160"
    site = Site(root, root / "models", DDAD_TRAIN_FLAGS=flags, OMP_NUM_THREADS="1")
    site.start()
    yield site
    site.stop()


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A ZIP of 17 good parts, one of them twice, and a file that is no image."""
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(4)
    with zipfile.ZipFile(folder / "parts.zip", "w") as archive:
        for i in range(17):
            file = folder / f"part{i:02}.png"
            Image.fromarray(texture(rng)).save(file)
            archive.write(file, f"good/{file.name}")
        archive.write(folder / "part03.png", "good/again.png")
        archive.writestr("good/broken.png", b"nothing")
    for name in ("alarm.png", "other.png"):
        Image.fromarray(spoil(texture(rng), rng)[0]).save(folder / name)
    return folder


@pytest.fixture(scope="module")
def page(browser, site):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(90_000)
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    open_tab(page, site)
    yield page
    context.close()
    assert not wrong


def open_tab(page, site):
    page.goto(site.url)
    page.get_by_role("tab", name="Train your own").click()
    page.wait_for_selector("#train-steps")


def text(page, selector):
    return page.locator(selector).inner_text()


def test_from_a_zip_of_photographs_to_a_model(page, site, photos, tmp_path):
    upload = page.locator("#train-upload input[type=file]")
    upload.set_input_files(photos / "parts.zip")
    page.wait_for_function(
        "() => document.querySelector('#train-kept').innerText.includes('19 photographs')"
    )
    page.locator("#train-look").click()
    page.wait_for_selector("#train-findings .finding")
    findings = page.locator("#train-findings .finding").all_inner_texts()
    assert any("exact copy" in f and ("again.png" in f or "part03.png" in f) for f in findings)
    assert any("cannot be read" in f and "broken.png" in f for f in findings)
    assert page.locator("#train-findings :checked").count() == 2
    assert "Counted as 17 parts" in text(page, "#train-findings")
    page.locator("#train-leave").click()
    page.wait_for_function(
        "() => !document.querySelector('#train-findings').innerText.includes('exact copy')"
    )
    page.locator("#train-go").click()
    assert "17 photographs: about" in text(page, "#train-time")
    page.get_by_label("Scores alone").check()  # normal versions want minutes
    page.locator("#train-name input, #train-name textarea").fill("stripes-2")
    page.locator("#train-start").click()
    page.wait_for_selector("#train-live .bar")
    assert "stripes-2" in text(page, "#train-live")

    # The server dies in the middle; the training is its own process and goes on.
    site.kill()
    page.goto("about:blank")  # or the old page may load itself anew in the middle of ours
    site.start()
    open_tab(page, site)
    page.wait_for_function(
        "() => document.querySelector('#train-result')?.innerText.includes('good parts')"
    )
    said = text(page, "#train-result")
    assert "from 17 held-out normals: it marks about 5.6 % of good parts" in said
    assert "An estimate, from painted defects" in said
    assert page.locator("#train-result .plotted rect").count() > 3
    assert page.locator("#train-result .previews img").count() >= 4

    with page.expect_download() as arriving:
        page.locator("#train-zip").click()
    arriving.value.save_as(tmp_path / "model.zip")
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        names = archive.namelist()
    assert "ddad.json" in names and "features/mixture.safetensors" in names
    assert not [n for n in names if n.startswith("run/") or "safetensors" not in n and "." not in n]


def test_the_model_is_in_this_visitors_picker_alone(page, browser, site, photos):
    page.locator("#train-use").click()
    picker = page.locator("#model input")
    page.wait_for_function(
        "() => document.querySelector('#model input').value === 'stripes-2 (yours)'"
    )
    assert picker.input_value() == "stripes-2 (yours)"
    # The desk has the model, and a photograph with a painted defect to try it with.
    page.wait_for_function(
        "() => { const now = document.querySelector('#viewer .viewer').desk.state();"
        " return now?.found && now.model === 'stripes-2' && /^2_\\w+\\.png$/.test(now.name); }"
    )
    page.locator("#upload input[type=file]").set_input_files(photos / "alarm.png")
    page.wait_for_selector(".viewer[data-verdict=bad]")
    page.locator("#desk-alarm").click()
    page.wait_for_selector("#desk-alarm-said .kept")
    assert "1 normals added: threshold" in text(page, "#desk-alarm-said")
    other = browser.new_page()
    other.goto(site.url)
    other.locator("#model input").click()
    options = other.get_by_role("listbox").get_by_role("option").all_inner_texts()
    assert [o.strip(" ✓\n") for o in options] == ["stripes"]
    other.close()


def test_a_false_alarm_moves_the_threshold(page, photos):
    page.get_by_role("tab", name="Train your own").click()
    page.locator("#train-steps").get_by_text("Result", exact=True).first.click()
    before = text(page, "#train-result")
    page.locator("#train-alarm button").first.click()
    page.locator("#train-alarms input[type=file]").set_input_files(photos / "other.png")
    page.wait_for_selector("#train-alarm-said .kept")
    assert "1 normals added: threshold" in text(page, "#train-alarm-said")
    assert (
        "19 held-out normals" in text(page, "#train-result")
        and text(page, "#train-result") != before
    )


def test_a_training_can_be_paused_and_deleted(page):
    page.locator("#train-steps").get_by_text("Train", exact=True).first.click()
    page.locator("#train-name input, #train-name textarea").fill("stripes-3")
    page.locator("#train-start").click()
    page.wait_for_selector("#train-pause:visible")
    page.locator("#train-pause").click()
    page.wait_for_selector("#train-resume:visible")
    assert "stripes-3" in text(page, "#train-live") and "paused" in text(page, "#train-live")
    page.locator("#train-cancel").click()
    page.wait_for_selector("#train-start:visible")
    assert "No training yet" in text(page, "#train-live")


def test_photographs_dropped_at_the_desk_are_learned_from(page, photos):
    page.get_by_role("tab", name="Inspect").click()
    files = [photos / f"part{i:02}.png" for i in range(8)]
    for way in ("neither", "learn"):  # asked again after a drop that was thought better of
        page.locator("#viewer .files-in").set_input_files(files)
        page.wait_for_selector("#viewer .asking[open]")
        assert text(page, "#viewer .asking-head") == "8 photographs"
        if way == "neither":
            page.keyboard.press("Escape")
            page.wait_for_selector("#viewer .asking", state="hidden")
    assert text(page, "#viewer .ask-judge") == "Judge them with stripes-2 (yours)"
    page.locator("#viewer .ask-keep").check()
    page.locator("#viewer .ask-learn").click()
    page.wait_for_selector("#viewer .learning:not([hidden])")
    assert "Learning part-1 from 8 photographs" in text(page, "#viewer .learning-what")
    page.wait_for_function(
        "() => document.querySelector('#model input').value === 'part-1 (yours)'"
    )
    page.wait_for_function(
        "() => { const now = document.querySelector('#viewer .viewer').desk.state();"
        " return now?.found && now.model === 'part-1'; }"
    )
    page.wait_for_selector("#viewer .learning", state="hidden")
    page.locator("#viewer .as-good:has-text('This place on good parts')").click()
    page.wait_for_function("() => document.querySelectorAll('#viewer .like-row img').length === 4")
    assert text(page, "#viewer .like-row").split() == [
        "this",
        "part",
        "good",
        "part",
        "1",
        "good",
        "part",
        "2",
        "good",
        "part",
        "3",
    ]
    page.keyboard.press("n")
    page.wait_for_selector("#viewer .like", state="hidden")


def test_a_browser_of_the_version_before_finds_its_models(
    browser, tiny_checkpoint, tmp_path_factory
):
    """Where photographs and models had a key of their own, which the browser still holds."""
    root, key = tmp_path_factory.mktemp("earlier"), "0123456789abcdef" * 2
    shutil.copytree(tiny_checkpoint, root / "models" / "stripes")
    folder = root / "work" / "training" / key
    shutil.copytree(tiny_checkpoint, folder / "models" / "mine")
    (folder / "photos").mkdir()
    (folder / "photos" / "00.png").write_bytes(b"x")
    (folder / "photos" / "names.json").write_text('{"00.png": "part.png"}')
    site = Site(root, root / "models")
    with gr.Blocks() as before:
        held = gr.BrowserState(None, storage_key="ddad-workshop", secret="ddad-workshop-key")
        before.load(lambda: key, None, held)
    before.launch(server_port=int(site.url.rsplit(":", 1)[1]), prevent_thread_lock=True, quiet=True)
    page = browser.new_page()
    page.set_default_timeout(90_000)
    page.goto(site.url)
    page.wait_for_function("() => localStorage.getItem('ddad-workshop')?.length > 8")
    before.close()
    site.start()
    for _ in range(2):  # joined, and still there when the page is loaded again
        open_tab(page, site)
        page.wait_for_function(
            "() => document.querySelector('#train-mine input')?.value === 'mine'"
        )
        page.locator("#model input").click()
        options = page.get_by_role("listbox").get_by_role("option").all_inner_texts()
        assert [each.strip(" ✓\n") for each in options] == ["stripes", "mine (yours)"]
        page.locator("#train-steps").get_by_text("Photographs", exact=True).first.click()
        page.wait_for_selector("#train-kept:has-text('1 photograph')")
        assert [path.name for path in (root / "work" / "sessions").iterdir()] != [key]
    page.locator("#train-clear").click()
    page.locator("#train-forget").click()
    page.wait_for_selector("#train-forget", state="hidden")
    assert not [*(root / "work").rglob("00.png")]
    page.close()
    site.stop()
