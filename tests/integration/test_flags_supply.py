"""Attestations, facts and times: docs/contract/buildkit.md 9, from SOURCE_DATE_EPOCH to
`frontend.*`."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from spdx_tools.spdx.model.document import Document
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from tests.integration.harness import FILE, Builder
from tests.integration.harness.flags import digest, hutch, project, tree
from tests.integration.harness.images import Raw, raw
from tests.integration.harness.serving import git, repository, serve

__all__ = ["hutch", "project"]

pytestmark = pytest.mark.integration

RAW = """\
version: v1
platforms: {{framework: linux, monitor: qemu}}
kernel: {{from: local, path: kernel}}
rootfs: {{from: "debian:trixie-slim", type: {type}}}
cmd: [/bin/true]
"""
BUILT = """\
version: v1
platforms: {framework: linux, monitor: qemu}
kernel: {from: local, path: kernel}
app:
  from: local
  build: echo made > made
  artifacts: [made:/made]
rootfs: {type: initrd}
cmd: [/made]
"""


OWN = ("--attest", "type=sbom,generator=hutch")
"""No scanner, which may be had or not."""
DEFAULT = "docker/buildkit-syft-scanner:stable-1"

SCANNER = """\
set -eu
touch /opened  # BuildKit gives a scanner a root that it may write to
scan() {
    found=$(cd "$1" && find . -name METADATA)
    printf '{"predicateType": "https://spdx.dev/Document", "predicate": %s}' \\
        "{\\"name\\": \\"$(basename "$1")\\", \\"comment\\": \\"$BUILDKIT_SCAN_DEPTH$found\\"}" \\
        > "$BUILDKIT_SCAN_DESTINATION/$(basename "$1").spdx.json"
}
scan "$BUILDKIT_SCAN_SOURCE"
if [ "${BUILDKIT_SCAN_SOURCE_EXTRAS+set}" ]; then
    extras=$(ls "$BUILDKIT_SCAN_SOURCE_EXTRAS")
    for extra in $extras; do scan "$BUILDKIT_SCAN_SOURCE_EXTRAS/$extra"; done
