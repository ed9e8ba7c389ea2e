"""The table of codes, the code that uses them, and the pages that explain them: one set."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from frameworks.codes import CODES
from frontend.bunnyfile import load
from frontend.lint.rules import RULES
from tests.errors.test_errors import FILES, diagnose
from tests.places import ROOT
from tests.sources import parsed

PAGES = ROOT / "docs" / "errors"
# Calls whose first argument is a code.
CALLS = (
    "problem",
    "error",
    "warn",
    "finding",
    "_warning",
    "Diagnostic",
    "Fault",
    "_fail",
    "_Failure",
)
# Pages whose example is not judged on linux/amd64.
PLATFORMS = {"unsupported-platform": "linux/riscv64"}
# Found by a step of the build, not by reading and planning.
LATER = {
    "bad-lock",
    "bad-patch",
    "failed-step",
    "lost-option",
    "needs-network",
    "no-package-manager",
    "no-such-package",
    "not-locked",
    "packed-base",
    "unknown-user",
    "unsupported-source",
    "unsupported-step",
    "wrong-checksum",
    "wrong-source",
}


def used(folder: str) -> Iterator[tuple[str, str]]:
    """Each code in a folder's sources, with the file that has it."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(parsed(path)):
            constant: ast.expr | None = None
            if isinstance(node, ast.Call) and node.args:
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                constant = node.args[0] if name in CALLS else None
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_CODE":
                constant = node.value
            if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
                yield constant.value, str(path.relative_to(ROOT))


@cache
def places() -> dict[str, str]:
    """The codes that are used, each with a file that has it."""
    return {code: where for folder in ("frontend", "frameworks") for code, where in used(folder)}


def test_the_table_is_what_is_used() -> None:
    """A lint rule's findings have its name for a code, and pages of their own."""
    assert set(places()) - set(RULES) == set(CODES)


def test_each_has_a_pair() -> None:
    """A bad file, and what is said of it: by reading it, or by a build (it has a `.toml`)."""
    answers = [path.read_text() for path in (ROOT / "tests/errors").rglob("*.err")]
    shown = {code for text in answers for code in re.findall(r"\[([a-z0-9-]+)\]$", text, re.M)}
    assert set(CODES) - shown == set()


def test_titles_and_sentences() -> None:
    titles = [title for title, _ in CODES.values()]
    assert len(set(titles)) == len(titles)
    assert all(sentence.endswith(".") for _, sentence in CODES.values())
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code) for code in CODES)


def test_each_has_a_page_and_no_page_is_left_over() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == set(CODES)


def examples(code: str) -> dict[str, tuple[str, str]]:
    """The examples of a page: heading -> (language, text)."""
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    found = re.findall(r"^## (\w+)\n\n```(\w+)\n(.*?)^```", page, re.S | re.M)
    return {heading: (language, text) for heading, language, text in found}


@pytest.mark.parametrize("code", CODES)
def test_the_examples_of_a_page(code: str) -> None:
    """A bad example has the error that its page is about; a good one has none at all."""
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {CODES[code][0]}\n\n`{code}`: ")
    shown = examples(code)
    assert set(shown) == {"Bad", "Good"}
    platform = PLATFORMS.get(code, "linux/amd64")
    language, bad = shown["Bad"]
    if language in ("yaml", "dockerfile") and code not in LATER:
        assert code in {found.code for found in diagnose(bad.encode(), platform)}
    language, good = shown["Good"]
    if language == "yaml":
        assert diagnose(good.encode(), "linux/amd64") == ()
        assert load(good.encode(), "bunnyfile").warnings == ()


def test_each_error_of_a_file_has_a_pair() -> None:
    files = {code for code, where in places().items() if "bunnyfile" in where} & set(CODES)
    # Of the file beside it: its pairs are builds.
    files -= {code for code in files if places()[code] == "frontend/bunnyfile/lock.py"}
    lines = [f.with_suffix(".err").read_text().partition("\n\n")[0] for f in FILES]
    assert {code for code in files if not any(f"[{code}]" in line for line in lines)} == set()
