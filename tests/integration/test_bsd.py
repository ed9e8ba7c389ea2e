"""NetBSD and FreeBSD through the real BuildKit, with trees that answer like theirs.

What is real: sources, toolchain images, mounts, caches, networks, file names, image, annotations.
The kernels boot nothing (trees/README.md); docs/verified.md has what was built of the real ones.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import posixpath
import re
import shutil
import struct
import tarfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.harness import EXAMPLES, Builder, Done, programs
from tests.integration.harness.serving import serve
from tests.integration.harness.trees import RAW, section, steps
from tests.places import TREES

pytestmark = pytest.mark.integration

INIT = {"freebsd": ["/urunit"], "netbsd": ["/sbin/init"]}

NETBSD = """\
version: v1
platforms: {framework: netbsd, monitor: qemu}
kernel:
  from: source
  source: {local: tree}
"""
FREEBSD = NETBSD.replace("netbsd", "freebsd")
# A server of this host's, as the steps that have the network see it.
ON_HOST = ("--network", "host", "--allow", "network.host")
DEBIANS = "toolchain: {from: debian:trixie-slim}\n"


@pytest.fixture
def netbsd(project: Path) -> Path:
    return _with_tree(project, "netbsd")


@pytest.fixture
def freebsd(project: Path) -> Path:
    return _with_tree(project, "freebsd")


def _with_tree(project: Path, system: str) -> Path:
    shutil.copytree(TREES / system, project / "tree")
    # A tree of this test alone: nothing of another test's caches counts.
    (project / "tree" / "sys" / "conf" / "nonce").write_text(uuid.uuid4().hex)
    (project / "data").mkdir()
    (project / "data" / "hello").write_text("hello\n")
    return project


def record(builder: Builder, project: Path, text: str, *options: str) -> tuple[Done, str]:
    """Build the kernel alone; its build's log, and what the tree noted."""
    out = project / f"out-{uuid.uuid4().hex[:8]}"
    done = builder.build(
        project, text, "--target", "kernel", *options, output=f"type=local,dest={out}"
    )
    (file,) = [path for path in out.rglob("*") if path.is_file()]
    kernel = file.read_bytes()
    if kernel[56:60] == b"ARM\x64":
        return done, kernel[64:].decode()
    return done, section(kernel, ".record")


def test_netbsd_kernel(builder: Builder, netbsd: Path) -> None:
    text = NETBSD + "  options: {INET6: false, NMBCLUSTERS: 4096, EXT2FS: true}\n"
    _, noted = record(builder, netbsd, text)
    assert re.search(r"^tools called: -U -u -N1 -j\d+ -m amd64 -a x86_64 ", noted)
    assert "-O /obj -T /tools -V MKX11=no -V MKREPRO=yes -V MKREPRO_TIMESTAMP=315532800" in noted
    assert re.search(r"^kernel called: .* kernel=/config/HUTCH$", noted, re.M)
    for step in ("tools", "kernel"):
        assert f"{step} epoch: 315532800" in noted
        assert f"{step} source: read-only" in noted
        assert f"{step} network: none" in noted
    assert "tools: writable" in noted
    assert "external:" not in noted
    assert noted.endswith(
        'include \t"arch/amd64/conf/MICROVM"\n'
        "no options\tINET6\n"
        "no options\tNMBCLUSTERS\n"
        "options \tNMBCLUSTERS=4096\n"
        "no file-system\tEXT2FS\n"
        "file-system \tEXT2FS\n"
    )


def test_netbsd_with_debians_compiler(builder: Builder, netbsd: Path) -> None:
    text = NETBSD + DEBIANS
    _, noted = record(builder, netbsd, text)
    assert "-V EXTERNAL_TOOLCHAIN=/xt" in noted
    assert "-V TOOLCHAIN_MISSING=yes" in noted
    assert "MKREPRO=yes" not in noted
    assert "compiler: /usr/bin/x86_64-linux-gnu-gcc" in noted
    assert "x86_64--netbsd-gcc" in noted.partition("external: ")[2]


