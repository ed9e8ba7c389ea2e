"""Writes docs/engines.md: run the tests of flags on each Docker, and say what each can do.

    python -m tests.integration.engines [JUNIT-DIRECTORY]

With a directory nothing is run: the results `<engine>*.xml` in it are read. A feature is a row, its
tests decide: passed on that engine, or skipped for the reason that is printed below the table.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "engines.md"
FILES = ("inputs", "build", "ask", "supply", "containerfile")

ENGINES = {
    "28": "Docker 28, containerd image store",
    "28-classic": "Docker 28, classic image store",
    "20.10": "Docker 20.10",
}

# (feature, the start of its tests' names: file, class, test)
FEATURES = (
    ("build file outside the context (`-f`)", "inputs TestBuildFile test_outside"),
    ("build file on stdin", "inputs TestBuildFile test_on_stdin"),
    ("build file by URL", "inputs TestBuildFile test_by_url"),
    ("`.dockerignore`", "inputs TestMainContext test_ignore_file"),
    ("only what is named is sent", "inputs TestMainContext test_only"),
    ("git context, `#ref:subdir`", "inputs TestMainContext test_git[#"),
    ("git context, `?ref=&subdir=`", "inputs TestMainContext test_git[?"),
    ("archive as context, by URL or on stdin", "inputs TestMainContext test_archive"),
    ("`--build-context`: directory, image, git, http", "inputs TestNamedContexts test_d"),
    ("`--build-context`: `oci-layout://`", "inputs TestNamedContexts test_oci"),
    ("bake's `target:`", "inputs TestNamedContexts test_bake"),
    ("`--build-arg`", "inputs TestArguments test_defaults"),
    ("private git source with a token", "inputs TestPrivateSources test_git_over_http"),
    ("`docker build` with `DOCKER_BUILDKIT=1`", "inputs  test_the_command_line"),
    ("`--target`, files with `-o`", "build TestTargets"),
    ("`--platform`: another one", "build TestPlatforms test_one_of"),
    ("`--platform`: several", "containerfile TestBuildFile test_several"),
    ("`--label`", "build TestImageFlags test_label"),
    ("`--load`", "build TestImageFlags test_load"),
    ("images that only the daemon has", "build TestImages test_one"),
    ("`--pull`", "build TestImages test_pull"),
    ("`--add-host`", "build TestSteps test_add_host"),
    ("`--ulimit`, `--shm-size`, `--cgroup-parent`", "build TestSteps test_cgroup"),
    ("`--network`", "build TestSteps test_network"),
    ("proxies", "build TestSteps test_proxies"),
    ("a failing step's line and output", "build TestSteps test_a_failing"),
    ("`--no-cache`, `--no-cache-filter`", "build TestCaches test_no_cache"),
    ("cache to and from a registry", "build TestCaches test_cache_to_and_from[registry]"),
    ("cache to and from a directory", "build TestCaches test_cache_to_and_from[local]"),
    ("inline cache", "build TestCaches test_cache_to_and_from[inline]"),
    ("`--check`, `--call`", "ask TestCheck test_a_finding"),
    ("warnings with their lines", "ask TestWarnings"),
    ("SBOM (`--sbom`)", "supply TestSbom"),
    ("provenance", "supply TestProvenance test_materials"),
    ("`/urunc.json` and labels, with and without attestations", "supply TestProvenance test_urunc"),
    ("facts in `--metadata-file`", "build TestImageFlags test_metadata"),
    ("SOURCE_DATE_EPOCH, the same bytes anywhere", "supply TestEpoch test_the_client"),
    ("SOURCE_DATE_EPOCH of the context", "supply TestEpoch test_of"),
    ("`rewrite-timestamp`", "supply TestEpoch test_rewrite"),
    ("a Dockerfile as the build file", "containerfile TestBuildFile test_defaults"),
    ("a Dockerfile as root file system", "containerfile TestRootfs"),
)  # fmt: skip

Results = Mapping[str, str]
"""A test's name as in `FEATURES` -> "" if it passed, else why it was skipped, or "FAILED"."""


def run(engine: str, to: Path) -> None:
    """The tests on one engine; what failed is in the results."""
    files = [f"tests/integration/test_flags_{name}.py" for name in FILES]
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "integration", *files, f"--junitxml={to}"],
        cwd=ROOT,
        env={**os.environ, "HUTCH_TEST_ENGINE": engine},
        check=False,
    )


def read(paths: Iterable[Path]) -> Results:
    """The results in JUnit files."""
    found: dict[str, str] = {}
    for path in sorted(paths):
        for case in ElementTree.parse(path).iter("testcase"):
            module, _, group = (
                (case.get("classname") or "").partition("test_flags_")[2].partition(".")
            )
            name = f"{module} {group} {case.get('name')}"
            skipped = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                found[name] = "FAILED"
            else:
                found[name] = "" if skipped is None else skipped.get("message") or "skipped"
    return found


def cell(results: Results, tests: str, notes: list[str]) -> str:
    """One engine's word on a feature; reasons become notes, by number."""
    mine = [result for name, result in results.items() if name.startswith(tests)]
    if not mine:
        return "not run"
    if "FAILED" in mine:
        return "**fails**"
    reasons = sorted({result for result in mine if result})
    if not reasons:
        return "yes"
    for reason in reasons:
        if reason not in notes:
            notes.append(reason)
    numbers = ", ".join(f"[{notes.index(reason) + 1}]" for reason in reasons)
    return f"in part {numbers}" if "" in mine else f"no {numbers}"


def page(results: Mapping[str, Results]) -> str:
    """The page."""
    notes: list[str] = []
    lines = [
        "# What works on which Docker",
        "",
        "A row is a feature of Docker's that works with a bunnyfile as with a Dockerfile, if the",
        "engine can do it. The tests of these features write the table, run on each engine:",
        "`python -m tests.integration.engines`.",
        "",
        "| | " + " | ".join(ENGINES[name] for name in results) + " |",
        "|---" * (len(results) + 1) + "|",
    ]
    for feature, tests in FEATURES:
        cells = [cell(found, tests, notes) for found in results.values()]
        lines.append(f"| {feature} | " + " | ".join(cells) + " |")
    lines += ["", *(f"[{number}] {note}  " for number, note in enumerate(notes, 1)), ""]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Write the page; the exit status is 1 if a test failed."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments[0] if arguments else temporary)
        if not arguments:
            for engine in ENGINES:
                run(engine, folder / f"{engine}.xml")
        results = {
            engine: read(p for p in folder.glob("*.xml") if p.stem.partition("_")[0] == engine)
            for engine in ENGINES
        }
    PAGE.write_text(page(results), encoding="utf-8")
    return int(any("FAILED" in found.values() for found in results.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
