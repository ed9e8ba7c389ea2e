"""The client's fallbacks, and how it reads and fails."""

from __future__ import annotations

import pytest
from google.protobuf.message import Message

from frontend.gateway.capabilities import Abilities
from frontend.gateway.client import CacheImport, Client, Ref
from frontend.gateway.errors import GatewayError
from llb import Cap, Caps, Platform, local, scratch
from llb.pb import caps_pb2, stat_pb2, status_pb2
from llb.pb import gateway_pb2 as gw
from tests.wire.channel import OLD_CAPS, Answers, Solver
from tests.wire.daemon import GATEWAY_CAPS, pong

AMD64 = Platform("linux", "amd64")


def some_graph(data: bytes = b"") -> object:
    return scratch().mkfile("/x", data, timestamp=0).marshal(platform=AMD64)


def client(gateway: object = GATEWAY_CAPS, **answers: Message) -> tuple[Client, Answers]:
    given = {"Ping": pong(gateway, Caps.of_buildkit(0, 25)), **answers}  # type: ignore[arg-type]
    channel = Answers(given)
    return Client(channel), channel


def test_caps_count_only_if_enabled() -> None:
    answer = gw.PongResponse(
        FrontendAPICaps=[caps_pb2.APICap(ID="return", Enabled=True)],
        LLBCaps=[
            caps_pb2.APICap(ID="mergeop", Enabled=False),
            caps_pb2.APICap(ID="file.base", Enabled=True),
        ],
    )
    found = Abilities.from_pong(answer)
    assert set(found.llb) == {"file.base"}
    assert isinstance(found.llb, Caps)


def test_no_caps_mean_the_frozen_ones() -> None:
    found = Abilities.from_pong(gw.PongResponse())
    assert found.gateway == {"solve.base", "solve.inlinereturn", "resolveimage", "readfile"}
    assert Cap.SOURCE_LOCAL in found.llb
    assert Cap.FILE_BASE not in found.llb
    assert found.llb <= Caps.of_buildkit(0, 3) | {"source.buildop.llbfilename"}


def test_solve_asks_for_array_refs_and_passes_cache_imports() -> None:
    answer = gw.SolveResponse()
    answer.result.ref.id = "r"
    made, channel = client(Solve=answer)
    solved = made.solve(some_graph(), cache_imports=[CacheImport("registry", {"ref": "x"})])  # type: ignore[arg-type]
    assert solved.ref == Ref("r")
    (request,) = channel.called("Solve")
    assert isinstance(request, gw.SolveRequest)
    assert request.allowResultReturn
    assert request.allowResultArrayRef
    assert request.CacheImports[0].Attrs == {"ref": "x"}
    assert not request.Evaluate


def test_scratch_is_not_sent() -> None:
    made, channel = client()
    assert not made.solve(scratch().marshal(platform=AMD64)).ref
    assert channel.called("Solve") == []


def test_every_shape_of_a_result() -> None:
    one = gw.SolveResponse()
    one.result.refDeprecated = "old"
    assert client(Solve=one)[0].solve(frontend="f").ref.id == "old"
    many = gw.SolveResponse()
    many.result.refs.refs["linux/amd64"].id = "a"
    many.result.refs.refs["linux/arm64"].id = "b"
    many.result.metadata["k"] = b"v"
    solved = client(Solve=many)[0].solve(frontend="f")
    assert {key: ref.id for key, ref in solved.refs.items()} == {
        "linux/amd64": "a",
        "linux/arm64": "b",
    }
    assert solved.metadata == {"k": b"v"}
    with pytest.raises(GatewayError, match="several platforms"):
        _ = solved.ref
    older = gw.SolveResponse(result=gw.Result(refsDeprecated=gw.RefMapDeprecated(refs={"p": "c"})))
    assert client(Solve=older)[0].solve(frontend="f").ref.id == "c"
    assert client(Solve=gw.SolveResponse(ref="oldest"))[0].solve(frontend="f").ref.id == "oldest"
    empty = gw.SolveResponse(result=gw.Result())
    assert not client(Solve=empty)[0].solve(frontend="f").ref


def test_evaluating_on_new_and_old_daemons() -> None:
    answer = gw.SolveResponse()
    answer.result.ref.id = "r"
    made, channel = client(Solve=answer, Evaluate=gw.EvaluateResponse())
    made.solve(some_graph(), evaluate=True)  # type: ignore[arg-type]
    request = channel.called("Solve")[0]
    assert isinstance(request, gw.SolveRequest)
    assert request.Evaluate
    made.evaluate(Ref("r"))
    assert len(channel.called("Evaluate")) == 1

    oldest = set(OLD_CAPS) - {"gateway.solve.evaluate"}
    made, channel = client(oldest, Solve=answer, StatFile=gw.StatFileResponse())
    made.solve(some_graph(), evaluate=True)  # type: ignore[arg-type]
    (stat,) = channel.called("StatFile")
    assert isinstance(stat, gw.StatFileRequest)
    assert (stat.Ref, stat.Path) == ("r", ".")


