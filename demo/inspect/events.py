"""The desk: one image, its maps, the person's decision, the files to take away.

The canvas is a gr.HTML of its own JavaScript, `demo/web/canvas`. It draws and edits without the
server and calls `ANSWERS` to open, save and take away; only scoring goes through Gradio's queue.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from ddad.images.decode import load_image
from demo.inspect import view as results
from demo.inspect.answers import answers
from demo.page import HEAVY, LIGHT, PRIVATE, Page, picture_file, problem
from demo.shared.gpu import lent
from demo.shared.models import Models
from demo.store.records import Item
from demo.store.session import THUMBNAIL, Session
from demo.store.store import Store
from demo.web import serve

PAUSE = 0.1
"""Seconds at least between two looks at unfinished maps: the browser draws on the same cores."""


def canvas(store: Store, value: dict[str, Any] | None = None, *, elem_id: str) -> gr.HTML:
    """A canvas. Its value is a message: `session`, `queue`, `words`, and `desk` or `open`."""
    return gr.HTML(
        value=value,
        html_template=(serve.HERE / "canvas" / "desk.html").read_text(),
        js_on_load=serve.script("canvas/main.js", "current"),
        server_functions=answers(store),
        apply_default_css=False,
        elem_id=elem_id,
    )


def tab(page: Page, here: gr.Tab) -> Callable[[gr.Blocks], None]:
    """Lay out the desk and wire it; returns what the page's loading is to be wired with."""
    models, model = page.models, page.model
    first = models.names[0] if models.names else ""
    wanted = gr.State(None)
    with gr.Row(elem_id="desk"):
        with gr.Column(scale=1, min_width=250, elem_id="sources"):
            upload = gr.File(label="Photograph", type="filepath", height=130, elem_id="upload")
            gr.Markdown(
                "PNG, JPEG, TIFF, WebP or BMP, 8 or 16 bit, up to 40 megapixels. Your work is kept "
                "on this server until a week after your last visit, for this browser alone.",
                elem_id="formats",
            )
            examples = gr.Gallery(
                _thumbnails(models, first),
                label="Examples",
                columns=2,
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
        with gr.Column(scale=4, min_width=320):
            problem_box = gr.HTML("", elem_id="problem")
            viewer = canvas(page.store, elem_id="viewer")

    shown = [viewer, page.session, problem_box]
    heavy: dict[str, Any] = {"show_progress_on": viewer, **HEAVY, **PRIVATE}

    @lent(15)
    def inspect(name: str, path: str | None, session: str | None) -> Iterator[tuple[Any, ...]]:
        if path is None:
            yield (gr.skip(),) * len(shown)
        else:
            yield from _inspect(page, name, Path(path), session)

    def inspect_example(
        name: str, session: str | None, event: gr.SelectData
    ) -> Iterator[tuple[Any, ...]]:
        path = models.examples(name)[event.index].path
        yield from _inspect(page, name, path, session, example=path.stem)

    def inspect_link(link: dict[str, Any] | None, session: str | None) -> Iterator[tuple[Any, ...]]:
        if not link:
            yield (gr.skip(),) * len(shown)
        else:
            yield from _inspect(page, link.pop("model"), link.pop("path"), session, **link)

    def choose(name: str) -> tuple[Any, ...]:
        return _thumbnails(models, name), models.card(name)

    def on_desk(event: gr.EventData) -> str | None:
        item = getattr(event, "item", None)  # anyone can make up an event
        return item if isinstance(item, str) else None

    def open_item(opened: tuple[str, int] | None, session: str | None) -> Any:
        return _message(page.store.open(session), opened[0]) if opened else gr.skip()

    def refresh(session: str | None) -> dict[str, Any]:
        return _message(page.store.open(session))

    upload.upload(inspect, [model, upload, page.session], shown, **heavy).then(
        lambda: None, None, upload, show_progress="hidden", **PRIVATE
    )
    examples.select(inspect_example, [model, page.session], shown, **heavy)
    model.change(choose, model, [examples, card], **LIGHT, **PRIVATE)
    viewer.current(on_desk, None, page.current, **LIGHT, **PRIVATE)
    page.opened.change(open_item, [page.opened, page.session], viewer, **LIGHT, **PRIVATE)
    here.select(refresh, page.session, viewer, **LIGHT, **PRIVATE)
    timer = gr.Timer(1.0, active=not models.ready)
    timer.tick(
        lambda: (_loading(models), gr.Timer(active=not models.ready)),
        None,
        [loading, timer],
        **LIGHT,
        **PRIVATE,
    )

    def start(session: str | None, request: gr.Request) -> tuple[Any, ...]:
        mine = page.store.open(session)
        link, name, sentence = _link(models, dict(request.query_params))
        return mine.id, _message(mine, _last(mine)), link, name or gr.skip(), sentence

    def on_load(demo: gr.Blocks) -> None:
        outputs = [page.session, viewer, wanted, model, problem_box]
        demo.load(start, page.session, outputs, **LIGHT, **PRIVATE).then(
            inspect_link, [wanted, page.session], shown, **heavy
        )

    return on_load


def _thumbnails(models: Models, name: str) -> list[tuple[str, str]]:
    return [
        (picture_file(load_image(e.path).pixels, "example.webp", THUMBNAIL), e.caption)
        for e in models.examples(name)
    ]


def _loading(models: Models) -> str:
    if not models.names:
        return "No model was found. Train one with `python -m ddad train`."
    return "" if models.ready else "Loading the models. You can choose an image meanwhile."


def _message(session: Session, item: str | None = None) -> dict[str, Any]:
    """The queue and the labels used so far, and which item to open."""
    scored = session.items(order="score", state="scored")
    return {
        "session": session.id,
        "queue": [results.entry(each) for each in scored],
        "words": session.labels()[:200],
        "open": item,
    }


def _last(session: Session) -> str | None:
    """The item last worked on, else the one that came last."""
    scored = session.items(state="scored")
    reviewed = [(item.review.at, item.id) for item in scored if item.review]
    return max(reviewed)[1] if reviewed else scored[-1].id if scored else None


def _link(models: Models, query: dict[str, str]) -> tuple[dict[str, Any] | None, str | None, str]:
    """What a permalink asks for: what to inspect, which model; a sentence if it is wrong."""
    name = query.get("model")
    if name is None:
        return None, None, ""
    if name not in models.names:
        return (
            None,
            None,
            problem(ValueError(f"the link names a model, {name!r}, that is not here")),
        )
    try:
        threshold = float(query["threshold"]) if "threshold" in query else None
        seed = int(query["seed"]) if "seed" in query else None
    except ValueError:
        return None, name, problem(ValueError("the link's threshold or seed is not a number"))
    if threshold is not None and not abs(threshold) < 1e9:
        return None, name, problem(ValueError("the link's threshold is not a number"))
    stem = query.get("example")
    if stem is None:
        return None, name, ""
    paths = [e.path for e in models.examples(name) if e.path.stem == stem]
    if not paths:
        return None, name, problem(ValueError(f"{name} has no example called {stem!r}"))
    link = {"model": name, "path": paths[0], "example": stem, "threshold": threshold, "seed": seed}
    return link, name, ""


def _inspect(
    page: Page,
    name: str,
    path: Path,
    session_id: str | None,
    *,
    example: str | None = None,
    threshold: float | None = None,
    seed: int | None = None,
) -> Iterator[tuple[Any, ...]]:
    """Score a file, its maps as they come; one that cannot be used leaves the desk as it is."""
    try:
        loaded = load_image(path)
        detector = page.models.get(name)
        session = page.store.open(session_id)
        known = _known(session, path.name, loaded.pixels, detector.fingerprint)
        image = results.picture(loaded.pixels)
        if known is None:
            facts = results.facts(detector)
            height, width = loaded.pixels.shape[:2]
            first: dict[str, Any] = {
                **facts,
                "token": f"partial-{id(loaded)}",
                "item": None,
                "name": path.name,
                "partial": True,
                "original": [width, height],
                "shown": list(results.edit_shape(height, width)[::-1]),
            }
            scales: list[Any] = []
            found: Any = None
            shown = 0.0
            for step in detector.detect_steps(loaded.pixels):
                if hasattr(step, "score_map"):
                    found = step
                    break
                scales.append(step)
                if time.monotonic() - shown < PAUSE:
                    continue
                maps = results.scale_values(scales, height, width)
                yield {"desk": {**first, "image": image, "scales": maps}}, gr.skip(), ""
                shown = time.monotonic()
            item = session.add(path.name, loaded.pixels, loaded.note)
            known = session.record(item.id, found, detector)
        value = results.desk_value(session, known, image)
    except ValueError as error:
        yield gr.skip(), gr.skip(), problem(error, path)
        return
    value |= {"example": example, "at": threshold}
    if seed not in (None, value["seed"]):
        value["note"] = f"The link names seed {seed}; this model scores with {value['seed']}."
    yield {"session": session.id, "desk": value}, session.id, ""


def _known(session: Session, name: str, pixels: np.ndarray, fingerprint: str) -> Item | None:
    """The session's item of this very image and model, to go on with as it was left."""
    for item in session.items(state="scored", name=name):
        if item.result and item.result.fingerprint == fingerprint:
            if (item.height, item.width) != pixels.shape[:2]:
                continue
            if np.array_equal(session.pixels(item.id), pixels):
                return item
    return None
