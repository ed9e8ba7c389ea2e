"""What of a serial port's output is shown, whatever pieces it comes in."""

from __future__ import annotations

import pytest

from frontend.cli.console import Console, plain

SEABIOS = (
    b"\x1bc\x1b[?7l\x1b[2J\x1b[0mSeaBIOS (version 1.16.2-debian-1.16.2-1)\r\n\r\n\r\n"
    b"iPXE (https://ipxe.org) 00:03.0 CA00 PCI2.10 PnP PMM+0EFC8B00+0EF08B00 CA00\r\n"
    b"Press Ctrl-B to configure iPXE (PCI 00:03.0)...\r\n"
    b"\r\n\r\nBooting from ROM..\x1bc\x1b[?7l\x1b[2J"
)
KERNEL = b"[    0.000000] Linux version 6.12\r\n"
COMPLAINT = b"[    0.212345] Initramfs unpacking failed: invalid magic at start of archive\r\n"
APP = b"hello\r\n100%\rdone\r\n"
STATUS = b"hutch-init: exit status 3\r\n"


def shown(data: bytes, size: int = 1 << 20, **options: bool) -> bytes:
    """What is written of `data`, given in pieces of `size` bytes."""
    out: list[bytes] = []
    console = Console(out.append, **options)
    for start in range(0, len(data), size):
        console.feed(data[start : start + size])
    console.close()
    return plain(b"".join(out))


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1 << 20])
def test_what_is_not_the_guests_is_left_out(size: int) -> None:
    data = SEABIOS + KERNEL + COMPLAINT + APP + STATUS
    said = plain(KERNEL + APP + STATUS)
    assert shown(data, size, config_as_initrd=True) == said
    # A guest without the configuration there has a broken initrd, and has to be told.
    assert plain(COMPLAINT) in shown(data, size)


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_all_is_all(size: int) -> None:
    data = SEABIOS + KERNEL + COMPLAINT + APP + STATUS
    assert shown(data, size, all=True, config_as_initrd=True) == plain(data)


@pytest.mark.parametrize("prompt", [b"name? ", b"login: ", b"# ", b"\xc3\xa4"])
def test_a_prompt_is_seen_at_once(prompt: bytes) -> None:
    out: list[bytes] = []
    console = Console(out.append)
    console.feed(SEABIOS + KERNEL + prompt)
    assert b"".join(out).endswith(prompt)
    console.feed(b"more\r\n")
    assert b"".join(out).endswith(prompt + b"more\r\n")
    out.clear()
    Console(out.append).feed(prompt)
    assert out == [prompt]


def test_a_guest_may_say_what_firmware_says() -> None:
    data = KERNEL + b"Booting from disk\r\n\x1b[31mred\r\n"
    assert shown(data).endswith(b"Booting from disk\n\x1b[31mred\n")


def test_a_line_without_end_is_not_kept_back() -> None:
    out: list[bytes] = []
    console = Console(out.append)
    console.feed(b"[" + b"x" * 10_000)
    assert len(b"".join(out)) == 10_001
