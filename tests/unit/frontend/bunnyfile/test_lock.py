"""The lock file: what is written is read again, what is wrong is told at its line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from frameworks.diagnostics import Problems
from frameworks.spec import APP, ROOTFS, TOOLCHAIN, GitSource, Package, PackageList, Text
from frontend.bunnyfile import load, lock
from frontend.bunnyfile.lock import Commit, Lock, Packages
from llb import Platform, SourceFile

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")
DIGEST = "sha256:" + "ab" * 32
COMMIT = "c0" * 20
FILE = b"""version: v1
platforms: {framework: linux, monitor: qemu}
kernel:
  from: source
  source: {git: "https://git.example/linux.git", ref: v6.12}
app:
  from: https://git.example/app.git#main
  build: make
rootfs:
  from: debian:trixie-slim
  packages: [nginx, "curl"]
  include:
    - {from: "registry.example/files", source: /a, destination: /a}
    - {from: "pinned@%s", source: /b, destination: /b}
cmd: [nginx]
""" % DIGEST.encode()
PACKAGES = Packages(
    ("nginx", "curl"),
    (
        Package("nginx", "1:1.26-3", "http://m.example/pool/nginx_1.26_amd64.deb", "1" * 64),
        Package("curl", "8.14", "http://m.example/pool/curl_8.14_amd64.deb", "2" * 64),
    ),
    f"debian:trixie-slim@{DIGEST}",
)
WHOLE = Lock(
    {"debian:trixie-slim": DIGEST, "registry.example/files:latest": DIGEST},
    {
        "https://git.example/linux.git#v6.12": Commit("refs/tags/v6.12", COMMIT),
        "https://git.example/app.git#main": Commit("refs/heads/main", COMMIT),
    },
    {"linux/amd64": PACKAGES, "linux/arm64": Packages((), ())},
)


def _read(text: str | bytes) -> Lock:
    data = text if isinstance(text, bytes) else text.encode()
    return lock.read(SourceFile("bunnyfile.lock", data))


def test_what_is_written_is_read_again() -> None:
    text = lock.written(WHOLE, "bunnyfile")
    found = _read(text)
    assert found.images == WHOLE.images
    assert found.git == WHOLE.git
    files = tuple(sorted(PACKAGES.files, key=lambda each: each.name))
    assert found.packages["linux/amd64"] == replace(PACKAGES, files=files)
    assert lock.written(found, "bunnyfile") == text
    assert _read(lock.written(Lock(), "b")) == Lock()


def test_each_entry_is_a_line() -> None:
    """A change of one is one line of a diff; the order is that of the names."""
    lines = lock.written(WHOLE, "bunnyfile").splitlines()
    names = [line.split('"')[3] for line in lines if '"name"' in line]
    assert names == ["curl", "nginx"]
    assert sum(DIGEST in line for line in lines) == 3
    backwards = Lock(dict([*WHOLE.images.items()][::-1]), WHOLE.git, WHOLE.packages)
    assert lock.written(backwards, "bunnyfile").splitlines() == lines


def _file(name: str, url: str) -> str:
    sum = "1" * 64
    return f'{{"name": "{name}", "version": "1", "sha256": "{sum}", "url": "{url}"}}'


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        ("", "it is not JSON here", 1),
        ("# only\n# comments\n", "it is not JSON here", 3),
        ("[]", "a mapping is missing here", 1),
        ("{}", "this hutch reads version 1 of its format", 1),
        ('# a\n\n{\n  "version": 2}', "this hutch reads version 1 of its format", 4),
        ('{"version": 1,\n"imagse": {}}', "there is no key 'imagse' here", 2),
        ('{"version": 1,\n"images": []}', "a mapping is missing here", 2),
        ('{"version": 1, "images": {\n"a:1": "latest"}}', "the digest of an image", 2),
        ('{"version": 1, "git": {"u#r": {\n"ref": "main"}}}', "the whole name of a ref", 2),
        ('{"version": 1, "git": {\n"u#r": {"ref": "HEAD"}}}', "the full hash of a commit", 2),
        ('{"version": 1, "packages": {"p": {\n"asked": 1}}}', "a list is missing here", 2),
        (
            '{"version": 1, "packages": {"p": {"asked": [], "files": [\n'
            '{"name": "a", "version": "1", "sha256": "", "url": "file:///a"}]}}}',
            "the URL of a file is missing here",
            2,
        ),
        (
            '{"version": 1, "images": {\n"a:1": "sha256:1",\n"a:1": "sha256:2"}}',
            "there is a second 'a:1' in it",
            3,
        ),
        ('{"version": 1, "images": {},\n"images": {}}', "there is a second 'images' in it", 2),
        (
            '{"version": 1, "packages": {"p": {"asked": [],\n"asked": [], "files": []}}}',
            "there is a second 'asked' in it",
            2,
        ),
        (
            '{"version": 1, "packages": {"p": {"asked": [], "files": [\n'
            + _file("a", "http://m/x/a_1%2b1.deb")
            + ",\n"
            + _file("b", "http://n/y/a_1+1.deb?z")
            + "]}}}",
            "a has a file a_1+1.deb, too",
            3,
        ),
        ('{"version": 1,\n>>>>>>> other\n', "git could not merge it", 2),
        (b"\xff", "byte 1 is not UTF-8 text", 1),
        ("[" * 1000, "values are nested more than", 1),
        (b" " * ((16 << 20) + 1), "it has more than 16 MiB", 1),
    ],
)
def test_what_is_wrong_is_told_at_its_line(text: str | bytes, said: str, line: int) -> None:
    with pytest.raises(Problems) as raised:
        _read(text)
    (found,) = raised.value.diagnostics
    assert found.code == "bad-lock"
    assert found.message.startswith(f"the lock file cannot be used: {said}")
    assert found.at is not None
    assert found.at.start.line == line


def test_a_branch_is_at_its_commit_and_a_tag_has_to_be_it() -> None:
    pinned = WHOLE.pinned(load(FILE, "bunnyfile").bunnyfile)
    assert pinned.kernel is not None
    assert pinned.app is not None
    url = "https://git.example/linux.git"
    assert isinstance(pinned.kernel.source, GitSource)
    assert pinned.kernel.source.ref == "v6.12"
    assert (pinned.kernel.source.url, pinned.kernel.source.commit) == (url, COMMIT)
    assert pinned.app.git is not None
    assert (pinned.app.git.ref, pinned.app.git.commit) == (None, COMMIT)


def test_a_commit_of_the_file_s_own_stays() -> None:
    text = FILE.replace(b"ref: v6.12", b"ref: v6.12, commit: " + b"ab" * 20)
    kernel = WHOLE.pinned(load(text, "bunnyfile").bunnyfile).kernel
    assert kernel is not None
    assert isinstance(kernel.source, GitSource)
    assert kernel.source.commit == "ab" * 20


def test_what_a_lock_lacks() -> None:
    file = load(FILE, "bunnyfile").bunnyfile
    locked = {ROOTFS: PackageList((Text("nginx"),), files=())}
    lacking = {ROOTFS: PackageList((Text("nginx"), Text("curl")))}
    assert list(WHOLE.lacking(file, locked, ())) == []
    assert list(WHOLE.lacking(file, lacking, ())) == ["nginx"]
    words = list(Lock().lacking(file, lacking, ("debian:trixie-slim",)))
    assert words == ["registry.example/files", "v6.12", "main", "nginx"]


def test_the_order_of_packages_is_nothing() -> None:
    names = (Text("nginx"), Text("curl"))

    def files(*names: Text, platform: Platform = AMD64) -> tuple[Package, ...] | None:
        return WHOLE.files(ROOTFS, PackageList(names), platform, AMD64, None)

    assert files(*names) == PACKAGES.files
    assert files(*reversed(names)) == PACKAGES.files
    assert files(names[0]) is None
    assert files(*names, platform=ARM64) is None


def test_packages_of_a_toolchain_are_of_a_builder() -> None:
    """An application's are found by all that is installed, its toolchain's packages too."""
    name = lock.packages_name(APP, ARM64, AMD64)
    assert name == "app for linux/arm64 on linux/amd64"
    assert lock.without_builder(name) == lock.packages_name(APP, ARM64, None)
    found = Lock(packages={name: replace(PACKAGES, asked=("clang", "curl"))})
    said = PackageList((Text("curl"),), over=(Text("clang"),))
    assert found.files(APP, said, ARM64, AMD64, None) == PACKAGES.files
    assert found.files(APP, said, ARM64, None, None) == PACKAGES.files  # nobody asked the builder
    assert found.files(APP, said, ARM64, ARM64, None) is None
    assert found.files(APP, said, AMD64, AMD64, None) is None
    assert found.files(TOOLCHAIN, said, ARM64, AMD64, None) is None
    assert found.files(APP, replace(said, over=()), ARM64, AMD64, None) is None


def test_packages_are_over_what_they_were_chosen_for() -> None:
    """The image, and what the lock says that it is; None where no lock knows what stands in."""
    said = PackageList((Text("nginx"), Text("curl")))

    def files(base: tuple[str, ...] | None, whole: Lock = WHOLE) -> tuple[Package, ...] | None:
        return whole.files(ROOTFS, said, AMD64, None, base)

    assert files(("docker.io/library/debian:trixie-slim",)) == PACKAGES.files
    assert files(None) == PACKAGES.files
    assert files(("ubuntu:24.04",)) is None
    assert files(()) is None
    moved = {"debian:trixie-slim": "sha256:" + "cd" * 32}
    for images in ({}, moved):  # taken out of the lock, and renewed alone
        assert files(("debian:trixie-slim",), replace(WHOLE, images=images)) is None


def test_names_of_images() -> None:
    assert WHOLE.digest("docker.io/library/debian:trixie-slim") == DIGEST
    assert WHOLE.digest("registry.example/files") == DIGEST
    assert WHOLE.digest("registry.example/files:2") == ""
    assert WHOLE.digest(f"debian:trixie-slim@{DIGEST}") == ""
    assert WHOLE.digest("Not/AnImage") == ""


def test_a_password_is_not_written() -> None:
    source = GitSource(Text("https://me:secret@git.example/a.git"), Text("main"))
    assert lock.git_name(source) == "https://xx:xxxxxx@git.example/a.git#main"


def test_what_a_build_has_listed() -> None:
    listed = b'[{"name": "b", "version": "1", "url": "http://m/b", "sha256": "%s"}]' % (b"1" * 64)
    assert lock.packages_of(listed) == (Package("b", "1", "http://m/b", "1" * 64),)
    for bad in (b"{}", b"[1]", b"[{}]", b"x"):
        with pytest.raises(ValueError, match=r"missing|Expecting"):
            lock.packages_of(bad)


def test_another_tool_s_file_is_told_from_a_broken_lock() -> None:
    ours = lock.written(WHOLE, "Dockerfile").encode()
    for data in (
        ours,
        ours[:200],
        ours.replace(b"What", b"<<<<<<< HEAD\n# What"),
        b'{"version": 1}',
        b'{\n  "version": 2,\n',
        b"",
        b"\n",
    ):
        assert not lock.is_foreign(data), data
    for data in (
        b"FROM debian@sha256:04a4e73f\n",
        b'{"lockfileVersion": 3, "packages": {}}',
        b'{"dockerfiles": {"Dockerfile": [{"name": "debian", "tag": "trixie"}]}}',
        b'{"version": "1.0"}',
        b"version: 1\nimages: {}\n",
        b"# This file is generated.\n<<<<<<< HEAD\n",
        b"\xff\xfe\x00",
    ):
        assert lock.is_foreign(data), data
