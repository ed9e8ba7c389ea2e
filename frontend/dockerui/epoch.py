"""`SOURCE_DATE_EPOCH=context`: the time of the build context itself, in seconds since 1970.

A git context has the time of its commit, a file from the web its Last-Modified. The client's own
directory has no time that would be the same on another machine, so that there it is an error.
Source: docs/contract/buildkit.md 4.7 and 2.2 (source.metaresolver: git since BuildKit 0.26).
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from frameworks.diagnostics import problem
from frontend.dockerui.contexts import HTTP_FILE, Contexts
from frontend.dockerui.options import LAST_SECOND, whole_number
from frontend.gateway.errors import GatewayError
from llb import Meta, http

if TYPE_CHECKING:
    from frontend.dockerui.options import Environment, Options
    from frontend.gateway.client import Client, Ref
    from llb import State

_HINT = "give a number instead: SOURCE_DATE_EPOCH=$(git log -1 --pretty=%ct)"
_GIT = "/.git"
_INDEX_HEADER = 8
_FANOUT = 256 * 4
_HASH = 20
_COMMIT = 1
_HEAD_BYTES = 64 << 10  # of a packed commit; its header comes first


def with_epoch(client: Client, options: Options, environment: Environment) -> Options:
    """Options that ask for the time of the main context, with that time.

    Raises Problems where it has none.
    """
    return replace(options, epoch=of_context(Contexts(client, options, environment)))


def of_context(contexts: Contexts) -> int:
    """The time of the main context. Raises Problems where it has none."""
    try:
        seconds = _of_context(contexts)
    except (ValueError, LookupError, zlib.error) as error:
        raise problem(
            "bad-build-option",
            f"SOURCE_DATE_EPOCH cannot be 'context': the commit cannot be read ({error})",
            hint=_HINT,
        ) from error
    if not 0 <= seconds <= LAST_SECOND:
        raise problem(
            "bad-build-option",
            f"SOURCE_DATE_EPOCH cannot be 'context': its time is {seconds} seconds after 1970, "
            "and files can have times up to 2106",
            hint=_HINT,
        )
    return seconds


def _of_context(contexts: Contexts) -> int:
    text = contexts.options.context
    if (state := contexts.git(text, keep_git_dir=True)) is not None:
        return _commit_time(contexts, state)
    if text.startswith(("http://", "https://")):
        fetched = http(text, filename=HTTP_FILE, meta=Meta(name="[internal] time of the context"))
        ref = contexts.client.solve(contexts.marshal(fetched)).ref
        return contexts.client.stat_file(ref, HTTP_FILE).modified // 1_000_000_000
    raise problem(
        "bad-build-option",
        "SOURCE_DATE_EPOCH cannot be 'context': a directory of this machine has no time of its own",
        hint=_HINT,
    )


def _commit_time(contexts: Contexts, state: State) -> int:
    client = contexts.client
    definition = contexts.marshal(state)
    source = next(op.message.source for op in definition.ops() if op.kind == "source")
    try:
        meta = client.resolve_source(
            source.identifier,
            dict(source.attrs),
            log_name="[internal] time of the context",
            commit_object=True,
        )
    except GatewayError:
        data = b""  # before BuildKit 0.26: it resolves images only
    else:
        data = meta.commit_object
    if not data:
        data = _checked_out(client, client.solve(definition).ref)
    return parse_commit(data)


def parse_commit(data: bytes) -> int:
    """The committer's time of a commit object. Raises ValueError if it is none."""
    for line in data.split(b"\n"):
        if line.startswith(b"committer "):
            seconds = whole_number(line.rsplit(b" ", 2)[1].decode("utf-8", "replace"))
            if seconds is not None:
                return seconds
    raise ValueError("not a commit object")


def _checked_out(client: Client, ref: Ref) -> bytes:
    """The commit object of a checkout that has its `.git`."""
    head = client.read_file(ref, f"{_GIT}/HEAD").decode().strip()
    if head.startswith("ref: "):
        head = client.read_file(ref, f"{_GIT}/{head.removeprefix('ref: ')}").decode().strip()
    try:
        loose = client.read_file(ref, f"{_GIT}/objects/{head[:2]}/{head[2:]}")
    except GatewayError as error:
        if not error.is_missing_file:
            raise
        return _packed(client, ref, bytes.fromhex(head))
    return zlib.decompressobj().decompress(loose, _HEAD_BYTES).partition(b"\0")[2]


def _packed(client: Client, ref: Ref, commit: bytes) -> bytes:
    """The commit in one of the packs, which BuildKit before 0.26 does not read for a frontend."""
    folder = f"{_GIT}/objects/pack"
    for entry in client.read_dir(ref, folder, include="*.idx"):
        name = f"{folder}/{entry.path.rpartition('/')[2]}"
        offset = find_in_index(client.read_file(ref, name), commit)
        if offset is not None:
            pack = name.removesuffix("idx") + "pack"
            return unpack_object(client.read_file(ref, pack, offset=offset, length=_HEAD_BYTES))
    raise problem("bad-build-option", "the commit of the build context cannot be read", hint=_HINT)


def find_in_index(index: bytes, name: bytes) -> int | None:
    """Where an object is in a pack, by the pack's index (gitformat-pack, version 2)."""
    if not index.startswith(b"\xfftOc\0\0\0\2"):
        raise ValueError("not an index of version 2")

    def number(at: int) -> int:
        return int.from_bytes(index[at : at + 4], "big")

    first = 0 if name[0] == 0 else number(_INDEX_HEADER + 4 * (name[0] - 1))
    last = number(_INDEX_HEADER + 4 * name[0])
    count = number(_INDEX_HEADER + _FANOUT - 4)
    names = _INDEX_HEADER + _FANOUT
    for row in range(first, last):
        if index[names + _HASH * row : names + _HASH * (row + 1)] == name:
            return number(names + (_HASH + 4) * count + 4 * row)
    return None


def unpack_object(data: bytes) -> bytes:
    """The start of a pack's object, which must be a whole commit and no delta."""
    if (data[0] >> 4) & 7 != _COMMIT:
        raise ValueError("not a commit")
    size = 1
    while data[size - 1] & 0x80:
        size += 1
    return zlib.decompressobj().decompress(data[size:], _HEAD_BYTES)
