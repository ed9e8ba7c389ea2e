"""What a build's graph says about where things come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from frameworks.components import Component, package_url
from llb import Reference
from llb.pb import ops_pb2 as pb

if TYPE_CHECKING:
    from llb import Definition, Platform, State
    from llb.definition import DecodedOp

_COMMIT = 40


def fetched(definition: Definition) -> tuple[Component, ...]:
    """Every image, repository and file that a graph fetches, with what pins it, sorted."""
    found = {
        op.message.source.identifier: component
        for op in definition.ops()
        if (component := _component(op)) is not None
    }
    return tuple(found[key] for key in sorted(found))


def origin(state: State, platform: Platform) -> Component | None:
    """The image, repository or file that a state's files started from.

    None where they started from nothing, or from files of the client's.
    """
    definition = state.marshal(platform=platform)
    if definition.is_empty:
        return None
    ops = {op.digest: op for op in definition.ops()}
    below: tuple[str, int] | None = (definition.head, definition.output_index)
    while below is not None:
        op = ops[below[0]]
        if op.kind == "source":
            return _component(op)
        below = _below(op, below[1])
    return None


def _below(op: DecodedOp, output: int) -> tuple[str, int] | None:
    """What an output of a step is a change of: the edge to it, None for nothing."""
    inputs = op.inputs
    if op.kind == "exec":
        mounts = op.message.exec.mounts
        number = next(each.input for each in mounts if each.output == output)
        return None if number < 0 else inputs[number]
    if op.kind == "file":
        actions = op.message.file.actions
        action = next(each for each in actions if each.output == output)
        while (number := _input(action)) >= len(inputs):
            action = actions[number - len(inputs)]
        return None if number < 0 else inputs[number]
    return inputs[0] if op.kind == "merge" else None


def _input(action: pb.FileAction) -> int:
    """The number of what an action changes; what is copied into nothing started where it was."""
    if action.input < 0 and action.HasField("copy"):
        return int(action.secondaryInput)
    return int(action.input)


def _component(op: DecodedOp) -> Component | None:
    """A source as a component; None for one that is not fetched, and for any other step."""
    if op.kind != "source":
        return None
    identifier, attrs = op.message.source.identifier, op.message.source.attrs
    scheme, _, rest = identifier.partition("://")
    if scheme == "docker-image":
        return _image(rest)
    if scheme == "git":
        remote = attrs.get("git.fullurl", rest.partition("#")[0])
        ref = rest.partition("#")[2].partition(":")[0]
        commit = attrs.get("git.checksum", "") or (ref if _is_commit(ref) else "")
        name = remote.rstrip("/").rpartition("/")[2].removesuffix(".git")
        vcs = f"git+{remote}" + (f"@{commit or ref}" if commit or ref else "")
        purl = package_url("generic", name, commit or ref, qualifiers={"vcs_url": vcs})
        return Component(name, commit or ref, purl, vcs, commit=commit)
    if scheme in ("http", "https"):
        sha256 = attrs.get("http.checksum", "").removeprefix("sha256:")
        name = rest.rpartition("/")[2] or rest
        checksum = f"sha256:{sha256}" if sha256 else ""
        qualifiers = {"download_url": identifier, "checksum": checksum}
        purl = package_url("generic", name, qualifiers=qualifiers)
        return Component(name, "", purl, identifier, sha256=sha256)
    return None


def _image(text: str) -> Component:
    ref = Reference.parse(text)
    repository = Reference(ref.domain, ref.path).familiar
    purl = package_url(
        "oci",
        repository.rpartition("/")[2],
        ref.digest,
        qualifiers={"repository_url": repository, "tag": ref.tag},
    )
    sha256 = ref.digest.rpartition(":")[2]
    return Component(repository, ref.tag, purl, f"docker://{text}", sha256=sha256)


def _is_commit(ref: str) -> bool:
    return len(ref) == _COMMIT and all(char in "0123456789abcdef" for char in ref)
