"""Where the page of an error or a lint rule is: the one place that knows the site of the docs.

    pages.of("wrong-type")       # "https://docs.example.com/hutch/errors/wrong-type/", or ""

Who publishes the site says where it is: the variable HUTCH_SITE, which the frontend image has from
`docker buildx build --build-arg HUTCH_SITE=https://...` of hutch itself. Without it nothing is
known to be published, and a rule's page is named by its file in hutch's sources.
"""

from __future__ import annotations

import os

VARIABLE = "HUTCH_SITE"


def site() -> str:
    """The site's address without a slash at its end; "" where none was named."""
    base = os.environ.get(VARIABLE, "").rstrip("/")
    return base if base.startswith(("https://", "http://")) else ""


def of(code: str, base: str | None = None) -> str:
    """The address of the page of a diagnostic's code; "" without a site, which is `base` if given.

    It is that of an error (`frameworks.codes`), or the name of a rule, which begins with a capital.
    """
    base = site() if base is None else base.rstrip("/")
    folder = "rules" if code[:1].isupper() else "errors"
    return f"{base}/{folder}/{code}/" if base else ""


def rule(name: str) -> str:
    """The address of a lint rule's page; without a site, its file in hutch's sources."""
    return of(name) or f"docs/rules/{name}.md"
