"""Additions taken over into a base: what changes, what stays, and which times directories get."""

from __future__ import annotations

import errno
import inspect
import os
import shutil
import sys
from pathlib import Path

import pytest

from frameworks.steps import apply

OURS = 1000
CLOCK = 2_000_000_000


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A base with a link to a directory; everything has the time 5."""
    root = tmp_path / "base"
    for name in ("etc/there", "usr/lib", "var"):
        (root / name).mkdir(parents=True)
    (root / "etc/there/old").write_text("old")
    (root / "lib").symlink_to("usr/lib")
    (root / "absolute").symlink_to("/var")
    (root / "loop").symlink_to("loop")
    (root / "usr/lib").chmod(0o2750)
    for path in (root, *root.rglob("*")):
        os.utime(path, (5, 5), follow_symlinks=False)
    return root


def run(base: Path, change: str, *paths: str) -> Path:
    """The base after a shell command has changed a copy of it, which has then been applied."""
    tree, output = base.parent / "tree", base.parent / "output"
    for copy in (tree, output):
        shutil.copytree(base, copy, symlinks=True)
    assert os.system(f"cd {tree} && {change}") == 0
    arguments = ["--tree", str(tree), "--output", str(output), "--time", str(OURS), *paths]
    assert apply.main(arguments) == 0
    return output


def times(root: Path, *names: str) -> list[int]:
    return [int((root / name).stat().st_mtime) for name in names]


def test_a_directory_that_got_an_entry_keeps_its_time(base: Path) -> None:
    out = run(base, "echo new > etc/there/new", "/etc/there/new")
    assert (out / "etc/there/new").read_text() == "new\n"
    assert times(out, "etc", "etc/there", "etc/there/old") == [5, 5, 5]


def test_new_directories_have_ours(base: Path) -> None:
    out = run(base, "mkdir -p new/a && touch new/a/f new/g", "/new/a/f", "/new/g")
    assert times(out, "new", "new/a") == [OURS, OURS]


def test_what_came_with_an_addition_keeps_its_time(base: Path) -> None:
    change = "mkdir -p new/inner && touch -d @7 new/inner && touch -d @8 new/file"
    out = run(base, change, "/new")
    assert times(out, "new", "new/inner", "new/file") == [OURS, 7, 8]


@pytest.mark.parametrize("path", ["/", "/etc/..", "/up"])
def test_a_directory_put_upon_the_root(base: Path, path: str) -> None:
    (base / "up").symlink_to("etc/there/../..")
    out = run(base, "mkdir new && echo a > new/a && echo b > b", path)
    assert [(out / name).read_text() for name in ("new/a", "b", "etc/there/old")] == [
        "a\n",
        "b\n",
        "old",
    ]


def test_through_links_inside_the_tree(base: Path) -> None:
    change = "echo 1 > usr/lib/one && echo 2 > var/two"
    out = run(base, change, "/lib/one", "/absolute/two", "/loop/three", "/nothing/here")
    assert (out / "lib").is_symlink()
    assert (out / "usr/lib/one").read_text() == "1\n"
    assert (out / "var/two").read_text() == "2\n"
    assert (out / "usr/lib").stat().st_mode & 0o7777 == 0o2750
    assert times(out, "usr", "usr/lib", "var") == [5, 5, 5]


def test_where_a_link_leads_is_written(base: Path) -> None:
    change = "echo x > var/real && ln -s ../var/real etc/link"
    out = run(base, change, "/etc/link")
    assert (out / "etc/link").readlink() == Path("../var/real")
    assert (out / "var/real").read_text() == "x\n"


def test_a_link_that_leads_nowhere_is_taken(base: Path) -> None:
    out = run(base, "ln -s no/such/file etc/link", "/etc/link")
    assert (out / "etc/link").readlink() == Path("no/such/file")


def test_nothing_else_is_taken(base: Path) -> None:
    out = run(base, "echo stray > var/stray; echo new > etc/new", "/etc/new")
    assert not (out / "var/stray").exists()


def test_same_facts_and_other_content(base: Path) -> None:
    change = "echo -n NEW > etc/there/old && touch -d @5 etc/there/old"
    out = run(base, change, "/etc/there/old")
    assert (out / "etc/there/old").read_text() == "NEW"


def test_another_kind_takes_the_place(base: Path) -> None:
    change = "rm -r etc/there && echo file > etc/there && rm lib && mkdir lib && touch lib/x"
    out = run(base, change, "/etc/there", "/lib")
    assert (out / "etc/there").read_text() == "file\n"
    assert (out / "lib/x").is_file()
    assert not (out / "lib").is_symlink()


def test_links_modes_and_kinds(base: Path) -> None:
    change = (
        "mkdir n && echo 1 > n/a && ln n/a n/b && ln -s nowhere n/l && mkfifo n/p &&"
        " chmod 4755 n/a && touch -h -d @9 n/l"
    )
    out = run(base, change, "/n")
    assert (out / "n/a").stat().st_ino == (out / "n/b").stat().st_ino
    assert (out / "n/a").stat().st_mode & 0o7777 == 0o4755
    assert (out / "n/p").is_fifo()
    assert (out / "n/l").lstat().st_mtime == 9


def test_an_attribute_alone_is_a_change(base: Path) -> None:
    change = "setfattr -n user.a -v b etc/there/old"
    if shutil.which("setfattr") is None:
        change = 'python3 -c \'import os; os.setxattr("etc/there/old", "user.a", b"b")\''
    out = run(base, f"{change} && touch -d @5 etc/there/old", "/etc/there/old")
    assert os.getxattr(out / "etc/there/old", "user.a") == b"b"


def test_what_cannot_be_read_is_one_line(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree, output = str(base / "etc/there/old"), str(base / "none")
    assert apply.main(["--tree", tree, "--output", output, "--time", "1", "/etc"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("hutch: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("user", "ids"),
    [("7", (7, 0)), ("7:9", (7, 9)), ("app", (70, 71)), ("app:staff", (70, 50)), ("who", (0, 0))],
)
def test_a_new_working_directory_is_the_users(base: Path, user: str, ids: tuple[int, int]) -> None:
    (base / "etc/passwd").write_text("root:x:0:0::/:\nbroken\napp:x:70:71::/:/bin/sh\n")
    (base / "etc/group").write_text("staff:x:50:\n")
    options = ("--workdir", "/srv/made", "--user", user)
    out = run(base, "mkdir -p srv/made", *options, "/srv/made")
    info = (out / "srv/made").stat()
    assert (info.st_uid, info.st_gid) == ids
    assert (out / "srv").stat().st_uid == 0


def test_a_working_directory_of_the_layer_below_is_new(base: Path) -> None:
    """What is put upon additions is new where the base of both lacks it."""
    shutil.copytree(base, base.parent / "before", symlinks=True)
    (base / "srv/made").mkdir(parents=True)
    options = ("--workdir", "/srv/made", "--user", "7", "--before", str(base.parent / "before"))
    out = run(base, "touch srv/made/x", *options, "/srv/made/x", "/srv/made")
    assert (out / "srv/made").stat().st_uid == 7
    assert (out / "srv/made/x").stat().st_uid == 0


def test_a_working_directory_of_the_base_stays_as_it_is(base: Path) -> None:
    out = run(base, "true", "--workdir", "/etc/there", "--user", "7", "/etc/there")
    assert (out / "etc/there").stat().st_uid == 0


def test_a_working_directory_behind_a_link_of_the_base_stays_too(base: Path) -> None:
    """The link is the base's own, and not one of the system that the step runs in."""
    (base / "data").mkdir()
    (base / "app").symlink_to("/data")
    out = run(base, "true", "--workdir", "/app", "--user", "7", "/app")
    assert (out / "data").stat().st_uid == 0


