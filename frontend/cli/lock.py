"""`hutch lock FILE`: what a bunnyfile leaves open, written down for the builds to come."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from frontend.cli import buildfile, unlocked
from frontend.cli.options import add_json, platform
from frontend.cli.options import parser as make
from frontend.cli.unlocked import PACKAGES, Wanted

if TYPE_CHECKING:
    from frameworks.spec import Text
    from frontend.bunnyfile.lock import Lock
    from llb import SourceFile


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "lock",
        """
        The digests of images, the commits of git repositories and what the file's packages come to
        (of `rootfs`, `toolchain` and `app`) go into FILE.lock, for every platform of the guest.
        Builds take what is there. What the lock has already stays as it is, without --update.

        Images are asked of their registries and repositories of their servers, by git; packages are
        chosen by a build, which needs Docker. Those of `toolchain` and `app` are of the builder's
        processor: a builder of another one adds its own to the lock.
        """,
        examples=(
            "hutch lock",
            "hutch lock --check bunnyfile",
            "hutch lock --update bunnyfile",
            "hutch lock --update bunnyfile debian:trixie-slim packages",
        ),
        statuses={
            0: "the lock file is right",
            1: "it cannot be made, or with --check it lacks something, or has too much",
        },
    )
    made.usage = "hutch lock [OPTION ...] [FILE [NAME ...]]"
    made.add_argument(
        "path", nargs="?", metavar="FILE", help="a build file, or a directory that has one (.)"
    )
    made.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="with --update, renew these entries alone: images and repositories as the lock has "
        "them, or 'packages'",
    )
    made.add_argument("--update", action="store_true", help="look everything up again")
    made.add_argument(
        "--check", action="store_true", help="write nothing, and say whether the lock is complete"
    )
    made.add_argument(
        "--context", metavar="DIR", help="the build context (default: the file's directory)"
    )
    made.add_argument(
        "--platform",
        type=platform,
        action="append",
        metavar="PLATFORM",
        help="lock for this one, such as linux/arm64 or arm64; may be given again "
        "(default: all that the monitor runs the guest on)",
    )
    buildfile.add_arguments(made)
    made.add_argument(
        "--plain-http",
        action="append",
        default=[],
        metavar="HOST",
        help="a registry that has no TLS, such as registry.example:5000",
    )
    made.add_argument(
        "--frontend", metavar="IMAGE", help="hutch's frontend, to choose packages with"
    )
    add_json(made)
    return made


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line. Raises SystemExit as argparse does."""
    made = parser()
    options = made.parse_args(words)
    if options.names and not options.update:
        why = "names are for --update: which entries to renew"
        made.error(why)
    if options.check and options.update:
        why = "--check writes nothing, and --update does"
        made.error(why)
    options.file = None
    return options


def run(options: argparse.Namespace) -> int:
    """Write the lock file, or check it."""
    from frontend.bunnyfile import lock
    from frontend.bunnyfile.kind import LOCK_FILE
    from frontend.cli import lookup
    from llb import SourceFile

    file = buildfile.read(options)
    if file.name == "<stdin>":
        raise OSError("a lock stands beside its file, and standard input is beside nothing")
    source = SourceFile(file.name, file.data)
    wanted = unlocked.wanted(options, file)
    path = file.name + LOCK_FILE
    if file.has_foreign_lock:
        raise OSError(f"{path} is not hutch's, and is left alone: {lock.ELSEWHERE}")
    # One that cannot be read is written anew by --update, and only so.
    whole = options.update and not options.names
    old = lock.Lock()
    if file.lock is not None and not whole:
        old = lock.read(SourceFile(path, file.lock, "json"))
    if options.check:
        return _check(options, source, path, wanted, old, there=file.lock is not None)
    names = set(options.names)
    known = [*wanted.images, *wanted.git, *([PACKAGES] if wanted.packages else [])]
    if unknown := sorted(names - {*known}):
        from frameworks.diagnostics import did_you_mean

        raise OSError(f"the lock has no entry '{unknown[0]}': {did_you_mean(unknown[0], known)}")
    kept = wanted.of(old, names)
    found = lookup.look_up(options, source, wanted, kept)
    made = lookup.packages(options, file, wanted, found)
    text = lock.written(made, os.path.basename(file.name)).encode()
    before = file.lock if file.lock is not None else b""
    if text != before:
        _write(path, text)
    if whole and file.lock is not None:
        old = _readable(SourceFile(path, file.lock, "json"))
    _say(options, path, _changes(old, made))
    return 0


