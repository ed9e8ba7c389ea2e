"""A Dockerfile built by BuildKit's own Dockerfile frontend, as a state to go on with.

The nested build gets the user's options, except those that belong to us alone, and the same
contexts. Its graph comes back with its own source map, so an error in it shows the Dockerfile's
line. Source: docs/contract/buildkit.md 7.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from posixpath import basename
from typing import TYPE_CHECKING

from frameworks.diagnostics import did_you_mean, problem
from frontend.bunnyfile.args import PLATFORM_ARGS
from frontend.dockerui.resolve import ResolvedImage
from frontend.gateway.errors import GatewayError
from llb import (
    Definition,
    InvalidReference,
    Platform,
    Position,
    Range,
    Reference,
    SourceFile,
    State,
    scratch,
)
from llb.reference import context_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from frameworks.spec import Text
    from frontend.dockerui.contexts import Contexts

_OURS = frozenset(
    (
        *("requestid", "frontend.caps", "source", "cmdline", "multi-platform", "platform"),
        *("target", "filename", "dockerfilekey", "context", "contextkey", "contextsubdir"),
        *("build-arg:BUILDKIT_MULTI_PLATFORM", "build-arg:BUILDKIT_SYNTAX"),
    )
)
_SYNTAX = re.compile(rb"#\s*syntax\s*=\s*(\S+)[ \t]*([^\r\n]*)", re.IGNORECASE)
_DIRECTIVE = re.compile(rb"#\s*\w+\s*=")
_MARK = b"\xef\xbb\xbf"
_NO_STAGE = re.compile(r"target stage .* could not be found|failed to reach build target")


def dockerfile(
    contexts: Contexts,
    path: str,
    target: Text | None,
    platform: Platform,
    args: Mapping[str, str],
) -> ResolvedImage:
    """Build the Dockerfile `path` of the main context, up to the stage `target` (None: the last).

    `args` are values for its ARGs; they win over those of the build. Raises Problems where there is
    no such file or stage, or it would come back to us, and the daemon's own GatewayError, with the
    Dockerfile's lines, where it does not build.
    """
    data, ignore = contexts.build_file_of(path)
    if data is None:
        raise problem("no-such-file", f"there is no '{path}' in the build context")
    try:
        found = pinned(contexts, _images(contexts, data, args))
        return solve(
            contexts, data, path, target or "", platform, ignore=ignore, args=args, pinned=found
        )
    except GatewayError as error:
        if target is None or error.is_placed or not _NO_STAGE.search(error.message):
            raise
        from frontend.dockerui.instructions import Dockerfile

        stages = [stage.name for stage in Dockerfile(data, {}).stages if stage.name]
        raise problem(
            "unknown-target",
            f"there is no stage '{target}' in '{path}'",
            hint=did_you_mean(target, stages),
            at=target.at,
        ) from error


def solve(
    contexts: Contexts,
    data: bytes,
    name: str,
    target: str,
    platform: Platform,
    *,
    ignore: bytes = b"",
    ours: bool = False,
    args: Mapping[str, str] | None = None,
    stand_ins: Mapping[str, ResolvedImage] | None = None,
    pinned: Mapping[str, str] | None = None,
) -> ResolvedImage:
    """Build the Dockerfile whose bytes are `data`, called `name` in messages.

    `ignore` is the ignore file of its own, b"" for the build's. `ours` says that its `# syntax=`
    line is what called us, and is not to be followed again. `stand_ins` are images that take the
    place of those that the file names; `pinned` are the references, with digests, of others.
    """
    frontend, options = _request(contexts, data, name, ours=ours)
    options["platform"] = str(platform)
    if target:
        options["target"] = target
    for key, value in (args or {}).items():
        if key not in PLATFORM_ARGS:
            options[f"build-arg:{key}"] = value
    for base, reference in (pinned or {}).items():
        options.setdefault(f"context:{context_name(base)}", f"docker-image://{reference}")
    inputs = dict(_inputs(contexts, data, basename(name), ignore))
    for number, (base, image) in enumerate((stand_ins or {}).items()):
        given = f"hutch-base-{number}"
        options[f"context:{context_name(base)}"] = f"input:{given}"
        encoded = b64encode(image.config).decode()
        options[f"input-metadata:{given}"] = json.dumps({"containerimage.config": encoded})
        inputs[given] = contexts.marshal(image.state)
    try:
        solved = contexts.client.solve(
            frontend=frontend,
            options=options,
            inputs=inputs,
            cache_imports=contexts.options.cache_imports,
        )
    except GatewayError as error:
        if frontend != "gateway.v0" or error.is_placed:
            raise
        file, at = SourceFile(name, data, "Dockerfile"), _syntax_line(data)
        raise problem("no-such-image", error.message, at=at, file=file) from error
    config = solved.metadata.get("containerimage.config", b"{}")
    if solved.ref.definition is None:
        return ResolvedImage(scratch(), "", config)
    state = State.from_definition(solved.ref.definition)
    try:
        state = state.with_image_config(config)
    except ValueError as error:
        raise problem("bad-image", f"the image of '{name}' is broken: {error}") from None
    return ResolvedImage(state, "", config)


def pinned(contexts: Contexts, images: Iterable[Text], *, placed: bool = False) -> dict[str, str]:
    """The images of a Dockerfile by name, as the lock file has them.

    `placed` says that it is the build file, which errors are told of. Raises Problems where the
    lock file has to have an image, and has not.
    """
    lock = contexts.lock()
    if lock is None:
        return {}
    found = {}
    for name in images:
        contexts.check_locked(name, name.at if placed else None)
        if digest := lock.digest(name):
            found[str(name)] = str(Reference.parse(name).tagged().pinned(digest))
    return found


def _images(contexts: Contexts, data: bytes, args: Mapping[str, str]) -> list[Text]:
    if contexts.lock() is None:
        return []
    from frontend.dockerui.instructions import Dockerfile

    return Dockerfile(data, {**contexts.options.build_args, **args}).images()


def ask(contexts: Contexts, data: bytes, name: str) -> Mapping[str, bytes]:
    """The Dockerfile frontend's answer to the subrequest of this build: metadata alone."""
    frontend, options = _request(contexts, data, name, ours=True)
    raw = contexts.options.raw
    for key in ("requestid", "frontend.caps", "target", "platform"):
        if key in raw:
            options[key] = raw[key]
    solved = contexts.client.solve(
        frontend=frontend, options=options, inputs=_inputs(contexts, data, basename(name))
    )
    return solved.metadata


