"""Short ways to look into what a State marshals to."""

from llb import Caps, Definition, Platform, State
from llb.definition import DecodedOp
from llb.pb import ops_pb2 as pb

AMD64 = Platform("linux", "amd64")


def marshal(state: State, caps: Caps | None = None) -> Definition:
    return state.marshal(platform=AMD64, caps=caps)


def head(state: State, caps: Caps | None = None) -> DecodedOp:
    """Return the op that the state stands for."""
    definition = marshal(state, caps)
    return next(op for op in definition.ops() if op.digest == definition.head)


def attrs(state: State) -> dict[str, str]:
    return dict(head(state).message.source.attrs)


def identifier(state: State) -> str:
    return head(state).message.source.identifier


def execution(state: State, caps: Caps | None = None) -> pb.ExecOp:
    message = head(state, caps).message
    assert message.HasField("exec")
    return message.exec


def actions(state: State, caps: Caps | None = None) -> list[pb.FileAction]:
    message = head(state, caps).message
    assert message.HasField("file")
    return list(message.file.actions)
