"""Whether the guest can run the command that its image names."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import pytest

from frameworks.process import Process
from frontend.gateway.files import FileStat
from frontend.lint import command
from frontend.lint.tree import Tree
from llb import Platform
from tests.unit.core.helpers import AMD64, lower

ARM64 = Platform("linux", "arm64")
FILE = """version: v1
platforms: {framework: linux, monitor: qemu}
kernel: {from: source}
rootfs: {from: debian, type: initrd}
cmd: [CMD]
"""
LINKER = b"/lib64/ld-linux-x86-64.so.2\0"


def elf(machine: int, interpreter: bytes = b"", *, at: int = 120, kind: int = 2) -> bytes:
    """The head of a 64-bit program, with one program header; a PIE is of `kind` 3."""
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHI", kind, machine, 1)
    header += struct.pack("<QQQIHHHHHH", 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    what = 3 if interpreter else 1
    segment = struct.pack("<IIQQQQQQ", what, 4, at, 0, 0, len(interpreter), len(interpreter), 1)
    return header + segment + interpreter


@dataclass
class Root:
    """A tree of files: path -> (mode, content), None for a directory."""

    files: dict[str, tuple[int, bytes | None]]

    def stat(self, path: str) -> FileStat | None:
        if path not in self.files:
            return None
        mode, content = self.files[path]
        return FileStat(path, 0, mode, 0, 0, 0, content is None, False, "")

    def read(self, path: str, length: int) -> bytes | None:
        content = self.files[path][1] if path in self.files else None
        return None if content is None else content[:length]


ROOT = Root(
    {
        "/bin": (0o755, None),
        "/bin/sh": (0o755, elf(62)),
        "/bin/static": (0o755, elf(62)),
        "/bin/dynamic": (0o755, elf(62, LINKER)),
        "/bin/far": (0o755, elf(62, LINKER, at=1 << 40)),
        "/bin/arm": (0o755, elf(183)),
        "/bin/old": (0o755, elf(3)),
        "/bin/riscv": (0o755, elf(243)),
        "/bin/plain": (0o644, elf(62)),
        "/bin/closed": (0o700, elf(62)),
        "/bin/text": (0o755, b"echo hello\n"),
        "/bin/empty": (0o755, b""),
        "/bin/cut": (0o755, b"\x7fELF\x02"),
        "/bin/script": (0o755, b"#! /bin/sh -e\necho\n"),
        "/bin/windows": (0o755, b"#!/bin/sh\r\necho\r\n"),
        "/bin/python": (0o755, b"#!/usr/bin/python3\n"),
        "/bin/nothing": (0o755, b"#!\n"),
        "/bin/loop": (0o755, b"#!/bin/loop\n"),
        "/bin/through": (0o755, b"#!/bin/arm\n"),
        "/app/run": (0o755, elf(62)),
        "/etc/passwd": (0o644, b"root:x:0:0::/:/bin/sh\napp:x:7:7::/:/bin/sh\n"),
    }
)


def judge(
    *args: str,
    text: str = FILE,
    entrypoint: tuple[str, ...] = ("/urunit",),
    user: str = "",
    workdir: str = "",
    root: Root = ROOT,
    platform: Platform = AMD64,
) -> str:
    plan = lower(text.replace("CMD", args[0] if args else "x"), platform=platform).plan
    assert command.wanted(plan)
    process = Process(entrypoint, args, {"PATH": "/none:/bin"}, user, workdir)
    tree = Tree(root.stat, root.read, root.stat)
    found = command.judge(plan, process, tree) or command.nothing(plan, process)
    if found is None:
        return ""
    assert found.hint
    assert found.at is not None
    return f"{found.at.start.line} {found.code}: {found.message}"


@pytest.mark.parametrize("word", ["/bin/static", "static", "/bin/script", "sh", "/bin/far"])
def test_what_runs(word: str) -> None:
    assert judge(word) == ""


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("/bin/missing", "there is no such file in the root filesystem"),
        ("missing", "it is in no directory of PATH (/none:/bin)"),
        ("/bin", "it is a directory"),
        ("/bin/plain", "it has no execute bit (its mode is 0644)"),
        ("plain", "it has no execute bit (its mode is 0644)"),
        ("/bin/arm", "it is a program for arm64, and the guest is amd64"),
        (
            "/bin/dynamic",
            "its dynamic linker '/lib64/ld-linux-x86-64.so.2' is not in the root filesystem",
        ),
        ("/bin/text", "it is neither a program nor a script with a '#!' line"),
        ("/bin/empty", "it is neither a program nor a script with a '#!' line"),
        ("/bin/cut", "it is a damaged program"),
        ("/bin/python", "it is a script for '/usr/bin/python3', which is not in the root"),
        ("/bin/windows", "its lines end as on Windows, so that it asks for '/bin/sh\\r'"),
        ("/bin/nothing", "its '#!' line names no program"),
        ("/bin/loop", "its '#!' line names no program"),
        ("/bin/through", "it is a program for arm64, and the guest is amd64"),
    ],
)
def test_what_does_not_run(word: str, why: str) -> None:
    said = judge(word)
    assert said.startswith(f"5 UnrunnableCommand: the guest cannot run '{word}'")
    assert why in said


def test_a_dynamic_program_with_its_linker() -> None:
    linker = LINKER.rstrip(b"\0").decode()
    assert judge("dynamic", root=Root({**ROOT.files, linker: (0o755, elf(62))})) == ""


def test_another_architecture() -> None:
    assert "it is a program for amd64, and the guest is arm64" in judge("sh", platform=ARM64)
    assert judge("arm", platform=ARM64) == ""


def test_what_a_processor_runs_beside_its_own() -> None:
    assert judge("old") == ""
    assert "it is a program for 386, and the guest is arm64" in judge("old", platform=ARM64)


def test_an_image_is_offered_only_for_what_guests_are_built_for() -> None:
    def hint(word: str) -> str:
        plan = lower(FILE.replace("CMD", word)).plan
        process = Process(("/urunit",), (word,), {}, "", "")
        tree = Tree(ROOT.stat, ROOT.read, ROOT.stat)
        found = command.judge(plan, process, tree)
        assert found is not None
        return found.hint

    assert hint("/bin/arm") == "build it for amd64, or build the image for arm64 (--platform)"
    assert hint("/bin/riscv") == "build it for amd64"


def test_the_user_s_execute_bit() -> None:
    assert judge("closed") == judge("closed", user="root") == ""
    for user in ("app", "7"):
        assert f"no execute bit for user '{user}' (its mode is 0700)" in judge("closed", user=user)


def test_a_working_directory() -> None:
    assert judge("./run", workdir="/app") == ""
    assert "no such file" in judge("./run")


def test_a_command_of_the_base_is_told_where_the_base_is_named() -> None:
    text = FILE.replace("cmd: [CMD]\n", "")
    assert judge("missing", text=text).startswith("4 UnrunnableCommand: ")
    assert judge(text=text).startswith("4 NoCommand: nothing says which program the guest runs")
    # Reading the file has told it.
    assert judge(text=text.replace("from: debian, ", "")) == ""


def test_an_init_of_the_file() -> None:
    text = FILE + "init: /sbin/missing\n"
    said = judge("/bin/sh", text=text, entrypoint=("/sbin/missing",))
    assert said.startswith("6 UnrunnableCommand: the guest cannot run its init '/sbin/missing': ")
    text = FILE + "init: /bin/static\n"
    assert judge("words of its own", text=text, entrypoint=("/bin/static",)) == ""
    text = FILE + "init: none\n"
    assert "no such file" in judge("/bin/x", text=text, entrypoint=())
    assert judge(text=text.replace("cmd: [CMD]\n", ""), entrypoint=()) == ""


def test_unikernels_have_no_command() -> None:
    text = "version: v1\nplatforms: {framework: unikraft, monitor: qemu}\n"
    text += "kernel: {from: local, path: k}\n"
    assert not command.wanted(lower(text).plan)


LOADED = """version: v1
platforms: {framework: unikraft, monitor: qemu}
kernel: {from: source}
rootfs: {from: debian}
cmd: [CMD]
"""


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("/bin/pie", ""),
        ("bin/pie", ""),
        ("/bin/closed-pie", ""),
        ("/bin/linked", ""),
        ("/bin/static", "it is linked for a fixed address, and the kernel is in its place"),
        ("/bin/dynamic", "its dynamic linker '/lib64/ld-linux-x86-64.so.2' is not in the root"),
        ("/bin/arm", "it is a program for arm64, and the guest is amd64"),
        ("/bin/script", "it is no ELF file, and the kernel loads nothing else"),
        ("/bin", "there is no such file in the root filesystem"),
        ("pie", "there is no such file in the root filesystem"),
    ],
)
def test_a_program_that_the_kernel_loads(word: str, why: str) -> None:
    """Unikraft's ELF loader: no PATH, no scripts, no modes, and nothing at a fixed address."""
    pies = {
        "/bin/pie": (0o755, elf(62, kind=3)),
        "/bin/closed-pie": (0o600, elf(62, kind=3)),
        "/bin/linked": (0o755, elf(62, b"/bin/pie\0", kind=3)),
    }
    said = judge(word, text=LOADED, root=Root({**ROOT.files, **pies}), entrypoint=())
    place = f"5 UnrunnableCommand: the guest cannot run '{word}': "
    assert said.startswith(f"{place}{why}") if why else said == ""


def test_a_loader_without_a_command() -> None:
    text = LOADED.replace("cmd: [CMD]\n", "")
    assert command.wanted(lower(text).plan)
    linked = text + "app: {from: local, path: .}\n"
    assert not command.wanted(lower(linked).plan)
    found = command.nothing(lower(text).plan, Process())
    assert found is not None
    assert found.code == "NoCommand"
    scratch = lower(text.replace("debian", "scratch, include: ['a:/b']")).plan
    assert command.nothing(scratch, Process()) is None  # the file's own check has said so
    assert [(each.code, each.at and each.at.start.line) for each in scratch.warnings] == [
        ("NoCommand", 3)
    ]
    said = lower(LOADED.replace("debian", "scratch, include: ['a:/b']")).plan
    assert said.warnings == ()
