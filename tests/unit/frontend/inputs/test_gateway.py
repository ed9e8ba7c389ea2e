"""What recipes ask for, as a daemon gives it: images are fetched at once, each a single time."""

from __future__ import annotations

import json

import pytest
from google.protobuf.message import Message

import llb
from frameworks.diagnostics import Problems
from frameworks.spec import Text
from frontend.dockerui.contexts import Contexts
from frontend.dockerui.images import Images
from frontend.dockerui.options import Environment, Options
from frontend.gateway.errors import GatewayError
from frontend.inputs.gateway import GatewayInputs
from llb import Platform
from llb.pb import gateway_pb2 as gw
from llb.pb import status_pb2
from tests.wire.channel import Solver

AMD64 = Platform("linux", "amd64")


def inputs(solver: Solver) -> GatewayInputs:
    environment = Environment({}, "session", "docker", AMD64)
    contexts = Contexts(solver.client(), Options.parse({}, AMD64), environment)
    return GatewayInputs(contexts, Images(contexts))


def refuse(request: Message) -> Message:
    assert isinstance(request, gw.ResolveSourceMetaRequest)
    name = request.Source.identifier
    raise GatewayError(status_pb2.Status(code=5, message=f"{name}: not found"))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("base", "if it is to be a build context, add --build-context base=..."),
        ("nginx:1.27", ""),
        ("registry.example.com/base", ""),
    ],
)
def test_a_build_context_that_was_forgotten(name: str, hint: str) -> None:
    """A plain word is as likely a context's name as one of Docker Hub's."""
    asked = inputs(Solver(answers={"ResolveSourceMeta": refuse}))
    asked.image(Text(name), AMD64)
    with pytest.raises(Problems) as raised:
        asked.fetch_wanted()
    (found,) = raised.value.diagnostics
    assert (found.code, found.hint) == ("no-such-image", hint)


def test_all_images_that_cannot_be_had_are_named_together() -> None:
    asked = inputs(Solver(answers={"ResolveSourceMeta": refuse}))
    for name in ("example.com/a", "example.com/b"):
        asked.image(Text(name), AMD64)
    with pytest.raises(Problems) as raised:
        asked.fetch_wanted()
    assert [found.code for found in raised.value.diagnostics] == ["no-such-image"] * 2


def test_an_image_is_resolved_once_and_known_in_the_next_run() -> None:
    config = json.dumps({"os": "linux", "architecture": "amd64"}).encode()

    def resolve(request: Message) -> Message:
        assert isinstance(request, gw.ResolveSourceMetaRequest)
        answer = gw.ResolveSourceMetaResponse(Source=request.Source)
        answer.Image.Digest = "sha256:" + "ab" * 32
        answer.Image.Config = config
        return answer

    solver = Solver(answers={"ResolveSourceMeta": resolve})
    asked = inputs(solver)
    for _ in range(2):
        asked.image(Text("debian:12"), AMD64)
    assert solver.called("ResolveSourceMeta") == []  # a recipe is never kept waiting
    assert not asked.fetch_wanted()
    image = asked.image(Text("debian:12"), AMD64)
    assert asked.fetch_wanted()
    assert image.ref == "docker.io/library/debian:12@sha256:" + "ab" * 32
    assert image.config == config
    assert len(solver.called("ResolveSourceMeta")) == 1


def test_what_is_looked_for_is_known_in_the_next_run() -> None:
    """Nothing is built for it before all images that the recipe asks for are there."""

    def resolve(request: Message) -> Message:
        assert isinstance(request, gw.ResolveSourceMetaRequest)
        answer = gw.ResolveSourceMetaResponse(Source=request.Source)
        answer.Image.Digest = "sha256:" + "ab" * 32
        answer.Image.Config = b"{}"
        return answer

    files = {"local://tree": {"config.ml": b"", "README": b""}}
    solver = Solver(files, {"ResolveSourceMeta": resolve})
    asked = inputs(solver)
    tree = llb.local("tree")
    found: list[tuple[bool | None, bool | None]] = []
    for whole, looks in ((False, 0), (False, 2), (True, 2)):
        asked.image(Text("debian:12"), AMD64)
        found.append((asked.has(tree, "/config.ml"), asked.has(tree, "/dist/dune")))
        assert asked.fetch_wanted() == whole
        assert len(solver.called("StatFile")) == looks
    assert found == [(None, None), (None, None), (True, False)]


def test_one_state_is_looked_at_after_the_other() -> None:
    """What is found in the first may end the build: the second is not made before that is known."""
    files = {"local://app": {"README": b""}, "local://tree": {"configure.sh": b""}}
    solver = Solver(files)
    asked = inputs(solver)

    def look() -> list[bool | None]:
        paths = ("app", "/Makefile.uk"), ("tree", "/configure.sh"), ("app", "/README")
        return [asked.has(llb.local(name), path) for name, path in paths]

    assert look() == [None, None, None]
    assert not asked.fetch_wanted()
    assert len(solver.called("Solve")) == 1
    assert look() == [False, None, True]
    assert not asked.fetch_wanted()
    assert look() == [False, True, True]
    assert asked.fetch_wanted()
    assert len(solver.called("StatFile")) == 3


def test_a_look_at_what_cannot_be_built_says_why() -> None:
    def refused(request: Message) -> Message:
        raise GatewayError(status_pb2.Status(code=2, message="git: no such repository"))

    asked = inputs(Solver(answers={"Solve": refused}))
    asked.has(llb.local("tree"), "/config.ml")
    with pytest.raises(GatewayError, match="no such repository"):
        asked.fetch_wanted()
