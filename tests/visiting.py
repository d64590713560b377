"""What a visitor does on the page, in a browser."""

from __future__ import annotations

import io
import time
from pathlib import Path

import numpy as np
from PIL import Image


def arrive(page, site):
    """Open the page and wait until the visit can begin."""
    page.goto(site)
    page.wait_for_selector("#tabs[data-ready] #viewer .viewer")


def settled(page, name):
    """Wait until the image of that name is on the desk, whole."""
    page.wait_for_function(
        """name => { const now = document.querySelector('#viewer .viewer')?.desk?.state();
        return now?.item && now.name === name && now.found; }""",
        arg=name,
    )


def pick(page, index):
    page.locator("#viewer .example:visible").nth(index).click()
    settled(page, ["1_good part.png", "2_square.png"][index])


def text(page, selector):
    return page.locator(f"#viewer {selector}").inner_text()


def canvas(page):
    """A digest of the screen's pixels: photograph, and heat with mask."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    return page.evaluate(
        """() => ['photo', 'overlay'].map(name => {
        const c = document.querySelector(`#viewer .${name}`);
        const data = new Uint32Array(
            c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer);
        return data.reduce((sum, v) => (Math.imul(sum, 31) + v) | 0, 0); })"""
    )


def drawn(page):
    """The mask as the page holds it, bool (H, W)."""
    rows, columns, marked = page.evaluate(
        """() => { const now = document.querySelector('#viewer .viewer').desk.state();
        return [now.height, now.width, Array.from(now.mask)]; }"""
    )
    return np.array(marked, bool).reshape(rows, columns)


def set_threshold(page, value):
    box = page.locator("#viewer .threshold-number")
    box.fill(str(value))
    box.press("Enter")
    saved(page)


def saved(page):
    page.wait_for_function(
        "() => /^(Saved|Every|As you)/.test(document.querySelector('#viewer .saved').textContent)"
    )


def download(page, selector):
    with page.expect_download() as started:
        page.locator(selector).click()
    return Path(started.value.path()).read_bytes(), started.value.suggested_filename


def unfold(page):
    """Open what the desk keeps folded: clean-up of the mask, reviewer, link."""
    page.locator("#viewer .more summary").click()


def on_screen(page, x, y):
    """Where the point (x, y) of the image lies in the window."""
    return page.evaluate(
        """([x, y]) => { const { view } = document.querySelector('#viewer .viewer').desk;
        const box = document.querySelector('#viewer .cursor').getBoundingClientRect();
        return [box.left + (x * view.scale + view.x) / view.ratio,
                box.top + (y * view.scale + view.y) / view.ratio]; }""",
        [x, y],
    )


def exported(page, kind):
    """The file of the image on the desk in a format."""
    page.locator("#viewer .format").select_option(kind)
    return download(page, "#viewer .take")


def upload(page, name, data):
    page.locator("#upload input[type=file]").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    )


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def watched(page):
    """The page, with the `errors` its console shows from now on, and its requests `under_way`.

    The heartbeat isn't under way: it gets no answer. What Gradio's client says of a stream of
    answers that a reload cuts off is no error of the page.
    """
    waiting, errors = set(), []
    page.under_way, page.errors, page.leaving = waiting, errors, False

    def asks(request) -> None:
        if request.url.startswith("http") and "/heartbeat/" not in request.url:
            waiting.add(request)

    def says(message) -> None:
        cut_off = "AbortError" in message.text or "Connection errored out" in message.text
        if message.type == "error" and not (page.leaving and cut_off):
            errors.append(message.text)

    page.on("request", asks)
    page.on("requestfinished", lambda request: waiting.discard(request))
    page.on("requestfailed", lambda request: waiting.discard(request))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", says)
    return page


def quiet(page) -> None:
    """Wait until nothing has been under way on a watched page for half a second.

    Gradio now and then leaves a stream of answers open though nothing more will come of it:
    that one is waited for a quarter of a minute.
    """
    deadline, still = time.monotonic() + 15, 0
    while still < 5:
        page.wait_for_timeout(100)
        late = time.monotonic() > deadline
        busy = [r.url for r in page.under_way if not (late and "/queue/data" in r.url)]
        assert time.monotonic() < deadline + 45, busy
        still = 0 if busy else still + 1


def reload(page) -> None:
    """Load a watched page again, once it is quiet."""
    quiet(page)
    page.leaving = True
    page.reload()
    page.leaving = False
