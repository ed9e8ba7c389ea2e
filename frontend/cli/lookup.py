"""What the things are today that a bunnyfile leaves open: in registries, git servers, packages."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from frontend.cli import buildfile
from frontend.cli.unlocked import Asked, Wanted
from llb import Platform

if TYPE_CHECKING:
    from frameworks.spec import GitSource, Text
    from frontend.bunnyfile.lock import Commit, Lock
    from llb import SourceFile

_SECONDS = 120
"""How long a git server may take to list its refs."""

_PROTOCOLS = "https:http:git:ssh"
_HUB = "docker.io"


def look_up(options: argparse.Namespace, file: SourceFile, wanted: Wanted, kept: Lock) -> Lock:
    """`kept`, with what else is wanted of images and repositories. Raises Problems."""
    from frameworks.diagnostics import Collector
    from frontend.bunnyfile.lock import Lock
    from frontend.inputs.gateway import at_once

    images, git = dict(kept.images), dict(kept.git)
    registries = Registries(frozenset(options.plain_http))

    def image(name: str) -> None:
        images[name] = registries.digest(name)

    def repository(name: str) -> None:
        git[name] = commit(wanted.git[name])

    tasks: list[tuple[Callable[[], None], str, Text]] = []
    for name, at in wanted.images.items():
        if name not in images:
            tasks.append((lambda name=name: image(name), "no-such-image", at))  # type: ignore[misc]
    for name, source in wanted.git.items():
        if name not in git:
            where = source.ref or source.url
            tasks.append((lambda name=name: repository(name), "bad-git-url", where))  # type: ignore[misc]
    problems = Collector(file)
    errors = at_once([task for task, _, _ in tasks]) if tasks else []
    for (_, code, at), error in zip(tasks, errors, strict=True):
        if isinstance(error, OSError):
            problems.error(code, str(error), at=at.at)
        elif error is not None:
            raise error
    problems.check()
    return Lock(images, git, kept.packages)


class Registries:
    """Where the digests of images are asked for, as this machine's Docker would.

    `plain` are the hosts that have no TLS.
    """

    def __init__(self, plain: frozenset[str] = frozenset()) -> None:
        self._plain = plain

    def digest(self, name: str) -> str:
        """The digest of an image today: of its index, where it has one. Raises OSError."""
        from frontend.images.oci import ImageError
        from frontend.images.registry import Repository
        from llb import Reference

        ref = Reference.parse(name).tagged()
        for mirror in self._mirrors if ref.domain == _HUB else ():
            scheme, _, host = mirror.rstrip("/").rpartition("://")
            there = f"{host}/{ref.path}:{ref.tag}"
            with suppress(ImageError), Repository(there, plain=scheme == "http") as repository:
                return repository.manifest()[0]
        with Repository(name, plain=ref.domain in self._plain) as repository:
            return repository.manifest()[0]

    @cached_property
    def _mirrors(self) -> list[str]:
        """The mirrors of Docker Hub that Docker asks first; none where there is no Docker."""
        from frontend.images import docker

        asked = ("info", "--format", "{{json .RegistryConfig.Mirrors}}")
        try:
            found = json.loads(docker.find().ask(*asked).stdout)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return []
        return [str(each) for each in found] if isinstance(found, list) else []


def commit(source: GitSource) -> Commit:
    """What a ref of a repository is now, by `git ls-remote`. Raises OSError.

    As BuildKit chooses: a branch before a tag of the same name (source/git/source.go).
    """
    from frontend.bunnyfile.lock import Commit
    from llb.masked import masked

    ref = str(source.ref or "HEAD")
    name = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    candidates = [f"refs/heads/{name}", f"refs/tags/{name}", f"refs/{ref.removeprefix('refs/')}"]
    if ref == "HEAD":
        candidates = ["HEAD"]
    elif ref.startswith("refs/"):
        candidates = [ref]
    asked = [each for name in candidates for each in (name, f"{name}^{{}}")]
    allowed = {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": _PROTOCOLS}
    try:
        done = subprocess.run(
            ["git", "ls-remote", "--", source.url, *asked],
            env={**os.environ, **allowed},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise OSError("git is not there, which asks a repository for its commits") from None
    except subprocess.TimeoutExpired:
        raise OSError(f"{masked(source.url)} did not answer in {_SECONDS} seconds") from None
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        why = masked(said[-1].removeprefix("fatal: ")) if said else "git could not ask it"
        raise OSError(f"cannot ask {masked(source.url)} for its commits: {why}")
    lines = (line.partition("\t") for line in done.stdout.splitlines())
    found = {name: sha for sha, _, name in lines}
    for each in candidates:
        if each in found:
            return Commit(each, found.get(f"{each}^{{}}", found[each]))
    raise OSError(f"{masked(source.url)} has no branch and no tag '{ref}'")


def packages(
    options: argparse.Namespace, file: buildfile.BuildFile, wanted: Wanted, found: Lock
) -> Lock:
    """`found`, with the packages of each platform. Raises OSError."""
    from dataclasses import replace

    from frameworks.spec import APP, TOOLCHAIN
    from frontend.bunnyfile import lock
    from frontend.targets import BUILDER, PACKAGES

    # Those for other builders stay, as long as they are over what builds start from.
    made = wanted.current(found)
    by_platform: dict[Platform, list[Asked]] = {}
    for asked in wanted.packages.values():
        by_platform.setdefault(asked.platform, []).append(asked)
    for platform, lists in by_platform.items():
        build = partial(_built, options, file, found, platform)
        worker: Platform | None = None
        if any(asked.on_builder for asked in lists):
            worker = Platform.parse(build(BUILDER)["builder"].decode())
        lacking = {asked.section for asked in lists if asked.name(worker) not in made}
        if not lacking:
            continue
        if lacking & {TOOLCHAIN, APP}:
            lacking |= {TOOLCHAIN, APP}  # one is over the other: only those of one time fit
        listed = build(PACKAGES)
        for asked in lists:
            if asked.section not in lacking:
                continue
            try:
                files = lock.packages_of(listed[f"{asked.section}.json"])
            except (KeyError, ValueError) as error:
                why = f"the list of packages for {platform} is none: {error}"
                raise OSError(why) from None
            pinned = asked.pinned(found.images)
            made[asked.name(worker)] = lock.Packages(asked.names, files, pinned)
    return replace(found, packages=made)


def _built(
    options: argparse.Namespace,
    file: buildfile.BuildFile,
    found: Lock,
    platform: Platform,
    target: str,
) -> dict[str, bytes]:
    """The files of a target, by their names: of a build that makes them and nothing else."""
    from frontend.cli import buildx
    from frontend.images import docker
    from frontend.targets import PACKAGES
    from llb import Reference
    from llb.reference import context_name

    with tempfile.TemporaryDirectory(prefix="hutch-lock-") as directory:
        words = ["--platform", str(platform), "--target", target, "--no-cache-filter", PACKAGES]
        words += ["--output", f"type=local,dest={directory}", "--build-arg", "HUTCH_LOCK=off"]
        for arg in options.build_arg:
            words += ["--build-arg", arg]
        for context in options.build_context:
            words += ["--build-context", context]
        for name, digest in found.images.items():
            ref = Reference.parse(name).tagged().pinned(digest)
            words += ["--build-context", f"{context_name(name)}=docker-image://{ref}"]
        request = buildx.Request(tuple(words), file.name, file.context, options.frontend)
        builder = docker.find()
        if builder.run(*buildx.words(request, builder)) != 0:
            raise OSError(f"the packages for {platform} could not be chosen: see above")
        return {path.name: path.read_bytes() for path in Path(directory).iterdir()}
