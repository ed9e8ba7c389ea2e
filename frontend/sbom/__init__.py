"""The SBOM of a guest's image: what a scanner of files cannot see, as SPDX 2.3.

A scanner sees neither what a kernel was built from nor what is packed into an initrd. Where
`--sbom` is asked for, one more step writes down both: it runs in hutch's own image with the
toolchain, the guest's files, the kernel and its configuration mounted, and reads the packages'
databases there. Its document travels as an attestation, so that BuildKit does not scan by itself:
what it would have found, the scanner finds that we run (`frontend.sbom.scan`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from frameworks.components import Component, file_at, kernel_source, package_url
from frameworks.rootfs.packages import LIST
from frameworks.spec import ROOTFS
from frontend._version import __version__
from frontend.sbom.graph import fetched, origin
from llb import Mount, State, scratch

if TYPE_CHECKING:
    from frameworks.lower import Lowering
    from llb import Definition

DOCUMENT = "sbom.spdx.json"
"""BuildKit puts the one whose name begins so first (exporter/attestation/unbundle.go)."""

_FACTS = "/facts.json"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known before the step runs.

    `tool` is who writes the document, `epoch` its time in seconds, `base` what the guest's files
    started from, `linked` whether the application is in the kernel. `packages` are those that a
    lock file has put among the guest's files.
    """

    name: str
    tool: str
    platform: str
    epoch: int
    kernel: Component | None = None
    options: tuple[str, ...] = ()
    application: Component | None = None
    toolchain: Component | None = None
    base: Component | None = None
    packages: tuple[Component, ...] = ()
    sources: tuple[Component, ...] = field(default=())
    patches: tuple[str, ...] = ()
    linked: bool = False

    def to_json(self) -> bytes:
        """The facts as the step reads them."""
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode()


def kernel_of(lowering: Lowering) -> Component | None:
    """The source of a kernel that is built, the framework's own where the file names none.

    None for one without a source of its own: it is made of the application alone.
    """
    plan = lowering.plan
    if plan.kernel is None or plan.kernel.from_ != "source":
        return None
    if plan.kernel.source is not None:
        return kernel_source(plan.framework, str(plan.version or ""), plan.kernel.source)
    default = lowering.framework.default_source(plan)
    return None if default is None else kernel_source(plan.framework, *default)


def application_of(lowering: Lowering) -> Component | None:
    """What the application was built from, as far as it was fetched; None where there is none."""
    if lowering.app is None:
        return None
    found = origin(lowering.app.state, lowering.plan.platform)
    return found or Component("application", purl=package_url("generic", "application"))


def content(lowering: Lowering) -> State | None:
    """The guest's files, packed or not; None where hutch has not seen them."""
    root = lowering.rootfs
    return root.tree if root.tree is not None else root.packed


def facts(lowering: Lowering, definition: Definition) -> Facts:
    """What a plan and the graph of its image say about where everything comes from."""
    plan = lowering.plan
    source = kernel_of(lowering)
    app = plan.app
    # A unikernel is its application: it is built, and has no source beside that.
    builds = plan.kernel is not None and plan.kernel.from_ == "source"
    builds = builds or (app is not None and bool(app.build or app.fetch))
    files = content(lowering)
    return Facts(
        name=f"{plan.framework}-{plan.monitor}",
        tool=f"hutch-{__version__}",
        platform=str(plan.platform),
        epoch=plan.timestamp,
        kernel=source,
        options=tuple(f"{o.name}={o.value}" for o in plan.kernel.options) if plan.kernel else (),
        application=application_of(lowering),
        toolchain=_toolchain(lowering) if builds else None,
        base=None if files is None else origin(files, plan.platform),
        packages=tuple(
            file_at(each.name, each.version, each.url, each.sha256)
            for each in plan.locked(ROOTFS) or ()
        ),
        sources=fetched(definition),
        patches=tuple(map(str, plan.kernel.patches)) if plan.kernel is not None else (),
        linked=lowering.framework.has_app_in_kernel(plan),
    )


def document(lowering: Lowering, known: Facts) -> State:
    """The step that writes the document, and its output: one file `DOCUMENT`."""
    build = lowering.build
    kernel = lowering.plan.kernel
    given = scratch().mkfile(_FACTS, known.to_json(), timestamp=0)
    mounts = [
        Mount.bind(_FACTS, given, _FACTS, readonly=True),
        Mount.bind("/out", scratch()),
    ]
    if (files := content(lowering)) is not None:
        mounts.append(Mount.bind("/rootfs", files, readonly=True))
        if (today := build.fetched.get(ROOTFS)) is not None:
            mounts.append(Mount.bind("/packages.json", today, LIST, readonly=True))
    if known.toolchain is not None:
        mounts.append(Mount.bind("/toolchain", lowering.toolchain, readonly=True))
    if lowering.kernel is not None:
        file = lowering.kernel
        path = "/" + file.path.lstrip("/")
        mounts.append(Mount.bind("/kernel", file.state, path, readonly=True))
    if kernel is not None and kernel.from_ == "source":
        if (libraries := lowering.framework.linked(build)) is not None:
            mounts.append(Mount.bind("/libraries", libraries, readonly=True))
        config = lowering.framework.configuration(build)
        if config is not None:
            mounts.append(Mount.bind("/config", config.state, config.path, readonly=True))
    step = build.tool(
        "frameworks.steps.sbom",
        [_FACTS, f"/out/{DOCUMENT}"],
        mounts=mounts,
        meta=build.meta("image", "write the SBOM"),
    )
    return step.mount("/out")


def _toolchain(lowering: Lowering) -> Component:
    """The image that things were built in, or the build context in its place."""
    found = origin(lowering.toolchain, lowering.build.worker)
    return found or Component(str(lowering.plan.toolchain.from_ or "toolchain"))
