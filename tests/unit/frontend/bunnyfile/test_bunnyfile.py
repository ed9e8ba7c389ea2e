"""Whole files: what they decode to, and that whatever else is given ends in `Problems`."""

from __future__ import annotations

import os
import random
import re
import time
from pathlib import Path

import pytest

from frameworks.diagnostics import Problems
from frameworks.spec import (
    Bunnyfile,
    GitSource,
    LocalSource,
    Option,
    PackageSource,
    Rootfs,
    UrlSource,
)
from frontend.bunnyfile import MAX_ERRORS, kind_of, load
from tests.unit.frontend.bunnyfile import corpus

OLD = "version: v0.1\nplatforms: {framework: %s, monitor: qemu}\nkernel: {from: local, path: k}\n"
NEW = "version: v1\nplatforms: {framework: linux, monitor: qemu}\n"


def read(source: str, args: dict[str, str] | None = None) -> Bunnyfile:
    return load(source.encode(), "bunnyfile", args or {}).bunnyfile


def rootfs(source: str) -> Rootfs:
    found = read(source).rootfs
    assert found is not None
    return found


def codes(source: str | bytes) -> list[str]:
    data = source.encode() if isinstance(source, str) else source
    with pytest.raises(Problems) as caught:
        load(data, "bunnyfile")
    return [found.code for found in caught.value.diagnostics]


class TestV1:
    def test_every_key(self) -> None:
        file = read(corpus.FULL, {"TAG": "x", "KERNEL": "6.13"})
        assert file.version == "v1"
        assert file.args == (("KERNEL", "6.12"), ("TAG", None))
        platforms = file.platforms
        assert (platforms.framework, platforms.version) == ("linux", "6.13")
        assert (platforms.monitor, platforms.architecture) == ("qemu", "x86_64")
        assert file.toolchain.from_ == "debian:trixie-slim"
        assert file.toolchain.packages == ("libssl-dev",)
        kernel = file.kernel
        assert kernel is not None
        assert kernel.source == GitSource(
            kernel.source.url if isinstance(kernel.source, GitSource) else None,  # type: ignore[arg-type]
            "v6.12",  # type: ignore[arg-type]
            "0123456789012345678901234567890123456789",  # type: ignore[arg-type]
        )
        assert (kernel.from_, kernel.path, kernel.config) == ("source", None, "microvm")
        assert (kernel.fragments, kernel.patches) == (("debug.config",), ("fix.patch",))
        options = {str(option.name): option.value for option in kernel.options}
        assert options == {"IKCONFIG": True, "NR_CPUS": 8, "CMDLINE": "quiet", "BASE": "0x1000"}
        assert kernel.cmdline == "quiet"
        app = file.app
        assert app is not None
        assert (app.from_, app.path, app.packages) == ("local", ".", ("libssl-dev",))
        assert app.build == "make HOME=${HOME}\n"
        assert [(a.source, a.destination) for a in app.artifacts] == [("server", "/usr/bin/server")]
        root = file.rootfs
        assert root is not None
        assert (root.from_, root.type, root.path) == ("debian:trixie-slim", "block", None)
        assert (root.filesystem, root.size, root.mount) == ("ext4", "64M", "/")
        includes = [(i.from_, i.source, i.destination, i.owner, i.mode) for i in root.include]
        assert includes == [
            ("local", "conf", "/etc/conf", None, None),
            ("local", "motd", "motd", None, None),
            ("nginx:latest", "/etc/nginx", "/etc/nginx", "0:0", "0644"),
        ]
        settings = file.settings
        assert settings.cmd == ("server", "--port", "80", "true")
        assert settings.entrypoint == ("/bin/sh", "-c")
        assert settings.envs == (("LANG", "C.UTF-8"), ("EMPTY", ""), ("X", "a=b"))
        assert (settings.user, settings.workdir) == ("1000:1000", "/srv")
        assert (settings.ports, settings.volumes) == (("80/tcp", "53/udp"), ("/data",))
        assert settings.labels == (("title", "server"), ("version", "1.10"), ("stable", "true"))
        assert settings.annotations == (("org.example.note", "yes"),)
        assert file.init == "auto"

    def test_values_know_their_place(self) -> None:
        file = read(corpus.FULL, {"TAG": "x"})
        lines = corpus.FULL.split("\n")
        for text in (file.platforms.monitor, file.kernel and file.kernel.config, file.init):
            assert text is not None
            start, end = text.at.start, text.at.end
            assert lines[start.line - 1][start.character : end.character] == text
        assert file.kernel is not None
        assert lines[file.kernel.at.start.line - 1] == "kernel:"
        assert lines[file.kernel.at.end.line - 1] == "  cmdline: quiet"

    @pytest.mark.parametrize(
        ("source", "kind"),
        [
            (corpus.FULL, GitSource),
            (corpus.ARCHIVE, UrlSource),
            (corpus.PACKAGE, PackageSource),
            (corpus.LOCAL_SOURCE, LocalSource),
        ],
    )
    def test_sources(self, source: str, kind: type) -> None:
        kernel = read(source).kernel
        assert kernel is not None
        assert isinstance(kernel.source, kind)

    def test_envs_as_a_mapping(self) -> None:
        envs = read(corpus.ARCHIVE).settings.envs
        assert envs == (("LANG", "C.UTF-8"), ("DEBUG", "true"), ("N", "010"))

    def test_a_dockerfile_is_named_once(self) -> None:
        found = rootfs(corpus.ARCHIVE)
        assert (found.from_, found.dockerfile, found.target) == (
            "dockerfile",
            "Dockerfile",
            "runtime",
        )

    def test_what_is_not_said(self) -> None:
        file = read(NEW)
        assert (file.app, file.rootfs, file.init) == (None, None, None)
        assert file.kernel is not None
        assert file.kernel.from_ == "source"
        assert (file.settings.cmd, file.settings.entrypoint) == (None, None)
        assert rootfs(NEW + "rootfs: {}\n").from_ == "scratch"
        app = read(NEW + "app: {}\n").app
        assert app is not None
        assert app.from_ == "local"

    def test_an_empty_list_is_said(self) -> None:
        assert read(NEW + "cmd: []\nentrypoint: []\n").settings.cmd == ()

    def test_options_keep_their_types(self) -> None:
        source = NEW + "kernel: {from: source, options: {A: true, B: 'true', C: 7, D: y, E: 010}}\n"
        kernel = read(source).kernel
        assert kernel is not None
        values = [option.value for option in kernel.options]
        assert values == [True, "true", 7, "y", "010"]
        assert [type(value) is bool for value in values] == [True, False, False, False, False]
        assert isinstance(kernel.options[0], Option)

    def test_arguments_become_values_and_nothing_else(self) -> None:
        source = NEW + "args: {A: }\ncmd: ['${A}']\nuser: ${A:-root}\n"
        evil = 'x"]\nuser: root\n#'
        file = read(source.replace("user: ${A:-root}", "user: root"), {"A": evil})
        assert file.settings.cmd == (evil,)
        with pytest.raises(Problems):
            read(source, {"A": evil})

    @pytest.mark.parametrize("value", ["$(reboot)", "`id`", "a; b", "a && b", "../x", "'\"\n\\"])
    def test_shell_characters_are_literal(self, value: str) -> None:
        quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        assert read(NEW + f'cmd: ["{quoted}"]\n').settings.cmd == (value,)


