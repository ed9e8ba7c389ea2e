"""Package URLs, package databases, and the SPDX document that the step writes."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

import llb
from frameworks import kit
from frameworks.base import Image
from frameworks.components import Component, file_at, kernel_source, package_url
from frameworks.spec import GitSource, LocalSource, PackageSource, Text, UrlSource
from frameworks.steps import sbom
from frameworks.steps.packages import installed, libraries
from frameworks.steps.sbom import write
from frontend.sbom import Facts, facts
from frontend.sbom.graph import fetched, origin
from tests.unit.core.helpers import AMD64, FakeInputs, lower

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DIGEST = "sha256:" + "ab" * 32

DPKG = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc (2.41-12)
Version: 2.41-12+deb13u1
Description: GNU C Library
 Version: not this one

Package: gone
Status: deinstall ok config-files
Version: 1

Package: g++
Status: install ok installed
Architecture: amd64
Version: 4:14.2.0-1
"""
APK = "C:Q1\nP:musl\nV:1.2.5-r9\nA:x86_64\n\nP:busybox\nV:1.37.0-r12\nA:x86_64\n"


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (package_url("deb", "g++", "4:14.2.0-1"), "pkg:deb/g%2B%2B@4:14.2.0-1"),
        (package_url("apk", "musl", namespace="alpine"), "pkg:apk/alpine/musl"),
        (
            package_url("oci", "debian", DIGEST, qualifiers={"tag": "a b", "x": ""}),
            f"pkg:oci/debian@{DIGEST}?tag=a%20b",
        ),
    ],
)
def test_package_urls(made: str, text: str) -> None:
    assert made == text


@pytest.mark.parametrize(
    ("source", "purl"),
    [
        (
            PackageSource(Text("linux-source-6.12=6.12.48-1")),
            "pkg:deb/debian/linux-source-6.12@6.12.48-1?arch=all",
        ),
        (
            GitSource(Text("https://example.com/x.git"), Text("v1"), Text(COMMIT)),
            f"pkg:generic/linux@6.12?vcs_url=git%2Bhttps://example.com/x.git%40{COMMIT}",
        ),
        (
            UrlSource(Text("https://example.com/x.tar"), Text("ab" * 32)),
            f"pkg:generic/linux@6.12?checksum={DIGEST}&download_url=https://example.com/x.tar",
        ),
        (LocalSource(Text("linux")), "pkg:generic/linux@6.12"),
    ],
)
def test_kernel_sources(
    source: PackageSource | GitSource | UrlSource | LocalSource, purl: str
) -> None:
    assert kernel_source("linux", "6.12", source).purl == purl


def test_sources_of_a_graph() -> None:
    state = llb.merge(
        [
            llb.image(f"localhost:5000/tools:1@{DIGEST}"),
            llb.git("https://example.com/app.git", ref=COMMIT),
            llb.http("https://example.com/a.tar", checksum=DIGEST),
            llb.local("context"),
        ]
    )
    found = fetched(state.marshal(platform=llb.Platform("linux", "amd64")))
    assert [each.name for each in found] == ["localhost:5000/tools", "app", "a.tar"]
    assert [each.sha256 or each.commit for each in found] == ["ab" * 32, COMMIT, "ab" * 32]


LINUX = "version: v1\nplatforms: {framework: linux, monitor: qemu}\nkernel: {from: source}\n"
BUILT = LINUX + (
    "app: {from: APP, build: make, artifacts: ['a:/a']}\n"
    "rootfs: {from: 'debian:bookworm-slim', type: initrd}\ncmd: [/a]\n"
)


def known(text: str, inputs: FakeInputs | None = None) -> Facts:
    """What is known of a file's image."""
    lowering = lower(text, inputs)
    state = llb.merge(lowering.layers)
    return facts(lowering, state.marshal(platform=AMD64))


