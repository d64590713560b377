"""Whether a network earns a share in the score: the pixel branch and the feature head.

    python -m benchmarks.branches DATA [--sets bottle brick] [--minutes 2] [--starts base]

Trained on four fifths of the normals, levelled by the rest, judged on the test images (of pill
every second, of mtd every fourth) alone and fused with the closed form. `brick` is the wall of
`brick_tree`, its defects painted. `--starts none` begins with random weights instead of the base;
`--base DIR` with another base. One line a row; the mean of the sets at the end. Networks, maps and
features are kept in --out; the same command goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch.nn.functional import avg_pool2d
from tqdm import tqdm

from benchmarks.accuracy import COLUMNS, FLIPPED, SETS
from benchmarks.closed_form import THIN, Choice, Set, say_table
from ddad.diffusion.extractor import GRID
from ddad.diffusion.losses import kl
from ddad.diffusion.networks import predict_features
from ddad.images.decode import load_image
from ddad.images.files import write_whole
from ddad.images.geometry import to_model
from ddad.model.allocator import keep_freed_memory
from ddad.score.config import ScoreConfig
from ddad.score.fusion import Maps
from ddad.score.noise import seeded_generator
from ddad.score.scorer import Scorer
from ddad.training.estimate import painted
from ddad.training.run import CPU, TrainConfig
from ddad.training.synthetic import KINDS, brick_tree
from ddad.training.train import train

JUMPS = (1, 0.5, 0.9)
"""Steps back from t: a number of them, or a share of t."""
TIMES = (20, 50, 100, 200, 300)
SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)
PAINTED = 20
"""Normals that are painted on to let painted defects choose a share."""


@dataclass(frozen=True)
class Row:
    """A way to judge: shares of the branches, and which maps they have."""

    name: str
    pixel: Sequence[str] = ()
    share: float = 0.0
    head: Sequence[str] = ()
    head_share: float = 0.0


def key(t: int, jump: float, draws: int = 2) -> str:
    return f"kl {t} {jump:g} {draws}"


def rows() -> list[Row]:
    usual = ScoreConfig.timesteps
    found = [Row("closed form alone")]
    for jump in JUMPS:
        each = [key(t, jump) for t in usual]
        found.append(Row(f"pixel KL alone, jump {jump:g}", each, 1.0))
    found.append(Row("pixel KL alone, jump 0.5, one draw", [key(t, 0.5, 1) for t in usual], 1.0))
    found += [Row(f"pixel KL alone, t = {t}, jump 0.5", [key(t, 0.5)], 1.0) for t in TIMES]
    for name, times, jump in (
        ("t = 20, 50, 100, 200, jump 1", usual, 1.0),
        ("t = 20, 50, jump 0.5", (20, 50), 0.5),
        ("t = 100, 200, 300, jump 0.5", (100, 200, 300), 0.5),
    ):
        maps = [key(t, jump) for t in times]
        found += [
            Row(f"closed form, {w:g} of pixel KL, {name}", maps, w) for w in (0.05, 0.1, 0.2, 0.5)
        ]
    for times in (usual, (200, 300)):
        heads, name = [f"head {t}" for t in times], ", ".join(map(str, times))
        found.append(Row(f"head alone, t = {name}", head=heads, head_share=1.0))
        for w in (0.1, 0.3):
            found.append(Row(f"closed form, {w:g} of head, t = {name}", (), 0, heads, w))
    maps, heads = [key(t, 0.5) for t in (20, 50)], [f"head {t}" for t in (200, 300)]
    found.append(Row("closed form, 0.1 of pixel KL, 0.2 of head", maps, 0.1, heads, 0.2))
    return found


@torch.inference_mode()
def seen(model: Scorer, extractor: torch.nn.Module, pixels: np.ndarray) -> Maps:
    """Every map of one photograph: KL by t, jump and draws at half the model's side, and the
    head's error by t."""
    assert model.unet is not None and model.head is not None
    x0 = to_model(pixels, model.shape("pixel", pixels))[None]
    grid = x0.shape[2] // GRID, x0.shape[3] // GRID
    wanted, found = model.head.scaled(extractor(x0)), Maps()
    for step in TIMES:
        t = torch.tensor([step])
        eps = torch.randn(x0.shape, generator=seeded_generator(0, step))
        pairs: dict[str, list[np.ndarray]] = {}
        for noise in (eps, -eps):
            x_t = model.scheduler.q_sample(x0, t, noise)
            out, features = predict_features(model.unet, model.head, x_t, t, grid)
            pairs.setdefault(f"head {step}", []).append(
                (features - wanted).square().mean(1)[0].numpy()
            )
            for jump in JUMPS:
                s = t - (1 if jump == 1 else max(1, round(jump * step)))
                p, _ = model.scheduler.p_posterior(out, x_t, t, s, clip=True)
                whole = kl(model.scheduler.q_posterior(x0, x_t, t, s), p).sum(1)
                pairs.setdefault(key(step, jump), []).append(avg_pool2d(whole, 2)[0].numpy())
        for name, two in pairs.items():
            found[name] = (two[0] + two[1]) / 2
            if name.startswith("kl"):
                found[f"{name[:-1]}1"] = two[0]
    return found


