"""A graph to a Definition: visit each vertex once, check what it needs, write it down.

The order of the ops is that of Go's client: inputs before users, in the order in which each op
looks at its inputs. The work grows with the number of ops and edges, not with their depth or with
the number of ways through the graph.
"""

from collections.abc import Container, Iterator
from typing import Final

from llb.caps import Cap, Caps, MissingCapability, missing
from llb.definition import Definition, Metadata, digest_of
from llb.encode import Scope, encode, terminal
from llb.exec import ExecOp
from llb.fileop import Copy, FileOp
from llb.foreign import ForeignOp
from llb.masked import masked
from llb.merge import DiffOp, MergeOp
from llb.meta import Meta
from llb.pb import ops_pb2 as pb
from llb.platform import Platform
from llb.source_index import SourceIndex
from llb.state import State
from llb.vertex import Output, Vertex

# Progress groups have no capability; this one came with the same release, BuildKit 0.10.
_AS_OLD_AS_GROUPS: Final = Cap.EXEC_SECRET_ENV
# The daemon sets PATH; Go's client says so where it knows the daemon, and sets it otherwise.
_PATH: Final = Cap.EXEC_SETS_DEFAULT_PATH


def marshal(output: Output | None, *, platform: Platform, caps: Caps | None) -> Definition:
    """Return the definition of what an edge stands for; see `State.marshal`."""
    if output is None:
        return Definition()
    marshaller = _Marshaller(Scope({}, platform, caps))
    for vertex in _inputs_first(output.vertex, marshaller.digests):
        marshaller.add(vertex)
    return marshaller.finish(output)


def _inputs_first(root: Vertex, done: Container[Vertex]) -> Iterator[Vertex]:
    """Yield each vertex once, after its inputs. A stack of ours, for graphs are deep.

    `done` has each that was yielded before the next one is asked for. There are no circles, so what
    is not done is new.
    """
    stack = [(root, iter(root.inputs))]
    while stack:
        vertex, edges = stack[-1]
        for edge in edges:
            if edge.vertex not in done:
                stack.append((edge.vertex, iter(edge.vertex.inputs)))
                break
        else:
            stack.pop()
            yield vertex


