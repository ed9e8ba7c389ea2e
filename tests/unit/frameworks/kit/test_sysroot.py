"""The headers and libraries of the guest's system: where they come from, and when."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from frameworks import kit
from frameworks.architectures import ARM64
from frameworks.kit.cross import cmake, environment, meson
from frameworks.spec import Origin, Text
from frontend.bunnyfile import load
from tests.places import ROOT
from tests.unit.core.helpers import AMD64 as BUILDER
from tests.unit.core.helpers import lower

FILE = """\
version: v1
platforms: {framework: %s, monitor: qemu}
kernel: %s
app:
  build: make
%s  artifacts: ['a:/a']
cmd: [/a]
"""
SUM = "0" * 64
BUILT = "{from: source}"
SETS = f"""\
  sysroot:
    - {{from: https://example.org/base.txz, sha256: {SUM}}}
    - more
"""


def ops(sysroot: str = "", kernel: str = BUILT, framework: str = "freebsd") -> dict[str, list[str]]:
    """The steps of an application's build by name; of those that run something, its arguments."""
    lowering = lower(FILE % (framework, kernel, sysroot))
    assert lowering.app is not None
    return {
        op.name.partition("] ")[2]: list(op.message.exec.meta.args)
        for op in lowering.app.state.marshal(platform=BUILDER).ops()
    }


def origins(sysroot: str) -> tuple[Origin, ...]:
    app = load((FILE % ("freebsd", BUILT, sysroot)).encode(), "bunnyfile").bunnyfile.app
    assert app is not None
    return app.sysroot


def test_one_or_a_list_of_names_and_archives() -> None:
    url = Text("https://example.org/base.txz")
    assert origins("") == ()
    assert origins("  sysroot: source\n") == (Origin(Text("source")),)
    one = f"  sysroot: {{from: {url}, sha256: '{SUM}'}}\n"
    assert origins(one) == (Origin(url, Text(SUM)),)
    assert origins(SETS) == (Origin(url, Text(SUM)), Origin(Text("more")))


LIBRARIES = "build FreeBSD's C library"


@pytest.mark.parametrize(
    ("sysroot", "kernel", "built"),
    [
        ("", BUILT, True),
        ("", "{from: local, path: kernel}", False),
        ("  sysroot: source\n", "{from: local, path: kernel}", True),
        ("  sysroot: none\n", BUILT, False),
        (SETS, BUILT, False),
    ],
)
def test_when_the_tree_is_built_for_it(sysroot: str, kernel: str, built: bool) -> None:
    found = ops(sysroot, kernel)
    assert (LIBRARIES in found) is built
    if built:
        called = found[LIBRARIES]
        assert "TARGET=amd64" in called
        assert "NO_PIC=yes" in called
        assert "add the guest's headers and libraries" in found


def test_a_kernel_does_without_it() -> None:
    lowering = lower(FILE % ("freebsd", BUILT, ""))
    assert lowering.kernel is not None
    names = [op.name for op in lowering.kernel.state.marshal(platform=BUILDER).ops()]
    assert not [name for name in names if LIBRARIES in name]


def test_what_there_is_comes_in_its_order() -> None:
    lowering = lower(FILE % ("freebsd", BUILT, SETS))
    assert lowering.app is not None
    found = list(lowering.app.state.marshal(platform=BUILDER).ops())
    (fetched,) = [op for op in found if op.message.source.identifier.startswith("https://")]
    assert fetched.message.source.attrs["http.checksum"] == f"sha256:{SUM}"
    taken = [op.name.partition("] ")[2] for op in found if "take the libraries" in op.name]
    assert taken == [
        "take the libraries of https://example.org/base.txz",
        "take the libraries of more",
    ]


def test_an_image_is_the_systems_own() -> None:
    """FreeBSD's images say so in their platform; kernel and builder are for Linux."""
    lowering = lower(FILE % ("freebsd", BUILT, "  sysroot: registry.example/base:15\n"))
    platform = lowering.build.platform_of("registry.example/base:15")
    assert (platform.os, platform.architecture) == ("freebsd", "amd64")


def test_build_systems_are_told() -> None:
    guest = kit.Cross(
        "freebsd", "clang", "clang++", "llvm-", "ld.lld", "x-freebsd", "-fuse-ld=lld\n",
        ("/hutch/sysroot/usr/libdata/pkgconfig",), libc=True, sysroot=kit.SYSROOT, static=True,
    )  # fmt: skip
    env = environment(guest, ARM64)
    options = ("--target=x-freebsd", "--sysroot=/hutch/sysroot", "--config=/hutch/cross/clang.cfg")
    assert env["CC"].split() == ["clang", *options, "--static"]
    assert env["PKG_CONFIG_SYSROOT_DIR"] == "/hutch/sysroot"
    said = dict(re.findall(r'^set\((\w+) "(.*)"\)$', cmake(guest, ARM64, native=False), re.M))
    assert said["CMAKE_SYSROOT"] == "/hutch/sysroot"
    assert said["CMAKE_EXE_LINKER_FLAGS_INIT"] == "--static"
    assert "CMAKE_SHARED_LINKER_FLAGS_INIT" not in said
    assert said["CMAKE_FIND_ROOT_PATH_MODE_LIBRARY"] == "ONLY"
    # There is something to link to, so CMake may try.
    assert "CMAKE_TRY_COMPILE_TARGET_TYPE" not in said
    assert "sys_root = '/hutch/sysroot'" in meson(guest, ARM64, native=False)


@pytest.mark.parametrize(
    ("files", "lacking"),
    [
        (["usr/include/stdio.h", "usr/lib/crt1.o", "usr/lib/libc.a"], ""),
        (["usr/include/stdio.h", "usr/lib/crt0.o", "usr/lib/libc.so"], ""),
        (["usr/include/stdio.h", "usr/lib/crt1.o"], "usr/lib/libc.a"),
        (["usr/include/stdio.h", "usr/lib/libc.a"], "usr/lib/crt1.o"),
        (["usr/lib/crt1.o", "usr/lib/libc.a"], "usr/include/stdio.h"),
        ([], "usr/include/stdio.h"),
    ],
)
def test_what_lacks_the_libraries(tmp_path: Path, files: list[str], lacking: str) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    script = ROOT / "frameworks/kit/steps/sysroot.sh"
    done = subprocess.run(["sh", script, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == bool(lacking)
    assert (f"there is no {lacking} in it" in done.stderr) is bool(lacking)
