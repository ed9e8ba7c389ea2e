"""JSON Schemas (Draft 2020-12): the bunnyfile, one per version, and what an image says to urunc.

    schema = load("v1", ["linux", "generic"], monitors, {"linux": fragment})

Which frameworks and monitors there are, this package is told: the file has no enum of them.

A framework may narrow what it accepts with a fragment, the file `options.schema.json` of its
folder: an ordinary schema of a whole bunnyfile, which applies to the files whose
`platforms.framework` names that framework. Keywords of our own, which other validators ignore:

`x-hutch-message`   what is wrong with a value that fails here ("is no size")
`x-hutch-code`      the error's code, where a `pattern` has one of its own
`x-hutch-hint`      what to write instead
`x-hutch-hints`     unknown keys, or values beside an `enum`, that people write, each with a hint
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

VERSIONS = ("v0.1", "v1")

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Monitors:
    """The values of `platforms.monitor`, in the order in which messages list them.

    `words` are the same in a sentence, for the key's description; `others` are names that others
    have for some, each with what it is called here.
    """

    names: Iterable[str]
    words: str
    others: Mapping[str, str]


def load(
    version: str,
    frameworks: Iterable[str],
    monitors: Monitors,
    fragments: Mapping[str, Schema] | None = None,
    filesystems: Mapping[str, str] | None = None,
) -> Schema:
    """The schema of bunnyfiles of `version` ("v0.1" or "v1"), with the frameworks' fragments.

    `frameworks` are the values of `platforms.framework`, in the order in which messages list them;
    `filesystems` those of `rootfs.filesystem`, each with what is said of it. Without these any name
    passes: who plans a guest knows which ones it mounts. Raises ValueError for another version.
    """
    if version not in VERSIONS:
        raise ValueError(f"no schema for bunnyfile version {version!r}")
    schema = _read(f"bunnyfile.{version}.schema.json")
    if version == "v1":
        platforms = schema["$defs"]["platforms"]["properties"]
        for key, names in (("framework", frameworks), ("monitor", monitors.names)):
            del platforms[key]["type"]
            platforms[key]["enum"] = list(names)
        platforms["monitor"]["x-hutch-hints"] = {
            other: f"did you mean '{name}'?" for other, name in monitors.others.items()
        }
        described = platforms["monitor"]["description"]
        platforms["monitor"]["description"] = described.replace("{monitors}", monitors.words)
        if filesystems:
            filesystem = schema["$defs"]["rootfs"]["properties"]["filesystem"]
            del filesystem["$ref"]
            filesystem["enum"] = list(filesystems)
            said = (f"'{name}' is {about}" for name, about in filesystems.items())
            filesystem["description"] += f" {'; '.join(said)}."
    return compose(schema, fragments or {})


def compose(schema: Schema, fragments: Mapping[str, Schema]) -> Schema:
    """The schema with each framework's fragment under `$defs`, applied if the framework is named.

    References inside a fragment are relative to the fragment (`#/$defs/size`), and are rewritten.
    """
    if not fragments:
        return schema
    definitions = dict(schema.get("$defs", {}))
    rules = list(schema.get("allOf", ()))
    for name in sorted(fragments):
        key = f"framework-{name}"
        inner = {k: v for k, v in fragments[name].items() if k not in ("$schema", "$id")}
        definitions[key] = _rebase(inner, f"#/$defs/{key}")
        named = {"properties": {"framework": {"const": name}}, "required": ["framework"]}
        rules.append(
            {
                "if": {"properties": {"platforms": named}, "required": ["platforms"]},
                "then": {"$ref": f"#/$defs/{key}"},
            }
        )
    return {**schema, "$defs": definitions, "allOf": rules}


def runtime() -> Schema:
    """The schema of `/urunc.json`, with the keys that annotations and labels have, too."""
    return _read("urunc.schema.json")


def read(path: str) -> Schema:
    """A schema from a file; a framework's fragment, say."""
    with open(path, encoding="utf-8") as file:
        schema = json.load(file)
    if not isinstance(schema, dict):
        raise ValueError(f"{path} is not a JSON object")
    return schema


def _read(name: str) -> Schema:
    return read(os.path.join(os.path.dirname(__file__), name))


def _rebase(value: Any, prefix: str) -> Any:
    if isinstance(value, list):
        return [_rebase(item, prefix) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: prefix + inner[1:]
        if key == "$ref" and isinstance(inner, str) and inner.startswith("#")
        else _rebase(inner, prefix)
        for key, inner in value.items()
    }
