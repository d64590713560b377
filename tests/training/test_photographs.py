from __future__ import annotations

import numpy as np
import pytest

from ddad.data import datasets as data
from ddad.training.photographs import Photographs


@pytest.fixture(scope="module")
def normals(tree):
    return [s for s in data.read(tree) if s.split == "train"]


def test_photographs_are_decoded_when_asked_for(normals, monkeypatch):
    photographs = Photographs([s.path for s in normals])
    assert len(photographs) == 24 and not photographs._kept
    first = photographs[0]
    assert photographs[0] is first
    monkeypatch.setattr("ddad.training.photographs.CACHE", 0)
    assert photographs[1] is not photographs[1]
    np.testing.assert_array_equal(photographs[1:3][0], photographs[1])
