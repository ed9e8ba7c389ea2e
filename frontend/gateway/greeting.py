"""The first bytes of a frontend: HTTP/2's preface and settings, and two calls.

It imports nothing: `frontend.gateway.stdio` writes these bytes before anything is imported.
Source: RFC 9113; the gRPC protocol over HTTP/2; docs/contract/buildkit.md 1.3.
"""

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# Nothing is pushed to us, and the daemon may send 2 GiB before we make room again: per stream
# (a setting) and on the connection (an update of its window, which starts at 65535).
_SETTINGS = b"\x00\x00\x0c\x04\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x04\x7f\xff\xff\xff"
_WINDOW = b"\x00\x00\x04\x08\x00\x00\x00\x00\x00" + (0x7FFFFFFF - 65535).to_bytes(4, "big")

SERVICE = b"/moby.buildkit.v1.frontend.LLBBridge/"
HEADERS = (
    (b":method", b"POST"),
    (b":scheme", b"http"),
    (b":authority", b"localhost"),
    (b"content-type", b"application/grpc"),
    (b"te", b"trailers"),
    (b"user-agent", b"hutch"),
)
EARLY = ("Ping", "Inputs")
"""Calls without content that every build makes: the daemon answers while this process imports."""


def _call(number: int, method: str) -> bytes:
    """The two frames of a call (RFC 9113 6.1, 6.2): headers as they are, and an empty message."""
    block = b"".join(
        b"\x00%c%b%c%b" % (len(name), name, len(value), value)
        for name, value in ((b":path", SERVICE + method.encode()), *HEADERS)
    )
    stream = number.to_bytes(4, "big")
    return b"".join(
        (
            len(block).to_bytes(3, "big") + b"\x01\x04" + stream + block,
            b"\x00\x00\x05\x00\x01" + stream + bytes(5),
        )
    )


GREETING = b"".join(
    (
        PREFACE,
        _SETTINGS,
        _WINDOW,
        *(_call(2 * number + 1, method) for number, method in enumerate(EARLY)),
    )
)