fi
"""
"""As strict as docker/buildkit-syft-scanner; it finds the packages of pip."""
PIP = "usr/lib/python3/dist-packages/flask-3.dist-info/METADATA"


def predicates(image: Raw, kind: str) -> list[dict[str, Any]]:
    return [each["predicate"] for each in image.statements if kind in each["predicateType"]]


def checked(predicate: dict[str, Any]) -> Document:
    """The document, if spdx-tools finds nothing wrong with it."""
    document = JsonLikeDictParser().parse(predicate)  # type: ignore[no-untyped-call]
    assert validate_full_spdx_document(document) == []
    return document


def purls(document: Document) -> set[str]:
    return {
        reference.locator
        for package in document.packages
        for reference in package.external_references
        if reference.reference_type == "purl"
    }


@pytest.fixture
def attested(hutch: Builder) -> Builder:
    if not hutch.has_containerd_store:
        pytest.skip("attestations need Docker's containerd image store")
    return hutch


class TestSbom:
    @pytest.mark.parametrize("type", ["raw", "initrd"])
    def test_the_guest_s_packages_packed_or_not(
        self, attested: Builder, tmp_path: Path, type: str
    ) -> None:
        folder = attested.project(tmp_path / "p", RAW.format(type=type))
        image = attested.publish(folder, *OWN)
        (predicate,) = predicates(image, "spdx")
        document = checked(predicate)
        found = purls(document)
        assert any(purl.startswith("pkg:deb/debian/base-files@") for purl in found)
        assert any(purl.startswith("pkg:oci/debian@sha256:") for purl in found)
        (kernel,) = [each for each in document.packages if each.name == "kernel"]
        assert kernel.file_name == "./.boot/kernel"
        sums = {each.algorithm.name: each.value for each in kernel.checksums}
        assert sums["SHA256"] == digest(folder / "kernel")

    def test_the_toolchain(self, attested: Builder, tmp_path: Path) -> None:
        folder = attested.project(tmp_path / "p", BUILT)
        image = attested.publish(folder, *OWN)
        (predicate,) = predicates(image, "spdx")
        found = purls(checked(predicate))
        assert any(purl.startswith("pkg:deb/debian/gcc") for purl in found)
        relations = {each["relationshipType"] for each in predicate["relationships"]}
        assert {"DESCRIBES", "CONTAINS", "BUILD_TOOL_OF"} <= relations

    def test_the_same_input_gives_the_same_document(
        self, attested: Builder, tmp_path: Path
    ) -> None:
        folder = attested.project(tmp_path / "p", RAW.format(type="initrd"))
        flags = (*OWN, "--no-cache")
        first, second = (predicates(attested.publish(folder, *flags), "spdx") for _ in range(2))
        assert first == second

    @pytest.fixture
    def scanner(self, attested: Builder, tmp_path: Path) -> str:
        """An image that scans, by its name in the registry."""
        folder = tmp_path / "scanner"
        folder.mkdir()
        (folder / "scan.sh").write_text(SCANNER)
        (folder / "Dockerfile").write_text(
            "FROM debian:trixie-slim\nCOPY scan.sh /\nENV BUILDKIT_SCAN_DEPTH=\n"
            'ENTRYPOINT ["/bin/sh", "/scan.sh"]\n'
        )
        ref = f"{attested.registry}/hutch-test/flags-scanner:1"
        attested.buildx(folder, "--push", "-t", ref, file=None).ok()
        return ref

    def packages(self, hutch: Builder, folder: Path, type: str) -> Path:
        """A guest with a package of pip's."""
        file = FILE.replace("hello:/hello", f"METADATA:/{PIP}").replace("  inc", f"  {type}\n  inc")
        return hutch.project(folder, file, METADATA="Name: flask")

    @pytest.mark.parametrize(
        ("type", "found"),
        [
            ("type: raw", {"sbom": f"./{PIP}"}),
            ("type: initrd", {"sbom": "", "sbom-rootfs": f"./{PIP}"}),
        ],
    )
    def test_the_default_scanner_runs_beside_ours(
        self, attested: Builder, tmp_path: Path, scanner: str, type: str, found: dict[str, str]
    ) -> None:
        """Here something stands in for it; it sees a packed root filesystem as an extra."""
        folder = self.packages(attested, tmp_path / "p", type)
        flags = ("--sbom=true", "--build-context", f"{DEFAULT}=docker-image://{scanner}")
        said = predicates(attested.publish(folder, *flags), "spdx")
        names = {each["name"]: each.get("comment") for each in said}
        assert names.pop("generic-qemu") is None
        assert names == found

    @pytest.mark.parametrize("asked", ["type=sbom", f"type=sbom,generator={DEFAULT}"])
    def test_without_the_default_scanner_ours_is_alone(
        self, attested: Builder, tmp_path: Path, asked: str
    ) -> None:
        folder = self.packages(attested, tmp_path / "p", "type: raw")
        missing = f"docker-image://{attested.registry}/flags-no-scanner:1"
        ref = attested.name_of()
        flags = ("--attest", asked, "--build-context", f"{DEFAULT}={missing}")
        text = attested.buildx(folder, *flags, "--push", "-t", ref).ok().log
        assert "NoScanner: the SBOM is hutch's own alone" in text
        (predicate,) = predicates(raw(ref), "spdx")
        assert predicate["name"] == "generic-qemu"

    def test_nothing_is_scanned_where_there_is_no_tree(
        self, attested: Builder, tmp_path: Path
    ) -> None:
        file = FILE[: FILE.index("rootfs:")] + "cmd: [/hello]\n"
        folder = attested.project(tmp_path / "p", file)
        missing = f"{attested.registry}/flags-no-scanner:1"
        flags = ("--sbom=true", "--build-context", f"{DEFAULT}=docker-image://{missing}")
        done = attested.buildx(folder, *flags, "--output", "type=image").ok()
        assert "NoScanner" not in done.log

    def test_a_scanner_of_the_user_s_own(
        self, attested: Builder, tmp_path: Path, scanner: str
    ) -> None:
        folder = self.packages(attested, tmp_path / "p", "type: raw")
        asked = f"type=sbom,generator={scanner},DEPTH=three"
        said = predicates(attested.publish(folder, "--attest", asked), "spdx")
        names = {each["name"]: each.get("comment") for each in said}
        assert names == {"generic-qemu": None, "sbom": f"three./{PIP}"}

    def test_a_scanner_that_is_not_there(self, attested: Builder, project: Path) -> None:
        asked = f"type=sbom,generator={attested.registry}/flags-no-scanner:1"
        text = attested.buildx(project, "--attest", asked, "--output", "type=image").failed()
        assert "the SBOM generator cannot be had" in text
        assert "no-such-image" in text


