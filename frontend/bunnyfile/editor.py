"""The schema for editors: one for all files, and what a framework takes: `hutch schema`, the site.

    schema = published()

The frontend's own schemas judge a file whose build arguments are filled in, one version and one
framework at a time. An editor has one schema and the text as it stands. So this one asks the file
for its version and its framework by `if`, and offers for each what its guests take (`Guest`); a
value with `${NAME}` in it passes, because only a build knows it; a number is text where text may
stand; and what is said of a wrong value is a sentence, not a pattern.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import frameworks
import schemas
from frameworks.base import Framework
from frameworks.rootfs import filesystems
from frameworks.runtime import monitors
from frontend import bunnyfile

_OLD_TEXT = (
    r"^v?0+(\.0+(\.[0-9]+)*|\.0*1(\.0+)*)?"
    r"(-?[A-Za-z~-][0-9A-Za-z.~-]*|-[0-9][0-9A-Za-z.~-]*)?(\+[0-9A-Za-z.~-]+)?$"
)
_OLD = {"anyOf": [{"type": "string", "pattern": _OLD_TEXT}, {"type": "number", "maximum": 0.1}]}
"""A version of bunny's, as `frontend.bunnyfile.version` reads it: 0.1 or older."""

_ARGUMENT = r"\$\{"
"""A value that has this in it is known when its arguments are filled in."""

_SECTIONS = ("platforms", "kernel", "rootfs")
"""What differs from one framework to the next."""

_SCRIPTS = ("fetch", "build")

