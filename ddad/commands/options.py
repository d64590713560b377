"""What commands share: kinds of arguments, flags, settings from flags, progress bars."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddad.score.config import ScoreConfig

if TYPE_CHECKING:
    from ddad.data.datasets import Sample
    from ddad.images.levels import Levels
    from ddad.model.detector import Detector

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]
    Parser = argparse.ArgumentParser | argparse._ArgumentGroup


def command(
    commands: Commands, name: str, run: Callable[[argparse.Namespace], int], text: str | None
) -> argparse.ArgumentParser:
    """A new command without arguments; both helps say `text`, its module's first line, of it."""
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    return parser


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _checked(name: str, kind: Callable[[str], Any], valid: Callable[[Any], bool]) -> Any:
    """An argparse type; a wrong value is reported as "invalid `name` value"."""

    def parse(text: str) -> Any:
        if not valid(value := kind(text)):
            raise ValueError
        return value

    parse.__name__ = name
    return parse


count = _checked("count", int, lambda n: n > 0)
port = _checked("port", int, lambda n: 0 < n < 2**16)
positive = _checked("positive number", float, lambda x: 0 < x < 1e6)
rate = _checked("rate between 0 and 1", float, lambda x: 0 < x < 1)

SCORE_FLAGS: dict[str, tuple[Callable[[str], Any], str, str]] = {
    "timesteps": (numbers, "T,T,...", "noise scales of the pixel branch, steps of a chain of 1000"),
    "draws": (int, "N", "number of noise draws a scale, in antithetic pairs"),
    "jump": (int, "STEPS", "steps over which the KL is taken: of x_(t-jump) given x_t"),
    "feature_timesteps": (numbers, "T,T,...", "those of the feature branch, steps of that chain"),
    "feature_left": (
        *(float, "SHARE"),
        "share of the noise ratio, 0 to 1, that is left where the step of its KL ends",
    ),
    "feature_size": (int, "PIXELS", "the feature branch sees images of about N x N pixels in area"),
    "pixel_weight": (float, "SHARE", "share of the pixel branch in the score, 0 to 1"),
    "head_weight": (float, "SHARE", "share of the U-Net's feature head in the score, 0 to 1"),
    "blur": (float, "PIXELS", "smoothing of each map: standard deviation in pixels at model size"),
}
"""A field of `ScoreConfig`: the kind of its flag, what stands for a value, and what it is."""


def add_checkpoint(parser: Parser) -> None:
    text = (
        "the model: a checkpoint folder, or the name of a shipped one; with @fast behind it, its "
        "look at the whole part alone, with @1 its first closer look too (required)"
    )
    parser.add_argument("--checkpoint", required=True, metavar="MODEL", help=text)


def add_out(parser: Parser, holds: str, kind: Callable[[str], Any] = Path) -> None:
    text = f"folder that is written, made if need be: {holds} (required)"
    parser.add_argument("--out", type=kind, required=True, metavar="DIR", help=text)


def add_fpr(parser: Parser) -> None:
    parser.add_argument(
        "--fpr",
        type=rate,
        default=0.05,
        metavar="SHARE",
        help="false-positive rate to aim for: the share of good parts, 0 to 1, that the threshold "
        "may call defective (default: %(default)s)",
    )


def add_megapixels(parser: Parser) -> None:
    parser.add_argument(
        "--max-megapixels",
        type=positive,
        default=40,
        metavar="N",
        help="larger images, in millions of pixels, are an error (default: %(default)s)",
    )


def add_all_good(parser: Parser) -> None:
    parser.add_argument(
        "--all-good",
        action="store_true",
        help="every photograph under DATA shows a good part, whatever its folder is called "
        "(default: no; refuse where the folders are unclear)",
    )


def add_extractor(parser: Parser, also: str = "") -> None:
    text = f"folder of the backbone that features come from{also} (default: the bundled one)"
    parser.add_argument("--extractor", metavar="DIR", help=text)


def add_score_settings(parser: Parser, *, of_model: bool = False) -> None:
    """One flag a field of `ScoreConfig`; with `of_model` the defaults are an existing model's."""
    for field, (kind, metavar, text) in SCORE_FLAGS.items():
        value = getattr(ScoreConfig, field)
        plain = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        default = "as the model has it" if of_model else plain
        parser.add_argument(
            f"--{field.replace('_', '-')}",
            type=kind,
            metavar=metavar,
            help=f"{text} (default: {default})",
        )


def override(config: Any, args: argparse.Namespace) -> Any:
    """The settings with the flags that were given; of `--steps` and `--minutes` one is enough."""
    names = {field.name for field in fields(config)}
    given = {k: v for k, v in vars(args).items() if k in names and v is not None}
    if "steps" in given and "minutes" not in given:
        given["minutes"] = 0.0
    if "minutes" in given and "steps" not in given:
        given["steps"] = 0
    return replace(config, **{k: v for k, v in given.items() if k in names})


