"""The page's layout and handlers. torch and the models load after the page is up."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import gradio as gr

from ddad.images import ImageError, load_image
from ddad.regions import find_regions
from demo import results
from demo.models import CHECKPOINTS, Models

HERE = Path(__file__).parent
SYSTEM = ("ui-sans-serif", "system-ui", "sans-serif")
MONO = ("ui-monospace", "Consolas", "monospace")
THEME = gr.themes.Base(
    primary_hue="blue", neutral_hue="slate", radius_size="md", font=SYSTEM, font_mono=MONO
)
LAUNCH: dict[str, Any] = {
    "theme": THEME,
    "css_paths": HERE / "style.css",
    "ssr_mode": False,
    "show_error": False,
    "max_file_size": "64mb",
    "footer_links": ["api"],
}
HEAD = """
# See where a part is defective
The model has learned from good parts only. It marks what it did not expect.
"""


def result_viewer() -> gr.HTML:
    """The result canvas; its value is what `results.payload` makes."""
    return gr.HTML(
        value=None,
        html_template=(HERE / "viewer.html").read_text(),
        js_on_load=(HERE / "viewer.js").read_text(),
        apply_default_css=False,
        elem_id="viewer",
    )


def build(checkpoints: str | Path | None = None) -> gr.Blocks:
    """The page over the checkpoints of a folder; their weights begin to load in the background."""
    models = Models(Path(checkpoints) if checkpoints else CHECKPOINTS)
    models.load_in_background()
    names = models.names
    first = names[0] if names else ""

    with gr.Blocks(title="ddad: where is it defective?", delete_cache=(3600, 3600)) as demo:
        folder = gr.State(None, time_to_live=3600, delete_callback=results.forget)
        with gr.Row(elem_id="head"):
            gr.Markdown(HEAD)
        with gr.Row():
            with gr.Column(scale=4, min_width=300):
                model = gr.Dropdown(
                    names,
                    value=first or None,
                    label="Model",
                    interactive=len(names) > 0,
                )
                upload = gr.File(
                    label="Photograph",
                    type="filepath",
                    height=140,
                    elem_id="upload",
                )
                gr.Markdown(
                    "PNG, JPEG, TIFF, WebP or BMP, 8 or 16 bit, up to 40 megapixels. "
                    "It is deleted from this server within two hours.",
                    elem_id="formats",
                )
                problem = gr.HTML("", elem_id="problem")
                examples = gr.Gallery(
                    _thumbnails(models, first),
                    label="Examples",
                    columns=3,
                    height="auto",
                    object_fit="cover",
                    allow_preview=False,
                    interactive=False,
                    buttons=[],
                    elem_id="examples",
                )
                with gr.Accordion("About this model", open=False):
                    card = gr.Markdown(models.card(first))
                loading = gr.Markdown(_loading(models), elem_id="loading")
            with gr.Column(scale=7, min_width=320):
                viewer = result_viewer()
                note = gr.HTML("", elem_id="note")
                with gr.Row(elem_id="files", visible=False) as files:
                    mask_file = gr.DownloadButton("Mask (PNG)", elem_id="mask-file")
                    csv_file = gr.DownloadButton("Scores (CSV)", elem_id="csv-file")

        shown = [viewer, folder, problem, note, files, mask_file, csv_file]
        heavy: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
        progress_on: dict[str, Any] = {"show_progress_on": viewer}
        private: dict[str, Any] = {"api_visibility": "private"}

        def inspect(
            name: str,
            path: str | None,
            old: str | None,
            progress: gr.Progress = gr.Progress(),  # noqa: B008
        ) -> tuple[Any, ...]:
            if path is None:
                return (gr.skip(),) * len(shown)
            return _inspect(models, name, Path(path), old, progress)

        def inspect_example(
            name: str,
            old: str | None,
            event: gr.SelectData,
            progress: gr.Progress = gr.Progress(),  # noqa: B008
        ) -> tuple[Any, ...]:
            return _inspect(models, name, models.examples(name)[event.index].path, old, progress)

        def settle(current: str | None, event: gr.EventData) -> tuple[Any, Any]:
            return _settle(current, event)

        def choose(name: str) -> tuple[Any, ...]:
            empty = (None, None, "", "", gr.update(visible=False), None, None)
            return (_thumbnails(models, name), models.card(name), None, *empty)

        upload.upload(
            inspect, [model, upload, folder], shown, **progress_on, **heavy, **private
        ).then(lambda: None, None, upload, show_progress="hidden", **private)
        examples.select(inspect_example, [model, folder], shown, **progress_on, **heavy, **private)
        viewer.settle(
            settle,
            folder,
            [mask_file, csv_file],
            show_progress="hidden",
            trigger_mode="always_last",
            concurrency_limit=None,
            **private,
        ).then(None, js="() => document.body.classList.remove('ddad-stale')", **private)
        model.change(
            choose, model, [examples, card, upload, *shown], concurrency_limit=None, **private
        )
        timer = gr.Timer(1.0, active=not models.ready)
        timer.tick(
            lambda: (_loading(models), gr.Timer(active=not models.ready)),
            None,
            [loading, timer],
            show_progress="hidden",
            concurrency_limit=None,
            **private,
        )

        _endpoint(models, heavy)
        demo.queue(default_concurrency_limit=1, max_size=20)
    return demo


def _thumbnails(models: Models, name: str) -> list[tuple[Any, str]]:
    return [(load_image(e.path).pixels, e.caption) for e in models.examples(name)]


def _loading(models: Models) -> str:
    if not models.names:
        return "No model was found. Train one with `python -m ddad train`."
    return "" if models.ready else "Loading the models. You can choose an image meanwhile."


def _inspect(
    models: Models, name: str, path: Path, old: str | None, progress: gr.Progress
) -> tuple[Any, ...]:
    """Score a file; an image that cannot be used leaves the last result where it is."""
    try:
        progress(0, desc="Reading the image")
        loaded = load_image(path)
        progress(0.02, desc="Waiting for the model" if not models.ready else "Scoring")
        detector = models.get(name)
        (found,) = detector.detect(
            [loaded.pixels], on_progress=lambda done, n: progress((done, n), desc="Scoring")
        )
    except ValueError as error:
        return (gr.skip(), gr.skip(), _problem(error, path), *(gr.skip(),) * 4)
    folder = results.save(loaded.pixels, found, detector, path.name)
    mask, table = results.write_files(folder, found.threshold)
    results.forget(old)
    note = (
        f"<p class='note'>{html.escape(f'{path.name}: {loaded.note}')}</p>" if loaded.note else ""
    )
    value = results.payload(loaded.pixels, found, detector, path.name)
    return (value, str(folder), "", note, gr.update(visible=True), str(mask), str(table))


def _problem(error: ValueError, path: Path) -> str:
    """The error as page text: the server's folders left out, everything escaped."""
    sentence = html.escape(_without_folder(error, path))
    return f"<div class='problem' role='alert'><strong>That did not work.</strong> {sentence}</div>"


def _without_folder(error: ValueError, path: Path) -> str:
    return str(error).replace(f"{path.parent}/", "")


def _settle(folder: str | None, event: gr.EventData) -> tuple[Any, Any]:
    """Write the files for the threshold at which the slider came to rest."""
    try:
        threshold = float(event.threshold)
        if folder is None or not abs(threshold) < 1e9:
            return gr.skip(), gr.skip()
        mask, table = results.write_files(Path(folder), threshold)
    except (AttributeError, TypeError, ValueError, FileNotFoundError):
        return gr.skip(), gr.skip()  # a stale or made-up message: the last files stay
    return str(mask), str(table)


def _endpoint(models: Models, heavy: dict[str, Any]) -> None:
    """The public `/score`, for gradio_client: its components exist only to give it types."""
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

    run.click(score, [image, model, threshold], [result, mask], api_name="score", **heavy)


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
        raise gr.Error(_without_folder(error, path), print_exception=False) from error
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
