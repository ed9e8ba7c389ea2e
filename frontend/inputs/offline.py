"""Inputs without a daemon, for `hutch plan` and `hutch llb` and for goldens.

The context is a local source, images stay as they are named, and hutch's own image is named by its
reference: the graph has the shape that the gateway gives it, and pinned is what a lock file pins.
What is in a directory of this machine is looked up, where a recipe asks.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import llb
from frameworks.base import Image, Inputs
from frameworks.diagnostics import problem
from frameworks.spec import Text
from frontend.inputs.wanted import Wanted
from llb import InvalidReference, Platform, Reference, State
from llb.reference import context_name

if TYPE_CHECKING:
    from frontend.bunnyfile.lock import Lock
    from frontend.inputs.localfile import LocalContext
    from llb import Definition

_CONTEXT = "context"
_IMAGE = "docker-image://"
TOOLS = "hutch"
"""What stands for hutch's own image where no daemon says which it is."""


class OfflineInputs(Inputs):
    """Every source by its name."""

    def __init__(
        self,
        worker: Platform,
        lock: Lock | None = None,
        named: Mapping[str, str] | None = None,
        directories: Mapping[str, LocalContext] | None = None,
        tools: str = TOOLS,
    ) -> None:
        """`lock` is the lock file, which pins images also here.

        `named` are the build contexts by name, as buildx writes them; `directories` are those of
        them that are on this machine, and the build context itself, which is called "". `tools`
        is the reference of hutch's own image.
        """
        self._tools = tools
        self._worker = worker
        self._named = named or {}
        self._directories = {name or _CONTEXT: each for name, each in (directories or {}).items()}
        self._lock = lock
        self._paths: set[str] = set()
        self._context: tuple[int, State] | None = None

    def context(self, path: str) -> State:
        is_new = path not in self._paths
        self._paths.add(path)
        # As in GatewayInputs: the recipe runs again, and then every path is known.
        if self._context is None or not (is_new or self._context[0] == len(self._paths)):
            self._context = (len(self._paths), self._load())
        return self._context[1]

    def _load(self) -> State:
        return llb.local(
            _CONTEXT,
            follow=sorted(self._paths),
            shared_key_hint=_CONTEXT,
            meta=llb.Meta(name="[internal] load build context"),
        )

    def named(self, name: Text, platform: Platform, path: str = "/") -> Image | None:
        short = context_name(name)
        for key in (f"{short}::{platform}", short):
            value = self._named.get(key)
            if value is not None and value.startswith(_IMAGE):
                ref = value.removeprefix(_IMAGE)
                return Image(llb.image(ref, platform=platform), ref)
            if value is not None:
                # What else it is, only a daemon can tell: it is shown as a source of that name.
                return Image(llb.local(key), key, sent=key in self._directories)
        return None

    def image(self, ref: Text, platform: Platform, others: Sequence[Platform] = ()) -> Image:
        if (named := self.named(ref, platform)) is not None:
            return named
        try:
            digest = self._lock.digest(ref) if self._lock is not None else ""
            name = str(Reference.parse(ref).tagged().pinned(digest)) if digest else str(ref)
            return Image(llb.image(name, platform=platform), name)
        except InvalidReference as error:
            raise problem("bad-image-reference", str(error), at=ref.at) from None

    def dockerfile(
        self, path: Text, target: Text | None, platform: Platform, args: Mapping[str, str]
    ) -> Image:
        # Only a daemon can build it; its result is shown as a source of that name.
        return Image(llb.local(f"dockerfile:{path}:{target or ''}"), path)

    def has(self, state: State, path: str) -> bool | None:
        name, place = _origin(state.marshal(platform=self._worker), path)
        directory = self._directories.get(name)
        return None if directory is None else bool(directory.kind(Wanted(Text(place))))

    def tools(self) -> State:
        return llb.image(self._tools, platform=self._worker)


def _origin(definition: Definition, path: str) -> tuple[str, str]:
    """The local source that `path` of a graph is of, and where it is there.

    The name is "" for what is more than a directory's copy.
    """
    if definition.is_empty:
        return "", ""
    ops = {op.digest: op for op in definition.ops()}
    op = ops[definition.head]
    while op.kind == "file" and len(op.message.file.actions) == 1:
        (action,) = op.message.file.actions
        copied = action.copy
        if not copied.dirCopyContents or copied.dest != "/" or action.input >= 0:
            return "", ""
        path = posixpath.join("/", copied.src, path.lstrip("/"))
        op = ops[op.inputs[action.secondaryInput][0]]
    name = op.message.source.identifier if op.kind == "source" else ""
    return name.removeprefix("local://") if name.startswith("local://") else "", path
