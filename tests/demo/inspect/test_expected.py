from __future__ import annotations

import numpy as np
from parts import texture
from PIL import Image

from demo.inspect.expected import NOISES, WORDS, pictures


def test_each_branch_is_shown_with_its_words(tiny_detector):
    found = tiny_detector.posterior(texture(np.random.default_rng(0)), NOISES["much"])
    for branch, words in WORDS.items():
        shown = pictures(found[branch])
        assert tuple(caption for _, caption in shown) == words
        for path, _ in shown:
            with Image.open(path) as picture:
                assert picture.mode == "RGB" and max(picture.size) > 300
