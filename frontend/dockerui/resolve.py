"""What a registry, or a layout of the client's, says of an image: its digest and its configuration.

What a registry answers is pinned by digest, so that a moving tag cannot change between two steps of
one build. The configuration stays raw JSON: a schema would lose what it does not know
(docs/contract/buildkit.md 5.1).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from frameworks.diagnostics import problem
from frontend.gateway.errors import GatewayError, NotAnImage
from llb import Meta, Reference, ResolveMode, State, Store, image, oci_layout

if TYPE_CHECKING:
    from frontend.dockerui.contexts import Contexts
    from llb import Platform


@dataclass(frozen=True, slots=True)
class ResolvedImage:
    """An image's filesystem, its pinned reference ("" if it has none) and its config (OCI JSON)."""

    state: State
    reference: str
    config: bytes = field(repr=False)


def registry(
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


def layout(
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
