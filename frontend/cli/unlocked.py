"""What a build file leaves open: what its lock file has to have, on all platforms of the guest."""

from __future__ import annotations

import argparse
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from frontend.cli import buildfile

if TYPE_CHECKING:
    from frameworks.base import Plan
    from frameworks.spec import GitSource, Text
    from frontend.bunnyfile.lock import Lock, Packages
    from llb import Platform, State

PACKAGES = "packages"
"""What they are called together."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The packages of a section of a plan: all their names, and the first one's place.

    `base` are the names of the images that they are installed over.
    """

    section: str
    platform: Platform
    names: tuple[str, ...]
    at: Text
    base: tuple[str, ...]

    @property
    def on_builder(self) -> bool:
        """Whether they are installed where things are built, and not in the guest."""
        from frameworks.spec import ROOTFS

        return self.section != ROOTFS

    def name(self, worker: Platform | None = None) -> str:
        """What a lock calls them, on a builder of `worker`; without it, their name here."""
        from frontend.bunnyfile import lock

        return lock.packages_name(self.section, self.platform, worker)

    def pinned(self, images: Mapping[str, str]) -> str:
        """What they are over, each image with its digest where `images` has it."""
        from frontend.bunnyfile import lock

        return lock.pinned_base(self.base, images)


@dataclass(slots=True)
class Wanted:
    """What a lock has to have, by the names that it has there, with the words of the file.

    The names of `packages` lack the builder's platform, which only a builder knows.
    """

    images: dict[str, Text] = field(default_factory=dict)
    git: dict[str, GitSource] = field(default_factory=dict)
    packages: dict[str, Asked] = field(default_factory=dict)

    def take(self, images: Iterable[Text]) -> None:
        """Note those of the images that are open."""
        from frontend.bunnyfile import lock

        for image in images:
            if lock.is_open(image):
                self.images.setdefault(lock.name_of(image), image)

    def of(self, lock: Lock, renewed: set[str]) -> Lock:
        """What a lock has of it already, without what is to be `renewed`."""
        from frontend.bunnyfile.lock import Lock

        return Lock(
            {k: v for k, v in lock.images.items() if k in self.images and k not in renewed},
            {k: v for k, v in lock.git.items() if k in self.git and k not in renewed},
            {
                name: found
                for name, found in lock.packages.items()
                if PACKAGES not in renewed and self.fits(name, found)
            },
        )

    def fits(self, name: str, found: Packages) -> bool:
        """Whether a lock's packages are those that are asked for, whatever the builder."""
        from frontend.bunnyfile import lock

        asked = self.packages.get(lock.without_builder(name))
        return asked is not None and set(asked.names) == set(found.asked)

    def current(self, lock: Lock) -> dict[str, Packages]:
        """A lock's packages that fit, and are over what its images are."""
        from frontend.bunnyfile.lock import without_builder

        return {
            name: found
            for name, found in lock.packages.items()
            if self.fits(name, found)
            and found.base == self.packages[without_builder(name)].pinned(lock.images)
        }

    def lacking(self, lock: Lock) -> list[Asked]:
        """The packages that a lock has for no builder."""
        from frontend.bunnyfile.lock import without_builder

        there = set(map(without_builder, self.current(lock)))
        return [asked for name, asked in self.packages.items() if name not in there]


def wanted(options: argparse.Namespace, file: buildfile.BuildFile) -> Wanted:
    """What the file leaves open, on all platforms. Raises Problems."""
    from frameworks.diagnostics import Problems

    found = Wanted()
    failed: Problems | None = None
    done = 0
    for each in _platforms(options, file):
        try:
            note = _note_dockerfile if file.is_dockerfile else _note
            note(found, options, file, each)
            done += 1
        except Problems as problems:
            if options.platform:
                raise
            failed = failed or problems  # the file may be for others alone
    if failed is not None and not done:
        raise failed
    return found


def _platforms(options: argparse.Namespace, file: buildfile.BuildFile) -> list[Any]:
    """The platforms to lock for: those asked for, the file's own, or all of the guest's."""
    import frameworks
    from frontend.cli.options import host
    from frontend.plan import architecture
    from llb import Platform

    if options.platform:
        return list(options.platform)
    if file.is_dockerfile:
        return [host()]
    loaded, own = buildfile.load(_for(options, None), file)
    if architecture(loaded.bunnyfile):
        return [own]
    said = loaded.bunnyfile.platforms
    guest = frameworks.guest(said.framework)
    found = [Platform("linux", name) for name in guest.monitors.get(said.monitor, ())]
    return found or [host()]


