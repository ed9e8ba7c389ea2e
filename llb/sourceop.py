"""The SourceOp, and its attributes in the making.

Identifiers and attributes are those of solver/pb/attr.go.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from llb.caps import Cap
from llb.meta import Meta
from llb.platform import Platform
from llb.state import State
from llb.vertex import Output, Vertex


@dataclass(frozen=True, slots=True)
class Store:
    """An OCI layout that a client offers: the client's `session` and the layout's name there."""

    session: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class SourceOp(Vertex):
    """An identifier (`docker-image://...`) and its attributes, sorted by name."""

    identifier: str
    attrs: tuple[tuple[str, str], ...] = ()
    caps: tuple[Cap, ...] = ()
    platform: Platform | None = None

    @property
    def inputs(self) -> tuple[Output, ...]:
        return ()

    @property
    def platform_specific(self) -> bool:
        """Say whether the platform is part of the op: for images only (client/llb/source.go)."""
        return self.identifier.startswith(("docker-image://", "oci-layout://"))

    def capabilities(self) -> Iterator[str]:
        return iter(self.caps)

    def describe(self) -> str:
        return self.identifier


class Attributes:
    """The attributes of a source in the making, with the capabilities they need."""

    def __init__(self, *caps: Cap) -> None:
        self._attrs: dict[str, str] = {}
        self._caps = dict.fromkeys(caps)

    def set(self, key: str, value: str, cap: Cap | None = None) -> None:
        self._attrs[key] = str(value)
        if cap is not None:
            self._caps[cap] = None

    def need(self, cap: Cap) -> None:
        self._caps[cap] = None

    def set_flag(self, key: str, value: bool) -> None:
        if value:
            self.set(key, "true")

    def set_secret(self, key: str, secret: str | None, default: str) -> None:
        if secret is None:
            self.set(key, default)
        elif secret:
            self.set(key, secret, Cap.SOURCE_GIT_HTTP_AUTH)

    def set_store(self, store: Store | None) -> None:
        if store is None:
            return
        if store.session:
            self.set("oci.session", store.session)
        if store.id:
            self.set("oci.store", store.id)

    def set_file(
        self, filename: str, mode: int | None, uid: int, gid: int, *, gated: bool = False
    ) -> None:
        if filename:
            self.set("http.filename", filename)
        if mode is not None:
            if not 1 <= mode <= 0o777:
                # The daemon takes 0 for "unset" and then uses 0600.
                raise ValueError(f"{mode:#o} is not a mode between 1 and 0777")
            self.set("http.perm", f"0{mode:o}", Cap.SOURCE_HTTP_PERM if gated else None)
        for key, number in (("http.uid", uid), ("http.gid", gid)):
            if number:
                self.set(key, str(number), Cap.SOURCE_HTTP_UID_GID if gated else None)

    def state(self, identifier: str, meta: Meta, platform: Platform | None = None) -> State:
        op = SourceOp(
            meta=meta,
            identifier=identifier,
            attrs=tuple(sorted(self._attrs.items())),
            caps=tuple(self._caps),
            platform=platform,
        )
        state = State(Output(op))
        return state if platform is None else state.with_platform(platform)


def json_list(patterns: Iterable[str]) -> str:
    """Encode strings as Go's encoding/json does; the empty list is the empty string."""
    if isinstance(patterns, str):
        raise TypeError(f"patterns are a list of strings, not the string {patterns!r}")
    items = list(patterns)
    if not items:
        return ""
    import json

    text = json.dumps(items, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text
