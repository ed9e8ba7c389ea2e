"""`--call=targets`: what `--target` can name in this file."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

from frontend import targets as table
from frontend.subrequests.answers import Reply
from frontend.subrequests.location import location
from frontend.subrequests.table import columns

if TYPE_CHECKING:
    from frontend.bunnyfile.nodes import Mapping
    from frontend.session import Session
    from llb import Range


def targets(session: Session) -> Reply:
    """Every target that this file has what it takes for; the sections say where they are."""
    _, loaded = next(iter(session.platforms()))
    has = table.available(loaded.bunnyfile)
    found: list[dict[str, Any]] = []
    rows: list[tuple[str, str]] = []
    for name, text in table.DESCRIPTIONS.items():
        if name not in has:
            continue
        entry: dict[str, Any] = {"name": name, "description": text}
        if name == table.DEFAULT:
            entry["default"] = True
        at = _section(loaded.tree, name)
        if at is not None:
            entry["location"] = location(at)
        found.append(entry)
        rows.append((f"{name} (default)" if name == table.DEFAULT else name, text))
    answer = {"targets": found, "sources": [b64encode(loaded.file.data).decode()]}
    return Reply(answer, columns(("TARGET", "DESCRIPTION"), rows, gap=1))


def _section(tree: Mapping, name: str) -> Range | None:
    """The line of the section that a target is built of; the image is all of them."""
    wanted = "platforms" if name == table.DEFAULT else name
    return next((entry.key.at for entry in tree if entry.key.text == wanted), None)
