"""Packages of a root filesystem: what a lock names is fetched as it says, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

from frameworks.base import Build, Framework
from frameworks.lower import Lowering
from frameworks.rootfs import packages
from frameworks.spec import ROOTFS, Package, PackageList, Text
from frontend import plan
from frontend.bunnyfile import load
from frontend.inputs.offline import OfflineInputs
from llb import Mount, Platform, State, image, scratch

AMD64 = Platform("linux", "amd64")
FILE = b"""version: v1
platforms: {framework: prebuilt, monitor: qemu}
kernel: {from: local, path: kernel}
rootfs: {from: "debian:trixie-slim"}
"""


class _Distribution(Framework):
    """A framework whose packages are put into a folder."""

    name = "prebuilt"

    def fetch_packages(self, build: Build, tree: State) -> State:
        return tree.run(["/fetch"], mounts=[Mount.bind("/out", scratch())]).mount("/out")

    def install_packages(self, build: Build, tree: State, packages: State) -> State:
        return tree.run(["/install"], mounts=[Mount.bind("/packages", packages)]).root


def _build(locked: tuple[Package, ...] | None) -> Build:
    loaded = load(FILE.replace(b"framework: prebuilt", b"framework: linux"), "bunnyfile")
    made = plan.make(loaded.bunnyfile, loaded.file, AMD64)
    rootfs = replace(made.rootfs, packages=(Text("nginx"),))
    lists = {ROOTFS: PackageList(rootfs.packages, files=locked)}
    made = replace(made, rootfs=rootfs, packages=lists)
    return Build(made, _Distribution(), OfflineInputs(AMD64), AMD64)


def _sources(state: State) -> list[str]:
    ops = state.marshal(platform=AMD64).ops()
    return sorted(op.message.source.identifier for op in ops if op.kind == "source")


def _commands(state: State) -> list[str]:
    ops = state.marshal(platform=AMD64).ops()
    return sorted(op.message.exec.meta.args[0] for op in ops if op.kind == "exec")


BASE = image("debian:trixie-slim", platform=AMD64)
SOURCE = "docker-image://docker.io/library/debian:trixie-slim"


def test_without_a_lock_the_framework_fetches() -> None:
    made = packages.install(_build(None), BASE)
    assert _commands(made) == ["/fetch", "/install"]


def test_a_lock_is_fetched_file_by_file() -> None:
    locked = tuple(
        Package(f"p{n}", "1", f"http://mirror.example/pool/p{n}_1.deb", f"{n:064x}")
        for n in range(70)
    )
    made = packages.install(_build(locked), BASE)
    assert _commands(made) == ["/install"]
    assert _sources(made) == sorted([SOURCE, *(each.url for each in locked)])
    sums = {
        op.message.source.identifier: op.message.source.attrs["http.checksum"]
        for op in made.marshal(platform=AMD64).ops()
        if op.kind == "source" and op.message.source.identifier.startswith("http")
    }
    assert sums == {each.url: f"sha256:{each.sha256}" for each in locked}


def test_a_lock_of_what_the_base_has_fetches_nothing() -> None:
    """Whether the base has what is asked for, the step sees that installs."""
    made = packages.install(_build(()), BASE)
    assert _commands(made) == ["/install"]
    assert _sources(made) == [SOURCE]


def test_what_a_lock_asks_for_is_never_answered_by_it() -> None:
    listed = Lowering(_build(())).packages[ROOTFS]
    assert listed.path == packages.LIST
    assert _commands(listed.state) == ["/fetch"]


def test_the_name_of_a_file() -> None:
    assert packages.file_name("http://m/pool/a_1%2b2_all.deb?x=1#y") == "a_1+2_all.deb"
    assert packages.file_name("http://m/") == "package"