def _readable(file: SourceFile) -> Lock:
    """A lock file that may be broken: then nothing was in it."""
    from frameworks.diagnostics import Problems
    from frontend.bunnyfile import lock

    try:
        return lock.read(file)
    except Problems:
        return lock.Lock()


def _write(path: str, text: bytes) -> None:
    """Write a file whole or not at all. Raises OSError."""
    directory = os.path.dirname(path) or "."
    handle, made = tempfile.mkstemp(dir=directory, prefix=".hutch-lock-")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(text)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(made, 0o666 & ~mask)
        os.replace(made, path)
    except BaseException:
        os.unlink(made)
        raise


def _check(
    options: argparse.Namespace,
    file: SourceFile,
    path: str,
    wanted: Wanted,
    old: Lock,
    *,
    there: bool,
) -> int:
    """Say what the lock lacks, and what nobody asks for any more; returns the exit status."""
    from frontend.bunnyfile import lock

    lacking: list[tuple[str, Text]] = []
    for name, at in wanted.images.items():
        if name not in old.images:
            lacking.append((name, at))
    for name, source in wanted.git.items():
        if name not in old.git:
            lacking.append((name, source.ref or source.url))
    open_ = [(_packages(asked.name()), asked.at) for asked in wanted.lacking(old)]
    lacking += open_
    stale = sorted({*old.images} - {*wanted.images} | {*old.git} - {*wanted.git})
    told = {name for name, _ in open_}
    for name in sorted({*old.packages} - {*wanted.current(old)}):
        if _packages(lock.without_builder(name)) not in told:
            stale.append(_packages(name))
    if options.json:
        lines = [{"name": name, "line": at.at.start.line} for name, at in lacking]
        print(json.dumps({"file": path, "lacking": lines, "stale": stale}, indent=2))
        return int(bool(lacking or stale))
    for name, at in sorted(lacking, key=lambda each: each[1].at.start):
        start = at.at.start
        print(f"{file.filename}:{start.line}:{start.character + 1}: {path} lacks {name}")
    for name in stale:
        print(f"{path}: nothing asks for {name} any more")
    if lacking or stale:
        print("run 'hutch lock'" if there else f"there is no {path}: run 'hutch lock'")
        return 1
    print(f"{path}: complete" if there else f"{file.filename} leaves nothing open")
    return 0


def _packages(name: str) -> str:
    """What a list of packages is called: "packages for linux/amd64", "packages of app for ..."."""
    return f"packages {'of' if ' ' in name else 'for'} {name}"


def _changes(old: Lock, new: Lock) -> Iterator[dict[str, str]]:
    """What became of each entry: its name, and what it was and is ("" for nothing)."""
    before, after = _flat(old), _flat(new)
    for name in sorted({*before, *after}):
        was, now = before.get(name, ""), after.get(name, "")
        what = "same" if was == now else "added" if not was else "removed" if not now else "changed"
        yield {"change": what, "name": name, "old": was, "new": now}


def _flat(lock: Lock) -> dict[str, str]:
    found = {**lock.images, **{name: each.commit for name, each in lock.git.items()}}
    for architecture, packages in lock.packages.items():
        for each in packages.files:
            found[f"{architecture} {each.name}"] = each.version
    return found


def _say(options: argparse.Namespace, path: str, changes: Iterator[dict[str, str]]) -> None:
    if options.json:
        print(json.dumps({"file": path, "entries": list(changes)}, indent=2))
        return
    same = 0
    for each in changes:
        if each["change"] == "same":
            same += 1
        elif each["change"] == "changed":
            print(f"{each['name']}: {each['old']} -> {each['new']}")
        elif each["change"] == "added":
            print(f"{each['name']}: {each['new']}")
        else:
            print(f"{each['name']}: removed, nothing asks for it any more")
    print(f"{path}: {same} as before" if same else path)