class TestV0:
    @pytest.mark.parametrize(
        "version", ["0.1", "v0.1", '"0.1"', "0.1.0", "0.0.1", "0", "v0", "0.1-rc1", "0.1+x", "0.01"]
    )
    def test_versions(self, version: str) -> None:
        assert read((OLD % "linux").replace("v0.1", version)).version == "v0.1"

    @pytest.mark.parametrize(
        "version", ["0.10", "0.2", "0.1.1", "1", "v2", "latest", "0.1.", "99999999999"]
    )
    def test_other_versions(self, version: str) -> None:
        assert codes((OLD % "linux").replace("v0.1", version)) == ["unsupported-version"]

    def test_every_key(self) -> None:
        file = read(corpus.OLD)
        platforms = file.platforms
        assert (platforms.framework, platforms.monitor) == ("rumprun", "hvt")
        assert (platforms.version, platforms.architecture) == ("0.10", "x86")
        assert file.kernel is not None
        assert (file.kernel.from_, file.kernel.path) == ("local", "redis.hvt")
        assert file.settings.cmd == ("redis-server", "/data/conf/redis.conf", "1")
        assert file.settings.entrypoint == ("/init",)
        assert file.settings.envs == (("A", "b"),)
        assert file.rootfs is not None
        assert [(i.from_, i.source, i.destination) for i in file.rootfs.include] == [
            ("local", "conf/", "/conf"),
            ("local", "data", "data"),
            ("example.com/image:latest", "/a", "/b"),
        ]

    @pytest.mark.parametrize(
        ("lines", "cmd"),
        [
            ("cmdline: a b", ("a", "b")),
            ("cmdline: ' a  b '", ("a", "b")),
            ("cmdline: sh -c 'x  y'", ("sh", "-c", "'x", "y'")),
            ("cmdline: a b\ncmd: []", ("a", "b")),
            ("cmdline: a b\ncmd: [c d, '']", ("c d", "")),
            ("cmdline: ''", None),
            ("cmdline: 12", ("12",)),
            ("cmd: []", None),
            ("cmd:", None),
        ],
    )
    def test_arguments(self, lines: str, cmd: tuple[str, ...] | None) -> None:
        assert read(OLD % "linux" + lines + "\n").settings.cmd == cmd

    @pytest.mark.parametrize(
        "lines",
        ["", "rootfs:\n", "rootfs: {}\n", "rootfs: {from: scratch}\n", "rootfs: {from: ''}\n"],
    )
    def test_no_files_are_no_rootfs(self, lines: str) -> None:
        assert read(OLD % "linux" + lines).rootfs is None

    @pytest.mark.parametrize(
        ("framework", "lines", "type"),
        [
            ("unikraft", "include: [a]", "initrd"),
            ("linux", "include: [a]", "raw"),
            ("linux", "include: [a], type: block", "block"),
            ("mirage", "from: example.com/image", "raw"),
            ("unikraft", "from: example.com/image", "initrd"),
            # What a prebuilt file is, its bytes tell.
            ("linux", "from: local, path: x.cpio", None),
            ("unikraft", "from: local, path: x.cpio", None),
            ("linux", "from: example.com/image, path: /x", None),
            ("linux", "from: local, path: x, type: block", "block"),
        ],
    )
    def test_types(self, framework: str, lines: str, type: str | None) -> None:
        assert rootfs(OLD % framework + f"rootfs: {{{lines}}}\n").type == type

    @pytest.mark.parametrize(
        ("item", "source", "destination"),
        [
            ("a", "a", "a"),
            ("a:b", "a", "b"),
            ("'a:'", "a", "a"),
            ("a:b:c", "a", "b:c"),
            ("{source: a, destination: b}", "a", "b"),
            ("{from: '', source: a, destination: b}", "a", "b"),
        ],
    )
    def test_includes(self, item: str, source: str, destination: str) -> None:
        (found,) = rootfs(OLD % "linux" + f"rootfs:\n  include:\n  - {item}\n").include
        assert (found.from_, found.source, found.destination) == ("local", source, destination)

    def test_unknown_keys_are_errors_though_bunny_ignores_them(self) -> None:
        with pytest.raises(Problems) as raised:
            read(OLD % "linux" + "arch: x\nx-note: y\nuser: root\n")
        codes = [found.code for found in raised.value.diagnostics]
        assert codes == ["unknown-key", "unknown-key"]

    def test_arguments_of_the_build_are_text(self) -> None:
        assert read(OLD % "linux" + "cmd: ['${A}', $$]\n").settings.cmd == ("${A}", "$$")

    def test_a_variable_without_a_value(self) -> None:
        loaded = load((OLD % "linux" + "envs: [A]\n").encode(), "bunnyfile")
        assert loaded.bunnyfile.settings.envs == (("A", ""),)
        assert [found.code for found in loaded.warnings] == ["bad-env"]


