"""The process that an image runs: a base image's config and the bunnyfile's own words, merged.

It ends in the image's config (`frontend.targets.image`) and, for guests with an init program, in
the file that tells that init what to run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from frameworks.spec import Settings
from llb import imageconfig


@dataclass(frozen=True, slots=True)
class Process:
    """What runs in the guest: arguments, environment in order, user (`uid[:gid]` or names).

    `ports` (`80` or `80/tcp`) are those that it is reached at.
    """

    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    workdir: str = ""
    ports: tuple[str, ...] = ()

    @property
    def args(self) -> tuple[str, ...]:
        """The whole argument list, as an OCI runtime puts it together."""
        return self.entrypoint + self.cmd

    @property
    def names_user(self) -> bool:
        """Whether user or group is a name, which somebody has to look up."""
        return not self.user.replace(":", "").isdigit() if self.user else False


def merge(config: bytes, settings: Settings, *, compat: bool) -> Process:
    """The process of an image whose base has `config` (an image config as JSON).

    The file's words replace the base's; environment variables are merged by name. An entrypoint
    drops the base's command, as in a Dockerfile, and an empty list is as good a word as another;
    neither in a v0.1 file (`compat`).
    """
    base = imageconfig.parse(config).get("config") or {}
    env: dict[str, str] = {}
    for entry in base.get("Env") or ():
        name, _, value = entry.partition("=")
        env[name] = value
    env.update((str(name), str(value)) for name, value in settings.envs)
    entrypoint = tuple(base.get("Entrypoint") or ())
    cmd = tuple(base.get("Cmd") or ())
    if settings.entrypoint or (settings.entrypoint is not None and not compat):
        entrypoint = tuple(map(str, settings.entrypoint))
        if not compat:
            cmd = ()
    if settings.cmd or (settings.cmd is not None and not compat):
        cmd = tuple(map(str, settings.cmd))
    return Process(
        entrypoint=entrypoint,
        cmd=cmd,
        env=env,
        user=str(settings.user) if settings.user is not None else base.get("User") or "",
        workdir=str(settings.workdir)
        if settings.workdir is not None
        else base.get("WorkingDir") or "",
        ports=(*(base.get("ExposedPorts") or ()), *map(str, settings.ports)),
    )