class _Marshaller:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.digests = scope.digests
        self._raw: list[bytes] = []
        self._metadata = Metadata()
        self._used = {Cap.CONSTRAINTS, Cap.PLATFORM}
        self._sources = SourceIndex()
        self._impossible: set[Vertex] = set()

    def add(self, vertex: Vertex) -> None:
        if isinstance(vertex, ForeignOp):
            self._add_foreign(vertex)
            return
        if isinstance(vertex, DiffOp) and missing(self._scope.caps, (Cap.DIFF,)):
            self._impossible.add(vertex)  # but for a merge, which may copy what it stands for
            self.digests[vertex] = ""
            return
        if isinstance(vertex, MergeOp) and missing(self._scope.caps, (Cap.MERGE,)):
            substitute: Vertex = _merge_by_copying(vertex, self._scope.caps)
        else:
            substitute = vertex
        for edge in substitute.inputs:
            self._check_input(edge)
        caps = tuple(substitute.capabilities())
        if isinstance(substitute, ExecOp) and self._scope.caps is not None and self._can(_PATH):
            caps += (_PATH,)
        self._check(substitute, caps)
        data = encode(substitute, self._scope)
        digest = digest_of(data)
        self.digests[vertex] = digest
        self._add(digest, data, self._metadata_of(substitute, caps))
        if vertex.meta.location is not None:
            self._sources.add(digest, vertex.meta.location)

    def finish(self, output: Output) -> Definition:
        self._check_input(output)
        data = terminal(self._scope.digests[output.vertex], output.index)
        digest = digest_of(data)
        caps = {str(cap): True for cap in self._used if self._can(cap)}
        self._add(digest, data, pb.OpMetadata(caps=caps))
        return Definition(tuple(self._raw), self._metadata, self._sources.message())

    def _add_foreign(self, vertex: ForeignOp) -> None:
        definition = vertex.definition
        self.digests[vertex] = vertex.head
        for data in definition.raw[:-1]:
            digest = digest_of(data)
            # Every op needs an entry, or the daemon's own tools refuse the definition.
            self._add(digest, data, definition.metadata.get(digest, pb.OpMetadata()))
        if definition.source is not None:
            self._sources.merge(definition.source, self._metadata)

    def _check(self, vertex: Vertex, caps: tuple[str, ...]) -> None:
        lacking = missing(self._scope.caps, caps)
        if lacking is None and isinstance(vertex, FileOp):
            lacking = missing(self._scope.caps, vertex.implied_capabilities())
        if lacking is not None:
            raise _lacks(vertex, lacking)

    def _check_input(self, edge: Output) -> None:
        if edge.vertex in self._impossible:
            raise _lacks(edge.vertex, Cap.DIFF)

    def _can(self, cap: Cap) -> bool:
        return self._scope.caps is None or cap in self._scope.caps

    def _metadata_of(self, vertex: Vertex, caps: tuple[str, ...]) -> pb.OpMetadata:
        meta = vertex.meta
        metadata = pb.OpMetadata(caps=dict.fromkeys(caps, True), ignore_cache=meta.ignore_cache)
        # Names and groups are for the eye: a daemon without them builds the same.
        if meta.name and self._can(Cap.META_DESCRIPTION):
            metadata.description["llb.customname"] = masked(meta.name)
        if meta.group is not None and self._can(_AS_OLD_AS_GROUPS):
            group = meta.group
            metadata.progress_group.CopyFrom(
                pb.ProgressGroup(id=group.id, name=masked(group.name), weak=group.weak)
            )
        if meta.export_cache is not None:
            metadata.export_cache.CopyFrom(pb.ExportCache(Value=meta.export_cache))
        if meta.resources is not None:
            metadata.linux_resources.CopyFrom(_resources(meta))
        return metadata

    def _add(self, digest: str, data: bytes, metadata: pb.OpMetadata) -> None:
        """Keep an op and its metadata. Of two vertices that are one op the later one has the say,
        as in Go."""
        if metadata.ignore_cache:
            self._used.add(Cap.META_IGNORE_CACHE)
        if metadata.description:
            self._used.add(Cap.META_DESCRIPTION)
        if metadata.HasField("export_cache"):
            self._used.add(Cap.META_EXPORT_CACHE)
        if digest not in self._metadata:
            self._raw.append(data)
        else:
            known = self._metadata[digest]
            # Merging takes the later one's texts, as Go does, but would merge these messages.
            for name in ("export_cache", "progress_group", "linux_resources"):
                if metadata.HasField(name):
                    known.ClearField(name)
            known.MergeFrom(metadata)
            metadata = known
        self._metadata.put(digest, metadata)


def _lacks(vertex: Vertex, cap: str) -> MissingCapability:
    return MissingCapability(cap, vertex.meta.name or vertex.describe(), vertex.meta.location)


def _merge_by_copying(op: MergeOp, caps: Caps | None) -> FileOp:
    """Return a FileOp that lays the layers one upon the other by copying the contents of each.

    A difference that lies right upon what it is the difference from is copied as the whole that
    comes of it, which has the same files.
    """
    replace = caps is not None and Cap.FILE_COPY_ALWAYS_REPLACE in caps
    layers = [op.layers[0]]
    for layer in op.layers[1:]:
        changed = layer.vertex
        if isinstance(changed, DiffOp) and changed.lower == layers[-1] and changed.upper:
            layer = changed.upper
        layers.append(layer)
    return FileOp(
        meta=op.meta,
        base=layers[0],
        cwd="/",
        actions=tuple(
            Copy(
                source=State(layer),
                src="/",
                dst="/",
                contents_only=True,
                always_replace=replace,
            )
            for layer in layers[1:]
        ),
    )


def _resources(meta: Meta) -> pb.LinuxResources:
    given = meta.resources
    assert given is not None
    return pb.LinuxResources(
        memory=given.memory,
        memorySwap=given.memory_swap,
        cpuShares=given.cpu_shares,
        cpuPeriod=given.cpu_period,
        cpuQuota=given.cpu_quota,
        cpusetCpus=given.cpuset_cpus,
        cpusetMems=given.cpuset_mems,
    )
