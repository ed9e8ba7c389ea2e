"""Ordinary projects through the real BuildKit: compiled for the guest, fetched for, and booted."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from frameworks.runtime.machine import Volume
from frameworks.runtime.urunc import GATEWAY
from frontend.bunnyfile import lock
from tests.integration.harness import (
    EXAMPLES,
    ROOT,
    Builder,
    Guests,
    alpine,
    load,
    names,
    services,
)
from tests.integration.harness.alpine import Apk
from tests.integration.harness.guests import listening, served
from tests.integration.harness.programs import PROGRAMS
from tests.integration.harness.serving import serve
from tests.integration.harness.tools import run
from tests.places import TREES

pytestmark = pytest.mark.integration

GET = b"GET %s HTTP/1.0\r\n\r\n"


def example(folder: Path, name: str = "bunnyfile") -> str:
    """The example's files in `folder`; one of its bunnyfiles without the line that names hutch."""
    shutil.copytree(EXAMPLES / "go-http", folder, dirs_exist_ok=True)
    first, _, rest = (folder / name).read_text().partition("\n")
    assert first.startswith("# syntax=")
    return rest


def body(answer: bytes) -> bytes:
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200 OK"), answer
    return rest


def test_a_server_in_go_keeps_its_data(builder: Builder, project: Path, tmp_path: Path) -> None:
    """What it has written to a volume is there after the power went, and it counts on."""
    ref = builder.build(project, example(project)).ref
    disk = tmp_path / "data.img"
    with disk.open("wb") as file:
        file.truncate(16 << 20)
    run("/sbin/mke2fs", "-q", "-F", "-t", "ext4", str(disk))
    volumes = (Volume(str(disk), "/data"),)
    with served(ref, 8080, volumes=volumes) as ask:
        assert body(ask(GET % b"/")) == b"hello from Go on linux/amd64\n"
        for count in (b"1\n", b"2\n", b"3\n"):
            assert body(ask(GET % b"/visits")) == count
    # The guest was not asked to end: it lost its power.
    with served(ref, 8080, volumes=volumes) as ask:
        assert body(ask(GET % b"/visits")) == b"4\n"


def test_a_service_under_load(builder: Builder, project: Path, tmp_path: Path) -> None:
    """Many connections, a file larger than the memory of many a buffer, clock and entropy.

    docs/verified.md has ten times as much, on each system.
    """
    shutil.copytree(PROGRAMS / "service", project, dirs_exist_ok=True)
    text = example(tmp_path / "example").replace("go-http", "service")
    disk = tmp_path / "data.img"
    with disk.open("wb") as file:
        file.truncate(64 << 20)
    run("/sbin/mke2fs", "-q", "-F", "-t", "ext4", str(disk))
    ref = builder.build(project, text).ref
    with listening(ref, 8080, volumes=(Volume(str(disk), "/data"),)) as where:
        assert load.ask(where, "/") == b"linux/amd64\n"
        answers = load.many(where, "/", 1000, 100)
        assert answers.faults == {}
        assert load.large(where, 16 << 20)
        away, slept = load.clock(where)
        assert away < 60
        assert slept >= 100
        assert load.random(where, 20) == 20


def test_a_service_looks_names_up(builder: Builder, project: Path, tmp_path: Path) -> None:
    """By the name server of the image's /etc/resolv.conf, over the guest's network."""
    shutil.copytree(PROGRAMS / "service", project, dirs_exist_ok=True)
    (project / "resolv.conf").write_text(f"nameserver {GATEWAY}\n")
    text = example(tmp_path / "example").replace("go-http", "service")
    text = text.replace("rootfs:\n", "rootfs:\n  include: [resolv.conf:/etc/resolv.conf]\n")
    ref = builder.build(project, text).ref
    name, address = "service.hutch.example", "192.0.2.7"
    with names.answering({name: address}) as asked, served(ref, 8080) as ask:
        found = body(ask(GET % f"/resolve?name={name}".encode()))
        assert found == f"{address}\n".encode()
        assert name in asked
        assert ask(GET % b"/resolve?name=none.hutch.example").startswith(b"HTTP/1.0 404 ")
        assert b"127.0.0.1" in body(ask(GET % b"/resolve?name=localhost"))


