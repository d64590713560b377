"""The public endpoints, for `gradio_client` and as MCP tools.

Their components exist only to give them types; their docstrings are their documentation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import gradio as gr
import numpy as np

from ddad.images.decode import ImageError, LoadedImage, load_image
from ddad.images.regions import find_regions
from demo.front.turns import Turns, share
from demo.page import HEAVY, without_folder
from demo.shared.gpu import lent
from demo.shared.models import Models
from demo.shared.pictures import READABLE, picture_file

if TYPE_CHECKING:
    from ddad.model.detection import Detection
    from ddad.model.detector import Detector

Function = TypeVar("Function", bound=Callable[..., Any])


def endpoints(models: Models, turns: Turns) -> None:
    """The public `/score`, `/mask` and `/restore`."""
    default = models.names[0] if models.names else ""
    with gr.Group(visible=False):
        image = gr.File(label="image", type="filepath")
        model = gr.Textbox(default, label="model")
        threshold = gr.Number(None, label="threshold")
        result = gr.JSON(label="result")
        picture = gr.Image(label="mask", format="png", image_mode="L")
        restored = gr.Image(label="restored", format="png")
        run = gr.Button()
    inputs = [image, model, threshold]
    score, mask, restore = (
        turns.shared(make(models, default)) for make in (_score, _mask, _restore)
    )
    run.click(score, inputs, result, api_name="score", **HEAVY)
    run.click(mask, inputs, picture, api_name="mask", **HEAVY)
    run.click(restore, [image, model], [result, restored], api_name="restore", **HEAVY)


def _documented(function: Function) -> Function:
    """Say in its docstring what may be sent."""
    assert function.__doc__
    function.__doc__ = function.__doc__.replace("READABLE", READABLE)
    return function


def _score(models: Models, default: str) -> Callable[..., Any]:
    @lent(15)
    @_documented
    def score(image: str, model: str = default, threshold: float | None = None) -> dict[str, Any]:
        """Say how anomalous a photograph of a part is, and where.

        Args:
            image: The photograph, a file: READABLE.
            model: Name of the model, one of those on offer on the page.
            threshold: Score above which a pixel is marked; the model's calibrated one if left out.

        Returns:
            model; width and height of the image; score, its highest map value, or more where parts
            are missing or too many; threshold; anomalous, whether the score is above it;
            amiss, in sentences what there is less or more of; area_fraction, the marked share;
            familiar, false where the photograph is not of the kind that the model learned from
            (another part, camera, light, focus or scale): then anomalous says nothing of a defect;
            strangeness, the share of it that is unlike them, 0.75 at most for familiar ones;
            promise of the calibrated threshold (the share of new good parts above it, between low
            and high, of so many parts; null where none can be made); timestep_means, the mean of
            each noise scale's map; regions, loudest first, each with area in pixels, bbox as x, y,
            width, height, centroid as x, y, peak and mean score; note on how the file was read, and
            on why small defects may be missed in it; sees, how small a spot the model finds.
        """
        at = _number(threshold)
        with _told(image):
            detector, loaded = _opened(models, image, model)
            (found,) = detector.detect([loaded.pixels])
            notes = filter(None, (loaded.note, detector.doubt(loaded.pixels)))
        return _result(detector, found, at, "; ".join(notes))

    return score


def _mask(models: Models, default: str) -> Callable[..., Any]:
    @_documented
    def mask(image: str, model: str = default, threshold: float | None = None) -> str:
        """Mark the anomalous pixels of a photograph of a part.

        Args:
            image: The photograph, a file: READABLE.
            model: Name of the model, one of those on offer on the page.
            threshold: Score above which a pixel is marked; the model's calibrated one if left out.

        Returns:
            A PNG of the image's size in the orientation viewers show: 255 where it is marked,
            else 0. Its text `ddad:verdict` is JSON of anomalous, amiss, familiar and strangeness,
            as /score says them: a mask of a photograph that is not familiar marks no defect.
        """
        at = _number(threshold)
        with _told(image):
            detector, loaded = _opened(models, image, model)
            (found,) = detector.detect([loaded.pixels])
        marked = found.mask(at)
        told = {"ddad:verdict": json.dumps(_verdict(found, at))}
        return picture_file(marked.astype(np.uint8) * 255, "mask.png", told=told)

    return mask


def _restore(models: Models, default: str) -> Callable[..., Any]:
    @lent(60)
    @_documented
    def restore(image: str, model: str = default) -> tuple[dict[str, Any], Any]:
        """Turn a photograph of a part with a defect into the part as it should have been.

        Args:
            image: The photograph, a file: READABLE.
            model: Name of the model, one of those on offer on the page, with a pixel branch.

        Returns:
            model; score_before and score_after; threshold; evaluations of networks. And the
            restored image, a PNG of the image's size in the orientation viewers show.
        """
        with _told(image):
            detector, loaded = _opened(models, image, model)
            first = last = None
            for last in detector.restore(loaded.pixels):
                first = first or last
                share()
        assert first is not None and last is not None
        return {
            "model": detector.name,
            "score_before": first.score,
            "score_after": last.score,
            "threshold": detector.calibration.threshold,
            "evaluations": last.evaluations,
        }, picture_file(last.image, "restored.png")

    return restore


def _number(threshold: object) -> float | None:
    """The threshold as a number. Raises gr.Error for what is none, such as text or infinity."""
    if threshold is None:
        return None
    if not isinstance(threshold, int | float) or not abs(threshold) < 1e9:
        raise gr.Error("the threshold is a number of less than 10 digits", print_exception=False)
    return float(threshold)


@contextmanager
def _told(image: str | None) -> Iterator[None]:
    """A ValueError about a file reaches the caller as a sentence, without the server's folders."""
    try:
        yield
    except ValueError as error:
        sentence = without_folder(error, Path(image or ""))
        raise gr.Error(sentence, print_exception=False) from error


def _opened(models: Models, image: str | None, model: str) -> tuple[Detector, LoadedImage]:
    """The image and the model. Raises ValueError, one sentence."""
    if image is None:
        raise ImageError("no image was given")
    detector = models.get(model)
    return detector, load_image(image, levels=detector.levels)


def _verdict(found: Detection, threshold: float | None) -> dict[str, Any]:
    at = found.threshold if threshold is None else threshold
    return {
        "anomalous": found.score > at,
        "amiss": found.amiss(at),
        "familiar": found.familiar,
        "strangeness": found.strangeness,
    }


def _result(
    detector: Detector, found: Detection, threshold: float | None, note: str
) -> dict[str, Any]:
    from ddad.model.card import promised

    at = found.threshold if threshold is None else threshold
    mask = found.mask(at)
    return {
        "model": detector.name,
        "width": mask.shape[1],
        "height": mask.shape[0],
        "score": found.score,
        "threshold": at,
        **_verdict(found, at),
        "area_fraction": float(mask.mean()),
        "promise": promised(detector.calibration),
        "timestep_means": {scale.name: scale.mean for scale in found.scales},
        "regions": [vars(region) for region in find_regions(found.score_map, mask)],
        "note": note,
        "sees": sight.sentence if (sight := detector.calibration.sight) else "",
    }
