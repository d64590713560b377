"""What the allocator keeps, by page faults and resident memory; in processes of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest
from parts import ROOT

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the settings are those of glibc, which is Linux's"
)

CODE = """
import re, resource, sys
from ddad.model.allocator import keep_freed_memory
assert "torch" not in sys.modules

import numpy as np

{call}

def faults(megabytes):
    def once():
        block = np.empty(megabytes << 20, np.uint8)
        block[:: 4096] = 1
    once()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(8):
        once()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def held():
    return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024

before = held()
print(faults(20), faults(200), held() - before)
"""


def measured(call):
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(call=call)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    small, large, held = done.stdout.split()
    return int(small), int(large), float(held)


def test_scoring_reuses_what_networks_need_and_gives_a_large_image_back():
    small, large, held = measured("")
    assert small > 8 * 10  # 20 MB are ten pages even where pages are huge
    small, large, held = measured("keep_freed_memory()")
    assert small < 64 and large > 512 and held < 64


def test_a_training_keeps_everything():
    small, large, held = measured("keep_freed_memory(all_of_it=True)")
    assert small < 64 and large < 64 and held > 150
