"""`hutch migrate` of a Kraftfile: each key is in the new file, or noted at its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from frontend.cli import main

LOADER = """\
spec: v0.6
name: greeter
outdir: ./out
cmd: ["/greeter", "--price", "5$"]
env:
  HOME: /
labels:
  maker: me
volumes:
- ./data:/data
- source: ./more
  destination: /more
rootfs: ./Dockerfile
template:
  source: https://git.example.com/app-elfloader.git
  version: staging
unikraft:
  source: https://github.com/unikraft/unikraft.git
  version: v0.17.0
  kconfig:
    CONFIG_LIBUKDEBUG: 'y'
    CONFIG_LIBUKMPI: 'n'
    CONFIG_STACK_SIZE_PAGE_ORDER: 4 # a comment
    CONFIG_NAME: "a b"
    CONFIG_LIBUKDEBUG: 'y'
libraries:
  lwip:
    version: staging
    kconfig:
    - CONFIG_LWIP_DHCP=y
  zlib: stable
targets:
- xen/x86_64
- fc/x86_64
- platform: qemu
  architecture: arm64
  kconfig: [CONFIG_ARM=y]
colour: blue
"""

LOADER_MADE = """\
# syntax=hutch:1
# What `hutch migrate` made of Kraftfile.
version: v1

platforms:
  framework: unikraft
  monitor: qemu
  architecture: aarch64
  version: 0.17.0

kernel:
  from: source
  options:
    ARM: true
    LIBUKDEBUG: true
    LIBUKMPI: false
    STACK_SIZE_PAGE_ORDER: 4
    NAME: a b
    LWIP_DHCP: true

rootfs:
  from: dockerfile
  dockerfile: Dockerfile
  type: initrd

envs:
  HOME: /

cmd: ["/greeter", "--price", "5$$"]

labels:
  org.opencontainers.image.title: greeter
  maker: me

# Not carried over:
#   Kraftfile:3: outdir: a build writes where it is told: --output
#   Kraftfile:10: volumes: whoever starts the guest attaches it: -v ./data:/data
#   Kraftfile:11: volumes: whoever starts the guest attaches it: -v ./more:/more
#   Kraftfile:14: template: the ELF loader is the one of the kernel's version; another is\
 --build-context app-elfloader=https://git.example.com/app-elfloader.git#staging
#   Kraftfile:27: lwip: hutch pins it; another is --build-context lib-lwip=a tree of it
#   Kraftfile:31: zlib: the kernel with the ELF loader has lwip and libelf alone
#   Kraftfile:33: xen/x86_64: urunc has no such guest
#   Kraftfile:34: fc/x86_64: one file is for one monitor, and another for another
#   Kraftfile:38: colour: a Kraftfile has no such key
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "files").mkdir()
    (tmp_path / "root.cpio").write_bytes(b"070701" + b"0" * 600)
    return tmp_path


def migrate(here: Path, text: str, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """What a Kraftfile becomes, which `hutch check` takes with its libraries, and the notes."""
    (here / "Kraftfile").write_text(text)
    assert main(["migrate"] if "runtime" in text else ["migrate", "Kraftfile"]) == 0
    made, said = capsys.readouterr()
    (here / "made").write_text(made)
    assert main(["check", "--build-context", "lib-mine=x", "made"]) == 0, capsys.readouterr().out
    capsys.readouterr()
    return made, said


def test_each_key_is_there_or_noted(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, said = migrate(here, LOADER, capsys)
    assert made == LOADER_MADE
    assert said.splitlines() == [
        line.removeprefix("#   ") for line in made.splitlines() if line.startswith("#   ")
    ]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("runtime: base", ["from: unikraft.org/base:latest", "path: /unikraft/bin/kernel"]),
        ("runtime: python:3.12", ["from: unikraft.org/python:3.12"]),
        ("runtime: {name: a.example/b/base, version: 1}", ["from: a.example/b/base:1"]),
        ("runtime: base\nrootfs: ./files", ["type: initrd", 'include: ["files:/"]']),
        ("runtime: base\nrootfs: root.cpio", ["from: local", "path: root.cpio"]),
        (
            "unikraft: stable\nlibraries: {musl: stable, mine: {source: 'https://x.example/m'}}",
            ["from: local", 'libraries: ["musl", "mine"]'],
        ),
        (
            "unikraft: https://x.example/unikraft.git@main",
            ["git: https://x.example/unikraft.git", "ref: main"],
        ),
        ("unikraft: staging", ["git: https://github.com/unikraft/unikraft", "ref: staging"]),
        (f"unikraft: {{version: {'a' * 40}}}", [f"commit: {'a' * 40}"]),
        ('runtime: base\ncmd: "-c /a.conf"', ['cmd: ["-c", "/a.conf"]']),
        ("runtime: base\nenv: [A=b]", ["A: b"]),
        ("runtime: base\ntargets: [kvm/arm64]", ["monitor: qemu", "architecture: aarch64"]),
        ("runtime: base\ntargets: [fc/x86_64]", ["monitor: firecracker", "architecture: x86_64"]),
    ],
)
def test_forms(here: Path, text: str, lines: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    made, _ = migrate(here, f"specification: 0.6\n{text}\n", capsys)
    found = [line.strip() for line in made.splitlines()]
    assert [line for line in lines if line not in found] == []


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("spec: v0.4\nruntime: base", "Kraftfile:1: spec: this was read as v0.6, and says 0.4"),
        ("runtime: base\nrootfs: a.tar.gz", "Kraftfile:2: rootfs: a Dockerfile unpacks it"),
        ("runtime: base\nrootfs: ./none", "Kraftfile:2: rootfs: 'none' is not there"),
        ("runtime: base", "Kraftfile:1: rootfs: none is named"),
        ("runtime: ./files", "Kraftfile:1: runtime: a project or a kernel of this machine"),
        ("runtime: base\nunikraft: stable", "Kraftfile:1: runtime: the kernel is built"),
        ("unikraft: ../unikraft", "Kraftfile:1: unikraft: a tree of this machine is --build-co"),
        ("unikraft: 70bc0af", "Kraftfile:1: unikraft: a commit is written in full"),
        ("unikraft: stable\nlibraries: [a]", "Kraftfile:2: libraries: it is no mapping"),
        ("template: app/nginx:stable", "Kraftfile:1: template: what it brings has to be written"),
        (
            "runtime: base\ncmd: ['env.vars=[ \"A=b\" ]', --, -c]",
            'Kraftfile:2: cmd: env.vars=[ "A=b" ]: the runtime writes such words',
        ),
    ],
)
def test_notes(here: Path, text: str, note: str, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "Kraftfile").write_text(f"{text}\n")
    assert main(["migrate", "Kraftfile"]) == 0
    made, said = capsys.readouterr()
    assert note in said
    assert f"#   {note}" in made


def test_it_is_written_beside(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "Kraftfile").write_text("runtime: base\nrootfs: files\n")
    assert main(["migrate", "--write", "Kraftfile"]) == 0
    assert (here / "Kraftfile").read_text().startswith("runtime")
    assert "unikraft.org/base:latest" in (here / "bunnyfile").read_text()
    assert main(["migrate", "--write", "Kraftfile"]) == 1
    assert "bunnyfile is there already: move it away" in capsys.readouterr().err
