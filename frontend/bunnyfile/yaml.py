"""Bytes to a tree of nodes with positions.

ruamel.yaml's scanner and parser give events with exact start and end marks; the tree is composed
here rather than by its composer, because ours must bound depth and aliases, refuse tags, and keep
the text of every scalar. Its constructors are not used: nothing is ever instantiated from a file.

Every way a file can be bad ends in `Problems` with a position; `parse` raises nothing else.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from frameworks.diagnostics import Collector, Problems, problem
from frontend.bunnyfile.nodes import Entry, Kind, Mapping, Node, Scalar, Sequence
from frontend.bunnyfile.scanner import events
from frontend.bunnyfile.syntax import diagnose
from frontend.bunnyfile.text import decode, point
from llb import Position, Range, SourceFile

# A bunnyfile nests four deep. The limit also bounds the recursion of everything that walks a tree.
MAX_DEPTH = 32
# How many nodes aliases may add to a file, all together ("billion laughs").
MAX_ALIASED = 10_000

_SURROGATE = re.compile("[\ud800-\udfff]")
_CORE = "tag:yaml.org,2002:"
_INT = re.compile(r"0|[-+]?[1-9][0-9]*")
_NUMBER = re.compile(
    r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
    r"|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_WORDS: dict[str, Kind] = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"], "null"),
    **dict.fromkeys(["true", "True", "TRUE", "false", "False", "FALSE"], "bool"),
}


def resolve(text: str) -> Kind:
    """What plain (unquoted) text means in YAML 1.2: `yes` and `on` are text, `true` is not."""
    if kind := _WORDS.get(text):
        return kind
    if _INT.fullmatch(text):
        return "int"
    return "number" if _NUMBER.fullmatch(text) else "str"


def parse(file: SourceFile, *, last_counts: bool = False) -> Mapping:
    """The tree of a file whose top is a mapping; `Problems` for everything else.

    With `last_counts` a key may be there again, and its last value counts: as in files of others.
    """
    text = decode(file)
    composer = _Composer(file, text, last_counts=last_counts)
    try:
        root = composer.document()
    except Problems:
        raise
    except Exception as error:
        # Not only YAMLError: the scanner lets ValueError, IndexError and others out on some
        # malformed escapes and directives, and a user must see a line, never a traceback.
        found = diagnose(file, text, error, composer.position)
        raise Problems([*composer.problems.errors, found]) from error
    composer.problems.check()
    if root is None or (isinstance(root, Scalar) and root.kind == "null"):
        hint = "a bunnyfile starts with 'version: v1'"
        at = point(1, 0)
        raise problem("empty-file", "the file has no content", hint=hint, at=at, file=file)
    if not isinstance(root, Mapping):
        what = "a list" if isinstance(root, Sequence) else "text"
        raise problem(
            "not-a-bunnyfile",
            f"a bunnyfile is made of 'key: value' lines, and this is {what}",
            hint="it starts with 'version: v1'",
            at=root.at,
            file=file,
        )
    return root


class _Composer:
    """Turns the parser's events into nodes; one for each file."""

    def __init__(self, file: SourceFile, text: str, *, last_counts: bool) -> None:
        self.file = file
        self.last_counts = last_counts
        self.lines = text.split("\n")
        self.problems = Collector(file)
        self._events = events(text)
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._open: set[str] = set()
        self._aliased = 0
        self._size = 0
        self.position = point(1, 0)

    def _next(self) -> Any:
        event = next(self._events)
        self.position = point(event.start_mark.line + 1, event.start_mark.column)
        return event

    def _fail(self, code: str, message: str, hint: str, at: Range) -> Problems:
        self.problems.error(code, message, hint=hint, at=at)
        return Problems(self.problems.errors)

    def document(self) -> Node | None:
        """The only document of the stream, or None where there is none."""
        root: Node | None = None
        seen = False
        for event in self._events:
            self.position = point(event.start_mark.line + 1, event.start_mark.column)
            match event.crepr:
                case "+DOC" if seen:
                    raise self._fail(
                        "multiple-documents",
                        "a second document starts here",
                        "a bunnyfile is one document: remove the '---' line, or split the file",
                        self.position,
                    )
                case "+DOC":
                    seen = True
                    root = self._node(self._next(), 1)
                case _:
                    pass
        return root

    def _node(self, event: Any, depth: int) -> Node:
        at = self._range(event.start_mark, event.end_mark)
        if depth > MAX_DEPTH:
            raise self._fail(
                "too-deep",
                f"values are nested more than {MAX_DEPTH} deep",
                "a bunnyfile needs four levels: is a bracket missing?",
                at,
            )
        if event.crepr == "=ALI":
            return self._alias(event.anchor, at)
        anchor = event.anchor
        if anchor is not None:
            self._open.add(anchor)
        before = self._size
        self._size += 1
        node: Node
        match event.crepr:
            case "=VAL":
                node = self._scalar(event)
            case "+SEQ":
                node = self._sequence(event, depth)
            case _:
                node = self._mapping(event, depth)
        if anchor is not None:
            self._open.discard(anchor)
            self._anchors[anchor] = (node, self._size - before)
        return node

    def _alias(self, name: str, at: Range) -> Node:
        if name in self._open:
            raise self._fail("unknown-alias", f"'*{name}' stands inside itself", "", at)
        if name not in self._anchors:
            hint = f"put '&{name}' before the value that is meant"
            if not self._anchors:
                hint = "a text that starts with '*' needs quotes"
            raise self._fail("unknown-alias", f"no value is named '&{name}' above", hint, at)
        node, size = self._anchors[name]
        self._aliased += size
        self._size += size
        if self._aliased > MAX_ALIASED:
            raise self._fail(
                "too-many-aliases",
                f"aliases make the file grow by more than {MAX_ALIASED} values",
                "",
                at,
            )
        return node

    def _scalar(self, event: Any) -> Scalar:
        at = self._range(event.start_mark, event.end_mark)
        if not event.value.isascii() and (half := _SURROGATE.search(event.value)):
            self.problems.error(
                "control-character",
                f"the escape of U+{ord(half[0]):04X} is half a character",
                hint="write the character itself, or its escape with eight digits: \\U0001F600",
                at=at,
            )
        plain = not event.style
        tag = self._tag(event, at)
        if tag in ("", "!"):
            quoted = tag == "!" or not plain
            return Scalar(event.value, "str" if quoted else resolve(event.value), not quoted, at)
        if tag == "str":
            return Scalar(event.value, "str", False, at)
        kind = resolve(event.value)
        wanted: dict[str, tuple[Kind, ...]] = {
            "null": ("null",),
            "bool": ("bool",),
            "int": ("int", "number"),
            "float": ("int", "number"),
        }
        if kind not in wanted.get(tag, ()):
            self.problems.error("custom-tag", f"'{event.value}' is not of type '!!{tag}'", at=at)
        return Scalar(event.value, kind, plain, at)

    def _sequence(self, event: Any, depth: int) -> Sequence:
        self._tag(event, self._range(event.start_mark, event.end_mark), "seq")
        items: list[Node] = []
        while (child := self._next()).crepr != "-SEQ":
            items.append(self._node(child, depth + 1))
        return Sequence(tuple(items), self._span(event, child, [item.at for item in items]))

    def _mapping(self, event: Any, depth: int) -> Mapping:
        self._tag(event, self._range(event.start_mark, event.end_mark), "map")
        entries: dict[str, Entry] = {}
        merged: dict[str, Entry] = {}
        ranges: list[Range] = []
        merge_at: Range | None = None
        while (child := self._next()).crepr != "-MAP":
            key = self._node(child, depth + 1)
            value = self._node(self._next(), depth + 1)
            ranges += [key.at, value.at]
            if not isinstance(key, Scalar) or key.kind == "null":
                hint = "'{' starts a mapping: a text with braces needs quotes"
                self.problems.error("bad-key", "a key must be text", hint=hint, at=key.at)
                continue
            if key.plain and key.text == "<<" and merge_at is None:
                merge_at = key.at
                self._merge(merged, value)
                continue
            first = merge_at if key.plain and key.text == "<<" else None
            if key.text in entries:
                first = entries[key.text].key.at
            if first is not None and not self.last_counts:
                self.problems.error(
                    "duplicate-key",
                    f"the key '{key.text}' is here a second time",
                    hint=f"it is first on line {first.start.line}: keep one of them",
                    at=key.at,
                )
                continue
            entries[key.text] = Entry(key, value)
        for name, entry in merged.items():
            entries.setdefault(name, entry)
        return Mapping(tuple(entries.values()), self._span(event, child, ranges))

    def _merge(self, merged: dict[str, Entry], value: Node) -> None:
        """Take in the entries that `<<:` names; of several mappings, the earlier ones win."""
        sources = value.items if isinstance(value, Sequence) else (value,)
        for source in sources:
            if not isinstance(source, Mapping):
                self.problems.error(
                    "wrong-type",
                    "'<<' merges mappings, and this is none",
                    hint="write '<<: *name', where '&name' marks a mapping",
                    at=source.at,
                )
                continue
            for entry in source:
                merged.setdefault(entry.key.text, entry)

    def _tag(self, event: Any, at: Range, collection: str = "") -> str:
        """The core tag's short name, "" without a tag; any other tag is an error."""
        if event.ctag is None:
            return ""
        tag = str(event.ctag)
        if tag == "!":
            return tag
        name = tag.removeprefix(_CORE)
        known = (collection,) if collection else ("str", "null", "bool", "int", "float")
        if tag.startswith(_CORE) and name in known:
            return name
        shown = f"!!{name}" if tag.startswith(_CORE) else tag
        hint = "a text that starts with '!' needs quotes"
        self.problems.error(
            "custom-tag", f"the tag '{shown}' has no meaning here", hint=hint, at=at
        )
        return "" if collection else "str"

    def _range(self, start: Any, end: Any) -> Range:
        """BuildKit's range from two marks: lines from 1; no trailing line breaks."""
        line, column = end.line, end.column
        if line > start.line and column == 0:
            line -= 1
            while line > start.line and not self.lines[line].strip():
                line -= 1
            column = len(self.lines[line].rstrip())
        return Range(Position(start.line + 1, start.column), Position(line + 1, column))

    def _span(self, start: Any, end: Any, inner: list[Range]) -> Range:
        """A collection's range: to its bracket, or in block style to its last value."""
        if start.flow_style or not inner:
            return self._range(start.start_mark, end.end_mark)
        first = Position(start.start_mark.line + 1, start.start_mark.column)
        # Aliased values stand elsewhere: they do not stretch the range.
        return Range(first, max((at.end for at in inner if at.start >= first), default=first))


def with_text(scalar: Scalar, text: str) -> Scalar:
    """The scalar with other text; unquoted text is resolved anew, so `true` is a boolean."""
    kind = resolve(text) if scalar.plain and text else "str"
    return replace(scalar, text=text, kind=kind)
