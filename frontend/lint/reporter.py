"""What a build tells beside its result: findings of lint, each once, at its lines.

Some rules look at the build file (`lint`), some at what was built (`look`), and some are noticed
on the way (`tell`). All obey the file's `# check=` line, which may make findings errors.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from frameworks.base import File
from frameworks.diagnostics import Diagnostic, Problems, Severity
from frontend.gateway.errors import GatewayError
from llb.masked import masked, masked_bytes
from llb.pb import ops_pb2

if TYPE_CHECKING:
    from frameworks.base import Plan
    from frameworks.lower import Lowering
    from frontend.bunnyfile import Loaded
    from frontend.dockerui.contexts import Contexts
    from frontend.gateway.client import Ref
    from frontend.gateway.files import FileStat
    from frontend.lint.file import Report


_MOST_READ = 1 << 20
"""Bytes of a file of users or groups."""

T = TypeVar("T")


class Remarks:
    """The remarks of one build."""

    def __init__(self, contexts: Contexts) -> None:
        self._contexts = contexts
        self._shown: set[Diagnostic] = set()

    @property
    def check_options(self) -> str | None:
        """What is to be read in the place of a `# check=` line: Docker's build argument for it."""
        return self._contexts.options.build_args.get("BUILDKIT_DOCKERFILE_CHECK")

    def lint(self, loaded: Loaded, planned: Plan) -> None:
        """Show what lint finds in a bunnyfile. Raises Problems where findings are to be errors."""
        from frontend.lint.file import lint

        options = self._contexts.options
        given = options.build_args
        contexts = options.named_contexts
        self._show(lint(loaded, self.check_options, contexts, planned.warnings, given))

    def look(self, lowerings: Iterable[Lowering], solve: Callable[[Plan, File], Ref]) -> None:
        """Show what the images' files, which are there now, say of themselves (`imagechecks`).

        `solve` gives the result that a file is in. Raises Problems as `lint` does.
        """
        from frontend.lint import imagechecks
        from frontend.lint.file import checks

        wanted = checks(self._contexts.build_file().file, self.check_options)
        found: list[Diagnostic | None] = []
        for lowering in lowerings:
            plan = lowering.plan
            found.append(imagechecks.second_init(plan, lowering.rootfs.process))
            found += imagechecks.lost(plan, lowering.rootfs.process)
            files: dict[str, imagechecks.BuiltFile] = {}
            for look in imagechecks.looks(plan):
                # Of an image that a file is from, nothing else is to be pulled.
                file = imagechecks.placed(lowering, look.at)
                if file is None or not wanted.apply(look.rule):
                    continue
                if look.at not in files:
                    ref = solve(plan, file)
                    files[look.at] = imagechecks.BuiltFile(self._contexts.client, ref, file.path)
                found.append(look.judge(plan, files[look.at]))
            at = imagechecks.given_root(plan)
            file = (
                imagechecks.placed(lowering, at)
                if at and wanted.apply(imagechecks.UNSTARTABLE_ROOT)
                else None
            )
            if file is not None:
                if at not in files:
                    ref = solve(plan, file)
                    files[at] = imagechecks.BuiltFile(self._contexts.client, ref, file.path)
                found.append(imagechecks.unstartable(plan, lowering.rootfs.process, files[at]))
            found += self._inside(lowering, solve, wanted.apply)
        self.tell(filter(None, found))

    def _inside(
        self,
        lowering: Lowering,
        solve: Callable[[Plan, File], Ref],
        asked: Callable[[str], bool],
    ) -> Iterator[Diagnostic | None]:
        """What the tree of files says that a root filesystem is, or was made of."""
        from frontend.lint import access, command, links

        root, plan = lowering.rootfs, lowering.plan
        files = root.packed if root.tree is None else root.tree
        closed = asked(access.CLOSED_FILE) and access.wanted(plan, root.process)
        dangling = asked(links.DANGLING_LINK) and bool(links.kept(plan))
        runs = asked(command.UNRUNNABLE_COMMAND) and command.wanted(plan)
        if files is None or not (closed or dangling or runs):
            return
        client, ref = self._contexts.client, solve(plan, File(files, "/"))

        def entry(path: str) -> FileStat | None:
            folder, name = posixpath.split(path)
            listed = client.read_dir(ref, folder, include=name)
            return next((each for each in listed if each.path == name), None)

        tree = access.Tree(
            _or_none(partial(client.stat_file, ref)),
            _or_none(partial(client.read_file, ref, length=_MOST_READ)),
            _or_none(entry),
        )
        if runs:
            head = _or_none(partial(client.read_file, ref, length=command.HEAD))
            yield command.judge(plan, root.process, tree, head)
        if closed:
            yield access.judge(plan, root.process, tree)
        if dangling:
            yield from links.judge(plan, tree)

    def tell(self, found: Iterable[Diagnostic]) -> None:
        """Show findings, each once; the code of each is the name of its rule.

        Raises Problems as `lint` does.
        """
        from frontend.lint.file import judge

        self._show(judge(self._contexts.build_file().file, self.check_options, found))

    def warn(self, found: Diagnostic, page: str) -> None:
        """Show one warning, with its lines and the page that explains it."""
        build_file = self._contexts.build_file()
        file = build_file.file
        line = f" (line {found.at.start.line})" if found.at is not None else ""
        self._contexts.client.warn(
            build_file.digest,
            masked(f"{found.code}: {found.message}{line}"),
            detail=[masked(found.hint)] if found.hint else [],
            url=page,
            info=ops_pb2.SourceInfo(
                filename=file.filename, data=masked_bytes(file.data), language=file.language
            ),
            ranges=[_range(found)] if found.at is not None else [],
        )

    def _show(self, report: Report) -> None:
        from frontend.lint.rules import RULES

        if report.fails:
            raise Problems(replace(d, severity=Severity.ERROR) for d in report.findings)
        for found in report.findings:
            if found not in self._shown:
                self._shown.add(found)
                self.warn(found, RULES[found.code].url)


def _or_none(ask: Callable[[str], T | None]) -> Callable[[str], T | None]:
    """`ask`, with None for what is not there, or is no file to read."""

    def asked(path: str) -> T | None:
        try:
            return ask(path)
        except GatewayError:
            return None

    return asked


def _range(found: Diagnostic) -> ops_pb2.Range:
    assert found.at is not None
    return ops_pb2.Range(
        start=ops_pb2.Position(line=found.at.start.line, character=found.at.start.character),
        end=ops_pb2.Position(line=found.at.end.line, character=found.at.end.character),
    )