def test_users_that_are_no_regular_file(base: Path) -> None:
    """A FIFO would be waited for, and a link leads into the step's own system."""
    (base / "etc/passwd").symlink_to("/etc/passwd")
    options = ("--workdir", "/made", "--user", "daemon:daemon")
    out = run(base, "mkdir made && mkfifo etc/group", *options, "/made", "/etc/group")
    assert (out / "etc/group").is_fifo()
    assert ((out / "made").stat().st_uid, (out / "made").stat().st_gid) == (0, 0)


def test_a_user_that_no_system_has(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree, output = str(base), str(base.parent / "output")
    shutil.copytree(base, output, symlinks=True)
    (base / "made").mkdir()
    options = ["--tree", tree, "--output", output, "--time", "1"]
    assert apply.main([*options, "--workdir", "/made", "--user", "1" + "0" * 20, "/made"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_deep_tree(base: Path) -> None:
    """Deeper than functions may call each other."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 150)
    try:
        out = run(base, "mkdir -p d" + "/d" * 300, "/d")
    finally:
        sys.setrecursionlimit(limit)
    assert (out / ("d" + "/d" * 300)).is_dir()


def test_a_full_builder_is_called_that(
    base: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def copyfile(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/out/new")

    monkeypatch.setattr(shutil, "copyfile", copyfile)
    (base / "new").write_text("new")
    output = base.parent / "output"
    output.mkdir()
    arguments = ["--tree", str(base), "--output", str(output), "--time", "1", "/new"]
    assert apply.main(arguments) == 1
    assert "hutch: the builder has no disk space left" in capsys.readouterr().err
