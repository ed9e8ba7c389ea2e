"""Make the goldens of llb's tests anew: python3 -m tests.oracle CHECKOUT

CHECKOUT is a clone of moby/buildkit at the commit that go.mod here pins, and Go (1.26 or newer) is
in PATH. Go compiles the program of this folder with the checkout's client/llb and its vendored
modules. It writes nothing there: the folder is laid over the checkout (`go run -overlay`). The
program writes go.json and names.json in tests/unit/llb/goldens; `git diff` shows what changed. For
another BuildKit, write its pseudo-version into go.mod.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.places import ROOT

HERE = Path(__file__).parent
GOLDENS = ROOT / "tests" / "unit" / "llb" / "goldens"


def pin() -> str:
    """The first 12 hex digits of BuildKit's commit, out of go.mod."""
    (found,) = re.findall(
        r"moby/buildkit v\S+-\d{14}-([0-9a-f]{12})$", (HERE / "go.mod").read_text(), re.MULTILINE
    )
    return str(found)


def run(checkout: Path) -> None:
    """Write both goldens; `SystemExit` where the checkout is another BuildKit."""
    head = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
    commit = subprocess.run(head, check=True, capture_output=True, text=True).stdout.strip()
    if not commit.startswith(pin()):
        sys.exit(f"oracle: {checkout} is at {commit}, and go.mod pins {pin()}")
    package = checkout / "hutch-oracle"
    overlay = {str(package / file.name): str(file) for file in HERE.glob("*.go")}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"Replace": overlay}, file)
        file.flush()
        command = ["go", "run", "-mod=vendor", f"-overlay={file.name}", f"./{package.name}"]
        subprocess.run([*command, commit, str(GOLDENS)], cwd=checkout, check=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    run(Path(sys.argv[1]).resolve())
