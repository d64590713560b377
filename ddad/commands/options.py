"""What commands share: kinds of arguments, flags, settings from flags, progress bars."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ddad.images.levels import Levels
    from ddad.model.detector import Detector

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


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
positive = _checked("positive number", float, lambda x: 0 < x < 1e6)
rate = _checked("rate between 0 and 1", float, lambda x: 0 < x < 1)


def add_checkpoint(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--checkpoint", required=True, help="shipped model or folder")


def add_fpr(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fpr", type=rate, default=0.05, help="false-positive rate to aim for")


def add_megapixels(parser: argparse.ArgumentParser, text: str | None) -> None:
    parser.add_argument("--max-megapixels", type=positive, default=40, help=text)


def add_score_settings(parser: argparse.ArgumentParser) -> None:
    """The rate, and one flag a field of `ScoreConfig`."""
    add_fpr(parser)
    parser.add_argument("--timesteps", type=numbers, help="noise scales, such as 20,50,100,200")
    parser.add_argument("--draws", type=int, help="noise draws a scale (antithetic pairs)")
    parser.add_argument("--jump", type=int, help="KL of x_(t-jump) given x_t")
    parser.add_argument("--feature-timesteps", type=numbers, help="those of the feature branch")
    parser.add_argument("--feature-size", type=int, help="pixels squared it sees an image at")
    parser.add_argument("--pixel-weight", type=float, help="share of the pixel branch, 0 to 1")
    parser.add_argument("--blur", type=float, help="smoothing, pixels at model size")


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


def unseen_normals(detector: Detector, root: Path) -> list[Path]:
    """Normal images under `root` that the detector was not trained on."""
    from ddad.images.files import file_digest

    seen = set(detector.training.get("trained_on", ()))
    normals = normal_images(root)
    unseen = [path for path in normals if file_digest(path) not in seen]
    if not unseen:
        raise ValueError(f"the model was trained on every normal image in {root}")
    if len(unseen) < len(normals):
        print(f"{len(normals) - len(unseen)} images left out: the model was trained on them")
    return unseen


def normal_images(root: Path) -> list[Path]:
    """The images of a data set that a training is given."""
    from ddad.data.datasets import read

    return [s.path for s in read(root) if s.split != "test" and not s.anomalous]


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
