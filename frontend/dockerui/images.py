"""Images: from a name to a pinned filesystem and its configuration.

    images = Images(contexts)
    debian = images.resolve("debian:trixie", platform)

A name is looked up among the named contexts first, and a registry is asked once per platform
(`frontend.dockerui.resolve`).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from frameworks.diagnostics import problem
from frontend.dockerui import resolve
from frontend.dockerui.resolve import ResolvedImage
from frontend.gateway.errors import NotAnImage
from llb import Definition, InvalidReference, Reference, ResolveMode, State, image, scratch

if TYPE_CHECKING:
    from frontend.dockerui.contexts import Contexts
    from llb import Platform

OWN_DEFINITION = "/run/config/buildkit/metadata/frontend.bin"


class Images:
    """Resolves the images of one build, each name and platform once."""

    def __init__(self, contexts: Contexts) -> None:
        self._contexts = contexts
        self._known: dict[tuple[str, Platform | None], ResolvedImage] = {}

    def resolve(self, name: str, platform: Platform | None = None) -> ResolvedImage:
        """The image `name`, or the named context in its place; `scratch` is the empty filesystem.

        Raises `Problems` for a name that is none, `GatewayError` if no registry has it.
        """
        key = (name, platform)
        if key not in self._known:
            self._known[key] = self._resolve(name, platform)
        return self._known[key]

    def _resolve(self, name: str, platform: Platform | None) -> ResolvedImage:
        if self._contexts.options.named_contexts:
            from frontend.dockerui.named import load

            if (found := load(self._contexts, name, platform)) is not None:
                return ResolvedImage(found.state, found.reference, found.config or b"{}")
        if name == "scratch":
            return ResolvedImage(scratch(), "", b"{}")
        try:
            ref = Reference.parse(name).tagged()
        except InvalidReference as error:
            raise problem("bad-image-reference", str(error)) from None
        if (lock := self._contexts.lock()) is not None and (digest := lock.digest(name)):
            ref = ref.pinned(digest)
        try:
            return resolve.registry(
                self._contexts, ref, platform, log_name=f"[internal] load metadata for {ref}"
            )
        except NotAnImage as redirected:  # by a source policy
            from frontend.dockerui.named import load_value

            found = load_value(self._contexts, ref.familiar, redirected.identifier, platform)
            return ResolvedImage(found.state, found.reference, found.config or b"{}")

    def own(self) -> State:
        """This frontend's own image, whose tools build root filesystems.

        From BuildKit 0.10 on the daemon mounts the graph of our image into the container; before,
        the option `source` names the image.
        """
        if os.path.exists(OWN_DEFINITION):
            with open(OWN_DEFINITION, "rb") as file:
                return _apart(Definition.from_bytes(file.read()))
        source = self._contexts.options.source
        return self.resolve(source, self._contexts.environment.build_platform).state


def _apart(graph: Definition) -> State:
    """The image of a graph, as a vertex of its own where it is one image.

    The daemon has solved the graph's own vertex before it asked a cache of somebody else's, and a
    step on that vertex is never found in such a cache (seen with BuildKit 0.25, `--cache-from`).
    """
    from llb.pb import ops_pb2

    ops = [ops_pb2.Op.FromString(raw) for raw in getattr(graph.to_pb(), "def")]
    sources = [op for op in ops if op.HasField("source")]
    scheme, _, ref = sources[0].source.identifier.partition("://") if sources else ("", "", "")
    if len(ops) != 2 or scheme != "docker-image" or graph.platform is None:
        return State.from_definition(graph)
    mode = sources[0].source.attrs.get("image.resolvemode", ResolveMode.DEFAULT)
    return image(ref, platform=graph.platform, resolve_mode=ResolveMode(mode), internal=True)
