"""What the image's user may not read of a raw root filesystem."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from frameworks.process import Process
from frontend.gateway.files import FileStat
from frontend.lint import access
from frontend.lint.tree import Tree
from tests.unit.core.helpers import lower

FILE = """version: v1
platforms: {framework: linux, monitor: qemu}
kernel: {from: source}
rootfs: {type: raw}
user: app
"""
PASSWD = b"root:x:0:0::/:/bin/sh\nbroken\napp:x:7:8::/:/bin/sh\nbad:x:y:z::/:/bin/sh\n"
GROUP = b"root:x:0:\nstaff:x:9:app,other\n"

FACTS = {
    "/": (0o755, 0, 0, True),
    "/bin": (0o755, 0, 0, True),
    "/bin/sh": (0o755, 0, 0, False),
    "/app": (0o700, 7, 0, True),
    "/app/run": (0o500, 7, 0, False),
    "/root": (0o700, 0, 0, True),
    "/root/key": (0o644, 0, 0, False),
    "/key": (0o600, 0, 0, False),
    "/staff": (0o640, 0, 9, False),
    "/mine": (0o077, 7, 8, False),
}


def tree(files: Mapping[str, bytes] | None = None) -> Tree:
    known = {"/etc/passwd": PASSWD, "/etc/group": GROUP} if files is None else files

    def stat(path: str) -> FileStat | None:
        if path not in FACTS:
            return None
        mode, uid, gid, folder = FACTS[path]
        return FileStat(path, 0, mode, uid, gid, 0, folder, False, "")

    return Tree(stat, lambda path, length: known.get(path), lambda path: None)


def judge(*args: str, user: str = "app", workdir: str = "", path: str = "/none:/bin") -> str:
    plan = lower(FILE).plan
    process = Process(("/urunit",), args, {"PATH": path}, user, workdir)
    assert access.wanted(plan, process)
    found = access.judge(plan, process, tree())
    if found is None:
        return ""
    assert found.at is not None
    assert (found.code, found.at.start.line) == ("ClosedFile", 5)
    return found.message


@pytest.mark.parametrize(
    ("args", "closed"),
    [
        (["/bin/sh", "-c", "x"], ""),
        (["sh"], ""),
        (["/app/run", "/staff", "/missing", "key"], ""),
        (["/bin/sh", "/key"], "/key (0600, of 0:0)"),
        (["/root/key"], "/root (0700, of 0:0)"),
        (["/bin/../key"], "/key"),
        (["/mine"], "/mine (0077, of 7:8)"),  # the owner's bits count, not the others'
        ([], ""),
    ],
)
def test_arguments(args: list[str], closed: str) -> None:
    found = judge(*args)
    assert (closed in found) if closed else not found


def test_a_program_of_the_path() -> None:
    assert "/root (" in judge("key", path="/root:/")
    assert not judge("run", path="/app")


def test_the_working_directory() -> None:
    assert "/root" in judge("sh", workdir="/root")
    assert not judge("sh", workdir="app")


@pytest.mark.parametrize(
    ("user", "closed"),
    [
        ("7", False),
        ("7:9", False),
        ("app:staff", False),
        ("app:root", True),
        ("7:0", True),
        ("1234", True),
        ("nobody", False),  # the tree does not know it
        ("app:nobody", False),
    ],
)
def test_users(user: str, closed: bool) -> None:
    assert bool(judge("/staff", user=user)) is closed


@pytest.mark.parametrize("user", ["", "0", "root", "0:5"])
def test_root_is_not_looked_at(user: str) -> None:
    assert not access.wanted(lower(FILE).plan, Process(user=user))


def test_only_raw_roots_are_looked_at() -> None:
    plan = lower(FILE.replace("raw", "block")).plan
    assert not access.wanted(plan, Process(user="app"))
