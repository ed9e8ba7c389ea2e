"""Whether the guest can run the command that its image names: what else is seen after boot only.

A rule of lint (docs/rules/UnrunnableCommand.md) that is looked at after the steps have run, where
hutch knows the tree of files: the program, by PATH and links, its execute bit, its `#!` line, and
of an ELF file its architecture and the dynamic linker that it names (elf(5), execve(2)). Of each
file at most its first 4096 bytes are read.
"""

from __future__ import annotations

import posixpath
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

import frameworks
from frameworks import architectures
from frameworks.diagnostics import Diagnostic, Severity, printable
from frontend.lint.access import user_of

if TYPE_CHECKING:
    from frameworks.base import Plan
    from frameworks.process import Process
    from frontend.lint.access import Tree
    from llb import Range

UNRUNNABLE_COMMAND = "UnrunnableCommand"
NO_COMMAND = "NoCommand"
HEAD = 4096
"""How much of a file is read: more than the 256 bytes by which the kernel chooses how to run it,
for the name of the dynamic linker behind the program headers."""

_INIT = "/urunit"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PT_INTERP = 3
_MOST_SCRIPTS = 4
"""How many scripts may be each other's interpreters (BINPRM_MAX_RECURSION)."""

Head = Callable[[str], bytes | None]
"""The first bytes of a file, None where there is none."""


def wanted(plan: Plan) -> bool:
    """Whether there is a command to look for: a whole operating system, as v1 describes it."""
    return frameworks.guest(plan.framework).runs_program and not plan.compat


def judge(plan: Plan, process: Process, tree: Tree, head: Head) -> Diagnostic | None:
    """What is wrong with the init or the command of `process` in `tree`, or None."""
    words = list(process.args)
    named = plan.init if plan.init not in (None, "auto", "none") else None
    if named is not None:
        why = _why(plan, process, tree, head, str(named), "its init")
        return _found(plan, why, named.at) if why else None
    if words[:1] == [_INIT] and plan.init != "none":
        del words[0]
    if not words:
        return None if plan.init == "none" else _nothing(plan)
    why = _why(plan, process, tree, head, words[0], "")
    settings = plan.settings
    said = [*(settings.entrypoint or ()), *(settings.cmd or ())]
    at = said[0].at if said and str(said[0]) == words[0] else plan.rootfs.from_.at
    return _found(plan, why, at) if why else None


def _found(plan: Plan, why: tuple[str, str], at: Range) -> Diagnostic:
    message, hint = why
    text = f"the guest cannot run {printable(message)}"
    return Diagnostic(UNRUNNABLE_COMMAND, text, hint, at, plan.file, Severity.WARNING)


def _nothing(plan: Plan) -> Diagnostic | None:
    """The finding of an image without a command, where reading the file alone does not tell."""
    kernel, origin = plan.kernel, plan.rootfs.from_
    own = kernel is None or kernel.from_ in ("local", "source")
    if origin in ("scratch", "local") and own:
        return None  # the rule has said so of the file itself
    return Diagnostic(
        NO_COMMAND,
        "nothing says which program the guest runs: its base has no command either",
        "add 'cmd: [...]' or 'entrypoint: [...]', or CMD to a Dockerfile",
        origin.at,
        plan.file,
        Severity.WARNING,
    )


def _why(
    plan: Plan, process: Process, tree: Tree, head: Head, word: str, role: str
) -> tuple[str, str] | None:
    """Why a program cannot run, and what to do about it; None if nothing speaks against it."""
    shown = f"{role} '{word}'".strip()
    if "/" in word:
        path = _absolute(process, word)
        if tree.stat(path) is None:
            hint = "name a file that is there, or add it with 'rootfs.include' or 'app.artifacts'"
            return f"{shown}: there is no such file in the root filesystem", hint
    else:
        folders = process.env.get("PATH", _PATH).split(":")
        places = (_absolute(process, folder, word) for folder in folders)
        path = next((place for place in places if _is_file(tree, place)), "")
        if not path:
            hint = "give its whole path, or add it to the root filesystem"
            return f"{shown}: it is in no directory of PATH ({':'.join(folders)})", hint
    return _of_file(plan, process, tree, head, path, shown, 0)


