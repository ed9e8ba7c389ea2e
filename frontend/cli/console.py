"""A guest's console on a terminal: what is not the guest's own is left out.

A serial port carries what the firmware says, then the kernel, then the application. Shown is what a
user asked for.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from typing import IO

_FIRMWARE = (
    "SeaBIOS ",
    "iPXE ",
    "Booting from ",
    "Press Ctrl-B ",
    "UEFI firmware ",
    "BdsDxe: ",
    "Machine UUID ",
)
"""How lines of firmware begin: SeaBIOS and iPXE on PCs, EDK II on arm64."""

_ESCAPES = re.compile(rb"\x1b\[[0-9;?=]*[A-Za-z]")
_CLEARS = b"\x1bc"
"""How firmware clears the screen, which ends a line, when it begins and when it is done."""

_NO_INITRD = re.compile(rb"\[ *\d+\.\d+\] Initramfs unpacking failed: ")
"""urunc hands its configuration to a Linux guest in the place of an initrd, which a kernel whose
root is elsewhere does not need: it complains, and goes on (docs/contract/urunc.md 2.2)."""

_LONGEST = 4096
"""How many bytes of an unfinished line are kept back at most."""

ESCAPE = b"\x1d"
"""Ctrl-], which ends a guest that has the terminal to itself."""


class Console:
    """What becomes of a guest's output, on its way to `write`.

    A line is kept back only as long as it could be one that is left out, so that a prompt is seen
    at once.
    """

    def __init__(
        self, write: Callable[[bytes], None], *, all: bool = False, config_as_initrd: bool = False
    ) -> None:
        """With `all` nothing is left out. `config_as_initrd` says that the kernel was handed a
        configuration in the place of an initrd."""
        self._write = write
        self._all = all
        self._hidden = [_NO_INITRD] if config_as_initrd else []
        self._firmware = True
        self._line = b""
        self._passing = False
        """Whether the line's beginning is out already."""

    def feed(self, data: bytes) -> None:
        """Take what the guest printed."""
        if self._all:
            self._write(data)
            return
        for piece in re.findall(rb"[^\n]*\n|[^\n]+", data):
            if self._passing:
                self._write(piece)
                self._passing = not piece.endswith(b"\n")
                continue
            self._line += piece
            while self._firmware and _CLEARS in self._line:
                before, _, rest = self._line.partition(_CLEARS)
                self._line = before
                self._end()
                self._line = rest
            if piece.endswith(b"\n"):
                self._end()
            elif len(self._line) > _LONGEST or not self._may_be_hidden():
                self.close()
                self._passing = True

    def close(self) -> None:
        """Show what is left of a line that did not end."""
        line, self._line = self._line, b""
        if self._firmware:
            line = _ESCAPES.sub(b"", line)
            self._firmware = not line
        if line:
            self._write(line)

    def _end(self) -> None:
        line, self._line = self._line, b""
        if self._firmware:
            line = _ESCAPES.sub(b"", line)
            text = line.strip().decode(errors="replace")
            if not text or text.startswith(_FIRMWARE):
                return
            self._firmware = False
        if not any(pattern.match(line) for pattern in self._hidden):
            self._write(line)

    def _may_be_hidden(self) -> bool:
        """Whether the unfinished line can still become one that is left out."""
        line = self._line
        if self._firmware:
            line = _ESCAPES.sub(b"", line)
            text = line.lstrip().decode(errors="replace")
            if text[:1] in ("", "\x1b") or _begins(text, _FIRMWARE):
                return True
        return line.startswith(b"[")  # as the kernel's lines, which are whole soon


def _begins(text: str, starts: tuple[str, ...]) -> bool:
    """Whether a text is the beginning of one of `starts`, or one of them is its."""
    return any(text.startswith(start) or start.startswith(text) for start in starts)


def plain(data: bytes) -> bytes:
    """Ends of lines as files have them: a serial port ends each with a carriage return, too."""
    return data.replace(b"\r\n", b"\n")


class Keyboard(threading.Thread):
    """Carries what is typed to a guest, until its end or until Ctrl-] if that is an escape."""

    def __init__(self, source: int, guest: IO[bytes], leave: Callable[[], None] | None) -> None:
        """`source` is a descriptor to read; `leave` is called for Ctrl-], None where it is not
        looked for."""
        super().__init__(daemon=True)
        self._source = source
        self._guest = guest
        self._leave = leave

    def run(self) -> None:
        """Carry on."""
        try:
            while data := os.read(self._source, 4096):
                if self._leave is not None and ESCAPE in data:
                    self._leave()
                    return
                self._guest.write(data)
                self._guest.flush()
        except (OSError, ValueError):
            return  # the guest is gone
