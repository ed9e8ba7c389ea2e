"""`docker buildx build --check`: every rule's findings, and what would end the build."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from frameworks.diagnostics import Diagnostic, Problems
from frontend.gateway.errors import GatewayError
from frontend.inputs.files import BuiltFile
from frontend.inputs.wanted import FILE, Wanted
from frontend.lint.findings import START, detail_of, text_of
from frontend.lint.rules import RULES
from frontend.lint.verdict import Request, judge
from frontend.subrequests.answers import Reply
from frontend.subrequests.location import location, source_info
from llb import SourceFile

if TYPE_CHECKING:
    from frameworks.rootfs.lookup import File
    from frontend.session import Session


def lint(session: Session) -> Reply:
    """The findings for all platforms asked for, each once.

    A file that cannot be built is a finding too (`buildError`), so that `--check` says everything
    that a build would say before its first step.
    """
    file = session.contexts.build_file().file
    options = session.options
    request = Request(
        options.build_args,
        options.named_contexts,
        options.target,
        options.epoch,
        partial(_Context, session),
        session.worker,
    )
    findings: dict[Diagnostic, None] = {}
    errors: dict[Diagnostic, None] = {}
    try:
        for platform, loaded in session.platforms():
            verdict = judge(loaded, platform, request)
            findings.update(dict.fromkeys(verdict.findings))
            if verdict.problems is not None:
                errors.update(dict.fromkeys(verdict.problems.diagnostics))
    except Problems as problems:
        errors.update(dict.fromkeys(problems.diagnostics))
    return _reply(file, findings, errors, {})


def of_dockerfile(session: Session, theirs: Mapping[str, bytes]) -> Reply:
    """What is to be said of a Dockerfile's labels, beside what its own frontend answers."""
    from frontend import containerfile, plan

    options = session.options
    file = session.contexts.build_file().file
    findings: dict[Diagnostic, None] = {}
    errors: dict[Diagnostic, None] = {}
    for platform in options.platforms or (session.worker,):
        verdict = containerfile.judge(
            file,
            platform,
            args={**plan.platform_args(platform, session.worker), **options.build_args},
            labels=options.labels,
            target=options.target,
            epoch=options.epoch,
            foreign_lock=session.contexts.foreign_lock,
        )
        findings.update(dict.fromkeys(verdict.findings))
        if verdict.problems is not None:
            errors.update(dict.fromkeys(verdict.problems.diagnostics))
    return _reply(file, findings, errors, theirs)


def _reply(
    file: SourceFile,
    findings: Collection[Diagnostic],
    errors: Collection[Diagnostic],
    theirs: Mapping[str, bytes],
) -> Reply:
    """The answer, behind another frontend's: the metadata `theirs`."""
    answer: dict[str, Any] = json.loads(theirs.get("result.json", b"{}"))
    text = theirs.get("result.txt", b"").decode()
    found = sorted(findings, key=lambda each: each.order)
    sources = answer.get("sources") or []
    answer["sources"] = [*sources, source_info(file)]
    warnings = [_warning(each, len(sources)) for each in found]
    answer["warnings"] = [*(answer.get("warnings") or ()), *warnings]
    text += "".join(text_of(each, file.data) for each in found)
    if errors:
        failed = Problems(errors)
        first = failed.diagnostics[0]
        message = "\n".join(map(str, failed.diagnostics))
        text += f"{message}\n"
        before = answer.get("buildError")
        if before:
            before["message"] = f"{before['message']}\n{message}"
        else:
            at = location(first.at or START, len(sources))
            answer["buildError"] = {"message": message, "location": at}
    fails = bool(answer["warnings"]) or bool(answer.get("buildError"))
    return Reply(answer, text, failed=fails)


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


def _warning(found: Diagnostic, source: int) -> dict[str, Any]:
    rule = RULES[found.code]
    return {
        "ruleName": rule.name,
        "description": rule.description,
        "url": rule.url,
        "detail": detail_of(found),
        "location": location(found.at or START, source),
    }