def _absolute(process: Process, *parts: str) -> str:
    """The path that the guest's kernel would take."""
    return "/" + posixpath.normpath(posixpath.join("/", process.workdir, *parts)).lstrip("/")


def _is_file(tree: Tree, path: str) -> bool:
    file = tree.stat(path)
    return file is not None and not file.is_dir


def _of_file(
    plan: Plan, process: Process, tree: Tree, head: Head, path: str, shown: str, depth: int
) -> tuple[str, str] | None:
    file = tree.stat(path)
    assert file is not None
    if file.is_dir:
        return f"{shown}: it is a directory", "name the program in it"
    user = user_of(process.user, tree) if process.user else None
    may = user.may(file, 1) if user is not None and user.uid else bool(file.permissions & 0o111)
    if not may:
        who = f" for user '{process.user}'" if file.permissions & 0o111 else ""
        hint = "chmod +x; an include has 'mode: \"0755\"'"
        return f"{shown}: it has no execute bit{who} (its mode is {file.permissions:04o})", hint
    data = head(path)
    if data is None:
        return None
    if data.startswith(b"#!"):
        return _of_script(plan, process, tree, head, data, shown, depth)
    if data.startswith(b"\x7fELF"):
        return _of_program(plan, tree, data, shown)
    hint = "a script begins with the line '#!/bin/sh', say"
    return f"{shown}: it is neither a program nor a script with a '#!' line", hint


def _of_script(
    plan: Plan, process: Process, tree: Tree, head: Head, data: bytes, shown: str, depth: int
) -> tuple[str, str] | None:
    line = data[2:].split(b"\n", 1)[0]
    words = line.strip(b" \t").split(None, 1) if not line.endswith(b"\r") else [line.strip(b" \t")]
    if not words or depth >= _MOST_SCRIPTS:
        return f"{shown}: its '#!' line names no program", "write '#!/bin/sh', say"
    name = words[0].decode("utf-8", "replace")
    if name.endswith("\r"):
        hint = "save it with Unix line ends (dos2unix)"
        return f"{shown}: its lines end as on Windows, so that it asks for '{name}'", hint
    path = _absolute(process, name)
    if tree.stat(path) is None:
        hint = "add the interpreter to the root filesystem, or start from an image that has it"
        return f"{shown}: it is a script for '{name}', which is not in the root filesystem", hint
    inner = f"{shown}, a script for '{name}'"
    return _of_file(plan, process, tree, head, path, inner, depth + 1)


def _of_program(plan: Plan, tree: Tree, data: bytes, shown: str) -> tuple[str, str] | None:
    if len(data) < 64 or data[5] not in (1, 2):
        return f"{shown}: it is a damaged program", "copy it again"
    order = "<" if data[5] == 1 else ">"
    machine = architectures.of_elf(struct.unpack_from(f"{order}H", data, 18)[0])
    wanted = plan.architecture.name
    if machine and machine not in (wanted, *plan.architecture.runs):
        hint = f"build it for {wanted}"
        if machine in architectures.TABLE:
            hint += f", or build the image for {machine} (--platform)"
        return f"{shown}: it is a program for {machine}, and the guest is {wanted}", hint
    name = _interpreter(data, order)
    if name and tree.stat(posixpath.join("/", name)) is None:
        hint = "link it statically (gcc -static), or start from an image that has its libraries"
        return f"{shown}: its dynamic linker '{name}' is not in the root filesystem", hint
    return None


def _interpreter(data: bytes, order: str) -> str:
    """The dynamic linker that a 64-bit ELF file names, "" for none or one beyond what was read."""
    if data[4] != 2:
        return ""
    (start,) = struct.unpack_from(f"{order}Q", data, 32)
    size, count = struct.unpack_from(f"{order}HH", data, 54)
    for number in range(min(count, 64)):
        at = start + number * size
        if size < 56 or at + 56 > len(data):
            return ""
        kind = struct.unpack_from(f"{order}I", data, at)[0]
        offset, length = (struct.unpack_from(f"{order}Q", data, at + n)[0] for n in (8, 32))
        if kind == _PT_INTERP and offset + length <= len(data):
            return data[offset : offset + length].rstrip(b"\0").decode("utf-8", "replace")
    return ""
