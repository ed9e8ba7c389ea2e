"""Build files, contexts, named contexts and images, as a daemon is asked for them."""

from __future__ import annotations

import io
import json
import tarfile
from base64 import b64encode
from collections.abc import Iterable

import pytest
from google.protobuf.message import Message

from frameworks.diagnostics import Problems
from frontend.dockerui import images, named
from frontend.dockerui.contexts import Contexts, followed, is_archive
from frontend.dockerui.images import Images
from frontend.dockerui.options import Environment, Options
from frontend.gateway.errors import GatewayError
from frontend.inputs.gateway import GatewayInputs
from llb import Caps, Platform, State, local, scratch
from llb.pb import gateway_pb2 as gw
from llb.pb import ops_pb2, status_pb2
from tests.wire.channel import Solver, source

AMD64 = Platform("linux", "amd64")
ARM64 = Platform("linux", "arm64")
DIGEST = "sha256:" + "ab" * 32
CONFIG = json.dumps({"os": "linux", "architecture": "amd64", "config": {"Env": ["A=b"]}}).encode()


def contexts(solver: Solver, **options: str) -> Contexts:
    given = {key.replace("__", ":"): value for key, value in options.items()}
    parsed = Options.parse(given, AMD64)
    environment = Environment(given, "session", "docker", AMD64)
    return Contexts(solver.client(), parsed, environment)


def op(state: State) -> ops_pb2.SourceOp:
    found = source(state.marshal(platform=AMD64))
    assert found is not None
    return found


def name(state: State) -> str:
    definition = state.marshal(platform=AMD64)
    return next(o.name for o in definition.ops() if o.digest == definition.head)


class TestBuildFile:
    def test_is_read_from_its_own_directory(self) -> None:
        solver = Solver({"local://dockerfile": {"bunnyfile": b"version: v1\n"}})
        found = contexts(solver, filename="bunnyfile").build_file()
        assert found.file.filename == "bunnyfile"
        assert found.file.data == b"version: v1\n"
        (asked,) = solver.sources
        assert asked is not None
        assert dict(asked.attrs) == {
            "local.session": "session",
            "local.followpaths": '["bunnyfile","bunnyfile.dockerignore","bunnyfile.lock"]',
            "local.sharedkeyhint": "dockerfile",
            "local.differ": "none",
        }
        (request,) = solver.called("Solve")
        assert isinstance(request, gw.SolveRequest)
        names = [
            m.description["llb.customname"]
            for m in request.Definition.metadata.values()
            if m.description
        ]
        assert names == ["[internal] load build definition from bunnyfile"]
        assert found.digest in request.Definition.metadata

    def test_is_read_once(self) -> None:
        solver = Solver({"local://dockerfile": {"Dockerfile": b"x"}})
        both = contexts(solver)
        assert both.build_file() is both.build_file()
        assert len(solver.called("Solve")) == 1

    def test_lower_case_fallback(self) -> None:
        solver = Solver({"local://dockerfile": {"sub/dockerfile": b"x"}})
        assert contexts(solver, filename="sub/Dockerfile").build_file().file.data == b"x"

    def test_missing(self) -> None:
        with pytest.raises(Problems, match="there is no build file 'bunnyfile'"):
            contexts(Solver(), filename="bunnyfile").build_file()

    @pytest.mark.parametrize(
        ("mode", "kind"),
        [
            (1 << 25, "a named pipe (FIFO)"),
            (1 << 26 | 1 << 21, "a character device"),
            (1 << 26, "a block device"),
            (1 << 24, "a socket"),
            (1 << 31 | 0o755, "a directory"),
            (1 << 19, "a file of an unknown kind"),
        ],
    )
    def test_is_a_file(self, mode: int, kind: str) -> None:
        """What is none is never read: a daemon hangs in a FIFO after the build is over."""
        for name in ("bunnyfile", "bunnyfile.dockerignore"):
            files = {"bunnyfile": b"x", "bunnyfile.dockerignore": b"x"}
            solver = Solver({"local://dockerfile": files})
            solver.modes[name] = mode
            with pytest.raises(Problems) as caught:
                contexts(solver, filename="bunnyfile").build_file()
            (found,) = caught.value.diagnostics
            assert found.code == "not-a-file"
            assert found.message == f"'{name}' is {kind}, and only a file can be read"

    def test_other_errors_stay_what_they_are(self) -> None:
        def refuse(request: Message) -> Message:
            raise GatewayError(status_pb2.Status(code=2, message="no space"))

        solver = Solver(answers={"StatFile": refuse})
        with pytest.raises(GatewayError, match="cannot read the build file Dockerfile: no space"):
            contexts(solver).build_file()

    def test_from_stdin_in_spite_of_a_git_context(self) -> None:
        solver = Solver({"local://stdin-1": {"Dockerfile": b"x"}})
        both = contexts(solver, dockerfilekey="stdin-1", context="https://h/x.git")
        assert both.build_file().file.data == b"x"
        assert op(both.main()).identifier == "git://h/x.git"

    def test_other_session_for_a_shared_directory(self) -> None:
        solver = Solver({"local://dockerfile": {"Dockerfile": b"x"}})
        contexts(solver, **{"local-sessionid__dockerfile": "other"}).build_file()
        asked = solver.sources[0]
        assert asked is not None
        assert asked.attrs["local.session"] == "other"

    def test_from_an_input(self) -> None:
        given = local("elsewhere", session="s").marshal(platform=AMD64).to_pb()
        answer = gw.InputsResponse(Definitions={"dockerfile": given})
        solver = Solver({"local://elsewhere": {"Dockerfile": b"x"}}, {"Inputs": answer})
        assert contexts(solver).build_file().file.data == b"x"


