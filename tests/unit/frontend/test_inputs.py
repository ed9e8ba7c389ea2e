"""What is said of an image that cannot be had."""

from __future__ import annotations

import pytest

from frameworks.diagnostics import Problems
from frameworks.spec import Text
from frontend.dockerui.resolve import ResolvedImage
from frontend.gateway.errors import GatewayError
from frontend.inputs import _placed
from llb.pb import status_pb2


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

    def resolve() -> ResolvedImage:
        raise GatewayError(status_pb2.Status(code=5, message=f"{name}: not found"))

    with pytest.raises(Problems) as raised:
        _placed(Text(name), resolve)
    (found,) = raised.value.diagnostics
    assert (found.code, found.hint) == ("no-such-image", hint)