class TestProvenance:
    def test_materials(self, attested: Builder, tmp_path: Path) -> None:
        folder = attested.project(tmp_path / "p", RAW.format(type="raw"))
        image = attested.publish(folder, "--provenance=mode=max")
        (found,) = predicates(image, "slsa.dev/provenance")
        materials = found.get("materials") or found["buildDefinition"]["resolvedDependencies"]
        uris = {each["uri"] for each in materials}
        assert any(uri.startswith("pkg:docker/debian@trixie-slim") for uri in uris)
        assert any("hutch" in uri for uri in uris)

    @pytest.mark.parametrize("flags", [(), ("--provenance=false",), ("--sbom=true",)])
    def test_urunc_finds_its_keys_whatever_is_attached(
        self, hutch: Builder, project: Path, flags: tuple[str, ...], tmp_path: Path
    ) -> None:
        """An index hides the manifest's annotations from urunc: labels and /urunc.json do not."""
        if flags == ("--sbom=true",) and not hutch.has_containerd_store:
            pytest.skip("attestations need Docker's containerd image store")
        image = hutch.publish(project, *flags)
        keys = {k: v for k, v in image.labels.items() if k.startswith("com.urunc.unikernel.")}
        assert keys["com.urunc.unikernel.binary"] == "/.boot/kernel"
        if hutch.has_containerd_store:
            assert keys.items() <= image.annotations.items()
            assert (image.index is None) == (flags == ("--provenance=false",))
        said = json.loads((hutch.files(tmp_path, project) / "urunc.json").read_text())
        assert said.keys() == keys.keys()


class TestFacts:
    @pytest.fixture
    def telling(self, hutch: Builder) -> Builder:
        if hutch.is_old:
            pytest.skip("Docker 20.10 answers with the digest alone")
        return hutch

    def test_sources_with_their_digests(self, telling: Builder, tmp_path: Path) -> None:
        folder = telling.project(tmp_path / "p", RAW.format(type="raw"))
        facts = tmp_path / "facts.json"
        telling.buildx(folder, "--metadata-file", str(facts)).ok()
        found = json.loads(facts.read_text())
        assert found["frontend.hutch.framework"] == "linux"
        sources = json.loads(found["frontend.hutch.sources"])
        (debian,) = [each for each in sources if "debian" in each["uri"]]
        assert debian["digest"].startswith("sha256:")

    def test_each_platform_has_its_own(
        self, attested: Builder, project: Path, tmp_path: Path
    ) -> None:
        facts = tmp_path / "facts.json"
        flags = ("--platform", "linux/amd64,linux/arm64", "--metadata-file", str(facts))
        attested.buildx(project, *flags).ok()
        found = json.loads(facts.read_text())
        assert found["frontend.hutch.framework/linux/arm64"] == "generic"

    def test_of_the_kernel_alone(self, telling: Builder, project: Path, tmp_path: Path) -> None:
        facts = tmp_path / "facts.json"
        telling.files(tmp_path, project, "--target", "kernel", "--metadata-file", str(facts))
        assert json.loads(facts.read_text())["frontend.hutch.framework"] == "generic"

    def test_files_of_a_configuration_that_are_not_there(
        self, hutch: Builder, tmp_path: Path
    ) -> None:
        """They are read for its digest, before any step can miss them."""
        file = (
            "version: v1\nplatforms: {framework: linux, monitor: qemu}\n"
            "kernel:\n  from: source\n  config: my.config\n  fragments:\n    - debug.confg\n"
            "cmd: [/hello]\n"
        )
        text = hutch.buildx(hutch.project(tmp_path / "p", file)).failed()
        assert "there is no 'my.config' in the build context" in text
        assert "there is no 'debug.confg' in the build context" in text
        assert text.count("[no-such-file]") == 2
        assert ">>>   config: my.config" in text


