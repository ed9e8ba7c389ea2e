"""Programs in C of `programs/`: compiled by a build for its guest, or here for this machine."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

PROGRAMS = Path(__file__).parents[1] / "programs"


def put(name: str, context: Path, named: str | None = None) -> None:
    """Copy the source of a program into a build context, as another program's if `named`."""
    shutil.copy(PROGRAMS / f"{name}.c", context / f"{named or name}.c")


def app(name: str) -> str:
    """The `app` of a bunnyfile that compiles the program, into /bin."""
    return (
        "app:\n  from: local\n  path: .\n"
        f"  build: $CC -Os -static -o {name} {name}.c\n"
        f"  artifacts: [{name}:/bin/{name}]\n"
    )


def compiled(name: str, to: Path, **words: str) -> Path:
    """The program for this machine, at `to`; `words` are macros, and each is a string in C."""
    macros = [f'-D{key}="{value}"' for key, value in words.items()]
    command = ["cc", "-static", "-O", "-Wall", "-Wextra", "-Werror", *macros, "-o", str(to)]
    done = subprocess.run(
        [*command, str(PROGRAMS / f"{name}.c")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return to