def test_freebsd_kernel(builder: Builder, freebsd: Path) -> None:
    done, noted = record(builder, freebsd, FREEBSD + "  options: {INET6: false, MAXUSERS: 8}\n")
    called = "--cross-bindir=/usr/lib/llvm-19/bin TARGET=amd64 TARGET_ARCH=amd64"
    assert noted.startswith(f"kernel-toolchain called: {called} WITH_REPRODUCIBLE_BUILD=yes ")
    assert "WITHOUT_CLANG=yes" in noted
    assert "WITH_KERNEL_BIN" not in noted
    assert "KERNCONF=HUTCH KERNCONFDIR=/config NO_MODULES=yes" in noted
    assert "bmake's tests: skipped" in noted
    assert "clang: True" in noted
    for step in ("kernel-toolchain", "buildkernel"):
        # newvers.sh would call date as BSD's is called.
        assert f"{step} epoch: none" in noted
        assert f"{step} network: lo" in noted
    assert "buildkernel source: read-only" in noted
    # Our own configuration: what the tree lacks is left out of it.
    assert "include\t\tFIRECRACKER" in noted
    assert "device\t\tp9fs\n" in noted
    assert "virtio_p9fs" not in noted
    assert noted.endswith("nooptions\tINET6\nnooptions\tMAXUSERS\noptions \tMAXUSERS=8\n")
    # How far it is, in place of a line or two for each object.
    assert re.search(r"kernel: 2 of 3 objects$", done.log, re.M)
    assert "init_main" not in done.log


def test_netbsd_arm64(builder: Builder, netbsd: Path) -> None:
    """A boot image, by Debian's cross compiler; the configuration is the port's own."""
    text = NETBSD + DEBIANS
    _, noted = record(builder, netbsd, text, "--platform", "linux/arm64")
    assert re.search(r"^tools called: .* -m evbarm -a aarch64 ", noted)
    assert "aarch64--netbsd-gcc" in noted.partition("external: ")[2]
    assert noted.endswith('include \t"arch/evbarm/conf/GENERIC64"\n')


def test_freebsd_arm64(builder: Builder, freebsd: Path) -> None:
    """A boot image, which FreeBSD makes only when it is told to."""
    _, noted = record(builder, freebsd, FREEBSD, "--platform", "linux/arm64")
    assert noted.startswith("kernel-toolchain called: ")
    assert "TARGET=arm64 TARGET_ARCH=aarch64" in noted
    assert "WITH_KERNEL_BIN=yes" in noted
    assert "include\t\tGENERIC" in noted


@pytest.mark.parametrize("system", ["netbsd", "freebsd"])
def test_on_old_docker(old_builder: Builder, project: Path, system: str) -> None:
    """BuildKit 0.8 has all that the steps need."""
    _with_tree(project, system)
    _, noted = record(old_builder, project, NETBSD.replace("netbsd", system))
    assert "called" in noted


@pytest.mark.parametrize("system", ["netbsd", "freebsd"])
def test_objects_of_another_tree(builder: Builder, project: Path, system: str) -> None:
    """make would take them for fresh: it sees only files that are newer."""
    _with_tree(project, system)
    text = NETBSD.replace("netbsd", system)
    file = project / "tree" / "sys" / "conf" / "file.c"

    def runs(content: str, when: int) -> str:
        file.write_text(content)
        os.utime(file, (when, when))
        noted = record(builder, project, text)[1]
        return str(re.findall(r"objects: of (\d+) runs", noted)[-1])

    now = int(time.time())
    assert runs("one", now - 1000) == "1"
    assert runs("two", now + 1000) == "2"  # an edit: make sees it
    assert runs("three", now - 2000) == "1"


def test_configurations(builder: Builder, freebsd: Path) -> None:
    """One of the tree, a file of the context, and fragments over either."""
    (freebsd / "more.conf").write_text("device extra # if sys/fs/p9fs\ndevice other # if no/such\n")
    text = FREEBSD + "  config: FIRECRACKER\n  fragments: [more.conf]\n"
    _, noted = record(builder, freebsd, text)
    assert "include \tFIRECRACKER\ndevice extra\nident   \tHUTCH\n" in noted
    (freebsd / "mine.conf").write_text("include GENERIC\n")
    _, noted = record(builder, freebsd, FREEBSD + "  config: mine.conf\n")
    assert "include GENERIC\nident   \tHUTCH\n" in noted


