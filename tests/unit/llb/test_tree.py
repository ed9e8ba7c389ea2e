"""The text tree: goldens/trees/NAME.txt, written by `pytest --update-goldens`."""

import re
from pathlib import Path

import pytest

import llb
from llb import Meta, Mount, tree
from llb.definition import Definition, InvalidDefinition, digest_of
from llb.encode import terminal
from llb.pb import ops_pb2 as pb
from tests.unit.llb.cases import CASES, S, plain
from tests.unit.llb.cases import marshal as marshal_case
from tests.unit.llb.reading import marshal

GOLDENS = Path(__file__).parent / "goldens" / "trees"

TREES = [
    "chain",
    "copy flags",
    "copy mode letters",
    "copy patterns",
    "copy relative",
    "diamond",
    "diff",
    "exec devices",
    "exec hosts",
    "exec proxy",
    "exec read-only root",
    "exec require",
    "exec scratch",
    "exec security",
    "exec ulimits",
    "file chain",
    "foreign",
    "git everything",
    "http everything",
    "image windows",
    "local json",
    "merge",
    "meta ignore cache",
    "mkdir everything",
    "mkfile everything",
    "mount bind content cache on",
    "mount cache owned",
    "mount secret env",
    "mount ssh two",
    "mount tmpfs size",
    "mounts combined",
    "passthrough",
    "rm everything",
    "symlink everything",
]


@pytest.mark.parametrize("name", TREES)
def test_trees(name: str, update_goldens: bool) -> None:
    golden = GOLDENS / f"{name.replace(' ', '-')}.txt"
    found = tree.render(marshal_case(name))
    if update_goldens:
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(found)
    assert found == golden.read_text()


def test_every_vertex_is_shown_once_and_named_later() -> None:
    line = re.compile(r" *(?:layer |lower |upper |input )?#(\d+) (.*)")
    for name in CASES:
        definition = marshal_case(name)
        found = [line.fullmatch(text) for text in tree.render(definition).splitlines()]
        shown = [match for match in found if match is not None]
        first = [match[1] for match in shown if not match[2].endswith("(above)")]
        assert first == [str(number) for number in range(1, len(definition.raw))], name


def test_scratch() -> None:
    assert tree.render(Definition()) == "scratch\n"


def test_deep_chains_are_not_indented() -> None:
    state = llb.image("alpine")
    for number in range(3000):
        state = state.run(["step", str(number)]).root
    lines = tree.render(marshal(state)).splitlines()
    assert len(lines) == 3000 * 3 + 1
    assert max(map(len, lines)) < 80
    nested = S.mkfile("/0", "")
    for _ in range(1500):
        nested = S.file(plain(nested, "/", "/"), meta=Meta(name="nest"))
    assert tree.render(marshal(nested)).count('file "nest"') == 1500


def test_a_missing_op_is_an_error() -> None:
    definition = marshal(llb.image("alpine").run(["true"]).root)
    with pytest.raises(InvalidDefinition, match="lacks its op"):
        tree.render(Definition(definition.raw[1:], definition.metadata))


def test_control_characters_do_not_reach_a_terminal() -> None:
    state = llb.image("alpine", meta=Meta(name='a"\n\x1b[31m\\')).mkfile("/f", "\x1b[0m")
    found = tree.render(marshal(state))
    assert "\x1b" not in found
    assert "name" not in found
    assert len(found.splitlines()) == 3


def test_actions_of_others_that_do_not_follow_one_another() -> None:
    """Two files are made on nothing, and the first is copied to the second."""
    make = [
        pb.FileAction(input=-1, secondaryInput=-1, output=-1, mkfile=pb.FileActionMkFile(path=path))
        for path in ("/a", "/b")
    ]
    copy = pb.FileAction(
        input=1, secondaryInput=0, output=0, copy=pb.FileActionCopy(src="/a", dest="/c", mode=-1)
    )
    op = pb.Op(file=pb.FileOp(actions=[*make, copy])).SerializeToString()
    found = tree.render(Definition((op, terminal(digest_of(op), 0))))
    assert found.splitlines() == [
        "#1 file",
        '  mkfile /a 0000 "" time=0',
        '  mkfile /b 0000 "" time=0',
        "    on scratch",
        "  copy /a -> /c time=0",
        "    from action 1",
        "scratch",
    ]


def test_the_example_of_the_package_runs() -> None:
    document = llb.__doc__
    assert document is not None
    lines = [line[4:] for line in document.splitlines() if line.startswith("    ") or not line]
    printed: list[str] = []
    exec("\n".join(lines), {"print": printed.append})
    (text,) = printed
    assert text.startswith('#1 file "[app] install"\n')
    assert "args make -C /src O=/out" in text
    assert 'mkfile /motd 0644 "hello\\n" time=0' in text


def test_secrets_are_named_but_their_options_are_all_shown() -> None:
    mounts = [Mount.secret("a", uid=1, gid=2, optional=True), Mount.ssh("x", optional=True)]
    found = tree.render(marshal(llb.image("alpine").run(["true"], mounts=mounts).root))
    assert "mount /run/secrets/a secret id=a 1:2 0400 optional" in found
    assert "mount /run/buildkit/ssh_agent.0 ssh id=x 0:0 0600 optional" in found
