"""The tree against its schema: every fault at its own key or value, in words.

This is JSON Schema (Draft 2020-12) as far as our schemas use it, over nodes with positions; see
docs/adr/0003 for why it is not the jsonschema library. One thing differs, on purpose: where a
schema allows a string, a plain scalar is the text that was written, so `version: 6.10` is "6.10".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from frameworks.diagnostics import Collector, did_you_mean
from frontend.bunnyfile.nodes import Mapping, Node, Scalar, Sequence
from llb import Range
from llb.masked import printable
from schemas import Schema

_SHOWN = 60


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    """A schema's pattern: there, `$` is the very end; in Python, it may precede a newline."""
    if pattern.endswith("$"):
        pattern = pattern[:-1] + r"\Z"
    return re.compile(pattern)


@dataclass(frozen=True, slots=True)
class Fault:
    """What a node fails: a diagnostic that has no file yet."""

    code: str
    message: str
    hint: str
    at: Range


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the walk is: the path of keys, and the range of the key that led here."""

    path: tuple[str, ...]
    key: Range | None

    def __str__(self) -> str:
        """The path as a user says it: `rootfs.include[1]`; "" for the whole file."""
        return ".".join(self.path).replace(".[", "[")

    @property
    def name(self) -> str:
        return f"'{self}'" if self.path else "the file"


def validate(root: Mapping, schema: Schema, problems: Collector) -> None:
    """Note everything in which `root` fails `schema`.

    What several parts of the schema say of one place is noted once, with the last one's hint: a
    framework's fragment, which knows more, comes after what holds for all.
    """
    walker = _Walker(schema)
    found: dict[tuple[str, str, Range], str] = {}
    for fault in walker.faults(root, schema, _Place((), None)):
        key = (fault.code, fault.message, fault.at)
        found[key] = fault.hint or found.get(key, "")
    for (code, message, at), hint in found.items():
        problems.error(code, message, hint=hint, at=at)


class _Walker:
    """Walks a tree along a schema whose root resolves `$ref`."""

    def __init__(self, root: Schema) -> None:
        self._root = root

    def faults(self, node: Node, schema: Schema | bool, place: _Place) -> Iterator[Fault]:
        """Every fault of a node under a schema."""
        if isinstance(schema, bool):
            if not schema:
                yield Fault(
                    "unknown-key", f"{place.name} is not used here", "", place.key or node.at
                )
            return
        schema = self._resolved(schema)
        wrong = self._type(node, schema, place)
        if wrong is not None:
            yield wrong
            return
        yield from self._choice(node, schema, place)
        if isinstance(node, Scalar):
            yield from self._scalar(node, schema, place)
        elif isinstance(node, Mapping):
            yield from self._mapping(node, schema, place)
        else:
            yield from self._sequence(node, schema, place)
        yield from self._combined(node, schema, place)

    def _resolved(self, schema: Schema | bool) -> Schema:
        """The schema with its `$ref` put in; keywords beside the `$ref` go first.

        A bare true or false has no keywords.
        """
        if isinstance(schema, bool):
            return {}
        while (ref := schema.get("$ref")) is not None:
            target: Any = self._root
            for part in ref.removeprefix("#").split("/")[1:]:
                target = target[part.replace("~1", "/").replace("~0", "~")]
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**target, **beside}
        return schema

    def _type(self, node: Node, schema: Schema, place: _Place) -> Fault | None:
        allowed = _names(schema)
        if not allowed or _types(node) & set(allowed):
            return None
        hint = schema.get("x-hutch-hint", "")
        if isinstance(node, Scalar) and node.kind == "null" and not _anchored(node, place):
            at = place.key or node.at
            return Fault("empty-value", f"{place.name} has no value", hint or _example(schema), at)
        message = f"{place.name} must be {_wanted(allowed)}, not {_noun(node)}"
        return Fault("wrong-type", message, hint or _example(schema), node.at)

    def _choice(self, node: Node, schema: Schema, place: _Place) -> Iterator[Fault]:
        """`enum` and `const`."""
        if "const" in schema:
            values = [schema["const"]]
        elif "enum" in schema:
            values = schema["enum"]
        else:
            return
        if any(_equal(node, value) for value in values):
            return
        words = [str(value) for value in values if isinstance(value, str) and value]
        hint = schema.get("x-hutch-hint", "")
        if isinstance(node, Scalar):
            if node.kind == "null":
                at = place.key or node.at
                hint = hint or "one of: " + ", ".join(words)
                yield Fault("empty-value", f"{place.name} has no value", hint, at)
                return
            message = f"{_quoted(node.text)} is not a value of {place.name}"
            hint = hint or schema.get("x-hutch-hints", {}).get(node.text, "")
            yield Fault("unknown-value", message, hint or did_you_mean(node.text, words), node.at)
            return
        message = f"{place.name} must be text, not {_noun(node)}"
        yield Fault("wrong-type", message, hint or "one of: " + ", ".join(words), node.at)

    def _scalar(self, node: Scalar, schema: Schema, place: _Place) -> Iterator[Fault]:
        if node.kind == "null" and "string" not in _types(node):
            return
        hint = schema.get("x-hutch-hint", "")
        if len(node.text) < schema.get("minLength", 0):
            yield Fault("empty-value", f"{place.name} is empty", hint or _example(schema), node.at)
            return
        pattern = schema.get("pattern")
        if pattern is not None and not _compile(pattern).search(node.text):
            what = schema.get("x-hutch-message", f"does not match {pattern}")
            message = f"{_quoted(node.text)} {what}"
            code = schema.get("x-hutch-code", "bad-value")
            yield Fault(code, message, hint or _example(schema), node.at)

    def _sequence(self, node: Sequence, schema: Schema, place: _Place) -> Iterator[Fault]:
        if len(node.items) < schema.get("minItems", 0):
            hint = schema.get("x-hutch-hint", "") or _example(schema)
            yield Fault("empty-value", f"{place.name} is an empty list", hint, node.at)
        items = schema.get("items")
        if items is None:
            return
        for index, item in enumerate(node.items):
            yield from self.faults(item, items, _Place((*place.path, f"[{index}]"), None))

    def _mapping(self, node: Mapping, schema: Schema, place: _Place) -> Iterator[Fault]:
        known: Schema = schema.get("properties", {})
        patterns: Schema = schema.get("patternProperties", {})
        present = {entry.key.text for entry in node}
        start = place.key or Range(node.at.start, node.at.start)
        for name in schema.get("required", ()):
            if name not in present:
                yield _missing(name, self._resolved(known.get(name, {})), place, start)
        for name, needed in schema.get("dependentRequired", {}).items():
            for other in needed if name in present else ():
                if other not in present:
                    key = next(entry.key for entry in node if entry.key.text == name)
                    message = f"'{name}' needs '{other}' beside it"
                    hint = _sample(other, self._resolved(known.get(other, {})))
                    yield Fault("missing-key", message, hint, key.at)
        names = schema.get("propertyNames")
        others = schema.get("additionalProperties", True)
        for entry in node:
            name = entry.key.text
            inner = _Place((*place.path, name), entry.key.at)
            # A key of the file is always text, whatever it would mean as a value.
            key = Scalar(name, "str", entry.key.plain, entry.key.at)
            if names is not None:
                yield from self.faults(key, names, _Place((*place.path, name), entry.key.at))
            matched = [rule for pattern, rule in patterns.items() if _compile(pattern).search(name)]
            if name in known:
                matched.append(known[name])
            for rule in matched:
                yield from self.faults(entry.value, rule, inner)
            if matched:
                continue
            if others is False:
                yield _unknown(key, schema, place)
            else:
                yield from self.faults(entry.value, others, inner)

    def _combined(self, node: Node, schema: Schema, place: _Place) -> Iterator[Fault]:
        """`allOf`, `anyOf`, `oneOf`, `not`, and `if`/`then`/`else`."""
        for rule in schema.get("allOf", ()):
            yield from self.faults(node, rule, place)
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                yield from self._branches(node, schema, place, keyword)
        if "not" in schema and not self._fails(node, schema["not"], place):
            message = schema.get("x-hutch-message", "is not allowed")
            at = place.key or node.at
            yield Fault("bad-value", f"{place.name} {message}", schema.get("x-hutch-hint", ""), at)
        if "if" in schema:
            branch = "else" if self._fails(node, schema["if"], place) else "then"
            if branch in schema:
                yield from self.faults(node, schema[branch], place)

    def _branches(self, node: Node, schema: Schema, place: _Place, keyword: str) -> Iterator[Fault]:
        branches = [self._resolved(branch) for branch in schema[keyword]]
        found = [list(self.faults(node, branch, place)) for branch in schema[keyword]]
        passed = sum(not faults for faults in found)
        if passed == 1 or (passed and keyword == "anyOf"):
            return
        fitting = [
            faults
            for branch, faults in zip(branches, found, strict=True)
            if self._type(node, branch, place) is None and branch.get("type") is not None
        ]
        if not passed and len(fitting) == 1:
            yield from fitting[0]  # the branch that was meant, by its type
            return
        hint = schema.get("x-hutch-hint", "")
        at = place.key or node.at
        if "x-hutch-message" in schema:
            yield Fault("choose-one", f"{place.name} {schema['x-hutch-message']}", hint, at)
            return
        types = [name for branch in branches for name in _names(branch)]
        if isinstance(node, Scalar) and node.kind == "null":
            yield Fault("empty-value", f"{place.name} has no value", hint, at)
            return
        message = f"{place.name} must be {_wanted(types)}, not {_noun(node)}"
        yield Fault("wrong-type", message, hint, node.at)

    def _fails(self, node: Node, schema: Schema | bool, place: _Place) -> bool:
        return any(True for _ in self.faults(node, schema, place))


_NOUNS = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}
_KINDS = {
    "null": {"null"},
    "bool": {"boolean", "string"},
    "int": {"integer", "number", "string"},
    "number": {"number", "string"},
    "str": {"string"},
}


def _types(node: Node) -> set[str]:
    """The JSON Schema types that a node has; a plain scalar is text as well."""
    if isinstance(node, Scalar):
        return _KINDS[node.kind]
    return {"object"} if isinstance(node, Mapping) else {"array"}


def _names(schema: Schema) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def _anchored(node: Scalar, place: _Place) -> bool:
    """Whether the null was written out in a list, where there is no key to point at."""
    return place.key is None and bool(node.text)


def _noun(node: Node) -> str:
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    nouns = {"bool": "true or false", "int": "a number", "number": "a number", "null": "nothing"}
    return nouns.get(node.kind, "text")


def _equal(node: Node, value: object) -> bool:
    if not isinstance(node, Scalar):
        return False
    if value is None:
        return node.kind == "null"
    if isinstance(value, bool):
        return node.kind == "bool" and (node.text.lower() == "true") is value
    if isinstance(value, int):
        return node.kind == "int" and node.text.removeprefix("+") == str(value)
    return node.kind != "null" and node.text == value


def _quoted(text: str) -> str:
    """A value in a message: on one line, shortened, and never able to forge a second line."""
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    return f"'{printable(shown)}'"


def _wanted(types: list[str]) -> str:
    """The types a value may have, in words; where text may stand, so may any scalar."""
    covered = {"number", "integer", "boolean"} if "string" in types else set()
    words = [_NOUNS[name] for name in dict.fromkeys(types) if name not in {"null", *covered}]
    return ", ".join(words[:-1]) + " or " + words[-1] if len(words) > 1 else "".join(words)


def _flow(value: object) -> str:
    """An example from a schema as YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(inner) for inner in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    plain = re.fullmatch(r"[A-Za-z/][A-Za-z0-9_./:=@-]*", text)
    return text if plain and text not in ("true", "false", "null") else f'"{text}"'


def _example(schema: Schema) -> str:
    examples = schema.get("examples")
    if not examples or "\n" in str(examples[0]):
        return ""
    return f"for example: {_flow(examples[0])}"


def _sample(name: str, schema: Schema) -> str:
    examples = schema.get("examples")
    if not examples or "\n" in str(examples[0]):
        return ""
    return f"for example: '{name}: {_flow(examples[0])}'"


def _missing(name: str, schema: Schema, place: _Place, at: Range) -> Fault:
    what = place.name if place.path else "the file"
    if place.path and place.path[-1].startswith("["):
        what = "this entry"
    message = f"{what} needs '{name}'"
    return Fault("missing-key", message, _sample(name, schema), at)


def _unknown(key: Scalar, schema: Schema, place: _Place) -> Fault:
    inside = f" in {place.name}" if place.path else ""
    hint = schema.get("x-hutch-hints", {}).get(key.text) or did_you_mean(
        key.text, schema.get("properties", {})
    )
    return Fault("unknown-key", f"unknown key {_quoted(key.text)}{inside}", hint, key.at)


__all__ = ["Fault", "validate"]