@pytest.mark.parametrize("system", ["netbsd", "freebsd"])
def test_a_changed_application_builds_no_kernel(
    builder: Builder, project: Path, system: str
) -> None:
    _with_tree(project, system)
    text = (
        NETBSD.replace("netbsd", system)
        + "rootfs:\n  type: block\n  filesystem: ffs\n  include: [data/hello:/hello]\n"
        + "cmd: [/hello]\n"
    )
    first = builder.build(project, text, RAW, epoch=1)
    built = steps(first)
    tools = {"netbsd": "build.sh tools", "freebsd": "make.py kernel-toolchain"}[system]
    kernel = {"netbsd": "build.sh kernel=HUTCH", "freebsd": "make.py buildkernel"}[system]
    assert built[f"[{system}] {tools}"]
    assert built[f"[{system}] {kernel}"]
    (project / "data" / "hello").write_text("changed\n")
    # Another date, too: that of an application's commit is a new one each time.
    second = steps(builder.build(project, text, RAW, epoch=2))
    assert not second.get(f"[{system}] {tools}")
    assert not second.get(f"[{system}] {kernel}")
    third = steps(builder.build(project, text + "workdir: /tmp\n", RAW, epoch=2))
    assert not third.get(f"[{system}] {kernel}")


def test_a_changed_kernel_builds_no_tools(builder: Builder, netbsd: Path) -> None:
    record(builder, netbsd, NETBSD)
    done, _ = record(builder, netbsd, NETBSD + "  options: {INET6: false}\n", RAW)
    ran = steps(done)
    assert not ran.get("[netbsd] build.sh tools")
    assert ran["[netbsd] build.sh kernel=HUTCH"]


@pytest.mark.parametrize("system", ["netbsd", "freebsd"])
def test_sources(builder: Builder, project: Path, system: str) -> None:
    """A named build context, and an archive whose tree is below directories of its own."""
    _with_tree(project, system)
    said = NETBSD.replace("netbsd", system)
    _, noted = record(
        builder,
        project,
        said.replace("{local: tree}", "{local: theirs}"),
        *("--build-context", f"theirs={project / 'tree'}"),
    )
    assert "called" in noted
    (project / "usr").mkdir()
    shutil.move(project / "tree", project / "usr" / "src")
    archive = shutil.make_archive(str(project / "src"), "xztar", project, "usr/src")
    Path(archive).rename(project / "src.txz")
    _, noted = record(builder, project, said.replace("{local: tree}", "{local: src.txz}"))
    assert "called" in noted


def test_what_the_tree_does_not_know(builder: Builder, netbsd: Path) -> None:
    failed = builder.fail(netbsd, NETBSD + "  options:\n    INET6: false\n    INET7: true\n")
    assert "the source tree has no kernel option 'INET7' (did you mean INET" in failed.error
    assert "[lost-option]" in failed.error
    assert failed.marked == ["INET7: true"]
    failed = builder.fail(netbsd, NETBSD + "  config: MICROVN\n")
    assert (
        "the source tree has no kernel configuration 'MICROVN' (did you mean MICROVM?)"
        " [unknown-value]"
    ) in failed.error
    assert failed.marked == ["config: MICROVN"]


@pytest.mark.parametrize("system", ["netbsd", "freebsd"])
def test_a_source_that_is_none(builder: Builder, project: Path, system: str) -> None:
    (project / "tree").mkdir()
    (project / "tree" / "README").write_text("nothing\n")
    failed = builder.fail(project, NETBSD.replace("netbsd", system))
    marker = {"netbsd": "build.sh", "freebsd": "Makefile.inc1"}[system]
    assert f"this is no source tree: it has no {marker} [wrong-source]" in failed.error
    assert failed.marked == ["source: {local: tree}"]


def test_an_archive_that_is_no_source(builder: Builder, project: Path) -> None:
    (project / "tree").mkdir()
    (project / "tree" / "README").write_text("nothing\n")
    shutil.make_archive(str(project / "src"), "gztar", project, "tree")
    failed = builder.fail(project, NETBSD.replace("{local: tree}", "{local: src.tar.gz}"))
    assert "the archive is not this system's source: there is no build.sh in it" in failed.log
    assert failed.marked == ["source: {local: src.tar.gz}"]