def test_a_large_file_is_read_in_chunks() -> None:
    data = bytes(range(256)) * (5 << 12)  # 5 MiB
    solver = Solver({"local://context": {"f": data}})
    made = solver.client()
    ref = made.solve(local("context", session="s").marshal(platform=AMD64)).ref
    assert made.read_file(ref, "f") == data
    assert len(solver.called("ReadFile")) == 3
    assert made.read_file(ref, "f", offset=10, length=5) == data[10:15]
    with pytest.raises(GatewayError) as caught:
        made.read_file(ref, "g")
    assert caught.value.is_missing_file


def test_an_empty_filesystem_has_no_files() -> None:
    made, channel = client()
    with pytest.raises(GatewayError) as caught:
        made.read_file(Ref(), "x")
    assert caught.value.is_missing_file
    assert made.read_dir(Ref(), "/") == ()
    made.evaluate(Ref())
    assert [name for name, _ in channel.requests] == ["Ping"]


def test_modes_are_read_from_gos_bits() -> None:
    entries = [
        stat_pb2.Stat(path="d", mode=(1 << 31) | 0o755),
        stat_pb2.Stat(path="l", mode=(1 << 27) | 0o777, linkname="d"),
        stat_pb2.Stat(path="f", mode=0o644, size=3),
    ]
    made, _ = client(ReadDir=gw.ReadDirResponse(entries=entries))
    directory, link, file = made.read_dir(Ref("r"), "/")
    assert directory.is_dir
    assert directory.permissions == 0o755
    assert link.is_symlink
    assert link.link == "d"
    assert not file.is_dir
    assert file.size == 3


def test_resolving_on_new_daemons() -> None:
    answer = gw.ResolveSourceMetaResponse()
    answer.Source.identifier = "docker-image://docker.io/library/debian:13"
    answer.Image.Digest = "sha256:aa"
    answer.Image.Config = b"{}"
    made, channel = client(ResolveSourceMeta=answer)
    meta = made.resolve_source(
        "docker-image://docker.io/library/debian:12", platform=AMD64, mode="pull", log_name="l"
    )
    assert meta.identifier.endswith(":13")
    assert (meta.image_digest, meta.image_config) == ("sha256:aa", b"{}")
    (request,) = channel.called("ResolveSourceMeta")
    assert isinstance(request, gw.ResolveSourceMetaRequest)
    assert (request.ResolveMode, request.LogName) == ("pull", "l")
    assert request.Platform.Architecture == "amd64"
    assert not request.HasField("Git")


def test_resolving_on_old_daemons() -> None:
    answer = gw.ResolveImageConfigResponse(Digest="sha256:aa", Config=b"{}")
    made, channel = client(OLD_CAPS, ResolveImageConfig=answer)
    meta = made.resolve_source("docker-image://docker.io/library/debian:12", mode="local")
    assert meta.identifier == "docker-image://docker.io/library/debian:12"
    assert meta.image_digest == "sha256:aa"
    layout = made.resolve_source("oci-layout://x@sha256:bb", {"oci.session": "s", "oci.store": "t"})
    assert layout.image_config == b"{}"
    first, second = channel.called("ResolveImageConfig")
    assert isinstance(first, gw.ResolveImageConfigRequest)
    assert isinstance(second, gw.ResolveImageConfigRequest)
    assert (first.Ref, first.ResolveMode) == ("docker.io/library/debian:12", "local")
    assert (second.ResolverType, second.SessionID, second.StoreID) == (1, "s", "t")
    unresolved = made.resolve_source("git://h/x#main")
    assert unresolved.git_commit == ""
    assert len(channel.called("ResolveImageConfig")) == 2


def test_warnings_are_dropped_where_nobody_sees_them() -> None:
    made, channel = client(OLD_CAPS)
    made.warn("sha256:aa", "old")
    assert channel.called("Warn") == []
    made, channel = client(Warn=gw.WarnResponse())
    made.warn("sha256:aa", "old", detail=["why"])
    (request,) = channel.called("Warn")
    assert isinstance(request, gw.WarnRequest)
    assert (request.level, request.short, list(request.detail)) == (1, b"old", [b"why"])


def test_inputs_are_asked_for_once() -> None:
    answer = gw.InputsResponse()
    graph = some_graph()
    answer.Definitions["context"].CopyFrom(graph.to_pb())  # type: ignore[attr-defined]
    made, channel = client(Inputs=answer)
    assert made.inputs()["context"].head == graph.head  # type: ignore[attr-defined]
    assert made.inputs() is made.inputs()
    assert len(channel.called("Inputs")) == 1
    none, channel = client({"return"})
    assert none.inputs() == {}
    assert channel.called("Inputs") == []


