from __future__ import annotations

from ddad.cli import main


def test_nll_is_a_finite_number_of_bits(tree, tiny_checkpoint, capsys):
    command = ["nll", str(tree), "--checkpoint", str(tiny_checkpoint), "--images", "1"]
    assert main(command) == 0
    bits = float(capsys.readouterr().out.splitlines()[-1].split()[0])
    assert 2 < bits < 12
