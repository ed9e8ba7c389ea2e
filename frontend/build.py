"""A build from beginning to end: what BuildKit asked for, answered.

    options ─▶ bunnyfile ─▶ plan ─▶ states ─▶ Solve ─▶ image config, annotations ─▶ Result

Each platform is built on its own; the arrows are the modules of this room.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import frameworks
from frameworks.base import Build, File, Flags
from frameworks.diagnostics import Diagnostic, Problems, problem
from frameworks.lower import Lowering
from frameworks.prebuilt import solo5
from frameworks.runtime import RUNTIME
from frameworks.spec import ROOTFS
from frontend import targets
from frontend.dockerui.contexts import BuildFile
from frontend.dockerui.options import Environment, Options, Sbom
from frontend.failures import explain, places, stale, with_lines
from frontend.gateway.capabilities import ATTESTATIONS, EVALUATE, WARNINGS
from frontend.gateway.errors import GatewayError
from frontend.gateway.result import Builder, Result
from frontend.inputs import givenfiles
from frontend.sbom.metadata import facts
from frontend.session import Session
from llb import Definition, MissingCapability, Network, Platform, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from frameworks.base import Plan
    from frameworks.spec import Text
    from frontend.gateway.client import Client, Ref, Solved
    from frontend.inputs.gateway import GatewayInputs


def build(client: Client) -> Result:
    """Build what the environment asks for; the result is what `Return` sends.

    Raises Problems for the user's mistakes, GatewayError for what failed in the daemon.
    """
    environment = Environment.read()
    options = Options.parse(environment.options, environment.build_platform)
    session = Session(client, environment, options)
    try:
        if options.request:
            from frontend import subrequests

            return subrequests.reply(session)
        return Run(session).result()
    except (Problems, MissingCapability, GatewayError) as error:
        if client.can(WARNINGS):
            raise
        # Docker 20.10 loses the details of an error on its way to the client.
        from frontend.gateway.status import needs_newer

        if isinstance(error, GatewayError):
            raise with_lines(error) from error
        found = error.diagnostics if isinstance(error, Problems) else (needs_newer(error),)
        raise Problems(found, with_lines=True) from error


class Run:
    """What one build does, and what it has built so far."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.client = session.client
        self.options = session.options
        self._begun: list[tuple[Callable[[], Solved], targets.Target]] = []
        self._noted: list[Diagnostic] = []

    def result(self) -> Result:
        """The answer: an image for each platform, or that of one target."""
        source = self.session.contexts.build_file()
        builder = Builder(multi_platform=self.options.multi_platform)
        try:
            for planned, inputs in self._jobs(source):
                self._add(builder, planned, inputs)
            self._evaluate(builder)
            if not self.options.enter:  # then there is nothing yet to look at
                self._check_users()
                self._look()
        except Problems as problems:
            raise problems.placed(source.file) from None
        except GatewayError as error:  # of a file that was looked at before the rest was built
            if (explained := explain(error, source.file)) is not None:
                raise explained from error
            raise
        return builder.build()

    def _jobs(self, source: BuildFile) -> Iterable[tuple[Plan, GatewayInputs]]:
        """Each platform's plan, and where its inputs come from."""
        if self.session.is_dockerfile:
            from frontend import containerfile

            for platform in self.options.platforms or (self.session.worker,):
                inputs = self.session.inputs()
                yield containerfile.make(self.session, source, platform, inputs), inputs
            return
        for name in self.options.labels:
            if name.startswith(RUNTIME.prefix):
                raise problem(
                    "reserved-annotation",
                    f"'--label {name}' is the runtime's: hutch writes it",
                    hint="say it in the file ('platforms', 'kernel', 'rootfs', 'cmd')",
                )
        for number, (platform, loaded) in enumerate(self.session.platforms()):
            planned = self.session.check(platform, loaded)
            if number == 0:
                self.session.reporter.lint(loaded, planned)
            yield self.session.with_rootfs_type(planned), self.session.inputs()

    def _add(self, builder: Builder, planned: Plan, inputs: GatewayInputs) -> None:
        """Build one platform and add it to the result."""
        platform = planned.platform
        framework = frameworks.get(planned.framework)
        caps = self.client.llb_caps
        build = Build(planned, framework, inputs, self.session.worker, self._flags(), caps)
        # In a Dockerfile `--target` names one of its stages.
        name = "" if self.session.is_dockerfile else self.options.target
        while True:
            lowering = Lowering(build)
            target = targets.find(name, lowering)
            files = tuple(givenfiles.of(lowering, name.casefold() or targets.DEFAULT))
            if inputs.fetch_wanted():
                break
        self.session.ahead((given.file for given in files), platform)
        givenfiles.check(iter(files), self.client, lambda file: self.session.ref(file, platform))
        self._check_kernel(lowering, target)
        try:
            keys = self._devices(lowering) if target.keys and not self.options.enter else {}
        except GatewayError as error:
            self._say_why(error, lowering)
            raise
        if keys:
            lowering = Lowering(replace(build, plan=replace(planned, keys=keys)))
            target = targets.find(name, lowering)
        definition = self.session.marshal(target.state, platform)
        # Left to itself the daemon runs the steps after our end, and its words are the last. A
        # debugger of the client's enters only such steps.
        evaluate = not self.options.enter
        self._begun.append((self.session.begin(definition, evaluate=evaluate), target))
        for key, value in target.annotations.items():
            builder.annotate(key, value, platform=platform if self.options.multi_platform else None)
        if self.options.epoch is not None:
            builder.epoch(self.options.epoch, platform)
        if target.base_config:
            builder.base_config(platform, target.base_config)
        has_kernel = target.keys or name.casefold() == "kernel"
        read = partial(self._read, inputs) if has_kernel else None
        for key, value in facts(lowering, definition, read).items():
            several = self.options.multi_platform
            builder.fact(f"{key}/{platform}" if several else key, value)
        if not target.keys:
            return
        if self.options.sbom is not None and self.client.can(ATTESTATIONS):
            self._attest(builder, lowering, target.state, definition, self.options.sbom)

    def _attest(
        self, builder: Builder, lowering: Lowering, files: State, graph: Definition, asked: Sbom
    ) -> None:
        """Attach our SBOM, and that of a scanner."""
        from frontend import sbom
        from frontend.sbom.scan import NoScanner, scan

        plan = lowering.plan
        documents = [sbom.document(lowering, sbom.facts(lowering, graph))]
        try:
            documents += scan(lowering, self.session.images, asked, files)
        except NoScanner as missing:
            self._noted.append(missing.found)
        for document in documents:
            ref = self.session.solve(self.session.marshal(document, plan.platform))
            builder.attest_bundle(plan.platform, ref)

    def _evaluate(self, builder: Builder) -> None:
        """Wait until every platform's steps have run; they run at the same time.

        Raises Problems where a failure can be explained, GatewayError otherwise.
        """
        for solving, target in self._begun:
            try:
                ref = solving().ref
            except GatewayError as error:
                self._say_why(error, target.lowering)
                raise
            config = target.config(self.options.labels)
            builder.add(target.lowering.plan.platform, ref, config)

    def _check_kernel(self, lowering: Lowering, target: targets.Target) -> None:
        """Raise Problems for an image whose prebuilt kernel is for another architecture."""
        plan, file = lowering.plan, lowering.kernel
        if not target.keys or file is None or _builds_kernel(plan):
            return
        from frontend.inputs.files import BuiltFile
        from frontend.inputs.kernel import check_architecture

        ref = self.session.ref(file, plan.platform)
        check_architecture(plan, BuiltFile(self.client, ref, posixpath.join("/", file.path)))

    def _say_why(self, error: GatewayError, lowering: Lowering) -> None:
        """Raise Problems where a daemon's error has better words."""
        plan = lowering.plan
        names = plan.rootfs.packages
        if (found := stale(error, plan.packages.values(), plan.file)) is not None:
            raise found from error
        if names and names[0].at in places(error, plan.file.filename):
            self._explain_packages(lowering)
        elif _builds_kernel(plan):
            self._explain(lowering)
        if (explained := explain(error, plan.file, plan.app)) is not None:
            raise explained from error

    def _devices(self, lowering: Lowering) -> dict[str, str]:
        """The plan's runtime keys with those that follow from a Solo5 kernel's manifest.

        Empty where none follow. Raises Problems where the runtime cannot attach what it asks for.
        """
        plan = lowering.plan
        if not solo5.wanted(plan):
            return {}
        file, binary = lowering.kernel, plan.keys.get(RUNTIME.keys.kernel)
        if file is None and binary and lowering.rootfs.tree is not None:
            file = File(lowering.rootfs.tree, binary)
        if file is None:
            return {}
        from frontend.inputs.files import BuiltFile
        from frontend.inputs.kernel import identify

        ref = self.session.ref(file, plan.platform)
        path = posixpath.join("/", file.path)
        devices = identify(BuiltFile(self.client, ref, path)).devices
        if devices is None:
            return {}
        kernel = plan.kernel
        at = (kernel.path or kernel.from_).at if kernel is not None else plan.monitor.at
        found = solo5.keys(plan, devices, at)
        return {**plan.keys, **found} if found else {}

    def _check_users(self) -> None:
        """Raise Problems where an image's user has no account in it."""
        for lowering in self._images():
            if lowering.rootfs.process.names_user:
                from frontend.lint import accounts

                accounts.check(lowering, self.client, partial(self._ref, lowering.plan.platform))

    def _ref(self, platform: Platform, file: File) -> Ref:
        return self.session.ref(file, platform)

    def _images(self) -> list[Lowering]:
        """What was built, where that is the image."""
        asked = self.options.target.casefold() or targets.DEFAULT
        whole = asked == targets.DEFAULT or self.session.is_dockerfile
        return [target.lowering for _, target in self._begun] if whole else []

    def _look(self) -> None:
        """Look at what was built."""
        if not self.client.can(EVALUATE):
            return
        from frontend.lint.imagechecks import Built

        self.session.reporter.look(
            Built(lowering, self.client, partial(self._ref, lowering.plan.platform), self._noted)
            for lowering in self._images()
        )

    def _explain(self, lowering: Lowering) -> None:
        """Raise Problems if the kernel failed over options that it would not have had."""
        framework, plan = lowering.framework, lowering.plan
        report = framework.report(lowering.build)
        if report is None:
            return
        try:
            ref = self.session.ref(report, plan.platform)
            data = self.client.read_file(ref, report.path)
        except GatewayError:
            return  # it failed before there was a configuration
        if lost := framework.explain(data, plan):
            raise Problems(lost)

    def _explain_packages(self, lowering: Lowering) -> None:
        """Raise Problems if `rootfs.packages` failed for a name, or for the base."""
        plan = lowering.plan
        names = plan.rootfs.packages
        managers = lowering.framework.package_managers
        try:
            base = self.session.ref(File(lowering.base.state, "/"), plan.platform)
            there = [path for path in managers if self._is_there(base, path)]
            if managers and not there:
                raise problem(
                    "no-package-manager",
                    "the root filesystem's base has no package manager that hutch knows",
                    hint="start 'from' an image with apt or apk, or let a Dockerfile install them",
                    at=names[0].at,
                    file=plan.file,
                )
            found = lowering.missing_packages
            if found is None or plan.locked(ROOTFS) is not None:
                return
            said = self.client.read_file(self.session.ref(found, plan.platform), found.path)
        except GatewayError:
            return  # a mirror that cannot be reached, say: the first error tells of it
        lacking = said.decode("utf-8", "replace").splitlines()
        if missing := [name for name in names if name in lacking]:
            whose = "the base's distribution has" if managers else "the repositories have"
            hint = f"names are those of the {'distribution' if managers else 'repositories'}"
            if there:
                hint += f": look with '{managers[there[0]]}'"
            raise Problems(
                Diagnostic(
                    "no-such-package",
                    f"{whose} no package '{name}'",
                    hint,
                    name.at,
                    plan.file,
                )
                for name in missing
            )

    def _is_there(self, ref: Ref, path: str) -> bool:
        try:
            self.client.stat_file(ref, path)
        except GatewayError as error:
            if error.is_missing_file:
                return False
            raise
        return True

    def _read(self, inputs: GatewayInputs, path: Text) -> bytes:
        """A file of the build context. Raises Problems where there is none."""
        ref = self.client.solve(self.session.contexts.marshal(inputs.context(path))).ref
        try:
            return self.client.open_file(ref, path).read()
        except GatewayError as error:
            raise givenfiles.fault(error, path, "local") from error

    def _flags(self) -> Flags:
        options = self.options
        return Flags(
            network=Network(options.network or "sandbox"),
            hosts=options.hosts,
            ulimits=options.ulimits,
            shm_size=options.shm_size,
            cgroup_parent=options.cgroup_parent,
            hostname=options.hostname,
            proxy=options.proxy,
            resources=options.resources,
            no_cache=options.no_cache,
            cache_namespace=options.cache_namespace,
        )


def _builds_kernel(planned: Plan) -> bool:
    return planned.kernel is not None and planned.kernel.from_ == "source"
