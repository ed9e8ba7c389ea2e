"""`hutch schema`: the JSON Schema of a bunnyfile, for editors."""

from __future__ import annotations

import argparse
import json
import sys

from frontend.cli.options import parser as make


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "schema",
        """
        An editor reads it for completion and errors: put
        `# yaml-language-server: $schema=bunnyfile.schema.json` at the top of a bunnyfile.
        """,
        examples=("hutch schema > bunnyfile.schema.json",),
    )
    made.add_argument(
        "version", nargs="?", default="v1", choices=("v1", "v0.1"), help="of the format (v1)"
    )
    return made


def run(options: argparse.Namespace) -> int:
    """Print the schema."""
    from frontend.bunnyfile import schema

    json.dump(schema(options.version), sys.stdout, indent=2)
    print()
    return 0
