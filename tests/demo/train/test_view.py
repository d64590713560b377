from __future__ import annotations

import base64
import io
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
