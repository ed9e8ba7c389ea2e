"""Each target of tests/fuzz for some rounds, the same in each run. `make fuzz` goes on for ever."""

from __future__ import annotations

import pytest

from tests.fuzz.targets import TARGETS, run

ROUNDS = {"bunnyfile": 150, "registry": 150, "layers": 150, "unpack": 100}


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_rounds(target: str) -> None:
    for number in range(ROUNDS.get(target, 300)):
        run(target, f"unit/{number}")
