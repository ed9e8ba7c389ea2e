"""`docker buildx build --check`: every rule's findings, and what would end the build."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from frameworks.diagnostics import Diagnostic, Problems
from frontend.bunnyfile.lint import detail_of, text_of
from frontend.bunnyfile.lint import lint as find
from frontend.bunnyfile.lintrules import RULES
from frontend.subrequests import Reply
from frontend.subrequests.location import location, source_info
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
    findings: dict[Diagnostic, None] = {}
    failed: Problems | None = None
    try:
        for platform, loaded in session.platforms():
            options, contexts = session.remarks.check_options, session.options.named_contexts
            findings.update(dict.fromkeys(find(loaded, options, contexts).findings))
            noted = session.check(platform, loaded).warnings
            findings.update(dict.fromkeys(find(loaded, options, contexts, noted).findings))
    except Problems as problems:
        failed = problems
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


def _warning(found: Diagnostic) -> dict[str, Any]:
    rule = RULES[found.code]
    return {
        "ruleName": rule.name,
        "description": rule.description,
        "url": rule.url,
        "detail": detail_of(found),
        "location": location(found.at or _START),
    }
