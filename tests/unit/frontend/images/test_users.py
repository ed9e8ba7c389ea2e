"""Who the monitor runs as, and what of an image it may open."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from frameworks.runtime.machine import Contract, NotBootable
from frontend.images.users import User, closed, refusal, resolve
from tests.unit.core.imagefiles import USERS, tree

KEYS = {"binary": "/k", "block": "/b", "blkMntPoint": "/", "hypervisor": "qemu"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", User(0, 0, (0,))),
        ("redis", User(101, 102, (102, 29))),
        ("101", User(101, 102, (102, 29))),
        ("4000", User(4000, 0, (0,))),
        ("redis:audio", User(101, 29, (29,))),
        ("4000:5000", User(4000, 5000, (5000,))),
        (":redis", User(0, 102, (102,))),
    ],
)
def test_users_are_resolved_as_a_container_engine_does(text: str, expected: User) -> None:
    assert resolve(text, USERS) == expected


@pytest.mark.parametrize("text", ["nobody", "redis:wheel"])
def test_names_that_the_image_does_not_know(text: str) -> None:
    with pytest.raises(NotBootable, match=r"does not know '(nobody|wheel)'$"):
        resolve(text, USERS)


@pytest.mark.parametrize(
    ("uid", "groups", "kernel", "disk", "expected"),
    [
        (0, (), (0, 0, 0), (0, 0, 0), None),
        (1000, (), (0o644, 0, 0), (0o666, 0, 0), None),
        (1000, (), (0o644, 0, 0), (0o644, 0, 0), "user 1000 may not write /b, of 0:0 with 644"),
        (1000, (), (0o600, 0, 0), (0o666, 0, 0), "user 1000 may not read /k, of 0:0 with 600"),
        (1000, (), (0o600, 1000, 0), (0o060, 0, 50), None),
        (1000, (), (0o044, 1000, 0), (0o666, 0, 0), "user 1000 may not read /k, of 1000:0 with 44"),
        (1000, (7,), (0o640, 0, 7), (0o660, 0, 7), None),
    ],
)
def test_what_the_monitors_user_may_open(
    uid: int,
    groups: tuple[int, ...],
    kernel: tuple[int, int, int],
    disk: tuple[int, int, int],
    expected: str | None,
) -> None:
    """Said where it cannot be tried, for want of root. Of the owner only the owner's bits count."""
    found = tree(("/k", *kernel, b"k"), ("/b", *disk, b"b"))
    said = Contract({**KEYS, "unikernelType": "linux"}, ("/i",), (), uid, 50, groups)
    assert refusal(said, found) == expected


def test_a_directory_that_the_monitors_user_may_not_enter() -> None:
    found = tree(("/d", 0o700, 0, 0, None), ("/d/k", 0o644, 0, 0, b"k"))
    said = Contract({"binary": "/d/k"}, (), uid=1000)
    assert refusal(said, found) == "user 1000 may not enter /d, which has /d/k"


def test_the_directories_of_this_machine_that_a_user_may_not_enter() -> None:
    """As with libpam-tmpdir, whose TMPDIR for root is in a directory of root's alone."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        files = Path(name) / "private/files"
        files.mkdir(parents=True)
        for each, mode in ((files.parent.parent, 0o755), (files.parent, 0o700), (files, 0o755)):
            each.chmod(mode)
        owner, group = files.stat().st_uid, files.stat().st_gid
        stranger = User(4000, 4000, (4000,))
        assert closed(files, User(0, 0)) is None
        assert closed(files, User(owner, group)) is None
        assert closed(files, stranger) == files.parent.resolve()
        files.parent.chmod(0o711)
        assert closed(files, stranger) is None
        files.parent.chmod(0o710)
        assert closed(files, stranger) == files.parent.resolve()
        assert closed(files, User(4000, 4000, (4000, group))) is None
