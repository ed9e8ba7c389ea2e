"""How an image tells the runtime what it is, and what its config says.

The same keys travel three ways (docs/contract/urunc.md 1.2), because runtimes and exporters each
lose some of them: as annotations of the manifest and labels of the config, and as a file of the
image (`/urunc.json`). Which keys there are: `frameworks.runtime`.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from frameworks.base import Build, Plan
from frameworks.lower import KERNEL, Root
from frameworks.process import Process
from frameworks.rootfs.packed import ROOTFS
from frameworks.runtime import RUNTIME
from frameworks.runtime.base import BootFacts
from frameworks.spec import Text
from llb import State, imageconfig, merge, scratch

_OF_THE_BASE = (
    *("created", "id", "parent", "comment", "container", "container_config", "docker_version"),
    *("Size", "moby.buildkit.cache.v0"),
)
"""What a base's config says of that image and how it was built: in ours it would lie."""

_LATER = ("OnBuild",)
"""What an image leaves for whoever builds on it: a base's was for the base's own users. That of a
Dockerfile is its author's, and BuildKit has run what that one's base had."""


def runtime_keys(build: Build, root: Root) -> dict[str, str]:
    """What the runtime reads, by full name, sorted."""
    plan = build.plan
    packed = ROOTFS if root.file is not None else ""
    is_initrd = plan.rootfs.type == "initrd"
    return RUNTIME.annotate(
        BootFacts(
            type=build.framework.guest.type,
            monitor=str(plan.monitor),
            version=None if plan.version is None else str(plan.version),
            kernel=KERNEL if plan.kernel is not None else "",
            initrd=packed if is_initrd else "",
            disk="" if is_initrd else packed,
            mount=str(plan.rootfs.mount),
            tree=root.tree is not None,
            args=root.process.args,
            more={name: str(value) for name, value in plan.keys.items()},
        )
    )


def assemble(build: Build, layers: Iterable[State], keys: Mapping[str, str]) -> State:
    """The image's files: `layers`, and in a last layer the file that the runtime reads."""
    metadata = scratch().mkfile(
        RUNTIME.file,
        RUNTIME.written(keys),
        mode=0o644,
        timestamp=build.plan.timestamp,
        meta=build.meta("image", f"add {posixpath.basename(RUNTIME.file)}", build.plan.monitor),
    )
    return merge((*layers, metadata), meta=build.meta("image", "put the image together"))


def config(plan: Plan, root: Root, labels: Mapping[str, str]) -> bytes:
    """The image's config as JSON: the base's own, edited, so that nothing in it is lost.

    `labels` are added to the base's and the file's, and win. History and layers are kept where the
    base's layers are in the image (`raw`).
    """
    image = imageconfig.parse(root.config)
    for key in _OF_THE_BASE:
        image.pop(key, None)
    if not root.layered:
        image.pop("rootfs", None)
        image.pop("history", None)
    for key in ("variant", "os.version", "os.features"):
        image.pop(key, None)
    image["architecture"] = plan.platform.architecture
    image["os"] = "linux"
    if plan.platform.variant:
        image["variant"] = plan.platform.variant
    if plan.epoch is not None:
        image["created"] = _rfc3339(plan.epoch)
    image["config"] = _process(image.get("config") or {}, plan, root.process, labels)
    return json.dumps(image, sort_keys=True, ensure_ascii=False).encode()


def _process(
    config: dict[str, Any], plan: Plan, process: Process, labels: Mapping[str, str]
) -> dict[str, Any]:
    settings = plan.settings
    for name in _LATER if plan.rootfs.from_ != "dockerfile" else ():
        config.pop(name, None)
    config["Env"] = [f"{name}={value}" for name, value in process.env.items()]
    config["Entrypoint"] = list(process.entrypoint)
    config["Cmd"] = list(process.cmd)
    config["User"] = process.user
    config["WorkingDir"] = process.workdir
    config["ExposedPorts"] = _keyed(config.get("ExposedPorts"), map(_port, settings.ports))
    config["Volumes"] = _keyed(config.get("Volumes"), settings.volumes)
    config["Labels"] = {
        **{
            key: value
            for key, value in (config.get("Labels") or {}).items()
            if not key.startswith(RUNTIME.prefix)
        },
        **{str(key): str(value) for key, value in settings.labels},
        **labels,
    }
    return {key: value for key, value in config.items() if value not in ("", [], {}, None)}


def _keyed(base: Mapping[str, Any] | None, more: Any) -> dict[str, Any]:
    """The config's form of a set: an object with empty values."""
    return {**(base or {}), **{str(name): {} for name in more}}


def _port(port: Text) -> str:
    return str(port) if "/" in port else f"{port}/tcp"


def _rfc3339(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
