"""The user of an image, looked up before the container engine has to.

An engine turns a user's name into a number with the image's `/etc/passwd` and `/etc/group`, and
starts nothing when it does not find the name (moby: daemon/oci_linux.go; containerd: WithUser).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from frameworks.base import File
from frameworks.diagnostics import problem
from frontend.gateway.errors import GatewayError, NotAFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from frameworks.lower import Lowering
    from frontend.gateway.client import Client, Ref

_MOST = 1 << 20
"""How much of a list of accounts is read, in bytes."""


def check(lowering: Lowering, client: Client, solve: Callable[[File], Ref]) -> None:
    """Look up the user and the group of an image that names them.

    `solve` gives the result that a file is in. Raises Problems, at the line that names the user,
    where the image has no such name, and GatewayError where a step that makes it fails.
    """
    root, plan = lowering.rootfs, lowering.plan
    if not root.process.names_user:
        return
    said = plan.settings.user
    at = said.at if said is not None else (plan.rootfs.dockerfile or plan.rootfs.from_).at
    user, _, group = root.process.user.partition(":")
    tree = root.packed if root.tree is None else root.tree
    for name, path, what in ((user, "/etc/passwd", "user"), (group, "/etc/group", "group")):
        if not name or name.isdigit():
            continue
        data = None
        if tree is not None:
            data = _read(client, solve(File(tree, path)), path)
        if name not in _names(data or b""):
            why = f"has no {what} '{name}'" if data is not None else f"has no {path}"
            raise problem(
                "unknown-user",
                f"'{root.process.user}' cannot be the user: the root file system {why}",
                hint="add it there, or write its number",
                at=at,
            )


def _read(client: Client, ref: Ref, path: str) -> bytes | None:
    try:
        return client.read_file(ref, path, length=_MOST)
    except NotAFile:
        return None
    except GatewayError as error:
        if not error.is_missing_file:
            raise
        return None


def _names(data: bytes) -> frozenset[str]:
    """The names of a list of accounts: what is before the first colon of each line."""
    lines = data.decode("utf-8", "replace").splitlines()
    return frozenset(line.partition(":")[0].strip() for line in lines if ":" in line)