class TestMain:
    def test_local(self) -> None:
        files = {"Dockerfile": b"x"}
        ignored = {".dockerignore": b"secret\n"}
        solver = Solver({"local://dockerfile": files, "local://context": ignored})
        both = contexts(solver)
        state = both.main(["/src", "a/../b"])
        assert dict(op(state).attrs) == {
            "local.session": "session",
            "local.excludepatterns": '["secret"]',
            "local.followpaths": '["b","src"]',
            "local.sharedkeyhint": "context",
        }
        assert name(state) == "[internal] load build context"
        assert both.is_local
        asked = solver.sources[1]
        assert asked is not None
        assert asked.attrs["local.sharedkeyhint"] == "context-.dockerignore"
        assert asked.attrs["local.followpaths"] == '[".dockerignore"]'

    def test_ignore_file_beside_the_build_file(self) -> None:
        files = {"b": b"x", "b.dockerignore": b"one\n"}
        solver = Solver({"local://dockerfile": files, "local://context": {".dockerignore": b"two"}})
        assert contexts(solver, filename="b").ignored() == ("one",)
        assert len(solver.called("Solve")) == 1

    def test_no_ignore_file(self) -> None:
        solver = Solver({"local://dockerfile": {"Dockerfile": b"x"}})
        assert "local.excludepatterns" not in op(contexts(solver).main()).attrs

    @pytest.mark.parametrize("paths", [[], ["."], ["src", "/"], ["a/.."]])
    def test_the_root_means_everything(self, paths: list[str]) -> None:
        assert followed(paths) == ()

    def test_git(self) -> None:
        solver = Solver({"git://h/x.git#v1:sub": {"Dockerfile": b"x"}})
        both = contexts(solver, context="https://h/x.git#v1:sub")
        assert not both.is_local
        assert both.ignored() == ()
        asked = op(both.main())
        assert asked.identifier == "git://h/x.git#v1:sub"
        assert asked.attrs["git.fullurl"] == "https://h/x.git"
        assert name(both.main()) == "[internal] load git source https://h/x.git#v1:sub"
        assert both.build_file().file.data == b"x"

    def test_git_with_a_query(self) -> None:
        url = "https://h/x.git?ref=v1&checksum=abc&submodules=false&mtime=commit&keep-git-dir"
        asked = op(contexts(Solver(), context=url).main())
        assert asked.identifier == "git://h/x.git#v1"
        assert asked.attrs["git.checksum"] == "abc"
        assert asked.attrs["git.skipsubmodules"] == "true"
        assert asked.attrs["git.mtime"] == "commit"
        assert asked.attrs["git.keepgitdir"] == "true"

    def test_git_times_follow_source_date_epoch_where_they_can(self) -> None:
        options = {"context": "https://h/x.git", "build-arg__SOURCE_DATE_EPOCH": "1"}
        assert op(contexts(Solver(), **options).main()).attrs["git.mtime"] == "commit"
        old = Solver(llb=Caps.of_buildkit(0, 25))
        assert "git.mtime" not in op(contexts(old, **options).main()).attrs

    def test_archive_from_the_web(self) -> None:
        url = "http://buildkit-session/abc"
        solver = Solver({url: {"context": b"\x1f\x8b\x08" + bytes(10)}})
        both = contexts(solver, context=url)
        definition = both.main().marshal(platform=AMD64)
        (action,) = next(o.message.file.actions for o in definition.ops() if o.kind == "file")
        assert action.copy.src == "/context"
        assert action.copy.attemptUnpackDockerCompatibility
        assert not both.is_local

    def test_plain_file_from_the_web_is_the_build_file(self) -> None:
        url = "https://h/bunnyfile"
        solver = Solver({url: {"context": b"version: v1\n"}})
        both = contexts(solver, context=url, filename="ignored")
        assert both.build_file().file.filename == "context"
        assert both.build_file().file.data == b"version: v1\n"

    def test_input(self) -> None:
        given = scratch().mkfile("/x", b"", timestamp=0).marshal(platform=AMD64)
        answer = gw.InputsResponse(Definitions={"context": given.to_pb()})
        both = contexts(Solver(answers={"Inputs": answer}))
        assert both.main().marshal(platform=AMD64).head == given.head

    def test_subdirectory_of_a_remote_context(self) -> None:
        both = contexts(Solver(), context="https://h/x.git", contextsubdir="sub")
        definition = both.main().marshal(platform=AMD64)
        (action,) = next(o.message.file.actions for o in definition.ops() if o.kind == "file")
        assert action.copy.src == "/sub"
        assert action.copy.dirCopyContents


