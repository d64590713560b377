"""Which item of the session a mask is for: by what its file says, by its name, or not for sure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ddad.data.matching import NO_IMAGE, Images, Match, match
from ddad.data.words import place
from demo.shared.own import Origin
from demo.store.records import Item
from demo.store.session import Session

OTHER_PIXELS = "its image has other pixels now than when the mask was made"
SAME_TWICE = "its image is here more than once"
COPIES = "images of the same pixels are here, of other names"


ANOTHER = "another mask is for the same image"


@dataclass(frozen=True)
class Answer:
    """The item where that is sure; else which it may be, and why it is not."""

    item: str | None
    candidates: tuple[str, ...] = ()
    why: str = ""


def single(answers: Sequence[Answer]) -> list[Answer]:
    """The same answers, but for items that more than one mask is for: those are of none."""
    wanted = Counter(answer.item for answer in answers)
    return [
        Answer(None, (answer.item,), ANOTHER) if answer.item and wanted[answer.item] > 1 else answer
        for answer in answers
    ]


class Whose:
    """The session's items as they were when it was made."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.items = [item for item in session.items() if item.state != "failed"]
        self._places = [place(index, item.name) for index, item in enumerate(self.items)]
        self._images = Images(self._places)
        self._named: dict[str, list[Item]] = defaultdict(list)
        self._alike: dict[str, list[Item]] = defaultdict(list)
        for item in self.items:
            self._named[item.name].append(item)
            self._alike[item.digest].append(item)

    def said(self, origin: Origin) -> Answer:
        """Of a mask that carries its image's name and the digest of its pixels."""
        named = self._named[origin.name]
        same = [item for item in named if self._digest(item) == origin.sha256]
        if len(same) == 1:
            return Answer(same[0].id)
        copies = self._alike[origin.sha256]
        if not same and len(copies) == 1:  # its name has changed since
            return Answer(copies[0].id)
        why = SAME_TWICE if same else COPIES if copies else OTHER_PIXELS if named else NO_IMAGE
        return Answer(None, tuple(item.id for item in same or copies or named), why)

    def called(self, *names: str) -> Answer:
        """Of an image that is called so, the first of the names that is known of any."""
        near = None
        for name in filter(None, names):
            found = self._answer(self._images.called(name.replace("\\", "/").removeprefix("./")))
            if found.item is not None:
                return found
            near = near if near and near.candidates else found
        return near or Answer(None, (), NO_IMAGE)

    def of(self, masks: Sequence[str]) -> Iterator[Answer]:
        """Of masks of these names that came together."""
        for found in match([place(i, name) for i, name in enumerate(masks)], self._places):
            yield self._answer(found)

    def _answer(self, found: Match) -> Answer:
        meant = tuple(self.items[index].id for index in found.candidates)
        return Answer(None if found.image is None else self.items[found.image].id, meant, found.why)

    def _digest(self, item: Item) -> str:
        return item.digest or self._session.digest(item.id)
