"""What a build tells beside its result: findings of lint, each once, at its lines.

Of the file and the plan they are told by `lint` (of a Dockerfile's plan by `tell`), of the built
images by `look`. All obey the file's `# check=` line, which may make findings errors.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from frameworks.diagnostics import Diagnostic, Problems, Severity
from llb.masked import masked, masked_bytes
from llb.pb import ops_pb2

if TYPE_CHECKING:
    from frameworks.base import Plan
    from frontend.bunnyfile import Loaded
    from frontend.dockerui.contexts import Contexts
    from frontend.lint.findings import Report
    from frontend.lint.imagechecks import Built


class Reporter:
    """What one build tells: each finding once."""

    def __init__(self, contexts: Contexts) -> None:
        self._contexts = contexts
        self._shown: set[Diagnostic] = set()

    @property
    def check_options(self) -> str | None:
        """What is to be read in the place of a `# check=` line: Docker's build argument for it."""
        return self._contexts.options.build_args.get("BUILDKIT_DOCKERFILE_CHECK")

    def lint(self, loaded: Loaded, planned: Plan) -> None:
        """Show what lint finds in a bunnyfile. Raises Problems where findings are to be errors."""
        from frontend.lint.filechecks import lint

        options = self._contexts.options
        given = options.build_args
        contexts = options.named_contexts
        self._show(lint(loaded, self.check_options, contexts, planned.warnings, given))

    def look(self, images: Iterable[Built]) -> None:
        """Show what the images' files, which are there now, say of themselves.

        Raises Problems as `lint` does.
        """
        from frontend.lint import directive, imagechecks

        checks, _ = directive.read(self._contexts.build_file().file, self.check_options)
        self.tell([each for image in images for each in imagechecks.lint(image, checks.apply)])

    def tell(self, found: Iterable[Diagnostic]) -> None:
        """Show findings, each once; the code of each is the name of its rule.

        Raises Problems as `lint` does.
        """
        from frontend.lint import directive, findings

        file = self._contexts.build_file().file
        checks, _ = directive.read(file, self.check_options)
        self._show(findings.report(file, checks, found))

    def _warn(self, found: Diagnostic, page: str) -> None:
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
                self._warn(found, RULES[found.code].url)


def _range(found: Diagnostic) -> ops_pb2.Range:
    assert found.at is not None
    return ops_pb2.Range(
        start=ops_pb2.Position(line=found.at.start.line, character=found.at.start.character),
        end=ops_pb2.Position(line=found.at.end.line, character=found.at.end.character),
    )
