"""A build without a daemon: plans lowered over inputs that are set by the test."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import frameworks
import llb
from frameworks.base import Build, Flags, Image, Plan
from frameworks.lower import Lowering
from frameworks.spec import Text
from frontend import plan as plans
from frontend.bunnyfile import Loaded, load
from frontend.inputs.offline import OfflineInputs
from frontend.targets import image
from llb import Caps, Platform, State
from llb.pb import ops_pb2
from llb.tree import render
from tests.places import GOLDENS

AMD64 = Platform("linux", "amd64")


class FakeInputs(OfflineInputs):
    """Offline inputs, with configs for images and named contexts."""

    def __init__(
        self,
        configs: Mapping[str, Mapping[str, object]] | None = None,
        named: Mapping[str, Image] | None = None,
        there: Collection[str] | None = None,
    ) -> None:
        super().__init__(AMD64)
        self._there = there
        self._configs = configs or {}
        self._given = named or {}

    @property
    def contexts(self) -> Collection[str]:
        """The names of its build contexts."""
        return self._given.keys()

    def named(self, name: Text, platform: Platform, path: str = "/") -> Image | None:
        return self._given.get(f"{name}::{platform}", self._given.get(name))

    def has(self, state: State, path: str) -> bool | None:
        return None if self._there is None else path in self._there

    def image(self, ref: Text, platform: Platform, others: Sequence[Platform] = ()) -> Image:
        config = json.dumps(self._configs.get(ref, {})).encode()
        return Image(llb.image(ref, platform=platform), f"{ref}@pinned", config)


@dataclass
class Bytes:
    """A file of a result: its first bytes, and its size in bytes, which is theirs if not given.

    `taken` is what was read of it: offsets and lengths.
    """

    data: bytes
    size: int = -1
    taken: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.size < 0:
            self.size = len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        self.taken.append((offset, length))
        return self.data[offset : offset + length]


def _make(loaded: Loaded, platform: Platform, epoch: int | None, contexts: Collection[str]) -> Plan:
    return plans.make(
        loaded.bunnyfile,
        loaded.file,
        platform,
        epoch=epoch,
        args=loaded.args,
        contexts=contexts,
    )


def lower(
    text: str,
    inputs: OfflineInputs | None = None,
    platform: Platform = AMD64,
    epoch: int | None = None,
    flags: Flags | None = None,
    caps: Caps | None = None,
    contexts: Collection[str] = (),
    head: bytes | None = None,
) -> Lowering:
    """Lower a bunnyfile for `platform` on an amd64 builder."""
    loaded = load(text.encode(), "bunnyfile", plans.platform_args(platform, AMD64))
    inputs = inputs or FakeInputs()
    if isinstance(inputs, FakeInputs):
        contexts = {*contexts, *inputs.contexts}
    plan = plans.with_rootfs_type(_make(loaded, platform, epoch, contexts), head)
    framework = frameworks.get(plan.framework)
    build = Build(plan, framework, inputs, AMD64, flags or Flags(), caps)
    first = Lowering(build)
    _ = first.layers  # a recipe asks for its paths the first time
    return Lowering(build)


def graph(state: State, platform: Platform = AMD64) -> str:
    """The graph of `state` as text."""
    return render(state.marshal(platform=platform))


def assembled(lowering: Lowering) -> State:
    """The image that a build gives: its layers, and what tells the runtime of them."""
    keys = image.runtime_keys(lowering.build, lowering.rootfs)
    return image.assemble(lowering.build, lowering.layers, keys)


def check_golden(name: str, lowering: Lowering, *, update: bool) -> None:
    """The graph of the image is that of tests/goldens, which is written anew with `update`."""
    made = graph(assembled(lowering), lowering.build.plan.platform)
    golden = GOLDENS / f"{name}.txt"
    if update:
        golden.write_text(made)
    assert made == golden.read_text()


def steps_with_network(state: State) -> set[str]:
    """The names of the steps that may reach anything."""
    ops = state.marshal(platform=AMD64).ops()
    runs = [op for op in ops if op.kind == "exec"]
    return {op.name for op in runs if op.message.exec.network == ops_pb2.UNSET}
