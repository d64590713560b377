"""Turns at the model: all that runs a network takes them, in small steps, visitor by visitor.

An event takes a place, of which a visitor and an address have few, so that nobody takes all. Within
it each step of a generator is a turn, and long work that is no generator calls `share` now and
then. The next turn goes to the address, and there to the visitor, that has had none for the longest
time; who has not used up his turn has the next step as well, if he asks for it at once.
"""

from __future__ import annotations

import functools
import inspect
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from demo.front.door import COOKIE
from demo.limits import LIMITS, Limits

AT_ONCE = 0.05
"""Seconds within which who goes on with his turn asks for its next step."""
ABANDONED = 120.0
"""Seconds after which a place counts no more whose visitor asks for no further step."""
_HELD: ContextVar[_Turn | None] = ContextVar("turn", default=None)


class BusyError(ValueError):
    """Too many wait already; the message is one sentence."""


@dataclass(eq=False)
class Place:
    """Of one event, from its beginning to its end."""

    visitor: str
    address: str
    active: bool = False
    seen: float = field(default_factory=time.monotonic)
    """When its last step began or ended."""
    used: float = 0.0
    """Seconds of its turn so far."""


@dataclass
class _Turn:
    turns: Turns
    place: Place
    since: float
    process: int = field(default_factory=os.getpid)


