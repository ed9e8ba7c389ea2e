"""Put what a build imports into one file, which `frontend.startup` reads in the image."""

from __future__ import annotations

import marshal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from frontend.startup import FILE as FILE
from image import record


def write(target: Path, compiled: Sequence[Path], native: Path) -> None:
    """Write the file: the code of modules, and the codes of regular expressions.

    `compiled` are where modules are in the image, as .pyc files, which this machine's Python runs;
    what is machine code is taken from `native`.
    """
    places = (compiled[0], native, *compiled[1:])
    command = (sys.executable, "-ISB", record.__file__, *map(str, places))
    modules, patterns = marshal.loads(subprocess.check_output(command))
    codes = {}
    for name in modules:
        path = name.replace(".", "/")
        for top in compiled:
            module, package = top / f"{path}.pyc", top / path / "__init__.pyc"
            found = package if package.exists() else module
            if found.exists():
                # Behind the 16 bytes that PEP 552 describes there is the code, and nothing else.
                codes[name] = marshal.loads(found.read_bytes()[16:]), found is package
                break
    target.write_bytes(marshal.dumps((codes, patterns)))
