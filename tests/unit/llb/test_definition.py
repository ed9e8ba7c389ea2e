"""Definitions that come from elsewhere, and what is built on them."""

import pytest

import llb
from llb import Location, Meta, Position, Range, SourceFile
from llb.definition import Definition, InvalidDefinition, digest_of
from llb.pb import ops_pb2 as pb
from tests.unit.llb.cases import CASES
from tests.unit.llb.cases import marshal as marshal_case
from tests.unit.llb.reading import marshal

ARM64 = llb.Platform("linux", "arm64")


def there(file: SourceFile, line: int) -> Meta:
    place = Range(Position(line), Position(line, 3))
    return Meta(name=f"{file.filename}:{line}", location=Location(file, (place,)))


THEIRS = SourceFile("Dockerfile", b"FROM alpine\n", "Dockerfile")
OURS = SourceFile("bunnyfile", b"version: v1\n")


def foreign() -> Definition:
    """Return a definition whose ops are not serialised as ours are."""
    built = llb.image("alpine", meta=there(THEIRS, 1)).run(["true"], meta=there(THEIRS, 2))
    raw: list[bytes] = []
    metadata: dict[str, pb.OpMetadata] = {}
    source = pb.Source(infos=[pb.SourceInfo(filename="Dockerfile", data=THEIRS.data)])
    source.infos[0].language = "Dockerfile"
    source.infos[0].definition.SetInParent()
    renamed: dict[str, str] = {}
    ours = built.root.marshal(platform=ARM64)
    for op in ours.ops():
        for edge in op.message.inputs:
            edge.digest = renamed[edge.digest]
        # Fields by number: other bytes than Go's or ours, so another digest.
        data = op.message.SerializeToString(deterministic=True)
        renamed[op.digest] = digest_of(data)
        raw.append(data)
        if op.kind == "exec":
            metadata[digest_of(data)] = op.metadata
        if ours.source is not None and op.digest in ours.source.locations:
            source.locations[digest_of(data)].CopyFrom(ours.source.locations[op.digest])
    return Definition(tuple(raw), metadata, source)


def test_foreign_ops_stay_as_they_are() -> None:
    theirs = foreign()
    definition = marshal(llb.State.from_definition(theirs).mkfile("/x", "").run(["next"]).root)
    assert definition.raw[: len(theirs.raw) - 1] == theirs.raw[:-1]
    added = definition.ops()[len(theirs.raw) - 1 :]
    assert [op.kind for op in added] == ["file", "exec", "terminal"]
    assert added[0].inputs == ((theirs.head, 0),)


def test_the_platform_of_the_head_goes_on() -> None:
    state = llb.State.from_definition(foreign())
    assert state.platform == ARM64
    (executed,) = [op for op in marshal(state.run(["next"]).root).ops() if op.name == ""][-2:-1]
    assert executed.message.platform.Architecture == "arm64"


def test_a_definition_marshalled_again_is_the_same() -> None:
    theirs = foreign()
    again = marshal(llb.State.from_definition(theirs))
    assert again.raw == theirs.raw
    assert (again.head, again.output_index) == (theirs.head, theirs.output_index)


def test_the_output_of_the_head_is_kept() -> None:
    done = llb.image("alpine").run(["true"], mounts=[llb.Mount.bind("/out", llb.scratch())])
    theirs = marshal(done.mount("/out"))
    assert theirs.output_index == 1
    definition = marshal(llb.scratch().copy(llb.State.from_definition(theirs), "/", "/"))
    assert definition.ops()[-2].inputs == ((theirs.head, 1),)


def test_every_foreign_op_gets_metadata() -> None:
    theirs = foreign()
    assert len(theirs.metadata) == 1
    definition = marshal(llb.State.from_definition(theirs).mkfile("/x", ""))
    assert set(definition.metadata) == set(definition.digests)
    assert definition.metadata[theirs.head].description["llb.customname"] == "Dockerfile:2"