def test_netbsd_image(builder: Builder, netbsd: Path) -> None:
    """What a runtime for NetBSD would read; the kernel finds hutch's init by itself."""
    text = NETBSD + (
        "rootfs:\n  type: raw\n  include: [data/hello:/hello]\n"
        'cmd: [/hello, "two words"]\nenvs: [A=b]\nuser: "12:34"\nworkdir: /data\n'
    )
    packed = builder.pack(netbsd, text, epoch=1700000000)
    assert packed.keys["unikernelType"] == "netbsd"
    assert packed.keys["hypervisor"] == "qemu"
    assert packed.keys["binary"] == "/.boot/kernel"
    assert packed.args == ["/hello", "two words"]
    init = packed.read("/sbin/init")
    assert init.startswith(b"\x7fELF")
    assert b"NetBSD" in init
    assert packed.read("/.hutch/init.conf").split(b"\0")[:-1] == [
        *(b"URUNIT1", b"UES", b"A=b", b"UEE"),
        *(b"UCS", b"USR:12:34", b"WD:/data", b"ARC:2", b"ARV:/hello", b"ARV:two words", b"UCE"),
        *(b"UBS", b"UBE"),
    ]


def test_freebsd_image(builder: Builder, freebsd: Path) -> None:
    """urunc reads the last disk for what init is to run, and mounts the block image as UFS."""
    text = FREEBSD + ("rootfs:\n  type: block\n  include: [data/hello:/hello]\ncmd: [/hello]\n")
    done = builder.build(freebsd, text, epoch=1700000000)
    packed = builder.read(done.ref)
    assert packed.keys["unikernelType"] == "freebsd"
    assert packed.keys["block"] == "/.boot/rootfs"
    assert packed.keys["blkMntPoint"] == "/"
    assert packed.args == ["/urunit", "/hello"]
    image = packed.read("/.boot/rootfs")
    assert struct.unpack_from("<I", image, 8192 + 1372) == (0x011954,)
    again = builder.build(freebsd, text, "--no-cache-filter", "rootfs", epoch=1700000000)
    assert builder.read(again.ref).image.digest == packed.image.digest


PROGRAM = """\
app:
  build: |
    $CC -O2 %s -o hello hello.c
    mkdir -p out && cp -a "$PKG_CONFIG_SYSROOT_DIR/usr" out/
%s  artifacts: [hello:/hello, out:/out]
"""


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
@pytest.mark.parametrize("system", ["netbsd", "freebsd"])
def test_a_program_with_the_systems_own_c_library(
    builder: Builder, project: Path, tmp_path: Path, system: str, architecture: str
) -> None:
    """Of the source tree by default, and the same again out of an archive."""
    machine = {"amd64": 62, "arm64": 183}[architecture]
    said, step, loader = {
        "freebsd": (FREEBSD, b"_libraries called: ", b"/libexec/ld-elf.so.1"),
        "netbsd": (NETBSD + DEBIANS, b"libraries called: ", b"/libexec/ld.elf_so"),
    }[system]
    _with_tree(project, system)
    programs.put("hello", project)

    def compiled(flags: str = "", sysroot: str = "") -> Path:
        out = tmp_path / uuid.uuid4().hex
        options = ("--target", "app", "--platform", f"linux/{architecture}")
        text = said + PROGRAM % (flags, sysroot)
        builder.build(project, text, *options, output=f"type=local,dest={out}")
        elf = (out / "hello").read_bytes()
        assert struct.unpack_from("<4s14xH", elf) == (b"\x7fELF", machine)
        assert step in elf
        assert loader not in elf
        return out

    out = compiled()
    elf = (out / "hello").read_bytes()
    told = {
        ("freebsd", "amd64"): (b"NO_PIC=yes", b"TARGET=amd64"),
        ("freebsd", "arm64"): (b"NO_PIC=yes", b"TARGET=arm64"),
        ("netbsd", "amd64"): (b"-V MKPIC=no", b"-m amd64 -a x86_64 "),
        ("netbsd", "arm64"): (b"-V MKPIC=no", b"-m evbarm -a aarch64 "),
    }
    for words in told[system, architecture]:
        assert words in elf
    archive = shutil.make_archive(str(tmp_path / "base"), "xztar", out / "out")
    digest = hashlib.sha256(Path(archive).read_bytes()).hexdigest()
    with serve(tmp_path) as url:
        sysroot = f"  sysroot: {{from: '{url}/base.tar.xz', sha256: {digest}}}\n"
        # It may have shared libraries, too, so what is static says so.
        compiled("-static", sysroot)


