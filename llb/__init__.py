"""LLB, the build graph of BuildKit, as Python values.

A State is a filesystem that does not exist yet. Its methods return other States, `marshal` turns
the graph below one into a Definition, and a BuildKit daemon builds that:

    import llb

    source = llb.local("context", session="s3ss10n", exclude=[".git"])
    tools = llb.image("debian:12").with_env({"LC_ALL": "C"})
    build = tools.run(
        ["make", "-C", "/src", "O=/out"],
        mounts=[
            llb.Mount.bind("/src", source, readonly=True),
            llb.Mount.bind("/out", llb.scratch()),
            llb.Mount.cache("/root/.cache", "ccache", sharing=llb.CacheSharing.LOCKED),
        ],
        network=llb.Network.NONE,
        meta=llb.Meta(name="[app] make"),
    )
    result = llb.scratch().file(
        llb.copy(build.mount("/out"), "/app", "/bin/app", mode=0o755, timestamp=0),
        llb.mkfile("/motd", "hello\\n", timestamp=0),
        meta=llb.Meta(name="[app] install"),
    )
    definition = result.marshal(platform=llb.Platform("linux", "amd64"))
    definition.to_bytes()

    from llb import tree
    print(tree.render(definition))

Nothing here does I/O, reads a clock, draws a random number or asks for the host's architecture. The
digests are those of BuildKit's own Go client. protobuf is imported when a graph is marshalled or a
Definition is read, not before.
"""

from typing import TYPE_CHECKING

from llb.caps import Cap, Caps, MissingCapability
from llb.exec import Device, Exec, Network, Proxy, Security, Ulimit
from llb.fileop import FileAction, Owner, copy, mkdir, mkfile, rm, symlink
from llb.meta import Meta, ProgressGroup, Resources
from llb.mount import CacheSharing, ContentCache, Mount
from llb.platform import Platform
from llb.reference import InvalidReference, Reference
from llb.source import (
    Differ,
    GitSignature,
    HTTPSignature,
    MTime,
    ResolveMode,
    git,
    http,
    image,
    image_blob,
    local,
    oci_layout,
    oci_layout_blob,
    scratch,
)
from llb.sourcemap import Location, Position, Range, SourceFile
from llb.sourceop import Store
from llb.state import State, diff, merge

if TYPE_CHECKING:
    from llb.definition import Definition, InvalidDefinition

__all__ = [
    "CacheSharing",
    "Cap",
    "Caps",
    "ContentCache",
    "Definition",
    "Device",
    "Differ",
    "Exec",
    "FileAction",
    "GitSignature",
    "HTTPSignature",
    "InvalidDefinition",
    "InvalidReference",
    "Location",
    "MTime",
    "Meta",
    "MissingCapability",
    "Mount",
    "Network",
    "Owner",
    "Platform",
    "Position",
    "ProgressGroup",
    "Proxy",
    "Range",
    "Reference",
    "ResolveMode",
    "Resources",
    "Security",
    "SourceFile",
    "State",
    "Store",
    "Ulimit",
    "copy",
    "diff",
    "git",
    "http",
    "image",
    "image_blob",
    "local",
    "merge",
    "mkdir",
    "mkfile",
    "oci_layout",
    "oci_layout_blob",
    "rm",
    "scratch",
    "symlink",
]


def __getattr__(name: str) -> object:
    """Import what needs protobuf only when it is asked for (PEP 562)."""
    if name in ("Definition", "InvalidDefinition"):
        from llb import definition

        return getattr(definition, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
