"""The reference page of the bunnyfile, from its schema: `python -m frontend.bunnyfile.reference`.

The descriptions that editors show are the only text about a key; `docs/bunnyfile.md` is made of
them, and README's table of frameworks of what their classes say. A test says when one is stale.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import frameworks
import schemas
from frameworks.base import Framework
from frameworks.runtime import RUNTIME
from frontend import bunnyfile

_ROOT = Path(__file__).resolve().parents[2]
PAGE = _ROOT / "docs" / "bunnyfile.md"
README = _ROOT / "README.md"

_HEAD = """\
# The bunnyfile

Every key of `version: v1`, as `hutch schema` and your editor know it. Keys that start with `x-`
are allowed anywhere and ignored. In any value but scripts, `${NAME}` and `${NAME:-default}` are
replaced by build arguments that `args:` declares, and `$$` is a plain dollar.

Files of `version: v0.1` are bunny's; they keep working, and have of these keys `platforms`,
`kernel` (`from`, `path`), `rootfs` (`from`, `path`, `type`, `include`), `cmd`, `entrypoint` and
`envs`.

Which values a framework takes is in its own page, `frameworks/<name>/README.md`; [mewz, hermit and
generic](../frameworks/prebuilt/README.md) share one. All keys are in [a whole file](whole-file.md),
and what `hutch plan bunnyfile` prints has every default filled in.

A key that is **required** has to be there wherever the key above it is.
"""


def page() -> str:
    """The text of the page."""
    schema = bunnyfile.schema("v1")
    parts = [_HEAD]
    for name, key in keys(schema):
        level = "##" if "." not in name else "###"
        required = is_required(schema, name)
        parts.append(f"{level} `{name}`\n\n{_entry(key, required=required)}")
    return "\n".join(parts)


def is_required(schema: schemas.Schema, name: str) -> bool:
    """Whether the mapping that a key is in cannot be without it."""
    parent, _, last = name.rpartition(".")
    known = dict(keys(schema))
    above = known.get(parent.removesuffix("[]"), {}) if parent else schema
    if parent.endswith("[]"):
        above = _resolved(schema, above.get("items", {}))
        branches = [_resolved(schema, each) for each in (above, *above.get("oneOf", ()))]
        above = next((each for each in branches if "properties" in each), above)
    return last in above.get("required", ())


def table() -> str:
    """README's table: each framework of `frameworks.TABLE`, and what its guests can have."""
    rows = [
        f"| framework | kernel | root filesystems | monitors | {RUNTIME.name} from |",
        "|---|---|---|---|---|",
    ]
    for name, (module, _) in frameworks.TABLE.items():
        framework = frameworks.get(name)
        guest = framework.guest
        if guest.opaque:
            continue
        shown = f"[{name}]({module.replace('.', '/')}/README.md)"
        builds = type(framework).kernel is not Framework.kernel
        roots = list[str]()
        for kind in guest.rootfs:
            formats = [each.name for each in guest.filesystems] if kind == "block" else [kind]
            roots += formats
        since = RUNTIME.first_version(guest.type)
        rows.append(
            f"| {shown} | {'built from source, or prebuilt' if builds else 'prebuilt'} "
            f"| {', '.join(roots)} | {', '.join(guest.monitors)} "
            f"| {'not yet' if since is None else since} |"
        )
    return "\n".join(rows) + "\n"


def with_table(readme: str) -> str:
    """The text of a README with the table as it has to be."""
    start = readme.index("| framework |")
    return readme[:start] + table() + readme[readme.index("\n\n", start) + 1 :]


def keys(schema: schemas.Schema) -> Iterator[tuple[str, schemas.Schema]]:
    """Every key of a schema by its path, those below a key behind it; of list items as `[]`."""
    for name, key in _properties(schema, schema):
        yield name, key
        yield from _below(schema, key, name)


def _properties(
    root: schemas.Schema, schema: schemas.Schema
) -> Iterator[tuple[str, schemas.Schema]]:
    for name, value in schema.get("properties", {}).items():
        yield name, _resolved(root, value)


def _below(
    root: schemas.Schema, schema: schemas.Schema, path: str
) -> Iterator[tuple[str, schemas.Schema]]:
    """The keys inside a key, however deep, each with its path; those of list items as `[]`."""
    for name, value in _properties(root, schema):
        yield f"{path}.{name}", value
        yield from _below(root, value, f"{path}.{name}")
    for branch in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        yield from _below(root, _resolved(root, branch), path)
    if "items" in schema:
        yield from _below(root, _resolved(root, schema["items"]), f"{path}[]")


def _resolved(root: schemas.Schema, schema: schemas.Schema) -> schemas.Schema:
    """A schema with what it refers to; its own words win."""
    found = schema
    while "$ref" in found:
        target = root["$defs"][found["$ref"].removeprefix("#/$defs/")]
        found = {**target, **{key: value for key, value in found.items() if key != "$ref"}}
    return found


def _entry(schema: schemas.Schema, *, required: bool) -> str:
    lines = [schema["description"]] if "description" in schema else []
    if required:
        lines.append("**Required.**")
    elif told := schema.get("x-hutch-default"):
        lines.append(f"Default: {told}.")
    if values := schema.get("enum"):
        lines.append("One of: " + ", ".join(f"`{value}`" for value in values) + ".")
    if "default" in schema:
        lines.append(f"Default: `{_yaml(schema['default'])}`.")
    if examples := schema.get("examples"):
        shown = " or ".join(f"`{_yaml(example)}`" for example in examples)
        lines.append(f"For example {shown}.")
    return "\n\n".join(lines) + "\n"


def _yaml(value: object) -> str:
    """A value in YAML's flow style; text without the quotes that it does not need."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return "[" + ", ".join(map(_yaml_item, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_yaml_item(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


def _yaml_item(value: object) -> str:
    text = _yaml(value)
    plain = not isinstance(value, str) or not any(c in text for c in ",:;#{}[]'\"\n ")
    return text if plain else json.dumps(value)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
