"""What a build says about itself in `docker buildx build --metadata-file`: `frontend.hutch.*`.

hutch.framework         the framework's name
hutch.sources           what was fetched: a JSON list of {"uri", "digest"}

and where there is a kernel in the result

hutch.kernel.version    the version of the kernel's source, as far as it is known
hutch.kernel.source     the package URL of that source; of a kernel that has none of its own, but is
                        made of the application, the application's
hutch.kernel.config     the digest of what the configuration was asked to be
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from frameworks.diagnostics import Collector, Problems
from frontend import sbom
from frontend.sbom.graph import fetched

if TYPE_CHECKING:
    from collections.abc import Callable

    from frameworks.components import Component
    from frameworks.lower import Lowering
    from frameworks.spec import App, Kernel, Text
    from llb import Definition


def facts(
    lowering: Lowering, definition: Definition, read: Callable[[Text], bytes] | None
) -> dict[str, str]:
    """The facts of one platform's result.

    `read` gets a file of the build context; it is None for a result without the kernel. Raises
    Problems where a file of the kernel's configuration is missing.
    """
    found = {"hutch.framework": lowering.plan.framework}
    sources = fetched(definition)
    if read is not None:
        source = sbom.kernel_of(lowering)
        found |= _kernel(lowering, source, read)
        if source is not None and source.purl.startswith("pkg:deb/"):
            sources += (source,)  # apt fetches it, in a step
    found["hutch.sources"] = json.dumps([_source(each) for each in sources])
    return {key: value for key, value in found.items() if value}


def _kernel(
    lowering: Lowering, source: Component | None, read: Callable[[Text], bytes]
) -> dict[str, str]:
    plan = lowering.plan
    linked = lowering.framework.has_app_in_kernel(plan)
    if source is None and linked:
        source = sbom.application_of(lowering)
    found = {"hutch.kernel.version": str(plan.version or "")}
    if source is not None:
        found = {"hutch.kernel.version": source.version, "hutch.kernel.source": source.purl}
    if plan.kernel is not None and plan.kernel.from_ == "source":
        app = plan.app if linked else None
        found["hutch.kernel.config"] = _config_digest(plan.framework, plan.kernel, app, read)
    return found


def _source(component: Component) -> dict[str, str]:
    digest = ""
    if component.sha256:
        digest = f"sha256:{component.sha256}"
    elif component.commit:
        digest = f"sha1:{component.commit}"
    return {"uri": component.location or component.purl, "digest": digest}


def _config_digest(
    framework: str, kernel: Kernel, app: App | None, read: Callable[[Text], bytes]
) -> str:
    """A digest of the request: the named configuration, files' contents, and single options; of a
    kernel that is made of an application, also its keys and its libraries.

    Not of the result: a build whose kernel is in the cache never has the `.config`.
    """
    config = kernel.config
    files = [*kernel.fragments]
    if config is not None and ("/" in config or "." in config):
        files.insert(0, config)
    digests: list[list[str]] = []
    missing = Collector()
    for name in files:
        try:
            digests.append([name, hashlib.sha256(read(name)).hexdigest()])
        except Problems as problems:
            missing.take(problems)
    missing.check()
    asked: dict[str, object] = {
        "framework": framework,
        "config": config or "",
        "files": digests,
        "options": [[str(option.name), option.value] for option in kernel.options],
        "cmdline": str(kernel.cmdline or ""),
    }
    if app is not None:
        asked["keys"] = [[str(option.name), option.value] for option in app.options]
        asked["libraries"] = [str(name) for name in app.libraries]
    return "sha256:" + hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
