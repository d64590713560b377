"""Every limit and quota of the page, in one table; the README shows it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

DAY = 86_400.0


def _limit(value: Any, about: str, unit: str = "") -> Any:
    """A field with a default, what it bounds, and how the table writes it: `_written`."""
    return field(default=value, metadata={"about": about, "unit": unit})


@dataclass(frozen=True)
class Limits:
    """What a visitor, and all together, may use."""

    # a visitor's work
    max_age_s: float = _limit(7 * DAY, "work is kept after the last visit for", "days")
    quota_bytes: int = _limit(2 * 10**9, "everything that one visitor keeps", "bytes")
    machine_bytes: int = _limit(5 * 10**10, "everything that all visitors keep", "bytes")
    images: int = _limit(2000, "images of one visitor")
    models: int = _limit(20, "models of one visitor")
    photographs: int = _limit(3000, "photographs that one visitor trains on")
    photograph_bytes: int = _limit(10**9, "these photographs together", "bytes")
    # what comes in
    upload_bytes: int = _limit(64 << 20, "one uploaded file", "bytes")
    archive_entries: int = _limit(2000, "entries of a ZIP of images")
    archive_bytes: int = _limit(1 << 30, "a ZIP of images, unpacked", "bytes")
    intakes: int = _limit(2, "uploads of many images taken in at once")
    exports: int = _limit(2, "exports written at once")
    upload_files: int = _limit(20, "times that much, in one request of an upload")
    upload_hour_bytes: int = _limit(8 * 10**9, "uploads of an address within an hour", "bytes")
    free_bytes: int = _limit(10**9, "the disk is filled but for", "bytes")
    event_bytes: int = _limit(4 << 20, "any other request of an event", "bytes")
    call_bytes: int = _limit(96 << 20, "a request of the canvas, such as a mask", "bytes")
    held_bytes: int = _limit(256 << 20, "requests that are held at once", "bytes")
    canvas_calls: int = _limit(8, "requests of the canvas taken in at once, one of a visitor")
    beside: int = _limit(1, "of them worked on beside the model; exports take turns at it")
    requests: int = _limit(400, "requests of an address in ten seconds")
    connections: int = _limit(64, "requests of an address under way at once")
    # scoring
    queue: int = _limit(40, "requests that wait for the model; who comes later is told so")
    visitor_waits: int = _limit(4, "of them of one visitor")
    address_waits: int = _limit(10, "of them from one address")
    active: int = _limit(8, "requests that take turns at the model")
    visitor_active: int = _limit(2, "of them of one visitor")
    address_active: int = _limit(4, "of them from one address")
    turn_s: float = _limit(2, "a turn at the model before others get theirs", "s")
    slice_s: float = _limit(2, "scoring of many images before it waits for a place again", "s")
    visits: int = _limit(1000, "open pages whose state is held; the oldest is dropped")
    threads: int = _limit(100, "threads, most of which only wait")
    frame_bytes: int = _limit(1_000_000, "a camera's frame that is judged live", "bytes")
    frame_pixels: int = _limit(1_000_000, "the same, decoded", "pixels")
    own_models: int = _limit(4, "visitors' own models kept in memory")
    # training
    waiting: int = _limit(8, "trainings that wait for their turn; one runs")
    training_minutes: float = _limit(60, "training of a pixel branch", "min")
    attempts: int = _limit(3, "attempts at a training whose process is killed")
    training_bytes: int = _limit(2 * 10**8, "room that a training needs when it begins", "bytes")
    # the canvas and the tables
    edited_pixels: int = _limit(16_000_000, "a mask is edited at up to", "pixels")
    labels: int = _limit(1000, "labelled regions of an image")
    classes: int = _limit(60, "classes of defects of one visitor")
    thumbnails: int = _limit(60, "thumbnails in one answer")
    findings: int = _limit(48, "findings about photographs shown with pictures")


LIMITS = Limits()


def as_markdown(limits: Limits = LIMITS) -> str:
    """The table, a line for each limit."""
    lines = ["| what | at most |", "|---|---|"]
    for each in fields(limits):
        value = _written(getattr(limits, each.name), each.metadata["unit"])
        lines.append(f"| {each.metadata['about']} | {value} |")
    return "\n".join(lines) + "\n"


def _written(value: float, unit: str) -> str:
    if unit == "days":
        return f"{value / DAY:g} days"
    if unit == "bytes":
        big, name = (1 << 20, "MiB") if value % (1 << 20) == 0 else (10**6, "MB")
        return f"{value / big:,g} {name}"
    return f"{value:,.0f} {unit}".strip()


if __name__ == "__main__":
    print(as_markdown(), end="")