def archive(mode: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as tar:  # type: ignore[call-overload]
        tar.addfile(tarfile.TarInfo("a"), io.BytesIO())
    return stream.getvalue()[:1024]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_archives_are_recognised(mode: str) -> None:
    assert is_archive(archive(mode))


@pytest.mark.parametrize("data", [b"", b"version: v1\n", b"x" * 1024, bytes(1024), b"BZ"])
def test_other_files_are_no_archives(data: bytes) -> None:
    assert not is_archive(data)


def resolved(identifier: str, config: bytes = CONFIG) -> gw.ResolveSourceMetaResponse:
    answer = gw.ResolveSourceMetaResponse()
    answer.Source.identifier = identifier
    if config:
        answer.Image.Digest = DIGEST
        answer.Image.Config = config
    return answer


def same(request: Message) -> Message:
    """Resolve every image to itself."""
    assert isinstance(request, gw.ResolveSourceMetaRequest)
    return resolved(request.Source.identifier)


class TestNamed:
    def test_nothing_given(self) -> None:
        assert named.load(contexts(Solver()), "debian", AMD64) is None
        assert named.load(contexts(Solver(), context__other="local:x"), "debian", AMD64) is None

    @pytest.mark.parametrize("asked", ["debian", "debian:latest", "docker.io/library/debian"])
    def test_names_are_compared_in_their_short_form(self, asked: str) -> None:
        both = contexts(Solver(), context__debian="docker-image://scratch")
        found = named.load(both, asked, AMD64)
        assert found is not None
        assert found.state.output is None
        assert named.load(both, "debian:12", AMD64) is None

    def test_a_platform_comes_first(self) -> None:
        solver = Solver()
        both = contexts(
            solver,
            **{"context__d": "https://h/any", "context__d____linux/arm64": "https://h/arm"},
        )
        arm, amd = named.load(both, "d", ARM64), named.load(both, "d", AMD64)
        assert arm is not None
        assert amd is not None
        assert op(arm.state).identifier == "https://h/arm"
        assert op(amd.state).identifier == "https://h/any"
        assert name(arm.state) == "[context d::linux/arm64] https://h/arm"
        assert op(arm.state).attrs["http.filename"] == "context"

    def test_image(self) -> None:
        solver = Solver(answers={"ResolveSourceMeta": same})
        options = {"context__debian": "docker-image://alpine", "image-resolve-mode": "pull"}
        found = named.load(contexts(solver, **options), "debian", ARM64)
        assert found is not None
        assert found.config == CONFIG
        assert found.reference == f"docker.io/library/alpine:latest@{DIGEST}"
        assert op(found.state).identifier == f"docker-image://{found.reference}"
        assert op(found.state).attrs["image.resolvemode"] == "pull"
        assert name(found.state) == "[context debian] alpine"
        assert found.state.env == {"A": "b"}
        (request,) = solver.called("ResolveSourceMeta")
        assert isinstance(request, gw.ResolveSourceMetaRequest)
        assert request.LogName == "[context debian] load metadata for alpine"
        assert request.Platform.Architecture == "arm64"
        assert request.ResolveMode == "pull"

    def test_image_redirected_to_something_else(self) -> None:
        solver = Solver(answers={"ResolveSourceMeta": resolved("https://h/rootfs.tar", b"")})
        found = named.load(
            contexts(solver, context__debian="docker-image://alpine"), "debian", AMD64
        )
        assert found is not None
        assert op(found.state).identifier == "https://h/rootfs.tar"

    def test_endless_redirections(self) -> None:
        solver = Solver(answers={"ResolveSourceMeta": resolved("docker-image://alpine", b"")})
        with pytest.raises(Problems, match="redirected more than 10 times"):
            named.load(contexts(solver, context__debian="docker-image://alpine"), "debian", AMD64)
        assert len(solver.called("ResolveSourceMeta")) == 11

    def test_git(self) -> None:
        for value in ("https://h/x.git#v1", "git@h:x.git#v1", "ssh://git@h/x.git#v1"):
            found = named.load(contexts(Solver(), context__src=value), "src", AMD64)
            assert found is not None
            assert op(found.state).identifier == "git://h/x.git#v1"

    def test_oci_layout(self) -> None:
        solver = Solver(answers={"ResolveSourceMeta": same})
        value = f"oci-layout://store:tag@{DIGEST}"
        found = named.load(contexts(solver, context__base=value), "base", AMD64)
        assert found is not None
        asked = op(found.state)
        assert asked.identifier == f"oci-layout://docker.io/library/base@{DIGEST}"
        assert dict(asked.attrs) == {"oci.session": "session", "oci.store": "store"}
        assert name(found.state) == "[context base] OCI load from client"
        (request,) = solver.called("ResolveSourceMeta")
        assert isinstance(request, gw.ResolveSourceMetaRequest)
        assert request.Source.attrs["oci.store"] == "store"

    def test_local(self) -> None:
        solver = Solver({"local://d": {".dockerignore": b"*.o\n"}})
        both = contexts(
            solver,
            **{
                "context__dir": "local:d",
                "sharedkey__localdir__dir": "key",
                "local-sessionid__d": "s2",
            },
        )
        found = named.load(both, "dir", AMD64, follow=["src"])
        assert found is not None
        assert dict(op(found.state).attrs) == {
            "local.session": "s2",
            "local.excludepatterns": '["*.o"]',
            "local.followpaths": '["src"]',
            "local.sharedkeyhint": "context:dir-key",
        }
        assert name(found.state) == "[context dir] load from client"
        asked = solver.sources[0]
        assert asked is not None
        assert asked.attrs["local.sharedkeyhint"] == "context:dir-.dockerignore"

    def test_input(self) -> None:
        given = scratch().mkfile("/x", b"", timestamp=0).marshal(platform=AMD64)
        answer = gw.InputsResponse(Definitions={"base": given.to_pb()})
        metadata = json.dumps({"containerimage.config": b64encode(CONFIG).decode()})
        both = contexts(
            Solver(answers={"Inputs": answer}),
            **{"context__base": "input:base", "input-metadata__base": metadata},
        )
        found = named.load(both, "base", AMD64)
        assert found is not None
        assert found.config == CONFIG
        assert found.state.env == {"A": "b"}
        assert found.state.marshal(platform=AMD64).head == given.head

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            ("nonsense", "it has no scheme"),
            ("ftp://x", "'ftp' is not a kind of context"),
            ("docker-image://A B", "is not an image reference"),
            ("oci-layout://store:tag", "it has no digest"),
            ("oci-layout://store@sha256:12", "is not an image reference"),
            ("input:gone", "the caller gave no input 'gone'"),
        ],
    )
    def test_mistakes(self, value: str, words: str) -> None:
        with pytest.raises(Problems) as caught:
            named.load(contexts(Solver(), context__x=value), "x", AMD64)
        (found,) = caught.value.diagnostics
        assert f"the build context x={value.removeprefix('docker-image://')}" in found.message
        assert words in found.message


