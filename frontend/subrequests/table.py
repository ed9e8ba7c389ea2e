"""Text in columns, as Go's tabwriter sets it: what a client prints where it knows no better."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def columns(head: Sequence[str], rows: Iterable[Sequence[str]], gap: int) -> str:
    """A table with its heading; each column is as wide as its widest cell and `gap` blanks.

    The last column is not padded. Ends in a newline.
    """
    lines = [head, *rows]
    widths = [max(len(line[n]) for line in lines) + gap for n in range(len(head) - 1)]
    return "".join(
        "".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False))
        + line[-1]
        + "\n"
        for line in lines
    )
