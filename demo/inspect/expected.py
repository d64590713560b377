"""What the model expected of the image on the desk, and how sure it was: pictures of its posterior.

At a noise scale that the visitor chooses: beside the photograph the picture that the U-Net makes of
what the noise left, and beside its features those that the mixture of normal ones makes; each with
the deviation that the model gives its own answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np
from scipy.ndimage import gaussian_filter

from ddad.export.render import heat
from demo.page import HEAVY, PRIVATE, QUIET, Page, problem
from demo.shared.pictures import picture_file

if TYPE_CHECKING:
    from ddad.score.posterior import Posterior

NOISES = {"a little": 49, "some": 157, "much": 367, "nearly all": 600}
"""What is offered, and the timestep that it is."""
SHOWN = 640
"""Longest side of a picture, pixels."""
WORDS = {
    "pixel": ("Expected pixels", "How unsure of them"),
    "feature": ("Features as they are", "Expected features", "How unsure of them"),
}


def panel(page: Page) -> None:
    """Lay out the panel and wire it to the image on the desk."""
    with gr.Column(elem_id="expectation", visible=False) as box:
        with gr.Row(elem_id="expect-row"):
            choice = gr.Radio(
                list(NOISES),
                value="much",
                label="Noise that hides the photograph",
                info="The more is hidden, the more the model tells from what good parts look like.",
                elem_id="expect-noise",
                scale=2,
            )
            show = gr.Button("Show what the model expected", elem_id="expect")
        said = gr.HTML("", elem_id="expectation-said")
        pictures = gr.Gallery(
            visible=False,
            label="What the model expected, and how sure it was",
            columns=5,
            height="auto",
            object_fit="contain",
            interactive=False,
            buttons=["download", "fullscreen"],
            elem_id="expected",
        )

    def expect(session: str | None, current: str | None, noise: str) -> tuple[Any, str]:
        return _expected(page, session, current, NOISES.get(noise, NOISES["much"]))

    def leave(current: str | None) -> tuple[Any, str, Any]:
        return gr.update(visible=bool(current)), "", gr.update(visible=False, value=[])

    show.click(
        page.turns.shared(expect),
        [page.session, page.current, choice],
        [pictures, said],
        show_progress_on=said,
        **HEAVY,
        **PRIVATE,
    )
    page.current.change(leave, page.current, [box, said, pictures], **QUIET)


def _expected(page: Page, session_id: str | None, current: str | None, t: int) -> tuple[Any, str]:
    """The gallery and the sentence above it, or why there is none."""
    try:
        session = page.store.open(session_id)
        item = session.item(current or "")
        if item.result is None:
            raise ValueError("this image has no result yet")
        detector = page.models.judge(item.result.model, session.id)
        found = detector.posterior(session.pixels(item.id), t)
    except ValueError as error:
        return gr.update(visible=False, value=[]), problem(error)
    shown = [each for branch in WORDS if branch in found for each in pictures(found[branch])]
    hidden = 100 * detector.scheduler.noise_std(t)
    text = f"<p>Noise of {hidden:.0f} % of the signal's range (t = {t}). Bright is unsure.</p>"
    return gr.update(visible=True, value=shown), text


def pictures(posterior: Posterior) -> list[tuple[str, str]]:
    """Files and captions: what was expected, for features also what there is, and the deviation."""
    seen, mean = posterior.colours()
    unsure = posterior.deviation
    if posterior.branch == "pixel":  # the U-Net sees blocks of pixels, which would show as a grid
        unsure = gaussian_filter(unsure, 3)
    low, high = (float(v) for v in np.quantile(unsure, (0.02, 0.995)))
    shown = [mean, heat(unsure, low, high)]
    if posterior.branch == "feature":
        shown = [seen, *shown]
    named = zip(shown, WORDS[posterior.branch], strict=True)
    return [(picture_file(_enlarged(each), "expected.png"), words) for each, words in named]


def _enlarged(picture: np.ndarray) -> np.ndarray:
    """A small grid with its cells as squares."""
    factor = max(1, SHOWN // max(picture.shape[:2]))
    return picture.repeat(factor, 0).repeat(factor, 1)