def _for(options: argparse.Namespace, platform: Any) -> argparse.Namespace:
    """The options for one platform, of a build that reads no lock."""
    args = [*options.build_arg, "HUTCH_LOCK=off"]
    return argparse.Namespace(**{**vars(options), "platform": platform, "build_arg": args})


def _note_dockerfile(
    found: Wanted, options: argparse.Namespace, file: buildfile.BuildFile, platform: Any
) -> None:
    import frameworks
    from frameworks.base import Build
    from frameworks.lower import Lowering
    from frontend.inputs.recorded import RecordedInputs
    from frontend.targets import DEFAULT, TARGETS

    one = _for(options, platform)
    contexts = buildfile.contexts_of(options)
    found.take(_images(one, file.data, {}, contexts))
    plan = buildfile.judge_dockerfile(one, file)[0].plan
    if plan is None:
        return  # only a build can judge the labels
    inputs = RecordedInputs(platform, contexts)
    TARGETS[DEFAULT](Lowering(Build(plan, frameworks.get(plan.framework), inputs, platform)))
    found.take(inputs.images.values())


def _note(
    found: Wanted, options: argparse.Namespace, file: buildfile.BuildFile, platform: Any
) -> None:
    import frameworks
    from frameworks.base import Build
    from frameworks.lower import Lowering
    from frameworks.spec import ROOTFS
    from frontend.bunnyfile import lock
    from frontend.inputs.recorded import RecordedInputs
    from frontend.targets import TARGETS, available

    one = _for(options, platform)
    contexts = buildfile.contexts_of(options)
    loaded, _ = buildfile.load(one, file)
    plan = buildfile.plan_of(one, file)
    inputs = RecordedInputs(plan.platform, contexts)
    build = Build(plan, frameworks.get(plan.framework), inputs, plan.platform)
    for _ in range(2):  # the second time every path of the context is known
        lowering = Lowering(build)
        for name in sorted(available(loaded.bunnyfile)):
            TARGETS[name](lowering)
    found.take(inputs.images.values())
    for path, args in inputs.dockerfiles.values():
        found.take(_of_dockerfile(options, file, path, args, contexts))
    for source in lock.repositories(loaded.bunnyfile):
        if lock.is_open_git(source) and not _stands_in(plan, source):
            found.git.setdefault(lock.git_name(source), source)
    for section, said in plan.packages.items():
        if section == ROOTFS:
            base = tuple(name for name in inputs.images if name == str(plan.rootfs.from_))
        else:
            base = _images_of(lowering.build.fetched[section], plan.platform)
        asked = Asked(section, plan.platform, said.asked, said.names[0], base)
        found.packages[asked.name()] = asked


def _images_of(state: State, platform: Platform) -> tuple[str, ...]:
    """The images that a toolchain's state is made of."""
    scheme = "docker-image://"
    sources = (op.message.source.identifier for op in state.marshal(platform=platform).ops())
    return tuple(each.removeprefix(scheme) for each in sources if each.startswith(scheme))


def _stands_in(plan: Plan, source: GitSource) -> bool:
    """Whether a build context is there instead of a repository."""
    kernel, app = plan.kernel, plan.app
    used = [kernel.source if kernel is not None else None, app.git if app is not None else None]
    return source not in used


def _of_dockerfile(
    options: argparse.Namespace,
    file: buildfile.BuildFile,
    path: Text,
    args: Any,
    contexts: Collection[str],
) -> list[Text]:
    """The images that a Dockerfile of the build context names, at the line that names it."""
    from frameworks.diagnostics import problem
    from frameworks.spec import Text
    from frontend.inputs import localfile

    try:
        data = localfile.read(os.path.join(file.context, path.lstrip("/")), buildfile.MOST_BYTES)
    except OSError:
        raise problem(
            "no-such-file", f"there is no '{path}' in the build context", at=path.at
        ) from None
    return [Text(image, path.at) for image in _images(options, data, args, contexts)]


def _images(
    options: argparse.Namespace, data: bytes, args: Any, contexts: Collection[str]
) -> list[Text]:
    """The images that a Dockerfile names, each at its place there."""
    from frontend.dockerui.instructions import UNKNOWN, Dockerfile
    from llb.reference import context_name, context_names

    known = {**buildfile.args_of(options), **args}
    named = context_names(contexts)
    return [
        image
        for image in Dockerfile(data, known).images()
        if image and UNKNOWN not in image and context_name(image) not in named
    ]