class TestImages:
    def test_is_pinned_and_asked_for_once(self) -> None:
        solver = Solver(answers={"ResolveSourceMeta": same})
        found = Images(contexts(solver))
        debian = found.resolve("debian:13", AMD64)
        assert debian.reference == f"docker.io/library/debian:13@{DIGEST}"
        assert debian.config == CONFIG
        assert found.resolve("debian:13", AMD64) is debian
        found.resolve("debian:13", ARM64)
        assert len(solver.called("ResolveSourceMeta")) == 2

    def test_a_named_context_stands_in(self) -> None:
        solver = Solver()
        found = Images(contexts(solver, context__debian="https://h/x")).resolve("debian", AMD64)
        assert op(found.state).identifier == "https://h/x"
        assert (found.reference, found.config) == ("", b"{}")

    def test_scratch(self) -> None:
        assert Images(contexts(Solver())).resolve("scratch").state.output is None

    def test_without_a_digest_it_stays_as_named(self) -> None:
        answer = gw.ResolveSourceMetaResponse()
        answer.Source.identifier = "docker-image://docker.io/library/mine:1"
        answer.Image.Config = CONFIG
        found = Images(contexts(Solver(answers={"ResolveSourceMeta": answer}))).resolve("mine:1")
        assert found.reference == "docker.io/library/mine:1"

    def test_a_policy_may_rename_it(self) -> None:
        answer = resolved("docker-image://mirror.example/debian:13")
        found = Images(contexts(Solver(answers={"ResolveSourceMeta": answer}))).resolve("debian:13")
        assert found.reference == f"mirror.example/debian:13@{DIGEST}"

    def test_a_policy_may_put_something_else_in_its_place(self) -> None:
        solver = Solver(answers={"ResolveSourceMeta": resolved("https://h/rootfs.tar", b"")})
        found = Images(contexts(solver)).resolve("debian:13", AMD64)
        assert op(found.state).identifier == "https://h/rootfs.tar"
        assert found.config == b"{}"

    def test_mistakes(self) -> None:
        with pytest.raises(Problems, match="is not an image reference"):
            Images(contexts(Solver())).resolve("Not An Image")

        def refuse(request: Message) -> Message:
            raise GatewayError(status_pb2.Status(code=2, message="not found"))

        solver = Solver(answers={"ResolveSourceMeta": refuse})
        with pytest.raises(GatewayError, match="cannot find the image debian:13: not found"):
            Images(contexts(solver)).resolve("debian:13")
        broken = Solver(answers={"ResolveSourceMeta": resolved("docker-image://x/y:1", b"[]")})
        with pytest.raises(Problems, match="the image x/y:1 is broken"):
            Images(contexts(broken)).resolve("x/y:1")

    def test_own_image(self, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
        from pathlib import Path

        solver = Solver(answers={"ResolveSourceMeta": same})
        missing = Path(str(tmp_path)) / "frontend.bin"
        monkeypatch.setattr(images, "OWN_DEFINITION", missing)
        by_name = Images(contexts(solver, source="localhost:5000/hutch:1")).own()
        assert op(by_name).identifier == f"docker-image://localhost:5000/hutch:1@{DIGEST}"
        definition = by_name.marshal(platform=AMD64)
        missing.write_bytes(definition.to_bytes())
        by_graph = Images(contexts(Solver())).own()
        # A vertex of its own: the daemon's has been solved, and no imported cache knows its steps.
        assert by_graph.marshal(platform=AMD64).head != definition.head
        assert op(by_graph).identifier == op(by_name).identifier
        assert dict(op(by_graph).attrs) == {"image.recordtype": "internal"}
        # What is more than an image is kept as it is.
        definition = by_name.mkfile("/more", b"").marshal(platform=AMD64)
        missing.write_bytes(definition.to_bytes())
        assert Images(contexts(Solver())).own().marshal(platform=AMD64).head == definition.head


def test_a_context_is_named_once_for_all_its_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may name thousands of paths, and each answer looks at all of them."""
    both = contexts(Solver({"local://dockerfile": {"Dockerfile": b"x"}}))
    asked: list[int] = []
    main = both.main

    def counted(follow: Iterable[str] = ()) -> State:
        asked.append(len(list(follow)))
        return main(follow)

    monkeypatch.setattr(both, "main", counted)
    inputs = GatewayInputs(both, Images(both))
    paths = [f"f{number}" for number in range(2000)]
    for _ in range(2):
        states = [inputs.context(path) for path in paths]
        complete = inputs.fetch_wanted()
    assert complete
    assert asked == [1, 2000]
    assert len(set(map(id, states))) == 1
    assert op(states[0]).attrs["local.followpaths"].count("f") == 2000
