"""The feature score as one ONNX graph: extractor, denoiser, calibration, from grey levels to a map.

Runs where there is neither torch nor this package: `write` puts `score.py` beside it, which needs
numpy, Pillow and onnxruntime. The graph is of one size of photograph. The threshold is not in it
but in model.json, so that it can be moved.
"""

from __future__ import annotations

import logging
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from ddad.diffusion.extractor import GRID
from ddad.export import runner
from ddad.images.files import write_json, write_whole
from ddad.images.geometry import feature_shape, to_image
from ddad.model.detection import FAMILIAR
from ddad.model.detector import Detector
from ddad.score.composition import PLACES, shares
from ddad.score.feature import jump, tokens
from ddad.score.fusion import normalise
from ddad.score.look import LARGEST, described

OUTPUTS = ("score", "score_map", "composition", "strangeness")
"""What the graph says, as a `Detection` does: `score` is the larger of the map's highest value and
of the composition."""
OPSET = 18


class FeatureGraph(nn.Module):
    """Grey levels float32 (1, 3, h, w), 0..255, at model size to OUTPUTS of an image of `shape`."""

    def __init__(self, detector: Detector, shape: Sequence[int]) -> None:
        """Raises ValueError for a model whose score is not of the whole part's features alone, or
        photographs that are seen in pieces."""
        super().__init__()
        if set(detector.weights) != {"feature"} or detector.features is None:
            raise ValueError(
                "a graph is made of a feature branch that looks at the whole part alone: give the "
                f"model as {detector.name or 'NAME'}@fast, and no weight to a pixel branch"
            )
        if detector.config.feature_blur:
            raise ValueError("a graph does not smooth: use feature_blur 0")
        self.shape = int(shape[0]), int(shape[1])
        self.size = feature_shape(self.shape, detector.config.feature_size)
        if self.size[0] * self.size[1] > LARGEST:
            raise ValueError(f"a graph sees {LARGEST} pixels at most, these would be {self.size}")
        config, features = detector.config, detector.features
        self.extractor, self.mixture = features.extractor, features.mixture
        self.mixture.rotated  # noqa: B018  kept by whoever asks first: not by the tracing of a graph
        self.fitted = detector.calibration
        self.steps = [
            jump(detector.scheduler, t, config.feature_left) for t in config.feature_timesteps
        ]
        height, width = (side // GRID for side in self.size)
        # ONNX has no adaptive pooling: a place is a mean over rows and one over columns.
        self.rows, self.columns = _pooling(height), _pooling(width)

    def forward(self, levels: Tensor) -> tuple[Tensor, ...]:
        found = described(self.extractor, levels / 127.5 - 1)
        grid = found.shape[2:]
        steps = [*self.mixture.steps(tokens(found), self.steps)]
        kl = torch.stack([step.kl.view(grid) for step in steps])
        z = normalise(self.fitted, "feature", kl)
        score_map = to_image(z.mean(0)[None], *self.shape)[0]
        composition = self._composition(steps[-1].kinds.T.view(-1, *grid))
        strange = torch.zeros(())
        if self.fitted.strange is not None:
            strange = (score_map > self.fitted.strange).float().mean()
        score = torch.maximum(score_map.max(), composition)
        return score, score_map, composition, strange

    def _composition(self, kinds: Tensor) -> Tensor:
        """`Usual.score` of responsibilities (G, h, w); as little as can be where there is none."""
        usual = self.fitted.usual
        if usual is None:
            return torch.full((), torch.finfo(torch.float32).min)
        amounts = torch.cat(shares(self.rows @ kinds @ self.columns.T))
        deviations = (amounts - torch.tensor(usual.means)) / torch.tensor(usual.stds)
        found: Tensor = usual.as_score(deviations.square().mean().sqrt())
        return found


def _pooling(length: int) -> Tensor:
    """(PLACES, length): what each place takes of each cell, as `adaptive_avg_pool2d` has it."""
    each = adaptive_avg_pool2d(torch.eye(length)[:, None, None], (1, PLACES))
    return each[:, 0, 0].T.contiguous()


def write(detector: Detector, shape: Sequence[int], out: Path) -> None:
    """model.onnx, model.json and score.py in a folder, for photographs of (height, width).

    Raises ValueError where the extra `export` is missing, see also `FeatureGraph`.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401  what torch exports with
    except ImportError as error:
        raise ValueError('a graph needs the extra: pip install "ddad[export]"') from error
    graph = FeatureGraph(detector, shape).eval()
    out.mkdir(parents=True, exist_ok=True)
    example = torch.full((1, 3, *graph.size), 127.0)
    for name in ("torch.onnx", "onnxscript", "onnx_ir"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with torch.no_grad(), warnings.catch_warnings(), write_whole(out / "model.onnx") as part:
        warnings.simplefilter("ignore")  # of torch's own exporter, to its authors
        program: Any = torch.onnx.export(
            graph,
            (example,),
            input_names=["levels"],
            output_names=[*OUTPUTS],
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
        onnx.save(program.model_proto, str(part))
    fitted = detector.calibration
    write_json(
        {
            "model": detector.name,
            "fingerprint": detector.fingerprint,
            "image": {"height": graph.shape[0], "width": graph.shape[1]},
            "levels": {"height": graph.size[0], "width": graph.size[1]},
            "threshold": fitted.threshold,
            "familiar": FAMILIAR,
            "map_low": fitted.map_low,
            "map_high": fitted.map_high,
            "target_fpr": fitted.target_fpr,
        },
        out / "model.json",
    )
    with write_whole(out / "score.py") as part:
        shutil.copyfile(runner.__file__, part)
