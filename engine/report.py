"""What the engine says to people, and how it fails."""

import sys


class EngineError(Exception):
    """A failure whose message tells the user what to do; no traceback is printed."""


def say(text: str) -> None:
    """Print one line of progress to stderr; stdout belongs to what other programs read."""
    print(f"engine: {text}", file=sys.stderr, flush=True)
