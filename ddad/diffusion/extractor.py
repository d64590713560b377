"""The frozen pretrained extractor whose clean features the feature branch predicts.

Knows backbones; nothing of files but a backbone's own.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, pad

from ddad.diffusion.precision import fast_dtype

STRIDES = (4, 8, 16)
"""The last feature map of each of these strides is used."""


GRID = 8
"""Pixels a side of one cell of the feature grid."""


PROBE = 240
"""Pixels around a place within which a backbone's `reach` is looked for."""


MARGIN = 32
"""Pixels mirrored around the image: zero padding inside the backbone makes borders look strange."""


IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


Edges = tuple[bool, bool, bool, bool]
"""Top, bottom, left and right."""
WHOLE: Edges = (True, True, True, True)


class Extractor(nn.Module):
    """A frozen backbone: RGB images (B, 3, H, W) in [-1, 1] to features (B, C, H / 8, W / 8).

    H and W are multiples of 16 pixels and at least 48.
    """

    def __init__(
        self,
        model: nn.Module,
        name: str,
        mean: Sequence[float] = IMAGENET[0],
        std: Sequence[float] = IMAGENET[1],
    ) -> None:
        super().__init__()
        self.model: Any = model
        self.name = name
        self.mean, self.std = tuple(mean), tuple(std)

    @classmethod
    def load(cls, source: str | Path, *, download: bool = False) -> Extractor:
        """Open a directory with config.json and safetensors that transformers can express.

        With `download`, `source` may also be the name of a hub model, such as
        google/efficientnet-b4 (the paper's). Raises ValueError, one sentence, where it cannot.
        """
        from transformers import AutoBackbone, AutoConfig, AutoImageProcessor, AutoModel
        from transformers.utils import logging

        if not download and not (Path(source) / "config.json").is_file():
            raise ValueError(f"no feature extractor at {source}: expected config.json in a folder")
        remote: dict[str, Any] = {"local_files_only": not download, "trust_remote_code": False}
        mean, std = IMAGENET
        level = logging.get_verbosity()
        logging.set_verbosity_error()  # a cut-off classifier head is no concern of ours
        logging.disable_progress_bar()
        try:
            config = AutoConfig.from_pretrained(source, **remote)
            architecture = (config.architectures or [""])[0]
            # AutoBackbone itself asks the hub before it looks at the disk.
            build = AutoBackbone if architecture.endswith("Backbone") else AutoModel
            # With a dtype: else the config's is the whole process's while this runs.
            kind = type(build.from_config(config, dtype=torch.float32, trust_remote_code=False))
            model, found = kind.from_pretrained(
                source,
                config=config,
                dtype=torch.float32,
                local_files_only=not download,
                use_safetensors=True,
                output_loading_info=True,
            )
            if missing := sorted(found["missing_keys"]):  # they would be drawn at random
                raise ValueError(f"it lacks {len(missing)} tensors, such as {missing[0]}")
            if download or (Path(source) / "preprocessor_config.json").is_file():
                processor = AutoImageProcessor.from_pretrained(source, **remote)
                mean, std = processor.image_mean, processor.image_std
        except Exception as error:  # transformers raises anything on a damaged folder
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ValueError(
                f"the feature extractor {source} cannot be opened: {reason}"
            ) from error
        finally:
            logging.set_verbosity(level)
            logging.enable_progress_bar()
        extractor = cls(model, Path(source).name, mean, std).eval().requires_grad_(False)
        if len(extractor.stages(torch.zeros(1, 3, 64, 64))) < 2:
            raise ValueError(f"the feature extractor {source} has too few maps of stride 4, 8, 16")
        return extractor

    def save(self, path: Path) -> None:
        """Write a directory that `load` opens; in half precision where that loses nothing."""
        from transformers.utils import logging

        weights = [v for v in self.model.state_dict().values() if v.is_floating_point()]
        exact = all(torch.equal(v, v.half().float()) for v in weights)
        logging.disable_progress_bar()
        (copy.deepcopy(self.model).half() if exact else self.model).save_pretrained(path)
        logging.enable_progress_bar()
        processing = {"image_mean": self.mean, "image_std": self.std, "do_rescale": True}
        processing |= {"image_processor_type": "ConvNextImageProcessor"}
        (path / "preprocessor_config.json").write_text(
            json.dumps(processing, indent=2) + "\n", "utf-8"
        )

    @property
    def digest(self) -> str:
        """Digest of the weights and of the input's normalisation."""
        digest = hashlib.sha256(repr((self.mean, self.std)).encode())
        for name, tensor in sorted(self.model.state_dict().items()):
            digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:32]

    @cached_property
    def _widths(self) -> list[int]:
        """Channels of each stage."""
        weights = next(self.model.parameters())
        with torch.no_grad():
            stages = self.stages(weights.new_zeros(1, 3, 64, 64))
        return [int(stage.shape[1]) for stage in stages]

    @property
    def coarsest(self) -> int:
        """Channels of the last stage, which are the last of what `forward` gives."""
        return self._widths[-1]

    @property
    def channels(self) -> int:
        """Of what `forward` gives."""
        return sum(self._widths)

    @cached_property
    def reach(self) -> int | None:
        """Pixels, a multiple of 16, beyond which nothing has a say in what stands at a place.

        None for a backbone that looks at the whole picture at once (attention, squeeze and
        excitation), and for one that looks farther than PROBE.
        """
        side = 2 * PROBE + 16
        noise = torch.Generator().manual_seed(0)
        x = torch.rand(1, 3, side, side, generator=noise).mul_(2).sub_(1)
        x = x.to(next(self.model.parameters())).requires_grad_()
        with torch.inference_mode(False), torch.enable_grad():
            middle = side // GRID // 2
            cells = self.cells(x)[..., middle - 1 : middle + 1, middle - 1 : middle + 1]
            (slope,) = torch.autograd.grad(cells.square().sum(), x)
        seen = slope[0].abs().amax(0).nonzero()
        farthest = int((seen - (side - 1) / 2).abs().max()) - 8
        return None if farthest >= PROBE - 8 else -(-farthest // 16) * 16

    def fast(self) -> AbstractContextManager[object]:
        """Within it the backbone computes in half precision, where that is `fast_dtype`.

        For features alone: a mixture's KL, the difference of large numbers, would lose nats.
        """
        device = next(self.model.parameters()).device
        kind = fast_dtype(device)
        return torch.autocast(device.type, kind or torch.bfloat16, enabled=kind is not None)

    def stages(self, x: Tensor) -> list[Tensor]:
        """The backbone's last map of each stride in STRIDES that it has, finest first."""
        mean, std = (x.new_tensor(v)[:, None, None] for v in (self.mean, self.std))
        states = self.model((x / 2 + 0.5 - mean) / std, output_hidden_states=True).hidden_states
        last = {x.shape[-1] // s.shape[-1]: s for s in states if s.ndim == 4}
        return [last[stride] for stride in STRIDES if stride in last]

    def cells(self, x: Tensor) -> Tensor:
        """`forward` without anything mirrored around x, so the backbone pads with zeros there."""
        shape = x.shape[-2] // GRID, x.shape[-1] // GRID
        maps = []
        for stage in self.stages(x):
            near: Tensor = avg_pool2d(stage.float(), 3, 1, 1, count_include_pad=False)
            shrinks = near.shape[-1] > shape[1]
            maps.append(interpolate(near, shape, mode="bilinear", antialias=shrinks))
        return torch.cat(maps, 1)

    def forward(self, x: Tensor, edges: Edges = WHOLE) -> Tensor:
        """All stages on the grid of stride 8, each averaged over its 3 x 3 neighbourhood.

        `edges` says which sides of x, a piece of a picture, are the picture's own: beyond those it
        is mirrored, beyond the others the backbone sees nothing, so that all within `reach` of
        them differs from what it is in the whole picture.
        """
        height, width = x.shape[-2] // GRID, x.shape[-1] // GRID
        margin = min(MARGIN, (min(x.shape[-2:]) - 1) // 16 * 16)
        top, bottom, left, right = (margin * own for own in edges)
        found = self.cells(pad(x, (left, right, top, bottom), mode="reflect"))
        rows, columns = top // GRID, left // GRID
        return found[..., rows : rows + height, columns : columns + width]
