"""Bunnyfiles from the schemas' own grammar, with some of it broken."""

from __future__ import annotations

import json
import random
import re
from functools import cache
from typing import Any

from frontend.bunnyfile import schema
from tests.fuzz.values import value, word
from tests.places import ROOT

_TAME: dict[str, tuple[Any, ...]] = {
    "framework": ("linux", "linux", "linux", "netbsd", "freebsd", "mirage", "unikraft", "generic"),
    "monitor": ("qemu", "qemu", "qemu", "firecracker", "hvt", "cloud-hypervisor"),
    "architecture": ("amd64", "x86_64", "arm64", "aarch64"),
    "from": ("source", "local", "scratch", "debian:trixie-slim", "nginx"),
    "version": ("6.12", "10.1", "14.2"),
    "type": ("initrd", "block", "raw", "none"),
    "filesystem": ("ext4", "ext2", "squashfs", "erofs", "ufs"),
    "size": ("64M", "1G"),
    "config": ("microvm", "tiny", "defconfig", "my.config"),
    "init": ("auto", "none", "/sbin/init"),
    "user": ("1000", "root", "1000:1000"),
    "git": ("https://git.example.com/a.git",),
    "url": ("https://example.com/a.tar.gz",),
    "commit": ("a" * 40,),
    "sha256": ("b" * 64,),
    "include": ("a:/a", "b/c:/etc/c", "motd"),
    "artifacts": ("a:/usr/bin/a",),
    "envs": ("A=b", "PATH=/bin", "C="),
    "ports": (80, "53/udp"),
    "path": ("vmlinuz", "dir/file", "root.img"),
    "mount": ("/", "/data"),
    "workdir": ("/", "/srv"),
    "volumes": ("/data",),
    "packages": ("make", "libssl-dev"),
    "build": ("make\n",),
    "dockerfile": ("Dockerfile",),
    "mode": ("0644",),
    "owner": ("0:0",),
}
"""What a key has in files that people write."""
_TEXTS = ("a", "b.c", "dir/file", "1", "/a/b", "A=b", "80")


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
    made = _Grammar(rng, _schema(version), rng.choice((0.0, 0.0, 0.003, 0.03, 0.2)))
    document = made.node(made.root, "", 0)
    if isinstance(document, dict) and rng.random() < 0.98:
        document["version"] = version
    return _text(rng, document).encode("utf-8", "backslashreplace")


class _Grammar:
    """One file in the making, of which so many in a hundred values are `wild`."""

    def __init__(self, rng: random.Random, root: dict[str, Any], wild: float) -> None:
        self.root = root
        self._rng = rng
        self._wild = wild

    def node(self, node: Any, name: str, depth: int) -> Any:
        """A value for the key `name` under a schema."""
        rng = self._rng
        if not isinstance(node, dict) or depth > 8 or rng.random() < self._wild:
            return value(rng)
        while "$ref" in node:
            target: Any = self.root
            for part in node["$ref"].removeprefix("#").split("/")[1:]:
                target = target[part]
            node = {**target, **{key: each for key, each in node.items() if key != "$ref"}}
        if "const" in node:
            return node["const"]
        for keyword in ("oneOf", "anyOf"):
            if node.get(keyword):
                chosen = {**node, **rng.choice(node[keyword]), keyword: []}
                return self.node(chosen, name, depth + 1)
        kinds = node.get("type", "string")
        kind = rng.choice(kinds) if isinstance(kinds, list) else kinds
        if kind == "object":
            return self._object(node, depth)
        if kind == "array":
            many = rng.choice((1, 1, 2, 3, 0 if self._wild else 1))
            return [self.node(node.get("items", {}), name, depth + 1) for _ in range(many)]
        return self._scalar(node, kind, name)

    def _scalar(self, node: dict[str, Any], kind: str, name: str) -> Any:
        rng = self._rng
        if rng.random() < self._wild:
            return word(rng)
        if name in _TAME and rng.random() < 0.8:
            return rng.choice(_TAME[name])
        if node.get("enum"):
            return rng.choice(node["enum"])
        if node.get("examples"):
            return rng.choice(
                [each for each in node["examples"] if not isinstance(each, dict)] or [""]
            )
        if kind == "boolean":
            return rng.choice((True, False))
        if kind in ("integer", "number"):
            return rng.choice((1, 80, 5))
        if kind == "null":
            return None
        pattern = re.compile(node.get("pattern", ""))
        texts = [text for text in _TEXTS if pattern.search(text)]
        return rng.choice(texts or _TEXTS)

    def _object(self, node: dict[str, Any], depth: int) -> Any:
        rng = self._rng
        found: dict[str, Any] = {}
        needed = set(node.get("required", ()))
        for name, each in node.get("properties", {}).items():
            if name in needed or rng.random() < (0.25 if depth else 0.5):
                found[name] = self.node(each, name, depth + 1)
        for name, others in node.get("dependentRequired", {}).items():
            for other in others if name in found else ():
                if other not in found and rng.random() > self._wild:
                    found[other] = self.node(node["properties"].get(other, {}), other, depth + 1)
        more = node.get("additionalProperties", True)
        if more is not False and not node.get("properties"):
            for _ in range(rng.randrange(3)):
                key = word(rng) if rng.random() < self._wild else rng.choice(("A", "NET"))
                found[key] = self.node(more, "", depth + 1)
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
