"""Every keyword that the schemas use, one by one and mixed: our verdict is jsonschema's."""

from __future__ import annotations

import random
from typing import Any

import frameworks
import schemas
from frontend.bunnyfile import fragment
from frontend.bunnyfile.nodes import Entry, Mapping, Node, Scalar, Sequence
from llb import Position, Range
from tests.unit.frontend.bunnyfile.test_validate import SCHEMAS, Reference, faults, plain

_AT = Range(Position(1, 0), Position(1, 0))
_NAMES = ("a", "ab", "x-a", "b")
_TEXTS = ("", "a", "ab", "abc", "/a", "a\n")
_TYPES = ("string", "integer", "number", "boolean", "null", "array", "object")
_PATTERNS = ("^a", "b$", "^x-", "^/", "^[a-c]+$")
_ANNOTATIONS = {"$schema", "$id", "$defs", "title", "description", "examples", "default"} | {
    "deprecated"
}
_MAPS = {"properties", "patternProperties", "$defs"}
_LISTS = {"allOf", "anyOf", "oneOf"}
_INNER = {"items", "additionalProperties", "propertyNames", "not", "if", "then", "else"}
_KEYWORDS = (
    {"type", "const", "enum", "minLength", "pattern", "minItems", "required", "dependentRequired"}
    | {"properties", "patternProperties", "$ref"}
    | _LISTS
    | _INNER
)
_FLAT = sorted(_KEYWORDS - _MAPS - _LISTS - _INNER)


def _used(schema: Any) -> set[str]:
    if not isinstance(schema, dict):
        return set()
    found = {key for key in schema if not key.startswith("x-hutch-")}
    for key, value in schema.items():
        if key in _MAPS:
            found |= {name for inner in value.values() for name in _used(inner)}
        elif key in _LISTS:
            found |= {name for inner in value for name in _used(inner)}
        elif key in _INNER:
            found |= _used(value)
    return found


def _value(keyword: str, rng: random.Random, depth: int) -> Any:
    def inner() -> Any:
        return _schema(rng, depth - 1)

    if keyword in _LISTS:
        # A branch of our schemas is never a bare true or false.
        return [_schema(rng, depth - 1, rng.choice(_FLAT)) for _ in range(rng.randint(1, 3))]
    if keyword in _INNER:
        return inner()
    match keyword:
        case "type":
            return rng.choice([rng.choice(_TYPES), rng.sample(_TYPES, 2)])
        case "const":
            return rng.choice(_TEXTS)
        case "enum":
            return rng.sample(_TEXTS, 3)
        case "minLength" | "minItems":
            return rng.randint(0, 3)
        case "pattern":
            return rng.choice(_PATTERNS)
        case "required":
            return rng.sample(_NAMES, rng.randint(1, 2))
        case "dependentRequired":
            return {rng.choice(_NAMES): rng.sample(_NAMES, 1)}
        case "properties":
            return {name: inner() for name in rng.sample(_NAMES, 2)}
        case "patternProperties":
            return {rng.choice(_PATTERNS): inner()}
        case _:
            return "#/$defs/one"


def _schema(rng: random.Random, depth: int, keyword: str = "") -> Any:
    if not keyword and rng.random() < 0.15:
        return rng.random() < 0.7
    deep = _MAPS | _LISTS | _INNER
    choice = sorted(_KEYWORDS - (deep if depth <= 0 else set()))
    chosen = {keyword or rng.choice(choice), *rng.sample(choice, rng.randint(0, 2))}
    if "$ref" in chosen:
        chosen = {"$ref"}  # no rule of our schemas stands beside one
    if {"const", "enum"} <= chosen:
        chosen.discard("enum")  # nor these two beside each other
    if chosen & {"if", "then", "else"}:
        chosen |= {"if", "then", "else"}
    return {name: _value(name, rng, depth) for name in sorted(chosen)}


def _node(rng: random.Random, depth: int) -> Node:
    kind = rng.randint(0, 7 if depth else 4)
    if kind == 0:
        return Scalar(*rng.choice((("", "null"), ("null", "null"))), True, _AT)
    if kind == 1:
        return Scalar(*rng.choice((("true", "bool"), ("12", "int"), ("1.5", "number"))), True, _AT)
    if kind <= 4:
        return Scalar(rng.choice(_TEXTS), "str", False, _AT)
    if kind == 5:
        return Sequence(tuple(_node(rng, depth - 1) for _ in range(rng.randint(0, 3))), _AT)
    return _mapping(rng, depth)


def _mapping(rng: random.Random, depth: int) -> Mapping:
    names = rng.sample(_NAMES, rng.randint(0, len(_NAMES)))
    return Mapping(
        tuple(Entry(Scalar(n, "str", True, _AT), _node(rng, depth - 1)) for n in names), _AT
    )


def test_every_keyword_of_the_schemas_is_compared() -> None:
    used = set().union(*(_used(schema) for schema in SCHEMAS.values()))
    used = used.union(*(_used(fragment(name)) for name in frameworks.TABLE))
    assert used - _ANNOTATIONS <= _KEYWORDS


def test_generated_schemas_and_files_are_judged_as_jsonschema_does() -> None:
    rng = random.Random(3)
    for keyword in sorted(_KEYWORDS):
        seen = {True: 0, False: 0}
        for _ in range(12):
            inner = _schema(rng, 2, keyword)
            schema: schemas.Schema = {
                "properties": {"a": inner, "ab": inner},
                "$defs": {"one": {"type": ["string", "array"], "minLength": 1}},
                **(inner if "$ref" not in inner and rng.random() < 0.5 else {}),
            }
            reference = Reference(schema)
            for _ in range(6):
                root = _mapping(rng, 3)
                found = faults(root, schema)
                expected = reference.is_valid(plain(root))
                assert (not found) == expected, (schema, plain(root), found)
                seen[expected] += 1
        assert seen[True], keyword
        assert seen[False], keyword


def test_a_bare_false_among_branches_admits_nothing() -> None:
    root = _mapping(random.Random(1), 1)
    for keyword in ("anyOf", "oneOf"):
        assert faults(root, {keyword: [False]})
        assert faults(root, {keyword: [False, {"type": "array"}]})
        assert not faults(root, {keyword: [False, True]})
