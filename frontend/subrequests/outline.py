"""`--call=outline`: the arguments of a file, and the secrets, agents and caches of its steps.

What the steps need is read from the graph itself, made without a daemon, so that no list of it has
to be kept.
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import frameworks
from frameworks.base import Build
from frameworks.lower import Lowering
from frontend import targets as table
from frontend.bunnyfile.args import declared
from frontend.inputs.offline import OfflineInputs
from frontend.subrequests.answers import Reply
from frontend.subrequests.location import location
from frontend.subrequests.table import columns
from llb.pb import ops_pb2 as pb

if TYPE_CHECKING:
    from frontend.bunnyfile import Loaded
    from frontend.session import Session
    from llb import Definition, Platform

_GIT_SECRETS = ("git.authtokensecret", "git.authheadersecret")


def outline(session: Session) -> Reply:
    """The outline of the target asked for. Raises Problems if there is none of that name."""
    platform, loaded = next(iter(session.platforms()))
    name = session.options.target.casefold() or table.DEFAULT
    needs = _Needs(_graph(session, platform, loaded, name))
    args = _args(loaded, session.options.build_args)
    text = table.DESCRIPTIONS[name]
    answer: dict[str, Any] = {"name": name, "description": text}
    printed = columns(("TARGET:", name), [("DESCRIPTION:", text)], gap=1) + "\n"
    if args:
        answer["args"] = args
        rows = [(a["name"], a.get("value", ""), a.get("description", "")) for a in args]
        printed += columns(("BUILD ARG", "VALUE", "DESCRIPTION"), rows, gap=3) + "\n"
    for key, head, found in (
        ("secrets", "SECRET", needs.secrets),
        ("ssh", "SSH", needs.agents),
    ):
        if found:
            answer[key] = [
                {"name": id, **({"required": True} if required else {})}
                for id, required in sorted(found.items())
            ]
            rows2 = [(id, "true" if required else "") for id, required in sorted(found.items())]
            printed += columns((head, "REQUIRED"), rows2, gap=3) + "\n"
    if needs.caches:
        answer["cache"] = [{"ID": id} for id in sorted(needs.caches)]
    answer["sources"] = [b64encode(loaded.file.data).decode()]
    return Reply(answer, printed)


def _graph(session: Session, platform: Platform, loaded: Loaded, name: str) -> Definition:
    """The graph of a target, with every image and context by its name only."""
    planned = session.with_rootfs_type(session.check(platform, loaded))
    inputs = OfflineInputs(session.worker)
    build = Build(planned, frameworks.get(planned.framework), inputs, session.worker)
    target = table.find(name, Lowering(build))
    return target.state.marshal(platform=platform)


def _args(loaded: Loaded, given: Any) -> list[dict[str, Any]]:
    """The arguments that the file declares, with the values that they have in this build."""
    found = []
    for key, default in declared(loaded.tree):
        arg: dict[str, Any] = {"name": key.text}
        if text := _described(loaded.file.data, key.text, key.at.start.line):
            arg["description"] = text
        value = given.get(key.text, default.text if default is not None else "")
        if value:
            arg["value"] = value
        arg["location"] = location(key.at)
        found.append(arg)
    return found


def _described(data: bytes, name: str, line: int) -> str:
    """What a comment above an argument says of it: `# NAME text`, as in a Dockerfile."""
    if line < 2:
        return ""
    above = data.decode("utf-8", "replace").split("\n")[line - 2]
    found = re.fullmatch(rf"\s*#\s*{re.escape(name)}\s+(\S.*?)\s*", above)
    return found[1] if found else ""


class _Needs:
    """What the steps of a graph ask of the client: id -> whether the build fails without it."""

    def __init__(self, definition: Definition) -> None:
        self.secrets: dict[str, bool] = {}
        self.agents: dict[str, bool] = {}
        self.caches: set[str] = set()
        for op in definition.ops():
            if op.kind == "exec":
                self._exec(op.message.exec)
            elif op.kind == "source":
                attrs = op.message.source.attrs
                for key in _GIT_SECRETS:
                    if key in attrs:
                        self.secrets.setdefault(attrs[key], False)
                if "git.mountsshsock" in attrs:
                    self._add(self.agents, attrs["git.mountsshsock"], True)

    def _exec(self, run: pb.ExecOp) -> None:
        for mount in run.mounts:
            if mount.mountType == pb.SECRET:
                self._add(self.secrets, mount.secretOpt.ID, not mount.secretOpt.optional)
            elif mount.mountType == pb.SSH:
                self._add(self.agents, mount.SSHOpt.ID or "default", not mount.SSHOpt.optional)
            elif mount.mountType == pb.CACHE:
                self.caches.add(mount.cacheOpt.ID)
        for secret in run.secretenv:
            self._add(self.secrets, secret.ID, not secret.optional)

    @staticmethod
    def _add(to: dict[str, bool], id: str, required: bool) -> None:
        to[id] = to.get(id, False) or required
