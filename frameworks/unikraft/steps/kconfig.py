"""The configuration of a Unikraft kernel, as steps: see `frameworks.kit.steps.kconfig`.

`--source` is a directory with all trees of the build: `unikraft`, `app`, `libs/NAME`. Where `app`
is no Unikraft library, the report of `check` is not a list of losses but a text of
`frameworks.unikraft.project.WORDS`, and `require` ends with 3, too.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from frameworks import exits
from frameworks.kit.steps.kconfig import Options, System, run
from frameworks.kit.steps.kconfig_tree import Kconfig
from frameworks.unikraft.project import look

VERIFIED = ("0.16", "0.17")
"""The series on which every line of our own configurations was seen to survive."""


def series_of(source: Path) -> str:
    """The series of a core's tree, "0.16", from its version.mk."""
    text = (source / "unikraft" / "version.mk").read_text(encoding="utf-8")
    found = {m[1]: m[2] for m in re.finditer(r"^UK_((?:SUB)?VERSION) *= *(\d+)$", text, re.M)}
    return f"{found['VERSION']}.{found['SUBVERSION']}"


def tree(source: Path) -> Kconfig:
    """The options of all trees. The core names most of its files by what a shell prints."""
    roots = sorted(source.rglob("Config.uk"), key=lambda path: (len(path.parts), path))
    core = source / "unikraft"
    return Kconfig(core, [core / "Config.uk", *roots], {"UK_BASE": str(core)})


def system(options: Options) -> System:
    """What the trees below `--source` are."""
    source = options["source"]
    series = series_of(source)
    return System(series, series in VERIFIED, lambda: tree(source))


def broken(source: Path) -> str:
    """Why the core or a library below `source` is none, "" where they are."""
    for name in ("version.mk", "Config.uk"):
        if not (source / "unikraft" / name).is_file():
            return f"the source is no Unikraft tree: there is no {name}"
    for library in sorted((source / "libs").glob("*")):
        if not (library / "Makefile.uk").is_file():
            return f"lib-{library.name} is no Unikraft library: it has no Makefile.uk"
    return ""


def main(arguments: list[str]) -> int:
    """The command."""
    command, *rest = arguments
    given = dict(zip(rest[::2], rest[1::2], strict=False))
    if command == "merge" and (why := broken(Path(given["--source"]))):
        print(f"hutch: {why}", file=sys.stderr)
        return exits.WRONG_SOURCE
    if command == "check" and (word := look(Path(given["--source"], "app"))):
        Path(given["--report"]).write_text(json.dumps(word), encoding="utf-8")
        return 0
    if command == "require":
        said = json.loads(Path(given["--report"]).read_bytes())
        if isinstance(said, str):
            print(f"hutch: this is no Unikraft application: {said}", file=sys.stderr)
            return 3
    return run(arguments, system)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
