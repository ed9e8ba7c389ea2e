"""The daemon's methods, typed, and working back to BuildKit 0.8 (Docker 20.10).

Where a daemon lacks a method the client does the nearest thing that it has, and says so here:
resolving falls back from `ResolveSourceMeta` to `ResolveImageConfig`, evaluating to a `StatFile`
of the root, and warnings are dropped. Everything else that is missing is a `GatewayError`.

Source: docs/contract/buildkit.md 2.2 and 2.3 (frontend/gateway/pb/gateway.proto,
grpcclient/client.go).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from google.protobuf.message import Message

from frontend.gateway import capabilities
from frontend.gateway.capabilities import Abilities
from frontend.gateway.channel import Channel, Pending, Value
from frontend.gateway.errors import UNIMPLEMENTED, UNKNOWN, GatewayError, NotAFile
from frontend.gateway.files import FileStat, RemoteFile
from llb.encode import platform_message
from llb.pb import gateway_pb2 as gw
from llb.pb import ops_pb2, status_pb2

if TYPE_CHECKING:
    from llb import Caps, Definition, Platform

_PING_SECONDS = 15

_DEF: Literal["def"] = "def"  # a field whose name Python keeps for itself

Answer = TypeVar("Answer", bound=Message)


@dataclass(frozen=True, slots=True)
class Ref:
    """A result that the daemon holds for this build. An empty `id` is an empty filesystem.

    `message` is what the daemon said about it, its graph included from BuildKit 0.7 on.
    """

    id: str = ""
    message: gw.Ref | None = field(default=None, compare=False, repr=False)

    @property
    def definition(self) -> Definition | None:
        """The graph behind the ref, to build on: `State.from_definition`."""
        if self.message is None or not self.message.HasField(_DEF):
            return None
        from llb import Definition

        return Definition.from_pb(getattr(self.message, _DEF))

    def __bool__(self) -> bool:
        return bool(self.id)


@dataclass(frozen=True, slots=True)
class Solved:
    """What a solve came back with: refs by platform id (or one under ""), and metadata."""

    refs: Mapping[str, Ref]
    metadata: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def ref(self) -> Ref:
        """The only ref; an empty one if the result is an empty filesystem."""
        if not self.refs:
            return Ref()
        if len(self.refs) > 1:
            raise GatewayError(_unknown("the result is for several platforms, expected one"))
        return next(iter(self.refs.values()))


@dataclass(frozen=True, slots=True)
class CacheImport:
    """A cache to read from: what `--cache-from` says, as the daemon wants it."""

    type: str
    attrs: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True, slots=True)
class SourceMeta:
    """What a source resolves to. `identifier` and `attrs` may have been rewritten by a policy.

    An empty `image_digest`, `git_commit` or `http_checksum` means: not that kind of source, or the
    daemon could not tell (before BuildKit 0.13 only images resolve).
    """

    identifier: str
    attrs: Mapping[str, str] = field(hash=False)
    image_digest: str = ""
    image_config: bytes = b""
    git_commit: str = ""
    git_ref: str = ""
    commit_object: bytes = b""
    http_checksum: str = ""
    http_modified: int | None = None


class Client:
    """One build's conversation with the daemon. Its methods may be called from several threads."""

    def __init__(self, channel: Channel, *, product: str = "") -> None:
        self._channel = channel
        self._product = product
        self._asked: dict[tuple[object, ...], Pending[Any]] = {}
        self._files: dict[tuple[str, str], RemoteFile] = {}
        pong = self.call("Ping", gw.PingRequest(), gw.PongResponse, timeout=_PING_SECONDS)
        self.abilities = Abilities.from_pong(pong)
        self._inputs: Mapping[str, Definition] | None = None

    def can(self, ability: str) -> bool:
        """Whether the daemon has a gateway ability (a constant of `abilities`)."""
        return ability in self.abilities.gateway

    @property
    def llb_caps(self) -> Caps:
        """What the daemon's solver can do, for `State.marshal`."""
        return self.abilities.llb

    # --- building ---

    def solve(
        self,
        definition: Definition | None = None,
        *,
        evaluate: bool = False,
        cache_imports: Sequence[CacheImport] = (),
        frontend: str = "",
        options: Mapping[str, str] | None = None,
        inputs: Mapping[str, Definition] | None = None,
    ) -> Solved:
        """Have a graph solved, or another frontend run with `options` and `inputs`.

        A solve is lazy: a step that fails says so when its files are first read, or after Return,
        unless `evaluate` is set. `cache_imports` belongs on the solves whose result is returned
        (daemons use no cache that the frontend did not pass on). The same is solved once.
        """
        return self.begin_solve(
            definition,
            evaluate=evaluate,
            cache_imports=cache_imports,
            frontend=frontend,
            options=options,
            inputs=inputs,
        )()

    def begin_solve(
        self,
        definition: Definition | None = None,
        *,
        evaluate: bool = False,
        cache_imports: Sequence[CacheImport] = (),
        frontend: str = "",
        options: Mapping[str, str] | None = None,
        inputs: Mapping[str, Definition] | None = None,
    ) -> Callable[[], Solved]:
        """`solve`, without waiting for the answer: what is returned does, and raises its errors."""
        graph = None
        if definition is not None and not definition.is_empty:
            graph = definition.to_pb()
        elif not frontend:
            nothing = Solved({"": Ref()})
            return lambda: nothing
        request = gw.SolveRequest(
            Definition=graph,
            Frontend=frontend,
            FrontendOpt=options,
            FrontendInputs={name: each.to_pb() for name, each in (inputs or {}).items()},
            allowResultReturn=True,
            allowResultArrayRef=True,
        )
        if cache_imports and self.can(capabilities.IMPORT_CACHES):
            request.CacheImports.extend(
                gw.CacheOptionsEntry(Type=entry.type, Attrs=entry.attrs) for entry in cache_imports
            )
        graph_digest = sha256(request.SerializeToString(deterministic=True)).digest()
        lazy, evaluated = ("Solve", graph_digest), ("Solve", graph_digest, "evaluated")
        if evaluated in self._asked:
            return self._asked[evaluated]
        inline = evaluate and lazy not in self._asked and self.can(capabilities.SOLVE_EVALUATE)
        if inline:
            request.Evaluate = True
            return self._once(evaluated, "Solve", request, gw.SolveResponse, _solved)
        solving = self._once(lazy, "Solve", request, gw.SolveResponse, _solved)
        if not evaluate:
            return solving

        def wait() -> Solved:
            solved = solving()
            for ref in solved.refs.values():
                self.evaluate(ref)
            return solved

        return Pending(wait)

    def evaluate(self, ref: Ref) -> None:
        """Build `ref` now; raises the failed step's `GatewayError`."""
        if not ref:
            return
        if self.can(capabilities.EVALUATE):
            self.call("Evaluate", gw.EvaluateRequest(Ref=ref.id), gw.EvaluateResponse)
        else:
            self.stat_file(ref, ".")

    def inputs(self) -> Mapping[str, Definition]:
        """The graphs that the caller gave us by name; empty where the daemon knows of none."""
        if self._inputs is None:
            self._inputs = {}
            if self.can(capabilities.FRONTEND_INPUTS):
                answer = self.call("Inputs", gw.InputsRequest(), gw.InputsResponse)
                if answer.Definitions:
                    from llb import Definition

                    given = answer.Definitions.items()
                    self._inputs = {name: Definition.from_pb(graph) for name, graph in given}
        return self._inputs

    # --- reading ---

    def read_file(
        self, ref: Ref, path: str, *, offset: int = 0, length: int | None = None
    ) -> bytes:
        """The bytes of a regular file, or `length` bytes of it from `offset`.

        Raises as `open_file` does.
        """
        return self.open_file(ref, path).read(offset, length)

    def open_file(self, ref: Ref, path: str) -> RemoteFile:
        """A regular file, to read parts of it.

        It is looked at first: the daemon opens whatever is there, and waits in a FIFO or a device
        for ever, also when this build is long over. Raises `NotAFile` for what is not a regular
        file, and a `GatewayError` whose `is_missing_file` is true where nothing is there.
        """
        key = (ref.id, _absolute(path))
        if key not in self._files:
            found = self.stat_file(ref, path)
            if found.kind:
                raise NotAFile(path, found.kind)
            self._files[key] = RemoteFile(found.size, partial(self._begin_part, ref, path))
        return self._files[key]

    def _begin_part(self, ref: Ref, path: str, start: int, size: int) -> Callable[[], bytes]:
        request = gw.ReadFileRequest(
            Ref=ref.id, FilePath=path, Range=gw.FileRange(Offset=start, Length=size)
        )
        answer = self.begin("ReadFile", request, gw.ReadFileResponse)
        return lambda: answer().Data

    def ahead(self, files: Iterable[tuple[Ref, str]], head: int = 0) -> None:
        """Ask for several files together: what they are, and the first `head` bytes of each.

        Nothing is returned: who opens one of them later need not ask again, and gets the error.
        """
        wanted = [(ref, path) for ref, path in files if ref]
        for ref, path in wanted:
            self._begin_stat(ref, path)
        for ref, path in wanted if head else ():
            with suppress(GatewayError):
                self.open_file(ref, path).ahead(head)

    def read_dir(self, ref: Ref, path: str, *, include: str = "") -> tuple[FileStat, ...]:
        """The entries of a directory, one level; `include` is a pattern for their names."""
        if not ref:
            return ()
        request = gw.ReadDirRequest(Ref=ref.id, DirPath=path, IncludePattern=include)
        key = ("ReadDir", ref.id, path, include)
        return self._once(key, "ReadDir", request, gw.ReadDirResponse, _entries)()

    def stat_file(self, ref: Ref, path: str) -> FileStat:
        """One file's facts; raises `GatewayError` (`is_missing_file`) where there is none."""
        if not ref:
            raise GatewayError(_unknown(f"stat {path}: no such file or directory"))
        return self._begin_stat(ref, path)()

    def _begin_stat(self, ref: Ref, path: str) -> Pending[FileStat]:
        request = gw.StatFileRequest(Ref=ref.id, Path=path)
        key = ("StatFile", ref.id, _absolute(path))
        return self._once(key, "StatFile", request, gw.StatFileResponse, _file_stat)

    # --- resolving ---

    def resolve_source(
        self,
        identifier: str,
        attrs: Mapping[str, str] | None = None,
        *,
        platform: Platform | None = None,
        mode: str = "default",
        log_name: str = "",
        commit_object: bool = False,
    ) -> SourceMeta:
        """What a source (`docker-image://...`, `git://...`) stands for right now.

        `mode` is the image resolve mode (default, pull or local), `log_name` the line in the
        progress output. With `commit_object` a git source answers with the whole commit.
        """
        attrs = attrs or {}
        if not self.can(capabilities.RESOLVE_SOURCE_META):
            return self._resolve_image_config(identifier, attrs, platform, mode, log_name)
        request = gw.ResolveSourceMetaRequest(
            Source=ops_pb2.SourceOp(identifier=identifier, attrs=attrs),
            Platform=_platform(platform),
            LogName=log_name,
            ResolveMode=mode,
        )
        if commit_object:
            request.Git.ReturnObject = True
        answer = self.call("ResolveSourceMeta", request, gw.ResolveSourceMetaResponse)
        http = answer.HTTP
        return SourceMeta(
            identifier=answer.Source.identifier or identifier,
            attrs=dict(answer.Source.attrs) or attrs,
            image_digest=answer.Image.Digest,
            image_config=answer.Image.Config,
            git_commit=answer.Git.CommitChecksum or answer.Git.Checksum,
            git_ref=answer.Git.Ref,
            commit_object=answer.Git.CommitObject,
            http_checksum=http.Checksum,
            http_modified=http.LastModified.seconds if http.HasField("LastModified") else None,
        )

    def _resolve_image_config(
        self,
        identifier: str,
        attrs: Mapping[str, str],
        platform: Platform | None,
        mode: str,
        log_name: str,
    ) -> SourceMeta:
        """BuildKit before 0.13: images have their own method, other sources stay as they are."""
        scheme, _, reference = identifier.partition("://")
        if scheme not in ("docker-image", "oci-layout"):
            return SourceMeta(identifier, attrs)
        request = gw.ResolveImageConfigRequest(
            Ref=reference, Platform=_platform(platform), LogName=log_name, ResolveMode=mode
        )
        if scheme == "oci-layout":
            request.ResolverType = 1
            request.SessionID = attrs.get("oci.session", "")
            request.StoreID = attrs.get("oci.store", "")
        answer = self.call("ResolveImageConfig", request, gw.ResolveImageConfigResponse)
        return SourceMeta(
            identifier=f"{scheme}://{answer.Ref or reference}",
            attrs=attrs,
            image_digest=answer.Digest,
            image_config=answer.Config,
        )

    # --- telling ---

    def warn(
        self,
        digest: str,
        short: str,
        *,
        detail: Sequence[str] = (),
        url: str = "",
        info: ops_pb2.SourceInfo | None = None,
        ranges: Sequence[ops_pb2.Range] = (),
    ) -> None:
        """Show a warning; `digest` is the head of a graph that was solved, or nobody sees it.

        Daemons before BuildKit 0.10 cannot show warnings: there it is dropped.
        """
        if not self.can(capabilities.WARNINGS):
            return
        request = gw.WarnRequest(
            digest=digest,
            level=1,
            short=short.encode(),
            detail=[line.encode() for line in detail],
            url=url,
            info=info,
            ranges=ranges,
        )
        self.call("Warn", request, gw.WarnResponse)

    def return_result(self, result: gw.Result) -> None:
        """End the build with a result. Call exactly one of the two returns, once."""
        self.call("Return", gw.ReturnRequest(result=result), gw.ReturnResponse)

    def return_error(self, status: status_pb2.Status) -> None:
        """End the build with an error. Call exactly one of the two returns, once."""
        # A request with neither field set would crash the daemon; a Status of 0 is no error.
        if not status.code:
            status.code = UNKNOWN
        self.call("Return", gw.ReturnRequest(error=status), gw.ReturnResponse)

    # --- the wire ---

    def require(self, ability: str) -> None:
        """Raise a `GatewayError` that says what to update if the daemon lacks an ability."""
        if not self.can(ability):
            raise GatewayError(_unknown(self.abilities.lacks(ability, self._product)))

    def call(
        self, method: str, request: Message, answer: type[Answer], timeout: float | None = None
    ) -> Answer:
        """Call `method`; `timeout` is in seconds. Raises `GatewayError`.

        For what has no method of its own here.
        """
        return self.begin(method, request, answer, timeout)()

    def begin(
        self, method: str, request: Message, answer: type[Answer], timeout: float | None = None
    ) -> Callable[[], Answer]:
        """`call`, without waiting for the answer: what is returned does, and is called once."""
        size = request.ByteSize() if method in ("Solve", "Return") else 0
        if size and size > (limit := self.abilities.message_limit):
            raise GatewayError(
                _unknown(
                    f"the build graph is {size >> 10} KiB, and this {self._product or 'BuildKit'} "
                    f"takes {limit >> 10} KiB at most: keep large files in the build context"
                )
            )
        begun = self._channel.begin(method, request, answer, timeout)

        def wait() -> Answer:
            try:
                return begun()
            except GatewayError as error:
                if error.is_unimplemented and not error.status.details:
                    text = f"the daemon has no method {method}: please update " + (
                        self._product or "it"
                    )
                    raise GatewayError(_status(UNIMPLEMENTED, text)) from error
                raise

        return wait

    def _once(
        self,
        key: tuple[object, ...],
        method: str,
        request: Message,
        answer: type[Answer],
        read: Callable[[Answer], Value],
    ) -> Pending[Value]:
        """A call whose answer cannot change during a build: it is asked once."""
        if key not in self._asked:
            begun = self.begin(method, request, answer)
            self._asked[key] = Pending(lambda: read(begun()))
        return self._asked[key]


