"""Definitions as a whole: structure, sharing, depth, determinism."""

import os
import random
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

import llb
from llb import Meta, Mount
from llb.definition import digest_of
from llb.pb import ops_pb2 as pb
from tests.places import ROOT
from tests.unit.llb.cases import CASES
from tests.unit.llb.cases import marshal as marshal_case
from tests.unit.llb.reading import AMD64, marshal

ALPINE = llb.image("alpine")


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_structure_of_a_definition(name: str) -> None:
    definition = marshal_case(name)
    ops = definition.ops()
    seen: set[str] = set()
    for op in ops:
        assert op.digest not in seen
        assert {digest for digest, _ in op.inputs} <= seen, "inputs come before users"
        seen.add(op.digest)
    assert set(definition.metadata) == seen, "every op has metadata, and nothing else has"
    assert [op.kind for op in ops].count("terminal") == 1
    terminal = ops[-1]
    assert terminal.inputs == ((definition.head, definition.output_index),)
    assert not terminal.message.HasField("platform")
    assert not terminal.message.HasField("constraints")
    for op in ops[:-1]:
        assert op.message.HasField("constraints")
        assert op.message.HasField("platform") == (
            op.kind == "exec"
            or op.message.source.identifier.startswith(("docker-image://", "oci-layout://"))
        )
    reachable = {definition.head}
    for op in reversed(ops):
        if op.digest in reachable:
            reachable |= {digest for digest, _ in op.inputs}
    assert seen - reachable == {terminal.digest}, "nothing is sent that is not used"


def test_the_empty_filesystem_is_no_definition() -> None:
    definition = marshal(llb.scratch())
    assert definition.is_empty
    assert (definition.raw, definition.head, definition.output_index) == ((), "", 0)
    assert definition.platform is None
    assert definition.ops() == ()


def test_oneof_is_written_last() -> None:
    """Fields 1, 10 and 11 come before the op itself, whose number is lower."""
    (data, *_) = marshal(ALPINE).raw
    message = pb.Op.FromString(data)
    in_order = message.SerializeToString(deterministic=True)
    assert len(in_order) == len(data)
    assert in_order != data
    assert data[0] == 10 << 3 | 2
    assert data.index(b"docker-image://") > data.index(b"amd64")


def test_what_is_shared_is_marshalled_once() -> None:
    source = llb.local("context", session="s")
    tools = ALPINE.run(["install"]).root
    parts = [
        tools.run(["make", str(n)], mounts=[Mount.bind("/src", source), Mount.bind("/out", source)])
        for n in range(10)
    ]
    result = llb.scratch().file(*(llb.copy(part.mount("/out"), "/", "/") for part in parts))
    kinds = [op.kind for op in marshal(result).ops()]
    assert sorted(kinds) == ["exec"] * 11 + ["file", "source", "source", "terminal"]


def test_equal_ops_are_one_op_though_they_were_made_twice() -> None:
    def build() -> llb.State:
        return llb.image("alpine").run(["true"]).root

    assert len(marshal(llb.merge([build(), build()])).raw) == 4


def test_every_way_through_the_graph_is_not_walked() -> None:
    state = ALPINE
    for number in range(200):
        # 2 ** 200 ways lead down from here.
        left, right = state.mkfile("/l", str(number)), state.mkfile("/r", str(number))
        state = llb.merge([left, right])
    assert len(marshal(state).raw) == 602


def test_deep_graphs() -> None:
    state = ALPINE
    nested = llb.scratch().mkfile("/0", "")
    for number in range(5000):
        state = state.run(["step", str(number)]).root
        nested = llb.scratch().copy(nested, "/", "/", timestamp=number)
    definition = marshal(state)
    assert len(definition.raw) == 5002
    assert len(marshal(nested).raw) == 5002
    assert len(marshal(llb.State.from_definition(definition).mkfile("/x", "")).raw) == 5003
    assert repr(state) == "<State <ExecOp 'run step 4999'>>"
    assert state == state.with_cwd("/")
    assert hash(state) == hash(state.with_cwd("/"))


def test_an_op_that_is_given_two_names_keeps_the_later() -> None:
    one = llb.image("alpine", meta=Meta(name="one", ignore_cache=True))
    two = llb.image("alpine", meta=Meta(name="two", export_cache=False))
    definition = marshal(llb.scratch().file(llb.copy(one, "/", "/"), llb.copy(two, "/", "/")))
    # Like Go's client, this one looks at the last source first.
    (image,) = [op for op in definition.ops() if op.kind == "source"]
    assert image.name == "one"
    assert image.metadata.ignore_cache
    assert image.metadata.HasField("export_cache")
    assert not image.metadata.export_cache.Value


def test_the_terminal_says_which_metadata_is_used() -> None:
    state = ALPINE.run(["true"], meta=Meta(name="x", ignore_cache=True, export_cache=True)).root
    terminal = marshal(state).ops()[-1]
    assert set(terminal.metadata.caps) == {
        "constraints",
        "platform",
        "meta.ignorecache",
        "meta.description",
        "meta.exportcache",
    }


