"""Named build contexts: what `--build-context NAME=VALUE` puts in the place of an image.

Every image name of a bunnyfile is looked up here first, so that a user can replace any of them;
bake's `target:` comes this way too.
Source: docs/contract/buildkit.md 4.3 (frontend/dockerui/namedcontext.go).
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from frameworks.diagnostics import Problems, problem
from frontend.dockerui import ignorefile, resolve
from frontend.dockerui.contexts import HTTP_FILE, IGNORE_FILE, followed
from frontend.gateway.errors import NotAnImage
from llb import InvalidReference, Meta, Reference, State, http, local, scratch, strictjson

if TYPE_CHECKING:
    from frontend.dockerui.contexts import Contexts
    from llb import Platform

_CODE = "bad-build-context"
_REDIRECTIONS = 10
_SCHEMES = "docker-image://, git URLs, http(s)://, oci-layout://, a directory, or target:"


@dataclass(frozen=True, slots=True)
class NamedContext:
    """A filesystem in the place of another; `config` is an image's JSON, b"" where there is none.

    `reference` is the pinned name of an image from a registry, "" for anything else; `sent` is true
    of a directory of the client's.
    """

    state: State
    config: bytes = field(default=b"", repr=False)
    reference: str = ""
    sent: bool = False


def load(
    contexts: Contexts, name: str, platform: Platform | None = None, follow: Iterable[str] = ()
) -> NamedContext | None:
    """What `--build-context NAME=...` puts in the place of an image or a directory.

    Looks up `name` (an image reference, or a plain word), for `platform` first.

    `follow` limits what is sent of a client's directory, as in `Contexts.main`. Returns None if the
    user named no such context; raises `Problems` if what they gave for it makes no sense.
    """
    try:
        short = Reference.parse(name).familiar.removesuffix(":latest")
    except InvalidReference:
        short = name
    given = contexts.options.named_contexts
    wanted = platform or contexts.environment.build_platform
    for key in (f"{short}::{wanted}", short):
        if key in given:
            return _Loader(contexts, short, key, platform, tuple(follow)).load(given[key])
    return None


def load_value(
    contexts: Contexts, name: str, value: str, platform: Platform | None = None
) -> NamedContext:
    """What `value` (`docker-image://...`, `https://...`) stands for, as a context called `name`."""
    return _Loader(contexts, name, name, platform, ()).load(value)


@dataclass(frozen=True, slots=True)
class _Loader:
    """One named context; `key` is its name with the platform, where it was given with one."""

    contexts: Contexts
    name: str
    key: str
    platform: Platform | None
    follow: tuple[str, ...]

    def load(self, value: str) -> NamedContext:
        seen = value
        for _ in range(_REDIRECTIONS + 1):
            try:
                return self._load(value)
            except NotAnImage as redirected:
                value = redirected.identifier
        raise self._bad(seen, f"it was redirected more than {_REDIRECTIONS} times")

    def _load(self, value: str) -> NamedContext:
        scheme, colon, rest = value.partition(":")
        if not colon:
            raise self._bad(value, "it has no scheme")
        if scheme.startswith("git@"):
            scheme = "git"
        path = rest.removeprefix("//")
        match scheme:
            case "docker-image":
                return self._image(path)
            case "oci-layout":
                return self._layout(value, path)
            case "git" | "ssh" | "http" | "https":
                return self._fetched(value, scheme)
            case "local":
                return self._local(path)
            case "input":
                return self._input(value, path)
        raise self._bad(value, f"{scheme!r} is not a kind of context", f"use one of: {_SCHEMES}")

    def _image(self, ref: str) -> NamedContext:
        if ref == "scratch":
            return NamedContext(scratch())
        try:
            full = Reference.parse(ref).tagged()
        except InvalidReference as error:
            raise self._bad(ref, str(error)) from None
        found = resolve.registry(
            self.contexts,
            full,
            self.platform,
            log_name=f"[context {self.key}] load metadata for {ref}",
            title=f"[context {self.key}] {ref}",
        )
        return NamedContext(found.state, found.config, found.reference)

    def _layout(self, value: str, spec: str) -> NamedContext:
        head, at, digest = spec.partition("@")
        directory, _, tag = head.rpartition("/")
        last = tag.partition(":")[0]
        store = f"{directory}/{last}" if directory else last
        if not at or not store:
            raise self._bad(
                value, "it has no digest", "use oci-layout://DIRECTORY[:TAG]@sha256:..."
            )
        try:
            ref = Reference.parse(self.name).pinned(digest)
        except InvalidReference as error:
            raise self._bad(value, str(error)) from None
        found = resolve.layout(
            self.contexts,
            ref,
            store,
            self.platform,
            log_name=f"[context {self.key}] load metadata for {ref}",
            title=f"[context {self.key}] OCI load from client",
        )
        return NamedContext(found.state, found.config)

    def _fetched(self, value: str, scheme: str) -> NamedContext:
        if (state := self.contexts.git(value)) is not None:
            return NamedContext(state)
        if scheme in ("git", "ssh"):
            raise self._bad(value, "it is not a git URL")
        meta = Meta(name=f"[context {self.key}] {value}")
        return NamedContext(http(value, filename=HTTP_FILE, meta=meta))

    def _local(self, name: str) -> NamedContext:
        contexts = self.contexts
        data = contexts.read_ignore_file(
            name,
            f"context:{self.key}-{IGNORE_FILE}",
            f"[context {self.key}] load {IGNORE_FILE}",
        )
        shared_key = contexts.options.shared_keys.get(self.key, "")
        state = local(
            name,
            session=contexts.session(name),
            exclude=ignorefile.read(data, f"{name}/{IGNORE_FILE}"),
            follow=followed(self.follow),
            shared_key_hint=f"context:{self.key}-{shared_key}",
            meta=Meta(name=f"[context {self.key}] load from client"),
        )
        return NamedContext(state, sent=True)

    def _input(self, value: str, name: str) -> NamedContext:
        graph = self.contexts.client.inputs().get(name)
        if graph is None:
            raise self._bad(value, f"the caller gave no input {name!r}")
        state = State.from_definition(graph)
        metadata = self.contexts.options.input_metadata.get(name)
        if metadata is None:
            return NamedContext(state)
        try:
            entry = strictjson.loads(metadata.encode()).get("containerimage.config")
            config = b64decode(entry, validate=True) if entry else b""
        except (ValueError, TypeError, AttributeError):
            raise self._bad(value, "its metadata is not JSON with a config in base64") from None
        try:
            return NamedContext(state.with_image_config(config) if config else state, config)
        except ValueError as error:
            raise self._bad(value, str(error)) from None

    def _bad(self, value: str, why: str, hint: str = "") -> Problems:
        return problem(
            _CODE, f"the build context {self.key}={value} cannot be used: {why}", hint=hint
        )
