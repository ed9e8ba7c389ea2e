"""Inputs without a daemon, for `hutch plan` and `hutch llb` and for goldens.

The context is a local source, images stay as they are named, and hutch's own image is named by its
reference: the graph has the shape that the gateway gives it, and pinned is what a lock file pins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import llb
from frameworks.base import Image, Inputs
from frameworks.diagnostics import problem
from frameworks.spec import Text
from llb import InvalidReference, Platform, Reference, State

if TYPE_CHECKING:
    from frontend.bunnyfile.lock import Lock

TOOLS = "hutch"
"""What stands for hutch's own image where no daemon says which it is."""


class OfflineInputs(Inputs):
    """Every source by its name."""

    def __init__(self, worker: Platform, lock: Lock | None = None) -> None:
        """`lock` is the lock file, which pins images also here."""
        self._worker = worker
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
            "context",
            follow=sorted(self._paths),
            shared_key_hint="context",
            meta=llb.Meta(name="[internal] load build context"),
        )

    def named(self, name: Text, platform: Platform, path: str = "/") -> Image | None:
        return None

    def image(self, ref: Text, platform: Platform, others: Sequence[Platform] = ()) -> Image:
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
        return None

    def tools(self) -> State:
        return llb.image(TOOLS, platform=self._worker)
