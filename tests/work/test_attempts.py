from __future__ import annotations

import errno
import os
import time
from pathlib import Path, PurePosixPath

import pytest

from ddad.images.decode import ImageError, load_image
from ddad.work import attempts
from ddad.work.attempts import (
    OutputError,
    insist,
    may_go_better,
    may_pass,
    noted,
    pause,
    second_chances,
    writing,
)


def raised(call, *arguments):
    with pytest.raises(Exception) as caught:  # noqa: B017  what it is, is what is asked
        call(*arguments)
    return caught.value


def refused(number):
    def call():
        raise OSError(number, os.strerror(number))

    return call


PASSING = ("ENOSPC", "EDQUOT", "EIO", "ESTALE", "ENOTCONN", "EACCES", "EBUSY", "EMFILE", "ENOENT")


@pytest.mark.parametrize("name", PASSING)
def test_what_the_system_says_of_reaching_a_file_may_pass(name):
    error = raised(refused(getattr(errno, name)))
    assert may_pass(error)
    try:
        raise ValueError("one sentence") from error
    except ValueError as wrapped:
        assert may_pass(wrapped)


def test_what_a_decoder_says_of_content_stays(tmp_path):
    for name, content in (
        ("a.png", b"x"),
        ("b.png", b""),
        ("c.jpg", b"\xff\xd8\xff\xe0" + b"0" * 99),
    ):
        (tmp_path / name).write_bytes(content)
        assert not may_pass(raised(load_image, tmp_path / name))
    assert may_pass(raised(load_image, tmp_path / "none.png"))
    assert not may_pass(raised(load_image, tmp_path / ("n" * 300 + ".png")))
    loop = tmp_path / "loop.png"
    loop.symlink_to(loop)
    assert not may_pass(raised(load_image, loop))


def test_short_memory_may_pass_and_other_mistakes_do_not():
    assert may_pass(MemoryError())
    assert may_pass(RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"))
    assert not may_pass(RuntimeError("shapes differ"))
    assert not may_pass(TypeError("no"))
    try:
        raise ImageError("a.heic is damaged") from RuntimeError("memory limit of a decoder")
    except ImageError as damaged:
        assert not may_pass(damaged)


def test_any_exception_is_the_row_of_its_file_but_a_stop_is_not():
    for error in (RuntimeError("first\nsecond"), AssertionError(), RecursionError("deep")):
        row = {"file": "in/a\n.png"}
        with noted(row):
            raise error
        assert type(error).__name__ in row["error"] and r"in/a\n.png" in row["error"]
        assert "\n" not in row["error"] and "again" not in row and row["seconds"] >= 0
    for stop in (KeyboardInterrupt, SystemExit):
        with pytest.raises(stop), noted({"file": "a"}):
            raise stop


def test_an_output_is_told_from_an_image(tmp_path):
    (tmp_path / "maps").touch()
    row = {"file": "a.png"}
    with noted(row), writing(tmp_path):
        (tmp_path / "maps" / "a.png").mkdir(parents=True)
    assert row["again"] == "output" and row["error"].startswith(f"{tmp_path} cannot be written: ")
    row = {"file": "a.png"}
    with noted(row):
        load_image(tmp_path / "gone.png")
    assert row["again"] == "image"
    row = {"file": "a.png"}
    with noted(row), writing(tmp_path):  # no patience makes this name shorter
        (tmp_path / ("n" * 300)).touch()
    assert "again" not in row and "too long" in row["error"]


def test_second_chances_are_for_what_failed_and_end(monkeypatch, tmp_path):
    monkeypatch.setattr(attempts, "PAUSES", (0.01, 0.01, 0.01))
    plans = {n: (tmp_path / f"{n}.png", PurePosixPath(str(n))) for n in (3, 5, 8)}
    turns = {}

    def work(plan):
        turns[plan[0].stem] = turns.get(plan[0].stem, 0) + 1
        good = plan[0].stem == "3" and turns["3"] == 2
        return {"score": 1} if good else {"error": "x", "again": "image"}

    rows = second_chances(work, plans)
    assert turns == {"3": 2, "5": 3, "8": 3} and rows[3] == {"score": 1} and "error" in rows[8]
    assert second_chances(work, {}) == {}


def test_a_damaged_file_is_worth_another_attempt_while_it_is_new(tmp_path):
    file = tmp_path / "a.png"
    file.write_bytes(b"half")
    assert may_go_better(file, {"error": "cut short"})
    assert not may_go_better(file, {"score": 1})
    os.utime(file, (time.time() - 60, time.time() - 60))
    assert not may_go_better(file, {"error": "cut short"})
    assert may_go_better(file, {"error": "locked", "again": "image"})
    assert not may_go_better(Path("none.png"), {"error": "cut short"})


def test_insisting_ends_with_success_or_the_last_error(monkeypatch):
    monkeypatch.setattr(attempts, "PAUSES", (0.01, 0.01))
    calls = []

    def third_time():
        calls.append(1)
        if len(calls) < 3:
            raise OSError(errno.ENOSPC, "full")

    insist(third_time)
    assert len(calls) == 3
    with pytest.raises(OutputError, match="out cannot be written: full"), writing(Path("out")):
        insist(lambda: calls.append(1) or refused_with_full())
    assert len(calls) == 6


def refused_with_full():
    raise OSError(errno.ENOSPC, "full")


def test_pauses_grow_to_a_minute():
    assert [pause(2, tries) for tries in (1, 2, 3, 5, 99999)] == [4, 8, 16, 60, 60]
    assert pause(300, 9) == 300