def test_the_toolchain_is_what_it_was_made_from() -> None:
    """Not the image of that name, nor one that sounds like it."""
    default = kit.release().image
    found = known(BUILT.replace("APP", "local"))
    assert found.toolchain is not None
    assert found.toolchain.location == f"docker://docker.io/library/{default}"
    assert found.base is not None
    assert found.base.location == "docker://docker.io/library/debian:bookworm-slim"
    assert {found.toolchain, found.base} <= set(found.sources)

    named = FakeInputs(named={"debian": Image(llb.image("registry.example.com/tools:3"), "")})
    found = known("toolchain: {from: debian}\n" + BUILT.replace("APP", "local"), named)
    assert found.toolchain is not None
    assert found.toolchain.name == "registry.example.com/tools"

    directory = FakeInputs(named={"tools": Image(llb.local("tools"), "")})
    found = known("toolchain: {from: tools}\n" + LINUX, directory)
    assert found.toolchain == Component("tools")


@pytest.mark.parametrize(
    ("origin", "location"),
    [
        ("local", ""),
        ("localhost:5000/app:1", "docker://localhost:5000/app:1"),
        ("app", "docker://docker.io/library/app:latest"),
        (f"https://example.com/app.git#{COMMIT}", f"git+https://example.com/app.git@{COMMIT}"),
    ],
)
def test_the_application_is_what_it_was_built_from(origin: str, location: str) -> None:
    text = BUILT.replace("APP", f"'{origin}'").replace("debian:bookworm-slim", "localhost:5000/b:1")
    found = known(text).application
    assert found is not None
    assert found.location == location


@pytest.mark.parametrize(
    ("platforms", "app", "linked"),
    [
        ("mirage, monitor: spt", "", True),
        ("rumprun, monitor: spt", ", build: make", True),
        ("unikraft, monitor: qemu", "", True),
        ("unikraft, monitor: qemu", ", build: make, artifacts: ['a:/a']", False),
    ],
)
def test_the_application_of_a_unikernel_is_in_its_kernel(
    platforms: str, app: str, linked: bool
) -> None:
    """And a program that Unikraft's ELF loader loads is beside it."""
    text = f"version: v1\nplatforms: {{framework: {platforms}}}\nkernel: {{from: source}}\n"
    text += f"app: {{from: local, path: .{app}}}\ncmd: [/a]\n"
    assert known(text).linked is linked


def test_nothing_is_built_without_a_toolchain() -> None:
    found = known(LINUX.replace("source", "local, path: vmlinuz"))
    assert (found.kernel, found.toolchain, found.application, found.base) == (None,) * 4


def test_what_a_state_started_from() -> None:
    debian, app = llb.image("debian:13"), llb.git("https://example.com/app.git", ref=COMMIT)
    copied = debian.mkdir("/x").copy(app, "/a", "/a")
    run = copied.run(["make"], mounts=[llb.Mount.bind("/app", llb.scratch().copy(app, "/", "/"))])
    empty = llb.scratch().mkfile("/file", b"")
    for state, name in (
        (copied, "debian"),
        (run.root, "debian"),
        (run.mount("/app"), "app"),
        (llb.merge([run.root, empty]), "debian"),
        (empty, ""),
        (llb.local("context"), ""),
        (llb.scratch(), ""),
        (debian.run(["x"], mounts=[llb.Mount.bind("/out", llb.scratch())]).mount("/out"), ""),
    ):
        found = origin(state, AMD64)
        assert (found.name if found else "") == name


def test_databases(tmp_path: Path) -> None:
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").write_text(DPKG)
    (tmp_path / "lib/apk/db").mkdir(parents=True)
    (tmp_path / "lib/apk/db/installed").write_text(APK)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text('ID=debian\nVERSION_ID="13"\n')
    assert [each.purl for each in installed(tmp_path)] == [
        "pkg:apk/debian/busybox@1.37.0-r12?arch=x86_64&distro=debian-13",
        "pkg:apk/debian/musl@1.2.5-r9?arch=x86_64&distro=debian-13",
        "pkg:deb/debian/g%2B%2B@4:14.2.0-1?arch=amd64&distro=debian-13",
        "pkg:deb/debian/libc6@2.41-12%2Bdeb13u1?arch=amd64&distro=debian-13"
        "&upstream=glibc%402.41-12",
    ]
    assert installed(tmp_path / "nothing") == []