_WEB = {"type": "string", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://"}
_URL = {"properties": {"from": _WEB}, "required": ["from"]}


def _from(word: str) -> schemas.Schema:
    return {"properties": {"from": {"const": word}}, "required": ["from"]}


def _kernel_of(*sections: str) -> schemas.Schema:
    """A kernel from source, which one that is not named is as well, is made of one of these."""
    made = [{"required": [section]} for section in sections]
    return {
        "if": {"properties": {"kernel": {"properties": {"from": {"const": "source"}}}}},
        "then": made[0] if len(made) == 1 else {"anyOf": made},
    }


_NEEDED: dict[str, list[schemas.Schema]] = {
    "kernel": [
        {"if": _from("local"), "then": {"required": ["path"]}},
        {"if": _URL, "then": {"required": ["sha256"]}},
    ],
    "rootfs": [
        {"if": _from("dockerfile"), "then": {"required": ["dockerfile"]}},
        {"if": _URL, "then": {"required": ["sha256"]}},
    ],
}
"""What a value asks for beside it (`frontend.bunnyfile.rules`)."""


def published() -> schemas.Schema:
    """The schema of every bunnyfile, for editors (Draft 2020-12, with the words of VS Code's)."""
    new, old = bunnyfile.schema("v1"), bunnyfile.schema("v0.1")
    base = {name: _inlined(new, new["$defs"][name]) for name in _SECTIONS}
    for name, needed in _NEEDED.items():
        base[name]["allOf"] = needed
    keys = {
        name: _named(name, _shown(_inlined(new, each), name))
        for name, each in new["properties"].items()
        if name not in base
    }
    definitions: schemas.Schema = {}
    chain = _by_framework(base, definitions)
    definitions["v1"] = {
        "type": "object",
        "required": new["required"],
        "additionalProperties": False,
        "patternProperties": {
            **new["patternProperties"],
            # Known here, described below: an editor offers each key once.
            f"^({'|'.join(_SECTIONS)})$": {},
        },
        "properties": keys,
        "allOf": [chain],
    }
    definitions["v0.1"] = _old(old)
    return {
        "$schema": new["$schema"],
        "title": "bunnyfile",
        "description": new["description"],
        "type": "object",
        "if": {"properties": {"version": _OLD}, "required": ["version"]},
        "then": {"$ref": "#/$defs/v0.1"},
        "else": {"$ref": "#/$defs/v1"},
        "$defs": definitions,
    }


def _by_framework(base: schemas.Schema, definitions: schemas.Schema) -> schemas.Schema:
    """The sections by framework, as a chain of `if`; for one that is not known, those of all.

    Sections that are the same for several frameworks are in `definitions` once.
    """
    chain = _sections("any", base, definitions)
    for name in reversed(frameworks.TABLE):
        framework = frameworks.get(name)
        narrowed = {section: _narrow(base[section], section, framework) for section in _SECTIONS}
        then = _sections(name, narrowed, definitions)
        if not _builds(framework, "kernel"):
            then["required"] = ["kernel"]
        if framework.app_is_kernel:
            loaded = ("rootfs",) if framework.loads_programs else ()
            then["allOf"] = [_kernel_of("app", *loaded)]
        if not _builds(framework, "app"):
            then["properties"]["app"] = False
        named = {
            "type": "object",
            "properties": {"framework": {"const": name}},
            "required": ["framework"],
        }
        asked = {"properties": {"platforms": named}, "required": ["platforms"]}
        chain = {"if": asked, "then": then, "else": chain}
    return chain


def _builds(framework: Framework, step: str) -> bool:
    """Whether the framework has a step of its own: `Framework`'s are errors."""
    return getattr(type(framework), step) is not getattr(Framework, step)


def _sections(name: str, found: schemas.Schema, definitions: schemas.Schema) -> schemas.Schema:
    """References to sections, of which `definitions` gets those that it lacks."""
    properties = {}
    for section, schema in found.items():
        shown = _named(section, _shown(schema, section))
        same = (key for key, value in definitions.items() if value == shown)
        key = next(same, f"{name}-{section}")
        definitions[key] = shown
        properties[section] = {"$ref": f"#/$defs/{key}"}
    return {"properties": properties}


def _narrow(schema: schemas.Schema, section: str, framework: Framework) -> schemas.Schema:
    """A section as the framework takes it: its fragment, and what its guests can use."""
    part = bunnyfile.fragment(framework.name) or {}
    found = _merged(schema, part.get("properties", {}).get(section, {}))
    guest, properties = framework.guest, found["properties"]
    if section == "platforms":
        _offer(properties, "monitor", guest.monitors)
    elif section == "rootfs":
        _offer(properties, "type", guest.rootfs)
        if not _builds(framework, "install_packages"):
            del properties["packages"]
        if guest.filesystems:
            names = [each.name for each in guest.filesystems]
            _offer(properties, "filesystem", names)
            properties["filesystem"] = {
                **properties["filesystem"],
                "enumDescriptions": [filesystems.TABLE[each].about for each in names],
            }
        if guest.mount != "/":
            properties["mount"] = {
                **properties["mount"],
                "pattern": _but("/", properties["mount"]["pattern"]),
                "examples": [guest.mount],
                "x-hutch-message": "cannot be where these guests mount a disk",
                "x-hutch-hint": f"write {guest.mount}",
            }
    elif not _builds(framework, "kernel"):
        properties["from"] = {
            **properties["from"],
            "pattern": _but("source", properties["from"]["pattern"]),
            "examples": [each for each in properties["from"]["examples"] if each != "source"],
            "x-hutch-message": "is nothing that hutch can build for this framework yet",
        }
    return found


def _but(word: str, pattern: str) -> str:
    """A pattern that takes what `pattern` does, but for a word."""
    return f"^(?!{word}$){pattern.removeprefix('^')}"


def _offer(properties: schemas.Schema, key: str, values: Iterable[str]) -> None:
    """Let a key have these values alone."""
    found = {**properties[key], "enum": list(values)}
    found["examples"] = [each for each in found["examples"] if each in found["enum"]]
    properties[key] = found


def _merged(schema: schemas.Schema, other: schemas.Schema) -> schemas.Schema:
    """Two schemas as one; what the second says wins, key by key."""
    found = dict(schema)
    for key, value in other.items():
        old = found.get(key)
        found[key] = (
            _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
        )
    if schema.get("properties") is not None:
        found["properties"] = dict(found["properties"])
    return found


def _inlined(root: schemas.Schema, schema: schemas.Schema) -> schemas.Schema:
    """A schema with every reference replaced by what it leads to; its own words win."""
    found = dict(schema)
    while (ref := found.pop("$ref", None)) is not None:
        found = {**root["$defs"][ref.removeprefix("#/$defs/")], **found}
    return {key: _inside(root, key, value) for key, value in found.items()}


def _inside(root: schemas.Schema, key: str, value: object) -> object:
    if key in ("properties", "patternProperties") and isinstance(value, dict):
        return {name: _inlined(root, inner) for name, inner in value.items()}
    if key in ("oneOf", "anyOf") and isinstance(value, list):
        return [_inlined(root, inner) for inner in value]
    if key in ("items", "additionalProperties", "propertyNames") and isinstance(value, dict):
        return _inlined(root, value)
    return value


def _shown(schema: schemas.Schema, path: str = "", *, open_: bool = True) -> schemas.Schema:
    """A schema in an editor's words: a title, sentences in the place of patterns.

    With `open_` a value with a build argument in it passes.
    """
    found: schemas.Schema = {}
    for key, value in schema.items():
        if key == "properties":
            found[key] = {name: _key(path, name, inner, open_) for name, inner in value.items()}
        elif key in ("oneOf", "anyOf"):
            found[key] = [_shown(inner, path, open_=open_) for inner in value]
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            found[key] = _shown(value, f"{path}[]" if key == "items" else path, open_=open_)
        elif key == "propertyNames":
            found[key] = _shown(value, path, open_=False)
        elif not key.startswith("x-hutch-"):
            found[key] = value
    _say(found, schema)
    return _opened(found) if open_ else found


def _key(path: str, name: str, schema: schemas.Schema, open_: bool) -> schemas.Schema:
    inner = _join(path, name)
    return _named(inner, _shown(schema, inner, open_=open_ and name not in _SCRIPTS))


def _named(path: str, schema: schemas.Schema) -> schemas.Schema:
    """A schema with its path as the title; an editor says the title where a mapping is expected."""
    kind = ": a mapping" if schema.get("type") == "object" else ""
    return {"title": path + kind, **schema}


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _say(found: schemas.Schema, schema: schemas.Schema) -> None:
    """What a wrong value is: for people, where the keyword alone would show a pattern."""
    message, hint = schema.get("x-hutch-message", ""), schema.get("x-hutch-hint", "")
    if not (schema.keys() & {"pattern", "const", "enum"}):
        return
    whole = ": ".join(filter(None, (message and f"this {message}", hint)))
    if whole:
        found["errorMessage"] = whole


def _opened(schema: schemas.Schema) -> schemas.Schema:
    """The schema of a value whose build arguments are not filled in yet."""
    types = schema.get("type")
    if "enum" in schema:
        rest = {key: value for key, value in schema.items() if key not in ("type", *_CHOICE)}
        choice = {key: schema[key] for key in _CHOICE if key in schema}
        return {**rest, "anyOf": [choice, {"type": "string", "pattern": _ARGUMENT}]}
    if types == "boolean":
        found = {**schema, "type": ["boolean", "string"], "pattern": _ARGUMENT}
        return {**found, "errorMessage": "this is neither true nor false"}
    found = schema
    if types == "string":
        found = {**found, "type": ["string", "number"]}
    if "pattern" in found:
        found = {**found, "pattern": f"({found['pattern']})|{_ARGUMENT}"}
    return found


_CHOICE = ("enum", "enumDescriptions", "errorMessage")
"""What belongs to an `enum`."""


def _old(schema: schemas.Schema) -> schemas.Schema:
    """The schema of bunny's files; no arguments are filled in there."""
    found = _shown(_inlined(schema, schema), open_=False)
    for key in ("$schema", "$id", "$defs"):
        del found[key]
    platforms = found["properties"]["platforms"]["properties"]
    platforms["framework"] = {**platforms["framework"], "anyOf": _suggested(frameworks.TABLE)}
    # A framework that is in no table runs on what it likes.
    chain: schemas.Schema = {"properties": {"monitor": {"anyOf": _suggested(monitors.TABLE)}}}
    for name in reversed(frameworks.TABLE):
        narrow = {"monitor": {"enum": list(frameworks.guest(name).monitors)}}
        named = {"properties": {"framework": {"const": name}}, "required": ["framework"]}
        chain = {"if": named, "then": {"properties": narrow}, "else": chain}
    found["properties"]["platforms"] = {**found["properties"]["platforms"], "allOf": [chain]}
    return _with_numbers(found)


def _suggested(names: Iterable[str]) -> list[schemas.Schema]:
    return [{"enum": list(names)}, {}]


def _with_numbers(schema: schemas.Schema) -> schemas.Schema:
    """The same, where a number is text wherever text may stand."""
    found: schemas.Schema = {}
    for key, value in schema.items():
        if isinstance(value, dict) and key not in ("default", "examples"):
            found[key] = _with_numbers(value)
        elif isinstance(value, list) and key in ("oneOf", "anyOf"):
            found[key] = [_with_numbers(each) for each in value]
        else:
            found[key] = ["string", "number"] if (key, value) == ("type", "string") else value
    return found


def text() -> str:
    """The published file."""
    return json.dumps(published(), indent=1) + "\n"
