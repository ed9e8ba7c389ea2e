"""What a build says about itself in `docker buildx build --metadata-file`: `frontend.hutch.*`.

hutch.framework         the framework's name
hutch.kernel.version    the version of the kernel's source, as far as it is known
hutch.kernel.source     the package URL of that source
hutch.kernel.config     the digest of what the configuration was asked to be
hutch.sources           everything that was fetched: a JSON list of {"uri", "digest"}
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from frontend import sbom
from frontend.sbom.graph import fetched

if TYPE_CHECKING:
    from collections.abc import Callable

    from frameworks.lower import Lowering
    from frameworks.spec import Kernel
    from llb import Definition


def facts(
    lowering: Lowering, definition: Definition, read: Callable[[str], bytes]
) -> dict[str, str]:
    """The facts of one platform's image; `read` gets a file of the build context."""
    plan = lowering.plan
    source = sbom.kernel_of(lowering)
    found = {"hutch.framework": plan.framework}
    if source is not None:
        found["hutch.kernel.version"] = source.version
        found["hutch.kernel.source"] = source.purl
    elif plan.version is not None:
        found["hutch.kernel.version"] = str(plan.version)
    kernel = plan.kernel
    if kernel is not None and kernel.from_ == "source":
        found["hutch.kernel.config"] = _config_digest(plan.framework, kernel, read)
    listed = [
        {
            "uri": each.location or each.purl,
            "digest": f"sha256:{each.sha256}"
            if each.sha256
            else f"sha1:{each.commit}"
            if each.commit
            else "",
        }
        for each in fetched(definition)
    ]
    found["hutch.sources"] = json.dumps(listed)
    return {key: value for key, value in found.items() if value}


def _config_digest(framework: str, kernel: Kernel, read: Callable[[str], bytes]) -> str:
    """A digest of the request: the named configuration, files' contents, and single options.

    Not of the result: a build whose kernel is in the cache never has the `.config`.
    """
    config = str(kernel.config or "")
    files = [str(fragment) for fragment in kernel.fragments]
    if "/" in config or "." in config:
        files.insert(0, config)
    asked = {
        "framework": framework,
        "config": config,
        "files": [[name, hashlib.sha256(read(name)).hexdigest()] for name in files],
        "options": [[str(option.name), option.value] for option in kernel.options],
        "cmdline": str(kernel.cmdline or ""),
    }
    return "sha256:" + hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
