from __future__ import annotations

import torch

from ddad.diffusion.precision import bf16_is_fast, fast_dtype


def test_it_is_fast_only_where_the_processor_says_so(monkeypatch):
    for name, fast in (("avx512_bf16", True), ("amx_bf16", True), ("avx2", False)):
        found = {name: True}
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda f=found: f, raising=False)
        assert bf16_is_fast(torch.device("cpu")) is fast


def test_a_gpu_without_bfloat16_computes_in_float16(monkeypatch):
    for fast, kind in ((True, torch.bfloat16), (False, torch.float16)):
        said = lambda including_emulation, fast=fast: fast  # noqa: E731
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", said)
        assert fast_dtype(torch.device("cuda")) is kind
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)
    assert fast_dtype(torch.device("cpu")) is None
