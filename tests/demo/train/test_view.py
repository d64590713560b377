from __future__ import annotations

import base64
import io
import json
import re

import numpy as np
from PIL import Image

from demo.train import view


def test_the_latest_preview_is_the_one_that_is_shown(tmp_path):
    for number, level in ((1, 40), (2, 120), (10, 200)):
        for name, more in (("good", 0), ("painted", 20)):
            path = tmp_path / "preview" / f"{number:04}_{name}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(np.full((16, 20, 3), level + more, np.uint8)).save(path)
    found = re.findall(r"base64,([\w+/=]+)", view._previews(tmp_path))
    shown = [np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) for data in found]
    assert [round(pixels.mean()) for pixels in shown] == [200, 220]  # the good part, then spoiled
    assert view._previews(tmp_path / "nothing yet") == ""


def test_curves_are_those_of_the_log(tmp_path):
    """The held-out loss only of the rows that have it; nothing before there are two points."""
    rows = [{"step": 10, "mse": 0.5}, {"step": 20, "mse": 0.25, "held_out_mse": 0.75}]
    (tmp_path / "log.jsonl").write_text(json.dumps(rows[0]) + "\n")
    assert view._curves(tmp_path) == ""
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    drawn = view._curves(tmp_path)
    assert "</i>loss 0.25<" in drawn and "</i>held-out loss 0.75<" in drawn
    assert "painted defect" not in drawn and "step 10 to 20" in drawn
    painted = [{"normals": n, "painted_peak": 3.0 + n, "normal_peak": 1.0} for n in (1, 2)]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in painted))
    drawn = view._curves(tmp_path)
    assert "</i>with a painted defect 5<" in drawn and "</i>the same part clean 1<" in drawn
