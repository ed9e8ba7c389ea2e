"""The step that writes an SBOM: `write FACTS OUT`, with everything else at its fixed place.

What it writes is an in-toto statement, whose subject BuildKit fills in.

/kernel is the kernel's file, /config its configuration, /libraries what says which libraries are in
it, /rootfs the guest's files, /packages.json the list of packages that were installed among them
(`frameworks.rootfs.packages`), /toolchain the image that things were built in; each is left out
where there is none. The same input gives the same bytes: the time is that of the build's files, the
namespace a hash of the content.
"""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from frameworks.components import Component, file_at
from frameworks.steps.packages import installed, libraries

KERNEL = Path("/kernel")
CONFIG = Path("/config")
LIBRARIES = Path("/libraries")
ROOTFS = Path("/rootfs")
PACKAGES = Path("/packages.json")
TOOLCHAIN = Path("/toolchain")

STATEMENT = "https://in-toto.io/Statement/v0.1"
PREDICATE = "https://spdx.dev/Document"

_NONE = "NOASSERTION"
_CHUNK = 1 << 20


class Document:
    """An SPDX 2.3 document as it grows."""

    def __init__(self, name: str, tool: str, epoch: int) -> None:
        self.name = name
        self.tool = tool
        self.created = datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.packages: list[dict[str, Any]] = []
        self.relationships: list[dict[str, str]] = []

    def package(self, id: str, component: Component, purpose: str = "", comment: str = "") -> str:
        """Add a package; returns its SPDX id."""
        entry: dict[str, Any] = {
            "SPDXID": f"SPDXRef-{id}",
            "name": component.name,
            # SPDX knows URLs and version control here, and no registries.
            "downloadLocation": component.location
            if component.location.startswith(("http", "git+"))
            else _NONE,
            "filesAnalyzed": False,
            "licenseConcluded": _NONE,
            "licenseDeclared": _NONE,
            "copyrightText": _NONE,
            "supplier": _NONE,
        }
        if component.version:
            entry["versionInfo"] = component.version
        if component.sha256:
            entry["checksums"] = [{"algorithm": "SHA256", "checksumValue": component.sha256}]
        if component.commit:
            entry["sourceInfo"] = f"git commit {component.commit}"
        if purpose:
            entry["primaryPackagePurpose"] = purpose
        if comment:
            entry["comment"] = comment
        if component.purl:
            entry["externalRefs"] = [
                {
                    "referenceCategory": "PACKAGE-MANAGER",
                    "referenceType": "purl",
                    "referenceLocator": component.purl,
                }
            ]
        self.packages.append(entry)
        return str(entry["SPDXID"])

    def file(self, id: str, name: str, path: Path, purpose: str, comment: str) -> str:
        """Add a package that is one file, with its checksums; returns its SPDX id.

        A file as such could only be in a package whose every file is listed.
        """
        found = self.package(id, Component(id), purpose, comment)
        sha1, sha256 = hashlib.sha1(usedforsecurity=False), hashlib.sha256()
        with path.open("rb") as stream:
            while data := stream.read(_CHUNK):
                sha1.update(data)
                sha256.update(data)
        self.packages[-1]["packageFileName"] = name
        self.packages[-1]["checksums"] = [
            {"algorithm": "SHA1", "checksumValue": sha1.hexdigest()},
            {"algorithm": "SHA256", "checksumValue": sha256.hexdigest()},
        ]
        return found

    def relate(self, one: str, kind: str, other: str) -> None:
        """Add a relationship."""
        self.relationships.append(
            {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
        )

    def to_json(self) -> dict[str, Any]:
        """The document; its namespace is named after its content."""
        body: dict[str, Any] = {
            "spdxVersion": "SPDX-2.3",
            "dataLicense": "CC0-1.0",
            "SPDXID": "SPDXRef-DOCUMENT",
            "name": self.name,
            "creationInfo": {"created": self.created, "creators": [f"Tool: {self.tool}"]},
            "packages": self.packages,
            "relationships": self.relationships,
        }
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        body["documentNamespace"] = f"https://hutch.invalid/spdx/{self.name}-{digest}"
        return body


def write(facts: dict[str, Any]) -> dict[str, Any]:
    """The document for `facts` (`frontend.sbom.Facts` as JSON) and what is mounted."""
    document = Document(facts["name"], facts["tool"], facts["epoch"])
    name = Component(facts["name"])
    image = document.package("image", name, "CONTAINER", facts["platform"])
    document.relate("SPDXRef-DOCUMENT", "DESCRIBES", image)
    kernel = _kernel(document, image, facts)
    if facts["application"] is not None:
        app = document.package("application", Component(**facts["application"]), "APPLICATION")
        document.relate(image, "CONTAINS", app)
        if kernel and facts["linked"]:
            document.relate(kernel, "GENERATED_FROM", app)
    if ROOTFS.is_dir():
        for number, package in enumerate(_packages(facts), 1):
            document.relate(image, "CONTAINS", document.package(f"rootfs-{number}", package))
    if TOOLCHAIN.is_dir() and facts["toolchain"] is not None:
        tools = document.package("toolchain", Component(**facts["toolchain"]), "CONTAINER")
        document.relate(tools, "BUILD_TOOL_OF", kernel or image)
        for number, package in enumerate(installed(TOOLCHAIN), 1):
            document.relate(tools, "CONTAINS", document.package(f"toolchain-{number}", package))
    used = [facts["application"], facts["toolchain"]]
    for number, source in enumerate(facts["sources"], 1):
        if source not in used or source == facts["base"]:
            id = document.package(f"source-{number}", Component(**source), "SOURCE")
            document.relate(image, "GENERATED_FROM", id)
    return document.to_json()


def _packages(facts: dict[str, Any]) -> list[Component]:
    """The packages among the guest's files.

    Those that its databases lack are there by the files that were installed: FreeBSD's database is
    no text.
    """
    found = installed(ROOTFS)
    known = {(each.name, each.version) for each in found}
    files = [Component(**each) for each in facts["packages"]]
    if PACKAGES.is_file():
        files += (file_at(**each) for each in json.loads(PACKAGES.read_bytes()))
    return found + [each for each in files if (each.name, each.version) not in known]


def _kernel(document: Document, image: str, facts: dict[str, Any]) -> str:
    """The kernel's file, and what it was built from; "" for an image without a kernel."""
    if not KERNEL.is_file():
        return ""
    comment = "the kernel that the monitor boots"
    file = document.file("kernel", "./.boot/kernel", KERNEL, "OPERATING-SYSTEM", comment)
    document.relate(image, "CONTAINS", file)
    if facts["kernel"] is not None:
        patches = ", ".join(facts["patches"])
        comment = f"with the patches {patches}" if patches else ""
        source = document.package("kernel-source", Component(**facts["kernel"]), "SOURCE", comment)
        document.relate(file, "GENERATED_FROM", source)
    if LIBRARIES.is_dir():
        for number, library in enumerate(libraries(LIBRARIES), 1):
            id = document.package(f"library-{number}", library, "LIBRARY")
            document.relate(file, "GENERATED_FROM", id)
    if CONFIG.is_file():
        asked = ", ".join(facts["options"])
        comment = f"asked for: {asked}" if asked else "the configuration of the kernel"
        config = document.file("kernel-configuration", "./kernel.config", CONFIG, "FILE", comment)
        document.relate(file, "GENERATED_FROM", config)
    return file


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as given:
        predicate = write(json.load(given))
    statement = {"_type": STATEMENT, "predicateType": PREDICATE, "predicate": predicate}
    Path(sys.argv[2]).write_text(json.dumps(statement, sort_keys=True) + "\n", encoding="utf-8")