def test_packages_of_pkgsrc(tmp_path: Path) -> None:
    for name in ("usr/pkg/pkgdb/pcre2-10.45nb1", "usr/pkg/pkgdb/half-made-1", "var/db/pkg/none"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "usr/pkg/pkgdb/pcre2-10.45nb1/+CONTENTS").touch()
    (tmp_path / "var/db/pkg/none/+CONTENTS").symlink_to("/etc/passwd")
    (tmp_path / "usr/pkg/pkgdb/pkgdb.byfile.db").touch()
    assert installed(tmp_path) == [Component("pcre2", "10.45nb1", "pkg:generic/pcre2@10.45nb1")]


FILES = [
    {"name": "pcre2", "version": "10.45", "url": "https://pkg.example.com/p.pkg", "sha256": "cd"},
    {"name": "g++", "version": "4:14.2.0-1", "url": "http://deb.example.com/g.deb", "sha256": "ef"},
]
PCRE2 = "pkg:generic/pcre2@10.45?checksum=sha256:cd&download_url=https://pkg.example.com/p.pkg"


def test_packages_that_no_database_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are there by the list of what was fetched, or by the lock file; the others once."""
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").write_text(DPKG)
    monkeypatch.setattr(sbom, "ROOTFS", tmp_path)

    def urls(said: Facts) -> list[str]:
        return [
            each["externalRefs"][0]["referenceLocator"]
            for each in write(asdict(said))["packages"]
            if each["SPDXID"].startswith("SPDXRef-rootfs-")
        ]

    said = Facts("freebsd-qemu", "hutch", "linux/amd64", 0)
    own = urls(said)
    assert len(own) == 2
    locked = tuple(file_at(**each) for each in FILES)
    assert urls(replace(said, packages=locked)) == [*own, PCRE2]
    (tmp_path / "list").write_text(json.dumps(FILES))
    monkeypatch.setattr(sbom, "PACKAGES", tmp_path / "list")
    assert urls(said) == [*own, PCRE2]


LOCKED = """\
opam-version: "2.0"
depends: [
  "dune" {= "3.24.2"}
  "lwt" {= "5.9.3" & ?vendor}
  "ocaml" {= "5.3.0" & ?vendor-not}
  "fmt" {= "0.11.0+dune" & ?vendor}
]
"""


def test_libraries(tmp_path: Path) -> None:
    """A lock file says them; without one they are the directories of duniverse/."""
    assert libraries(tmp_path) == []
    for name in ("lwt", "bootvar"):
        (tmp_path / "duniverse" / name).mkdir(parents=True)
    (tmp_path / "duniverse" / "dune").write_text("(vendored_dirs *)\n")
    (tmp_path / "duniverse" / "lwt" / "lwt.opam").write_text('opam-version: "2.0"\nversion: "5"\n')
    assert [each.purl for each in libraries(tmp_path)] == ["pkg:opam/bootvar", "pkg:opam/lwt@5"]
    (tmp_path / "mirage").mkdir()
    (tmp_path / "mirage" / "app-spt.opam.locked").write_text(LOCKED)
    assert [each.purl for each in libraries(tmp_path)] == [
        "pkg:opam/fmt@0.11.0%2Bdune",
        "pkg:opam/lwt@5.9.3",
    ]


def test_links_of_a_guest_are_its_own(tmp_path: Path) -> None:
    """And what is no regular file is not read: the step would hang, or die."""
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    outside.mkdir()
    (outside / "status").write_text(DPKG)
    for folder in ("var/lib/dpkg/status.d", "usr/lib", "etc", "lib/apk", "real"):
        (tree / folder).mkdir(parents=True)
    status = tree / "var/lib/dpkg/status"
    for target in (outside / "status", "/proc/kmsg", "../../../../../../proc/kmsg", "status"):
        status.symlink_to(target)
        assert installed(tree) == []
        status.unlink()
    os.mkfifo(status)
    os.mkfifo(tree / "var/lib/dpkg/status.d/pipe")
    (tree / "var/lib/dpkg/status.d/md5").mkdir()
    assert installed(tree) == []
    # Links from the guest's own root, as merged and immutable distributions have them.
    status.unlink()
    status.symlink_to("/real/status")
    (tree / "real/status").write_text(DPKG)
    (tree / "lib/apk/db").symlink_to("/real/apk")
    (tree / "real/apk").mkdir()
    (tree / "real/apk/installed").write_text(APK)
    (tree / "etc/os-release").symlink_to("../usr/lib/os-release")
    (tree / "usr/lib/os-release").write_text('ID=debian\nVERSION_ID="13"\n')
    assert [each.name for each in installed(tree)] == ["busybox", "musl", "g++", "libc6"]
    assert all("distro=debian-13" in each.purl for each in installed(tree))


def test_the_document_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KERNEL", "CONFIG"):
        (tmp_path / name).write_text(name)
        monkeypatch.setattr(sbom, name, tmp_path / name)
    root = tmp_path / "root"
    (root / "var/lib/dpkg").mkdir(parents=True)
    (root / "var/lib/dpkg/status").write_text(DPKG)
    (root / "duniverse/lwt").mkdir(parents=True)
    for name in ("LIBRARIES", "ROOTFS", "TOOLCHAIN"):
        monkeypatch.setattr(sbom, name, root)
    said = Facts(
        name="linux-qemu",
        tool="hutch-1.2.3",
        platform="linux/amd64",
        epoch=1_700_000_000,
        kernel=kernel_source("linux", "6.12", PackageSource(Text("linux-source-6.12=6.12.48-1"))),
        options=("IKCONFIG=True",),
        application=Component("app"),
        toolchain=Component("debian", "trixie-slim", sha256="ab" * 32),
        base=Component("nginx", "1.27"),
        sources=(
            Component("a.tar", location="https://example.com/a.tar"),
            Component("app"),
            Component("debian", "trixie-slim", sha256="ab" * 32),
            Component("nginx", "1.27"),
        ),
        patches=("fix.patch",),
        linked=True,
    )
    document = write(asdict(said))
    parser = JsonLikeDictParser()  # type: ignore[no-untyped-call]
    assert validate_full_spdx_document(parser.parse(document)) == []
    assert document["creationInfo"]["created"] == "2023-11-14T22:13:20Z"
    assert document == write(asdict(said))
    related = {
        (each["spdxElementId"], each["relationshipType"], each["relatedSpdxElement"])
        for each in document["relationships"]
    }
    assert ("SPDXRef-kernel", "GENERATED_FROM", "SPDXRef-kernel-source") in related
    assert ("SPDXRef-kernel", "GENERATED_FROM", "SPDXRef-library-1") in related
    assert ("SPDXRef-kernel", "GENERATED_FROM", "SPDXRef-application") in related
    assert ("SPDXRef-toolchain", "BUILD_TOOL_OF", "SPDXRef-kernel") in related
    assert ("SPDXRef-image", "CONTAINS", "SPDXRef-rootfs-1") in related
    sources = [p["name"] for p in document["packages"] if p["SPDXID"].startswith("SPDXRef-source-")]
    beside = write(asdict(replace(said, linked=False)))["relationships"]
    assert len(beside) == len(related) - 1
    # The application and the toolchain are there under their own names.
    assert sources == ["a.tar", "nginx"]
    same = replace(said, base=said.toolchain)
    assert len(write(asdict(same))["packages"]) == len(document["packages"]) + 1
