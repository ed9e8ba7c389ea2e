"""Install packages of pkgsrc into a tree: `pkgsrc.py PACKAGES TREE TIME NAME...`.

A package is an archive of its files, by their names below the prefix that `+CONTENTS` says (`@cwd`,
usually /usr/pkg), and of files of its own, whose names begin with `+` (pkg_create(1)). Its scripts
are shell, and none of them runs. What most of them do is said in them as data, for the scripts that
pkgsrc gives every package (mk/pkginstall): configurations to copy (`# FILE:`), directories to make
(`# DIR:`), accounts to add (`# GROUP:`, `# USER:`). That is done here.

Accounts are lines of /etc/group, /etc/passwd and /etc/master.passwd. NetBSD's own programs read the
databases that pwd_mkdb(8) makes of the last, where there are some, so those are taken away.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from frameworks.bsd.steps import installing
from frameworks.netbsd.steps.patterns import installed, matches
from frameworks.rootfs import inside
from frameworks.steps.unpack import unpack

_DATABASES = ("usr/pkg/pkgdb", "var/db/pkg")
_PREFIX = "/usr/pkg"
_FIRST_ID = 1000
_LARGEST = 4 << 20


@dataclass(frozen=True, slots=True)
class Placed:
    """A file of a package: its name in the archive, and its path in the guest."""

    name: str
    path: str
    mode: str = ""
    owner: str = ""
    group: str = ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Install; 0, or an exit status with one line on stderr."""
    done: list[str] = []

    def note(package: Path, tree: str, when: int) -> None:
        done.append(install(package, tree, when))

    def is_there(tree: Path, pattern: str) -> bool:
        return any(matches(pattern, full) for full in (*done, *installed(tree)))

    return installing.main(arguments, note, is_there)


def install(package: Path, tree: str, when: int) -> str:
    """Put the files of `package` into `tree`; its NAME-VERSION.

    Raises `frameworks.steps.unpack.ERRORS`.
    """
    with tempfile.TemporaryDirectory(dir=tree, prefix=".hutch-") as folder:
        unpack(str(package), folder)
        contents = Path(folder, "+CONTENTS")
        if not contents.is_file() or contents.is_symlink():
            raise ValueError(f"{package.name} is no package of pkgsrc: it has no +CONTENTS")
        text = contents.read_text("utf-8", "replace")
        name, prefix, files, folders = plan(text, package.name)
        script = _read(folder, "+INSTALL")
        _accounts(tree, script, when)
        for path in folders:
            _folder(tree, path, when)
        for placed in files:
            _place(tree, folder, placed, when)
        _record(tree, folder, name, when)
    _data(tree, script, prefix, when)
    for note in _notes(text):
        print(f"hutch: {name}: {note}", file=sys.stderr)
    return name


def plan(contents: str, file: str) -> tuple[str, str, list[Placed], list[str]]:
    """What a `+CONTENTS` says: the package, its prefix, its files, and its empty directories.

    Raises ValueError for a path that leads out. `file` is the package's file, to name it.
    """
    name, prefix, at = file.removesuffix(".tgz"), "", _PREFIX
    how = {"mode": "", "owner": "", "group": ""}
    files: list[Placed] = []
    folders: list[str] = []
    ignored = False
    for line in contents.splitlines():
        word, _, rest = line.partition(" ")
        if not word.startswith("@"):
            if line and not line.startswith("+") and not ignored:
                files.append(Placed(_inside(line, file), f"{at.rstrip('/')}/{line}", **how))
            ignored = False
        elif word == "@name":
            name = _plain(rest, file)
        elif word in ("@cwd", "@cd"):
            at = "/" + _inside(rest.strip("/") or ".", file) if rest.strip("/") else "/"
            prefix = prefix or at
        elif word in ("@mode", "@owner", "@group"):
            how[word[1:]] = rest.strip()
        elif word == "@pkgdir":
            folders.append(f"{at.rstrip('/')}/{_inside(rest, file)}")
        elif word == "@ignore":
            ignored = True
    return name, prefix or _PREFIX, files, folders


def _inside(path: str, file: str) -> str:
    if ".." in path.split("/") or path.startswith("/"):
        raise ValueError(f"{file}: the path '{path}' leads out of the package")
    return path


def _plain(name: str, file: str) -> str:
    if not re.fullmatch(r"[\w.+-]+", name) or name.startswith("."):
        raise ValueError(f"{file}: '{name}' is no name of a package")
    return name


def _read(folder: str, name: str) -> str:
    return (inside.read(folder, name, _LARGEST) or b"").decode("utf-8", "replace")


# --- files ---


def _folder(tree: str, path: str, when: int) -> str:
    """The directory `path` of the tree, made where it is not there; links of the tree count."""
    at = tree
    for part in path.strip("/").split("/"):
        if not part:
            continue
        here = os.path.join(at, part)
        if os.path.islink(here):
            found = inside.resolve(tree, os.path.relpath(here, tree))
            if found is None or not os.path.isdir(found):
                raise ValueError(f"/{os.path.relpath(here, tree)} leads to no directory")
            here = found
        elif not os.path.isdir(here):
            os.mkdir(here, 0o755)
            os.utime(here, (when, when))
        at = here
    return at


def _place(tree: str, unpacked: str, placed: Placed, when: int) -> None:
    source = os.path.join(unpacked, placed.name)
    if not os.path.lexists(source):
        raise ValueError(f"{placed.name} is in the list of the package, and not in it")
    target = os.path.join(
        _folder(tree, os.path.dirname(placed.path), when), os.path.basename(placed.path)
    )
    if os.path.lexists(target):
        os.unlink(target)
    os.rename(source, target)
    _own(tree, target, placed.mode, placed.owner, placed.group)


