"""What goes back to the daemon: refs, the image's configuration, annotations, attestations, facts.

    builder = Builder(multi_platform=options.multi_platform)
    builder.add(platform, ref, config)
    builder.annotate("org.opencontainers.image.title", "hello")
    result = builder.build()

One platform is a single ref with plain metadata keys (the old Docker exporter takes nothing else);
several, or an explicit request for a map, are a map of refs with suffixed keys.
Source: docs/contract/buildkit.md 5 and 6.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llb.pb import gateway_pb2 as gw

if TYPE_CHECKING:
    from frontend.gateway.client import Ref
    from llb import Platform


SPDX_PREDICATE = "https://spdx.dev/Document"


@dataclass(frozen=True, slots=True)
class Result:
    """A finished answer, ready for Return."""

    message: gw.Result = field(repr=False)


@dataclass(slots=True)
class _Entry:
    """One platform's image. With these words dataclasses need not look for others."""

    platform: Platform
    ref: Ref
    config: bytes


class Builder:
    """Collects the parts of an image result; `build` puts them in the wire's form.

    `multi_platform` asks for the map form even where there is one platform only.
    """

    def __init__(self, *, multi_platform: bool = False) -> None:
        self._map = multi_platform
        self._entries: dict[str, _Entry] = {}
        self._metadata: dict[str, bytes] = {}
        self._by_platform: dict[tuple[str, str], bytes] = {}
        self._attestations: dict[str, list[gw.Attestation]] = {}

    def add(self, platform: Platform, ref: Ref, config: Mapping[str, object] | bytes) -> None:
        """Add one platform's filesystem and its image configuration (OCI image JSON)."""
        entry = _Entry(platform, ref, config if isinstance(config, bytes) else _json(config))
        if self._entries.setdefault(str(platform), entry) is not entry:
            raise ValueError(f"{platform} is in the result already")

    def base_config(self, platform: Platform, config: bytes) -> None:
        """Say which image configuration the result builds on (BuildKit 0.13 and newer use it)."""
        self._by_platform["containerimage.base.config", str(platform)] = config

    def epoch(self, seconds: int, platform: Platform | None = None) -> None:
        """The SOURCE_DATE_EPOCH that the exporter should use, in seconds since the epoch."""
        value = str(seconds).encode()
        if platform is None:
            self._metadata["source.date.epoch"] = value
        else:
            self._by_platform["source.date.epoch", str(platform)] = value

    def annotate(self, key: str, value: str, *, platform: Platform | None = None) -> None:
        """Annotate the image's manifest, of one platform or of all.

        Raises ValueError for a key with blanks.
        """
        if not key or any(c.isspace() for c in key):
            raise ValueError(f"an annotation key has no blanks: {key!r}")
        where = f"[{platform}]" if platform is not None else ""
        self._metadata[f"annotation-manifest{where}.{key}"] = value.encode()

    def fact(self, name: str, value: str) -> None:
        """A fact for `buildx build --metadata-file`, under the key `frontend.NAME`."""
        self._metadata[f"frontend.{name}"] = value.encode()

    def attest_bundle(self, platform: Platform, ref: Ref) -> None:
        """Attach the `*.spdx.json` files in the root of `ref` as SBOM attestations."""
        attestation = gw.Attestation(
            kind=gw.Bundle,
            metadata={"reason": b"sbom", "sbom-core": b"sbom"},
            ref=gw.Ref(id=ref.id),
            inTotoPredicateType=SPDX_PREDICATE,
        )
        self._attestations.setdefault(str(platform), []).append(attestation)

    def build(self) -> Result:
        """The wire's form. Raises `ValueError` if no platform was added."""
        if not self._entries:
            raise ValueError("a result needs at least one platform")
        message = gw.Result(metadata=dict(sorted(self._metadata.items())))
        message.metadata["refs.platforms"] = _json(
            {"Platforms": [_platform_entry(entry.platform) for entry in self._entries.values()]}
        )
        single = len(self._entries) == 1 and not self._map
        for (name, platform), value in sorted(self._by_platform.items()):
            message.metadata[name if single else f"{name}/{platform}"] = value
        if single:
            (entry,) = self._entries.values()
            message.ref.id = entry.ref.id
            message.ref.SetInParent()
            message.metadata["containerimage.config"] = entry.config
        else:
            message.refs.SetInParent()
            for key, entry in self._entries.items():
                message.refs.refs[key].id = entry.ref.id
                message.metadata[f"containerimage.config/{key}"] = entry.config
        for key, attestations in self._attestations.items():
            message.attestations[key].attestation.extend(attestations)
        return Result(message)


def answer(metadata: Mapping[str, str | bytes]) -> Result:
    """A result without an image: what a subrequest (`--check`, `--call`) returns."""
    values = {k: v if isinstance(v, bytes) else v.encode() for k, v in metadata.items()}
    return Result(gw.Result(metadata=dict(sorted(values.items()))))


def _platform_entry(platform: Platform) -> dict[str, object]:
    described: dict[str, object] = {
        "architecture": platform.architecture,
        "os": platform.os,
    }
    if platform.os_version:
        described["os.version"] = platform.os_version
    if platform.os_features:
        described["os.features"] = list(platform.os_features)
    if platform.variant:
        described["variant"] = platform.variant
    return {"ID": str(platform), "Platform": described}


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