@pytest.mark.parametrize("missing", ["share/mk/bsd.own.mk", "sys/conf/newvers.sh"])
def test_a_tree_that_lacks_what_is_called(builder: Builder, netbsd: Path, missing: str) -> None:
    """The tree of another version may: the file is named, and what the tree says it is."""
    (netbsd / "tree" / missing).unlink()
    failed = builder.fail(netbsd, NETBSD, "--target", "kernel")
    assert f"no NetBSD source tree that hutch can build: there is no {missing} in it" in failed.log
    assert "it says that it is NetBSD 11.99.0" in failed.log


@pytest.mark.parametrize(
    "missing",
    [
        "contrib/bmake/boot-strap",
        "tools/build/make.py",
        "sys/conf/kern.pre.mk",
        "sys/conf/newvers.sh",
    ],
)
def test_a_tree_of_freebsd_that_lacks_it(builder: Builder, freebsd: Path, missing: str) -> None:
    (freebsd / "tree" / missing).unlink()
    failed = builder.fail(freebsd, FREEBSD, "--target", "kernel")
    assert f"no FreeBSD source tree that hutch can build: there is no {missing} in it" in failed.log
    told = "it says that it is FreeBSD 15.9-CURRENT" in failed.log
    assert told is (missing != "sys/conf/newvers.sh")
    assert "a command is not there" not in failed.error


OCI = """\
FROM scratch
ARG TARGETOS
COPY $TARGETOS /system
ENV SYSTEM=$TARGETOS
CMD ["/system"]
"""


def oci(builder: Builder, folder: Path, *platforms: str) -> str:
    """An image with a variant for each platform, whose file /system names its system."""
    folder.mkdir()
    for system in {platform.partition("/")[0] for platform in platforms}:
        (folder / system).write_text(system)
    return builder.push(folder, OCI, "--platform", ",".join(platforms))


IMAGES = """\
version: v1
platforms: {{framework: freebsd, monitor: qemu}}
kernel: {{from: {kernel}, path: /system}}
rootfs:
  from: {base}
  type: raw
  include:
    - {{from: {more}, source: /system, destination: /more}}
"""


def test_images_for_freebsd(builder: Builder, project: Path, tmp_path: Path) -> None:
    """Its variant of an image, written as what containerd takes on Linux hosts."""
    both = oci(builder, tmp_path / "both", "linux/amd64", "freebsd/amd64", "freebsd/arm64")
    text = IMAGES.format(kernel=oci(builder, tmp_path / "k", "linux/amd64"), base=both, more=both)
    text += f"    - {{from: {both}, source: /system, destination: /libexec/ld-elf.so.1}}\n"
    packed = builder.pack(project, text)
    assert packed.read("/system") == packed.read("/more") == b"freebsd"
    assert packed.read("/.boot/kernel") == b"linux"
    assert "SYSTEM=freebsd" in packed.env
    assert packed.args == ["/urunit", "/system"]
    assert str(packed.image.platform) == "linux/amd64"
    assert b"/usr/local/lib" in packed.read("/var/run/ld-elf.so.hints")


@pytest.mark.parametrize("platforms", [["linux/amd64"], ["linux/amd64", "linux/arm64"]])
def test_files_of_an_image_without_a_variant_for_freebsd(
    builder: Builder, project: Path, tmp_path: Path, platforms: list[str]
) -> None:
    """Data of any image may be included; one of a single platform has no index."""
    both = oci(builder, tmp_path / "both", "linux/amd64", "freebsd/amd64")
    linux = oci(builder, tmp_path / "linux", *platforms)
    packed = builder.pack(project, IMAGES.format(kernel=linux, base=both, more=linux))
    assert packed.read("/system") == b"freebsd"
    assert packed.read("/more") == b"linux"


def test_no_package(builder: Builder, project: Path) -> None:
    """A package of a distribution is not where a BSD's source can come from."""
    failed = builder.fail(project, NETBSD.replace("{local: tree}", "{package: netbsd-source}"))
    assert "unsupported-source" in failed.log
    assert failed.marked == ["source: {package: netbsd-source}"]