class Networks:
    """One set's U-Net with its head, and all maps of the photographs that level and judge."""

    def __init__(self, one: Set, name: str, config: TrainConfig, folder: Path) -> None:
        trained = train(one.fitted_to, one.held, folder / "run", config, extractor=one.extractor)
        assert trained.head is not None
        self.model = Scorer(trained.unet, trained.scheduler, ScoreConfig(), head=trained.head)
        self.record, self.one = trained.record, one
        self.levels = self._maps([s.path for s in one.held], folder / "levels.npz")
        self.judged = self._maps([s.path for s in one.tests], folder / "judged.npz")

    def _maps(self, paths: Sequence[Path], kept: Path) -> list[Maps]:
        if not kept.exists():
            extractor = self.one.extractor
            found = [
                seen(self.model, extractor, load_image(path).pixels)
                for path in tqdm(paths, desc=kept.stem, disable=None)
            ]
            every = {f"{i} {n}": m for i, maps in enumerate(found) for n, m in maps.items()}
            with write_whole(kept) as part, part.open("wb") as file:
                np.savez(file, **every)  # type: ignore[arg-type]
        maps: list[Maps] = [{} for _ in paths]
        with np.load(kept) as loaded:
            for each in loaded:
                index, name = each.split(" ", 1)
                maps[int(index)][name] = loaded[each]
        return maps

    def row(self, row: Row, levels: Sequence[Maps], judged: Sequence[Maps]) -> list[float]:
        """Image AUROC, pixel AUROC, AP and AUPRO, with the closed form's maps beside."""
        metrics = self.one.judge(*self._weighed(row, levels, judged))
        return [metrics[column] for column in COLUMNS]

    def painted_share(self, levels: Sequence[Maps]) -> float:
        """The pixel KL's share that defects painted on held-out normals choose, by AP."""
        maps, closed, truths = [], [], []
        for number, sample in enumerate(self.one.held[:PAINTED]):
            kind = KINDS[number % len(KINDS)]
            pair = painted(load_image(sample.path).pixels, kind, (0, number))
            for pixels, mask in (
                () if pair is None else ((pair[0], 0 * pair[2]), (pair[1], pair[2]))
            ):
                maps.append(seen(self.model, self.one.extractor, pixels))
                closed.append({"feature": self.one.maps_of(pixels)})
                truths.append((kind if mask.any() else "good", mask.astype(bool)))
        best = {}
        for share in SHARES:
            row = Row("", [key(t, 0.5) for t in (20, 50)], share)
            pairs, judged, weights = self._weighed(row, levels, closed, maps)
            best[share] = self.one.judge(pairs, judged, weights, truths)["pixel_ap"]
        return max(best, key=lambda share: best[share])

    def _weighed(
        self,
        row: Row,
        levels: Sequence[Maps],
        judged: Sequence[Maps],
        networks: Sequence[Maps] | None = None,
    ) -> tuple[list[Maps], list[Maps], dict[str, float]]:
        """A row's maps of what levels and of what is judged, and the weights of their branches."""
        shares = {"pixel": row.share, "head": row.head_share}
        shares["feature"] = 1 - sum(shares.values())
        weights = {branch: share for branch, share in shares.items() if share > 0}

        def chosen(maps: Maps, closed: Maps) -> Maps:
            found = dict(closed)
            if row.pixel:
                blur = (0, *(2 * [ScoreConfig.blur / 2]))
                stack = np.stack([maps[name] for name in row.pixel])
                found["pixel"] = gaussian_filter(stack, blur, mode="nearest")
            if row.head:
                found["head"] = np.stack([maps[name] for name in row.head])
            return found

        others = self.judged if networks is None else networks
        return (
            list(map(chosen, self.levels, levels)),
            list(map(chosen, others, judged)),
            weights,
        )


def settings(start: str, base: str, name: str, minutes: float) -> TrainConfig:
    config = replace(CPU, minutes=minutes, features=0.3, flips=name in FLIPPED)
    if start == "base":
        return replace(config, start=base)
    return replace(config, start="", channels=(64, 96, 128), patch=4, lr=1e-3, warmup=50)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", nargs="+", choices=(*SETS, "brick"), default=list(SETS))
    parser.add_argument("--starts", nargs="+", choices=("base", "none"), default=["base", "none"])
    parser.add_argument("--base", default="base", help="the network that `base` begins with")
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--out", type=Path, default=Path("runs/branches"))
    args = parser.parse_args()
    keep_freed_memory(all_of_it=True)
    whole: dict[str, list[list[float]]] = {}
    for name in args.sets:
        source = args.data / SETS[name] if name in SETS else args.out / name
        if name == "brick" and not source.exists():
            brick_tree(source)
        one = Set(source, args.out / "features", thin=THIN.get(name, 1))
        closed = one.closed_form(Choice("default"))
        for start in args.starts:
            config = settings(start, args.base, name, args.minutes)
            networks = Networks(one, name, config, args.out / f"{name}_{start}")
            print(f"{name}, {start}: {networks.record['steps']} steps", flush=True)
            for row in rows():
                label = f"{start}: {row.name}"
                whole.setdefault(label, []).append(networks.row(row, *closed))
                text = " ".join(f"{v:.3f}" for v in whole[label][-1])
                print(f"{name}, {label}: {text}", flush=True)
            share = networks.painted_share(closed[0])
            row = Row("share by painted defects", [key(t, 0.5) for t in (20, 50)], share)
            whole.setdefault(f"{start}: {row.name}", []).append(networks.row(row, *closed))
            print(f"{name}, {start}: painted defects choose {share:g} of pixel KL", flush=True)
    say_table(args.sets, whole)


if __name__ == "__main__":
    main()
