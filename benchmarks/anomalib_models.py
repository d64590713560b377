"""anomalib's models on given photographs, run by the Python of an environment that has anomalib.

    PYTHON benchmarks/anomalib_models.py JOB.json

Knows nothing of ddad, which need not be there. JOB names `model`, `weights` (a folder of a
ResNet-18 whose stages 1 to 3 transformers reads, in place of the download that anomalib would
make), `train` and `test` (lists of photographs) and `out`. Writes out/maps.npy, float32
(N, 256, 256), and out/found.json: image scores and what it took, in CPU seconds on one thread. With
`maps` and `masks` (npy files) in place of a model it writes its metrics of these.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path

os.environ |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}

import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from torch.nn.functional import interpolate  # noqa: E402

SIDE = 256
"""Pixels a side, photographs are stretched: the default of all three."""
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BATCH = 8
CORESET, MOST = 0.01, 2000
"""Of all vectors, as PatchCore's authors have it beside 10 % and 25 % with little between them, and
at most so many: from three quarters of a million they are chosen in minutes rather than hours."""
POOLED = 300
"""Photographs at most, evenly over all, that PatchCore's vectors are taken from: each choice reads
all vectors, a gigabyte for 750 photographs."""


def model_of(name: str, weights: Path) -> torch.nn.Module:
    if name == "PatchCore":
        from anomalib.models.image.patchcore.torch_model import PatchcoreModel

        found = PatchcoreModel(["layer2", "layer3"], "resnet18", pre_trained=False)
    elif name == "PaDiM":
        from anomalib.models.image.padim.torch_model import PadimModel

        found = PadimModel("resnet18", pre_trained=False)
    else:
        from anomalib.models.image.dfm.torch_model import DFMModel

        found = DFMModel("resnet18", "layer3", pre_trained=False)
    load_backbone(found.feature_extractor.feature_extractor, weights)
    return found


def load_backbone(network: torch.nn.Module, weights: Path) -> None:
    """transformers' names into timm's; the last stage, which nobody asks for, has no weights."""
    from safetensors.torch import load_file

    state = {}
    for name, value in load_file(weights / "model.safetensors").items():
        new = name.replace("embedder.embedder.convolution", "conv1")
        new = new.replace("embedder.embedder.normalization", "bn1")
        if there := re.fullmatch(r"encoder\.stages\.(\d)\.layers\.(\d)\.(.+)", new):
            stage, block, rest = there.groups()
            rest = re.sub(
                r"layer\.(\d)\.(convolution|normalization)",
                lambda m: f"{'conv' if m[2] == 'convolution' else 'bn'}{int(m[1]) + 1}",
                rest,
            )
            rest = rest.replace("shortcut.convolution", "downsample.0")
            rest = rest.replace("shortcut.normalization", "downsample.1")
            new = f"layer{int(stage) + 1}.{block}.{rest}"
        state[new] = value
    missing, unexpected = network.load_state_dict(state, strict=False)
    if unexpected or any(not name.startswith(("layer4", "fc")) for name in missing):
        raise SystemExit(f"the backbone does not fit: lacks {missing[:3]}, has {unexpected[:3]}")


def batches(files: list[str], size: int):
    """Photographs as anomalib's own preparation has them, which is torchvision's resize."""
    mean, std = (torch.tensor(v)[:, None, None] for v in (MEAN, STD))
    for start in range(0, len(files), size):
        each = []
        for file in files[start : start + size]:
            pixels = np.asarray(Image.open(file).convert("RGB"), np.float32) / 255
            x = torch.from_numpy(pixels).permute(2, 0, 1)[None]
            each.append(interpolate(x, (SIDE, SIDE), mode="bilinear", antialias=True))
        yield (torch.cat(each) - mean) / std


def peak() -> float:
    """MB held at most (Linux)."""
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024


@torch.no_grad()
def fit_and_score(job: dict, out: Path) -> dict:
    model = model_of(job["model"], Path(job["weights"]))
    clock = time.process_time
    started = clock()
    torch.manual_seed(0)
    model.train()
    model.feature_extractor.eval()
    train = job["train"]
    if job["model"] == "PatchCore":
        train = train[:: -(-len(train) // POOLED)]
    for x in batches(train, BATCH):
        model(x)
    if job["model"] == "PatchCore":
        count = sum(len(each) for each in model.embedding_store)
        model.subsample_embedding(min(CORESET, MOST / count))
    else:
        model.fit()
    trained = clock()
    model.eval()
    maps, scores, times = [], [], []
    for x in batches(job["test"], 1):
        began = clock()
        said = model(x)
        times.append(clock() - began)
        maps.append(said.anomaly_map.reshape(SIDE, SIDE).float().numpy())
        scores.append(float(said.pred_score.reshape(-1)[0]))
    np.save(out / "maps.npy", np.stack(maps))
    return {
        "scores": scores,
        "start_s": started,
        "train_s": trained - started,
        "image_s": float(np.median(times)),
        "peak_mb": peak(),
    }


def metrics(job: dict) -> dict:
    """anomalib's own, of maps (N, H, W) and masks (N, H, W), and of the maps' highest values."""
    from anomalib.metrics.aupro import _AUPRO
    from anomalib.metrics.auroc import _AUROC

    maps = torch.from_numpy(np.load(job["maps"]))
    masks = torch.from_numpy(np.load(job["masks"])).int()
    found = {}
    pixel, pro, image = _AUROC(), _AUPRO(), _AUROC()
    pixel.update(maps.flatten(), masks.flatten())
    image.update(maps.amax((1, 2)), masks.amax((1, 2)))
    pro.update(maps, masks)
    for name, metric in (("pixel_auroc", pixel), ("image_auroc", image), ("aupro", pro)):
        found[name] = float(metric.compute())
    return found


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text())
    torch.set_num_threads(1)
    out = Path(job["out"])
    found = metrics(job) if "maps" in job else fit_and_score(job, out)
    (out / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
