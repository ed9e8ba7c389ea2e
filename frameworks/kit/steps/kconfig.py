"""Merge kernel configuration fragments, and see whether the kernel kept what they ask for.

The commands of a system with Kconfig, as its `steps/kconfig.py` runs them (`run`) in hutch's own
image:

    merge --source TREE --out FILE FRAGMENT...
    check --source TREE --config .config --report FILE FRAGMENT...
    require --report FILE --config .config --out FILE

`make olddefconfig` drops, without a word, every line of a fragment whose dependencies are not met
or whose option is gone; the kernel then lacks it at run time. `check` compares what was asked for
with the final .config and writes what was lost, with the reason, as JSON (see `Loss`). `require`
ends with 3 if anything was, and copies the .config if not. Two steps, so that the report can be
read after a failure.

make takes the configuration for its own language, and hands values on to shells: a line whose value
either would run is a loss too (see `code`), and never part of what `merge` writes. `--base` is the
user's whole .config; `check` looks at its values in the same way.

Fragments in a directory called `ours` are hutch's: they were seen to hold on the sources that are
`System.verified`, and each of their lines gives way only to what a user's own fragments ask for.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from frameworks.kit.kconfig import Loss, Request, code, limit, read_report, same
from frameworks.kit.steps.kconfig_tree import Kconfig

ASSIGNED = re.compile(r"^CONFIG_([A-Za-z0-9_]+)=(.*)$")
UNSET = re.compile(r"^# CONFIG_([A-Za-z0-9_]+) is not set$")
_NEARLY = re.compile(r"^[A-Z0-9_]+=\S+$")

Options = dict[str, Path]
"""What a command was called with."""


@dataclass(frozen=True, slots=True)
class System:
    """What a system's source tree is: its series ("6.12"), and its options.

    With `verified` every line of our own configurations was seen to survive on it. `tree` reads the
    Kconfig files, which only `check` needs.
    """

    series: str
    verified: bool
    tree: Callable[[], Kconfig]

    def limit(self, text: str) -> str:
        """How one of our own fragments reads for this series."""
        return limit(text, self.series)


def parse(data: bytes, fragment: str = "") -> tuple[list[Request], list[Loss]]:
    """The requests of a fragment or .config, in order, and the lines that are none.

    Comments and blank lines are skipped, whatever bytes they have.
    """
    requests, losses = list[Request](), list[Loss]()
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        line = raw.decode("utf-8", "replace").strip()
        if match := UNSET.match(line):
            requests.append(Request(match[1], "n", fragment, number))
        elif not line or line.startswith("#"):
            continue
        elif (match := ASSIGNED.match(line)) and (character := code(match[1], match[2])):
            losses.append(
                Loss(match[1], match[2].strip(), "", fragment, number, "code", (character,))
            )
        elif match and _is_utf8(raw):
            requests.append(Request(match[1], match[2].strip(), fragment, number))
        else:
            near = f"CONFIG_{line}" if _NEARLY.match(line) and not match else ""
            losses.append(Loss("", line, "", fragment, number, "syntax", nearest=near))
    return requests, losses


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


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


def is_ours(fragment: Path | str) -> bool:
    """Whether a fragment is one of hutch's own."""
    return "ours" in Path(fragment).parts


def load(fragments: list[Path], limited: Callable[[str], str]) -> tuple[list[Request], list[Loss]]:
    """The requests of the fragments that count for a tree, in order; and lines that are none."""
    requests, losses = list[Request](), list[Loss]()
    for path in fragments:
        data = path.read_bytes()
        name = f"{path.parent.name}/{path.name}"
        found, wrong = parse(limited(data.decode()).encode() if is_ours(path) else data, name)
        requests += found
        losses += wrong
    return list(last(requests).values()), losses


def check(config: bytes, requests: list[Request], tree: Kconfig) -> list[Loss]:
    """What `config` (the final .config) lost of the requests.

    To turn off an option that the source tree does not have is a loss, too: it may be misspelled,
    and what was meant still be on.
    """
    values = values_of(config)
    return [
        tree.explain(request, values)
        for request in requests
        if not same(request.value, values.get(request.option, "n"))
        or (request.option not in values and request.option not in tree.definitions)
    ]


def values_of(config: bytes) -> dict[str, str]:
    """The options of a .config by name; those that it turns off are "n"."""
    return {name: request.value for name, request in last(parse(config)[0]).items()}


def errors(
    losses: list[Loss], requests: list[Request], config: bytes, tree: Kconfig, *, verified: bool
) -> list[Loss]:
    """The losses that end a build.

    Lines of our own configurations count on verified trees, but where the cause is what the user
    asks for: who turns NET off also loses what needs it, and means to.
    """
    values = values_of(config)
    asked = frozenset(request.option for request in requests if not is_ours(request.fragment))
    return [
        loss
        for loss in losses
        if not is_ours(loss.fragment) or (verified and not tree.is_due_to(loss, asked, values))
    ]


def run(arguments: list[str], system: Callable[[Options], System]) -> int:
    """One of the commands; `system` looks at the source tree that its options name."""
    command, options, paths = arguments[0], Options(), list[Path]()
    rest = iter(arguments[1:])
    for argument in rest:
        if argument.startswith("--"):
            options[argument[2:]] = Path(next(rest))
        else:
            paths.append(Path(argument))
    if command == "merge":
        requests, _ = load(paths, system(options).limit)
        options["out"].write_text(render(last(requests)), encoding="utf-8")
    elif command == "check":
        said = system(options)
        requests, wrong = load(paths, said.limit)
        config = options["config"].read_bytes()
        tree = said.tree()
        if base := options.get("base"):
            wrong += [loss for loss in parse(base.read_bytes(), "base")[1] if loss.reason == "code"]
        losses = wrong + check(config, requests, tree)
        ending = errors(losses, requests, config, tree, verified=said.verified)
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
