"""Whole builds, and questions instead of them, on the daemon of tests/wire, which runs nothing."""

from __future__ import annotations

import json

import pytest
from google.protobuf.message import Message

from frameworks.diagnostics import Problems
from frontend.build import build
from frontend.dockerui.contexts import begin
from frontend.gateway import status
from frontend.gateway.errors import GatewayError
from llb.pb import gateway_pb2 as gw
from llb.pb import status_pb2
from tests.wire.channel import MADE, OLD_CAPS, Answers, Solver

FILE = """\
version: v1
platforms: {framework: generic, monitor: qemu}
kernel: {from: local, path: kernel}
rootfs: {from: local, path: rootfs.cpio, type: initrd}
cmd: [/hello]
"""
CONTEXT = {"kernel": b"KERNEL", "rootfs.cpio": b"070701" + bytes(200)}
PREFIX = "com.urunc.unikernel."


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment of a build without options, as the daemon gives it."""
    monkeypatch.setenv(
        "BUILDKIT_WORKERS", '[{"platforms": [{"OS":"linux","Architecture":"amd64"}]}]'
    )
    monkeypatch.setenv("BUILDKIT_SESSION_ID", "session")
    return monkeypatch


def options(asked: pytest.MonkeyPatch, **given: str) -> None:
    """Give options; `__` is a colon."""
    for number, (key, value) in enumerate({"filename": "bunnyfile", **given}.items()):
        name = key.replace("__", ":").replace("_", "-")
        asked.setenv(f"BUILDKIT_FRONTEND_OPT_{number}", f"{name}={value}")


def daemon(text: str = FILE, **more: object) -> Solver:
    """A daemon that has the build file and the context."""
    files = {
        "local://dockerfile": {"bunnyfile": text.encode()},
        "local://context": CONTEXT,
        MADE: {".boot/kernel": CONTEXT["kernel"], ".boot/rootfs": CONTEXT["rootfs.cpio"]},
    }
    return Solver(files, **more)  # type: ignore[arg-type]


def warned(solver: Answers) -> list[str]:
    requests = solver.called("Warn")
    return [each.short.decode() for each in requests if isinstance(each, gw.WarnRequest)]


def test_an_image_with_its_config_and_annotations(asked: pytest.MonkeyPatch) -> None:
    options(asked, label__who="me")
    solver = daemon()
    message = build(solver.client()).message
    assert message.WhichOneof("result") == "ref"
    config = json.loads(message.metadata["containerimage.config"])
    assert (config["os"], config["architecture"]) == ("linux", "amd64")
    labels = config["config"]["Labels"]
    assert labels["who"] == "me"
    assert labels[PREFIX + "binary"] == "/.boot/kernel"
    assert message.metadata[f"annotation-manifest.{PREFIX}unikernelType"] == b"generic"
    last = solver.called("Solve")[-1]
    assert isinstance(last, gw.SolveRequest)
    assert last.Evaluate


def test_an_image_for_each_platform(asked: pytest.MonkeyPatch) -> None:
    options(asked, platform="linux/amd64,linux/arm64")
    message = build(daemon().client()).message
    assert set(message.refs.refs) == {"linux/amd64", "linux/arm64"}
    for platform in message.refs.refs:
        config = json.loads(message.metadata[f"containerimage.config/{platform}"])
        assert config["architecture"] == platform.partition("/")[2]


def test_a_mistake_is_placed_in_the_file(asked: pytest.MonkeyPatch) -> None:
    options(asked)
    with pytest.raises(Problems) as raised:
        build(daemon(FILE.replace("monitor: qemu", "monitor: qemo")).client())
    (found,) = raised.value.diagnostics
    assert (found.code, found.hint) == ("unknown-value", "did you mean 'qemu'?")
    assert found.file is not None
    assert found.file.filename == "bunnyfile"
    assert found.at is not None
    assert found.at.start.line == 2


def test_a_label_of_the_runtimes_is_refused(asked: pytest.MonkeyPatch) -> None:
    options(asked, **{f"label:{PREFIX}binary": "/x"})
    with pytest.raises(Problems, match="is the runtime's: hutch writes it"):
        build(daemon().client())


def test_a_file_that_the_context_has_not(asked: pytest.MonkeyPatch) -> None:
    options(asked)
    with pytest.raises(Problems) as raised:
        build(daemon(FILE.replace("path: kernel", "path: vmlinuz")).client())
    (found,) = raised.value.diagnostics
    assert found.code == "no-such-file"
    assert found.at is not None
    assert found.at.start.line == 3


def test_what_lint_finds_is_a_warning(asked: pytest.MonkeyPatch) -> None:
    options(asked)
    solver = daemon(FILE + 'envs: {API_TOKEN: "x"}\n')
    build(solver.client())
    assert warned(solver) == [
        "SecretInEnvs: 'API_TOKEN' looks like a secret, and whoever has the image can read it"
        " (line 6)"
    ]


def test_a_finding_is_an_error_where_the_file_says_so(asked: pytest.MonkeyPatch) -> None:
    options(asked)
    solver = daemon("# check=error=true\n" + FILE + 'envs: {API_TOKEN: "x"}\n')
    with pytest.raises(Problems, match="SecretInEnvs"):
        build(solver.client())
    assert warned(solver) == []


def test_a_step_that_fails_is_explained_once(asked: pytest.MonkeyPatch) -> None:
    """The steps run while the image is solved, before the frontend ends."""
    options(asked)
    solver = daemon()
    solve = solver.answers["Solve"]
    assert callable(solve)

    def fail(request: Message) -> Message:
        assert isinstance(request, gw.SolveRequest)
        answer = solve(request)
        if request.Evaluate and solver.sources[-1] is None:
            raise GatewayError(status_pb2.Status(code=2, message="no space left on device"))
        return answer

    solver.answers = {**solver.answers, "Solve": fail}
    with pytest.raises(GatewayError, match="no space left on device"):
        build(solver.client())


def test_docker_20_10_gets_the_lines_in_the_message(asked: pytest.MonkeyPatch) -> None:
    options(asked)
    solver = daemon(FILE.replace("qemu", "qemo"), gateway=OLD_CAPS)
    with pytest.raises(Problems) as raised:
        build(solver.client())
    message = status.from_exception(raised.value).message
    assert ">>> platforms: {framework: generic, monitor: qemo}" in message


class TestQuestions:
    def test_targets(self, asked: pytest.MonkeyPatch) -> None:
        options(asked, requestid="frontend.targets")
        solver = daemon()
        answer = json.loads(build(solver.client()).message.metadata["result.json"])
        assert [target["name"] for target in answer["targets"] if target.get("default")] == [
            "image"
        ]
        assert {"kernel", "rootfs"} <= {target["name"] for target in answer["targets"]}

    def test_lint_builds_nothing(self, asked: pytest.MonkeyPatch) -> None:
        options(asked, requestid="frontend.lint")
        solver = daemon(FILE + 'envs: {API_TOKEN: "x"}\n')
        message = build(solver.client()).message
        answer = json.loads(message.metadata["result.json"])
        assert [warning["ruleName"] for warning in answer["warnings"]] == ["SecretInEnvs"]
        assert message.WhichOneof("result") is None
        assert None not in solver.sources  # nothing that a step would make

    def test_outline(self, asked: pytest.MonkeyPatch) -> None:
        options(asked, requestid="frontend.outline")
        file = FILE.replace(
            "version: v1\n", "version: v1\nargs:\n  # WHO the greeted\n  WHO: moon\n"
        )
        answer = json.loads(build(daemon(file).client()).message.metadata["result.json"])
        assert [(arg["name"], arg["value"]) for arg in answer["args"]] == [("WHO", "moon")]

    def test_one_that_nobody_understands(self, asked: pytest.MonkeyPatch) -> None:
        options(asked, requestid="frontend.moon")
        with pytest.raises(GatewayError, match=r"unsupported request frontend\.moon"):
            build(daemon().client())


KERNEL = bytearray(1024)
KERNEL[0x1FE:0x206], KERNEL[0x236] = b"\x55\xaa\xeb\x6aHdrS", 1  # a 64-bit bzImage
PREBUILT = b"""\
#syntax=x
version: v0.1
platforms:
  framework: linux
  monitor: qemu
