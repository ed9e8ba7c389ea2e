"""The SBOM of a guest's image: what a scanner of files cannot see, as SPDX 2.3.

A scanner sees neither what a kernel was built from nor what is packed into an initrd. Where
`--sbom` is asked for, one more step writes down both: it runs in hutch's own image with the
toolchain, the guest's files, the kernel and its configuration mounted, and reads the packages'
databases there. Its document travels as an attestation, so that BuildKit does not scan again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from frameworks.components import Component, kernel_source, package_url
from llb import Mount, Reference, State, scratch

if TYPE_CHECKING:
    from frameworks.lower import Lowering
    from llb import Definition

DOCUMENT = "sbom.spdx.json"
"""BuildKit puts the one whose name begins so first (exporter/attestation/unbundle.go)."""

_FACTS = "/facts.json"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known before the step runs. `epoch` is the document's time in seconds."""

    name: str
    platform: str
    epoch: int
    kernel: Component | None = None
    options: tuple[str, ...] = ()
    application: Component | None = None
    toolchain: Component | None = None
    sources: tuple[Component, ...] = field(default=())
    patches: tuple[str, ...] = ()

    def to_json(self) -> bytes:
        """The facts as the step reads them."""
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode()


def facts(lowering: Lowering, definition: Definition) -> Facts:
    """What a plan and the graph of its image say about where everything comes from."""
    plan = lowering.plan
    kernel = plan.kernel
    source = None
    if kernel is not None and kernel.from_ == "source":
        version = str(plan.version or "")
        default = lowering.framework.default_source(plan)
        if kernel.source is not None:
            source = kernel_source(plan.framework, version, kernel.source)
        elif default is not None:
            source = kernel_source(plan.framework, *default)
    found = sources(definition)
    images = [each for each in found if each.purl.startswith("pkg:oci/")]
    app = plan.app
    wanted = str(plan.toolchain.from_ or "")
    builds = source is not None or (app is not None and bool(app.build))
    return Facts(
        name=f"{plan.framework}-{plan.monitor}",
        platform=str(plan.platform),
        epoch=plan.timestamp,
        kernel=source,
        options=tuple(f"{o.name}={o.value}" for o in kernel.options) if kernel else (),
        application=None if app is None else _application(str(app.from_), found),
        toolchain=_toolchain(images, wanted) if builds else None,
        sources=found,
        patches=tuple(map(str, kernel.patches)) if kernel is not None else (),
    )


def sources(definition: Definition) -> tuple[Component, ...]:
    """Every image, repository and file that a graph fetches, with what pins it, sorted."""
    found: dict[str, Component] = {}
    for op in definition.ops():
        if op.kind != "source":
            continue
        identifier, attrs = op.message.source.identifier, op.message.source.attrs
        scheme, _, rest = identifier.partition("://")
        if scheme == "docker-image":
            found[identifier] = _image(rest)
        elif scheme == "git":
            remote = attrs.get("git.fullurl", rest.partition("#")[0])
            ref = rest.partition("#")[2].partition(":")[0]
            commit = attrs.get("git.checksum", "") or (ref if _is_commit(ref) else "")
            name = remote.rstrip("/").rpartition("/")[2].removesuffix(".git")
            vcs = f"git+{remote}" + (f"@{commit or ref}" if commit or ref else "")
            purl = package_url("generic", name, commit or ref, qualifiers={"vcs_url": vcs})
            found[identifier] = Component(name, commit or ref, purl, vcs, commit=commit)
        elif scheme in ("http", "https"):
            sha256 = attrs.get("http.checksum", "").removeprefix("sha256:")
            name = rest.rpartition("/")[2] or rest
            checksum = f"sha256:{sha256}" if sha256 else ""
            qualifiers = {"download_url": identifier, "checksum": checksum}
            purl = package_url("generic", name, qualifiers=qualifiers)
            found[identifier] = Component(name, "", purl, identifier, sha256=sha256)
    return tuple(found[key] for key in sorted(found))


def document(lowering: Lowering, known: Facts) -> State:
    """The step that writes the document, and its output: one file `DOCUMENT`."""
    build = lowering.build
    kernel = lowering.plan.kernel
    root = lowering.rootfs
    given = scratch().mkfile(_FACTS, known.to_json(), timestamp=0)
    mounts = [
        Mount.bind(_FACTS, given, _FACTS, readonly=True),
        Mount.bind("/out", scratch()),
    ]
    content = root.tree if root.tree is not None else root.packed
    if content is not None:
        mounts.append(Mount.bind("/rootfs", content, readonly=True))
    if known.toolchain is not None:
        mounts.append(Mount.bind("/toolchain", lowering.toolchain, readonly=True))
    if lowering.kernel is not None:
        file = lowering.kernel
        path = "/" + file.path.lstrip("/")
        mounts.append(Mount.bind("/kernel", file.state, path, readonly=True))
    if kernel is not None and kernel.from_ == "source":
        config = lowering.framework.configuration(build)
        if config is not None:
            mounts.append(Mount.bind("/config", config.state, config.path, readonly=True))
    step = build.tool(
        "frontend.sbom.write",
        [_FACTS, f"/out/{DOCUMENT}"],
        mounts=mounts,
        meta=build.meta("image", "write the SBOM"),
    )
    return step.mount("/out")


def _image(text: str) -> Component:
    ref = Reference.parse(text)
    name, digest = ref.familiar, ref.digest
    repository, _, tag = name.partition("@")[0].rpartition(":")
    if not repository or "/" in tag:
        repository, tag = name.partition("@")[0], ""
    purl = package_url(
        "oci",
        repository.rpartition("/")[2],
        digest,
        qualifiers={"repository_url": repository, "tag": tag},
    )
    return Component(repository, tag, purl, f"docker://{text}", sha256=digest.rpartition(":")[2])


def _toolchain(images: list[Component], wanted: str) -> Component | None:
    """The toolchain's image among those of the graph: the one that is named, or Debian."""
    name = wanted.partition("@")[0]
    for image in images:
        if name and name in (image.name, f"{image.name}:{image.version}"):
            return image
    return next((i for i in images if i.name.rpartition("/")[2] == "debian"), None) or (
        Component(wanted) if wanted else None
    )


def _application(origin: str, found: tuple[Component, ...]) -> Component:
    for each in found:
        if each.location and origin.partition("#")[0] in each.location:
            return each
    return Component("application", purl=package_url("generic", "application"))


def _is_commit(ref: str) -> bool:
    return len(ref) == 40 and all(char in "0123456789abcdef" for char in ref)
