"""bfloat16 where the processor computes with it."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch


def bf16_is_fast(device: torch.device) -> bool:
    """Whether bfloat16 runs in hardware; elsewhere it is emulated and slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities: dict[str, object] = getattr(
        torch.cpu, "get_capabilities", dict
    )()  # torch >= 2.11
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def fast(device: torch.device) -> AbstractContextManager[object]:
    """Within it convolutions are in bfloat16 where that is fast: for extractors, which bear it.

    Not for mixtures: the differences of large numbers that a KL is made of would lose nats.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=bf16_is_fast(device))
