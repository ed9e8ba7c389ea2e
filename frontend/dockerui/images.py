"""Images: from a name to a pinned filesystem and its configuration.

    images = Images(contexts)
    debian = images.resolve("debian:trixie", platform)

A name is looked up among the named contexts first. What a registry answers is pinned by digest, so
that a moving tag cannot change between two steps of one build, and asked once per platform. The
configuration stays raw JSON: a schema would lose what it does not know
(docs/contract/buildkit.md 5.1).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from frameworks.diagnostics import problem
from frontend.gateway.errors import GatewayError, NotAnImage
from llb import (
    Definition,
    InvalidReference,
    Meta,
    Reference,
    ResolveMode,
    State,
    Store,
    image,
    oci_layout,
    scratch,
)

if TYPE_CHECKING:
    from frontend.dockerui.contexts import Contexts
    from llb import Platform

OWN_DEFINITION = "/run/config/buildkit/metadata/frontend.bin"


@dataclass(frozen=True, slots=True)
class ResolvedImage:
    """An image's filesystem, its pinned reference ("" if it has none) and its config (OCI JSON)."""

    state: State
    reference: str
    config: bytes = field(repr=False)


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
        named = self._contexts.named(name, platform)
        if named is not None:
            return ResolvedImage(named.state, named.reference, named.config or b"{}")
        if name == "scratch":
            return ResolvedImage(scratch(), "", b"{}")
        try:
            ref = Reference.parse(name).tagged()
        except InvalidReference as error:
            raise problem("bad-image-reference", str(error)) from None
        try:
            return resolve_registry(
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


def resolve_registry(
    contexts: Contexts,
    ref: Reference,
    platform: Platform | None,
    *,
    log_name: str,
    title: str = "",
) -> ResolvedImage:
    """Ask for an image in a registry, or in the daemon's store where the resolve mode says so.

    `log_name` and `title` are the progress lines of the question and of the download. Raises
    `NotAnImage` where a source policy redirects the name to something else.
    """
    mode = contexts.options.resolve_mode
    try:
        meta = contexts.client.resolve_source(
            f"docker-image://{ref}", platform=platform, mode=mode, log_name=log_name
        )
    except GatewayError as error:
        raise error.during(f"cannot find the image {ref.familiar}") from error
    scheme, _, name = meta.identifier.partition("://")
    if scheme != "docker-image" or not meta.image_config:
        raise NotAnImage(str(ref), meta.identifier)
    pinned = Reference.parse(name).tagged()
    if meta.image_digest:  # the classic store of dockerd has no digest for a local image
        pinned = pinned.pinned(meta.image_digest)
    state = image(
        str(pinned),
        platform=platform,
        resolve_mode=ResolveMode(mode),
        meta=Meta(name=title),
    )
    return ResolvedImage(_configured(state, meta.image_config, ref), str(pinned), meta.image_config)


def resolve_layout(
    contexts: Contexts,
    ref: Reference,
    store: str,
    platform: Platform | None,
    *,
    log_name: str,
    title: str = "",
) -> ResolvedImage:
    """Ask the client for an image in one of its OCI layouts; `ref` carries the digest."""
    session = contexts.environment.session_id
    try:
        meta = contexts.client.resolve_source(
            f"oci-layout://{ref}",
            {"oci.session": session, "oci.store": store},
            platform=platform,
            log_name=log_name,
        )
    except GatewayError as error:
        raise error.during(f"cannot read the image {ref.digest} of {store}") from error
    state = oci_layout(
        str(ref), store=Store(session, store), platform=platform, meta=Meta(name=title)
    )
    return ResolvedImage(_configured(state, meta.image_config, ref), "", meta.image_config)


def _configured(state: State, config: bytes, ref: Reference) -> State:
    """The state with the image's environment and directory, for the steps that run in it."""
    try:
        return state.with_image_config(config)
    except ValueError as error:
        raise problem("bad-image", f"the image {ref.familiar} is broken: {error}") from None