def _request(
    contexts: Contexts, data: bytes, name: str, *, ours: bool
) -> tuple[str, dict[str, str]]:
    """The frontend for a Dockerfile, and the options of the build that it may see."""
    options = {key: value for key, value in contexts.options.raw.items() if _passes(key)}
    options |= {"filename": basename(name), "cmdline": ""}
    if contexts.options.epoch is not None:  # older frontends know no "context"
        options["build-arg:SOURCE_DATE_EPOCH"] = str(contexts.options.epoch)
    syntax, line = syntax_of(data)
    own = _is_ours(syntax, contexts.options.source)
    if not syntax or (own and ours):
        return "dockerfile.v0", options
    if own:
        raise problem(
            "dockerfile-recursion",
            f"'{name}' names hutch in its `# syntax=` line, and would be built for ever",
            hint="remove that line",
        )
    return "gateway.v0", options | {"source": syntax, "cmdline": line}


def _is_ours(syntax: str, source: str) -> bool:
    """Whether a `# syntax=` line names the image that we run from, in this version or another."""
    try:
        theirs, ours = Reference.parse(syntax), Reference.parse(source)
    except InvalidReference:
        return syntax == source
    return theirs.name == ours.name


def _syntax_line(data: bytes) -> Range:
    """The line of the `# syntax=` that `syntax_of` finds."""
    for number, line in enumerate(data.removeprefix(_MARK).splitlines(), 1):
        if _SYNTAX.fullmatch(line.strip()):
            return Range(Position(number), Position(number, len(line.decode(errors="replace"))))
    return Range(Position(1), Position(1))


def syntax_of(data: bytes) -> tuple[str, str]:
    """The image of a `# syntax=` line and the whole value; ("", "") where there is none.

    Only the first lines count, up to one that is no directive (dockerfile/parser/directives.go).
    """
    for line in data.removeprefix(_MARK).splitlines():
        if line.startswith(b"#!"):
            continue
        if not _DIRECTIVE.match(line.strip()):
            break
        if found := _SYNTAX.fullmatch(line.strip()):
            image = found[1].decode(errors="replace")
            rest = found[2].decode(errors="replace").strip()
            return image, f"{image} {rest}".strip()
    return "", ""


def _passes(key: str) -> bool:
    """Whether an option is the nested build's too: not what we do, or ask of one platform."""
    return key not in _OURS and not key.startswith(("attest:", "build-arg:BUILDKIT_ATTEST_"))


def _inputs(
    contexts: Contexts, data: bytes, name: str, ignore: bytes = b""
) -> Mapping[str, Definition]:
    """The graphs that stand in for the client's directories; the rest it reads from the client."""
    file = scratch().mkfile("/" + name, data)
    ignored = ignore or "\n".join(contexts.ignored()).encode()
    if ignored:
        file = file.mkfile(f"/{name}.dockerignore", ignored)
    given = dict(contexts.client.inputs())
    given["dockerfile"] = contexts.marshal(file)
    if not contexts.is_local:
        given["context"] = contexts.marshal(contexts.main())
    return given
