"""The public endpoints, for `gradio_client` and as MCP tools.

Their components exist only to give them types; their docstrings are their documentation.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from ddad.images.decode import ImageError, load_image
from ddad.images.regions import find_regions
from demo.page import HEAVY, picture_file, without_folder
from demo.shared.gpu import lent
from demo.shared.models import Models

if TYPE_CHECKING:
    from ddad.model.detection import Detection
    from ddad.model.detector import Detector


def endpoints(models: Models) -> None:
    """The public `/score` and `/mask`."""
    with gr.Group(visible=False):
        image = gr.File(label="image", type="filepath")
        model = gr.Textbox(models.names[0] if models.names else "", label="model")
        threshold = gr.Number(None, label="threshold")
        result = gr.JSON(label="result")
        picture = gr.Image(label="mask", format="png", image_mode="L")
        run = gr.Button()

    @lent(15)
    def score(
        image: str, model: str = model.value, threshold: float | None = None
    ) -> dict[str, Any]:
        """Say how anomalous a photograph of a part is, and where.

        Args:
            image: The photograph, a file: PNG, JPEG, TIFF, WebP or BMP, 8 or 16 bit.
            model: Name of the model, one of those on offer on the page.
            threshold: Score above which a pixel is marked; the model's calibrated one if left out.

        Returns:
            model; width and height of the image; score, its highest map value; threshold;
            anomalous, whether anything is marked; area_fraction, the marked share;
            guaranteed_false_positive_rate of the calibrated threshold; timestep_means, the mean of
            each noise scale's map; regions, loudest first, each with area in pixels, bbox as x, y,
            width, height, centroid as x, y, peak and mean score; note on how the file was read.
        """
        at = _number(threshold)
        detector, found, note = _judge(models, image, model)
        return _result(detector, found, at, note)

    def mask(image: str, model: str = model.value, threshold: float | None = None) -> str:
        """Mark the anomalous pixels of a photograph of a part.

        Args:
            image: The photograph, a file: PNG, JPEG, TIFF, WebP or BMP, 8 or 16 bit.
            model: Name of the model, one of those on offer on the page.
            threshold: Score above which a pixel is marked; the model's calibrated one if left out.

        Returns:
            A PNG of the image's size in the orientation viewers show: 255 where it is marked,
            else 0.
        """
        at = _number(threshold)
        _, found, _ = _judge(models, image, model)
        return picture_file(found.mask(at).astype(np.uint8) * 255, "mask.png")

    inputs = [image, model, threshold]
    run.click(score, inputs, result, api_name="score", **HEAVY)
    run.click(mask, inputs, picture, api_name="mask", **HEAVY)


def _number(threshold: object) -> float | None:
    """The threshold as a number. Raises gr.Error for what is none, such as text or infinity."""
    if threshold is None:
        return None
    if not isinstance(threshold, int | float) or not abs(threshold) < 1e9:
        raise gr.Error("the threshold is a number of less than 10 digits", print_exception=False)
    return float(threshold)


def _judge(models: Models, image: str | None, model: str) -> tuple[Detector, Detection, str]:
    """The model, what it finds in the file, and a note on the file. Raises gr.Error."""
    path = Path(image or "")
    try:
        if image is None:
            raise ImageError("no image was given")
        loaded = load_image(path)
        detector = models.get(model)
        (found,) = detector.detect([loaded.pixels])
    except ValueError as error:
        raise gr.Error(without_folder(error, path), print_exception=False) from error
    return detector, found, loaded.note


def _result(
    detector: Detector, found: Detection, threshold: float | None, note: str
) -> dict[str, Any]:
    at = found.threshold if threshold is None else threshold
    mask = found.mask(at)
    return {
        "model": detector.name,
        "width": mask.shape[1],
        "height": mask.shape[0],
        "score": found.score,
        "threshold": at,
        "anomalous": bool(mask.any()),
        "area_fraction": float(mask.mean()),
        "guaranteed_false_positive_rate": detector.calibration.guaranteed_fpr,
        "timestep_means": {scale.name: scale.mean for scale in found.scales},
        "regions": [vars(region) for region in find_regions(found.score_map, mask)],
        "note": note,
    }
