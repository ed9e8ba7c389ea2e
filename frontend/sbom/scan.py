"""The scanner that a user names: `--attest type=sbom,generator=IMAGE`, run beside our document.

The protocol is BuildKit's: the image's files read-only below /run/src, SPDX files out of /run/out
(buildkit-gateway.md 6, frontend/attestations/sbom/sbom.go).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from frameworks.diagnostics import problem
from llb import Mount, scratch

if TYPE_CHECKING:
    from frameworks.base import Build
    from frontend.gateway.images import Images
    from frontend.gateway.options import Sbom
    from llb import State

_CORE = "/run/src/core"
_OUT = "/run/out"


def scan(build: Build, images: Images, asked: Sbom, files: State) -> State:
    """The step that runs the scanner over `files`, and its output. Raises Problems."""
    found = images.resolve(asked.generator, build.worker)
    config = json.loads(found.config or b"{}").get("config") or {}
    command = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
    if not command:
        raise problem(
            "bad-build-option",
            f"the SBOM generator '{asked.generator}' has no command to run",
            hint="leave 'generator' out, and hutch writes the SBOM itself",
        )
    step = build.run(
        found.state,
        command,
        mounts=[
            Mount.bind(f"{_CORE}/image", files, readonly=True),
            Mount.bind(_OUT, scratch()),
            Mount.tmpfs("/tmp"),
        ],
        env={
            "BUILDKIT_SCAN_SOURCE": f"{_CORE}/image",
            "BUILDKIT_SCAN_SOURCE_EXTRAS": "/run/src/extras/",
            "BUILDKIT_SCAN_DESTINATION": f"{_OUT}/",
            **{f"BUILDKIT_SCAN_{key}": value for key, value in sorted(asked.parameters.items())},
        },
        network=True,
        readonly_root=True,
        meta=build.meta("image", f"scan with {asked.generator}"),
    )
    return step.mount(_OUT)
