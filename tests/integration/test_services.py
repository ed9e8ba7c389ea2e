"""The page docs/applications.md as a user follows it: each file built, booted, and asked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.integration.harness import Builder, services
from tests.integration.harness.guests import served

pytestmark = pytest.mark.integration

GET = b"GET / HTTP/1.0\r\nHost: guest\r\n\r\n"


def test_every_file_of_the_page_is_a_service() -> None:
    assert {each.heading for each in services.SERVICES.values()} == services.headings()


@pytest.mark.parametrize("name", services.SERVICES)
def test_a_service_of_the_page(builder: Builder, project: Path, name: str) -> None:
    """Its files as they stand there, beside a project that knows nothing of hutch."""
    service = services.SERVICES[name]
    text = services.project(service, project)
    ref = builder.build(project, text, *services.trusted(project)).ref
    with served(ref, service.port) as ask:
        answer = ask(GET)
    assert re.match(rb"HTTP/1\.[01] 200 OK\r\n", answer), answer
    assert re.search(service.says.encode(), answer), answer
