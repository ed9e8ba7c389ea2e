"""Random values: words that mean something to hutch, and bytes that mean nothing to anybody."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

WORDS = (
    *("", " ", "a", "0", "-1", "true", "null", "~", "None", "x" * 300, "\u00e4\u20ac\U0001f600"),
    *("linux", "netbsd", "freebsd", "rumprun", "mirage", "unikraft", "generic", "hermit", "mewz"),
    *("qemu", "firecracker", "cloud-hypervisor", "hvt", "spt", "amd64", "x86_64", "aarch64"),
    *("source", "local", "scratch", "dockerfile", "debian:trixie-slim", "nginx@sha256:x", "A//B"),
    *("initrd", "block", "raw", "none", "ext4", "squashfs", "ufs", "auto", "microvm", "tiny"),
    *(
        "/",
        "..",
        "../x",
        "/a/../../b",
        "a:b",
        "a:b:c",
        ":",
        "/a:/b",
        "a//b",
        "*",
        "a[",
        "a\\",
        "./",
    ),
    *(
        "${A}",
        "${",
        "${A:-x}",
        "$$",
        "${TARGETARCH}",
        "$(id)",
        "`id`",
        "a;b",
        "a\nb",
        "a\tb",
        "a\rb",
    ),
    *(
        "64M",
        "1G",
        "0",
        "9" * 30,
        "1e9",
        "-5K",
        "0x10",
        "0o7",
        "1_000",
        ".5",
        "nan",
        "6.12",
        "99.9",
    ),
    *("A=b", "=", "A", "A=\n", "PATH=", "80", "80/tcp", "80/sctp", "0/udp", "65536", "1000:1000"),
    *("https://u:p@h/x", "https://h/x.tar.gz", "git@h:x.git", "https://h/x.git#v1:d", "ssh://h/x?"),
    *("sha256:" + "a" * 64, "a" * 40, "a" * 64, "com.urunc.unikernel.binary", "\x00", "\x1b[2J"),
    *(
        "\ud800",
        "\u202e",
        "\ufeff",
        "<<",
        "*a",
        "&a",
        "!!str",
        "!x",
        "@x",
        "%x",
        "- a",
        "a: b",
        "# c",
    ),
)


def word(rng: random.Random) -> str:
    """A text."""
    found = rng.choice(WORDS)
    if rng.random() < 0.1:
        found += rng.choice(WORDS)
    return found


def value(rng: random.Random, depth: int = 0) -> Any:
    """Any JSON value."""
    kind = rng.randrange(9 if depth < 3 else 6)
    if kind < 3:
        return word(rng)
    if kind == 3:
        return rng.choice((0, 1, -1, 255, 65536, 1 << 31, 1 << 63, -(1 << 63), 10**30, 1.5, 1e300))
    if kind == 4:
        return rng.choice((None, True, False))
    if kind == 5:
        return rng.choice(([], {}))
    if kind < 8:
        return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {word(rng): value(rng, depth + 1) for _ in range(rng.randrange(4))}


def mutated(rng: random.Random, data: bytes, most: int = 8) -> bytes:
    """The bytes with a few changes."""
    changed = bytearray(data)
    for _ in range(rng.randrange(1, most)):
        at = rng.randrange(len(changed) + 1)
        end = min(len(changed), at + rng.choice((1, 1, 2, 4, 8, 64)))
        match rng.randrange(7):
            case 0:
                del changed[at:end]
            case 1:
                changed[at:at] = changed[at:end] * rng.choice((1, 1, 3, 50))
            case 2:
                changed[at:end] = rng.randbytes(end - at)
            case 3:
                changed[at:end] = rng.choice((b"\0", b"\xff", b"\x7f\xff", b"\x80")) * (end - at)
            case 4:
                changed[at:at] = word(rng).encode("utf-8", "surrogatepass")
            case 5:
                other = rng.randrange(len(changed) + 1)
                changed[at:at] = changed[other : other + rng.randrange(64)]
            case _:
                del changed[at + rng.randrange(4096) :]
    return bytes(changed)


def as_json(rng: random.Random, document: Any, odd: float = 0.1) -> bytes:
    """A JSON text; `odd` of them are too deep, have too long numbers, or are none."""
    data = json.dumps(document, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    roll = rng.random()
    if roll < odd / 4:
        deep = rng.choice((10, 100, 3000, 50_000))
        return b'{"config":' + b'{"x":' * deep + data + b"}" * (deep + 1)
    if roll < odd / 2:
        return data.replace(b"1", b"9" * 5000)
    return mutated(rng, data) if roll < odd else data


def some(rng: random.Random, items: Sequence[Any]) -> list[Any]:
    """A few of the items, in any order."""
    return rng.sample(list(items), rng.randrange(len(items) + 1))


def any_case(rng: random.Random, text: str) -> str:
    """The text in another spelling that Go takes for the same key."""
    folded = {"s": "\u017f", "k": "\u212a"}
    return "".join(
        rng.choice((c.lower(), c.upper(), folded.get(c.lower(), c))) if rng.random() < 0.3 else c
        for c in text
    )
