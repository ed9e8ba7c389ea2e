"""Writes docs/engines.md: run the tests of flags on each Docker, and say what each can do.

    python -m tests.integration.harness.enginestable [JUNIT-DIRECTORY]

With a directory nothing is run: the results `<engine>*.xml` in it are read. A feature is a row, and
all of its tests decide: passed on that engine, or skipped for the reason that is printed below the
table. The page is left as it is where a test has no result.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree import ElementTree

from tests.places import ROOT

PAGE = ROOT / "docs" / "engines.md"
FILES = ("inputs", "build", "ask", "supply", "containerfile")

ENGINES = {
    "28": "Docker 28, containerd image store",
    "28-classic": "Docker 28, classic image store",
    "20.10": "Docker 20.10",
}

# (feature, its tests: file, class, name; one without brackets stands for all its parameters)
FEATURES = (
    ("build file outside the context (`-f`)", "inputs TestBuildFile test_outside_the_context"),
    ("build file on stdin", "inputs TestBuildFile test_on_stdin"),
    ("build file by URL", "inputs TestBuildFile test_by_url"),
    ("`.dockerignore`", "inputs TestMainContext test_ignore_file",
     "inputs TestMainContext test_ignore_file_beside_the_build_file_wins"),
    ("only what is named is sent", "inputs TestMainContext test_only_what_is_named_is_sent"),
    ("git context, `#ref:subdir`", "inputs TestMainContext test_git[#main:app]",
     "inputs TestMainContext test_git[#v1:app]"),
    ("git context, `?ref=&subdir=`", "inputs TestMainContext test_git[?branch=main&subdir=app]"),
    ("archive as context, by URL", "inputs TestMainContext test_archive_by_url"),
    ("archive as context, on stdin", "inputs TestMainContext test_archive_on_stdin",
     "inputs  test_a_context_on_stdin_with_the_build_file_in_it"),
    ("`--build-context`: directory", "inputs TestNamedContexts test_directory",
     "inputs TestNamedContexts test_directory_has_its_own_ignore_file"),
    ("`--build-context`: image", "inputs TestNamedContexts test_image",
     "inputs TestNamedContexts test_an_image_brings_its_config[image]"),
    ("`--build-context`: git", "inputs TestNamedContexts test_git"),
    ("`--build-context`: http", "inputs TestNamedContexts test_http",
     "inputs TestMainContext test_a_lone_file_by_url_is_the_build_file"),
    ("`--build-context`: `oci-layout://`", "inputs TestNamedContexts test_oci_layout",
     "inputs TestNamedContexts test_an_image_brings_its_config[oci-layout]"),
    ("bake's `target:`", "inputs TestNamedContexts test_bake_target_and_inputs",
     "inputs TestNamedContexts test_a_bake_target_brings_its_config"),
    ("`--build-arg`", "inputs TestArguments test_defaults_and_values"),
    ("`--secret`: a token for a private git source",
     "inputs TestPrivateSources test_git_over_http_with_a_token"),
    ("`--ssh`: a private git source asks for the agent",
     "inputs TestPrivateSources test_git_over_ssh_asks_for_the_agent"),
    ("`docker build` with `DOCKER_BUILDKIT=1`", "inputs  test_the_command_line_is_docker_s_own"),
    ("`--target`, files with `-o`", "build TestTargets test_kernel_leaves_the_file",
     "build TestTargets test_rootfs_and_image"),
    ("`--platform`: another one", "build TestPlatforms test_one_of_another_architecture"),
    ("`--platform`: several", "build TestPlatforms test_several_make_an_index",
     "containerfile TestBuildFile test_several_platforms"),
    ("`--label`", "build TestImageFlags test_label"),
    ("`--annotation`", "build TestImageFlags test_annotation"),
    ("`--load`", "build TestImageFlags test_load_into_the_daemon"),
    ("images that only the daemon has", "build TestImages test_one_that_only_the_daemon_has"),
    ("`--pull`", "build TestImages test_pull_sees_a_moved_tag"),
    ("`--add-host`", "build TestSteps test_add_host"),
    ("`--ulimit`, `--shm-size`", "build TestSteps test_ulimit_and_shm_size"),
    ("`--cgroup-parent`", "build TestSteps test_cgroup_parent"),
    ("`--network`", "build TestSteps test_network"),
    ("proxies", "build TestSteps test_proxies_reach_only_steps_with_a_network"),
    ("a failing step's output", "build TestErrors test_a_failing_step_shows_its_output"),
    ("the lines of an error, marked with `>>>`", "build TestErrors test_a_mistake_shows_its_line",
     "build TestErrors test_a_failing_step_shows_its_line"),
    ("`--no-cache`, `--no-cache-filter`", "build TestCaches test_no_cache_and_its_filter"),
    ("cache to and from a registry", "build TestCaches test_cache_to_and_from[registry]"),
    ("cache to and from a directory", "build TestCaches test_cache_to_and_from[local]"),
    ("inline cache", "build TestCaches test_cache_to_and_from[inline]"),
    ("`--check`", "ask TestCheck test_a_finding_has_rule_page_and_line", "ask TestCheck test_json",
     "ask TestCheck test_an_error_is_a_finding_too", "ask TestCheck test_directive_in_the_file",
     "ask TestCheck test_directive_of_the_build"),
    ("`--call`: targets, outline, describe", "ask TestCalls test_targets",
     "ask TestCalls test_outline_lists_what_steps_need", "ask TestCalls test_describe"),
    ("warnings with their lines", "ask TestWarnings test_shown_in_a_build_with_their_lines"),
    ("warnings of what is built", "ask TestFit test_an_initrd_that_is_too_large",
     "ask TestFit test_a_disk_image_that_is_mostly_empty"),
    ("SBOM (`--sbom`)", "supply TestSbom test_the_guest_s_packages_packed_or_not",
     "supply TestSbom test_the_toolchain",
     "supply TestSbom test_the_same_input_gives_the_same_document"),
    ("SBOM scanners", "supply TestSbom test_the_default_scanner_runs_beside_ours",
     "supply TestSbom test_a_scanner_of_the_user_s_own"),
    ("provenance", "supply TestProvenance test_materials"),
    ("`/urunc.json` and labels, with and without attestations",
     "supply TestProvenance test_urunc_finds_its_keys_whatever_is_attached"),
    ("facts in `--metadata-file`", "build TestImageFlags test_metadata_file",
     "supply TestFacts test_sources_with_their_digests",
     "supply TestFacts test_of_the_kernel_alone"),
    ("SOURCE_DATE_EPOCH, the same bytes anywhere",
     "supply TestEpoch test_the_client_s_surroundings_change_nothing"),
    ("SOURCE_DATE_EPOCH of the context", "supply TestEpoch test_of_a_commit",
     "supply TestEpoch test_of_a_download"),
    ("`rewrite-timestamp`", "supply TestEpoch test_rewrite_timestamp"),
    ("a Dockerfile as the build file", "containerfile TestBuildFile test_defaults",
     "containerfile TestBuildFile test_labels_decide"),
    ("a Dockerfile gets `--build-arg` and `--target`",
     "containerfile TestBuildFile test_arguments_stages_and_contexts_reach_the_dockerfile"),
    ("`--check`, `--call` of a Dockerfile",
     "containerfile TestBuildFile test_questions_are_the_dockerfile_frontend_s"),
    ("a Dockerfile as root filesystem", "containerfile TestRootfs test_a_stage_with_its_config"),
)  # fmt: skip

Results = Mapping[str, str]
"""A test's name as in `FEATURES` -> "" if it passed, else why it was skipped, or "FAILED"."""


