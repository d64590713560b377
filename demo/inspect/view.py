"""What the Inspect tab shows: words, examples, and for the canvas the queue and an item.

The keys are the names by which the canvas's JavaScript reads them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ddad.images.decode import load_image
from demo.inspect.payload import encode_runs
from demo.shared import meaning
from demo.shared.models import Models
from demo.shared.pictures import (
    READABLE,
    edit_shape,
    map_values,
    resized,
    small_url,
)
from demo.shared.twins import twins
from demo.store.records import Item
from demo.store.session import THUMBNAIL, Session

MOST_WORDS = 200
"""Labels offered for the next region, the latest first."""


def examples(models: Models, name: str) -> list[tuple[str, str]]:
    """Small pictures, as addresses, and captions of a model's examples."""
    found = []
    for each in models.examples(name):
        small = small_url(load_image(each.path).pixels, THUMBNAIL // 2, quality=80)
        found.append((small, each.caption))
    return found


def sources(models: Models, name: str) -> dict[str, Any]:
    """What the desk offers to look at: the model's examples, and what can be dropped."""
    formats = (
        f"{READABLE}, up to 40 megapixels. Your work is kept on this server until a week after "
        "your last visit, for this browser alone."
    )
    return {"examples": examples(models, name), "formats": formats}


def judge(session: Session, item: str | None, models: Models) -> str | None:
    """The model that judged an item, as it is chosen; None where it is not on offer any more."""
    result = session.item(item).result if item else None
    if result is None:
        return None
    name = models.offered(result.model, session.id)
    try:
        models.folder(name)
    except ValueError:
        return None
    return name


def loading(models: Models) -> str:
    """What keeps the visitor waiting, nothing once the models are there."""
    if not models.names:
        return "No model was found. Train one with `python -m ddad train`."
    return "" if models.ready else "Loading the models. You can choose an image meanwhile."


def message(session: Session, item: str | None = None) -> dict[str, Any]:
    """The queue and the labels used so far, and which item to open."""
    items = session.items()
    alike, scored = twins(items), [item for item in items if item.state == "scored"]
    scored.sort(key=lambda item: item.score or 0.0, reverse=True)
    return {
        "session": session.id,
        "queue": [entry(each) | {"twin": alike.get(each.id, 0)} for each in scored],
        "words": session.labels()[:MOST_WORDS],
        "classes": session.classes(),
        "open": item,
    }


def entry(item: Item) -> dict[str, Any]:
    """An item's line in the queue."""
    return {
        "item": item.id,
        "name": item.name,
        "score": item.score,
        "decision": item.decision,
        "verdict": item.verdict,
        "threshold": item.threshold,
        "edited": bool(item.review and item.review.edited),
        "judge": item.result.fingerprint if item.result else "",
        "revision": item.revision,
    }


def last(session: Session) -> str | None:
    """The item last worked on, else the one that came last."""
    scored = session.items(state="scored")
    reviewed = [(item.review.at, item.id) for item in scored if item.review]
    return max(reviewed)[1] if reviewed else scored[-1].id if scored else None


def desk_value(session: Session, item: Item, image: str) -> dict[str, Any]:
    """A stored item for the canvas; `image` is the photograph's URL.

    Raises StoreError for an item without a result.
    """
    scales = session.scales(item.id)
    result = item.result
    assert result is not None
    twin = twins(session.items(name=item.name)).get(item.id, 0)
    return {
        "token": item.id,
        "item": item.id,
        "partial": False,
        "image": image,
        **sizes(item.name, item.height, item.width),
        "note": " ".join(filter(None, [item.note, _reduced(item.height, item.width)])),
        "seed": result.seed,
        "of": len(scales),
        **meaning.of_result(result),
        "withheld": result.withheld,
        "composition": result.composition,
        "findings": result.findings,
        "scales": scale_values(scales, item.height, item.width),
        "decision": item.decision,
        "judge": result.fingerprint,
        "review": _review(session, item),
        "twin": twin,
        "entry": entry(item) | {"twin": twin},
    }


def sizes(name: str, height: int, width: int) -> dict[str, Any]:
    """An image's name, its size and the one that it is shown and edited at, widths first."""
    shown = list(edit_shape(height, width)[::-1])
    return {"name": name, "original": [width, height], "shown": shown}


def scale_values(scales: Iterable[Any], height: int, width: int) -> list[dict[str, Any]]:
    """Scales with their maps: float32 in base64, at the size they were made at."""
    edited = edit_shape(height, width)
    return [
        {
            "name": scale.name,
            "branch": scale.branch,
            "t": scale.t,
            "noise": scale.noise_std,
            "weight": scale.weight,
            "map": map_values(scale.map, *edited),
        }
        for scale in scales
    ]


def _reduced(height: int, width: int) -> str:
    """A sentence for an image whose masks are edited at less than its size."""
    shape = edit_shape(height, width)
    if shape == (height, width):
        return ""
    return (
        f"Masks of so large an image are edited at {shape[1]} x {shape[0]} pixels and enlarged "
        f"to {width} x {height} in the files."
    )


def _review(session: Session, item: Item) -> dict[str, Any] | None:
    """What a person has done on the image, in the desk's terms; None where that is nothing.

    The desk's own record of it, unless the review was made elsewhere or on another model's maps.
    """
    result, review, zone = item.result, item.review, session.ignore(item.id)
    assert result is not None
    same = review is not None and review.fingerprint == result.fingerprint
    if same and (kept := session.desk(item.id)):
        return dict(kept)
    if review is None and zone is None:
        return None
    threshold = review.threshold if review and same else result.threshold
    drawn: dict[str, Any] = {"added": None, "removed": None}
    # A mask cut from another model's map is no longer what this one's threshold gives.
    if review and (review.edited or (not same and item.decision != "undecided")):
        proposed = session.score_map(item.id) > np.float32(threshold)
        mask = session.mask(item.id)
        drawn = {"added": mask & ~proposed, "removed": proposed & ~mask}
    shape = edit_shape(item.height, item.width)
    return {
        "threshold": threshold,
        "least": max(1, review.min_area) if review and same else 1,
        "fill": False,
        "off": [],
        "labels": [vars(region) for region in review.regions] if review else [],
        **{
            key: None if each is None else encode_runs(resized(each, *shape))
            for key, each in {**drawn, "zone": zone}.items()
        },
    }
