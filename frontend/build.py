"""A build from beginning to end: what BuildKit asked for, answered.

    options ─▶ bunnyfile ─▶ plan ─▶ states ─▶ Solve ─▶ image config, annotations ─▶ Result

Each platform is built on its own; the arrows are the modules of this room.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import frameworks
from frameworks.base import Build, Flags
from frameworks.diagnostics import Diagnostic, Problems, problem
from frameworks.lower import Lowering
from frontend import plan, targets
from frontend.bunnyfile import Loaded, load
from frontend.gateway.contexts import BuildFile, Contexts
from frontend.gateway.errors import GatewayError
from frontend.gateway.images import Images
from frontend.gateway.options import Environment, Options
from frontend.gateway.result import Builder, Result
from frontend.inputs import GatewayInputs
from llb import Definition, MissingCapability, Network, Platform, SourceFile, State
from llb.pb import ops_pb2

if TYPE_CHECKING:
    from frameworks.base import Plan
    from frontend.gateway.client import Client, Ref


def build(client: Client) -> Result:
    """Build what the environment asks for; the result is what `Return` sends.

    Raises Problems for the user's mistakes, GatewayError for what failed in the daemon.
    """
    environment = Environment.read()
    options = Options.parse(environment.options, environment.build_platform)
    return Session(client, environment, options).result()


class Session:
    """One run of the frontend."""

    def __init__(self, client: Client, environment: Environment, options: Options) -> None:
        self.client = client
        self.options = options
        self.worker = environment.build_platform or Platform("linux", "amd64")
        self.contexts = Contexts(client, options, environment)
        self.images = Images(self.contexts)

    def result(self) -> Result:
        """The answer: an image for each platform, or that of one target."""
        source = self.contexts.build_file()
        builder = Builder(multi_platform=self.options.multi_platform)
        try:
            for number, (platform, loaded) in enumerate(self._platforms(source.file)):
                if number == 0:
                    self._warn(source, loaded.warnings)
                self._add(builder, platform, loaded)
        except Problems as problems:
            raise Problems(
                found if found.file is not None else replace(found, file=source.file)
                for found in problems.diagnostics
            ) from None
        return builder.build()

    def _platforms(self, file: SourceFile) -> Iterable[tuple[Platform, Loaded]]:
        """The platforms to build, with the file as each of them reads it.

        Without `--platform` it is the file's own architecture, or else the builder's.
        """
        asked = self.options.platforms or (self.worker,)
        for platform in asked:
            loaded = self._load(file, platform)
            said = plan.architecture(loaded.bunnyfile)
            if not self.options.platforms and said and said != platform.architecture:
                platform = Platform("linux", said)
                loaded = self._load(file, platform)
            yield platform, loaded

    def _load(self, file: SourceFile, platform: Platform) -> Loaded:
        args = {**plan.platform_args(platform, self.worker), **self.options.build_args}
        return load(file.data, file.filename, args)

    def _add(self, builder: Builder, platform: Platform, loaded: Loaded) -> None:
        """Build one platform and add it to the result."""
        planned = self._plan(platform, loaded)
        inputs = GatewayInputs(self.contexts, self.images)
        framework = frameworks.get(planned.framework)
        build = Build(planned, framework, inputs, self.worker, self._flags())
        while True:
            lowering = Lowering(build)
            target = targets.find(self.options.target, lowering)
            if inputs.settle():
                break
        ref = self._solve(target.state, platform, planned.file)
        builder.add(platform, ref, target.config(self.options.labels))
        for key, value in target.annotations.items():
            builder.annotate(key, value, platform=platform if self.options.multi_platform else None)
        if target.base_config:
            builder.base_config(platform, target.base_config)
        builder.fact("hutch.framework", planned.framework)

    def _plan(self, platform: Platform, loaded: Loaded) -> Plan:
        planned = plan.make(loaded.bunnyfile, loaded.file, platform, epoch=self.options.epoch)
        rootfs = planned.rootfs
        if rootfs.path is None or rootfs.type is not None:
            return planned
        # What a prebuilt file is, only its bytes tell.
        inputs = GatewayInputs(self.contexts, self.images)
        build = Build(planned, frameworks.get(planned.framework), inputs, self.worker)
        while True:
            file = Lowering(build).rootfs.file
            if inputs.settle():
                break
        assert file is not None
        ref = self._solve(file.state, platform, planned.file)
        try:
            head = self.client.read_file(ref, file.path, length=plan.HEAD)
        except GatewayError as error:
            if not error.is_missing_file:
                raise
            raise problem(
                "no-such-file",
                f"there is no '{rootfs.path}' in {_where(rootfs.from_)}",
                hint="paths are relative to the build context; .dockerignore may hide it"
                if rootfs.from_ == "local"
                else "",
                at=rootfs.path.at,
            ) from error
        return plan.settle(planned, head)

    def _solve(self, state: State, platform: Platform, file: SourceFile) -> Ref:
        try:
            definition: Definition = state.marshal(platform=platform, caps=self.client.llb_caps)
        except MissingCapability as missing:
            at = missing.location.ranges[0] if missing.location else None
            raise problem("old-builder", str(missing), at=at, file=file) from None
        return self.client.solve(definition, cache_imports=self.options.cache_imports).ref

    def _flags(self) -> Flags:
        options = self.options
        no_cache = options.no_cache
        return Flags(
            network=Network(options.network or "sandbox"),
            hosts=options.hosts,
            ulimits=options.ulimits,
            shm_size=options.shm_size,
            cgroup_parent=options.cgroup_parent,
            hostname=options.hostname,
            proxy=options.proxy,
            resources=options.resources,
            no_cache=not no_cache
            if no_cache is not None and not no_cache
            else frozenset(map(str.casefold, no_cache or ())),
            cache_namespace=options.cache_namespace,
        )

    def _warn(self, source: BuildFile, warnings: Iterable[Diagnostic]) -> None:
        for found in warnings:
            info = ops_pb2.SourceInfo(
                filename=source.file.filename, data=source.file.data, language="YAML"
            )
            ranges = [_range(found)] if found.at is not None else []
            self.client.warn(source.digest, str(found), info=info, ranges=ranges)


def _range(found: Diagnostic) -> ops_pb2.Range:
    assert found.at is not None
    return ops_pb2.Range(
        start=ops_pb2.Position(line=found.at.start.line, character=found.at.start.character),
        end=ops_pb2.Position(line=found.at.end.line, character=found.at.end.character),
    )


def _where(origin: str) -> str:
    return "the build context" if origin == "local" else origin
