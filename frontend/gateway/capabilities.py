"""What the daemon can do: its answer to Ping, or what was frozen before Ping had an answer.

An ability counts only if it is listed *and* enabled: dockerd lists merge and diff as disabled where
its storage cannot do them (docs/contract/buildkit.md 2.2, util/apicaps/caps.go).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from llb import Caps
from llb.pb import caps_pb2, gateway_pb2

# Gateway abilities that change what the client sends (frontend/gateway/pb/caps.go).
RESOLVE_SOURCE_META = "source.metaresolver"
IMPORT_CACHES = "importcaches"
FRONTEND_INPUTS = "frontend.inputs"
EVALUATE = "gateway.evaluate"
SOLVE_EVALUATE = "gateway.solve.evaluate"
WARNINGS = "gateway.warnings"
ATTESTATIONS = "reference.attestations"

_FIRST_IN = {
    IMPORT_CACHES: "0.4",
    FRONTEND_INPUTS: "0.7",
    SOLVE_EVALUATE: "0.8",
    WARNINGS: "0.10",
    EVALUATE: "0.11",
    ATTESTATIONS: "0.11",
    RESOLVE_SOURCE_META: "0.13",
}

# The lists of a daemon from before lists existed; they never change.
_FROZEN_GATEWAY = ("solve.base", "solve.inlinereturn", "resolveimage", "readfile")
_FROZEN_LLB = (
    "source.image",
    "source.local",
    "source.local.unique",
    "source.local.sessionid",
    "source.local.includepatterns",
    "source.local.followpaths",
    "source.local.excludepatterns",
    "source.local.sharedkeyhint",
    "source.git",
    "source.git.keepgitdir",
    "source.git.fullurl",
    "source.http",
    "source.http.checksum",
    "source.http.perm",
    "soruce.http.uidgid",  # BuildKit's own spelling
    "source.buildop.llbfilename",
    "exec.meta.base",
    "exec.meta.proxyenv",
    "exec.mount.bind",
    "exec.mount.cache",
    "exec.mount.cache.sharing",
    "exec.mount.selector",
    "exec.mount.tmpfs",
    "exec.mount.secret",
    "constraints",
    "platform",
    "meta.ignorecache",
    "meta.description",
    "meta.exportcache",
)

# Since this LLB ability's release (BuildKit 0.14) messages may be 16 MiB; before, 4 MiB.
_LARGE_MESSAGES = "file.copy.alwaysreplaceexistingdestpaths"


@dataclass(frozen=True, slots=True)
class Abilities:
    """The enabled abilities of a daemon: `gateway` are its methods, `llb` what its solver runs."""

    gateway: frozenset[str]
    llb: Caps

    @classmethod
    def from_pong(cls, pong: gateway_pb2.PongResponse) -> Abilities:
        """Read the daemon's answer to Ping."""
        return cls(
            gateway=_enabled(pong.FrontendAPICaps) or frozenset(_FROZEN_GATEWAY),
            llb=Caps(_enabled(pong.LLBCaps) or _FROZEN_LLB),
        )

    @property
    def message_limit(self) -> int:
        """The largest request that the daemon takes, in bytes."""
        return 16 << 20 if _LARGE_MESSAGES in self.llb else 4 << 20

    def lacks(self, ability: str, product: str = "") -> str:
        """What to tell a user whose daemon has no `ability`, in the words that BuildKit uses."""
        since = (
            f" ({ability} came with BuildKit {first})" if (first := _FIRST_IN.get(ability)) else ""
        )
        return (
            f"requested feature {ability!r} is not supported by the build server, "
            f"please update {product or 'BuildKit'}{since}"
        )


def _enabled(caps: Iterable[caps_pb2.APICap]) -> frozenset[str]:
    return frozenset(cap.ID for cap in caps if cap.Enabled)
