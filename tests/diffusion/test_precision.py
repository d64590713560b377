from __future__ import annotations

import torch

from ddad.diffusion.precision import bf16_is_fast


def test_it_is_fast_only_where_the_processor_says_so(monkeypatch):
    for name, fast in (("avx512_bf16", True), ("amx_bf16", True), ("avx2", False)):
        found = {name: True}
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda f=found: f, raising=False)
        assert bf16_is_fast(torch.device("cpu")) is fast