def test_source_maps_are_merged_and_renumbered() -> None:
    theirs = foreign()
    state = llb.image("debian", meta=there(OURS, 1)).copy(
        llb.State.from_definition(theirs), "/", "/", meta=there(THEIRS, 9)
    )
    definition = marshal(state)
    source = definition.source
    assert source is not None
    files = [info.filename for info in source.infos]
    assert sorted(files) == ["Dockerfile", "bunnyfile"], "each file once"
    named = {op.digest: op.name for op in definition.ops() if op.name}
    for digest, name in named.items():
        (location,) = source.locations[digest].locations
        filename, line = name.split(":")
        assert files[location.sourceIndex] == filename
        assert location.ranges[0].start.line == int(line)
    assert theirs.head in source.locations


def test_an_empty_definition_in_a_source_map_is_left_out() -> None:
    theirs = foreign()
    assert theirs.source is not None
    assert theirs.source.infos[0].HasField("definition")
    definition = marshal(llb.State.from_definition(theirs))
    assert definition.source is not None
    assert not definition.source.infos[0].HasField("definition")


def test_a_definition_in_a_source_map_is_kept() -> None:
    theirs = foreign()
    assert theirs.source is not None
    loader = marshal(llb.local("dockerfile", session="s"))
    theirs.source.infos[0].definition.CopyFrom(loader.to_pb())
    definition = marshal(llb.State.from_definition(theirs))
    assert definition.source is not None
    kept = definition.source.infos[0].definition
    assert Definition.from_pb(kept) == loader


def test_a_source_map_that_names_no_file_is_refused() -> None:
    theirs = foreign()
    assert theirs.source is not None
    theirs.source.locations[theirs.head].locations[0].sourceIndex = 7
    with pytest.raises(InvalidDefinition, match="number 7"):
        marshal(llb.State.from_definition(theirs))


def test_two_definitions_with_common_ops() -> None:
    base = llb.image("alpine").run(["true"]).root
    one, two = (marshal(base.mkfile(f"/{name}", "")) for name in "ab")
    merged = llb.merge([llb.State.from_definition(one), llb.State.from_definition(two)])
    kinds = [op.kind for op in marshal(merged).ops()]
    assert kinds == ["source", "exec", "file", "file", "merge", "terminal"]


def test_scratch_comes_back_as_scratch() -> None:
    assert llb.State.from_definition(Definition()) == llb.scratch()


def test_a_definition_goes_through_bytes_and_messages() -> None:
    definition = marshal(llb.image("alpine", meta=there(OURS, 1)).run(["true"]).root)
    assert Definition.from_bytes(definition.to_bytes()) == definition
    assert Definition.from_pb(definition.to_pb()) == definition
    assert definition != marshal(llb.image("alpine"))
    assert definition != "something else"
    assert len({definition, Definition.from_bytes(definition.to_bytes())}) == 1


def test_what_is_no_definition_is_refused() -> None:
    with pytest.raises(InvalidDefinition, match="not a definition"):
        Definition.from_bytes(b"\xff\xff")
    ops = marshal(llb.image("alpine")).raw
    with pytest.raises(InvalidDefinition, match="only point"):
        llb.State.from_definition(Definition(ops[:1]))
    with pytest.raises(InvalidDefinition, match="not in it"):
        llb.State.from_definition(Definition(ops[1:]))
    with pytest.raises(InvalidDefinition, match="cannot be read"):
        llb.State.from_definition(Definition((b"\xff",)))


def test_positions_and_ranges() -> None:
    for line, character in ((0, 0), (1, -1)):
        with pytest.raises(ValueError, match="no such position"):
            Position(line, character)
    with pytest.raises(ValueError, match="before it starts"):
        Range(Position(2), Position(1, 5))


def test_a_source_file_is_sent_once_however_many_ops_it_made() -> None:
    state = llb.image("alpine", meta=there(OURS, 1))
    for line in range(2, 50):
        state = state.run(["step", str(line)], meta=there(OURS, line)).root
    source = marshal(state).source
    assert source is not None
    assert len(source.infos) == 1
    assert len(source.locations) == 49


@pytest.mark.parametrize("name", sorted(CASES))
def test_bytes_are_those_of_one_message(name: str) -> None:
    definition = marshal_case(name)
    assert definition.to_bytes() == definition.to_pb().SerializeToString(deterministic=True)
