"""Whether the guest can run the command that its image names: what else is seen after boot only.

The rules are UnrunnableCommand (docs/rules/UnrunnableCommand.md) and NoCommand. Looked at are the
program, by PATH and links, its execute bit, its `#!` line, and of an ELF file its architecture and
the dynamic linker that it names (elf(5), execve(2)). Of each file at most its first 4096 bytes are
read.
"""

from __future__ import annotations

import posixpath
import struct
from typing import TYPE_CHECKING

import frameworks
from frameworks import architectures
from frontend.lint.findings import finding
from frontend.lint.tree import HEAD, ROOT, absolute, command, path_of, program, user_of
from llb.masked import printable

if TYPE_CHECKING:
    from frameworks.base import Plan
    from frameworks.diagnostics import Diagnostic
    from frameworks.process import Process
    from frameworks.spec import Text
    from frontend.lint.tree import Tree
    from llb import Range

_PT_INTERP = 3
_ET_DYN = 3
"""An ELF file that can be anywhere in memory."""
_MOST_SCRIPTS = 4
"""How many scripts may be each other's interpreters (BINPRM_MAX_RECURSION)."""


def wanted(plan: Plan) -> bool:
    """Whether there is a command to look for: of a whole operating system, as v1 describes it, or
    of a kernel that loads one program."""
    return (frameworks.guest(plan.framework).runs_program and not plan.compat) or _loaded(plan)


def _loaded(plan: Plan) -> bool:
    return frameworks.get(plan.framework).loads_program(plan)


def judge(plan: Plan, process: Process, tree: Tree) -> Diagnostic | None:
    """What is wrong with the init or the command of `process` in `tree`, or None."""
    named = _own_init(plan)
    if named is not None and not _loaded(plan):
        why = _why(plan, process, tree, str(named), "its init")
        return _finding(plan, why, named.at) if why else None
    words = command(plan, process)
    if not words:
        return None  # another rule's
    if _loaded(plan):
        why = _why_not_loaded(plan, tree, words[0])
    else:
        why = _why(plan, process, tree, words[0], "")
    settings = plan.settings
    said = [*(settings.entrypoint or ()), *(settings.cmd or ())]
    at = said[0].at if said and str(said[0]) == words[0] else plan.rootfs.from_.at
    return _finding(plan, why, at) if why else None


def _own_init(plan: Plan) -> Text | None:
    """An init of the user's."""
    return plan.init if plan.init not in (None, "auto", "none") else None


def _finding(plan: Plan, why: tuple[str, str], at: Range) -> Diagnostic:
    message, hint = why
    text = f"the guest cannot run {printable(message)}"
    return finding("UnrunnableCommand", text, hint, at, plan.file)


def nothing(plan: Plan, process: Process) -> Diagnostic | None:
    """The finding of an image without a command, where reading the file alone does not tell."""
    if command(plan, process) or _own_init(plan) is not None or plan.init == "none":
        return None
    kernel, origin = plan.kernel, plan.rootfs.from_
    own = kernel is None or kernel.from_ in ("local", "source")
    if origin in ("scratch", "local") and own:
        return None  # the file's own check has said so
    return finding(
        "NoCommand",
        "nothing says which program the guest runs: its base has no command either",
        "add 'cmd: [...]' or 'entrypoint: [...]', or CMD to a Dockerfile",
        origin.at,
        plan.file,
    )


def _why(plan: Plan, process: Process, tree: Tree, word: str, role: str) -> tuple[str, str] | None:
    """Why a program cannot run, and what to do about it; None if nothing speaks against it."""
    shown = f"{role} '{word}'".strip()
    path = program(plan, process, tree, word)
    if path is not None:
        return _of_file(plan, process, tree, path, shown, 0)
    if "/" in word:
        hint = "name a file that is there, or add it with 'rootfs.include' or 'app.artifacts'"
        return f"{shown}: there is no such file in the root filesystem", hint
    hint = "give its whole path, or add it to the root filesystem"
    return f"{shown}: it is in no directory of PATH ({path_of(plan, process)})", hint


def _why_not_loaded(plan: Plan, tree: Tree, word: str) -> tuple[str, str] | None:
    """The same of a program that the kernel loads itself: from its path alone, whatever its mode
    is, and not at a fixed address (Unikraft's app-elfloader, elf_load.c)."""
    shown, path = f"'{word}'", posixpath.join("/", word)
    file = tree.stat(path)
    if file is None or file.is_dir:
        hint = "the kernel takes the path of a program: name one, or add it to the root filesystem"
        return f"{shown}: there is no such file in the root filesystem", hint
    data = tree.read(path, HEAD)
    if data is None:
        return None
    if not data.startswith(b"\x7fELF"):
        return f"{shown}: it is no ELF file, and the kernel loads nothing else", "name a program"
    if (why := _of_program(plan, tree, data, shown, "-static-pie")) is not None:
        return why
    (kind,) = struct.unpack_from("<H" if data[5] == 1 else ">H", data, 16)
    if kind != _ET_DYN:
        hint = "link it as a static PIE (gcc -static-pie)"
        return f"{shown}: it is linked for a fixed address, and the kernel is in its place", hint
    return None


def _of_file(
    plan: Plan, process: Process, tree: Tree, path: str, shown: str, depth: int
) -> tuple[str, str] | None:
    file = tree.stat(path)
    assert file is not None
    if file.is_dir:
        return f"{shown}: it is a directory", "name the program in it"
    if not (user_of(process, tree) or ROOT).may(file, 1):
        who = f" for user '{process.user}'" if file.permissions & 0o111 else ""
        hint = "chmod +x; an include has 'mode: \"0755\"'"
        return f"{shown}: it has no execute bit{who} (its mode is {file.permissions:04o})", hint
    data = tree.read(path, HEAD)
    if data is None:
        return None
    if data.startswith(b"#!"):
        return _of_script(plan, process, tree, data, shown, depth)
    if data.startswith(b"\x7fELF"):
        return _of_program(plan, tree, data, shown)
    hint = "a script begins with the line '#!/bin/sh', say"
    return f"{shown}: it is neither a program nor a script with a '#!' line", hint


def _of_script(
    plan: Plan, process: Process, tree: Tree, data: bytes, shown: str, depth: int
) -> tuple[str, str] | None:
    line = data[2:].split(b"\n", 1)[0]
    words = line.strip(b" \t").split(None, 1) if not line.endswith(b"\r") else [line.strip(b" \t")]
    if not words or depth >= _MOST_SCRIPTS:
        return f"{shown}: its '#!' line names no program", "write '#!/bin/sh', say"
    name = words[0].decode("utf-8", "replace")
    if name.endswith("\r"):
        hint = "save it with Unix line ends (dos2unix)"
        return f"{shown}: its lines end as on Windows, so that it asks for '{name}'", hint
    path = absolute(process, name)
    if tree.stat(path) is None:
        hint = "add the interpreter to the root filesystem, or start from an image that has it"
        return f"{shown}: it is a script for '{name}', which is not in the root filesystem", hint
    inner = f"{shown}, a script for '{name}'"
    return _of_file(plan, process, tree, path, inner, depth + 1)


def _of_program(
    plan: Plan, tree: Tree, data: bytes, shown: str, static: str = "-static"
) -> tuple[str, str] | None:
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
        hint = f"link it statically (gcc {static}), or start from an image that has its libraries"
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
