from __future__ import annotations

import numpy as np

from ddad.score.config import RestoreConfig
from ddad.score.scene import change_weight


def test_where_an_image_may_change():
    score_map = np.zeros((60, 80), np.float32)
    score_map[20:24, 30:34] = 5.0
    score_map[20:24, 60:64] = 1.9  # loud, but not above the threshold nor joined to what is
    weight = change_weight(score_map, 0.0, 2.0, RestoreConfig(reach=0.05))
    assert weight[20:24, 30:34].min() > 0.98
    assert weight[22, 37] > 0.3  # dilated by 3 pixels, softly
    assert weight[:, 50:].max() == 0 and weight[40:].max() == 0
    quiet = np.full((60, 80), 1.9, np.float32)
    assert change_weight(quiet, 0.0, 2.0, RestoreConfig()).max() == 0