def test_a_package_of_debian_serves(builder: Builder, project: Path) -> None:
    """Chosen and locked, installed without a network, twice the same bytes, and booted."""
    text = services.project(services.SERVICES["packages"], project)
    (project / "bunnyfile").write_text(builder.file(text))
    words = [sys.executable, "-m", "frontend", "lock", "--platform", "amd64", str(project)]
    done = subprocess.run(
        words, cwd=ROOT, env=dict(builder.environ), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = (project / "bunnyfile.lock").read_text()
    locked = json.loads(told[told.index("{") :])["packages"]["linux/amd64"]
    assert locked["asked"] == ["nginx-light"]
    versions = {each["name"]: each["version"] for each in locked["files"]}
    assert {"nginx", "nginx-common", "nginx-light"} <= {*versions}
    strict = ("--build-arg", "HUTCH_LOCK=strict")
    once = builder.export(project, text, "rootfs", *strict)
    anew = ("--no-cache-filter", "rootfs")
    assert builder.export(project, text, "rootfs", *strict, *anew) == once
    with served(builder.build(project, text, *strict).ref, 80) as ask:
        answer = ask(GET % b"/")
    assert answer.startswith(b"HTTP/1.1 200 OK"), answer
    assert b"Welcome to nginx!" in answer


ALPINE = """
version: v1
platforms: {{framework: linux, monitor: qemu}}
kernel: {{from: local, path: vmlinuz}}
rootfs:
  from: {base}
  type: initrd
  packages: {packages}
init: none
cmd: [/usr/bin/greet]
"""
GREET = "#!/bin/sh\ncat /usr/share/greet/*\npoweroff -f\n"
PACKAGES = (
    Apk("greet-libs", "1.2_p1-r0", {"usr/share/greet/hello": "hello from a package\n"}),
    Apk(
        "greet",
        "2.0-r1",
        {"usr/bin/greet": GREET},
        needs=("greet-libs>=1.0", "musl"),
        script="#!/bin/sh\necho set up on $(uname -m) > /usr/share/greet/script\n",
    ),
    Apk("greet", "2.1-r0", {"usr/bin/greet": GREET}, needs=("greet-libs>=1.0",)),
    Apk("greet-all", "1-r0", {}, needs=("greet",)),
)
ASKED = ("greet=2.0-r1", "greet-all")
ON_HOST = ("--network", "host", "--allow", "network.host")


def _both(builder: Builder, root: Path, folder: Path) -> str:
    """An image of a root for amd64; for arm64, what apk reads there of the same."""
    folder.mkdir()
    shutil.move(root, folder / "amd64")
    for path in ("etc/apk", "lib/apk/db"):
        shutil.copytree(folder / "amd64" / path, folder / "arm64" / path)
    for path in ("etc/apk/arch", "lib/apk/db/installed"):
        file = folder / "arm64" / path
        file.write_text(file.read_text().replace("x86_64", "aarch64"))
    dockerfile = "FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /\nENV PATH=/usr/bin:/sbin:/bin\n"
    return builder.push(folder, dockerfile, "--platform", "linux/amd64,linux/arm64")


def test_a_package_of_alpine_runs(
    builder: Builder, project: Path, tmp_path: Path, linux: Guests, booted: Callable[..., str]
) -> None:
    """As Debian's, by Alpine's own apk, out of a repository of the test's own that signs."""
    root = alpine.root(tmp_path)
    if root is None:
        pytest.skip("the package with Alpine in it cannot be had here")
    shutil.copy(linux.debian, project / "vmlinuz")
    key, public = alpine.keys(tmp_path)
    for architecture in ("x86_64", "aarch64"):
        alpine.repository(tmp_path / "site/main", architecture, key, PACKAGES)
    (root / "etc/apk/keys" / alpine.KEY).write_bytes(public)
    with serve(tmp_path / "site") as url:
        (root / "etc/apk/repositories").write_text(f"{url}/main\n")
        base = _both(builder, root, tmp_path / "images")
        text = ALPINE.format(base=base, packages="[greet=2.0-r1, greet-all]")
        chosen = {}
        for architecture, name in (("amd64", "x86_64"), ("arm64", "aarch64")):
            # For the other, the builder's own apk chooses, and nothing of the guest's runs.
            platform = ("--platform", f"linux/{architecture}")
            listed = builder.export(project, text, "packages", *ON_HOST, *platform)
            files = lock.packages_of(listed)
            chosen[f"linux/{architecture}"] = lock.Packages(ASKED, files, lock.name_of(base))
            assert {each.name: (each.version, each.url) for each in files} == {
                "greet": ("2.0-r1", f"{url}/main/{name}/greet-2.0-r1.apk"),
                "greet-all": ("1-r0", f"{url}/main/{name}/greet-all-1-r0.apk"),
                "greet-libs": ("1.2_p1-r0", f"{url}/main/{name}/greet-libs-1.2_p1-r0.apk"),
            }

        def write(*names: str) -> None:
            """The lock, of which somebody has removed the other packages' files."""
            lists = {
                name: replace(each, files=tuple(file for file in each.files if file.name in names))
                for name, each in chosen.items()
            }
            told = lock.written(lock.Lock(packages=lists), "bunnyfile")
            (project / "bunnyfile.lock").write_text(told)

        for left, lacking in (
            ((), "greet=2.0-r1 greet-all"),
            (("greet", "greet-libs"), "greet-all"),
        ):
            write(*left)
            lost = builder.fail(project, text)
            assert "[stale-lock]" in lost.error
            assert f"are not among what is installed: {lacking}\n" in lost.log
        write("greet", "greet-libs", "greet-all")
        once = builder.export(project, text, "rootfs")
        assert builder.export(project, text, "rootfs", "--no-cache-filter", "rootfs") == once
        output = booted(builder.build(project, text).ref)
        assert "hello from a package" in output
        assert "set up on x86_64" in output
        failed = builder.fail(project, text.replace("greet=2.0-r1", "greet=3"), *ON_HOST)
        assert "has no package 'greet=3' (names are those of" in failed.error
        assert "look with 'apk search'" in failed.error
    failed = builder.fail(project, text.replace("=2.0-r1", ">2"), *ON_HOST)
    assert "[no-network]" in failed.error


@pytest.mark.parametrize("system", ["netbsd", "freebsd"])
def test_a_server_in_go_for_the_bsds(builder: Builder, project: Path, system: str) -> None:
    """Compiled for each by Go's own library; the kernel is of a tree that answers like theirs."""
    text = example(project, f"{system}.bunnyfile")
    text = text.replace("from: source\n", "from: source\n  source: {local: tree}\n", 1)
    text = text.replace("  type: block\n", "  type: raw\n")
    text = "".join(line for line in text.splitlines(True) if "filesystem:" not in line)
    tree = f"tree={TREES / system}"
    for architecture, machine in (("amd64", 62), ("arm64", 183)):
        platform = ("--platform", f"linux/{architecture}")
        packed = builder.pack(project, text, "--build-context", tree, *platform)
        assert packed.keys["unikernelType"] == system
        elf = packed.read("/bin/go-http")
        magic, brand, kind, of = struct.unpack_from("<4s3xB8xHH", elf)
        assert (magic, kind, of) == (b"\x7fELF", 2, machine)
        # EI_OSABI, as Go's linker writes it; NetBSD has a note, too, which its kernel looks for.
        assert brand == {"netbsd": 2, "freebsd": 9}[system]
        assert (b"NetBSD\0" in elf[:4096]) is (system == "netbsd")


def test_the_bake_file_has_each_system_and_architecture(builder: Builder, project: Path) -> None:
    example(project)
    words = ("buildx", "bake", "--print", "-f", "docker-bake.hcl")
    targets = json.loads(builder.docker(*words, cwd=project).ok().out)["target"]
    files = {"linux": "bunnyfile", "netbsd": "netbsd.bunnyfile", "freebsd": "freebsd.bunnyfile"}
    assert {name: target["dockerfile"] for name, target in targets.items()} == {
        f"http-{system}": file for system, file in files.items()
    }
    for target in targets.values():
        assert (project / target["dockerfile"]).exists()
        assert target["platforms"] == ["linux/amd64", "linux/arm64"]


MODULES = """\
version: v1
platforms: {framework: linux, monitor: qemu}
args: {GOPROXY: file:///app/proxy, GOSUMDB: "off", GOFLAGS: -mod=mod}
kernel: {from: local, path: kernel}
app:
  packages: [golang-go]
  fetch: |
    go mod download
    ls -d /hutch/downloads/* /hutch/cache/go
  build: |
    test ! -e /hutch/downloads
    ls /sys/class/net > network
    go build -trimpath -buildvcs=false -o server .
    ls -d /hutch/cache/go-build
  artifacts: [server:/server, network:/network]
rootfs: {type: raw}
cmd: [/server]
"""


def module(proxy: Path) -> None:
    """A module in a folder, as a proxy has it."""
    folder = proxy / "example.com/greet/@v"
    folder.mkdir(parents=True)
    said = "module example.com/greet\n\ngo 1.22\n"
    (folder / "v1.0.0.mod").write_text(said)
    (folder / "v1.0.0.info").write_text('{"Version": "v1.0.0"}')
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("example.com/greet@v1.0.0/go.mod", said)
        archive.writestr(
            "example.com/greet@v1.0.0/greet.go",
            'package greet\n\nconst Hello = "from the module"\n',
        )
    (folder / "v1.0.0.zip").write_bytes(packed.getvalue())


def test_what_fetch_leaves_is_there_for_the_build(builder: Builder, project: Path) -> None:
    """Of the state, and no cache: one has them for later builds, and can be empty."""
    (project / "kernel").write_text("kernel")
    (project / "go.mod").write_text(
        "module example.com/server\n\ngo 1.22\n\nrequire example.com/greet v1.0.0\n"
    )
    source = (
        'package main\n\nimport "example.com/greet"\n\nfunc main() { println(greet.Hello%s) }\n'
    )
    (project / "main.go").write_text(source % "")
    module(project / "proxy")
    # A namespace of its own is a builder without caches.
    fresh = ("--build-arg", f"BUILDKIT_CACHE_MOUNT_NS={uuid.uuid4().hex}")
    first = builder.read(builder.build(project, MODULES, *fresh).ref)
    assert b"from the module" in first.read("/server")
    assert first.read("/network").split() == [b"lo"]
    # No proxy has it any more, and the application has changed: it comes from the cache.
    shutil.rmtree(project / "proxy")
    (project / "main.go").write_text(source % ' + "!"')
    second = builder.read(builder.build(project, MODULES, *fresh).ref)
    assert b"from the module!" in second.read("/server")
    # And from nowhere, where the cache is empty: fetch fails, not the build after it.
    (project / "main.go").write_text(source % ' + "?"')
    other = ("--build-arg", f"BUILDKIT_CACHE_MOUNT_NS={uuid.uuid4().hex}")
    failed = builder.fail(project, MODULES, *other)
    assert failed.marked[0].startswith("fetch: |")


PRIVATE = """\
version: v1
platforms: {framework: linux, monitor: qemu}
args: {GOPRIVATE: git.corp.example}
kernel: {from: local, path: kernel}
app:
  packages: [golang-go, git]
  fetch: |
    git init -q repository && cd repository
    printf 'module git.corp.example/greet.git\\n\\ngo 1.22\\n' > go.mod
    echo 'package greet' > greet.go
    git add . && git -c user.name=n -c user.email=e commit -qm first && git tag v1.0.0
    cd .. && git config --global url.file:///app/repository.insteadOf https://git.corp.example/greet
    go mod download git.corp.example/greet.git@v1.0.0
    ls $GOMODCACHE/cache/download/git.corp.example/greet.git/@v/v1.0.0.zip
    ls -d $GOMODCACHE/cache/vcs/*
  artifacts: [go.mod:/kept]
rootfs: {type: raw}
cmd: [/none]
"""
OTHERS = """\
version: v1
platforms: {framework: linux, monitor: qemu}
kernel: {from: local, path: kernel}
app:
  fetch: find /hutch/downloads /hutch/cache -type f > kept
  artifacts: [kept:/kept]
rootfs: {type: raw}
cmd: [/none]
"""


def test_private_modules_are_not_kept_for_others(builder: Builder, project: Path) -> None:
    """Real Go, a module that it asks the repository for, and another project after it."""
    (project / "kernel").write_text("kernel")
    (project / "go.mod").write_text("module example.com/server\n\ngo 1.22\n")
    fresh = ("--build-arg", f"BUILDKIT_CACHE_MOUNT_NS={uuid.uuid4().hex}")
    builder.build(project, PRIVATE, *fresh)
    assert builder.read(builder.build(project, OTHERS, *fresh).ref).read("/kept") == b""


@pytest.mark.parametrize(("architecture", "machine"), [("amd64", 62), ("arm64", 183)])
def test_the_page_s_program_in_c(
    builder: Builder, project: Path, architecture: str, machine: int
) -> None:
    """Its bunnyfile as it stands there, with a Makefile that knows nothing of another machine."""
    text = services.project(services.SERVICES["c"], project)
    out = project / "out"
    platform = ("--platform", f"linux/{architecture}", "--target", "app")
    builder.build(project, text, *platform, output=f"type=local,dest={out}")
    elf = (out / "server").read_bytes()
    assert struct.unpack_from("<4s14xH", elf) == (b"\x7fELF", machine)
    assert b"/ld-linux" not in elf[:4096]
