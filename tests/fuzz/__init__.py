"""Inputs that nobody wrote, from a seed: what hutch reads, and what must never happen then.

    make fuzz                                  for ever, from a new seed
    python -m tests.fuzz --seconds 60 --target registry
    python -m tests.fuzz --target kernel --seed 7/31337    one input again

`make unit` runs each target for a fixed number of rounds from a fixed seed
(tests/unit/core/test_fuzz.py).
"""
