"""Fuzz without limit: `python -m tests.fuzz [--target NAME] [--seconds N] [--seed SEED]`."""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback

from tests.fuzz.targets import TARGETS, run

_MOST_FAULTS = 20
_SLOW = 5
_MOST_SAID = 4000


def main() -> int:
    """Run targets by turns; print each fault once, with the seed that makes it again."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--target", choices=sorted(TARGETS), action="append")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seed", help="one input only, as a fault names it: BASE/ROUND")
    options = parser.parse_args()
    names = options.target or sorted(TARGETS)
    if options.seed:
        for name in names:
            run(name, options.seed)
        return 0
    base, ends, rounds = random.randrange(1 << 32), time.monotonic() + options.seconds, 0
    faults: dict[str, str] = {}
    while time.monotonic() < ends and len(faults) < _MOST_FAULTS:
        for name in names:
            seed, started = f"{base}/{rounds}", time.monotonic()
            try:
                run(name, seed)
                if time.monotonic() - started > _SLOW:
                    raise AssertionError(f"it took more than {_SLOW} seconds")
            except Exception as error:
                where = traceback.extract_tb(error.__traceback__)[-1]
                key = f"{type(error).__name__} {where.filename}:{where.lineno}"
                if key not in faults:
                    faults[key] = seed
                    said = "".join(traceback.format_exception(error))
                    print(said if len(said) < _MOST_SAID else f"...{said[-_MOST_SAID:]}")
                    print(f"--- again with: --target {name} --seed {seed}\n", flush=True)
        rounds += 1
    print(f"{rounds} rounds of {', '.join(names)}: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
