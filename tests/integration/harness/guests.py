"""Real kernels and a real program to put into images, and what that program prints."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Guests:
    """Real kernels and a real program to put into images.

    `debian` is Debian's cloud kernel, which boots an initrd only; `kernel` is hutch's default, with
    every root filesystem's driver built in; `hello` prints what it was given and ends the machine.
    """

    debian: Path
    hello: Path
    kernel: Path


def said(output: str) -> list[str]:
    """The lines that `hello` printed, without the kernel's."""
    return [
        line for line in output.splitlines() if re.match(r"(argument \d+|environment|uid): ", line)
    ]
