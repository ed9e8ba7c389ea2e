"""Questions about a build file that build nothing: `--check` and `--call`.

    --call=outline                 the arguments, secrets and caches of a target
    --call=targets                 what `--target` can name
    --check, --call=check          lint
    --call=schema                  the JSON Schema of bunnyfiles, for editors
    --call=subrequests.describe    this list

Each answers with metadata alone: `result.json`, which buildx prints in its own way, `result.txt`
for clients that do not, and the version of the form. Source: docs/contract/buildkit.md 4.5
(frontend/subrequests/*, buildx: commands/build.go).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from frontend.gateway import status
from frontend.gateway.errors import GatewayError
from frontend.gateway.result import Result, answer
from frontend.subrequests.answers import VERSION, Reply
from frontend.subrequests.table import columns

if TYPE_CHECKING:
    from frontend.session import Session


def reply(session: Session) -> Result:
    """Answer what `session.options.request` asks.

    Raises Problems where the file is too wrong to be asked about, and GatewayError, typed as buildx
    wants it, for a question that nobody here understands.
    """
    name = session.options.request
    if name not in QUESTIONS:
        raise GatewayError(status.unsupported_subrequest(name))
    if name in _OF_THE_FILE and session.is_dockerfile:
        return _delegated(session)
    return QUESTIONS[name].answer(session).to_result()


def _delegated(session: Session) -> Result:
    """The answer of BuildKit's Dockerfile frontend, whose file it is; with ours of its labels."""
    from frontend.dockerui import nested

    source = session.contexts.build_file().file
    theirs = nested.ask(session.contexts, source.data, source.filename)
    if session.options.request != "frontend.lint":
        return answer(theirs)
    from frontend.subrequests import lint

    return lint.of_dockerfile(session, theirs).to_result()


def _describe(session: Session) -> Reply:
    del session
    described = [question.description(name) for name, question in QUESTIONS.items()]
    rows = [
        (name.removeprefix("frontend."), VERSION, question.text)
        for name, question in QUESTIONS.items()
    ]
    return Reply(described, columns(("NAME", "VERSION", "DESCRIPTION"), rows, gap=1))


def _lint(session: Session) -> Reply:
    from frontend.subrequests import lint

    return lint.lint(session)


def _outline(session: Session) -> Reply:
    from frontend.subrequests import outline

    return outline.outline(session)


def _targets(session: Session) -> Reply:
    from frontend.subrequests import targets

    return targets.targets(session)


def _schema(session: Session) -> Reply:
    from frontend.bunnyfile import editor

    del session
    return Reply(editor.published(), editor.text())


@dataclass(frozen=True, slots=True)
class Question:
    """One row of the table of questions."""

    text: str
    answer: Callable[[Session], Reply]
    metadata: tuple[str, ...] = ("result.json", "result.txt")
    options: Mapping[str, str] = field(default_factory=dict)

    def description(self, name: str) -> dict[str, Any]:
        """The question as `subrequests.describe` lists it."""
        return {
            "name": name,
            "version": VERSION,
            "type": "rpc",
            "description": self.text,
            "opts": [
                {"name": option, "description": text} for option, text in self.options.items()
            ],
            "metadata": [{"name": key} for key in self.metadata],
        }


QUESTIONS: dict[str, Question] = {
    "frontend.lint": Question(
        "Check a bunnyfile without building it",
        _lint,
        ("result.json", "result.txt", "result.statuscode"),
    ),
    "frontend.outline": Question(
        "List the arguments, secrets and caches of a target",
        _outline,
        options={"target": "The target, as for --target"},
    ),
    "frontend.targets": Question("List the targets that can be built", _targets),
    "frontend.schema": Question("Print the JSON Schema of bunnyfiles, for editors", _schema),
    "frontend.subrequests.describe": Question("List the questions that can be asked", _describe),
}

_OF_THE_FILE = frozenset(QUESTIONS) - {"frontend.schema", "frontend.subrequests.describe"}