def run(engine: str, to: Path) -> None:
    """The tests on one engine, which is started if it is not up; what failed is in the results."""
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


def outcomes(results: Results, test: str) -> list[str]:
    """The results of a test, with each of its parameters; empty if it was not run."""
    return [found for name, found in results.items() if test in (name, name.partition("[")[0])]


def missing(results: Results) -> list[str]:
    """The tests of the table that have no result."""
    return [test for _, *tests in FEATURES for test in tests if not outcomes(results, test)]


def cell(results: Results, tests: Iterable[str], notes: list[str]) -> str:
    """One engine's word on a feature; reasons become notes, by number."""
    mine = [found for test in tests for found in outcomes(results, test)]
    if "FAILED" in mine:
        return "**fails**"
    reasons = sorted({found for found in mine if found})
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
        "`python -m tests.integration.harness.enginestable`.",
        "",
        "| | " + " | ".join(ENGINES[name] for name in results) + " |",
        "|---" * (len(results) + 1) + "|",
    ]
    for feature, *tests in FEATURES:
        cells = [cell(found, tests, notes) for found in results.values()]
        lines.append(f"| {feature} | " + " | ".join(cells) + " |")
    lines += ["", *(f"[{number}] {note}  " for number, note in enumerate(notes, 1)), ""]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Write the page; the exit status is 1 if a test failed, or was not run."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments[0] if arguments else temporary)
        if not arguments:
            for engine in ENGINES:
                run(engine, folder / f"{engine}.xml")
        results = {
            engine: read(p for p in folder.glob("*.xml") if p.stem.partition("_")[0] == engine)
            for engine in ENGINES
        }
    if gaps := [f"{name}: {test}" for name, found in results.items() for test in missing(found)]:
        print("not run, so nothing was written:", *gaps, sep="\n  ", file=sys.stderr)
        return 1
    PAGE.write_text(page(results), encoding="utf-8")
    return int(any("FAILED" in found.values() for found in results.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
