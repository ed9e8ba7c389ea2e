"""Links to pages: relative until somebody says where the site is, then of one form everywhere."""

from __future__ import annotations

import pytest

from frameworks.codes import CODES
from frameworks.diagnostics import Diagnostic, Problems, Severity
from frontend import pages
from frontend.bunnyfile.render import render_one
from frontend.gateway import status
from frontend.lint.rules import RULES
from tests.places import ROOT

SITE = "https://docs.example.com/hutch"


@pytest.fixture(params=[SITE, f"{SITE}/"])
def site(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(pages.VARIABLE, request.param)


@pytest.mark.usefixtures("site")
def test_with_a_site_everything_has_its_address() -> None:
    for code in CODES:
        assert pages.of(code) == f"{SITE}/errors/{code}/"
    for name, rule in RULES.items():
        assert rule.url == f"{SITE}/rules/{name}/"


@pytest.mark.parametrize("value", [None, "", "docs.example.com", "javascript:alert(1)"])
def test_without_one_a_rule_s_page_is_a_file(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is None:
        monkeypatch.delenv(pages.VARIABLE, raising=False)
    else:
        monkeypatch.setenv(pages.VARIABLE, value)
    assert pages.of("wrong-type") == ""
    for rule in RULES.values():
        assert (ROOT / rule.url).is_file()


@pytest.mark.usefixtures("site")
def test_an_error_is_shown_with_its_page() -> None:
    found = Diagnostic("wrong-type", "is no list", "write [a]")
    assert render_one(found).endswith(f"  hint: write [a]\n  page: {SITE}/errors/wrong-type/\n")


@pytest.mark.usefixtures("site")
def test_a_build_names_each_page_once() -> None:
    found = [Diagnostic("wrong-type", text) for text in ("one", "another")]
    found.append(Diagnostic("NoCommand", "a finding", severity=Severity.ERROR))
    message = status.from_problems(Problems(found)).message
    ends = (f"see {SITE}/rules/NoCommand/", f"see {SITE}/errors/wrong-type/")
    assert message.splitlines()[-2:] == list(ends)
