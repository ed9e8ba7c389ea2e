"""Bunnyfiles from the schemas' own grammar, with some of it broken."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

from frontend.bunnyfile import schema
from tests.fuzz.values import value, word

ROOT = Path(__file__).parents[2]
_WILD = 0.03


@cache
def _schema(version: str) -> dict[str, Any]:
    return schema(version)


@cache
def corpus() -> tuple[bytes, ...]:
    """Files that people wrote: the examples, and the mistakes of the tests."""
    found = [*ROOT.glob("examples/*/bunnyfile"), *ROOT.glob("tests/errors/**/*.bunnyfile")]
    return tuple(path.read_bytes() for path in sorted(found) if path.stat().st_size < 20_000)


def bunnyfile(rng: random.Random) -> bytes:
    """A file that follows the grammar of a version, but for a few places."""
    version = rng.choice(("v1", "v1", "v1", "v0.1"))
    root = _schema(version)
    document = _node(rng, root, root, 0)
    if isinstance(document, dict) and rng.random() < 0.98:
        document["version"] = version
        if rng.random() < 0.95:
            document["platforms"] = {
                **_mapping(document.get("platforms")),
                "framework": rng.choice(
                    ("linux", "linux", "netbsd", "freebsd", "mirage", word(rng))
                ),
                "monitor": rng.choice(("qemu", "qemu", "firecracker", "hvt", word(rng))),
            }
    return _text(rng, document).encode("utf-8", "surrogatepass")


def _mapping(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _node(rng: random.Random, node: Any, root: dict[str, Any], depth: int) -> Any:
    if not isinstance(node, dict) or depth > 8 or rng.random() < _WILD:
        return value(rng)
    while "$ref" in node:
        target: Any = root
        for part in node["$ref"].removeprefix("#").split("/")[1:]:
            target = target[part]
        node = {**target, **{key: each for key, each in node.items() if key != "$ref"}}
    if "const" in node:
        return node["const"]
    if node.get("enum"):
        return rng.choice(node["enum"])
    for keyword in ("oneOf", "anyOf"):
        if node.get(keyword) and rng.random() < 0.9:
            return _node(rng, {**node, **rng.choice(node[keyword]), keyword: []}, root, depth + 1)
    kinds = node.get("type", "string")
    kind = rng.choice(kinds) if isinstance(kinds, list) else kinds
    if kind == "object":
        return _object(rng, node, root, depth)
    if kind == "array":
        items = node.get("items", {})
        return [_node(rng, items, root, depth + 1) for _ in range(rng.choice((0, 1, 1, 2, 3)))]
    if node.get("examples") and rng.random() < 0.7:
        return rng.choice(node["examples"])
    if kind == "boolean":
        return rng.choice((True, False))
    if kind in ("integer", "number"):
        return rng.choice((0, 1, 5, 10**12))
    return None if kind == "null" else word(rng)


def _object(rng: random.Random, node: dict[str, Any], root: dict[str, Any], depth: int) -> Any:
    found: dict[str, Any] = {}
    needed = set(node.get("required", ()))
    for name, each in node.get("properties", {}).items():
        if name in needed or rng.random() < (0.4 if depth else 0.6):
            found[name] = _node(rng, each, root, depth + 1)
    more = node.get("additionalProperties", True)
    if more is not False and not node.get("properties"):
        for _ in range(rng.randrange(3)):
            found[word(rng)] = _node(rng, more, root, depth + 1)
    return found


def _text(rng: random.Random, document: Any) -> str:
    """YAML: keys of the top on lines of their own, the rest in flow style or as blocks."""
    if not isinstance(document, dict):
        return json.dumps(document)
    lines = []
    for key, each in document.items():
        name = key if key.isalnum() else json.dumps(key)
        if isinstance(each, dict) and each and rng.random() < 0.7:
            lines.append(f"{name}:")
            lines += [f"  {json.dumps(k)}: {_plain(rng, v)}" for k, v in each.items()]
        elif isinstance(each, list) and each and rng.random() < 0.5:
            lines.append(f"{name}:")
            lines += [f"  - {_plain(rng, v)}" for v in each]
        else:
            lines.append(f"{name}: {_plain(rng, each)}")
    return "\n".join(lines) + "\n"


def _plain(rng: random.Random, each: Any) -> str:
    if isinstance(each, str) and each.isalnum() and rng.random() < 0.7:
        return each
    return json.dumps(each, ensure_ascii=rng.random() < 0.5)
