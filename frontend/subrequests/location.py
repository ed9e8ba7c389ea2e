"""Places in the build file as BuildKit's JSON has them (solver/pb Location, SourceInfo)."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from llb import Range, SourceFile
from llb.masked import masked_bytes


def location(at: Range, index: int = 0) -> dict[str, Any]:
    """A range of the file with the number `index` in the answer's `sources`."""
    start, end = at.start, at.end
    return {
        "sourceIndex": index,
        "ranges": [
            {
                "start": {"line": start.line, "character": start.character},
                "end": {"line": max(start.line, end.line), "character": end.character},
            }
        ],
    }


def source_info(file: SourceFile) -> dict[str, Any]:
    """The file itself."""
    return {
        "filename": file.filename,
        "data": b64encode(masked_bytes(file.data)).decode(),
        "language": file.language,
    }
