"""Unikraft's Config.uk files: whose options there are, and why one was lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from frameworks import exits
from frameworks.unikraft.steps.kconfig import main, series_of, tree

CORE = """\
mainmenu "Unikraft/$(UK_FULLVERSION) Configuration"
menu "Architecture Selection"
	source "$(UK_BASE)/arch/Config.uk"
endmenu
menu "Library Configuration"
	source "$(shell,$(UK_BASE)/support/build/config-submenu.sh -q -o '$(KCONFIG_DIR)/libs.uk')"
endmenu
config OPTIMIZE_PIE
	bool "Static-PIE"
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    files = {
        "unikraft/Config.uk": CORE,
        "unikraft/version.mk": "UK_VERSION = 0\nUK_SUBVERSION = 16\nUK_EXTRAVERSION = 3\n",
        "unikraft/arch/Config.uk": 'config ARCH_X86_64\n\tbool "x86"\n',
        "unikraft/lib/vfscore/Config.uk": 'menuconfig LIBVFSCORE\n\tbool "vfscore"\n',
        "unikraft/lib/ramfs/Config.uk": 'config LIBRAMFS\n\tbool "r"\n\tdepends on LIBVFSCORE\n',
        "libs/lwip/Config.uk": 'menuconfig LIBLWIP\n\tbool "lwip"\n',
        "app/Config.uk": 'config APP_GREETING\n\tbool "greet"\n\tdepends on LIBLWIP\n',
        "app/Makefile.uk": "",
        "libs/lwip/Makefile.uk": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_every_tree_has_its_options(source: Path) -> None:
    """What a shell lists for the core is found in the trees; what can be followed is, once."""
    found = tree(source)
    assert set(found.definitions) == {
        *("ARCH_X86_64", "OPTIMIZE_PIE", "LIBVFSCORE", "LIBRAMFS", "LIBLWIP", "APP_GREETING")
    }
    assert all(len(entries) == 1 for entries in found.definitions.values())
    assert series_of(source) == "0.16"


def said(source: Path, request: str, config: str) -> tuple[Any, int]:
    """The report on a request, and how `require` ends on it."""
    (source / "options").write_text(request)
    (source / "config").write_text(config)
    report = source / "report"
    check = ["check", "--source", str(source), "--config", str(source / "config")]
    assert main([*check, "--report", str(report), str(source / "options")]) == 0
    require = ["require", "--report", str(report), "--config", str(source / "config")]
    return json.loads(report.read_bytes()), main([*require, "--out", str(source / "kept")])


@pytest.mark.parametrize(
    ("request_line", "reason", "missing", "nearest"),
    [
        ("CONFIG_LIBRAMFS=y", "dependency", ["LIBVFSCORE"], ""),
        ("CONFIG_APP_GREETING=y", "dependency", ["LIBLWIP"], ""),
        ("CONFIG_LIBLWP=y", "unknown", [], "LIBLWIP"),
    ],
)
def test_why_an_option_was_lost(
    source: Path, request_line: str, reason: str, missing: list[str], nearest: str
) -> None:
    report, status = said(source, request_line + "\n", "CONFIG_ARCH_X86_64=y\n")
    (loss,) = report
    assert (loss["reason"], loss["missing"], loss["nearest"]) == (reason, missing, nearest)
    assert status == 3


def test_what_was_kept_goes_on(source: Path) -> None:
    report, status = said(source, "CONFIG_LIBLWIP=y\n", "CONFIG_LIBLWIP=y\n")
    assert (report, status) == ([], 0)
    assert (source / "kept").read_text() == "CONFIG_LIBLWIP=y\n"


def test_merge_takes_the_lines_of_the_release(source: Path) -> None:
    (source / "ours").mkdir()
    (source / "ours" / "a").write_text("CONFIG_A=y\n#@ from 0.17\nCONFIG_B=y\n")
    out = source / "out"
    assert main(["merge", "--source", str(source), "--out", str(out), str(source / "ours/a")]) == 0
    assert out.read_text() == "CONFIG_A=y\n"


def test_an_application_that_is_none(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (source / "app" / "Makefile.uk").unlink()
    report, status = said(source, "CONFIG_LIBLWIP=y\n", "")
    assert (report, status) == ("none", 3)
    assert "no Unikraft application" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("gone", "why"),
    [
        ("unikraft/version.mk", "the source is no Unikraft tree: there is no version.mk"),
        ("unikraft/Config.uk", "the source is no Unikraft tree: there is no Config.uk"),
        ("libs/lwip/Makefile.uk", "lib-lwip is no Unikraft library: it has no Makefile.uk"),
    ],
)
def test_trees_that_are_none(
    source: Path, capsys: pytest.CaptureFixture[str], gone: str, why: str
) -> None:
    (source / gone).unlink()
    out = source / "out"
    assert main(["merge", "--source", str(source), "--out", str(out)]) == exits.WRONG_SOURCE
    assert capsys.readouterr().err == f"hutch: {why}\n"
    assert not out.exists()
