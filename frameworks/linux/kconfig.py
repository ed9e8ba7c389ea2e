"""Merge kernel configuration fragments, and see whether the kernel kept what they ask for.

Runs in hutch's own image, as steps of a kernel's build:

    kconfig merge --source TREE --out FILE FRAGMENT...
    kconfig check --source TREE --srcarch x86 --config .config --report FILE FRAGMENT...
    kconfig require --report FILE --config .config --out FILE

`make olddefconfig` drops, without a word, every line of a fragment whose dependencies are not met
or whose option is gone; the kernel then lacks it at run time. `check` compares what was asked for
with the final .config and writes what was lost, with the reason, as JSON (see `Loss`). `require`
ends with 3 if anything was, and copies the .config if not. Two steps, so that the report can be
read after a failure.

Fragments in a directory called `ours` are hutch's: they were seen to hold on the series of
`VERIFIED`, and give way to what a user's own fragments ask for.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from frameworks.linux.configs import limit

VERIFIED = ("6.1", "6.12", "7.3")
"""The series on which every line of our own configurations was seen to survive."""

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

    def why(self, *, near: bool = True) -> str:
        """The reason in words; `near` is whether to name the nearest option."""
        needs = ", ".join(self.missing)
        if self.reason == "unknown":
            hint = f"; did you mean {self.nearest}?" if near and self.nearest else ""
            return f"this kernel has no such option{hint}"
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


def series_of(source: Path) -> str:
    """The series of a source tree, "6.12", from its Makefile."""
    text = (source / "Makefile").read_text(encoding="utf-8")
    found = {m[1]: m[2] for m in re.finditer(r"^(VERSION|PATCHLEVEL) = (\d+)$", text, re.M)}
    return f"{found['VERSION']}.{found['PATCHLEVEL']}"


def is_ours(fragment: Path | str) -> bool:
    """Whether a fragment is one of hutch's own."""
    return "ours" in Path(fragment).parts


def load(fragments: list[Path], version: str) -> list[Request]:
    """The requests of the fragments that count for a series, in order."""
    requests: list[Request] = []
    for path in fragments:
        text = path.read_text(encoding="utf-8")
        name = f"{path.parent.name}/{path.name}"
        requests += parse(limit(text, version) if is_ours(path) else text, name)
    return list(last(requests).values())


def check(config: str, requests: list[Request], source: Path, srcarch: str) -> list[Loss]:
    """What `config` (the text of the final .config) lost of the requests."""
    from frameworks.linux.kconfig_tree import Tree

    values = {name: request.value for name, request in last(parse(config, ".config")).items()}
    lost = [r for r in requests if not same(r.value, values.get(r.option, "n"))]
    if not lost:
        return []
    tree = Tree(source, srcarch)
    return [tree.explain(request, values) for request in lost]


def errors(losses: list[Loss], requests: list[Request], version: str) -> list[Loss]:
    """The losses that end a build.

    Lines of our own configurations count on verified series, and only while no user's line can be
    the cause: who turns NET off also loses what needs it, and means to.
    """
    strict = version in VERIFIED and all(is_ours(request.fragment) for request in requests)
    return [loss for loss in losses if strict or not is_ours(loss.fragment)]


def main(arguments: list[str]) -> int:
    """The command; see the module."""
    command, options, paths = arguments[0], dict[str, Path](), list[Path]()
    rest = iter(arguments[1:])
    for argument in rest:
        if argument.startswith("--"):
            options[argument[2:]] = Path(next(rest))
        else:
            paths.append(Path(argument))
    if command == "merge":
        requests = load(paths, series_of(options["source"]))
        options["out"].write_text(render(last(requests)), encoding="utf-8")
    elif command == "check":
        version = series_of(options["source"])
        requests = load(paths, version)
        config = options["config"].read_text(encoding="utf-8")
        losses = check(config, requests, options["source"], str(options["srcarch"]))
        ending = errors(losses, requests, version)
        for loss in losses:
            note = "" if loss in ending else " (not an error here)"
            print(f"hutch: {loss}{note}", file=sys.stderr)
        report = json.dumps([asdict(loss) for loss in ending], indent=1, sort_keys=True)
        options["report"].write_text(report + "\n", encoding="utf-8")
    elif command == "require":
        losses = read_report(options["report"].read_bytes())
        for loss in losses:
            print(f"hutch: {loss}", file=sys.stderr)
        if losses:
            return 3
        options["out"].write_bytes(options["config"].read_bytes())
    else:
        print(f"kconfig: unknown command {command}", file=sys.stderr)
        return 2
    return 0


def read_report(data: bytes) -> list[Loss]:
    """The losses in a report that `check` wrote."""
    return [Loss(**{**entry, "missing": tuple(entry["missing"])}) for entry in json.loads(data)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
