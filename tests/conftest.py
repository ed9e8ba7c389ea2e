"""Options of the whole suite."""

from __future__ import annotations

import os

import pytest

# A golden that differs is shown line by line.
pytest.register_assert_rewrite("tests.unit.core.helpers")

# A hook of git's, and `git rebase --exec`, name their repository in the environment: without this
# the repositories that tests make would be that one.
for name in [name for name in os.environ if name.startswith("GIT_")]:
    del os.environ[name]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-goldens",
        action="store_true",
        help="write what the tests saw as what they expect; read the diff before committing it",
    )


@pytest.fixture
def update_goldens(request: pytest.FixtureRequest) -> bool:
    """Whether expected files are to be written instead of compared."""
    return bool(request.config.getoption("--update-goldens"))
