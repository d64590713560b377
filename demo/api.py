"""The public endpoints, for `gradio_client`: their components exist only to give them types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from ddad.images import ImageError, load_image
from ddad.regions import find_regions
from demo.models import Models
from demo.page import HEAVY, without_folder


def endpoints(models: Models) -> None:
    """The public `/score`."""
    with gr.Group(visible=False):
        image = gr.File(label="image", type="filepath")
        model = gr.Textbox(label="model")
        threshold = gr.Number(None, label="threshold")
        result = gr.JSON(label="result")
        mask = gr.Image(label="mask", format="png", image_mode="L")
        run = gr.Button()

    def score(
        image: str | None, model: str, threshold: float | None = None
    ) -> tuple[dict[str, Any], Any]:
        """Score one image.

        Args:
            image: the photograph, a file.
            model: name of the model.
            threshold: the score above which a pixel is marked; the calibrated one if left out.

        Returns:
            The result (score, threshold, verdict, marked share, regions, mean of each noise
            scale's map) and the mask, a PNG of 0 and 255 of the image's size.
        """
        return _score(models, image, model, threshold)

    run.click(score, [image, model, threshold], [result, mask], api_name="score", **HEAVY)


def _score(
    models: Models, image: str | None, model: str, threshold: float | None
) -> tuple[dict[str, Any], Any]:
    path = Path(image or "")
    try:
        if image is None:
            raise ImageError("no image was given")
        loaded = load_image(path)
        detector = models.get(model)
        (found,) = detector.detect([loaded.pixels])
    except ValueError as error:
        raise gr.Error(without_folder(error, path), print_exception=False) from error
    at = found.threshold if threshold is None else float(threshold)
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
        "note": loaded.note,
    }, mask.astype("uint8") * 255
