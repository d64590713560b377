"""Half precision where the processor computes with it."""

from __future__ import annotations

import torch


def bf16_is_fast(device: torch.device) -> bool:
    """Whether bfloat16 runs in hardware; elsewhere it is emulated and slower than float32."""
    if device.type == "cuda":
        found: bool = torch.cuda.is_bf16_supported(including_emulation=False)
        return found
    capabilities: dict[str, object] = getattr(
        torch.cpu, "get_capabilities", dict
    )()  # torch >= 2.11
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def fast_dtype(device: torch.device) -> torch.dtype | None:
    """What a backbone computes in: bfloat16 where that runs in hardware, float16 on a GPU that has
    none (before Ampere), None for float32."""
    if bf16_is_fast(device):
        return torch.bfloat16
    return torch.float16 if device.type == "cuda" else None
