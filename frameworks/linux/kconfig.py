"""Merge kernel configuration fragments, and see whether the kernel kept what they ask for.

Runs inside the kernel's configuration step with the toolchain's Python (Debian's python3-minimal:
no difflib, no shlex), as a single file, so it imports nothing of hutch.

    kconfig.py merge --out .config [--base .config] FRAGMENT...
    kconfig.py check --config .config --source TREE --srcarch x86 --report FILE FRAGMENT...
    kconfig.py require REPORT

`make olddefconfig` drops, without a word, every line of a fragment whose dependencies are not met
or whose option is gone; the kernel then lacks it at run time. `check` compares what was asked for
with the final .config and writes what was lost, with the reason, to REPORT (JSON, see `Loss`).
`require` ends with 3 if anything was. Two steps, so that the report can be read after a failure.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

ASSIGNED = re.compile(r"^CONFIG_([A-Za-z0-9_]+)=(.*)$")
UNSET = re.compile(r"^# CONFIG_([A-Za-z0-9_]+) is not set$")


@dataclass(frozen=True, slots=True)
class Request:
    """One option that a fragment asks for. `value` is as in .config; "n" is off."""

    option: str
    value: str
    fragment: str
    line: int


@dataclass(frozen=True, slots=True)
class Loss:
    """A request that the final configuration does not honour.

    `reason` is one of `unknown` (no such option in this source tree), `dependency` (`missing`
    lists the conditions that do not hold), `selected` (another option forces it on), `internal`
    (only other options can set it), `choice` (another entry of the same choice was taken), `type`
    (not a value that the option can have) and `other`. `nearest` is a known option's name that
    looks like it, or "".
    """

    option: str
    wanted: str
    got: str
    fragment: str
    line: int
    reason: str
    missing: tuple[str, ...] = ()
    nearest: str = ""

    def __str__(self) -> str:
        where = f"{self.fragment}:{self.line}"
        return f"{where}: CONFIG_{self.option}={self.wanted} was not kept: {self.why()}"

    def why(self) -> str:
        """The reason in words."""
        needs = ", ".join(self.missing)
        if self.reason == "unknown":
            near = f"; did you mean {self.nearest}?" if self.nearest else ""
            return f"this kernel has no such option{near}"
        return {
            "dependency": f"it needs {needs}",
            "selected": f"it is forced on by {needs}",
            "internal": "it cannot be set by hand" + (f", only through {needs}" if needs else ""),
            "choice": f"it is one of several of which {needs} was taken",
            "type": f"the kernel made it {self.got}",
        }.get(self.reason, f"the kernel's own rules made it {self.got}")


def parse(text: str, fragment: str = "") -> list[Request]:
    """The requests of a fragment or .config, in order; comments and blank lines are skipped.

    Raises ValueError naming the line for anything else, so that a typo is not taken for a comment.
    """
    requests = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if match := ASSIGNED.match(line):
            requests.append(Request(match[1], match[2].strip(), fragment, number))
        elif match := UNSET.match(line):
            requests.append(Request(match[1], "n", fragment, number))
        elif line and not line.startswith("#"):
            raise ValueError(f"{fragment}:{number}: not a kernel option: {line}")
    return requests


def last(requests: list[Request]) -> dict[str, Request]:
    """The requests that count: of several for one option, the last, in order of that.

    The order matters to the kernel: of a choice's entries, the one set last is taken.
    """
    found: dict[str, Request] = {}
    for request in requests:
        found.pop(request.option, None)
        found[request.option] = request
    return found


def render(requests: dict[str, Request]) -> str:
    """A .config's text."""
    return "".join(
        f"# CONFIG_{name} is not set\n" if r.value == "n" else f"CONFIG_{name}={r.value}\n"
        for name, r in requests.items()
    )


def same(wanted: str, got: str) -> bool:
    """Whether two values of .config mean the same: numbers by value, the rest by text."""
    if wanted == got:
        return True
    try:
        return int(wanted, 0) == int(got, 0)
    except ValueError:
        return False


# --- Why an option was lost: a reader of Kconfig, for the error path only ------------------------


