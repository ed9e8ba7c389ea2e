"""The toolchains' images: what of them is pinned, in every framework."""

from __future__ import annotations

from dataclasses import replace

import pytest

import frameworks
from frameworks import kit
from frameworks.base import Build
from frameworks.lower import Lowering
from frameworks.spec import APP, TOOLCHAIN, Package
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


def installs(build: Build, worker: Platform = AMD64, script: str = "install.sh") -> list[str]:
    """The commands that install the toolchain, without what every one of them has."""
    made = render(
        frameworks.get(build.plan.framework)
        .toolchain(replace(build, worker=worker))
        .marshal(platform=AMD64)
    )
    mark = f"args /bin/sh /hutch/{script} "
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
    script = "packages.sh install /hutch/packages"
    last = installs(build_of(framework, said), script=script)[0]
    assert last.startswith("clang-19 libfoo-dev=1.2")


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_another_date_installs_no_toolchain(framework: str) -> None:
    def made(epoch: int) -> str:
        build = build_of(framework)
        dated = replace(build, plan=replace(build.plan, epoch=epoch))
        state = kit.toolchain(dated, ("make",))
        return state.marshal(platform=AMD64).head

    assert made(1) == made(2)


PACKAGED = """\
version: v1
platforms: {framework: %s, monitor: %s}
kernel: {from: source}
toolchain: {packages: [toolchain-package]}
app: {from: local, packages: [app-package]%s}
cmd: [/a]
"""


def packaged(framework: str, *, script: bool) -> str:
    monitor = next(iter(frameworks.get(framework).guest.monitors))
    return PACKAGED % (framework, monitor, ", build: make, artifacts: ['a:/a']" if script else "")


@pytest.mark.parametrize("script", [True, False], ids=["scripts", "no scripts"])
@pytest.mark.parametrize(
    "framework", ["freebsd", "linux", "mirage", "netbsd", "rumprun", "unikraft"]
)
def test_what_a_plan_says_is_installed(framework: str, script: bool) -> None:
    """A lock has to have each list of packages that is used, and no other: all recipes hold it."""
    text = packaged(framework, script=script)
    if framework in ("mirage", "rumprun", "unikraft"):  # the application is the kernel
        text = text.replace(", artifacts: ['a:/a']", "")
    lowering = Lowering(lower(text).build)
    build = lowering.build
    assert not build.fetched
    _ = lowering.layers
    assert {*build.fetched} == {*build.plan.packages}
    assert TOOLCHAIN in build.fetched
    # What no step uses is told by lint.
    told = [each.message for each in build.plan.warnings if each.code == "IgnoredKey"]
    assert any("'app.packages'" in each for each in told) == (APP not in build.plan.packages)
    listed = Lowering(build).packages
    assert {*listed} == {*build.plan.packages}


def test_a_lock_takes_the_network_from_a_toolchain() -> None:
    """Its files are fetched by the daemon, each by its checksum, and no step chooses any more."""
    build = lower(packaged("linux", script=True)).build
    files = tuple(
        Package(name, "1", f"http://m.example/pool/{name}_1_amd64.deb", f"{number:064x}")
        for number, name in enumerate(("clang", "llvm"))
    )
    lists = {name: replace(each, files=files) for name, each in build.plan.packages.items()}
    locked = replace(build, plan=replace(build.plan, packages=lists))
    lowering = Lowering(locked)
    app = lowering.app
    assert app is not None
    ops = app.state.marshal(platform=AMD64).ops()
    commands = [list(op.message.exec.meta.args) for op in ops if op.kind == "exec"]
    verbs = [words[2:] for words in commands if words[1] == "/hutch/packages.sh"]
    assert [(verb, *rest) for verb, _, *rest in verbs] == [
        ("install", "toolchain-package"),
        ("install", "app-package"),
    ]
    urls = {op.message.source.identifier for op in ops if op.kind == "source"}
    assert {each.url for each in files} <= urls
    assert not lowering.build.fetched
    # What `hutch lock` asks for is never answered by a lock.
    assert {*Lowering(locked).packages} == {TOOLCHAIN, APP}
    # Nothing is fetched where the image has it all; whether it has, the same step sees.
    lists = {name: replace(each, files=()) for name, each in lists.items()}
    bare = Lowering(replace(build, plan=replace(build.plan, packages=lists))).app
    assert bare is not None
    told = render(bare.state.marshal(platform=AMD64))
    assert "packages.sh install /hutch/packages app-package" in told
    assert "packages.sh fetch" not in told
