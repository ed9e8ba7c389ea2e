"""What one run of the frontend has to work with: the daemon, and what the user asked of it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from posixpath import join
from typing import TYPE_CHECKING

import frameworks
from frameworks.base import Build
from frameworks.lower import Lowering
from frontend import plan
from frontend.bunnyfile import Loaded, Unsound, kind_of, load
from frontend.dockerui.contexts import Contexts
from frontend.dockerui.images import Images
from frontend.gateway.errors import GatewayError
from frontend.inputs import givenfiles
from frontend.inputs.gateway import GatewayInputs
from frontend.lint.reporter import Reporter
from llb import Definition, Platform, SourceFile, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from frameworks.base import File, Plan
    from frontend.dockerui.options import Environment, Options
    from frontend.gateway.client import Client, Ref, Solved


class Session:
    """One run's daemon, options and contexts; a build, a question and a Dockerfile's image alike.

    `options` are final: nothing changes them later.
    """

    def __init__(self, client: Client, environment: Environment, options: Options) -> None:
        if options.epoch_from_context:
            from frontend.dockerui import epoch

            options = epoch.with_epoch(client, options, environment)
        self.client = client
        self.options = options
        self.worker = environment.build_platform or Platform("linux", "amd64")
        self.contexts = Contexts(client, options, environment)
        self.images = Images(self.contexts)
        self.reporter = Reporter(self.contexts)

    @property
    def is_dockerfile(self) -> bool:
        """Whether the build file is a Dockerfile, which BuildKit's own frontend builds first."""
        return kind_of(self.contexts.build_file().file.data) == "dockerfile"

    def platforms(self) -> Iterable[tuple[Platform, Loaded]]:
        """The platforms to build, with the bunnyfile as each of them reads it.

        Without `--platform` it is the file's own architecture, or else the builder's. Raises
        Problems.
        """
        file = self.contexts.build_file().file
        asked = self.options.platforms or (self.worker,)
        for platform in asked:
            loaded = self._load(file, platform)
            said = plan.architecture(loaded.bunnyfile)
            if not self.options.platforms and said and said != platform.architecture:
                platform = Platform("linux", said)
                loaded = self._load(file, platform)
            yield platform, loaded

    def _load(self, file: SourceFile, platform: Platform) -> Loaded:
        lock = self.contexts.lock()
        args = {**plan.platform_args(platform, self.worker), **self.options.build_args}
        try:
            foreign = self.contexts.foreign_lock
            return load(file.data, file.filename, args).locked(lock, foreign)
        except Unsound as found:
            asked, contexts = bool(self.options.platforms), self.options.named_contexts
            raise plan.more(found, platform, asked=asked, contexts=contexts) from None

    def check(self, platform: Platform, loaded: Loaded) -> Plan:
        """What can be said of one platform's build before anything is fetched. Raises Problems."""
        options = self.options
        return plan.make(
            loaded.bunnyfile,
            loaded.file,
            platform,
            epoch=options.epoch,
            args=loaded.args,
            contexts=options.named_contexts,
            lock=loaded.lock,
            strict=options.lock == "strict",
            worker=self.worker,
        )

    def with_rootfs_type(self, planned: Plan) -> Plan:
        """The whole plan of one platform; a prebuilt root filesystem is looked at."""
        rootfs = planned.rootfs
        if rootfs.path is None:
            return planned
        # What a prebuilt file is, only its bytes tell.
        inputs = self.inputs()
        build = Build(planned, frameworks.get(planned.framework), inputs, self.worker)
        while True:
            lowering = Lowering(build)
            # With all that the build itself will read, so that the client sends it once.
            file, kernel = lowering.rootfs.file, lowering.kernel
            if inputs.fetch_wanted():
                break
        assert file is not None
        built = planned.kernel is None or planned.kernel.from_ == "source"
        self.ahead([file] if built or kernel is None else [file, kernel], planned.platform)
        ref = self.ref(file, planned.platform)
        try:
            head = self.client.read_file(ref, file.path, length=plan.HEAD)
        except GatewayError as error:
            assert rootfs.path is not None
            raise givenfiles.fault(error, rootfs.path, rootfs.from_, root=True) from error
        return plan.with_rootfs_type(planned, head)

    def inputs(self) -> GatewayInputs:
        """Inputs of one platform's build, of which nothing was asked for yet."""
        return GatewayInputs(self.contexts, self.images)

    def marshal(self, state: State, platform: Platform) -> Definition:
        """The graph of a state for this daemon; `platform` is that of what does not say its own."""
        return state.marshal(platform=platform, caps=self.client.llb_caps)

    def solve(self, definition: Definition) -> Ref:
        """The result of a graph, with the caches that the user named."""
        return self.begin(definition)().ref

    def begin(self, definition: Definition, *, evaluate: bool = False) -> Callable[[], Solved]:
        """`solve`, without waiting for the answer (`Client.begin_solve`)."""
        imports = self.options.cache_imports
        return self.client.begin_solve(definition, evaluate=evaluate, cache_imports=imports)

    def ahead(self, files: Iterable[File], platform: Platform) -> None:
        """Ask for files together, and for the start of each: who opens one gets the errors."""
        asked = [(self.begin(self.marshal(file.state, platform)), file.path) for file in files]
        found: list[tuple[Ref, str]] = []
        for solving, path in asked:
            with suppress(GatewayError):
                found.append((solving().ref, join("/", path)))
        self.client.ahead(found, plan.HEAD)

    def ref(self, file: File, platform: Platform) -> Ref:
        """The result that a file is in."""
        return self.solve(self.marshal(file.state, platform))