@dataclass(slots=True)
class Definition:
    """One `config` entry of a Kconfig file, with the conditions of the blocks around it."""

    name: str
    kind: str = ""
    prompt: bool = False
    conditions: tuple[str, ...] = ()
    choice: int = 0


class Tree:
    """The options of a kernel source tree for one architecture (`srcarch` as in arch/<srcarch>)."""

    def __init__(self, source: Path, srcarch: str) -> None:
        self.source = source
        self.srcarch = srcarch
        self.definitions: dict[str, list[Definition]] = {}
        self.selectors: dict[str, list[tuple[str, str]]] = {}
        self.choices = 0
        self._read("Kconfig", [])

    def _read(self, name: str, around: list[tuple[str, str]]) -> None:
        """Read one file. `around` are the open blocks as (keyword, condition), outermost first."""
        path = self.source / name
        if not path.is_file():
            return
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
            word, _, rest = text.partition(" ")
            rest = rest.strip()
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
                target = rest.strip("\"'").replace("$(SRCARCH)", self.srcarch)
                target = target.replace("$SRCARCH", self.srcarch)
                self._read(target, blocks)
                current = None
            elif word in ("comment", "mainmenu"):
                current = Definition("")
            elif text.startswith(("depends on ", "visible if ")):
                condition = text.split(None, 2)[2]
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
        if wanted == "n":
            return loss("selected", forced) if forced else loss("other")
        level = 1 if wanted == "m" else 2
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
        return loss("type" if got != "n" or definition.kind not in ("bool", "tristate") else "other")


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


TOKEN = re.compile(r'\$\([^()]*(?:\([^()]*\)[^()]*)*\)|"[^"]*"|&&|\|\||[!<>]=|[()!=<>]|[^\s()!=<>&|"]+')


def conjuncts(expression: str) -> list[str]:
    """The terms of a top-level `a && b && c`; the whole expression if it is no conjunction."""
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


def evaluate(expression: str, values: dict[str, str]) -> int:
    """A Kconfig expression's value: 0 for n, 1 for m, 2 for y.

    A $(macro) asks the compiler something; it counts as y, for it is not what is looked for here.
    """
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


# --- Commands ----------------------------------------------------------------------------------


def merge(fragments: list[Path], base: Path | None) -> str:
    """The text of a .config made of `base` and the fragments over it, in order."""
    requests = parse(base.read_text(), base.name) if base else []
    for fragment in fragments:
        requests += parse(fragment.read_text(), fragment.name)
    return render(last(requests))


def check(config: str, fragments: list[tuple[str, str]], source: Path, srcarch: str) -> list[Loss]:
    """What `config` (the text of the final .config) lost of the fragments' (name, text)."""
    requests: list[Request] = []
    for name, text in fragments:
        requests += parse(text, name)
    values = {name: request.value for name, request in last(parse(config, ".config")).items()}
    lost = [r for r in last(requests).values() if not same(r.value, values.get(r.option, "n"))]
    if not lost:
        return []
    tree = Tree(source, srcarch)
    return [tree.explain(request, values) for request in lost]


def main(arguments: list[str]) -> int:
    command, options, paths = arguments[0], dict[str, str](), list[Path]()
    rest = iter(arguments[1:])
    for argument in rest:
        if argument.startswith("--"):
            options[argument[2:]] = next(rest)
        else:
            paths.append(Path(argument))
    if command == "merge":
        base = Path(options["base"]) if "base" in options else None
        Path(options["out"]).write_text(merge(paths, base))
        return 0
    if command == "check":
        fragments = [(path.name, path.read_text()) for path in paths]
        config = Path(options["config"]).read_text()
        losses = check(config, fragments, Path(options["source"]), options["srcarch"])
        report = json.dumps([asdict(loss) for loss in losses], indent=1, sort_keys=True)
        Path(options["report"]).write_text(report + "\n")
        for loss in losses:
            print(f"hutch: {loss}", file=sys.stderr)
        return 0
    if command == "require":
        losses = [
            Loss(**{**loss, "missing": tuple(loss["missing"])})
            for loss in json.loads(paths[0].read_text())
        ]
        for loss in losses:
            print(f"hutch: {loss}", file=sys.stderr)
        return 3 if losses else 0
    print(f"kconfig.py: unknown command {command}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
