"""The desk: one image, its maps, the threshold, the files to take away."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import gradio as gr

from ddad.images import load_image
from demo import results
from demo.models import Models
from demo.page import HEAVY, LIGHT, PRIVATE, Page, problem

HERE = Path(__file__).parent


def result_viewer() -> gr.HTML:
    """The result canvas; its value is what `results.payload` makes."""
    return gr.HTML(
        value=None,
        html_template=(HERE / "viewer.html").read_text(),
        js_on_load=(HERE / "viewer.js").read_text(),
        apply_default_css=False,
        elem_id="viewer",
    )


def tab(page: Page) -> None:
    """Lay out the desk and wire it."""
    models, model = page.models, page.model
    first = models.names[0] if models.names else ""
    folder = gr.State(None, time_to_live=3600, delete_callback=results.forget)
    with gr.Row():
        with gr.Column(scale=4, min_width=300):
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
            problem_box = gr.HTML("", elem_id="problem")
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

    shown = [viewer, folder, problem_box, note, files, mask_file, csv_file]
    progress_on: dict[str, Any] = {"show_progress_on": viewer}

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

    upload.upload(inspect, [model, upload, folder], shown, **progress_on, **HEAVY, **PRIVATE).then(
        lambda: None, None, upload, show_progress="hidden", **PRIVATE
    )
    examples.select(inspect_example, [model, folder], shown, **progress_on, **HEAVY, **PRIVATE)
    viewer.settle(
        settle,
        folder,
        [mask_file, csv_file],
        trigger_mode="always_last",
        **LIGHT,
        **PRIVATE,
    ).then(None, js="() => document.body.classList.remove('ddad-stale')", **PRIVATE)
    model.change(choose, model, [examples, card, upload, *shown], **LIGHT, **PRIVATE)
    timer = gr.Timer(1.0, active=not models.ready)
    timer.tick(
        lambda: (_loading(models), gr.Timer(active=not models.ready)),
        None,
        [loading, timer],
        **LIGHT,
        **PRIVATE,
    )


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
        return (gr.skip(), gr.skip(), problem(error, path), *(gr.skip(),) * 4)
    folder = results.save(loaded.pixels, found, detector, path.name)
    mask, table = results.write_files(folder, found.threshold)
    results.forget(old)
    note = (
        f"<p class='note'>{html.escape(f'{path.name}: {loaded.note}')}</p>" if loaded.note else ""
    )
    value = results.payload(loaded.pixels, found, detector, path.name)
    return (value, str(folder), "", note, gr.update(visible=True), str(mask), str(table))


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