@pytest.mark.parametrize(("llb", "fits"), [((0, 13), False), ((0, 14), True)])
def test_a_graph_too_large_for_the_daemon_is_explained(llb: tuple[int, int], fits: bool) -> None:
    answer = gw.SolveResponse()
    answer.result.ref.id = "r"
    ping = pong(GATEWAY_CAPS, Caps.of_buildkit(*llb))
    made = Client(Answers({"Ping": ping, "Solve": answer}), product="docker")
    graph = some_graph(b"x" * (5 << 20))
    if fits:
        assert made.solve(graph).ref  # type: ignore[arg-type]
    else:
        with pytest.raises(GatewayError, match="this docker takes 4096 KiB at most"):
            made.solve(graph)  # type: ignore[arg-type]


def test_an_error_is_never_returned_as_success() -> None:
    made, channel = client(Return=gw.ReturnResponse())
    made.return_error(status_pb2.Status(message="x"))
    (request,) = channel.called("Return")
    assert isinstance(request, gw.ReturnRequest)
    assert request.error.code == 2
    assert not request.HasField("result")


def test_a_missing_method_asks_for_an_update() -> None:
    made, _ = client()
    with pytest.raises(GatewayError, match="has no method Evaluate: please update"):
        made.evaluate(Ref("r"))


def test_context_of_an_error_changes_the_message_only() -> None:
    status = status_pb2.Status(code=2, message="exit code: 1")
    status.details.add(type_url="t", value=b"v")
    error = GatewayError(status).during("inner").during("outer")
    returned = error.to_status()
    assert returned.message == "outer: inner: exit code: 1"
    assert returned.details == status.details
    assert status.message == "exit code: 1"


class TestWhatCannotChange:
    """Results do not change during a build: the daemon is asked once."""

    def test_a_graph_is_solved_once(self) -> None:
        solver = Solver({"local://context": {"f": b"x"}})
        made = solver.client()
        both = [local("context", session="s").marshal(platform=AMD64) for _ in range(2)]
        assert made.solve(both[0]).ref is made.solve(both[1]).ref
        other = local("context", session="t").marshal(platform=AMD64)
        assert made.solve(other).ref != made.solve(both[0]).ref
        assert len(solver.called("Solve")) == 2

    def test_one_with_another_cache_is_another(self) -> None:
        solver = Solver()
        made = solver.client()
        graph = local("context", session="s").marshal(platform=AMD64)
        made.solve(graph)
        made.solve(graph, cache_imports=[CacheImport("registry", {"ref": "x"})])
        assert len(solver.called("Solve")) == 2

    def test_a_result_that_was_evaluated_is_one_that_was_solved(self) -> None:
        solver = Solver(answers={"Evaluate": gw.EvaluateResponse()})
        made = solver.client()
        graph = local("context", session="s").marshal(platform=AMD64)
        evaluated = made.begin_solve(graph, evaluate=True)
        assert made.solve(graph).ref is evaluated().ref
        (request,) = solver.called("Solve")
        assert isinstance(request, gw.SolveRequest)
        assert request.Evaluate

        lazy = local("context", session="t").marshal(platform=AMD64)
        made.solve(lazy)
        made.solve(lazy, evaluate=True)
        assert len(solver.called("Solve")) == 2
        assert len(solver.called("Evaluate")) == 1

    def test_the_start_of_a_file_is_kept(self) -> None:
        data = bytes(range(256)) * 1024
        solver = Solver({"local://context": {"/f": data}})
        made = solver.client()
        ref = made.solve(local("context", session="s").marshal(platform=AMD64)).ref
        assert made.read_file(ref, "/f", length=2) == data[:2]
        assert made.open_file(ref, "/f").read(1080, 20) == data[1080:1100]
        assert len(solver.called("ReadFile")) == 1
        assert made.read_file(ref, "/f") == data
        assert made.read_file(ref, "/f", offset=4000, length=200) == data[4000:4200]
        assert len(solver.called("StatFile")) == 1

    def test_several_files_are_asked_for_together(self) -> None:
        solver = Solver({"local://context": {"/f": b"ff", "/g": b"gg"}})
        made = solver.client()
        ref = made.solve(local("context", session="s").marshal(platform=AMD64)).ref
        made.ahead([(ref, "/f"), (ref, "/missing"), (Ref(), "/x"), (ref, "/g")], head=10)
        asked = ["Ping", "Solve", *["StatFile"] * 3, *["ReadFile"] * 2]
        assert [name for name, _ in solver.requests] == asked
        assert made.read_file(ref, "f") + made.read_file(ref, "/g") == b"ffgg"
        for _ in range(2):
            with pytest.raises(GatewayError) as caught:
                made.open_file(ref, "/missing")
            assert caught.value.is_missing_file
        assert [name for name, _ in solver.requests] == asked
