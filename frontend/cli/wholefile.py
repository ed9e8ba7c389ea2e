"""docs/whole-file.md, every key of a bunnyfile in one file: `python3 -m frontend.cli.wholefile`.

It is made of the schema's keys and examples. A key is there as it is written where the file is
sound with it, and a comment where it is not: because another excludes it, or because it is for
other frameworks.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import frameworks
import schemas
from frameworks.base import Plan
from frameworks.diagnostics import Problems
from frameworks.runtime.monitors import QEMU
from frontend import bunnyfile
from frontend import plan as plans
from frontend.bunnyfile.reference import is_required, keys
from frontend.cli.translation import yaml
from llb import Platform

PAGE = Path(__file__).resolve().parents[2] / "docs" / "whole-file.md"

_HEAD = """\
# A whole file

<!-- Written by `make gen` from the schema: change that. -->

Every key that there is, in one file that `hutch check` takes where the files that it names are
there. Most files have ten lines of it. What is commented out excludes something that is there, or
is for another framework than this one; [the bunnyfile](bunnyfile.md) says of each key what it does,
and what it is where it is left out.

```yaml
"""

_PLATFORM = Platform("linux", "amd64")
_WIDTH = 96
_IGNORED = "IgnoredKey"
"""The rule about a key that is of no use."""


def page() -> str:
    """The page."""
    return _HEAD + "\n".join(_lines()) + "\n```\n"


def _lines() -> Iterator[str]:
    schema = bunnyfile.schema("v1")
    known = list(keys(schema))
    there: dict[str, Any] = {}
    for name, key in known:
        if "[]." in name:
            continue
        for example in key.get("examples", ()):
            tried = copy.deepcopy(there)
            if _put(tried, name, _plain(example)) and _is_sound(tried):
                there = tried
                break
        if (item := _item(schema, name)) and (long := _get(there, name)) is not None:
            while item:
                tried = copy.deepcopy(there)
                _put(tried, name, [*long, item])
                if _is_sound(tried):
                    there = tried
                    break
                item.popitem()
    while idle := _idle(there):
        for name in idle:
            _remove(there, name)
    yield "# syntax=hutch:1"
    for name, key in known:
        if "[]." in name:
            continue
        *_, last = name.split(".")
        indent = "  " * name.count(".")
        if not name.count("."):
            yield ""
        needed = "Required. " if is_required(schema, name) else ""
        for line in _wrapped(needed + _sentence(key.get("description", "")), len(indent)):
            yield f"{indent}# {line}"
        found = _get(there, name)
        if found is None:
            examples = key.get("examples")
            if examples:
                yield from (f"{indent}# {line}" for line in yaml(last, _plain(examples[0])))
            else:
                yield f"{indent}# {last}: ..."
        elif isinstance(found, dict) and "examples" not in key:
            yield f"{indent}{last}:"
        else:
            yield from (indent + line for line in yaml(last, found))


def _item(schema: schemas.Schema, name: str) -> dict[str, Any]:
    """An item of the list `name` in its long form, what it needs first; {} where it has none."""
    below = {
        each.removeprefix(f"{name}[]."): key
        for each, key in keys(schema)
        if each.startswith(f"{name}[].") and "examples" in key
    }
    order = sorted(below, key=lambda each: not is_required(schema, f"{name}[].{each}"))
    return {each: _plain(below[each]["examples"][0]) for each in order}


def _plain(example: Any) -> Any:
    """An example without the end of its line, for a script of one."""
    return example.strip() if isinstance(example, str) else example


def _put(tree: dict[str, Any], name: str, value: Any) -> bool:
    """Set a key; False where the key above it is there in its short form."""
    *path, last = name.split(".")
    for each in path:
        tree = tree.setdefault(each, {})
        if not isinstance(tree, dict):
            return False
    tree[last] = value
    return True


def _get(tree: dict[str, Any], name: str) -> Any:
    found: Any = tree
    for each in name.split("."):
        if not isinstance(found, dict) or each not in found:
            return None
        found = found[each]
    return found


def _remove(tree: dict[str, Any], name: str) -> None:
    *path, last = name.split(".")
    for each in path:
        tree = tree[each]
    del tree[last]


def _plan(tree: dict[str, Any]) -> Plan:
    """The plan of a file of this, which may lack what every file has. Raises Problems."""
    needed = {"framework": next(iter(frameworks.TABLE)), "monitor": QEMU.name}
    tried: dict[str, Any] = {"version": "v1", "platforms": needed | tree.get("platforms", {})}
    tried |= {key: value for key, value in tree.items() if key != "platforms"}
    data = "\n".join(line for key, value in tried.items() for line in yaml(key, value))
    loaded = bunnyfile.load(data.encode(), "bunnyfile", {})
    return plans.make(loaded.bunnyfile, loaded.file, _PLATFORM)


def _is_sound(tree: dict[str, Any]) -> bool:
    try:
        _plan(tree)
    except Problems:
        return False
    return True


def _idle(tree: dict[str, Any]) -> list[str]:
    """The keys of a file of this that it makes no use of."""
    said = [each.message for each in _plan(tree).warnings if each.code == _IGNORED]
    return [found[1] for each in said if (found := re.match(r"'([\w.]+)' is not used", each))]


def _sentence(text: str) -> str:
    """The first sentence."""
    found = re.match(r"(.*?[.!])(?: [A-Z']|$)", text)
    return found[1] if found else text


def _wrapped(text: str, indent: int) -> Iterator[str]:
    import textwrap

    yield from textwrap.wrap(text, _WIDTH - indent - 2, break_on_hyphens=False)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
