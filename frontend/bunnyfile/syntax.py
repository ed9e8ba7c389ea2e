"""What the YAML scanner says, in the words of somebody who writes a bunnyfile."""

from __future__ import annotations

from frameworks.diagnostics import Diagnostic
from frontend.bunnyfile.text import point
from llb import Range, SourceFile

# The start of the scanner's message, ours, and a hint.
_MEANINGS: tuple[tuple[str, str, str], ...] = (
    (
        "mapping values are not allowed",
        "a ':' has no place here",
        "a value with ': ' in it needs quotes; a nested key needs its own, deeper line",
    ),
    (
        "could not find expected ':'",
        "this line has no ':' after its key",
        "write 'key: value'; lines of a script need 'build: |' above and a deeper indent",
    ),
    (
        "found character '\\t'",
        "a tab cannot indent a line",
        "indent with spaces",
    ),
    (
        "found character '@'",
        "a value cannot start with '@'",
        "put it in quotes",
    ),
    (
        "found character '`'",
        "a value cannot start with '`'",
        "put it in quotes",
    ),
    (
        "found character '%'",
        "a value cannot start with '%'",
        "put it in quotes",
    ),
    (
        "expected <block end>",
        "this line does not fit the lines above it",
        "keys of one mapping start in the same column, and so do the '-' of one list",
    ),
    (
        "found unexpected end of stream",
        "a quote is opened here and never closed",
        "add the closing quote",
    ),
    (
        "expected ',' or ']'",
        "a '[' list is not closed",
        "separate its items with ',' and end it with ']'",
    ),
    (
        "expected ',' or '}'",
        "a '{' mapping is not closed",
        "separate its entries with ',' and end it with '}'",
    ),
    (
        "sequence entries are not allowed",
        "a '-' has no place here",
        "start the list on a line of its own",
    ),
    (
        "found unknown escape character",
        "the text has an unknown '\\' escape",
        "in double quotes a backslash is written '\\\\'; single quotes keep it as it is",
    ),
)


def diagnose(file: SourceFile, text: str, error: Exception, position: Range) -> Diagnostic:
    """The diagnostic of a scanner's or parser's error; `position` is where reading had come to."""
    said = str(getattr(error, "problem", None) or "the YAML cannot be read")
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    opened = getattr(error, "context_mark", None)
    message, hint = said, "check the quotes, brackets and indentation"
    for start, meaning, advice in _MEANINGS:
        if said.startswith(start):
            message, hint = meaning, advice
            if start.startswith(("found unexpected end", "expected ','")) and opened is not None:
                mark = opened  # where it began says more than the end of the file
            break
    at = position
    if mark is not None:
        # An error at the end of the file stands on a line that does not exist.
        last = text.rstrip().count("\n")
        at = point(mark.line + 1, mark.column) if mark.line <= last else point(last + 1, 0)
    return Diagnostic("yaml-syntax", message, hint, at, file)
