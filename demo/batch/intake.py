"""What came in, kept in the visitor's session: photographs, then the masks that are theirs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from ddad.data.beside import like_a_mask
from ddad.data.kinds import by_folder, find_kinds
from ddad.data.truth import Imported, MaskError
from ddad.images.decode import ImageError, load_image
from ddad.images.files import IMAGE_SUFFIXES
from ddad.images.levels import Levels
from demo.batch.bringing import Bringing, about
from demo.batch.outlines import outlined
from demo.batch.whose import SAME_TWICE, Answer, Whose, single
from demo.shared.intake import Source
from demo.store.records import Item
from demo.store.session import Session

Brought = tuple[str, Path, Answer]
"""A mask's name and file, and the item that it is for."""
LOOKS = "it looks like a mask, and an image of its name lies beside it"
TWICE = "another file has outlines for the same image"
FAILED = "its image was left out or cannot be used"


def take(
    session: Session,
    sources: Sequence[Source],
    *,
    drafts_at: float | None = None,
    levels: Levels | None = None,
) -> Iterator[tuple[int, int]]:
    """Keep the photographs, or their errors, and the masks of which it is sure whose they are;
    the others wait. Gives how many files are done, of how many.

    Masks are the truth, or with `drafts_at`, a threshold, drafts to correct. `levels` are those of
    the model that is to score the photographs. Raises StoreError where the session is full: what
    came before is kept.
    """
    session.imports.begin()
    bringing, done = Bringing(session, drafts_at), 0
    total = sum(len(s.names) + len(s.own.pictures) + len(s.own.masks) for s in sources)
    try:
        kept: list[dict[int, str]] = [{} for _ in sources]
        before = Whose(session)
        alike = [_like_masks_of_what_is_here(source, before) for source in sources]
        for source, items, masks in zip(sources, kept, alike, strict=True):
            for index, item in _photographs(session, source, bringing, levels, masks):
                if item.state != "failed":
                    items[index] = item.id
                done += 1
                yield done, total
        whose = Whose(session)
        drawn = _drawn(session, sources, whose, bringing)
        for name, path, answer in _masks(sources, kept, whose, alike):
            _, other = drawn.pop(answer.item or "", ("", None))
            bringing.file(name, path, answer, other)
            done += 1
            yield min(done, total), total
        for item_id, (name, found) in drawn.items():
            bringing.mask(name, found, Answer(item_id))
    finally:
        session.imports.keep_report(bringing.report())


def keep(
    session: Session, path: Path, name: str, kind: str = "", levels: Levels | None = None
) -> Item:
    """Keep a photograph, or the sentence why it cannot be used."""
    try:
        loaded = load_image(path, levels=levels)
    except ImageError as error:
        return session.fail(name, about(error, path, name))
    return session.add(name, loaded.pixels, loaded.note, kind)


def _photographs(
    session: Session,
    source: Source,
    bringing: Bringing,
    levels: Levels | None,
    masks: Collection[int],
) -> Iterator[tuple[int, Item]]:
    """Those of a source, kept, with their indexes in it; what is left out is said."""
    for file in source.problems:
        session.fail(file.name, file.problem)
    places, kinds = source.photographs, find_kinds(source.layout.photographs)
    aside = [("no photographs by their folders", list(source.layout.aside))]
    if any(place.split == "test" for place in places):
        aside.append(("to train on, not to test", [p for p in places if p.split == "train"]))
        places = [place for place in places if place.split != "train"]
    for what, left in aside:
        if left:
            bringing.say(f"left out, {what}: {by_folder(left)}")
    for place in places:
        if place.index in masks:
            continue
        name = source.names[place.index]
        path, kind = source.paths[place.index], kinds[place.index] or ""
        item = keep(session, path, name, kind, levels)
        if item.kind:
            bringing.label(item)
        yield place.index, item
    yield from _own_pictures(session, source, bringing, levels)


