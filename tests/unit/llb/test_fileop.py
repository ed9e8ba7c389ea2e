"""File actions: chains, zeros, modes, owners."""

import pytest

import llb
from tests.unit.llb.reading import actions, head, marshal

ALPINE = llb.image("alpine")
CONTEXT = llb.local("context", session="s")
S = llb.scratch()


def test_several_actions_are_one_op() -> None:
    state = S.file(
        llb.mkdir("/d"),
        llb.copy(CONTEXT, "/a", "/d/a"),
        llb.mkfile("/d/f", "text"),
        llb.symlink("f", "/d/l"),
        llb.rm("/d/a"),
    )
    assert [op.kind for op in marshal(state).ops()] == ["source", "file", "terminal"]
    # One input, so action n's result is number 1 + n; what is first starts from nothing.
    assert [action.input for action in actions(state)] == [-1, 1, 2, 3, 4]
    assert [action.secondaryInput for action in actions(state)] == [-1, 0, -1, -1, -1]
    assert [action.output for action in actions(state)] == [-1, -1, -1, -1, 0]


def test_one_edge_is_one_input() -> None:
    state = ALPINE.file(llb.copy(ALPINE, "/a", "/b"), llb.copy(CONTEXT, "/a", "/c"))
    assert len(head(state).inputs) == 2
    assert [action.secondaryInput for action in actions(state)] == [0, 1]


def test_an_op_does_something() -> None:
    with pytest.raises(ValueError, match="at least one action"):
        S.file()


def test_unset_is_minus_one_and_zero_is_zero() -> None:
    unset = S.file(llb.copy(CONTEXT, "/", "/"), llb.mkfile("/f", ""), llb.mkdir("/d"))
    copy, mkfile, mkdir = actions(unset)
    assert (copy.copy.mode, copy.copy.timestamp) == (-1, -1)
    assert (mkfile.mkfile.timestamp, mkdir.mkdir.timestamp) == (-1, -1)
    assert (mkfile.mkfile.mode, mkdir.mkdir.mode) == (0o644, 0o755)
    (link,) = actions(S.symlink("a", "/b"))
    assert link.symlink.timestamp == -1
    zero = S.file(
        llb.copy(CONTEXT, "/", "/", mode=0, timestamp=0), llb.mkfile("/f", "", mode=0, timestamp=0)
    )
    copy, mkfile = actions(zero)
    assert (copy.copy.mode, copy.copy.timestamp) == (0, 0)
    assert (mkfile.mkfile.mode, mkfile.mkfile.timestamp) == (0, 0)


def test_timestamps_are_seconds_here_and_nanoseconds_there() -> None:
    (action,) = actions(S.mkfile("/f", "", timestamp=1700000000))
    assert action.mkfile.timestamp == 1700000000 * 10**9


@pytest.mark.parametrize(
    ("mode", "number", "letters"),
    [
        (0o755, 0o755, ""),
        ("755", 0o755, ""),
        ("0644", 0o644, ""),
        (0o4755, 0o4755, ""),
        ("u=rwX,go=rX", 0, "u=rwX,go=rX"),
        ("a+x", 0, "a+x"),
    ],
)
def test_modes_of_a_copy(mode: int | str, number: int, letters: str) -> None:
    (action,) = actions(S.copy(CONTEXT, "/a", "/b", mode=mode))
    assert (action.copy.mode, action.copy.modeStr) == (number, letters)


def test_what_is_no_mode_is_refused() -> None:
    for mode in (-1, 0o10000, "77777", ""):
        with pytest.raises(ValueError, match="mode"):
            llb.copy(CONTEXT, "/a", "/b", mode=mode)
    # The daemon would drop these bits without a word.
    for mode in (-1, 0o4755):
        with pytest.raises(ValueError, match="mode"):
            llb.mkfile("/f", "", mode=mode)
        with pytest.raises(ValueError, match="mode"):
            llb.mkdir("/d", mode=mode)


@pytest.mark.parametrize(
    ("text", "user", "group"),
    [
        ("0", 0, None),
        ("root", 0, None),
        ("1:2", 1, 2),
        ("www", "www", None),
        ("www:root", "www", 0),
        (":5", None, 5),
        ("1000:", 1000, None),
    ],
)
def test_owners(text: str, user: int | str | None, group: int | str | None) -> None:
    assert llb.Owner.parse(text) == llb.Owner(user, group)


def test_an_owner_with_number_zero_is_not_left_out() -> None:
    (action,) = actions(S.mkfile("/f", "", owner="0:0"))
    owner = action.mkfile.owner
    assert owner.user.WhichOneof("user") == owner.group.WhichOneof("user") == "byID"


def test_names_of_owners_are_looked_up_in_the_base() -> None:
    state = ALPINE.file(llb.mkdir("/d"), llb.copy(CONTEXT, "/a", "/b", owner="www:data"))
    owner = actions(state)[1].copy.owner
    assert (owner.user.byName.name, owner.user.byName.input) == ("www", 0)
    with pytest.raises(ValueError, match="knows no user names"):
        S.mkfile("/f", "", owner="www")
    with pytest.raises(ValueError, match="not the id"):
        llb.Owner(user=-1)


def test_relative_paths_start_at_the_working_directories() -> None:
    state = ALPINE.with_cwd("/w").file(
        llb.copy(CONTEXT.with_cwd("/src"), "a", "b/"),
        llb.mkfile("../f", ""),
        llb.symlink("x", "l"),
    )
    copy, mkfile, link = actions(state)
    assert (copy.copy.src, copy.copy.dest) == ("/src/a", "/w/b/")
    assert mkfile.mkfile.path == "/f"
    assert (link.symlink.oldpath, link.symlink.newpath) == ("x", "/w/l")


def test_the_source_of_a_copy_cannot_be_left() -> None:
    (action,) = actions(S.copy(CONTEXT, "../../etc/passwd", "/p"))
    assert action.copy.src == "/etc/passwd"


def test_arguments_that_mean_nothing_alone() -> None:
    with pytest.raises(ValueError, match="include"):
        llb.copy(CONTEXT, "/", "/", required=["a"])
    with pytest.raises(ValueError, match="wildcard"):
        llb.copy(CONTEXT, "/*", "/", allow_empty_wildcard=True)
    with pytest.raises(TypeError, match="list of strings"):
        llb.copy(CONTEXT, "/", "/", include="a")
    with pytest.raises(ValueError, match="target"):
        llb.symlink("", "/l")


def test_text_is_utf_8() -> None:
    (action,) = actions(S.mkfile("/f", "é\n"))
    assert action.mkfile.data == b"\xc3\xa9\n"


def test_a_file_op_has_no_platform() -> None:
    message = head(llb.image("alpine", platform=llb.Platform("linux", "arm64")).mkfile("/f", ""))
    assert not message.message.HasField("platform")
    assert message.message.HasField("constraints")
