"""`docker buildx build --check`: every rule's findings, and what would end the build."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from frameworks.diagnostics import Diagnostic, Problems
from frontend.bunnyfile.lint import detail_of, text_of
from frontend.bunnyfile.lintrules import RULES
from frontend.fit import BuiltFile, File
from frontend.gateway.errors import GatewayError
from frontend.subrequests import Reply
from frontend.subrequests.location import location, source_info
from frontend.verdict import Asked, judge
from frontend.wanted import FILE, Wanted
from llb import Position, Range

if TYPE_CHECKING:
    from frontend.build import Session

_START = Range(Position(1), Position(1))


def lint(session: Session) -> Reply:
    """The findings for all platforms asked for, each once.

    A file that cannot be built is a finding too (`buildError`), so that `--check` says everything
    that a build would say before its first step.
    """
    file = session.contexts.build_file().file
    options = session.options
    asked = Asked(
        options.build_args,
        options.named_contexts,
        options.target,
        options.epoch,
        partial(_Context, session),
    )
    findings: dict[Diagnostic, None] = {}
    errors: dict[Diagnostic, None] = {}
    try:
        for platform, loaded in session.platforms():
            verdict = judge(loaded, platform, asked)
            findings.update(dict.fromkeys(verdict.findings))
            if verdict.problems is not None:
                errors.update(dict.fromkeys(verdict.problems.diagnostics))
    except Problems as problems:
        errors.update(dict.fromkeys(problems.diagnostics))
    failed = Problems(errors) if errors else None
    found = sorted(findings, key=lambda each: each.order)
    answer: dict[str, Any] = {
        "warnings": [_warning(each) for each in found],
        "sources": [source_info(file)],
    }
    text = "".join(text_of(each, file.data) for each in found)
    if failed is not None:
        first = failed.diagnostics[0]
        message = "\n".join(map(str, failed.diagnostics))
        answer["buildError"] = {"message": message, "location": location(first.at or _START)}
        text += f"{message}\n"
    return Reply(answer, text, failed=bool(found) or failed is not None)


class _Context:
    """The build's main context, as the builder has it: only the wanted paths are sent."""

    def __init__(self, session: Session, files: Sequence[Wanted]) -> None:
        self._session = session
        contexts = session.contexts
        state = contexts.main([each.path for each in files if not each.build_file])
        self._ref = session.client.solve(contexts.marshal(state)).ref

    def kind(self, wanted: Wanted) -> str:
        """What is at a path: "" for nothing, FILE, or in words."""
        if wanted.build_file:
            return FILE if self._session.contexts.build_file_of(wanted.path)[0] is not None else ""
        try:
            return self._session.client.stat_file(self._ref, wanted.path).kind or FILE
        except GatewayError as error:
            if error.is_missing_file:
                return ""
            raise

    def open(self, path: str) -> File:
        """A regular file, to read some of it."""
        return BuiltFile(self._session.client, self._ref, path)


def _warning(found: Diagnostic) -> dict[str, Any]:
    rule = RULES[found.code]
    return {
        "ruleName": rule.name,
        "description": rule.description,
        "url": rule.url,
        "detail": detail_of(found),
        "location": location(found.at or _START),
    }
