"""Merge and diff, and what is done where a daemon has neither."""

import pytest

import llb
from tests.unit.llb.reading import actions, head, marshal

S = llb.scratch()
ALPINE = llb.image("alpine").with_cwd("/w")
A = S.mkfile("/a", "1")
B = S.mkfile("/b", "2")
OLD = llb.Caps.of_buildkit(0, 9)
NO_MERGE = llb.Caps(set(llb.Cap) - {llb.Cap.MERGE, llb.Cap.DIFF})


def test_what_is_empty_or_alone_needs_no_op() -> None:
    assert llb.merge([]) == S
    assert llb.merge([S, S]) == S
    assert llb.merge([S, A]) is A
    assert llb.diff(S, A) is A
    assert llb.diff(S, S) == S


def test_merge_and_diff_keep_the_settings_of_the_first() -> None:
    assert llb.merge([ALPINE, A]).cwd == "/w"
    assert llb.diff(ALPINE, A).cwd == "/w"


def test_a_merge_becomes_copies_where_the_daemon_has_none() -> None:
    merged = llb.merge([ALPINE, A, B], meta=llb.Meta(name="all"))
    op = head(merged, OLD)
    assert op.kind == "file"
    assert op.name == "all"
    assert len(op.inputs) == 3
    first, second = actions(merged, OLD)
    assert (first.input, first.secondaryInput, second.secondaryInput) == (0, 1, 2)
    for action in (first, second):
        assert (action.copy.src, action.copy.dest) == ("/", "/")
        assert action.copy.dirCopyContents
        assert (action.copy.mode, action.copy.timestamp) == (-1, -1)
        assert not action.copy.alwaysReplaceExistingDestPaths
    assert all(action.copy.alwaysReplaceExistingDestPaths for action in actions(merged, NO_MERGE))
    assert head(merged, llb.Caps(llb.Cap)).kind == "merge"
    assert head(merged).kind == "merge"


def test_what_is_on_top_of_such_copies_finds_them() -> None:
    definition = marshal(llb.merge([ALPINE, A]).run(["true"]).root, OLD)
    merged, executed = definition.ops()[-3:-1]
    assert (merged.kind, executed.kind) == ("file", "exec")
    assert executed.inputs == ((merged.digest, 0),)


def test_a_difference_upon_what_it_is_from_is_copied_as_the_whole() -> None:
    changed, more = ALPINE.run(["first"]).root, ALPINE.run(["second"]).root
    for states, copied in (
        ([ALPINE, llb.diff(ALPINE, changed)], [changed]),
        ([ALPINE, llb.diff(ALPINE, changed), llb.diff(changed, more)], [changed, more]),
        ([ALPINE, llb.diff(ALPINE, changed), B], [changed, B]),
    ):
        assert marshal(llb.merge(states), NO_MERGE) == marshal(
            llb.merge([ALPINE, *copied]), NO_MERGE
        )


@pytest.mark.parametrize(
    "state",
    [
        llb.diff(ALPINE, A, meta=llb.Meta(name="[x] patch")),
        llb.diff(ALPINE, A, meta=llb.Meta(name="[x] patch")).run(["true"]).root,
        # What B has would be undone by all of A that is as it was in ALPINE.
        llb.merge([ALPINE, B, llb.diff(ALPINE, A, meta=llb.Meta(name="[x] patch"))]),
        llb.merge([ALPINE, llb.diff(ALPINE, S, meta=llb.Meta(name="[x] patch"))]),
    ],
)
def test_any_other_difference_has_no_substitute(state: llb.State) -> None:
    with pytest.raises(llb.MissingCapability, match=r"diffop.*\[x\] patch") as caught:
        marshal(state, NO_MERGE)
    assert caught.value.cap == "diffop"
    assert caught.value.buildkit == "0.10"
    assert caught.value.docker == "23.0"


def test_requirements() -> None:
    assert A.requires("id", S) is A
    assert len(head(A.requires("id", B, ALPINE)).inputs) == 3
    with pytest.raises(ValueError, match="empty filesystem"):
        S.requires("id", A)
    with pytest.raises(ValueError, match="id"):
        A.requires("", B)
