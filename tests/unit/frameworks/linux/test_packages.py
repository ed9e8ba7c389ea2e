"""Packages of a Linux guest: what the steps are, and which of them has the network."""

from __future__ import annotations

from frameworks.linux import packages
from llb import Platform
from llb.pb import ops_pb2
from tests.unit.core.helpers import lower

FILE = """version: v1
platforms: {framework: linux, monitor: qemu}
kernel: {from: local, path: kernel}
rootfs: {from: "debian:trixie-slim", packages: [nginx, curl]}
cmd: [nginx]
init: none
"""


def _steps(platform: str) -> dict[str, tuple[ops_pb2.Op, str]]:
    """The steps by the word after the script, and the platform of each."""
    of = Platform.parse(platform)
    tree = lower(FILE, platform=of).rootfs.tree
    assert tree is not None
    found = {}
    for op in tree.marshal(platform=of).ops():
        if op.kind == "exec" and "/hutch/packages.sh" in op.message.exec.meta.args:
            found[op.message.exec.meta.args[2]] = (op.message, op.message.platform.Architecture)
    return found


def test_one_step_fetches_and_another_installs() -> None:
    steps = _steps("linux/amd64")
    assert set(steps) == {"fetch", "install"}
    fetch, install = steps["fetch"][0].exec, steps["install"][0].exec
    assert list(fetch.meta.args[3:]) == ["/out", "", "amd64", "nginx", "curl"]
    assert list(install.meta.args[3:]) == ["/hutch/packages", "nginx", "curl"]
    assert (fetch.network, install.network) == (ops_pb2.UNSET, ops_pb2.NONE)


def test_for_another_processor_only_scripts_of_packages_are_emulated() -> None:
    steps = _steps("linux/arm64")
    assert {verb: of for verb, (_, of) in steps.items()} == {"fetch": "amd64", "install": "arm64"}
    assert list(steps["fetch"][0].exec.meta.args[3:6]) == ["/out", "/target", "arm64"]


def test_what_is_missing_is_looked_up_anew() -> None:
    lowering = lower(FILE)
    found = packages.missing(lowering.build, lowering.base.state)
    assert found.path == "/missing"
    definition = found.state.marshal(platform=Platform("linux", "amd64"))
    last = [op for op in definition.ops() if op.kind == "exec"][-1]
    assert definition.to_pb().metadata[last.digest].ignore_cache
