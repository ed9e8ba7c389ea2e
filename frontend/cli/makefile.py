"""What program a Makefile makes, as far as its text says it.

    made = program(path.read_text())
    made.file                                 "bin/server", or None where the text does not say it
    made.target                               "" where make makes it without being told

Make itself is not asked: it runs what `$(shell ...)` says while it reads. Variables that are set in
plain words, targets, their prerequisites and recipes are read (GNU make: "Writing Makefiles"); what
functions, includes and conditions make of them is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

FILES = ("GNUmakefile", "makefile", "Makefile")
"""What make looks for, in this order (GNU make: "What Name to Give Your Makefile")."""

_SET = re.compile(r"\s*(?:override\s+|export\s+)?([\w.-]+)\s*(\+|\?|::?:?)?=\s*(.*)")
_RULE = re.compile(r"([^\s#:=][^:=#]*?)\s*&?::?(?!=)\s*([^;#]*)(?:;(.*))?")
_USE = re.compile(r"\$(?:\((\w[\w.-]*|@)\)|\{(\w[\w.-]*|@)\}|([@<^*$]))")
_PATH = re.compile(r"(?:\./)?((?!.*\.\./)[\w+][\w.+-]*(?:/[\w.+-]+)*)")
_OUTPUT = re.compile(r"(?:^|\s)-o\s*(\S+)")
_COMPILER = re.compile(
    r"(?:^|[;&|]\s*)[@+-]*((?:[\w-]+-)?(?:gcc|cc|clang|g\+\+|c\+\+|clang\+\+))\s"
)
_PART = re.compile(r"\.(o|a|so|lo|la|d|h|c|s|S|cc|cpp|i|elf\.o|gch|pch)$")
_DEPTH, _LONGEST = 16, 1 << 14


@dataclass(frozen=True, slots=True)
class Made:
    """The program's path, None where the text does not say it, and the target to ask make for,
    "" where it is the one that make takes by itself; and compilers called by name."""

    file: str | None
    target: str
    compilers: tuple[str, ...]


@dataclass(slots=True)
class _Rule:
    needs: list[str] = field(default_factory=list)
    recipe: list[str] = field(default_factory=list)


def program(text: str) -> Made:
    """What the Makefile `text` makes: of its default target, or else of another."""
    return _Makefile(text).made()


class _Makefile:
    def __init__(self, text: str) -> None:
        self._values: dict[str, str] = {}
        self._rules: dict[str, _Rule] = {}
        self._phony: set[str] = set()
        self._read(re.sub(r"\\\n[ \t]*", " ", text))

    def made(self) -> Made:
        goal = self._values.get(".DEFAULT_GOAL") or next(
            (name for name in self._rules if "%" not in name and not re.match(r"\.[^/]*$", name)),
            None,
        )
        plain = [name for name in self._rules if name != goal and re.match(r"[^.%]+$", name)]
        # Not what make makes by itself: 'all' then, or the first that is linked.
        rest = sorted(plain, key=lambda name: name != "all")
        target, found = "", None
        for name in [goal, *rest] if goal is not None else rest:
            if (found := next(self._programs(name, set()), None)) is not None:
                target = "" if name == goal else name
                break
        called = (
            match[1]
            for rule in self._rules.values()
            for line in rule.recipe
            for match in _COMPILER.finditer(line)
        )
        return Made(found, target, tuple(dict.fromkeys(called)))

    def _read(self, text: str) -> None:
        current: list[_Rule] = []
        for line in text.splitlines():
            if line.startswith("\t"):
                for rule in current:
                    rule.recipe.append(line.strip())
            elif found := _SET.fullmatch(line.split("#")[0].rstrip()):
                self._set(found[1], found[2] or "", found[3])
            elif found := _RULE.match(line):
                current = self._rule(found[1], found[2], found[3])
            elif line.strip() and not line.lstrip().startswith("#"):
                current = []

    def _set(self, name: str, how: str, value: str) -> None:
        if how == "+" and name in self._values:
            value = f"{self._values[name]} {value}"
        elif how == "?" and name in self._values:
            return
        self._values[name] = value.strip()

    def _rule(self, targets: str, needs: str, recipe: str | None) -> list[_Rule]:
        wanted = self._expanded(needs).split()
        if targets.strip() == ".PHONY":
            self._phony.update(wanted)
        rules = [self._rules.setdefault(each, _Rule()) for each in self._expanded(targets).split()]
        for rule in rules:
            rule.needs += [each for each in wanted if each != "|"]
            if recipe and recipe.strip():
                rule.recipe.append(recipe.strip())
        return rules

    def _programs(self, target: str, seen: set[str]) -> Iterator[str]:
        """Programs that are linked for a target, its own before those of what it needs."""
        rule = self._rules.get(target) or self._pattern(target)
        if rule is None or target in seen or len(seen) > _DEPTH * _DEPTH:
            return
        seen.add(target)
        phony = target in self._phony
        for line in rule.recipe:
            said = self._expanded(line, target)
            if re.search(r"(?:^|\s)-(?:c|S|E|M|MM|shared|r)(?:\s|$)", said):
                continue
            output = _OUTPUT.search(said)
            if output and (name := _path(output[1])):
                yield name
            elif not output and _COMPILER.search(said):
                yield "a.out"
        # A file without a recipe of its own is linked by make's built-in rule.
        own = any(f"{target}{end}" in rule.needs for end in (".o", ".c", ".cc", ".cpp"))
        if own and not phony and not rule.recipe and (name := _path(target)):
            yield name
        for each in rule.needs:
            yield from self._programs(each, seen)

    def _pattern(self, target: str) -> _Rule | None:
        """The pattern rule of a target, without the prerequisites, which only the stem says."""
        for name, rule in self._rules.items():
            before, percent, after = name.partition("%")
            if percent and target.startswith(before) and target.endswith(after):
                return _Rule([], rule.recipe)
        return None

    def _expanded(self, text: str, target: str | None = None) -> str:
        """With variables for what they are set to; what is too deep or too long stays as it is."""

        def value(found: re.Match[str]) -> str:
            name = found[1] or found[2] or found[3]
            if name == "@" and target is not None:
                return target
            if name in self._values:
                return self._values[name]
            # Make takes a variable that nobody sets for nothing.
            return _BUILT_IN.get(name, found[0] if found[3] or name == "@" else "")

        for _ in range(_DEPTH):
            made = _USE.sub(value, text)
            if made == text or len(made) > _LONGEST:
                break
            text = made
        return text


_BUILT_IN = {"CC": "cc", "CXX": "c++", "LINK.c": "cc", "LINK.o": "cc", "LINK.cc": "c++"}
"""What make sets itself, of what tells a step that links (GNU make: "Catalogue of Rules")."""


def _path(text: str) -> str | None:
    """A path of the program below the directory, None for what is none or an object file's."""
    found = _PATH.fullmatch(text.strip("\"'"))
    if found is None or _PART.search(found[1]):
        return None
    return found[1]
