"""The documentation's site, made by `make docs` and walked in a headless browser."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.integration.harness import ROOT

pytestmark = pytest.mark.integration

SITE = ROOT / "build/docs/site"
PYTHON = ROOT / "build/docs/venv/bin/python"


def test_the_site_is_whole_and_fits_a_phone() -> None:
    """No link leads nowhere, no page has an error, none is wider than a phone or asks elsewhere."""
    assert shutil.which("dot"), ".ci/packages installs Graphviz"
    shutil.rmtree(SITE, ignore_errors=True)
    environ = {**os.environ, "HUTCH_SITE": "http://localhost/hutch", "NO_MKDOCS_2_WARNING": "1"}
    made = subprocess.run(
        ["make", "docs"], cwd=ROOT, env=environ, capture_output=True, text=True, errors="replace"
    )
    assert made.returncode == 0, made.stdout + made.stderr
    walked = subprocess.run(
        [PYTHON, ROOT / "docs/site/walk.py", SITE], capture_output=True, text=True, errors="replace"
    )
    assert walked.returncode == 0, walked.stdout + walked.stderr
    count = int(walked.stderr.split()[0])
    assert count > 150
    assert (SITE / "bunnyfile.schema.json").is_file()
    assert "<svg" in (SITE / "graphs/linux-redis.svg").read_text()
