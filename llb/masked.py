"""What is shown of a user's text: no name and password of a URL, nothing that a terminal obeys.

A URL may carry them (`https://user:token@host/`), and what BuildKit shows, logs and attests goes
further than the file they stand in: into CI logs, traces and provenance.
"""

import re
from typing import Final

# What stands before an image's digest is its name.
_TEXT: Final = r"(?<=://)[^\s/?#'\"<>\\]+(?=@(?!sha\d+:))"
_IN_TEXT: Final = re.compile(_TEXT)
_IN_BYTES: Final = re.compile(_TEXT.encode())


def masked(text: str) -> str:
    """The text with an x for each character of a name or a password in a URL: none moves."""
    if "://" not in text:
        return text

    def hide(found: re.Match[str]) -> str:
        return _hidden(found[0], text[max(0, found.start() - 8) : found.start()])

    return _IN_TEXT.sub(hide, text)


def printable(text: str) -> str:
    """A text that cannot move a terminal's cursor or pass for a line of ours: the characters of a
    user's value that could are written as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def masked_bytes(data: bytes) -> bytes:
    """The same of a file's bytes, whatever its encoding."""
    if b"://" not in data:
        return data

    def hide(found: re.Match[bytes]) -> bytes:
        before = data[max(0, found.start() - 8) : found.start()].decode("latin-1")
        return _hidden(found[0].decode("latin-1"), before).encode("latin-1")

    return _IN_BYTES.sub(hide, data)


def _hidden(userinfo: str, before: str) -> str:
    user, colon, password = userinfo.partition(":")
    # A user alone says nothing with ssh, where it is `git`; over HTTP it is often a token.
    if before.endswith("ssh://"):
        return user + colon + "x" * len(password)
    return "x" * len(user) + colon + "x" * len(password)