def _own_pictures(
    session: Session, source: Source, bringing: Bringing, levels: Levels | None
) -> Iterator[tuple[int, Item]]:
    """Pictures of an export, each under the name that it had; those that are here stay alone."""
    whose, here = Whose(session) if source.own.pictures else None, 0
    for _, path, origin in source.own.pictures:
        known = whose.said(origin) if whose else Answer(None)
        if known.item or known.why == SAME_TWICE:
            here += 1
        else:
            yield -1, keep(session, path, origin.name, "", levels)
    if here:
        bringing.say(f"{here} pictures of this export are here already: not added again")


def _drawn(
    session: Session, sources: Sequence[Source], whose: Whose, bringing: Bringing
) -> dict[str, tuple[str, Imported]]:
    """Masks by outlines, with their files, by item; those that are not sure wait.

    Of one export exact.json is better than polygons.json, so it comes after it.
    """
    drawn: dict[str, tuple[str, Imported]] = {}
    contested: set[str] = set()
    texts = [text for source in sources for text in source.texts]
    for name, path in sorted(texts, key=lambda text: text[0].endswith("exact.json")):
        if not name.lower().endswith(".json"):
            session.fail(name, f"it is none of {', '.join(sorted(IMAGE_SUFFIXES))}, ZIP or JSON")
            continue
        try:
            found, said = outlined(path, whose)
        except MaskError as error:
            session.fail(name, about(error, path, name))
            continue
        for sentence in said:
            bringing.say(about(ValueError(sentence), path, name))
        for each in found:
            label, item = f"{name}: {each.name}", each.answer.item
            if item is None:
                bringing.mask(label, each.found, each.answer)
            elif item in contested or (item in drawn and not name.endswith("exact.json")):
                contested.add(item)
                first = [drawn.pop(item)] if item in drawn else []
                for which, one in (*first, (label, each.found)):
                    bringing.hold(which, one, TWICE, (item,))
            else:
                drawn[item] = label, each.found
    return drawn


def _like_masks_of_what_is_here(source: Source, whose: Whose) -> dict[int, Answer]:
    """Files dropped by themselves that are called like an image of before and look like its mask:
    our own export's masks are, when another program has written them anew.
    """
    found: dict[int, Answer] = {}
    for place in source.photographs if source.loose else ():
        (answer,) = whose.of([place.name])
        if (answer.item or answer.candidates) and like_a_mask(source.paths[place.index]):
            meant = (answer.item,) if answer.item else answer.candidates
            found[place.index] = Answer(None, meant, LOOKS)
    return found


def _masks(
    sources: Sequence[Source],
    kept: Sequence[dict[int, str]],
    whose: Whose,
    alike: Sequence[dict[int, Answer]],
) -> list[Brought]:
    """The masks in image files, each with whose it is; of two for one item neither is sure."""
    found: list[Brought] = []
    for source, items, masks in zip(sources, kept, alike, strict=True):
        found += [(source.names[i], source.paths[i], answer) for i, answer in masks.items()]
        found += [(name, path, whose.said(origin)) for name, path, origin in source.own.masks]
        found += _matched(source, items, whose)
    answers = single([answer for _, _, answer in found])
    return [(name, path, a) for (name, path, _), a in zip(found, answers, strict=True)]


def _matched(source: Source, items: dict[int, str], whose: Whose) -> Iterator[Brought]:
    """Masks by their names: of the images that came with them, else of those that were here.

    What came in a ZIP with images of its own is never surely of another's.
    """
    strangers = []
    for match in source.layout.matches:
        if match.image is None and not match.candidates:
            strangers.append(match)
            continue
        meant = tuple(items[i] for i in (match.image, *match.candidates) if i in items)
        sure = match.image is not None and bool(meant)
        why = match.why or FAILED
        answer = Answer(meant[0]) if sure else Answer(None, meant, why)
        yield source.names[match.mask], source.paths[match.mask], answer
    others = whose.of([source.names[match.mask] for match in strangers])
    for match, other in zip(strangers, others, strict=True):
        if other.item and items and not source.loose:
            other = Answer(None, (other.item,), match.why)
        yield source.names[match.mask], source.paths[match.mask], other
    for mask, image in source.twins:
        meant = (items[image],) if image in items else ()
        yield source.names[mask], source.paths[mask], Answer(None, meant, LOOKS)
