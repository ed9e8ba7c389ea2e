"""`hutch migrate`: a build file of another tool as a bunnyfile of version v1.

bunny's (`version: v0.1`) says the same thing in other words; of kraft's and smolBSD's the rest is
noted.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frontend.cli import buildfile, complain, kraftfile, smolerfile
from frontend.cli.options import parser as make
from frontend.cli.translation import yaml

if TYPE_CHECKING:
    from frameworks.base import Plan
    from frontend.cli.translation import Translation


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "migrate",
        """
        Of a file of version v0.1 the new one builds the same image: what v0.1 leaves to a default
        is written out. Of a Kraftfile and a SMOLerfile it has what they say and hutch has too; the
        rest is said on standard error with its line, and as comments in the new file. It is
        printed, or takes the old one's place with --write.
        """,
        examples=(
            "hutch migrate bunnyfile > bunnyfile.v1",
            "hutch migrate --write bunnyfile",
            "hutch migrate Kraftfile > bunnyfile",
            "hutch migrate smolerfiles/Dockerfile.caddy > bunnyfile",
        ),
        statuses={1: "the file is wrong, or of version v1 already"},
    )
    buildfile.add_file(made)
    made.add_argument(
        "--write",
        action="store_true",
        help="write it over the old one; of kraft's or smolBSD's, beside it as `bunnyfile`",
    )
    return made


def run(options: argparse.Namespace) -> int:
    """Print or write the new file."""
    options.platform, options.build_arg, options.build_context = None, [], []
    options.context = None
    if options.file is None and os.path.isdir(directory := options.path or "."):
        options.path = _within(directory)
    file = buildfile.read(options)
    if (other := _translated(file)) is not None:
        return _put(other, file, write=options.write)
    if file.is_dockerfile:
        raise OSError(f"{file.name} is a Dockerfile: `hutch init` writes a bunnyfile for it")
    loaded, _ = buildfile.load(options, file)
    if loaded.bunnyfile.version == "v1":
        raise OSError(f"{file.name} is of version v1 already")
    plan = buildfile.plan_of(options, file, built=False)
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


def _within(directory: str) -> str:
    """The file of a directory: kraft's where it has one and no bunnyfile."""
    if not os.path.lexists(os.path.join(directory, buildfile.NAMES[0])):
        for name in kraftfile.FILES:
            if os.path.lexists(found := os.path.join(directory, name)):
                return found
    return directory


def _translated(file: buildfile.BuildFile) -> Translation | None:
    """What a file of kraft's or smolBSD's becomes; None for every other."""
    if file.is_dockerfile:
        if smolerfile.is_smolerfile(file.name, file.data):
            return smolerfile.translate(file.name, file.data)
    elif kraftfile.is_kraftfile(file.name, file.data):
        return kraftfile.translate(file.name, file.data, file.context)
    return None


def _put(made: Translation, file: buildfile.BuildFile, *, write: bool) -> int:
    """Print what a file became, or write it beside that; what it lacks is said with its lines."""
    for note in made.notes:
        print(note, file=sys.stderr)
    if not write:
        sys.stdout.write(made.text())
        return 0
    path = Path(file.context) / buildfile.NAMES[0]
    try:
        with path.open("x", encoding="utf-8") as out:
            out.write(made.text())
    except FileExistsError:
        way = "move it away, or leave --write out and put what is printed where you want it"
        raise OSError(f"{path} is there already: {way}") from None
    print(f"{path} is written; {file.name} is as it was")
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
        lines += yaml(key, value)
    return "\n".join(lines) + "\n"


def _platforms(plan: Plan) -> dict[str, Any]:
    return {"framework": plan.framework, "monitor": plan.monitor, "version": plan.version}


def _include(include: Any) -> Any:
    made = {"from": include.from_, "source": include.source, "destination": include.destination}
    if include.from_ == "local":
        del made["from"]
    return {**made, "follow": False}