@pytest.mark.skipif("BUNNY_REPOSITORY" not in os.environ, reason="needs a checkout of bunny")
def test_bunnys_own_files() -> None:
    """Every bunnyfile in bunny's documentation; BUNNY_REPOSITORY names a checkout of it."""
    folder = Path(os.environ.get("BUNNY_REPOSITORY", ""))
    found = 0
    for page in sorted(folder.rglob("*.md")):
        for block in re.findall(r"^```\w*\n(.*?)^```", page.read_text(), re.S | re.M):
            if not re.search(r"^version: *v?0", block, re.M):
                continue
            found += 1
            if "<src>" in block:
                # Not a file but a list of all fields, which bunny itself refuses.
                assert "bad-combination" in codes(block)
                continue
            assert load(block.encode(), page.name).bunnyfile.version == "v0.1"
    assert found >= 4


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("FROM scratch\n", "dockerfile"),
        ("# syntax=x\n\n  from debian\n", "dockerfile"),
        ("ARG A=1\nFROM $A\n", "dockerfile"),
        ("\ufeffFROM scratch\n", "dockerfile"),
        ("RUN make\n", "dockerfile"),
        ("version: v1\n", "bunnyfile"),
        ("from: x\n", "bunnyfile"),
        ("FROM: x\n", "bunnyfile"),
        ("from : x\n", "bunnyfile"),
        ("run make: x\n", "bunnyfile"),
        ("---\nversion: v1\n", "bunnyfile"),
        ("{version: v1}\n", "bunnyfile"),
        ("# FROM x\nplatforms:\n  FROM y\n", "bunnyfile"),
        ("", "bunnyfile"),
        ("FROM\n", "bunnyfile"),
    ],
)
def test_kinds(data: str, kind: str) -> None:
    assert kind_of(data.encode()) == kind


