"""`hutch schema`: the JSON Schema of a bunnyfile, for editors."""

from __future__ import annotations

import argparse
import sys

from frontend.cli.options import parser as make


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "schema",
        """
        An editor reads it for completion and errors, of files of both versions: put
        `# yaml-language-server: $schema=bunnyfile.schema.json` at the top of a bunnyfile.
        """,
        examples=("hutch schema > bunnyfile.schema.json",),
    )
    return made


def run(options: argparse.Namespace) -> int:
    """Print the schema."""
    from frontend.bunnyfile import editor

    del options
    sys.stdout.write(editor.text())
    return 0
