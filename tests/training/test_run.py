from __future__ import annotations

import json
from dataclasses import asdict, replace

from parts import ROOT

from ddad.training.run import PRESETS


def test_the_cpu_preset_is_what_the_shipped_cookie_was_trained_with():
    """But for what its card says: mirrored, for a cookie has no handedness."""
    shipped = json.loads((ROOT / "checkpoints" / "cookie" / "ddad.json").read_text())
    preset = replace(PRESETS["cpu"], flips=True)
    assert json.loads(json.dumps(asdict(preset))) == shipped["training"]["config"]