def max_pixels(args: argparse.Namespace) -> int:
    return int(args.max_megapixels * 1e6)


def unseen_normals(detector: Detector, root: Path, *, all_good: bool = False) -> list[Path]:
    """Normal images under `root` that the detector was not trained on."""
    samples = normal_samples(root, all_good=all_good)
    return unseen(detector, [sample.path for sample in samples], root, "normal image")


def unseen(detector: Detector, paths: Sequence[Path], root: Path, of: str = "image") -> list[Path]:
    """Those of the images that the detector was not trained on; the others are counted and said.

    Raises ValueError where none is left.
    """
    from ddad.images.files import file_digest

    seen, left = set(detector.training.get("trained_on", ())), []
    for path in paths:
        try:
            trained_on = file_digest(path) in seen
        except OSError:  # told where it is to be decoded
            trained_on = False
        if not trained_on:
            left.append(path)
    if not left:
        raise ValueError(f"the model was trained on every {of} in {root}")
    if len(left) < len(paths):
        print(f"{len(paths) - len(left)} images left out: the model was trained on them")
    return left


def check_out(out: Path, apart_from: Path | None = None) -> None:
    """Refuse a place to write before any work is done.

    Raises ValueError for a file, and for a folder inside `apart_from`, whose images are read.
    """
    from ddad.images.files import shown

    if out.exists() and not out.is_dir():
        raise ValueError(f"--out {shown(out)} is a file: give a folder, which is made if need be")
    if apart_from is not None and out.resolve().is_relative_to(apart_from.resolve()):
        raise ValueError(
            f"--out {shown(out)} lies inside {shown(apart_from)}, so its pictures would be read as "
            "photographs: give a folder beside it"
        )


def normal_samples(root: Path, *, all_good: bool = False) -> Sequence[Sample]:
    """Those of a data set that a training is given; what is left out is said."""
    from ddad.data.datasets import normals

    chosen = normals(root, all_good=all_good)
    for note in chosen.notes:
        tell(note)
    return chosen.samples


def say_passed_over(paths: Sequence[Path], out: Path | None = None) -> None:
    """What in the folders among the paths is not taken: other kinds of picture, some links."""
    from ddad.images.files import look_into, shown

    for path in paths:
        if path.is_dir() and (sentence := look_into(path, apart=out).sentence):
            print(f"{shown(path)}: {sentence}", flush=True)


def say_how_read(
    paths: Sequence[Path], levels: Levels | None = None, *, quiet: bool = False
) -> Levels:
    """How pictures are read that are not plain, each sentence once; their range, or the model's."""
    from ddad.images.decode import survey

    levels, notes = survey(paths, levels)
    for note in [] if quiet else notes:
        print(note)
    return levels


def say_threshold(detector: Detector) -> None:
    from ddad.model.card import promise

    print(promise(detector.calibration))


def say_unpromised(checkpoint: str | Path) -> None:
    """That a model's threshold promises nothing, where it does not."""
    from ddad.model.card import unpromised
    from ddad.model.checkpoint import find_checkpoint, read_calibration

    if sentence := unpromised(read_calibration(checkpoint)):
        tell(f"{find_checkpoint(checkpoint).name}: {sentence}")


def say_sight(checkpoint: str | Path) -> None:
    """How small a spot a model finds, where that is known."""
    from ddad.model.checkpoint import find_checkpoint, read_calibration

    if (sight := read_calibration(checkpoint).sight) is not None:
        print(f"{find_checkpoint(checkpoint).name} {sight.sentence}")


def say_drift(checkpoint: str | Path, rows: Iterable[dict[str, Any]]) -> None:
    """That a series of photographs is not what the threshold promised for, where it is not."""
    from ddad.model.checkpoint import read_calibration
    from ddad.score.drift import CURE, Drift

    if sentence := Drift.of(read_calibration(checkpoint)).add_rows(rows).said():
        print(f"{sentence} {CURE}")


def tell(sentence: str) -> None:
    """A sentence beside the results, on stderr. A full disk under a log file ends no run."""
    with suppress(OSError):
        print(sentence, file=sys.stderr, flush=True)


def bar(text: str, unit: str) -> Any:
    """A progress bar on a terminal; nothing elsewhere."""
    from tqdm import tqdm

    return tqdm(desc=text, unit=unit, disable=None, dynamic_ncols=True)


def on(shown: Any) -> Callable[[int, int], None]:
    """What moves a bar to so many done of a total."""

    def report(done: int, total: int) -> None:
        shown.total = total
        shown.update(done - shown.n)

    return report


def on_named(shown: Any) -> Callable[[str, int, int], None]:
    """As `on`, with the name of what was done last."""
    move = on(shown)

    def report(name: str, done: int, total: int) -> None:
        shown.set_postfix_str(name[:40].replace("\n", "?"))
        move(done, total)

    return report
