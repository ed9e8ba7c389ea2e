"""What a run measures, kept as it comes: build/bench.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class Result(dict[str, Any]):
    """What was measured so far, which is written to a file as it comes."""

    def __init__(self, output: Path) -> None:
        super().__init__()
        self._output = output
        output.parent.mkdir(parents=True, exist_ok=True)

    def keep(self, **found: object) -> None:
        """Add a part, and write all to the file: a later part may fail."""
        self.update(found)
        self._output.write_text(json.dumps(self, indent=2) + "\n")