HOSTILE = {
    "large": b"a" * 3_000_000,
    "brackets": b"x-a: " + b"[" * 200_000,
    "bracket lines": b"x-a: " + b"[\n" * 100_000,
    "question marks": b"? " * 100_000,
    "colons": b"a: " * 80_000,
    "anchors": b"x-a: " + b"&a " * 60_000,
    "tags": b"x-a: " + b"!!str " * 40_000,
    "dollars": b'version: v1\nworkdir: "' + b"${A:-" * 20_000 + b'"\n',
    "unknown keys": b"version: v1\n" + b"".join(b"k%d: v\n" % n for n in range(5_000)),
    "random": random.Random(1).randbytes(100_000),
    "nul": bytes(100_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_soon(name: str) -> None:
    """Soon is generous here: what this catches is quadratic."""
    start = time.process_time()
    assert 0 < len(codes(HOSTILE[name])) <= MAX_ERRORS + 1
    assert time.process_time() - start < 20


_PIECES = [
    "\t",
    '"',
    "'",
    "[",
    "]",
    "{",
    "}",
    ":",
    "- ",
    "&a ",
    "*a",
    "!!str ",
    "!x ",
    "\\",
    "",
    ">",
    "\n",
    "  ",
    "#",
    "---\n",
    "<<: ",
    "? ",
    "\\U",
    '"\\x0',
    "${",
    "$$",
    "${A}",
    "é",
    "\u2028",
    "null",
    "~",
    "true",
    "\r\n",
    "@",
    "%",
    ",",
    "0x",
    "../",
    "x-",
    "version: v1\n",
    "!<",
    "%TAG ! x\n",
    "'${TARGETARCH:-a}'",
]


def test_mutated_files_end_in_problems_or_a_bunnyfile() -> None:
    rng = random.Random(20260101)
    for _ in range(400):
        source = rng.choice(corpus.ALL)
        for _ in range(rng.randint(1, 5)):
            start = rng.randrange(len(source) + 1)
            end = min(len(source), start + rng.randint(0, 12))
            piece = rng.choice([*_PIECES, source[start:end], chr(rng.randrange(0x3000)), ""])
            source = source[:start] + piece + source[rng.choice([start, end]) :]
        data = source.encode("utf-8", "surrogatepass")
        try:
            load(data, "bunnyfile", {"TARGETARCH": "amd64", "TAG": "x"})
        except Problems as problems:
            for found in problems.diagnostics:
                assert found.at is not None
                assert found.at.end.line <= source.count("\n") + 1
                assert "\n" not in str(found)


V0 = "version: v0.1\nplatforms: {framework: linux, monitor: qemu}\n"


def test_a_v0_file_without_a_kernel_may_ask_for_one() -> None:
    args = {"HUTCH_KERNEL": "source", "HUTCH_KERNEL_CONFIG": "tiny", "HUTCH_KERNEL_VERSION": "6.1"}
    found = load(V0.encode(), "bunnyfile", args).bunnyfile
    assert found.kernel is not None
    assert (found.kernel.from_, found.kernel.path, found.kernel.config) == ("source", None, "tiny")
    assert found.platforms.version == "6.1"
    image = load(V0.encode(), "bunnyfile", {"HUTCH_KERNEL": "kernels/linux:1"}).bunnyfile
    assert image.kernel is not None
    assert (image.kernel.from_, image.kernel.path) == ("kernels/linux:1", "/.boot/kernel")


def test_a_v0_file_s_own_kernel_is_the_one() -> None:
    text = V0 + "kernel: {from: local, path: k}\n"
    found = load(text.encode(), "bunnyfile", {"HUTCH_KERNEL": "source"}).bunnyfile
    assert found.kernel is not None
    assert found.kernel.from_ == "local"


def test_a_v0_file_without_any_kernel() -> None:
    with pytest.raises(Problems, match="the file needs 'kernel'"):
        load(V0.encode(), "bunnyfile")
    with pytest.raises(Problems, match="HUTCH_KERNEL_PATH"):
        load(V0.encode(), "bunnyfile", {"HUTCH_KERNEL": "local"})
