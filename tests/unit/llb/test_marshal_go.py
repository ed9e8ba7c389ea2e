"""The digests, capabilities, metadata and source maps are those of BuildKit's Go client.

goldens/go.json holds what client/llb gave for the same graphs; this library made nothing of it.
"""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from llb import Cap
from llb.pb import ops_pb2 as pb
from tests.unit.llb.cases import CASES, marshal

GOLDENS = json.loads((Path(__file__).parent / "goldens" / "go.json").read_text())["cases"]

# Capabilities that this library asks for and Go's client does not, though the daemon may ignore the
# field without them; by case.
STRICTER = {
    "copy patterns": {Cap.FILE_COPY_INCLUDE_EXCLUDE, Cap.FILE_COPY_REQUIRED_PATHS},
    "copy flags": {Cap.FILE_COPY_ALWAYS_REPLACE},
    "symlink": {Cap.FILE_SYMLINK},
    "symlink everything": {Cap.FILE_SYMLINK},
    "file chain": {Cap.FILE_SYMLINK},
    "rm everything": {Cap.FILE_RM_WILDCARD},
    "git subdir": {Cap.SOURCE_GIT_SUBDIR},
    "git ref subdir": {Cap.SOURCE_GIT_SUBDIR},
    "exec cgroup": {Cap.EXEC_CGROUP_PARENT},
    "mount bind no output": {Cap.MOUNT_BIND_NO_OUTPUT},
    "mounts root": {Cap.MOUNT_BIND_NO_OUTPUT},
    "mounts out": {Cap.MOUNT_BIND_NO_OUTPUT},
    "mounts b": {Cap.MOUNT_BIND_NO_OUTPUT},
    "mounts combined": {Cap.MOUNT_BIND_NO_OUTPUT},
}


def test_every_case_has_a_golden() -> None:
    assert sorted(CASES) == sorted(GOLDENS)


@pytest.mark.parametrize("name", GOLDENS)
def test_ops_are_byte_for_byte_those_of_go(name: str) -> None:
    definition = marshal(name)
    assert [digest.removeprefix("sha256:") for digest in definition.digests] == GOLDENS[name]["ops"]


def test_metadata_is_that_of_go() -> None:
    found: dict[str, dict[str, str]] = {}
    for name in GOLDENS:
        for number, op in enumerate(marshal(name).ops()):
            op.metadata.ClearField("caps")
            data = op.metadata.SerializeToString(deterministic=True)
            if data:
                found.setdefault(name, {})[str(number)] = sha256(data).hexdigest()
    assert found == {name: case["metadata"] for name, case in GOLDENS.items() if "metadata" in case}


def test_capabilities_are_those_of_go_and_the_ones_it_forgets() -> None:
    more: dict[str, set[str]] = {}
    for name in GOLDENS:
        for op, expected in zip(marshal(name).ops(), GOLDENS[name]["caps"], strict=True):
            caps = set(op.metadata.caps)
            assert caps >= set(expected.split()), name
            more.setdefault(name, set()).update(caps - set(expected.split()))
    assert {name: caps for name, caps in more.items() if caps} == STRICTER


def test_locations_are_those_of_go() -> None:
    definition = marshal("locations")
    golden = GOLDENS["locations"]
    assert definition.source is not None
    assert len(definition.source.infos) == golden["files"]
    found = {
        str(number): "".join(map(_location, definition.source.locations[digest].locations))
        for number, digest in enumerate(definition.digests)
        if digest in definition.source.locations
    }
    assert found == golden["locations"]


def _location(location: pb.Location) -> str:
    ranges = [
        f" {r.start.line}.{r.start.character}-{r.end.line}.{r.end.character}"
        for r in location.ranges
    ]
    return f"{location.sourceIndex}:" + "".join(ranges) + ";"
