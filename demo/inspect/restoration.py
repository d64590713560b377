"""Below the desk: the part as it should have been, on request.

One button runs the gradient denoising of the image on the desk, in the queue of all model work.
Its steps are shown as they come and kept, small, for the visitor to go back and forth in.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np
from PIL import Image

from ddad.export.render import difference
from ddad.images.decode import ImageError, load_image
from demo.page import HEAVY, LIGHT, PRIVATE, Page, picture_file, problem, without_folder
from demo.shared.gpu import lent
from demo.shared.models import Models

if TYPE_CHECKING:
    from ddad.model.detector import Detector

FRAME, SHOWN = 512, 1600
"""Longest side, pixels, of a kept step and of a shown result."""
EXTRACTOR = 2.0
"""What a pass of the extractor takes, in passes of the U-Net; half of the budget is its."""


def panel(page: Page) -> None:
    """Lay out the panel and wire it to the image on the desk."""
    frames = gr.State([], time_to_live=3600)
    halts: dict[str, threading.Event] = {}
    passes: dict[tuple[str, int, int], float] = {}
    with gr.Column(elem_id="restoration", visible=False) as box:
        said = gr.HTML("", elem_id="restoration-said")
        with gr.Row(elem_id="restore-row"):
            depth = gr.Slider(
                *(100, 900, 400),
                step=100,
                label="Noise it starts from",
                info="More draws large or deep defects anew, less stays closer to the photograph.",
                elem_id="restore-t",
                buttons=[],
                scale=2,
            )
            show = gr.Button("Show the normal version", variant="primary", elem_id="restore")
            stop = gr.Button("Stop", elem_id="restore-stop", visible=False)
        pictures, sides, change, way, frame, step = _pictures()

    outputs = [frames, said, show, stop, pictures, sides, change, way, frame, step]

    def run(session: str | None, current: str | None, t: Any) -> Iterator[dict[Any, Any]]:
        from ddad.score.config import RestoreConfig

        kept: list[str] = []
        try:
            mine = page.store.open(session)
            item = mine.item(current or "")
            if item.result is None:
                raise ValueError("this image has no result yet")
            detector, pixels = page.models.get(item.result.model), mine.pixels(item.id)
            halt = halts[mine.id] = threading.Event()
            yield {
                **{frames: kept, said: "<p>Looking at the image…</p>"},
                **{show: gr.update(interactive=False), stop: gr.update(visible=True)},
                **{pictures: gr.update(visible=False), way: gr.update(visible=False)},
            }
            started = time.monotonic()
            for now in detector.restore(pixels, RestoreConfig(t=int(t))):
                if halt.is_set():
                    text = _stopped(len(kept) - 1)
                    break
                reached = now.image
                kept.append(picture_file(reached, "step.webp", FRAME))
                text = _progress(now, time.monotonic() - started, item.result.threshold)
                yield {
                    **{frames: kept, said: text, frame: kept[-1], way: gr.update(visible=True)},
                    step: gr.update(maximum=max(now.total, 1), value=now.step, interactive=False),
                }
            yield finished(kept, text) | (compared(pixels, reached) if len(kept) > 1 else {})
        except ValueError as error:
            yield finished([], problem(error))
        finally:
            halts.pop(session or "", None)

    def finished(kept: list[str], text: str) -> dict[Any, Any]:
        """What a run leaves, whole or stopped: its steps to go through."""
        some = len(kept) > 1
        return {
            **{said: text, show: gr.update(interactive=True), stop: gr.update(visible=False)},
            **{pictures: gr.update(visible=some), way: gr.update(visible=some)},
            step: gr.update(maximum=max(len(kept) - 1, 1), value=len(kept) - 1, interactive=True),
        }

    def compared(before: np.ndarray, after: np.ndarray) -> dict[Any, Any]:
        before, after = _small(before), _small(after)
        return {
            sides: (picture_file(before, "before.webp"), picture_file(after, "after.webp")),
            change: picture_file(difference(before, after), "change.webp"),
        }

    def stop_it(session: str | None) -> None:
        if session in halts:
            halts[session].set()

    def follow(session: str | None, current: str | None) -> dict[Any, Any]:
        """Another image is on the desk: what was shown of the last one goes."""
        text, can = _offer(page, session, current, passes)
        return finished([], text) | {
            **{box: gr.update(visible=bool(text)), frames: [], sides: None, frame: None},
            **{show: gr.update(visible=can, interactive=True), depth: gr.update(visible=can)},
        }

    def look(kept: list[str], number: float) -> Any:
        number = int(number)
        if not 0 <= number < len(kept) or not Path(kept[number]).exists():
            return gr.skip()  # the page deletes files after an hour
        return kept[number]

    going = show.click(
        run,
        [page.session, page.current, depth],
        outputs,
        show_progress="minimal",  # the place in the queue; the steps say the rest
        show_progress_on=said,
        **HEAVY,
        **PRIVATE,
    )
    # The run itself ends at its next step: were it cancelled, a step under way could arrive after.
    stop.click(stop_it, page.session, None, **LIGHT, **PRIVATE)
    page.current.change(
        follow,
        [page.session, page.current],
        [box, depth, *outputs],
        cancels=[going],
        **LIGHT,
        **PRIVATE,
    )
    step.input(look, [frames, step], frame, trigger_mode="always_last", **LIGHT, **PRIVATE)


def _pictures() -> tuple[Any, ...]:
    """Lay out what a run shows: before and after with what changed; the step on the way."""
    with gr.Row(elem_id="restored"):
        with gr.Column(scale=2, min_width=320, visible=False) as pictures, gr.Row():
            sides = gr.ImageSlider(
                label="Before and after",
                interactive=False,
                buttons=["download", "fullscreen"],
                min_width=250,
                elem_id="before-after",
            )
            change = gr.Image(
                label="What changed (bright: much)",
                interactive=False,
                buttons=["download", "fullscreen"],
                min_width=250,
                elem_id="change",
            )
        with gr.Column(scale=1, min_width=250, visible=False) as way:
            frame = gr.Image(
                label="On the way",
                interactive=False,
                buttons=["download", "fullscreen"],
                elem_id="frame",
            )
            step = gr.Slider(0, 1, 0, step=1, label="Step", buttons=[], elem_id="step")
    return pictures, sides, change, way, frame, step


def _stopped(steps: int) -> str:
    if steps < 1:
        return "<p>Stopped before the first step.</p>"
    return f"<p>Stopped after {steps} step{'s' * (steps > 1)}. What was reached is shown.</p>"


def _offer(
    page: Page,
    session: str | None,
    current: str | None,
    passes: dict[tuple[str, int, int], float],
) -> tuple[str, bool]:
    """What to say above the button, nothing where no image is on the desk; whether it can run.

    `passes` keeps what a pass of a model's U-Net takes at a size, so that it is measured once.
    """
    if not current:
        return "", False
    try:
        item = page.store.open(session).item(current)
        if item.result is None:
            return "", False
        detector = page.models.get(item.result.model)
    except ValueError:
        return "", False
    if detector.unet is None:
        return "<p>This model has no pixel branch, so it cannot draw a normal version.</p>", False
    if item.result.score <= item.result.threshold:
        return "<p>Nothing here is above the threshold: this is its normal version.</p>", False
    from ddad.images.geometry import model_shape

    size = model_shape((item.height, item.width), detector.config.size, 8)
    key = (detector.fingerprint, *size)
    if key not in passes:
        passes[key] = _pass(detector, size)
    least, most = _seconds(passes[key])
    return (
        "<p>What would it look like as a good part? "
        f"Takes <b>{least} to {most} seconds</b> on this machine.</p>"
    ), True


def _pass(detector: Detector, size: tuple[int, int]) -> float:
    """Seconds that a pass of the U-Net takes at a size: the second, as the first one prepares."""
    import torch

    assert detector.unet is not None
    x, t = torch.zeros(1, 3, *size, device=detector.device), torch.tensor([1])
    took = []
    with torch.inference_mode():
        for _ in range(2):
            started = time.perf_counter()
            detector.unet(x, t.to(x.device))
            took.append(time.perf_counter() - started)
    return min(took)


def _seconds(once: float) -> tuple[int, int]:
    """Least and most that a run takes, from one pass of the U-Net: where it succeeds at once, a
    quarter of its evaluations and the scoring; else all of them, half of the extractor."""
    from ddad.score.config import RestoreConfig

    every = RestoreConfig().evaluations
    least = max(1, round(once * every / 3))
    return least, max(least + 1, round(every * once * (1 + EXTRACTOR) / 2))


def _progress(now: Any, seconds: float, threshold: float) -> str:
    if now.total == 0:
        return "<p>Nothing here is above the threshold: this is its normal version.</p>"
    if now.done:
        verdict = "now passes as good" if now.score <= threshold else "is still above the threshold"
        return (
            f"<p>Done in {seconds:.0f} seconds: the score is <b>{now.score:.2f}</b> and {verdict} "
            f"({threshold:.2f}). It is what the model expects here, not what was there.</p>"
        )
    left = ""
    if now.step:
        left = f", about {max(1, round(seconds / now.step * (now.total - now.step)))} s left"
    return f"<p>Step {now.step} of {now.total}{left}</p>"


def _small(pixels: np.ndarray) -> np.ndarray:
    image = Image.fromarray(pixels)
    image.thumbnail((SHOWN, SHOWN))
    return np.asarray(image)


def endpoint(models: Models) -> None:
    """The public `/restore`, for `gradio_client`."""
    with gr.Group(visible=False):
        image = gr.File(label="image", type="filepath")
        model = gr.Textbox(models.names[0] if models.names else "", label="model")
        result = gr.JSON(label="result")
        restored = gr.Image(label="restored", format="png")
        button = gr.Button()

    @lent(60)
    def restore(image: str, model: str = model.value) -> tuple[dict[str, Any], Any]:
        """Turn a photograph of a part with a defect into the part as it should have been.

        Args:
            image: The photograph, a file: PNG, JPEG, TIFF, WebP or BMP, 8 or 16 bit.
            model: Name of the model, one of those on offer on the page, with a pixel branch.

        Returns:
            model; score_before and score_after; threshold; evaluations of networks. And the
            restored image, a PNG of the image's size in the orientation viewers show.
        """
        path = Path(image or "")
        try:
            if image is None:
                raise ImageError("no image was given")
            loaded, detector = load_image(path), models.get(model)
            first, *others = detector.restore(loaded.pixels)
        except ValueError as error:
            raise gr.Error(without_folder(error, path), print_exception=False) from error
        last = others[-1] if others else first
        return {
            "model": detector.name,
            "score_before": first.score,
            "score_after": last.score,
            "threshold": detector.calibration.threshold,
            "evaluations": last.evaluations,
        }, picture_file(last.image, "restored.png")

    button.click(restore, [image, model], [result, restored], api_name="restore", **HEAVY)
