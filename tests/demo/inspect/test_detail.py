"""A model that looks closer, on the page: its details, what it sees, and how a look is stopped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from parts import texture
from PIL import Image
from serving import Site
from visiting import arrive, settled, upload, watched

from ddad.diffusion.extractor import Extractor
from ddad.model.checkpoint import BUNDLED
from ddad.score.config import ScoreConfig
from ddad.score.sight import Sight
from ddad.training.fit import Vectors
from demo.shared.models import Models

playwright = pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="module")
def close(tmp_path_factory):
    """The folder of a model whose closest look takes a while, and a photograph."""
    rng = np.random.default_rng(0)
    normals = [texture(rng, 200, 200) for _ in range(6)]
    config = ScoreConfig(feature_size=96).closer((160, 2400))
    made = Vectors.of(normals[:4], Extractor.load(BUNDLED), config, keep=False).detector()
    made = made.calibrate(normals[4:], target_fpr=0.4)
    sights = [
        Sight(size, None, 12, 200.0, 1.0, seconds) for size, seconds in ((9, 0.1), (6, 0.3), (4, 9))
    ]
    every = [
        replace(each, sight=s) for each, s in zip((*made.coarser, made.fitted), sights, strict=True)
    ]
    made = replace(made, fitted=every[-1], coarser=tuple(every[:-1]))
    folder = tmp_path_factory.mktemp("models")
    made.save(folder / "close")
    photograph = folder.parent / "part.png"
    Image.fromarray(texture(rng, 200, 200)).save(photograph)
    return folder, photograph


def test_the_details_of_a_model_are_on_offer(close):
    models = Models(close[0])
    labels, names = zip(*models.offers("close"), strict=True)
    assert names == ("close", "close@1", "close@fast")
    for label, word in zip(labels, ("fine", "middle", "fast"), strict=True):
        assert label.startswith(f"close: {word}, ")
    assert labels[-1] == "close: fast, 0.1 s a picture, sees marks from 9 px"
    assert models.offers("close", "mine (yours)")[0][0].startswith("mine (yours): fine")
    assert models.get("close@fast").config.looks == () and models.get("close").name == "close"
    assert models.judge("close@1", "x").config.looks == (160,)
    assert models.promise("close@fast") != models.promise("close")
    with pytest.raises(ValueError, match="no model"):
        models.get("far@fast")
    with pytest.raises(ValueError):
        models.get("close@7")


def test_a_detail_is_chosen_and_a_long_look_is_stopped(browser, close, tmp_path_factory, request):
    folder, photograph = close
    site = Site(tmp_path_factory.mktemp("site"), folder, OMP_NUM_THREADS="1")
    site.start()
    request.addfinalizer(site.stop)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = watched(context.new_page())
    arrive(page, site.url)
    page.set_default_timeout(90_000)
    page.locator("#upload input[type=file]").set_input_files(photograph)
    page.locator("#cancel").click()  # it goes with the look
    page.wait_for_selector("#viewer .viewer[data-state=empty]")
    page.locator("#cancel").wait_for(state="hidden")
    page.locator("#model input").click()
    page.get_by_role("option", name="close: fast").click()
    assert "fast" in page.locator("#model input").input_value()
    upload(page, "one.png", photograph.read_bytes())
    settled(page, "one.png")
    cards = page.locator("#viewer .strip .look").all_inner_texts()
    assert len(cards) == 3, "the mean and two noise scales, no closer look"
    assert page.locator("#promise").inner_text().startswith("close@fast")
    page.locator("#model input").click()
    page.get_by_role("option", name="close: middle").click()
    upload(page, "two.png", photograph.read_bytes())
    settled(page, "two.png")
    assert "closer look" in page.locator("#viewer .strip").inner_text()
    assert page.locator("#viewer .queued").count() == 2, "nothing is kept of the look that stopped"
    # What a stop says empties a desk with maps on it: by the time that a busy machine has moved a
    # mouse to the button, the look that shows them may be over.
    page.evaluate("document.querySelector('#viewer .viewer').desk.receive({ clear: true })")
    page.wait_for_selector("#viewer .viewer[data-state=empty]")
    context.close()
    assert not page.errors
