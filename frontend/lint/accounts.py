"""The user of an image, looked up before the container engine has to; unknown, it is an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from frameworks.base import File
from frameworks.diagnostics import problem
from frontend.gateway.errors import GatewayError, NotAFile
from frontend.lint.tree import MOST, Unknown, account

if TYPE_CHECKING:
    from collections.abc import Callable

    from frameworks.lower import Lowering
    from frontend.gateway.client import Client, Ref


def check(lowering: Lowering, client: Client, solve: Callable[[File], Ref]) -> None:
    """Look up the user and the group of an image that names them.

    `solve` gives the result that a file is in. Raises Problems, at the line that names the user,
    where the image has no such name, and GatewayError where a step that makes it fails.
    """
    root, plan = lowering.rootfs, lowering.plan
    if not root.process.names_user:
        return
    tree = root.packed if root.tree is None else root.tree

    def read(path: str) -> bytes | None:
        return None if tree is None else _read(client, solve(File(tree, path)), path)

    found = account(root.process.user, read)
    if not isinstance(found, Unknown):
        return
    said = plan.settings.user
    why = f"has no {found.what} '{found.name}'" if found.listed else f"has no {found.path}"
    raise problem(
        "unknown-user",
        f"'{root.process.user}' cannot be the user: the root filesystem {why}",
        hint="add it there, or write its number",
        at=said.at if said is not None else (plan.rootfs.dockerfile or plan.rootfs.from_).at,
    )


def _read(client: Client, ref: Ref, path: str) -> bytes | None:
    try:
        return client.read_file(ref, path, length=MOST)
    except NotAFile:
        return None
    except GatewayError as error:
        if not error.is_missing_file:
            raise
        return None