class Turns:
    """Who may run a network now; made once for the page, used by all threads."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.limits = limits
        self._changed = threading.Condition()
        self._places: list[Place] = []
        self._holder: Place | None = None
        self._waiting: list[Place] = []
        self._served: dict[str, int] = {}
        """When each address and each visitor had a turn last, counted in turns."""
        self._kept: tuple[Place, float] | None = None
        """Who may go on with his turn, and until when he must have asked."""
        self._count = 0
        self.beside = threading.BoundedSemaphore(limits.beside)
        """Of small work that needs no turn: so much of it at once leaves the model its share."""

    @contextmanager
    def place(self, visitor: str, address: str) -> Iterator[Place]:
        """A place, once there is one. Raises BusyError where too many wait."""
        place = Place(visitor, address)
        self._enter(place)
        try:
            yield place
        finally:
            with self._changed:
                self._leave(place)

    @contextmanager
    def turn(self, place: Place) -> Iterator[None]:
        """The model, once it is this place's turn. Not to be held while a visitor is waited for."""
        self._take(place)
        token = _HELD.set(_Turn(self, place, time.monotonic()))
        try:
            yield
        finally:
            _HELD.reset(token)
            self._give(place)

    def shared(
        self, function: Callable[..., Any], refused: Callable[..., Any] | None = None
    ) -> Callable[..., Any]:
        """The same event function, a generator or not, taking turns.

        Where too many wait it says what `refused` makes of the BusyError and what the event was
        given, or raises gr.Error.
        """

        def told(error: BusyError, given: tuple[Any, ...]) -> Any:
            if refused is None:
                raise gr.Error(str(error), print_exception=False) from error
            return refused(error, *given)

        def steps(*given: Any, **named: Any) -> Iterator[Any]:
            try:
                with self.place(*_who()) as place:
                    running, end = function(*given, **named), object()
                    while True:
                        with self.turn(place):
                            value = next(running, end)
                        if value is end:
                            return
                        yield value
            except BusyError as error:
                yield told(error, given)

        def whole(*given: Any, **named: Any) -> Any:
            try:
                with self.place(*_who()) as place, self.turn(place):
                    return function(*given, **named)
            except BusyError as error:
                return told(error, given)

        run: Any = steps if inspect.isgeneratorfunction(inspect.unwrap(function)) else whole
        if isinstance(function, functools.partial):
            run.__name__ = f"{function.func.__name__}_in_turns"
            run.__signature__ = inspect.signature(function)
        else:
            functools.update_wrapper(run, function)
        wrapped: Callable[..., Any] = run
        return wrapped

    def _enter(self, place: Place) -> None:
        limits = self.limits
        with self._changed:
            self._forget()
            waiting = [each for each in self._places if not each.active]
            if (
                len(waiting) >= limits.queue
                or _of(waiting, visitor=place.visitor) >= limits.visitor_waits
                or _of(waiting, address=place.address) >= limits.address_waits
            ):
                raise BusyError("too many requests wait already: try again in a minute")
            self._places.append(place)
            try:
                while self._first() is not place:
                    self._changed.wait(1.0)
                    self._forget()
            except BaseException:
                self._leave(place)
                raise
            place.active, place.seen = True, time.monotonic()
            self._changed.notify_all()

    def _leave(self, place: Place) -> None:
        if place in self._places:
            self._places.remove(place)
        if self._kept and self._kept[0] is place:
            self._kept = None
        self._changed.notify_all()

    def _first(self) -> Place | None:
        """Of those that wait, the first whose visitor and address have not enough already."""
        limits = self.limits
        active = [each for each in self._places if each.active]
        if len(active) >= limits.active:
            return None
        for each in self._places:
            if (
                not each.active
                and _of(active, visitor=each.visitor) < limits.visitor_active
                and _of(active, address=each.address) < limits.address_active
            ):
                return each
        return None

    def _forget(self) -> None:
        """Drop places whose visitor is gone: his generator stands still and was not closed."""
        before = time.monotonic() - ABANDONED
        for each in [p for p in self._places if p.active and p.seen < before]:
            if each is not self._holder and each not in self._waiting:
                self._places.remove(each)

    def _take(self, place: Place) -> None:
        with self._changed:
            self._waiting.append(place)
            try:
                while self._holder is not None or self._next() is not place:
                    self._changed.wait(AT_ONCE if self._kept and self._holder is None else None)
                if self._kept is None or self._kept[0] is not place:
                    place.used = 0.0
                self._holder, self._kept = place, None
                place.seen = time.monotonic()
            finally:
                self._waiting.remove(place)

    def _next(self) -> Place | None:
        """Whose turn it is; None while somebody may go on with his."""
        if self._kept is not None:
            kept, until = self._kept
            if kept in self._waiting:
                return kept
            if time.monotonic() < until:
                return None
            self._kept = None

        def served(place: Place) -> tuple[int, int]:
            known = self._served
            return known.get(f"address {place.address}", -1), known.get(place.visitor, -1)

        return min(self._waiting, key=served)

    def _give(self, place: Place, whole: bool = False) -> None:
        """The turn ends, or only a step of it: its place may go on, unless that was the `whole`."""
        with self._changed:
            now = time.monotonic()
            place.used += now - place.seen
            self._holder, place.seen = None, now
            self._count += 1
            for each in (place.visitor, f"address {place.address}"):
                self._served[each] = self._count
            for old in sorted(self._served, key=lambda v: self._served[v])[:-2000]:
                del self._served[old]
            if not whole and place.used < self.limits.turn_s:
                self._kept = place, now + AT_ONCE
            self._changed.notify_all()

    def _pass_on(self, turn: _Turn) -> None:
        if time.monotonic() - turn.since > self.limits.turn_s and self._waiting:
            self._give(turn.place, whole=True)
            self._take(turn.place)
            turn.since = time.monotonic()


def share() -> None:
    """Within a turn that has lasted long enough: others go first. Elsewhere nothing."""
    turn = _HELD.get()  # a GPU that is lent works in a process of its own, where no one waits
    if turn is not None and turn.process == os.getpid():
        turn.turns._pass_on(turn)


def _of(places: list[Place], **values: str) -> int:
    """How many of them are of a visitor or an address."""
    return sum(all(getattr(p, name) == value for name, value in values.items()) for p in places)


def _who() -> tuple[str, str]:
    """The visitor and the address of the event that runs; one without a key is his address."""
    request = LocalContext.request.get(None)
    request = request[0] if isinstance(request, list) and request else request
    try:
        address = request.client.host if request and request.client else ""
        return str(request.cookies.get(COOKIE) or address) if request else "", address
    except AttributeError:  # a call from within, such as a tool's
        return "", ""