def test_metadata_changes_no_digest_but_a_worker_filter_does() -> None:
    plain = marshal(ALPINE.run(["true"]).root)
    meta = Meta(
        name="x",
        group=llb.ProgressGroup("a", "b", weak=True),
        location=llb.Location(llb.SourceFile("f", b""), ()),
        ignore_cache=True,
        export_cache=True,
        resources=llb.Resources(memory=5),
    )
    assert marshal(ALPINE.run(["true"], meta=meta).root).raw == plain.raw
    filtered = marshal(ALPINE.run(["true"], meta=Meta(require=("a==b",))).root)
    assert filtered.raw[:1] == plain.raw[:1]
    assert filtered.head != plain.head


def test_resources_reach_the_metadata() -> None:
    given = llb.Resources(1, -1, 2, 3, -4, "0-3", "0")
    op = marshal(ALPINE.run(["true"], meta=Meta(resources=given)).root).ops()[-2]
    found = op.metadata.linux_resources
    assert (found.memory, found.memorySwap, found.cpuShares, found.cpuPeriod) == (1, -1, 2, 3)
    assert (found.cpuQuota, found.cpusetCpus, found.cpusetMems) == (-4, "0-3", "0")


PROGRAM = """
from hashlib import sha256
from tests.unit.llb.cases import CASES, marshal
found = [sha256(marshal(name).to_bytes()).hexdigest() for name in sorted(CASES)]
print(sha256("".join(found).encode()).hexdigest())
"""


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_hashes_of_this_process_decide_nothing(seed: str, tmp_path: Path) -> None:
    env = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "TZ": "Asia/Tokyo"}
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=env, cwd=tmp_path, capture_output=True, check=True
    ).stdout.decode()
    here = [sha256(marshal_case(name).to_bytes()).hexdigest() for name in sorted(CASES)]
    assert found.strip() == sha256("".join(here).encode()).hexdigest()


def test_the_same_graph_gives_the_same_bytes() -> None:
    for name in sorted(CASES):
        assert marshal_case(name).to_bytes() == marshal_case(name).to_bytes()


def test_the_order_of_mounts_does_not_matter() -> None:
    mounts = [Mount.bind(f"/{letter}", ALPINE, f"/{letter}") for letter in "qwertyuiop"]
    expected = marshal(ALPINE.run(["true"], mounts=mounts).root).to_bytes()
    for seed in range(10):
        random.Random(seed).shuffle(mounts)
        assert marshal(ALPINE.run(["true"], mounts=mounts).root).to_bytes() == expected


@pytest.mark.parametrize("seed", range(25))
def test_any_graph(seed: int) -> None:
    """Random graphs obey the rules of a definition, survive a round trip, and name their inputs."""
    state = random_state(random.Random(seed), 60)
    definition = marshal(state)
    assert len(set(definition.digests)) == len(definition.raw)
    assert definition.digests == tuple(digest_of(data) for data in definition.raw)
    positions = {digest: number for number, digest in enumerate(definition.digests)}
    for op in definition.ops():
        for digest, index in op.inputs:
            assert positions[digest] < positions[op.digest]
            assert 0 <= index < outputs_of(definition, digest)
    assert llb.Definition.from_bytes(definition.to_bytes()) == definition
    again = marshal(llb.State.from_definition(definition))
    assert again.raw == definition.raw
    assert again.to_bytes() == marshal(random_state(random.Random(seed), 60)).to_bytes()


def outputs_of(definition: llb.Definition, digest: str) -> int:
    (op,) = [op for op in definition.ops() if op.digest == digest]
    if op.kind != "exec":
        return 1
    return sum(mount.output >= 0 for mount in op.message.exec.mounts)


def random_state(dice: random.Random, size: int) -> llb.State:
    states = [ALPINE, llb.local("context", session="s"), llb.scratch().mkdir("/d")]
    for number in range(size):
        base, other, third = (dice.choice(states) for _ in range(3))
        meta = Meta(name=f"step {number}") if dice.random() < 0.5 else Meta()
        match dice.randrange(4):
            case 0:
                done = base.run(
                    ["step", str(number)],
                    mounts=[Mount.bind("/b", other), Mount.bind("/a", third, readonly=True)],
                    meta=meta,
                )
                states += [done.root, done.mount("/b")]
            case 1:
                copies = (llb.copy(other, "/", "/"), llb.copy(third, "/x", f"/{number}"))
                states.append(base.file(*copies, meta=meta))
            case 2:
                states.append(llb.merge([base, other, third], meta=meta))
            case 3:
                states.append(llb.diff(base, other, meta=meta))
    return llb.merge(states[-5:])


def test_the_platform_given_to_marshal_is_that_of_what_names_none() -> None:
    arm = llb.Platform("linux", "arm64")
    state = llb.image("alpine", platform=arm).copy(ALPINE.run(["true"]).root, "/", "/")
    found = {
        op.message.platform.Architecture
        for op in state.marshal(platform=AMD64).ops()
        if op.message.HasField("platform")
    }
    assert found == {"amd64", "arm64"}
