"""The toolchains' images: what of them is pinned, in every framework."""

from __future__ import annotations

from dataclasses import replace

import pytest

import frameworks
from frameworks import kit
from frameworks.base import Build
from llb import Platform
from llb.tree import render
from tests.unit.core.helpers import AMD64, lower

ARM64 = Platform("linux", "arm64")
HEAD = "version: v1\nplatforms: {framework: %s, monitor: %s}\n"
FRAMEWORKS = ("freebsd", "linux", "mirage", "netbsd")
"""Those that build in Debian."""


def build_of(framework: str, rest: str = "", platform: Platform = AMD64) -> Build:
    app = "app: {from: local}\n" if framework == "mirage" else ""
    monitor = "hvt" if framework == "mirage" else "qemu"
    kernel = "kernel: {from: source}\n"
    return lower(HEAD % (framework, monitor) + kernel + app + rest, platform=platform).build


def installs(build: Build, worker: Platform = AMD64) -> list[str]:
    """The commands that install the toolchain, without what every one of them has."""
    made = render(
        frameworks.get(build.plan.framework)
        .toolchain(replace(build, worker=worker))
        .marshal(platform=AMD64)
    )
    mark = "args /bin/sh /hutch/install.sh "
    return [line.partition(mark)[2] for line in made.splitlines() if mark in line]


def test_what_is_pinned_comes_last() -> None:
    release = kit.Release(
        "image", ("a", "s", "t"), {"cc-1": "5-1", "cross-1": {"amd64": "7"}}, {"cc": "cc-1"}
    )
    packages = ("cc", "make", "cross-1", "make")
    assert release.exact(packages, "amd64") == ("cc", "make", "cc-1=5-1", "cross-1=7")
    assert release.exact(packages, "arm64") == ("cc", "make", "cross-1", "cc-1=5-1")


def test_every_version_is_for_both_builders() -> None:
    """A builder of either architecture has the same compilers."""
    release = kit.release()
    names = (*release.versions, *release.brings)
    for architecture in ("amd64", "arm64"):
        pinned = [name for name in release.exact(names, architecture) if "=" in name]
        assert {name.partition("=")[0] for name in pinned} == set(release.versions)
    assert set(release.brings.values()) <= set(release.versions)


@pytest.mark.parametrize("worker", [AMD64, ARM64], ids=["on-amd64", "on-arm64"])
@pytest.mark.parametrize("platform", [AMD64, ARM64], ids=["for-amd64", "for-arm64"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_toolchain_is_pinned(framework: str, platform: Platform, worker: Platform) -> None:
    """All that the table has a version of is installed in it, from its time."""
    release = kit.release()
    (command, *_) = installs(build_of(framework, platform=platform), worker)
    pinned = [word for word in command.split() if "=" in word]
    assert pinned
    assert command.startswith(f"--snapshot {' '.join(release.snapshot)} ")
    plain = {word for word in command.split() if "=" not in word}
    assert plain.isdisjoint(release.versions)
    assert {release.brings[word] for word in plain if word in release.brings} <= {
        word.partition("=")[0] for word in pinned
    }


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_image_of_ones_own_has_what_it_has(framework: str) -> None:
    for command in installs(build_of(framework, "toolchain: {from: 'debian:sid'}\n")):
        assert "=" not in command
        assert "--snapshot" not in command


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_packages_of_the_file_are_installed_as_it_names_them(framework: str) -> None:
    said = "toolchain: {packages: [clang-19, libfoo-dev=1.2]}\n"
    last = installs(build_of(framework, said))[0]
    assert last.startswith("clang-19 libfoo-dev=1.2")


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_another_date_installs_no_toolchain(framework: str) -> None:
    def made(epoch: int) -> str:
        build = build_of(framework)
        dated = replace(build, plan=replace(build.plan, epoch=epoch))
        state = kit.toolchain(dated, ("make",))
        return state.marshal(platform=AMD64).head

    assert made(1) == made(2)
