"""The command line: up, down, status, env, run."""

import argparse
import contextlib
import fcntl
import json
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine import client, daemon, debian, found, network, registry
from engine.layout import (
    DEFAULT,
    ENGINES,
    FLAVOURS,
    FORKY,
    STORES,
    Flavour,
    Layout,
    flavour,
)
from engine.report import EngineError


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    top = argparse.ArgumentParser(
        prog="engine",
        description="Find a BuildKit, or provide one from Debian packages alone.",
    )
    verbs = top.add_subparsers(dest="verb", required=True)
    for name, text in (
        ("up", "start what is missing; quick when nothing is"),
        ("down", "end what was started; images and caches stay"),
        ("status", "say what runs; status 1 when the engine asked for does not"),
        ("env", "print the variables that make docker and the tests use it"),
        ("run", "run a command with these variables"),
    ):
        verb = verbs.add_parser(name, help=text)
        verb.add_argument(
            "--engine", choices=ENGINES, help="a private Docker of this version, whatever is there"
        )
        verb.add_argument("--store", choices=STORES, help="its image store")
        if name == "env":
            verb.add_argument("--json", action="store_true", help="as JSON, not as shell exports")
        if name == "run":
            verb.add_argument("command", nargs=argparse.REMAINDER)
    return top


@contextlib.contextmanager
def locked(layout: Layout) -> Iterator[None]:
    """One change of state at a time."""
    layout.state.mkdir(parents=True, exist_ok=True)
    with layout.lock.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def bundle() -> str:
    """This host's certificate authorities, for a build secret; "" when there is no such file."""
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT"):
        path = os.environ.get(name, "")
        if path and Path(path).is_file():
            return path
    return daemon.BUNDLE if Path(daemon.BUNDLE).is_file() else ""


def environment(
    layout: Layout, chosen: Flavour, present: found.OwnBuildKit | None
) -> dict[str, str]:
    """What a program needs to use the engine that is up. Raises EngineError when none is."""
    name = os.environ.get("HUTCH_REGISTRY") or registry.address(layout)
    if name is None:
        raise EngineError("the engine is not up: run `python3 -m engine up`")
    values = {"HUTCH_REGISTRY": name, "HUTCH_CA_BUNDLE": bundle()}
    if present is not None:
        values["HUTCH_ENGINE"] = present.kind
        if present.kind == "buildkit":
            values["BUILDX_BUILDER"] = found.BUILDER
        return values
    if daemon.running(layout, chosen) is None:
        raise EngineError(f"Docker {chosen.name} is not up: run `python3 -m engine up`")
    directory = _bin(layout, chosen)
    values["HUTCH_ENGINE"] = chosen.name
    values["DOCKER_HOST"] = f"unix://{layout.socket(chosen)}"
    values["DOCKER_CONFIG"] = str(layout.client_config)
    values["BUILDX_BUILDER"] = "default"
    path = [p for p in os.environ.get("PATH", "").split(":") if not p.startswith(str(layout.state))]
    values["PATH"] = ":".join((str(directory), *path))
    return values


def _bin(layout: Layout, chosen: Flavour) -> Path:
    return layout.bin if chosen == DEFAULT else layout.instance(chosen) / "bin"


def up(layout: Layout, chosen: Flavour, present: found.OwnBuildKit | None) -> None:
    """Provide what is missing."""
    given = os.environ.get("HUTCH_REGISTRY")
    if present is not None and given:
        _connect(present)
        return
    debian.require_host()
    with locked(layout):
        tools = debian.provide_root(layout.roots, FORKY)
        name = given or registry.up(layout, tools)
        if present is not None:
            _connect(present)
            return
        root = debian.provide_root(layout.roots, chosen.root)
        client.install(layout, tools, chosen, _bin(layout, chosen))
        daemon.up(layout, chosen, root, name)
        registry.provide_bases(layout, name)


def _connect(present: found.OwnBuildKit) -> None:
    if present.kind == "buildkit" and not found.connect(present.address):
        raise EngineError(f"docker buildx cannot talk to BUILDKIT_HOST={present.address}")


def down(layout: Layout, only: Flavour | None) -> None:
    """End one daemon, or all of them and the registry."""
    if not layout.state.exists():
        return
    debian.require_host()
    with locked(layout):
        for each in FLAVOURS.values() if only is None else (only,):
            root = debian.root_path(layout.roots, each.root)
            daemon.down(layout, each, root if root.is_dir() else None)
        network.restore_forwarding(layout.network)
        if only is None:
            registry.down(layout)


def status(layout: Layout, chosen: Flavour, present: found.OwnBuildKit | None) -> int:
    """Print what runs, one line each; 0 when the engine asked for is usable."""
    lines = []
    if present is not None:
        lines.append(f"{present.kind}: yours, {present.address or 'at the default address'}")
    usable = present is not None
    for each in FLAVOURS.values():
        answer = daemon.running(layout, each)
        usable = usable or (each == chosen and answer is not None)
        if answer is not None or layout.instance(each).exists():
            state = f"Docker {answer} at unix://{layout.socket(each)}" if answer else "down"
            lines.append(f"{each.name}: {state}")
    name = os.environ.get("HUTCH_REGISTRY") or registry.address(layout)
    lines.append(f"registry: {name or 'down'}")
    print("\n".join(lines))
    return 0 if usable and name else 1


def _run(values: dict[str, str], command: list[str]) -> None:
    words = command[1:] if command[:1] == ["--"] else command
    if not words:
        raise EngineError("run what? `python3 -m engine run -- docker info`")
    try:
        os.execvpe(words[0], words, {**os.environ, **values})
    except OSError as error:
        raise EngineError(f"cannot run {words[0]}: {error.strerror}") from error


def _dispatch(arguments: argparse.Namespace) -> int:
    layout = Layout.from_environment()
    explicit = arguments.engine is not None or arguments.store is not None
    chosen = flavour(arguments.engine or "28", arguments.store)
    if arguments.verb == "down":
        down(layout, chosen if explicit else None)
        return 0
    present = None if explicit else found.find(layout)
    if arguments.verb == "up":
        up(layout, chosen, present)
        return 0
    if arguments.verb == "status":
        return status(layout, chosen, present)
    values = environment(layout, chosen, present)
    if arguments.verb == "run":
        _run(values, arguments.command)
    elif arguments.json:
        print(json.dumps(values, indent=2, sort_keys=True))
    else:
        for key, value in sorted(values.items()):
            print(f"export {key}={shlex.quote(value)}")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    try:
        return _dispatch(parser().parse_args(argv))
    except (EngineError, OSError) as error:
        print(f"engine: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
