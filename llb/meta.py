"""What is said about an op beside what it does: names, groups, positions, cache and limits.

All of it but `require` travels in OpMetadata or in the source map, so it changes no digest and no
cache key (solver/pb/ops.proto, OpMetadata).
"""

from dataclasses import dataclass
from typing import Final

from llb.sourcemap import Location


@dataclass(frozen=True, slots=True)
class ProgressGroup:
    """Ops that progress output shows under one `name`; `id` tells groups apart.

    A `weak` group yields to another group that holds the same op.
    """

    id: str
    name: str
    weak: bool = False


@dataclass(frozen=True, slots=True)
class Resources:
    """Limits of an exec's container; 0 and the empty string mean "no limit of ours".

    `memory` and `memory_swap` are bytes, `cpu_period` and `cpu_quota` microseconds, the two sets
    are lists such as `0-3`.
    """

    memory: int = 0
    memory_swap: int = 0
    cpu_shares: int = 0
    cpu_period: int = 0
    cpu_quota: int = 0
    cpuset_cpus: str = ""
    cpuset_mems: str = ""


@dataclass(frozen=True, slots=True)
class Meta:
    """What every op method takes as `meta=`.

    name: what progress output calls the op; empty for BuildKit's own description.
    group: the progress group; dropped without a word for a daemon older than BuildKit 0.10.
    location: the lines that asked for the op.
    ignore_cache: run it even if it is cached; on an exec this also empties its cache mounts
        (solver/llbsolver/vertex.go, detectPrunedCacheID).
    export_cache: force (True) or forbid (False) the op's result in an exported cache.
    resources: limits; only execs have any.
    require: worker filters (`key==value`); the one field that is part of the op's digest.
    """

    name: str = ""
    group: ProgressGroup | None = None
    location: Location | None = None
    ignore_cache: bool = False
    export_cache: bool | None = None
    resources: Resources | None = None
    require: tuple[str, ...] = ()


NO_META: Final = Meta()