kernel:
  from: local
  path: vmlinuz
rootfs:
  from: local
  path: initrd.cpio
  type: initrd
cmd: ["/hello"]
"""


def test_the_calls_of_a_build_of_prebuilt_files(asked: pytest.MonkeyPatch) -> None:
    """Each of these lines is one wait; a fully cached build makes no others."""
    options(asked)
    context = {"/vmlinuz": bytes(KERNEL), "/initrd.cpio": b"\x01" * 4096}
    solver = Solver({"local://dockerfile": {"bunnyfile": PREBUILT}, "local://context": context})
    client = solver.client()
    begin(client)
    assert [name for name, _ in solver.requests] == ["Ping", "Inputs", "Solve"]

    result = build(client).message
    assert [name for name, _ in solver.requests] == [
        *("Ping", "Inputs", "Solve"),  # on their way while the rest is imported
        *("StatFile", "StatFile", "StatFile"),  # the build file, and what is beside it
        "ReadFile",
        "Solve",  # the context's ignore file, while the build file is understood
        "StatFile",
        "Solve",  # the context
        *("StatFile", "StatFile"),
        *("ReadFile", "ReadFile"),
        "Solve",  # the image, with the wait for its steps
    ]
    last = solver.called("Solve")[-1]
    assert isinstance(last, gw.SolveRequest)
    assert last.Evaluate
    assert result.ref.id == "ref-3"
    assert result.metadata["containerimage.config"]
