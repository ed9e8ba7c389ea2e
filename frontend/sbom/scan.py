"""The scanner that runs beside our own document: BuildKit's default one, or the user's.

A scanner sees what we do not look for, the packages of pip, npm, Go or rpm say, and we see what no
scanner can. The protocol is BuildKit's: the image's files read-only below /run/src/core, what else
belongs to it below /run/src/extras, and SPDX files out of /run/out (docs/contract/buildkit.md 6,
frontend/attestations/sbom/sbom.go). Our extra is the tree that a packed root filesystem is made of.

    --sbom=true                              the default scanner, where there is something for it
    --attest type=sbom,generator=IMAGE       that one
    --attest type=sbom,generator=hutch       none
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from frameworks.diagnostics import problem
from frontend.dockerui.options import DEFAULT_SBOM_GENERATOR
from frontend.gateway.errors import GatewayError
from frontend.lint.findings import finding
from frontend.sbom import content
from llb import InvalidReference, Mount, Reference, imageconfig, scratch

if TYPE_CHECKING:
    from frameworks.lower import Lowering
    from frontend.dockerui.images import Images
    from frontend.dockerui.options import Sbom
    from llb import State

_NONE = "hutch"
_CORE = "/run/src/core/sbom"
_EXTRAS = "/run/src/extras/"
_OUT = "/run/out/"
_HINT = f"'generator={_NONE}' runs no scanner: the SBOM is hutch's own alone"


class NoScanner(Exception):
    """The default scanner cannot be had: nobody has named it, so it is a warning, `found`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.found = finding(
            "NoScanner",
            f"the SBOM is hutch's own alone, and names no packages of pip, npm, Go or rpm: {why}",
            "name a scanner with '--attest type=sbom,generator=IMAGE', or 'hutch' to run none",
            None,
        )


def scan(lowering: Lowering, images: Images, asked: Sbom, files: State) -> list[State]:
    """The output of a scanner of the image's `files`; empty where none is to run.

    Raises NoScanner, and Problems for a scanner that the user names.
    """
    build = lowering.build
    packed = lowering.rootfs.packed
    name = _normal(asked.generator)
    default = name == DEFAULT_SBOM_GENERATOR
    if name == _normal(_NONE) or (default and content(lowering) is None):
        return []
    try:
        found = images.resolve(asked.generator, build.worker)
    except GatewayError as error:
        if default:
            raise NoScanner(error.message) from error
        raise problem(
            "no-such-image",
            f"the SBOM generator cannot be had: {error.message}",
            hint=_HINT,
        ) from error
    config = imageconfig.parse(found.config or b"{}").get("config") or {}
    command = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
    if not command:
        raise problem(
            "bad-build-option",
            f"the SBOM generator '{asked.generator}' has no command to run",
            hint=_HINT,
        )
    mounts = [
        Mount.bind(_CORE, files, readonly=True),
        Mount.bind(_OUT, scratch()),
        Mount.tmpfs("/tmp"),
    ]
    env = {
        "BUILDKIT_SCAN_SOURCE": _CORE,
        "BUILDKIT_SCAN_DESTINATION": _OUT,
        **{f"BUILDKIT_SCAN_{key}": value for key, value in sorted(asked.parameters.items())},
    }
    if packed is not None:
        mounts.append(Mount.bind(f"{_EXTRAS}sbom-rootfs", packed, readonly=True))
        env["BUILDKIT_SCAN_SOURCE_EXTRAS"] = _EXTRAS
    step = build.run(
        found.state,
        command,
        mounts=mounts,
        env=env,
        network=True,
        meta=build.meta("image", f"scan with {asked.generator}"),
    )
    return [step.mount(_OUT)]


def _normal(reference: str) -> str:
    try:
        return str(Reference.parse(reference).tagged())
    except InvalidReference:
        return reference
