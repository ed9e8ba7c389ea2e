"""What build systems are told of the guest: variables, CMake's and Meson's files."""

from __future__ import annotations

import ast
import configparser
import re

import pytest

from frameworks import kit
from frameworks.architectures import AMD64, ARM64, TABLE
from frameworks.kit.cross import cmake, meson
from llb import Platform, State
from llb.pb import ops_pb2
from tests.places import ROOT
from tests.unit.core.helpers import AMD64 as AMD64_BUILDER
from tests.unit.core.helpers import lower

FILE = """\
version: v1
platforms: {framework: %s, monitor: qemu}
kernel: {from: source}
%sapp:
  packages: [%s]
  build: make
  artifacts: ['a:/a']
cmd: [/a]
"""


def steps(state: State) -> dict[str, tuple[list[str], dict[str, str]]]:
    """Arguments and environment of the steps that run something, by name."""
    found = {}
    for op in state.marshal(platform=AMD64_BUILDER).ops():
        if op.kind == "exec":
            meta = op.message.exec.meta
            env = dict(pair.split("=", 1) for pair in meta.env)
            found[op.name.partition("] ")[2]] = (list(meta.args), env)
    return found


def seen(
    framework: str, architecture: str, args: str = "", packages: str = "cmake"
) -> dict[str, tuple[list[str], dict[str, str]]]:
    text = FILE % (framework, args, packages)
    lowering = lower(text, platform=Platform("linux", architecture))
    assert lowering.app is not None
    return steps(lowering.app.state)


def environment(framework: str, architecture: str, args: str = "") -> dict[str, str]:
    return seen(framework, architecture, args)["build the application"][1]


@pytest.mark.parametrize("architecture", sorted(TABLE))
@pytest.mark.parametrize("framework", ["linux", "netbsd", "freebsd"])
def test_the_variables_are_the_documented_ones(framework: str, architecture: str) -> None:
    """The table of docs/applications.md, cell by cell."""
    page = (ROOT / "docs" / "applications.md").read_text()
    _, _, table = page.partition("| variable | linux | netbsd | freebsd |\n")
    table, _, _ = table.partition("\n\n")
    column = ["linux", "netbsd", "freebsd"].index(framework)
    cpu = TABLE[architecture].cpu
    documented = {}
    for row in table.splitlines()[1:]:
        name, *cells = (cell.strip() for cell in row.strip("|").split("|"))
        if cells[column] == "-":
            continue
        value = cells[column].strip("`").replace("CPU", cpu).replace("ARCH", architecture)
        documented[name.strip("`").replace("CPU", cpu.upper())] = value.replace(
            "LLVM", "/usr/lib/llvm-19/bin"
        )
    env = environment(framework, architecture)
    common = {"SOURCE_DATE_EPOCH", "GOMODCACHE", "GOCACHE", "CARGO_HOME", "PIP_CACHE_DIR"}
    told = {
        name: value
        for name, value in env.items()
        if not re.match("TARGET|BUILD", name) and name not in {*common, "npm_config_cache"}
    }
    assert told == documented


def test_an_argument_of_the_file_wins() -> None:
    env = environment("linux", "arm64", "args: {CGO_ENABLED: '1', GOCACHE: /mine}\n")
    assert (env["CGO_ENABLED"], env["GOCACHE"]) == ("1", "/mine")
    assert env["CC"] == "aarch64-linux-gnu-gcc"


def test_a_compiler_of_c_plus_plus_is_the_guests() -> None:
    """Of the packages only g++ has another name for another architecture."""

    def installed(architecture: str) -> list[str]:
        found = seen("linux", architecture, packages="g++, cmake")
        asked = found["fetch packages of 'app'"][0][2:]
        assert asked[:4] == ["fetch", "/out", "", "amd64"]
        taken = found["install the application's packages"][0][2:]
        assert taken == ["install", "/hutch/packages", *asked[4:]]
        return asked[4:]

    assert installed("amd64") == ["g++", "cmake"]
    assert installed("arm64") == ["g++", "cmake", "g++-aarch64-linux-gnu"]


def test_packages_are_downloaded_into_a_cache() -> None:
    lowering = lower(FILE % ("linux", "", "cmake"))
    assert lowering.app is not None
    steps = {
        op.message.exec.meta.args[2]: op.message.exec
        for op in lowering.app.state.marshal(platform=AMD64_BUILDER).ops()
        if op.kind == "exec" and op.message.exec.meta.args[1] == "/hutch/packages.sh"
    }
    caches = {
        verb: {m.dest: m.cacheOpt.ID for m in step.mounts if m.cacheOpt.ID}
        for verb, step in steps.items()
    }
    # Scripts of packages run where they are installed: what they could spoil is not there.
    assert caches == {"fetch": {"/hutch/archives": "hutch/apt"}, "install": {}}
    assert {verb: step.network for verb, step in steps.items()} == {
        "fetch": ops_pb2.UNSET,
        "install": ops_pb2.NONE,
    }


FREEBSD = kit.Cross(
    "freebsd", "/l/clang", "/l/clang++", "/l/llvm-", "/l/ld.lld", "x-freebsd", "-fuse-ld=lld\n"
)


def values(text: str) -> dict[str, str]:
    return dict(re.findall(r'^set\((\w+) "(.*)"\)$', text, re.M))


def test_cmake_is_told_of_another_system() -> None:
    said = values(cmake(FREEBSD, ARM64, native=False))
    assert (said["CMAKE_SYSTEM_NAME"], said["CMAKE_SYSTEM_PROCESSOR"]) == ("FreeBSD", "aarch64")
    # Flags that a project sets itself do not take the place of these.
    assert said["CMAKE_C_COMPILER"] == "/l/clang;--config=/hutch/cross/clang.cfg"
    assert said["CMAKE_CXX_COMPILER_TARGET"] == "x-freebsd"
    assert said["CMAKE_RANLIB"] == "/l/llvm-ranlib"
    # Nothing can be linked without a C library, so CMake must not try.
    assert said["CMAKE_TRY_COMPILE_TARGET_TYPE"] == "STATIC_LIBRARY"


def test_cmake_may_run_what_the_builder_runs() -> None:
    """A system's name makes a cross build of it, whose programs CMake never runs."""
    said = values(cmake(kit.gcc("linux", AMD64, libc=True), AMD64, native=True))
    assert "CMAKE_SYSTEM_NAME" not in said
    assert "CMAKE_TRY_COMPILE_TARGET_TYPE" not in said
    assert said["CMAKE_C_COMPILER"] == "x86_64-linux-gnu-gcc"


@pytest.mark.parametrize(
    ("guest", "native"), [(FREEBSD, False), (kit.gcc("linux", ARM64, libc=True), True)]
)
def test_mesons_file(guest: kit.Cross, native: bool) -> None:
    parser = configparser.ConfigParser()
    parser.read_string(meson(guest, ARM64, native=native))
    binaries = {name: ast.literal_eval(words) for name, words in parser["binaries"].items()}
    assert binaries["c"] == [guest.cc, *guest.options]
    assert binaries["strip"] == [f"{guest.prefix}strip"]
    assert parser.getboolean("properties", "needs_exe_wrapper") is not native
    folders = ast.literal_eval(parser["properties"]["pkg_config_libdir"])
    assert folders == list(guest.pkgconfig)
    machine = {name: ast.literal_eval(word) for name, word in parser["host_machine"].items()}
    assert machine["system"] == guest.system
    assert machine["cpu_family"] == machine["cpu"] == "aarch64"
