"""`hutch migrate`: a bunnyfile of version v0.1, bunny's, as one of version v1."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frontend.cli import buildfile, complain
from frontend.cli.options import parser as make

if TYPE_CHECKING:
    from frameworks.base import Plan


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "migrate",
        """
        The new file builds the same image: what v0.1 leaves to a default is written out. It is
        printed, or takes the old one's place with --write.
        """,
        examples=("hutch migrate bunnyfile > bunnyfile.v1", "hutch migrate --write bunnyfile"),
        statuses={1: "the file is wrong, or of version v1 already"},
    )
    buildfile.add_file(made)
    made.add_argument("--write", action="store_true", help="write it over the old one")
    return made


def run(options: argparse.Namespace) -> int:
    """Print or write the new file."""
    options.platform, options.build_arg, options.build_context = None, [], []
    options.context = None
    file = buildfile.read(options)
    if file.is_dockerfile:
        raise OSError(f"{file.name} is a Dockerfile: `hutch init` writes a bunnyfile for it")
    loaded, _ = buildfile.load(options, file)
    if loaded.bunnyfile.version == "v1":
        raise OSError(f"{file.name} is of version v1 already")
    plan = buildfile.plan_of(options, file)
    for warning in plan.warnings:
        complain(str(warning))
    if plan.keys:
        raise OSError(f"{file.name}: version v1 has no framework that it names")
    text = migrated(plan, file.data)
    if not options.write:
        sys.stdout.write(text)
        return 0
    path = Path(buildfile.where(options)[0])
    path.write_text(text, encoding="utf-8")
    print(f"{path} is of version v1 now")
    return 0


def migrated(plan: Plan, old: bytes) -> str:
    """The v1 file of a v0.1 file's plan; the comments above its first key are kept."""
    lines = []
    for line in old.decode("utf-8", "replace").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line)
    lines.append("version: v1")
    parts: dict[str, Any] = {"platforms": _platforms(plan)}
    kernel = plan.kernel
    if kernel is not None:
        parts["kernel"] = {"from": kernel.from_, "path": kernel.path}
    rootfs = plan.rootfs
    made: dict[str, Any] = {"from": rootfs.from_, "path": rootfs.path, "type": rootfs.type}
    if rootfs.include:
        made["include"] = [_include(each) for each in rootfs.include]
    if rootfs.from_ == "scratch":
        del made["from"]
    parts["rootfs"] = made
    # v0.1 starts the program itself, unless its command names an init.
    parts["init"] = "none"
    settings = plan.settings
    if settings.envs:
        parts["envs"] = [f"{name}={value}" for name, value in settings.envs]
    parts["entrypoint"] = settings.entrypoint
    parts["cmd"] = settings.cmd
    for key, value in parts.items():
        if value is None or value == {}:
            continue
        lines.append("")
        lines += _yaml(key, value)
    return "\n".join(lines) + "\n"


def _platforms(plan: Plan) -> dict[str, Any]:
    return {"framework": plan.framework, "monitor": plan.monitor, "version": plan.version}


def _include(include: Any) -> Any:
    made = {"from": include.from_, "source": include.source, "destination": include.destination}
    if include.from_ == "local":
        del made["from"]
    return {**made, "follow": False}


def _yaml(key: str, value: Any) -> list[str]:
    """A key with its value, in YAML as people write it."""
    if isinstance(value, dict):
        below = [
            line for name, each in value.items() if each is not None for line in _yaml(name, each)
        ]
        return [f"{key}:", *(f"  {line}" for line in below)]
    if isinstance(value, list | tuple):
        if value and isinstance(value[0], dict):
            lines = []
            for each in value:
                first, *rest = (f"{k}: {_scalar(v)}" for k, v in each.items())
                lines += [f"  - {first}", *(f"    {line}" for line in rest)]
            return [f"{key}:", *lines]
        return [f"{key}: [{', '.join(json.dumps(str(each)) for each in value)}]"]
    return [f"{key}: {_scalar(value)}"]


def _scalar(value: Any) -> str:
    """A value as it is where YAML reads it as the same text, else between quotes."""
    from ruamel.yaml import YAML

    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    plain = text and text[0] not in "-?:,[]{}#&*!|>'\"%@` " and not text.endswith((" ", ":"))
    if plain and ": " not in text and " #" not in text:
        yaml = YAML(typ="safe", pure=True)
        if yaml.load(text) == text:
            return text
    return json.dumps(text)
