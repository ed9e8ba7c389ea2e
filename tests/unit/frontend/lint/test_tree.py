"""Accounts of a root filesystem, and what a word means in it."""

from __future__ import annotations

import re

import pytest

import frameworks
from frameworks.process import Process
from frontend.gateway.files import FileStat
from frontend.lint.tree import Tree, Unknown, User, account, program
from tests.places import ROOT
from tests.unit.core.helpers import lower

FILE = """version: v1
platforms: {framework: linux, monitor: qemu}
kernel: {from: source}
rootfs: {type: raw}
"""
PASSWD = b"root:x:0:0::/:/bin/sh\n\n  app:x:7:8::/:/bin/sh\nbroken\nbad:x:y:z\napp:x:70:80::/:\n"
GROUP = b"root:x:0:\nstaff:x:9:app,other\nmore:x:10:app\nnone:x:11:\n"


@pytest.mark.parametrize(
    ("said", "uid", "gids"),
    [
        ("app", 7, {8, 9, 10}),  # the first line counts, blanks around it do not
        ("7", 7, {8, 9, 10}),
        ("7:11", 7, {11}),
        ("app:staff", 7, {9}),
        ("1234", 1234, {0}),
        ("1234:5", 1234, {5}),
        ("broken", 0, {0}),  # as moby's parser has it
        ("bad", 0, {0}),
        (":staff", 0, {9}),
    ],
)
def test_accounts(said: str, uid: int, gids: set[int]) -> None:
    lists = {"/etc/passwd": PASSWD, "/etc/group": GROUP}
    assert account(said, lists.get) == User(uid, frozenset(gids))


@pytest.mark.parametrize(
    ("said", "passwd", "found"),
    [
        ("nobody", PASSWD, Unknown("user", "nobody", "/etc/passwd", True)),
        ("nobody", None, Unknown("user", "nobody", "/etc/passwd", False)),
        ("app:nobody", PASSWD, Unknown("group", "nobody", "/etc/group", False)),
        ("7:nobody", None, Unknown("group", "nobody", "/etc/group", False)),
        ("\u00b2", PASSWD, Unknown("user", "\u00b2", "/etc/passwd", True)),
    ],
)
def test_names_without_an_account(said: str, passwd: bytes | None, found: Unknown) -> None:
    assert account(said, {"/etc/passwd": passwd}.get) == found


FILES = {
    "/first": None,
    "/first/tool": None,  # a directory of that name
    "/second/tool": 0o644,
    "/third/tool": 0o700,
    "/fourth/tool": 0o755,
    "/srv/tool": 0o755,
    "/usr/pkg/bin/tool": 0o755,
}


def stat(path: str) -> FileStat | None:
    if path not in FILES:
        return None
    mode = FILES[path]
    return FileStat(path, 0, 0o755 if mode is None else mode, 0, 0, 0, mode is None, False, "")


TREE = Tree(stat, lambda path, length: PASSWD if path == "/etc/passwd" else None, stat)


@pytest.mark.parametrize(
    ("path", "user", "found"),
    [
        ("/none:/first:/second:/third:/fourth", "", "/third/tool"),
        ("/none:/first:/second:/third:/fourth", "app", "/fourth/tool"),
        ("/first:/third:/second", "app", "/third/tool"),  # nothing else: it is what was meant
        ("/first", "", None),
        (":/fourth", "", "/srv/tool"),
        ("../fourth", "", "/fourth/tool"),
    ],
)
def test_a_word_is_what_execvp_finds(path: str, user: str, found: str | None) -> None:
    process = Process((), ("tool",), {"PATH": path}, user, "/srv")
    assert program(lower(FILE).plan, process, TREE, "tool") == found


def test_a_path_means_itself() -> None:
    plan, process = lower(FILE).plan, Process(workdir="/srv")
    assert program(plan, process, TREE, "./tool") == "/srv/tool"
    assert program(plan, process, TREE, "/second/tool") == "/second/tool"
    assert program(plan, process, TREE, "/none/tool") is None


@pytest.mark.parametrize(
    ("framework", "source"), [("linux", "linux.c"), ("netbsd", "bsd_process.c")]
)
def test_path_is_what_the_init_takes(framework: str, source: str) -> None:
    text = (ROOT / "frameworks" / "init" / source).read_text()
    found = re.search(r'#define DEFAULT_PATH "(?:PATH=)?(.*)"', text)
    assert found is not None
    assert frameworks.guest(framework).path == found[1]


def test_a_guest_of_the_bsds_looks_where_its_packages_are() -> None:
    plan = lower(FILE.replace("linux", "netbsd").replace("type: raw", "type: none")).plan
    assert program(plan, Process(), TREE, "tool") == "/usr/pkg/bin/tool"
    assert program(lower(FILE).plan, Process(), TREE, "tool") is None
