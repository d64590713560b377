"""Masks that come in, in a real browser: asked about, put on, undone."""

from __future__ import annotations

import numpy as np
import pytest
from dropping import encoded, marking, photograph
from visiting import reload

playwright = pytest.importorskip("playwright.sync_api")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
WAIT = 60_000
SHAPE = (40, 48)
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def many(page):
    page.set_default_timeout(WAIT)
    page.get_by_role("tab", name="Many images").click()
    page.wait_for_selector(".many")
    return page


def drop(page, **files):
    page.locator("#many-upload input[type=file]").set_input_files(
        [
            {"name": n, "mimeType": "application/octet-stream", "buffer": encoded(data)}
            for n, data in files.items()
        ]
    )


def zipped(entries):
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, pixels in entries.items():
            archive.writestr(name, encoded(pixels))
    return {"name": "set.zip", "mimeType": "application/zip", "buffer": buffer.getvalue()}


def notes(page):
    names = page.locator(".many tbody td.name .text").all_inner_texts()
    return dict(zip(names, page.locator(".many tbody td.note").all_inner_texts(), strict=True))


@pytest.fixture
def asked(many):
    """Two images of one name, and masks of which it is not sure whose they are."""
    images = {f"{folder}/1.png": photograph(i, SHAPE) for i, folder in enumerate("AB")}
    images |= {f"{EVIL[:12]}/2.png": photograph(3, SHAPE)}
    many.locator("#many-upload input[type=file]").set_input_files([zipped(images)])
    many.wait_for_selector(".many .said:has-text('Done')")
    masks = {"1_mask.png": marking(20, SHAPE), "2_mask.png": marking(30, SHAPE)}
    drop(many, **masks)
    many.wait_for_selector(".brought .asked:visible")
    return many


def test_what_is_not_sure_is_asked_used_and_undone_by_keys_and_after_a_reload(asked):
    rows = asked.locator(".brought .asked tbody tr")
    assert rows.count() == 2 and asked.locator(".brought .use").is_disabled()
    assert "2 masks wait for your word" in asked.locator(".brought .said").inner_text()
    several, alone = rows.nth(0), rows.nth(1)
    assert several.locator(".tick").is_disabled() and several.locator("select").input_value() == ""
    assert "several images" in several.locator(".why").inner_text()
    assert alone.locator("select").input_value() != ""  # offered
    assert alone.locator(".tick").is_enabled() and not alone.locator(".tick").is_checked()
    assert not any("mask" in note for note in notes(asked).values())

    reload(asked)
    asked.get_by_role("tab", name="Many images").click()
    asked.wait_for_selector(".brought .asked:visible")
    several.get_by_label("Image of 1_mask.png").select_option(label="B/1.png")
    assert several.locator(".tick").is_checked()
    asked.wait_for_selector(".brought .photograph[src^='data:image/jpeg']")
    alone.locator("select").select_option(label="B/1.png")
    assert "cannot both be the mask of B/1.png" in asked.locator(".brought .trouble").inner_text()
    assert asked.locator(".brought .use").is_disabled()
    alone.locator(".tick").focus()
    asked.keyboard.press("Space")
    assert asked.locator(".brought .ticked").inner_text() == "1 of 2 ticked"
    asked.locator(".brought .use").focus()
    asked.keyboard.press("Enter")
    asked.wait_for_selector(".brought .said:has-text('1 mask put on its image; 1 mask waits')")
    assert "has a true mask" in notes(asked)["B/1.png"] and "mask" not in notes(asked)["A/1.png"]

    reload(asked)
    asked.get_by_role("tab", name="Many images").click()
    asked.locator(".brought .undo").click()
    asked.wait_for_selector(".brought .notes li:has-text('undone')")
    assert asked.locator(".brought .asked").is_hidden()
    assert not any("mask" in note for note in notes(asked).values())
    assert len(notes(asked)) == 3


def test_what_is_left_out_waits_no_longer(asked):
    asked.locator(".brought .leave").click()
    asked.wait_for_selector(".brought .asked", state="hidden")
    assert asked.locator(".brought img[src=x]").count() == 0
    assert not any("mask" in note for note in notes(asked).values())


def test_labels_by_folder_give_the_figures_of_images(many):
    entries = {f"good/{i}.png": photograph(i, SHAPE) for i in range(2)}
    entries |= {f"crack/{i}.png": photograph(9 + i, SHAPE) for i in range(2)}
    many.locator("#many-upload input[type=file]").set_input_files([zipped(entries)])
    many.wait_for_selector(".many .said:has-text('Done')")
    assert set(notes(many).values()) == {"truth: good", "truth: crack, no mask"}
    many.locator("#evaluate button").first.click()
    many.locator("#evaluate-now").click()
    many.wait_for_selector(".evaluation")
    assert "2 good and 2 defective images" in many.locator(".evaluation h3").inner_text()
    assert "Pixel figures want masks" in many.locator(".evaluation .partly").first.inner_text()
    values = many.locator(".evaluation dd").all_inner_texts()
    assert np.isfinite(float(values[0]))  # image AUROC


@pytest.mark.parametrize("width, scheme", [(400, "dark"), (1280, "light")])
def test_nothing_overflows(asked, width, scheme):
    asked.emulate_media(color_scheme=scheme)
    asked.set_viewport_size({"width": width, "height": 800})
    asked.wait_for_timeout(500)
    wide = asked.evaluate(
        """() => [...document.querySelectorAll('.brought *')]
        .filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.className)"""
    )
    assert wide == []
    assert asked.evaluate("document.documentElement.scrollWidth") <= width
