"""What patterns of pkgsrc mean, and what a tree's databases have."""

from __future__ import annotations

from pathlib import Path

import pytest

from frameworks.netbsd.steps.patterns import compare, installed, matches


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.2", "1.10"),
        ("1.2", "1.2nb1"),
        ("1.2nb2", "1.2nb10"),
        ("1.0rc1", "1.0"),
        ("1.0alpha2", "1.0beta1"),
        ("1.0beta1", "1.0rc1"),
        ("1.0", "1.0pl1"),
        ("1.0", "1.0a"),
        ("1.0a", "1.0b"),
        ("1.1.1w", "3.0"),
        ("20230101", "20240101"),
    ],
)
def test_the_order_of_versions(older: str, newer: str) -> None:
    assert compare(older, newer) == -1
    assert compare(newer, older) == 1
    assert compare(newer, newer) == 0


def test_versions_that_are_the_same() -> None:
    assert compare("1.0", "1") == 0
    assert compare("1_2", "1.2") == 0


@pytest.mark.parametrize(
    ("pattern", "full"),
    [
        ("nginx", "nginx-1.26.2nb1"),
        ("nginx-1.26.2nb1", "nginx-1.26.2nb1"),
        ("nginx-[0-9]*", "nginx-1.26.2"),
        ("nginx>=1.20", "nginx-1.26.2"),
        ("nginx>=1.20<1.27", "nginx-1.26.2nb3"),
        ("{mysql,mariadb}-client>=8", "mariadb-client-10.11"),
        ("p5-*>=1", "p5-DBI-1.643"),
        ("libfoo-1.{1,2}.*", "libfoo-1.2.3"),
        ("foo!=1.0", "foo-1.1"),
        ("foo==1.0", "foo-1.0.0"),
    ],
)
def test_a_pattern_that_means_a_package(pattern: str, full: str) -> None:
    assert matches(pattern, full)


@pytest.mark.parametrize(
    ("pattern", "full"),
    [
        ("nginx", "nginx-devel-1.27"),
        ("nginx>=1.27", "nginx-1.26.2"),
        ("nginx>=1.20<1.26", "nginx-1.26"),
        ("nginx>=1.20", "nginx-devel-1.27"),
        ("{mysql,mariadb}-client>=8", "mysql-server-8.0"),
        ("foo>", "bar-1"),
    ],
)
def test_a_pattern_that_does_not(pattern: str, full: str) -> None:
    assert not matches(pattern, full)


def test_what_the_databases_have(tmp_path: Path) -> None:
    for path in ("usr/pkg/pkgdb/a-1/+CONTENTS", "var/db/pkg/b-2/x"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).touch()
    assert list(installed(tmp_path)) == ["a-1"]
