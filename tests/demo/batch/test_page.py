"""The tab of many images in a real browser."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import Counter

import numpy as np
import pytest
from parts import spoil, texture
from PIL import Image
from visiting import arrive, png, quiet, reload

from ddad.measure.metrics import Evaluation

playwright = pytest.importorskip("playwright.sync_api")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
WAIT = 120_000


@pytest.fixture(scope="module")
def parts():
    """Three good and three spoilt parts: name to pixels and true mask."""
    rng = np.random.default_rng(11)
    made = {}
    for index in range(3):
        pixels = texture(rng)
        made[f"good/{index}.png"] = pixels, np.zeros(pixels.shape[:2], bool)
        made[f"square/{index}.png"] = spoil(texture(rng), rng)
    return made


@pytest.fixture
def many(page):
    return opened(page)


def opened(page):
    page.get_by_role("tab", name="Many images").click()
    page.wait_for_selector(".many")
    return page


def drop(page, *files):
    """Give (name, bytes) pairs to the upload, as a drop would."""
    page.locator("#many-upload input[type=file]").set_input_files(
        [{"name": n, "mimeType": "application/octet-stream", "buffer": data} for n, data in files]
    )


def archive(entries):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in entries:
            file.writestr(name, data)
    return buffer.getvalue()


def labelled(parts):
    """The parts and their masks as MVTec lays them out, in a ZIP."""
    entries = [(f"set/test/{name}", png(pixels)) for name, (pixels, _) in parts.items()]
    for name, (_, mask) in parts.items():
        if mask.any():
            truth = f"set/ground_truth/{name[:-4]}_mask.png"
            entries.append((truth, png(mask.astype(np.uint8) * 255)))
    return archive(entries)


def done(page, count):
    page.wait_for_function(
        """(count) => { const rows = [...document.querySelectorAll('.many tbody tr')];
        return rows.length === count && rows.every(row => row.dataset.verdict !== 'waiting'); }""",
        arg=count,
        timeout=WAIT,
    )
    page.wait_for_selector(".many .run", state="hidden")


def verdict(found):
    return ("bad" if found.anomalous else "good") if found.familiar else "strange"


def column(page, name):
    return page.locator(f".many tbody td.{name}").all_inner_texts()


def test_files_become_rows_that_say_what_the_library_says(many, parts, tiny_detector):
    assert many.locator(".many .empty").is_visible()
    files = [(name.replace("/", "_"), png(pixels)) for name, (pixels, _) in parts.items()]
    drop(many, *files, ("torn.png", b"\x89PNG\r\n\x1a\njunk"))
    done(many, 7)
    found = {
        name.replace("/", "_"): tiny_detector.detect([pixels])[0]
        for name, (pixels, _) in parts.items()
    }
    rows = many.locator(".many tbody tr").all()
    assert rows[-1].get_attribute("data-verdict") == "error"  # it has no score: it comes last
    sentence = rows[-1].locator(".note").inner_text()
    assert sentence.startswith("torn.png ") and "/" not in sentence
    shown = []
    for row in rows[:-1]:
        expected = found[row.locator(".text").inner_text()]
        shown.append(expected.score)
        assert float(row.locator(".number").inner_text()) == pytest.approx(expected.score, abs=6e-3)
        assert row.get_attribute("data-verdict") == verdict(expected)
        share = row.locator(".area").inner_text().rstrip(" %").lstrip("< ")
        assert float(share) == pytest.approx(100 * expected.mask().mean(), abs=0.11)
        assert row.locator(".decision").inner_text() == "○ undecided"
    assert shown == sorted(shown, reverse=True)
    assert "1 file could not be used" in many.locator(".many .said").inner_text()
    many.wait_for_selector(".many tbody tr:first-child img[src^='data:image/jpeg']")


def test_sort_filter_find_and_open_at_the_desk(many, parts, tiny_detector):
    drop(many, ("set.zip", labelled(parts)))
    done(many, 6)
    seen = Counter(verdict(tiny_detector.detect([pixels])[0]) for pixels, _ in parts.values())
    found = re.findall(r"(\w[^\n\d]*?)\s+(\d+)", many.locator(".many .filters").inner_text())
    counts = {name: int(count) for name, count in found}
    bad, strange = seen["bad"], seen["strange"]
    every = [tiny_detector.detect([pixels])[0] for pixels, _ in parts.values()]
    near = sum(f.familiar and abs(f.score - f.threshold) <= 0.1 * f.threshold for f in every)
    assert counts == {
        "All": 6,
        "Looks defective": bad,
        "Looks good": seen["good"],
        "Undecided": 6,
        "Errors": 0,
    } | {
        name: count
        for name, count in (("Not this model's part", strange), ("Near the threshold", near))
        if count
    }
    many.locator(".many .filter[data-filter=bad]").click()
    many.wait_for_function(f"() => document.querySelectorAll('.many tbody tr').length === {bad}")
    many.locator(".many .filter[data-filter=error]").click()
    many.wait_for_selector(".many .none:visible")
    many.locator(".many .filter[data-filter=all]").click()
    many.locator(".many th.name .sort").click()
    assert column(many, "name") == sorted(f"set/test/{name}" for name in parts)
    assert many.locator(".many th.name").get_attribute("aria-sort") == "ascending"
    many.locator(".many th.name .sort").click()
    assert column(many, "name") == sorted((f"set/test/{name}" for name in parts), reverse=True)
    many.locator(".many .query").fill("SQUARE/1")
    many.wait_for_function("() => document.querySelectorAll('.many tbody tr').length === 1")
    score = many.locator(".many .number").inner_text()
    many.locator(".many .open").click()
    many.wait_for_selector(".viewer[data-state=full]")
    assert many.locator("#viewer .score").inner_text() == score
    many.wait_for_function("() => document.querySelectorAll('.queued').length === 6")
    judged = many.locator("#viewer .viewer").get_attribute("data-verdict")
    opposite = {"bad": ("g", "good"), "good": ("d", "defective")}[judged]
    many.keyboard.press(opposite[0])
    many.wait_for_selector(f".viewer .status[data-decision={opposite[1]}]")
    many.wait_for_timeout(500)
    many.get_by_role("tab", name="Many images").click()
    many.wait_for_function(
        "word => document.querySelector('.many td.decision')?.textContent.endsWith(word)",
        arg=opposite[1],
    )
    assert many.locator(".many tbody tr").get_attribute("data-verdict") == judged  # the model's
    many.locator(".many .query").fill("")
    many.locator(".many .filter[data-filter=disagree]").click()
    many.wait_for_function("() => document.querySelectorAll('.many tbody tr').length === 1")


def test_several_are_chosen_and_decided_together_and_that_is_undone(many, parts):
    drop(many, ("set.zip", labelled(parts)))
    done(many, 6)
    decisions = """() => [...document.querySelectorAll('.many tbody tr')].map(
        row => row.dataset.decision)"""
    boxes = many.locator(".many .pick input")
    boxes.nth(1).check()
    boxes.nth(3).click(modifiers=["Shift"])
    many.wait_for_selector(".many .picked:text('3 chosen')")
    many.keyboard.press("d")
    many.wait_for_function(f"({decisions})().filter(d => d === 'defective').length === 3")
    assert many.evaluate(decisions) == ["undecided", *["defective"] * 3, *["undecided"] * 2]
    many.locator(".many .pick-all").click()
    many.locator(".many .decide-all[data-decision=good]").click()
    many.wait_for_function(f"({decisions})().every(d => d === 'good')")
    many.locator(".many .undo-all").click()
    many.wait_for_function(f"({decisions})().filter(d => d === 'defective').length === 3")
    many.locator(".many .pick-none").click()
    assert many.locator(".many .decide-all").first.is_disabled()


def test_the_set_is_taken_away_as_one_archive(many, parts, tiny_detector):
    drop(many, ("set.zip", labelled(parts)))
    done(many, 6)
    many.locator("#export button").first.click()
    many.locator("#export-now").click()
    many.wait_for_selector("#export-file:visible", timeout=WAIT)
    assert many.locator("#export-said").inner_text().startswith("6 images, ")
    with many.expect_download() as started:
        many.locator("#export-file").click()
    with zipfile.ZipFile(started.value.path()) as taken:
        rows = list(csv.DictReader(io.StringIO(taken.read("scores.csv").decode("utf-8-sig"))))
        masks = [np.asarray(Image.open(taken.open(f"masks/{r['stem']}.png"))) > 0 for r in rows]
        assert {"report.html", "run.json", "decisions.csv"} <= set(taken.namelist())
    for row, mask in zip(rows, masks, strict=True):
        (found,) = tiny_detector.detect([parts[row["file"].removeprefix("set/test/")][0]])
        np.testing.assert_array_equal(mask, found.mask())


def test_the_threshold_of_the_set(many, parts):
    drop(many, ("set.zip", labelled(parts)))
    done(many, 6)
    quiet(many)  # what is decided is summed up anew after the scoring
    posts: list[str] = []
    many.on("request", lambda r: posts.append(r.url) if r.method == "POST" else None)
    many.locator(".many .threshold").focus()
    many.evaluate(
        """() => { const slider = document.querySelector('.many .threshold');
        slider.value = slider.max; slider.dispatchEvent(new Event('input')); }"""
    )
    many.wait_for_function(
        "() => document.querySelectorAll('.many tr[data-verdict=bad]').length === 0"
    )
    assert not posts  # the browser needs no server to follow the slider
    known = 6 - many.locator(".many tr[data-verdict=strange]").count()
    assert f"lie 0 of {known} images and 0 of" in many.locator(".many .meaning").inner_text()
    many.locator(".many .apply").click()
    many.wait_for_function(
        """() => [...document.querySelectorAll('.many tr:not([data-verdict=strange]) td.regions')]
        .every(cell => cell.textContent === '0')"""
    )
    areas = many.locator(".many tbody tr:not([data-verdict=strange]) td.area")
    assert set(areas.all_inner_texts()) == {"0 %"}
    many.locator(".many .reset").click()
    many.wait_for_selector(".many .apply:visible")  # back: the images differ from calibration now


def test_cancel_keeps_what_is_done_and_a_reload_keeps_everything(many, browser, site):
    rng = np.random.default_rng(5)
    data = archive([(f"{i:02}.png", png(texture(rng, 96, 96))) for i in range(40)])
    drop(many, ("set.zip", data))
    many.wait_for_selector(".many tbody tr:not([data-verdict=waiting])", timeout=WAIT)
    assert re.search(r"\d+ of 40", many.locator(".many .run-text").inner_text())
    many.locator(".many .cancel").click()
    many.wait_for_selector(".many .waiting:visible")
    many.wait_for_timeout(700)
    states = many.locator(".many tbody tr")
    waiting = many.locator(".many tr[data-verdict=waiting]").count()
    assert states.count() == 40 and 0 < waiting < 40
    reload(many)
    opened(many)
    many.wait_for_function("() => document.querySelectorAll('.many tbody tr').length === 40")
    left = many.locator(".many tr[data-verdict=waiting]").count()
    assert 0 < left <= waiting  # what was in hand when it was cancelled was finished
    many.wait_for_timeout(1500)
    reload(many)
    opened(many)
    many.wait_for_function("() => document.querySelectorAll('.many tbody tr').length === 40")
    assert many.locator(".many tr[data-verdict=waiting]").count() == left  # and nothing since
    stranger = browser.new_context()
    other = stranger.new_page()
    other.goto(site)
    opened(other)
    assert other.locator(".many .empty").is_visible()
    stranger.close()
    many.locator(".many .resume").click()
    done(many, 40)
    many.locator(".many .clear").click()
    many.locator(".many .sure-yes").click()
    many.wait_for_selector(".many .empty:visible")


def test_the_evaluation_is_that_of_the_library(many, parts, tiny_detector):
    drop(many, ("set.zip", labelled(parts)))
    done(many, 6)
    evaluation = Evaluation(tiny_detector.calibration.threshold)
    for name, (pixels, mask) in parts.items():
        (found,) = tiny_detector.detect([pixels])
        evaluation.add(found.score, found.score_map, mask, name.split("/")[0])
    expected = evaluation.result()
    many.locator("#evaluate button").first.click()
    many.locator("#evaluate-now").click()
    many.wait_for_selector(".evaluation", timeout=WAIT)
    shown = dict(
        zip(
            many.locator(".evaluation dt").all_inner_texts(),
            many.locator(".evaluation dd").all_inner_texts(),
            strict=True,
        )
    )
    for name in ("image AUROC", "image AP", "image F1-max", "pixel AUROC", "pixel AP"):
        key = name.lower().replace(" ", "_").replace("-", "_")
        assert shown[name] == f"{expected[key]:.3f}", name
    assert shown["AUPRO to 30 % FPR"] == f"{expected['aupro']:.3f}"
    at = expected["at_threshold"]
    (iou,) = (value for name, value in shown.items() if name.startswith("pixel IoU"))
    assert iou == f"{at['pixel_iou']:.3f}"
    cells = many.locator(".evaluation .confusion b").all_inner_texts()
    names = ("true_positives", "false_negatives", "false_positives", "true_negatives")
    assert [int(cell) for cell in cells] == [at[name] for name in names]
    assert many.locator(".evaluation svg[role=img]").count() == 5
    assert many.locator(".evaluation tbody td").first.inner_text() == "square"
    assert "not for choosing" in many.locator(".evaluation .caution").inner_text()


def test_names_from_an_archive_are_text(many, parts):
    pixels, mask = parts["square/0.png"]
    evil = "<img src=x onerror=alert(1)>"
    folder = "set/test/&lt;b&gt;'\"/0.png".replace('"', "")
    entries = [
        (f"{evil}.png", b"x"),
        (folder, png(pixels)),
        (folder.replace("/test/", "/ground_truth/"), png(mask.astype(np.uint8) * 255)),
        ("../../up.png", png(pixels)),
        ("set/test/good/0.png", png(pixels)),
    ]
    drop(many, ("set.zip", archive(entries)))
    done(many, 4)
    assert many.locator(".many img[src=x]").count() == 0
    notes = dict(zip(column(many, "name"), column(many, "note"), strict=True))
    assert "not an image" in notes[f"{evil}.png"]
    assert "leads out" in notes["../../up.png"]
    many.locator("#evaluate button").first.click()
    many.locator("#evaluate-now").click()
    many.wait_for_selector(".evaluation", timeout=WAIT)
    assert many.locator(".evaluation tbody td").first.inner_text() == "&lt;b&gt;'"
    drop(many, ("broken.zip", b"PK\3\4 no more"))
    many.wait_for_selector("#many-problem .problem")
    assert "broken.zip is not a ZIP" in many.locator("#many-problem").inner_text()
    assert many.locator(".many tbody tr").count() == 4


@pytest.mark.parametrize("width, scheme", [(400, "dark"), (1280, "light")])
def test_nothing_overflows(browser, site, parts, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    arrive(page, site)
    opened(page)
    drop(page, ("set.zip", labelled(parts)), ("torn.png", b"junk"))
    done(page, 7)
    page.locator("#evaluate button").first.click()
    page.locator("#evaluate-now").click()
    page.wait_for_selector(".evaluation", timeout=WAIT)
    wide = page.evaluate(
        """() => [...document.querySelectorAll('.many *, .evaluation *, #many-upload')]
        .filter(e => e.getBoundingClientRect().right > innerWidth + 1
            && !e.closest('svg, .evaluation .table-scroll'))
        .map(e => e.className)"""
    )
    assert wide == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_costs_and_a_threshold_that_no_one_typed_are_not_zero(many):
    many.get_by_role("button", name="What your decisions say").click()
    many.wait_for_selector("#decided-missed input")
    many.wait_for_function(
        "() => [...document.querySelectorAll('#decided input[type=number][placeholder]')]"
        ".filter(input => input.value === '').length === 3"
    )
    quiet(many)  # the panel's own first look clears what was said
    many.locator("#decided-missed input").fill("50")
    many.locator("#decided-missed input").press("Tab")
    many.locator("#decided-cheapest").click()
    many.get_by_text("Type what a missed defect and what a false alarm costs.").wait_for()


def test_a_grid_shows_what_is_marked_and_keys_go_through_it(many, parts):
    names = [f"square/{k}.png" for k in range(3)] + ["good/0.png"]
    drop(many, *((name.replace("/", " "), png(parts[name][0])) for name in names))
    done(many, 4)
    many.locator("#many-table .view", has_text="Grid").click()
    many.wait_for_function("() => document.querySelectorAll('.many .marks[src]').length === 4")
    tops = [cell.bounding_box()["y"] for cell in many.locator(".many tbody tr").all()]
    assert len(set(tops)) == 1  # side by side
    drawn = many.evaluate(
        """async () => { const counts = [];
        for (const image of document.querySelectorAll('.many .marks')) {
            await image.decode();
            const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
            const context = canvas.getContext('2d');
            context.drawImage(image, 0, 0);
            const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
            counts.push(data.filter((v, i) => i % 4 === 3 && v).length); }
        return counts; }"""
    )
    assert min(drawn[:3]) > 0  # the loudest are the spoilt ones
    many.locator(".many .open").first.focus()
    many.keyboard.press("ArrowRight")
    many.keyboard.press("g")
    many.wait_for_selector(".many tbody tr:nth-child(2)[data-decision=good]")
    many.keyboard.press("ArrowRight")
    many.keyboard.press("x")
    many.keyboard.press("ArrowLeft")
    many.keyboard.press("ArrowLeft")
    many.keyboard.press("x")
    assert many.locator(".many .picked").inner_text() == "2 chosen"
    many.keyboard.press("d")
    many.wait_for_selector(".many tbody tr:nth-child(3)[data-decision=defective]")
    assert many.locator(".many tr[data-decision=defective]").count() == 2
    many.set_viewport_size({"width": 400, "height": 850})
    across = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert many.evaluate(across) <= 1
    columns = {round(cell.bounding_box()["x"]) for cell in many.locator(".many tbody tr").all()}
    assert len(columns) == 2  # two cards side by side on a phone
    many.set_viewport_size({"width": 1280, "height": 900})
    many.locator(".many .open").first.focus()
    many.keyboard.press("Enter")
    many.wait_for_selector("#viewer .viewer[data-state=full]:visible")
    reload(many)
    opened(many)
    many.wait_for_selector(".many[data-view=grid]")  # as it was left


def test_images_of_one_name_are_told_apart(many, parts):
    pictures = [png(parts[name][0]) for name in ("square/0.png", "square/1.png")]
    for picture in pictures:
        drop(many, ("part.png", picture))
        quiet(many)
    done(many, 2)
    names = many.locator(".many .text").all_inner_texts()
    assert sorted(names) == ["part.png (1)", "part.png (2)"]
    many.get_by_role("tab", name="Inspect").click()
    many.wait_for_function("() => document.querySelectorAll('#viewer .queued').length === 2")
    titles = [each.get_attribute("title") for each in many.locator("#viewer .queued").all()]
    assert sorted(titles) == ["part.png (1)", "part.png (2)"]
    many.locator("#viewer .queued").first.click()
    many.wait_for_selector("#viewer .judge:has-text('part.png (')")
