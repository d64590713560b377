"""What came in, kept in the visitor's session: an image with its mask, or the sentence why not."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ddad.data.truth import MaskError
from ddad.images.decode import ImageError, load_image
from ddad.images.files import shown
from ddad.images.levels import Levels
from ddad.images.masks import load_mask
from demo.shared import exchange
from demo.shared.intake import Incoming
from demo.store.session import Session


def keep(
    session: Session,
    incoming: Incoming,
    *,
    drafts_at: float | None = None,
    levels: Levels | None = None,
) -> None:
    """Keep an image, or its error, in the session, and its mask.

    `levels` are those of the model that is to score it. The mask is the truth, or with `drafts_at`,
    a threshold, a draft to correct. Raises StoreError where the session is full.
    """
    name, path, drafts = incoming.name, incoming.path or incoming.mask, drafts_at is not None
    if path is None:
        session.fail(name, incoming.problem)
        return
    try:
        if incoming.path is None:
            exchange.bring_masks(session, path, name, as_truth=not drafts)
            return
        loaded = load_image(path, levels=levels)
    except (ImageError, MaskError) as error:
        session.fail(name, _about(error, path, name))
        return
    note, mask = loaded.note, None
    if incoming.mask is not None:
        try:
            mask = _mask(incoming.mask, loaded.pixels.shape[:2])
        except ImageError as error:
            trouble = _about(error, incoming.mask, "its mask")
            note = f"{note}; {trouble}" if note else trouble
    elif incoming.good:
        mask = np.zeros(loaded.pixels.shape[:2], bool)
    item = session.add(name, loaded.pixels, note)
    if mask is not None and drafts_at is None:
        session.set_truth(item.id, mask)
    elif mask is not None and drafts_at is not None and mask.any():
        session.review(item.id, mask=mask, threshold=drafts_at, decision="undecided")


def _mask(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    mask = load_mask(path)
    if mask.shape != shape:
        found, wanted = "{1} x {0}".format(*mask.shape), "{1} x {0}".format(*shape)
        raise ImageError(f"{shown(path)} is of {found} pixels, the image of {wanted}: left out")
    return mask


def _about(error: Exception, path: Path, name: str) -> str:
    """An error's sentence about a file on the server, under the name that the visitor knows."""
    text, full = str(error), shown(path)
    return text.replace(full, name) if full in text else text.replace(path.name, name)
