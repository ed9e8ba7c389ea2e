"""The table of docs/image.md that tests under the real urunc write."""

from __future__ import annotations

from pathlib import Path

from tests.integration.harness import urunctable
from tests.integration.harness.matrix import SHAPES, USERS

JUNIT = """<testsuites><testsuite>
<testcase name="test_whoever_runs_it[raw-root]"><properties>
<property name="urunc" value="0.7.0"/><property name="monitor" value="qemu"/>
<property name="started" value="True"/><property name="answered" value="True"/>
</properties></testcase>
<testcase name="test_whoever_runs_it[no init--u]"><properties>
<property name="urunc" value="0.7.0"/><property name="monitor" value="qemu"/>
<property name="started" value="True"/><property name="answered" value="False"/>
</properties><failure/></testcase>
<testcase name="test_whoever_runs_it[ext4-number]"><properties>
<property name="urunc" value="0.7.0"/><property name="monitor" value="qemu"/>
<property name="started" value="False"/><property name="answered" value="False"/>
</properties><failure/></testcase>
<testcase name="test_a_v01_file"/>
</testsuite></testsuites>
"""


def test_what_junit_says_is_what_the_page_says(tmp_path: Path) -> None:
    junit, page = tmp_path / "a.xml", tmp_path / "page.md"
    junit.write_text(JUNIT)
    page.write_text(f"before\n{urunctable.BEGIN}\n{urunctable.END}\nafter\n")
    urunctable.write(page, urunctable.read([junit]))
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "| root filesystem | user | 0.7.0, qemu |\n" in text
    assert "| `raw` | root | yes |\n" in text
    assert "| `initrd`, `init: none` | `-u 1000:1000` at run time | started |\n" in text
    assert "| `block`, ext4 | a number without a name | no |\n" in text
    assert text.count("| not run |\n") == len(SHAPES) * len(USERS) - 3


def test_other_columns_stay(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{urunctable.BEGIN}\n{urunctable.END}\n")
    row = ("`raw`", "root")
    urunctable.write(page, {("2026-08", "qemu"): {row: "yes"}})
    urunctable.write(page, {("0.6.0", "qemu"): {row: "no"}})
    assert "| root filesystem | user | 0.6.0, qemu | 2026-08, qemu |\n" in page.read_text()
    assert "| `raw` | root | no | yes |\n" in page.read_text()


def test_the_page_has_every_shape_and_user() -> None:
    """As the writer writes it, of two uruncs at least, and everything starts and answers."""
    text = urunctable.PAGE.read_text()
    results = urunctable.parse(text)
    assert urunctable.render(results) in text
    assert len(results) >= 2
    assert {seen for column in results.values() for seen in column.values()} == {"yes"}
