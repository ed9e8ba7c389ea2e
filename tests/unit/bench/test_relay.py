"""What the relay reads of a frontend's bytes."""

from __future__ import annotations

from bench.relay import calls
from frontend.gateway.greeting import EARLY, GREETING
from frontend.gateway.hpack import encode


def frame(kind: int, flags: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + bytes(4) + payload


def test_the_calls_of_the_greeting_and_of_what_follows() -> None:
    block = encode([(b":path", b"/moby.buildkit.v1.frontend.LLBBridge/Solve")])
    padded = bytes((3,)) + bytes(5) + block + bytes(3)
    sent = GREETING + frame(1, 0x4, block) + frame(0, 1, b"data")
    sent += frame(1, 0x8 | 0x20, bytes((2,)) + bytes(5) + block[:9] + bytes(2))
    sent += frame(9, 0x4, block[9:]) + frame(1, 0x4 | 0x8 | 0x20, padded)
    assert list(calls(sent)) == [*EARLY, "Solve", "Solve", "Solve"]
    assert list(calls(sent[:-1])) == [*EARLY, "Solve", "Solve"]
    assert list(calls(GREETING[:50])) == []