def _absolute(path: str) -> str:
    return path if path.startswith("/") else "/" + path


def _file_stat(answer: gw.StatFileResponse) -> FileStat:
    return FileStat.from_pb(answer.stat)


def _entries(answer: gw.ReadDirResponse) -> tuple[FileStat, ...]:
    return tuple(map(FileStat.from_pb, answer.entries))


def _solved(answer: gw.SolveResponse) -> Solved:
    if not answer.HasField("result"):
        return Solved({"": Ref(answer.ref)})
    result = answer.result
    metadata = dict(result.metadata)
    match result.WhichOneof("result"):
        case "ref":
            return Solved({"": _ref(result.ref)}, metadata)
        case "refs":
            return Solved({key: _ref(ref) for key, ref in result.refs.refs.items()}, metadata)
        case "refDeprecated":
            return Solved({"": Ref(result.refDeprecated)}, metadata)
        case "refsDeprecated":
            return Solved(
                {key: Ref(id) for key, id in result.refsDeprecated.refs.items()}, metadata
            )
        case _:
            return Solved({"": Ref()}, metadata)


def _ref(ref: gw.Ref) -> Ref:
    return Ref(ref.id, ref)


def _platform(platform: Platform | None) -> ops_pb2.Platform | None:
    return None if platform is None else platform_message(platform)


def _unknown(message: str) -> status_pb2.Status:
    return _status(UNKNOWN, message)


def _status(code: int, message: str) -> status_pb2.Status:
    return status_pb2.Status(code=code, message=message)
