"""Which options there are, and why one was lost: a reader of source trees' Kconfig files.

Kconfig's language: Documentation/kbuild/kconfig-language.rst. What is read of it is what an answer
needs: entries, the conditions around them, selects, choices.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from frameworks.kit.kconfig import Loss, Request, same

_COMMENT = re.compile(r"""((?:[^"'#]|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')*)#.*""")
"""A line with a comment behind it."""
_DEEPEST = 100
"""How deep files source each other, and expressions nest: Linux has four and seven."""


@dataclass(slots=True)
class Definition:
    """One `config` entry of a Kconfig file, with the conditions of the blocks around it."""

    name: str
    kind: str = ""
    prompt: bool = False
    conditions: tuple[str, ...] = ()
    choice: int = 0


class Kconfig:
    """The options of source trees: those of the Kconfig files `roots`, and of what they source.

    A file that is not absolute is one of the directory `base`. `variables` stand in the names of
    files that are sourced, as $(NAME) or $NAME; a name that holds others leads nowhere, as does one
    of no file. Each file is read once for each block that sources it, and a root only if none did.
    """

    def __init__(self, base: Path, roots: Iterable[Path], variables: Mapping[str, str]) -> None:
        self.base = base
        self.variables = variables
        self.definitions: dict[str, list[Definition]] = {}
        self.selectors: dict[str, list[tuple[str, str]]] = {}
        self.choices = 0
        self._open: list[Path] = []
        self._seen = set[Path]()
        for root in roots:
            if base / root not in self._seen:
                self._read(base / root, [])

    @classmethod
    def linux(cls, source: Path, srcarch: str) -> Kconfig:
        """Those of a Linux tree for one architecture (`srcarch` as in arch/<srcarch>)."""
        return cls(source, [Path("Kconfig")], {"SRCARCH": srcarch})

    def _read(self, path: Path, around: list[tuple[str, str]]) -> None:
        """Read one file. `around` are the open blocks as (keyword, condition), outermost first."""
        if path in self._open or len(self._open) == _DEEPEST or not os.path.isfile(path):
            return
        self._seen.add(path)
        self._open.append(path)
        try:
            self._parse(path, around)
        finally:
            self._open.pop()

    def _sourced(self, path: Path, word: str, name: str) -> Path:
        """The file that a line in `path` sources."""
        target = name.strip("\"'")
        for variable, value in self.variables.items():
            target = target.replace(f"$({variable})", value).replace(f"${variable}", value)
        return (path.parent if word == "rsource" else self.base) / target

    def _parse(self, path: Path, around: list[tuple[str, str]]) -> None:
        blocks = list(around)
        current: Definition | None = None
        help_indent: int | None = None
        in_help = False
        choice_depth: list[int] = []
        for line in _joined(path.read_text(encoding="utf-8", errors="replace")):
            text = line.strip()
            indent = len(line.expandtabs()) - len(line.expandtabs().lstrip())
            if in_help:
                if not text:
                    continue
                if help_indent is None:
                    help_indent = indent
                if indent >= help_indent and indent > 0:
                    continue
                in_help = False
            if "#" in text and (commented := _COMMENT.match(text)):
                text = commented[1].rstrip()
            word, rest = (*text.split(None, 1), "", "")[:2]
            if word in ("help", "---help---"):
                in_help, help_indent = True, None
            elif word in ("config", "menuconfig"):
                conditions = tuple(c for _, c in blocks if c)
                current = Definition(rest, conditions=conditions)
                current.choice = choice_depth[-1] if choice_depth else 0
                self.definitions.setdefault(rest, []).append(current)
            elif word in ("menu", "choice", "if"):
                blocks.append((word, rest if word == "if" else ""))
                current = None
                if word == "choice":
                    self.choices += 1
                    choice_depth.append(self.choices)
            elif word in ("endmenu", "endchoice", "endif"):
                if len(blocks) > len(around):
                    blocks.pop()
                current = None
                if word == "endchoice" and choice_depth:
                    choice_depth.pop()
            elif word in ("source", "rsource", "osource"):
                self._read(self._sourced(path, word, rest), blocks)
                current = None
            elif word in ("comment", "mainmenu"):
                current = Definition("")
            elif word in ("depends", "visible"):
                condition = (*rest.split(None, 1), "", "")[1]
                if current is not None:
                    current.conditions += (condition,)
                elif len(blocks) > len(around):
                    keyword, before = blocks[-1]
                    joined = f"({before}) && ({condition})" if before else condition
                    blocks[-1] = (keyword, joined)
            elif current is not None:
                self._attribute(current, word, rest)

    def _attribute(self, current: Definition, word: str, rest: str) -> None:
        if word in ("bool", "tristate", "int", "hex", "string", "prompt"):
            current.kind = current.kind if word == "prompt" else word
            if rest:
                current.prompt = True
                _, _, condition = rest.rpartition('" if ')
                if condition and condition != rest:
                    current.conditions += (condition,)
        elif word in ("def_bool", "def_tristate"):
            current.kind = word[4:]
        elif word == "select":
            target, _, condition = rest.partition(" if ")
            self.selectors.setdefault(target.strip(), []).append((current.name, condition.strip()))

    def nearest(self, name: str) -> str:
        """The known option that looks most like `name`, or ""."""
        swapped = _parts(name)
        same_parts = [n for n in self.definitions if _parts(n) == swapped or n.endswith("_" + name)]
        if same_parts:
            return min(same_parts, key=lambda n: (len(n), n))
        limit = max(1, len(name) // 5)
        best = min(
            ((_distance(name, n, limit), n) for n in self.definitions if n),
            default=(limit + 1, ""),
        )
        return best[1] if best[0] <= limit else ""

    def explain(self, request: Request, values: dict[str, str]) -> Loss:
        """Why `request` was lost, given the final configuration's values."""
        name, wanted = request.option, request.value
        got = values.get(name, "n")

        def loss(reason: str, missing: tuple[str, ...] = (), nearest: str = "") -> Loss:
            where = (request.fragment, request.line)
            return Loss(name, wanted, got, *where, reason, missing, nearest)

        definitions = self.definitions.get(name)
        if not definitions:
            return loss("unknown", nearest=self.nearest(name))
        forced = tuple(
            selector
            for selector, condition in self.selectors.get(name, [])
            if values.get(selector, "n") in ("y", "m")
            and (not condition or evaluate(condition, values) > 0)
        )
        if wanted == "n" and forced:
            return loss("selected", forced)
        if wanted == got == "m":
            return loss("module")
        level = 1 if wanted in ("m", "n") else 2
        unmet: list[tuple[str, ...]] = []
        for definition in definitions:
            terms = [term for c in definition.conditions for term in conjuncts(c)]
            failing = tuple(
                dict.fromkeys(t for t in terms if evaluate(t, values) < (level if t else 0))
            )
            if not failing:
                break
            unmet.append(failing)
        else:
            return loss("dependency", min(unmet, key=len))
        if not any(d.prompt for d in definitions):
            selectors = sorted({s for s, _ in self.selectors.get(name, []) if s})
            return loss("internal", tuple(selectors[:5]))
        if definition.choice:
            taken = tuple(
                other
                for other, entries in self.definitions.items()
                if values.get(other) == "y" and any(e.choice == definition.choice for e in entries)
            )
            if taken:
                return loss("choice", taken)
        kind = definitions[0].kind
        if not _FORMS.get(kind, _SWITCH).fullmatch(wanted):
            return loss("type", (_KINDS.get(kind, "y or n"),))
        return loss("other")

    def is_due_to(self, loss: Loss, asked: frozenset[str], values: dict[str, str]) -> bool:
        """Whether one of the options `asked` brought a loss about, if only by way of others."""
        seen = set[str]()
        ahead = {name for part in loss.missing for name in _names(part)}
        while ahead:
            name = ahead.pop()
            if name in asked:
                return True
            if name in seen:
                continue
            seen.add(name)
            on = values.get(name, "n") != "n"
            for definition in self.definitions.get(name, []):
                # What is off is so by its conditions, what is on by what selects it.
                if not on:
                    ahead.update(*map(_names, definition.conditions))
            if on:
                ahead.update(s for s, _ in self.selectors.get(name, []) if values.get(s) == "y")
        return False


_KINDS = {"int": "a number", "hex": "a number in hexadecimal", "string": "a text in quotes"}
_SWITCH = re.compile(r"[ymn]")
_FORMS = {
    "int": re.compile(r"-?\d+"),
    "hex": re.compile(r"(0[xX])?[0-9A-Fa-f]+"),
    "string": re.compile(r'".*"'),
}


def _names(expression: str) -> list[str]:
    """The options in an expression."""
    return [token for token in TOKEN.findall(expression) if re.fullmatch(r"[A-Z0-9_]+", token)]


def _joined(text: str) -> list[str]:
    """Lines with backslash continuations joined."""
    return text.replace("\\\n", " ").splitlines()


def _parts(name: str) -> frozenset[str]:
    return frozenset(name.split("_"))


def _distance(one: str, other: str, limit: int) -> int:
    """Edit distance, or something above `limit` as soon as it must be."""
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
        if min(row) > limit:
            return limit + 1
    return row[-1]


TOKEN = re.compile(
    r'\$\([^()]*(?:\([^()]*\)[^()]*)*\)|"[^"]*"|&&|\|\||[!<>]=|[()!=<>]|[^\s()!=<>&|"]+'
)


def conjuncts(expression: str) -> list[str]:
    """The terms of a top-level `a && b && c`; the whole expression if it is no conjunction."""
    if _is_deep(expression):
        return [expression.strip()]
    terms: list[list[str]] = [[]]
    depth = 0
    for token in TOKEN.findall(expression):
        depth += (token == "(") - (token == ")")
        if depth == 0 and token == "||":
            return [expression.strip()]
        if depth == 0 and token == "&&":
            terms.append([])
        else:
            terms[-1].append(token)
    out = []
    for term in terms:
        text = " ".join(term).replace("( ", "(").replace(" )", ")").replace("! ", "!")
        if term and term[0] == "(" and term[-1] == ")" and _closes_last(term):
            out += conjuncts(text[1:-1])
        elif text:
            out.append(text)
    return out


def _closes_last(term: list[str]) -> bool:
    """Whether the first parenthesis of a term is closed by its last."""
    depth = 0
    for i, token in enumerate(term):
        depth += (token == "(") - (token == ")")
        if depth == 0:
            return i == len(term) - 1
    return False


def _is_deep(expression: str) -> bool:
    """Whether an expression nests as none of a kernel's does: a tree may be anybody's."""
    return expression.count("(") + expression.count("!") > _DEEPEST


def evaluate(expression: str, values: dict[str, str]) -> int:
    """A Kconfig expression's value: 0 for n, 1 for m, 2 for y.

    A $(macro) asks the compiler something; it counts as y, for it is not what is looked for here.
    """
    if _is_deep(expression):
        return 2
    tokens = TOKEN.findall(expression)
    position = 0

    def peek() -> str:
        return tokens[position] if position < len(tokens) else ""

    def take() -> str:
        nonlocal position
        position += 1
        return tokens[position - 1] if position <= len(tokens) else ""

    def text(token: str) -> str:
        return token.strip('"') if token.startswith('"') else values.get(token, token)

    def level(token: str) -> int:
        if token.startswith("$("):
            return 2
        if token in ("y", "m", "n"):
            return {"y": 2, "m": 1, "n": 0}[token]
        return {"y": 2, "m": 1}.get(values.get(token, "n"), 0)

    def atom() -> int:
        token = take()
        if token == "!":
            return 2 - atom()
        if token == "(":
            value = either()
            take()
            return value
        if peek() in ("=", "!=", "<", ">", "<=", ">="):
            operator, other = take(), take()
            left = values.get(token, "n") if not token.startswith('"') else text(token)
            return 2 * _compare(left, operator, text(other))
        return level(token)

    def both() -> int:
        value = atom()
        while peek() == "&&":
            take()
            value = min(atom(), value)
        return value

    def either() -> int:
        value = both()
        while peek() == "||":
            take()
            value = max(both(), value)
        return value

    return either()


def _compare(left: str, operator: str, right: str) -> bool:
    left, right = left.strip('"'), right.strip('"')
    if operator in ("=", "!="):
        return same(left, right) == (operator == "=")
    try:
        a, b = int(left, 0), int(right, 0)
    except ValueError:
        return False
    return {"<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b}[operator]
