"""What a question is answered with."""

from __future__ import annotations

import json
from dataclasses import dataclass

from frontend.gateway.result import Result, answer

VERSION = "1.0.0"
"""Of the form of every answer."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a question is answered with: JSON values, the same as text, and whether all is well.

    `failed` is None for a question that cannot fail.
    """

    json: object
    text: str
    failed: bool | None = None

    def to_result(self) -> Result:
        """The reply as the daemon wants it."""
        metadata = {
            "result.json": json.dumps(self.json, indent=2, ensure_ascii=False),
            "result.txt": self.text,
            "version": VERSION,
        }
        if self.failed is not None:
            metadata["result.statuscode"] = str(int(self.failed))
        return answer(metadata)
