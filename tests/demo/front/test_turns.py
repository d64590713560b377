"""Turns at the model: who waits for whom, without a page."""

from __future__ import annotations

import itertools
import threading
import time
from contextlib import ExitStack
from dataclasses import replace

import gradio as gr
import pytest

from demo.front import turns as module
from demo.front.turns import BusyError, Turns, share
from demo.limits import LIMITS

SHORT = replace(LIMITS, turn_s=0.05)


def started(*works):
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    return threads


def ended(threads):
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def turned(turns, visitors, steps=10):
    """The visitors in the order of their steps; `visitors` are pairs of visitor and address."""
    order, within = [], []
    ready = threading.Barrier(len(visitors))

    def work(visitor, address):
        with turns.place(visitor, address) as place:
            ready.wait()
            for _ in range(steps):
                with turns.turn(place):
                    within.append(visitor)
                    assert len(within) == 1
                    time.sleep(0.02)
                    order.append(visitor)
                    within.pop()

    ended(started(*(lambda each=each: work(*each) for each in visitors)))
    return order


def test_one_holds_the_model_and_who_had_no_turn_for_longest_is_next():
    order = turned(Turns(replace(LIMITS, turn_s=0.0)), [(each, each) for each in "abc"])
    assert sorted(order) == sorted("abc" * 10)
    for at in range(3, 27):  # by then all three are there
        assert set(order[at : at + 3]) == set("abc"), order


def test_who_has_not_used_up_his_turn_goes_on():
    order = turned(Turns(replace(LIMITS, turn_s=0.05)), [(each, each) for each in "ab"], steps=12)
    runs = [len(list(run)) for _, run in itertools.groupby(order)]
    assert sorted(order) == sorted("ab" * 12) and max(runs[:4]) <= 4 and runs[1] >= 2, order


def test_an_address_has_its_share_however_many_visitors_it_sends():
    visitors = [("a", "1"), ("b", "1"), ("c", "1"), ("alone", "2")]
    order = turned(Turns(replace(LIMITS, turn_s=0.0)), visitors, steps=6)
    until = len(order) - order[::-1].index("alone")
    assert 2 * 6 - 3 <= until <= 2 * 6 + 3, order


def test_long_work_lets_others_go_first_and_goes_on():
    turns, waited = Turns(SHORT), []
    begun = threading.Event()

    def long():
        with turns.place("long", "1") as place, turns.turn(place):
            begun.set()
            for _ in range(100):
                time.sleep(0.01)
                share()

    def quick():
        begun.wait()
        for _ in range(5):
            since = time.monotonic()
            with turns.place("quick", "2") as place, turns.turn(place):
                waited.append(time.monotonic() - since)

    ended(started(long, quick))
    assert max(waited) < 0.5 and len(waited) == 5
    share()  # outside of a turn it is nothing


def test_a_visitor_and_an_address_have_few_places_and_a_stranger_always_gets_one():
    turns = Turns()
    with ExitStack() as held:
        for _ in range(LIMITS.visitor_active):
            held.enter_context(turns.place("greedy", "1"))
        refused, admitted = [], []

        def ask(visitor, address):
            try:
                with turns.place(visitor, address):
                    admitted.append(visitor)
            except BusyError:
                refused.append(visitor)

        threads = started(*(lambda: ask("greedy", "1") for _ in range(21)))
        deadline = time.monotonic() + 10
        while len(refused) < 21 - LIMITS.visitor_waits and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(refused) == 21 - LIMITS.visitor_waits and not admitted
        many = started(*(lambda n=n: ask(f"fresh {n}", "1") for n in range(30)))
        time.sleep(0.3)
        since = time.monotonic()
        with turns.place("stranger", "2") as place, turns.turn(place):
            assert time.monotonic() - since < 0.5
    ended(threads + many)
    assert admitted.count("greedy") == LIMITS.visitor_waits


def test_what_was_abandoned_holds_its_place_for_some_time_alone(monkeypatch):
    monkeypatch.setattr(module, "ABANDONED", 0.05)
    turns = Turns()
    lost = [turns.place("gone", "1") for _ in range(LIMITS.visitor_active)]
    for each in lost:
        each.__enter__()
    time.sleep(0.1)
    with turns.place("gone", "1"):
        pass
    for each in lost:
        each.__exit__(None, None, None)


def test_an_events_function_keeps_its_name_words_and_parameters():
    turns, seen = Turns(), []

    def steps(a: int, event: gr.EventData | None = None):
        """Words."""
        seen.append(a)
        yield a
        yield a + 1

    def whole(a: int) -> int:
        return a * 2

    shared = turns.shared(steps)
    assert list(shared(3)) == [3, 4] and turns.shared(whole)(4) == 8
    assert shared.__name__ == "steps" and shared.__doc__ == "Words."
    with ExitStack() as held:
        full = Turns(replace(LIMITS, queue=0))
        held.enter_context(turns.place("a", "b"))
        with pytest.raises(gr.Error, match="too many requests wait"):
            full.shared(whole)(1)
        told = full.shared(steps, lambda error, a: (str(error)[:8], a))(7)
        assert list(told) == [("too many", 7)]
    assert seen == [3]


def test_a_step_that_fails_gives_the_turn_back():
    turns = Turns()

    def bad():
        yield 1
        raise ValueError("no")

    running = turns.shared(bad)()
    assert next(running) == 1
    with pytest.raises(ValueError, match="no"):
        next(running)
    assert list(turns.shared(lambda: iter(()))()) == [] and not turns._places