def archive(files: Mapping[str, bytes]) -> bytes:
    """A tar archive of files that anyone may run."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as made:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.mode, info.size = 0o755, len(content)
            made.addfile(info, io.BytesIO(content))
    return data.getvalue()


@contextmanager
def served(folder: Path, name: str, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """An archive as the systems publish theirs, served over HTTP: its URL and SHA-256.

    Each of `names` is a file that holds its own last part.
    """
    folder.mkdir()
    data = io.BytesIO()
    mode = {"xz": "w:xz", "gz": "w:gz"}.get(name[-2:], "w")
    with tarfile.open(fileobj=data, mode=mode) as made:  # type: ignore[call-overload]
        for member in names:
            info = tarfile.TarInfo(member)
            content = posixpath.basename(member).encode()
            info.mode, info.size = 0o755, len(content)
            made.addfile(info, io.BytesIO(content))
    archive = folder / name
    archive.write_bytes(zstd(data.getvalue()) if name.endswith(".pkg") else data.getvalue())
    with serve(folder) as url:
        yield f"{url}/{name}", hashlib.sha256(archive.read_bytes()).hexdigest()


def zstd(data: bytes) -> bytes:
    """`data` as a frame of zstd, in blocks that are not compressed (RFC 8878, section 3.1.1)."""
    frame = b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", len(data))
    for at in range(0, len(data), 1 << 16):
        block = data[at : at + (1 << 16)]
        last = at + len(block) == len(data)
        frame += struct.pack("<I", len(block) << 3 | last)[:3] + block
    return frame


@pytest.fixture
def sets(tmp_path: Path) -> Iterator[tuple[str, str]]:
    with served(tmp_path / "sets", "base.txz", ("bin/cat", "bin/ls", "etc/rc")) as found:
        yield found


SETS = """\
rootfs:
  type: raw
  include:
    - from: {url}
      sha256: {digest}
      source: /bin/*
      destination: /bin/
init: none
cmd: [/bin/ls]
"""


def test_a_part_of_a_release_set(builder: Builder, netbsd: Path, sets: tuple[str, str]) -> None:
    url, digest = sets
    packed = builder.pack(netbsd, NETBSD + SETS.format(url=url, digest=digest))
    assert packed.files == ["/.boot/kernel", "/bin/cat", "/bin/ls", "/urunc.json"]
    assert packed.read("/bin/ls") == b"ls"


def test_a_package_of_freebsd(builder: Builder, freebsd: Path, tmp_path: Path) -> None:
    """Compressed by zstd, with names from the root; the files are where a glob finds them."""
    names = ("+MANIFEST", "/usr/local/bin/nginx", "/usr/local/etc/nginx.conf")
    with served(tmp_path / "packages", "nginx.pkg", names) as (url, digest):
        text = FREEBSD + SETS.format(url=url, digest=digest)
        text = text.replace("/bin/*", "/usr/local/bin/*").replace(
            ": /bin/\n", ": /usr/local/bin/\n"
        )
        packed = builder.pack(freebsd, text)
    assert packed.files == ["/.boot/kernel", "/urunc.json", "/usr/local/bin/nginx"]
    assert packed.read("/usr/local/bin/nginx") == b"nginx"


def rootfs(builder: Builder, project: Path, text: str, *options: str) -> dict[str, bytes]:
    """The guest's files, by path, of a build that makes nothing else."""
    out = project / f"out-{uuid.uuid4().hex[:8]}"
    builder.build(project, text, "--target", "rootfs", *options, output=f"type=local,dest={out}")
    return {
        f"/{path.relative_to(out)}": path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def guests_packages(builder: Builder, project: Path, text: str, *options: str) -> dict[str, str]:
    """The versions of the packages that the SBOM of an image has in the guest's files."""
    (project / "bunnyfile").write_text(builder.file(text))
    image = builder.publish(project, *options, "--attest", "type=sbom,generator=hutch")
    (document,) = (
        each["predicate"] for each in image.statements if "spdx" in each["predicateType"]
    )
    return {
        each["name"]: each["versionInfo"]
        for each in document["packages"]
        if each["SPDXID"].startswith("SPDXRef-rootfs-")
    }


def test_packages_of_freebsd_with_what_they_need(
    builder: Builder, freebsd: Path, tmp_path: Path
) -> None:
    """Out of a repository that the base names: a catalogue by zstd, files by absolute names."""
    folder = tmp_path / "repository"
    (folder / "All").mkdir(parents=True)
    lines = []
    for name, files, needs in (
        ("nginx", ("sbin/nginx", "etc/nginx/mime.types.sample"), ("pcre2",)),
        ("pcre2", ("lib/libpcre2-8.so.0",), ()),
        ("other", ("bin/other",), ()),
    ):
        paths = [f"/usr/local/{path}" for path in files]
        manifest = json.dumps({"name": name, "files": dict.fromkeys(paths, "1$0")}).encode()
        data = zstd(archive({"+MANIFEST": manifest, **{path: name.encode() for path in paths}}))
        (folder / f"All/{name}-1.0.pkg").write_bytes(data)
        said = {
            **{"name": name, "origin": f"www/{name}", "version": "1.0"},
            **{"repopath": f"All/{name}-1.0.pkg", "sum": hashlib.sha256(data).hexdigest()},
            "deps": {need: {"origin": f"www/{need}", "version": "1.0"} for need in needs},
        }
        lines.append(json.dumps(said))
    site = zstd(archive({"packagesite.yaml": "\n".join(lines).encode()}))
    (folder / "packagesite.pkg").write_bytes(site)
    (freebsd / "base/usr/local/etc/pkg/repos").mkdir(parents=True)
    text = FREEBSD + "rootfs: {from: base, type: raw, packages: [nginx]}\ninit: none\n"
    text += "cmd: [/usr/local/sbin/nginx]\n"
    base = ("--build-context", f"base={freebsd / 'base'}", *ON_HOST)
    with serve(folder) as url:
        said_by = freebsd / "base/usr/local/etc/pkg/repos/own.conf"
        said_by.write_text(f'own: {{\n  url: "{url}",\n  signature_type: "none"\n}}\n')
        root = rootfs(builder, freebsd, text, *base)
        failed = builder.fail(freebsd, text.replace("[nginx]", "[ngnix]"), *base)
        if builder.has_containerd_store:  # or there are no attestations
            there = guests_packages(builder, freebsd, text, *base)
            assert there == {"nginx": "1.0", "pcre2": "1.0"}
    assert [path for path in root if path.startswith("/usr/local/")] == [
        "/usr/local/etc/nginx/mime.types",
        "/usr/local/etc/nginx/mime.types.sample",
        "/usr/local/etc/pkg/repos/own.conf",
        "/usr/local/lib/libpcre2-8.so.0",
        "/usr/local/sbin/nginx",
    ]
    assert b"/lib:/usr/lib:/usr/local/lib" in root["/var/run/ld-elf.so.hints"]
    assert not [path for path in root if "+MANIFEST" in path]
    assert "hutch: the repositories have no package 'ngnix' (did you mean nginx?)" in failed.log
    assert failed.marked[0].startswith("rootfs: {from: base")


def test_packages_of_netbsd_with_what_they_need(
    builder: Builder, netbsd: Path, tmp_path: Path
) -> None:
    """Out of a repository that the file names: a summary by gzip, and packages as pkg_create's."""
    folder = tmp_path / "All"
    folder.mkdir()
    paragraphs = []
    for name, files, needs in (
        ("nginx-1.26.2nb1", ("sbin/nginx", "share/examples/nginx.conf"), "pcre2>=10.21"),
        ("pcre2-10.42", ("lib/libpcre2-8.so.0",), ""),
        ("other-1.0", ("bin/other",), ""),
    ):
        lines = [f"@name {name}", "@cwd /usr/pkg", *files]
        script = "# FILE: etc/nginx.conf c share/examples/nginx.conf 0640\nexit 1\n"
        members = {"+CONTENTS": "\n".join(lines).encode(), "+INSTALL": script.encode()}
        data = gzip.compress(archive({**members, **{path: name.encode() for path in files}}))
        (folder / f"{name}.tgz").write_bytes(data)
        digest = hashlib.sha512(data).hexdigest()
        said = [f"PKGNAME={name}", f"FILE_NAME={name}.tgz", f"FILE_CKSUM=SHA512 {digest}"]
        paragraphs.append("\n".join([*said, *([f"DEPENDS={needs}"] if needs else [])]) + "\n")
    (folder / "pkg_summary.gz").write_bytes(gzip.compress("\n".join(paragraphs).encode()))
    with serve(tmp_path) as url:
        text = f"args: {{PKG_PATH: '{url}/All'}}\n" + NETBSD
        text += "rootfs: {type: raw, packages: [nginx]}\ninit: none\ncmd: [/usr/pkg/sbin/nginx]\n"
        root = rootfs(builder, netbsd, text, *ON_HOST)
        failed = builder.fail(netbsd, text.replace("[nginx]", "[ngnix]"), *ON_HOST)
        if builder.has_containerd_store:  # or there are no attestations
            there = guests_packages(builder, netbsd, text, *ON_HOST)
            assert there == {"nginx": "1.26.2nb1", "pcre2": "10.42"}
    assert [path for path in root if path.startswith("/usr/pkg/")] == [
        "/usr/pkg/etc/nginx.conf",
        "/usr/pkg/lib/libpcre2-8.so.0",
        "/usr/pkg/pkgdb/nginx-1.26.2nb1/+CONTENTS",
        "/usr/pkg/pkgdb/nginx-1.26.2nb1/+INSTALL",
        "/usr/pkg/pkgdb/pcre2-10.42/+CONTENTS",
        "/usr/pkg/pkgdb/pcre2-10.42/+INSTALL",
        "/usr/pkg/sbin/nginx",
        "/usr/pkg/share/examples/nginx.conf",
    ]
    assert root["/usr/pkg/etc/nginx.conf"] == b"nginx-1.26.2nb1"
    assert "the repositories have no package 'ngnix' (did you mean nginx?)" in failed.log


def test_a_set_with_a_wrong_checksum(builder: Builder, netbsd: Path, sets: tuple[str, str]) -> None:
    failed = builder.fail(netbsd, NETBSD + SETS.format(url=sets[0], digest="0" * 64))
    assert f"what was fetched has the sha256 {sets[1]}" in failed.error
    assert "[wrong-checksum]" in failed.error
    assert failed.marked[0] == f"- from: {sets[0]}"


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
@pytest.mark.parametrize("name", ["freebsd-hello", "freebsd-http", "netbsd-hello"])
def test_the_examples(builder: Builder, tmp_path: Path, name: str, architecture: str) -> None:
    """Each from its own files, but for the system's source; the application is really compiled."""
    system, _, application = name.partition("-")
    folder = tmp_path / name
    shutil.copytree(EXAMPLES / name, folder)
    _, _, text = (folder / "bunnyfile").read_text().partition("\n")
    # http's option is one that the tests' tree lacks.
    text = re.sub(r"\n  options: .*", "", text)
    text = text.replace("from: source\n", "from: source\n  source: {local: tree}\n", 1)
    options = ("--build-context", f"tree={TREES / system}", "--platform", f"linux/{architecture}")
    packed = builder.pack(folder, text, *options, epoch=1700000000)
    init = ["/urunit"] if system == "freebsd" else []
    assert packed.args[: len(init) + 1] == [*init, f"/bin/{application}"]
    assert packed.keys["unikernelType"] == system
    assert packed.keys["blkMntPoint"] == "/"
    built = re.sub(r"  type: block.*\n  filesystem: .*\n", "  type: raw\n", text)
    files = builder.pack(folder, built, *options)
    machine = {"amd64": 62, "arm64": 183}[architecture]
    brand = {"freebsd": b"FreeBSD\0", "netbsd": b"NetBSD\0"}[system]
    for path in (f"/bin/{application}", *INIT[system]):
        elf = files.read(path)
        assert struct.unpack_from("<4s14xH", elf) == (b"\x7fELF", machine)
        assert brand in elf


def test_the_example_with_a_release_set(builder: Builder, tmp_path: Path) -> None:
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLES / "netbsd-bozohttpd", folder)
    _, _, text = (folder / "bunnyfile").read_text().partition("\n")
    text = text.replace("from: source\n", "from: source\n  source: {local: tree}\n", 1)
    text = re.sub(r"  type: block\n  filesystem: .*\n", "  type: raw\n", text)
    names = ("libexec/ld.elf_so", "lib/libc.so.12", "usr/lib/libssl.so.15", "usr/libexec/httpd")
    with served(tmp_path / "sets", "base.tar.xz", names) as (url, digest):
        packed = builder.pack(
            folder,
            text,
            *("--build-context", f"tree={TREES / 'netbsd'}"),
            *("--build-arg", f"SETS={url.rpartition('/')[0]}"),
            *("--build-arg", f"BASE_SHA256={digest}"),
        )
    assert {f"/{name}" for name in names} < set(packed.files)
    assert packed.read("/var/www/index.html") == b"<p>hello from NetBSD</p>\n"
    assert packed.args[0] == "/usr/libexec/httpd"