class TestEpoch:
    WHEN = 1_234_567_890

    def created(self, hutch: Builder, context: Path | str, *more: str) -> str:
        # The name without HUTCH_ needs BuildKit 0.32: older daemons refuse the word themselves.
        flags = ("--build-arg", "HUTCH_SOURCE_DATE_EPOCH=context", "--provenance=false", *more)
        file = None if isinstance(context, str) else "bunnyfile"
        image = hutch.publish(context, *flags, file=file)
        return str(image.config["created"])

    @pytest.mark.parametrize("packed", [False, True])
    def test_of_a_commit(self, hutch: Builder, tmp_path: Path, packed: bool) -> None:
        if hutch.is_old:
            pytest.skip("a directory of a git context needs BuildKit 0.9")
        work, web = tmp_path / "work", tmp_path / "web"
        web.mkdir()
        hutch.project(work / "app")
        for number in range(150 if packed else 1):  # git keeps a pack from 100 objects on
            (work / f"file{number}").write_text(os.urandom(8).hex())
        repository(work, web / "repo.git", when=self.WHEN)
        if packed:
            git(web / "repo.git", "repack", "-adq")
            git(web / "repo.git", "update-server-info")
        with serve(web) as url:
            context = f"{url}/repo.git#main:app"
            assert self.created(hutch, context, "-f", "bunnyfile") == "2009-02-13T23:31:30Z"

    def test_of_a_download(self, hutch: Builder, project: Path, tmp_path: Path) -> None:
        archive = tmp_path / "web/context.tgz"
        archive.parent.mkdir()
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(project, ".")
        os.utime(archive, (self.WHEN, self.WHEN))
        with serve(archive.parent) as url:
            context = f"{url}/context.tgz"
            assert self.created(hutch, context, "-f", "bunnyfile") == "2009-02-13T23:31:30Z"

    def test_a_directory_has_none(self, hutch: Builder, project: Path) -> None:
        text = hutch.buildx(project, "--build-arg", "HUTCH_SOURCE_DATE_EPOCH=context").failed()
        assert "has no time of its own" in text
        assert "git log -1 --pretty=%ct" in text

    def test_a_number_that_is_none(self, hutch: Builder, project: Path) -> None:
        text = hutch.buildx(project, "--build-arg", "HUTCH_SOURCE_DATE_EPOCH=yesterday").failed()
        assert "bad-build-option" in text
        text = hutch.buildx(project, "--build-arg", "SOURCE_DATE_EPOCH=yesterday").failed()
        assert "yesterday" in text  # most daemons refuse it before we see it

    def test_the_client_s_surroundings_change_nothing(self, hutch: Builder, tmp_path: Path) -> None:
        """Times, umask, timezone, locale and the order of keys: the same bytes."""
        if hutch.is_old:
            pytest.skip("BuildKit 0.8 gives directories that a copy makes the time of the build")
        digests, times = set[str](), set[tuple[str, ...]]()
        for number, (umask, zone) in enumerate(((0o022, "UTC"), (0o077, "Asia/Tokyo"))):
            folder = hutch.project(tmp_path / f"p{number}")
            for name in ("kernel", "hello"):
                os.utime(folder / name, (1000 * number, 1000 * number))
            (folder / "hello").chmod(0o644)
            (folder / "kernel").chmod(0o644)
            if number:
                lines = (folder / "bunnyfile").read_text().splitlines()
                (folder / "bunnyfile").write_text("\n".join([lines[0], lines[-1], *lines[1:-1]]))
            old = os.umask(umask)
            try:
                image = hutch.publish(
                    folder,
                    *("--provenance=false", "--no-cache"),
                    *("--build-arg", "SOURCE_DATE_EPOCH=1700000000"),
                    env={"TZ": zone, "LC_ALL": "C" if number else "C.UTF-8"},
                )
            finally:
                os.umask(old)
            history = image.config.pop("history")
            said = [image.manifest["layers"], image.config]
            digests.add(json.dumps(said, sort_keys=True))
            times.add(tuple(entry["created"] for entry in history))
        assert len(digests) == 1
        if not hutch.has_containerd_store:
            pytest.skip("the classic store writes the time of the build into the image's history")
        assert len(times) == 1

    def test_rewrite_timestamp(self, hutch: Builder, tmp_path: Path) -> None:
        """Every new layer's times are at most the epoch; a base image's layers stay as they are."""
        if not hutch.has_containerd_store:
            pytest.skip("the exporter of Docker's classic store cannot")
        folder = hutch.project(tmp_path / "p", RAW.format(type="raw"))
        out = tmp_path / "out.tar"
        flags = ("--build-arg", "SOURCE_DATE_EPOCH=1000000000", "--provenance=false")
        hutch.buildx(folder, *flags, "-o", f"type=oci,rewrite-timestamp=true,dest={out}").ok()
        unpacked = tmp_path / "layout"
        with tarfile.open(out) as tar:
            tar.extractall(unpacked, filter="data")
        index = json.loads((unpacked / "index.json").read_text())
        blobs = unpacked / "blobs/sha256"
        manifest = json.loads((blobs / index["manifests"][0]["digest"][7:]).read_text())
        newest = []
        for layer in manifest["layers"]:
            with tarfile.open(blobs / layer["digest"][7:]) as tar:
                newest.append(max(member.mtime for member in tar))
        assert newest[1:]
        # The base's own layers stay as they are: they are named in containerimage.base.config.
        assert max(newest[1:]) <= 1_000_000_000
        assert tree(unpacked)
