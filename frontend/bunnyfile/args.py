"""Build arguments: `${NAME}` and `${NAME:-default}` in the values of a v1 file.

Works on the tree, before validation: a substituted value is checked like any other, at its own
place, and can only ever be a value. `$$` is a plain dollar; a `$` before anything but `{` or `$`
stays as it is. Scripts (`app.fetch`, `app.build`) are left alone: there the arguments are
environment variables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as Dict
from dataclasses import replace

from frameworks.diagnostics import Collector, did_you_mean
from frontend.bunnyfile.nodes import Entry, Mapping, Node, Scalar, Sequence
from frontend.bunnyfile.yaml import with_text
from llb import Position, Range

# Set by BuildKit's clients for every build (docs.docker.com, "ARG: automatic platform args");
# they need no declaration.
PLATFORM_ARGS = frozenset(
    f"{side}{part}"
    for side in ("TARGET", "BUILD")
    for part in ("PLATFORM", "OS", "ARCH", "VARIANT")
)

SCRIPTS = frozenset({"fetch", "build"})
"""The keys of `app` whose values are programs."""

# A value can grow by substitution, and a default by defaults, so growth has a bound.
MAX_GROWTH = 1024 * 1024

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DOLLAR = re.compile(
    r"\$(?:\$|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<default>:-[^{}]*)?\}|(?P<bad>\{))"
)


def substitute(
    root: Mapping, given: Dict[str, str], problems: Collector
) -> tuple[Mapping, Dict[str, str]]:
    """The tree with its build arguments filled in, and the arguments that have a value.

    `given` holds the build's own arguments and the platform's (`TARGETARCH` and so on). An
    argument that is used but not declared under `args:`, or declared but without any value, is
    noted in `problems` at its place; the text then stays as it is.
    """
    scope = _Scope(dict(given), problems)
    scope.declare(root.find("args"))
    return replace(root, entries=tuple(_entries(root, scope))), scope.values


def _entries(root: Mapping, scope: _Scope) -> Iterator[Entry]:
    for entry in root:
        if entry.key.text == "args":
            yield Entry(entry.key, scope.defaults(entry.value))
        elif entry.key.text == "app" and isinstance(entry.value, Mapping):
            kept = (
                inner if inner.key.text in SCRIPTS else Entry(inner.key, scope.fill(inner.value))
                for inner in entry.value
            )
            yield Entry(entry.key, replace(entry.value, entries=tuple(kept)))
        elif entry.key.text.startswith("x-"):
            yield entry
        else:
            scope.in_envs = entry.key.text == "envs"
            yield Entry(entry.key, scope.fill(entry.value))


class _Scope:
    """The arguments that are known while a file is filled in."""

    def __init__(self, given: dict[str, str], problems: Collector) -> None:
        self._given = given
        self._problems = problems
        self._declared: dict[str, None] = {}
        self.in_envs = False
        self._room = MAX_GROWTH
        self.values = {name: given[name] for name in sorted(PLATFORM_ARGS) if name in given}
        self._defaults: dict[str, Scalar] = {}

    def declare(self, section: Node | None) -> None:
        """Take in `args:`. Only its shape is judged here as far as names go: the schema does it."""
        if not isinstance(section, Mapping):
            return
        for entry in section:
            name = entry.key.text
            if not _NAME.fullmatch(name) or not isinstance(entry.value, Scalar):
                continue
            default = entry.value
            if default.kind != "null":
                # A default may use the arguments above it.
                default = self._scalar(default)
                self._defaults[name] = default
            self._declared[name] = None
            if name in self._given:
                self.values[name] = self._given[name]
            elif default.kind != "null":
                self.values[name] = default.text

    def defaults(self, section: Node) -> Node:
        """The `args:` section with its own defaults filled in."""
        if not isinstance(section, Mapping):
            return section
        filled = (Entry(e.key, self._defaults.get(e.key.text, e.value)) for e in section)
        return replace(section, entries=tuple(filled))

    def fill(self, node: Node) -> Node:
        """The node with the arguments in all of its values filled in."""
        if isinstance(node, Scalar):
            return self._scalar(node)
        if isinstance(node, Sequence):
            return replace(node, items=tuple(self.fill(item) for item in node))
        return replace(node, entries=tuple(Entry(e.key, self.fill(e.value)) for e in node))

    def _scalar(self, scalar: Scalar) -> Scalar:
        if "$" not in scalar.text or self._room < 0:
            return scalar
        text = _DOLLAR.sub(lambda found: self._counted(scalar, found), scalar.text)
        self._room -= len(scalar.text)
        if self._room < 0:
            message = f"build arguments make the file grow by more than {MAX_GROWTH} characters"
            self._problems.error("bad-substitution", message, at=scalar.at)
            return scalar
        return scalar if text == scalar.text else with_text(scalar, text)

    def _counted(self, scalar: Scalar, found: re.Match[str]) -> str:
        """What goes in for one `${...}`, or nothing once there is no room for it."""
        if self._room < 0:
            return ""
        value = self._value(scalar, found)
        self._room -= len(value)
        return value

    def _value(self, scalar: Scalar, found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        at = _within(scalar, found.start(), found.end())
        if found["bad"]:
            self._problems.error(
                "bad-substitution",
                "'${' does not start a build argument",
                hint="write '${NAME}' or '${NAME:-default}', or '$${' for the text itself",
                at=_within(scalar, found.start(), found.end()),
            )
            return found[0]
        name = found["name"]
        if name not in self._declared and name not in PLATFORM_ARGS:
            hint = "declare it at the top: 'args: {" + name + ": default}'"
            known = [*self._declared, *PLATFORM_ARGS]
            near = did_you_mean(name, known)
            if near.startswith("did you mean"):
                hint = near
            elif self.in_envs:  # where a Dockerfile's ENV would take the image's variable
                hint = "the image's own variables cannot be used: write the value out; or " + hint
            self._problems.error(
                "undeclared-argument",
                f"the build argument '{name}' is not declared",
                hint=hint,
                at=at,
            )
            return found[0]
        value = self.values.get(name, "")
        default = found["default"]
        if default is not None:
            return value or default[2:]
        if name not in self.values:
            self._problems.error(
                "missing-argument",
                f"the build argument '{name}' has no value",
                hint=f"give it with '--build-arg {name}=...', or a default under 'args:'",
                at=at,
            )
            return found[0]
        return value


def _within(scalar: Scalar, start: int, end: int) -> Range:
    """Where characters `start` to `end` of a scalar's text stand, if it is on one line."""
    first, last = scalar.at.start, scalar.at.end
    width = last.character - first.character
    quotes = width - len(scalar.text)
    if first.line != last.line or quotes not in (0, 2):
        return scalar.at  # folded or escaped: the columns of the text say nothing
    begin = first.character + quotes // 2
    return Range(Position(first.line, begin + start), Position(first.line, begin + end))


def declared(root: Mapping) -> tuple[tuple[Scalar, Scalar | None], ...]:
    """The names under `args:` with their defaults, None for an argument without one."""
    section = root.find("args")
    if not isinstance(section, Mapping):
        return ()
    return tuple(
        (entry.key, entry.value if entry.value.kind != "null" else None)
        for entry in section
        if isinstance(entry.value, Scalar)
    )