def _own(tree: str, path: str, mode: str, owner: str, group: str) -> None:
    """Give a file what `@mode`, `@owner` and `@group` say; accounts are the tree's."""
    if os.path.islink(path):
        return
    if owner or group:
        ids = (_id(tree, "passwd", owner), _id(tree, "group", group))
        os.chown(path, *ids)
    if re.fullmatch(r"[0-7]{3,4}", mode):
        os.chmod(path, int(mode, 8))


def _id(tree: str, file: str, name: str) -> int:
    """The number of an account of the tree, -1 where there is none."""
    for line in _read(tree, f"etc/{file}").splitlines():
        fields = line.split(":")
        if len(fields) > 2 and fields[0] == name and fields[2].isdecimal():
            return int(fields[2])
    return int(name) if name.isdecimal() else 0 if name in ("root", "wheel") else -1


def _record(tree: str, unpacked: str, name: str, when: int) -> None:
    """Note the package where pkg_info(1) looks: in the base's database, if there is one."""
    there = (each for each in _DATABASES if os.path.isdir(os.path.join(tree, each)))
    folder = _folder(tree, f"{next(there, _DATABASES[0])}/{name}", when)
    for each in sorted(Path(unpacked).iterdir()):
        if each.name.startswith("+") and each.is_file() and not each.is_symlink():
            shutil.copyfile(each, os.path.join(folder, each.name))
            os.utime(os.path.join(folder, each.name), (when, when))
    os.utime(folder, (when, when))


# --- what scripts say as data ---


def _said(script: str, what: str) -> Iterator[str]:
    for line in sorted(set(re.findall(rf"^# {what}: (.+)$", script, re.M))):
        yield line.strip()


def _data(tree: str, script: str, prefix: str, when: int) -> None:
    """Make the directories and copy the files that +INSTALL names."""
    for line in _said(script, "DIR"):
        path, flags, mode, owner, group, *_ = [*line.split(), *[""] * 5]
        if "m" in flags:
            made = _folder(tree, _from(prefix, path), when)
            _own(tree, made, mode, owner, group)
    for line in _said(script, "FILE"):
        path, flags, example, mode, owner, group, *_ = [*line.split(), *[""] * 6]
        # rc.d's scripts are installed where PKG_RCD_SCRIPTS says so, and that is no.
        if "c" not in flags or ("r" in flags and "f" not in flags) or not example:
            continue
        source = inside.resolve(tree, _from(prefix, example))
        target = _from(prefix, path)
        copy = os.path.join(_folder(tree, os.path.dirname(target), when), os.path.basename(target))
        if source is None or not os.path.isfile(source) or os.path.lexists(copy):
            continue
        installing.copy_example(source, copy, when)
        _own(tree, copy, mode, owner, group)


def _from(prefix: str, path: str) -> str:
    if ".." in path.split("/"):
        raise ValueError(f"the path '{path}' leads out of the root file system")
    return path if path.startswith("/") else f"{prefix}/{path}"


def _accounts(tree: str, script: str, when: int) -> None:
    """Add the groups and users that +INSTALL names and the tree lacks."""
    for line in _said(script, "GROUP"):
        name, number, *_ = [*line.split(":"), ""]
        if _usable(name) and not _there(tree, "group", name):
            _add(tree, "group", f"{name}:*:{number or _free(tree, 'group')}:", when)
    for line in _said(script, "USER"):
        name, group, number, words, home, shell, *_ = [*line.split(":"), *[""] * 6]
        group_id = _id(tree, "group", group)
        if not _usable(name) or _there(tree, "passwd", name) or group_id < 0:
            continue
        number = number or str(_free(tree, "passwd"))
        last = f"{words or name}:{home or '/nonexistent'}:{shell or '/sbin/nologin'}"
        _add(tree, "passwd", f"{name}:*:{number}:{group_id}:{last}", when)
        _add(tree, "master.passwd", f"{name}:*************:{number}:{group_id}::0:0:{last}", when)
        for database in ("pwd.db", "spwd.db"):
            Path(_folder(tree, "etc", when), database).unlink(missing_ok=True)


def _usable(name: str) -> bool:
    return re.fullmatch(r"[a-z_][\w.-]*", name) is not None


def _there(tree: str, file: str, name: str) -> bool:
    return any(line.startswith(f"{name}:") for line in _read(tree, f"etc/{file}").splitlines())


def _free(tree: str, file: str) -> int:
    taken = {line.split(":")[2:3] and line.split(":")[2] for line in _lines(tree, file)}
    return next(each for each in range(_FIRST_ID, 1 << 16) if str(each) not in taken)


def _lines(tree: str, file: str) -> list[str]:
    return _read(tree, f"etc/{file}").splitlines()


def _add(tree: str, file: str, line: str, when: int) -> None:
    path = os.path.join(_folder(tree, "etc", when), file)
    if os.path.islink(path):
        raise ValueError(f"/etc/{file} is a link, and gets no accounts")
    old = _lines(tree, file)
    if file != "group" and not old:
        fields = "0:0::0:0:" if file == "master.passwd" else "0:0:"
        old = [f"root:*:{fields}Charlie &:/root:/bin/sh"]
    elif not old:
        old = ["wheel:*:0:root"]
    mode = 0o600 if file == "master.passwd" else 0o644
    with open(path, "w", encoding="utf-8") as out:
        out.write("".join(f"{each}\n" for each in [*old, line]))
    os.chmod(path, mode)
    os.utime(path, (when, when))


def _notes(contents: str) -> Iterator[str]:
    """What pkg_add(1) would have done that is left to the user."""
    commands = re.findall(r"^@exec (.+)$", contents, re.M)
    if commands:
        yield f"its commands do not run here: {'; '.join(dict.fromkeys(commands))}"


if __name__ == "__main__":
    sys.exit(main())
