"""urunc as the one runtime: its versions as data, and what builds need of it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import frameworks
import schemas
from frameworks.runtime import RUNTIME
from frameworks.runtime.urunc import GUESTS
from frameworks.runtime.urunc.keys import KEYS as KINDS
from frameworks.runtime.urunc.versions import NEWEST, VERSIONS

OLDEST = {"mirage", "rumprun", "unikraft"}
MONITORS = {"firecracker", "hvt", "qemu", "spt"}
RUNS = {
    "0.5.0": (OLDEST, MONITORS),
    "0.6.0": (OLDEST | {"linux", "mewz"}, MONITORS),
    "0.7.0": (OLDEST | {"linux", "mewz"}, MONITORS),
    "2026-05": (OLDEST | {"linux", "mewz", "hermit"}, MONITORS | {"cloud-hypervisor"}),
    "2026-08": (OLDEST | {"linux", "mewz", "hermit"}, MONITORS | {"cloud-hypervisor"}),
    "next": (
        OLDEST | {"linux", "mewz", "hermit", "freebsd"},
        MONITORS | {"cloud-hypervisor", "hyperlight-unikraft"},
    ),
}


def test_the_versions_are_those_with_data() -> None:
    assert RUNTIME.versions == tuple(VERSIONS) == tuple(RUNS)
    assert RUNTIME.newest == NEWEST.name
    assert sorted(VERSIONS.values(), key=lambda each: each.date) == list(VERSIONS.values())


@pytest.mark.parametrize("name", RUNS)
def test_what_each_version_runs(name: str) -> None:
    assert (set(VERSIONS[name].guests), set(VERSIONS[name].monitors)) == RUNS[name]


def test_which_frameworks_no_version_takes() -> None:
    guests = {name: frameworks.guest(name) for name in frameworks.TABLE}
    lost = [name for name, each in guests.items() if RUNTIME.first_version(each.type) is None]
    assert lost == ["netbsd", "generic"]  # of a generic guest nobody knows
    assert set(GUESTS) <= {each.type for each in guests.values()}


def test_the_schema_of_its_file_has_its_keys() -> None:
    ours = {name for name, kind in KINDS.items() if kind != "host"}
    schema = schemas.runtime()
    assert RUNTIME.short(schema["properties"]).keys() == ours
    assert [*RUNTIME.short(dict.fromkeys(schema["required"], ""))] == [*RUNTIME.keys.needed]


def test_its_file_holds_what_is_read() -> None:
    keys = {f"{RUNTIME.prefix}cmdline": "a 'ü'"}
    assert RUNTIME.read(RUNTIME.written(keys)) == keys
    for data in (b"[]", b'{"a": 1}', b'{"a": "?"}', b"{"):
        with pytest.raises(ValueError, match=r"."):
            RUNTIME.read(data)


PLACES = ({"binary": "a"}, {"binary": "l", "hypervisor": "l", "unikernelType": "l"}, {"x": "f"})


def test_which_of_three_places_counts() -> None:
    annotations, labels, file = PLACES
    assert RUNTIME.effective(annotations, labels, file, "") == {**labels, **annotations}
    assert RUNTIME.effective(annotations, {}, file, "") == file
    assert RUNTIME.effective(annotations, labels, file, "0.7.0") == file


def test_whose_arguments_the_guest_gets() -> None:
    keys = {"unikernelType": "linux", "cmdline": "a b"}
    assert RUNTIME.arguments(keys, ("x",), "0.5.0") == ("a", "b")
    assert RUNTIME.arguments(keys, ("x",), "") == ("x",)
    assert RUNTIME.arguments(keys, (), "") == ("a", "b")
    assert RUNTIME.arguments(keys, (), "next") == ()


def test_a_build_imports_no_command_lines() -> None:
    """The image leaves these modules out (`image.assemble`)."""
    program = (
        "import json, sys, frontend.build, frontend.targets.image, frontend.lint.imagechecks\n"
        "print(json.dumps([n for n in sys.modules if n.startswith('frameworks.runtime')]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert sorted(json.loads(done.stdout)) == [
        "frameworks.runtime",
        "frameworks.runtime.base",
        "frameworks.runtime.monitors",
        "frameworks.runtime.urunc",
    ]
