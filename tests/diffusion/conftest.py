from __future__ import annotations

import pytest

from ddad.diffusion.scheduler import PosteriorDDPMScheduler


@pytest.fixture(params=["linear", "squaredcos_cap_v2"])
def scheduler(request):
    return PosteriorDDPMScheduler(variance_type="learned_range", beta_schedule=request.param)
