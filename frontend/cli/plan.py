"""`hutch plan FILE`: what would be built, with every default filled in."""

from __future__ import annotations

import argparse
import json
import sys

from frontend.cli import buildfile
from frontend.cli.options import parser as make


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make("plan", examples=("hutch plan bunnyfile",))
    buildfile.add_build(made)
    return made


def run(options: argparse.Namespace) -> int:
    """Print the plan."""
    from frontend.plan import to_json

    json.dump(to_json(buildfile.plan_of(options, buildfile.read(options))), sys.stdout, indent=2)
    print()
    return 0
