"""Install packages of FreeBSD into a tree: `packages.py PACKAGES TREE TIME NAME...`.

A package is an archive of its files, by their names from the root, and of `+MANIFEST`, which is
JSON and says what else pkg(8) would do (pkg-create(8)). Its scripts are FreeBSD's own and do not
run here; what is done in their place is what most are for: a configuration of each `*.sample` file
that has none beside it, and the directories that ld-elf.so.1 finds libraries in.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from frameworks.bsd.steps import installing
from frameworks.freebsd.steps import hints
from frameworks.rootfs import inside
from frameworks.steps.unpack import unpack

_DATABASE = "var/db/pkg/local.sqlite"
_LARGEST = 1 << 28
_OWN = ("+MANIFEST", "+COMPACT_MANIFEST")


def main(arguments: Sequence[str] | None = None) -> int:
    """Install; 0, or an exit status with one line on stderr."""
    names: set[str] = set()

    def note(package: Path, tree: str, when: int) -> None:
        names.update(install(package, tree, when))

    def is_there(tree: Path, asked: str) -> bool:
        return asked in names or in_base(tree, asked)

    return installing.main(arguments, note, is_there, hints.write)


def in_base(tree: Path, asked: str) -> bool:
    """Whether the tree's own database of packages speaks of what `asked` names.

    It is SQLite's, which this Python lacks: the name is looked for among its bytes, where the names
    are that packages need, too. A package of the base is left as it is, whatever its version.
    """
    name = asked.partition("=")[0].encode()
    files = (_DATABASE, f"{_DATABASE}-wal")
    return any(name in (inside.read(str(tree), file, _LARGEST) or b"") for file in files)


def install(package: Path, tree: str, when: int) -> set[str]:
    """Unpack the file `package` into `tree`; what it may be asked for by.

    Raises `frameworks.steps.unpack.ERRORS`.
    """
    unpack(str(package), tree)
    manifest: dict[str, Any] = {}
    for name in _OWN:
        file = Path(tree, name)
        if file.is_file() and not file.is_symlink():
            manifest = manifest or json.loads(file.read_bytes())
            file.unlink()
    for path in manifest.get("files", {}):
        _configure(tree, str(path), when)
    for note in notes(manifest, tree):
        print(f"hutch: {manifest.get('name', package.name)}: {note}", file=sys.stderr)
    names = {str(manifest[key]) for key in ("name", "origin") if key in manifest}
    return names | {f"{name}={manifest.get('version', '')}" for name in names}


def _configure(tree: str, path: str, when: int) -> None:
    """What `@sample` in a port's list of files does."""
    target, dot, suffix = path.rpartition(".")
    if not dot or suffix != "sample":
        return
    found = inside.resolve(tree, path)
    folder = inside.resolve(tree, os.path.dirname(path))
    if found is None or folder is None or not os.path.isfile(found):
        return
    copy = os.path.join(folder, os.path.basename(target))
    if not os.path.lexists(copy):
        installing.copy_example(found, copy, when)


def notes(manifest: dict[str, Any], tree: str) -> Iterator[str]:
    """What pkg(8) would have done that is left to the user."""
    scripts = sorted({*manifest.get("scripts", {}), *manifest.get("lua_scripts", {})})
    if scripts:
        yield f"its scripts do not run here: {', '.join(scripts)}"
    for kind, file in (("users", "etc/passwd"), ("groups", "etc/group")):
        text = (inside.read(tree, file, 1 << 20) or b"").decode("utf-8", "replace")
        there = {line.partition(":")[0] for line in text.splitlines()}
        for name in manifest.get(kind, ()):
            if str(name) not in there:
                yield f"there is no {name} in /{file}, which its scripts would have put there"


if __name__ == "__main__":
    sys.exit(main())
