"""Kernel configurations: what is asked for, what was kept, and why something was not."""

from __future__ import annotations

from pathlib import Path

import pytest

from frameworks.linux import kconfig
from frameworks.linux.configs import LAYERS, fragments, limit
from frameworks.linux.kconfig import Request
from frameworks.linux.kconfig_tree import Tree, conjuncts, evaluate

KCONFIG = """\
mainmenu "A kernel"

config EXPERT
    bool "Expert"
    help
      Help text may say config FAKE
        bool "this is not an entry"

config NET
    bool "Networking"

if NET

config INET
    bool "TCP/IP"
    select CRC

menuconfig WIRELESS
    bool "Wireless"
    depends on EXPERT && \\
         (INET || PCI)

source "drivers/$(SRCARCH)/Kconfig"

endif # NET

config CRC
    bool
    default n

config ARCH_LIMIT
    int
    default 32

choice
    prompt "Compression"
    default GZIP

config GZIP
    bool "gzip"

config XZ
    bool "xz"

endchoice

menu "Modules"
    depends on MODULES

config MODULE_SIG
    bool "Signatures" if EXPERT

endmenu

config RENAMED_MITIGATION_RETPOLINE
    bool "Retpoline"

config TWICE
    bool "First"
    depends on EXPERT && PCI

config TWICE
    bool "Second"
    depends on PCI = y

config SIZE
    int "Size"
    range 1 10

config COMPILER
    bool "Compiler" if $(cc-option,-mfoo)
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "Kconfig").write_text(KCONFIG)
    (tmp_path / "drivers/x86").mkdir(parents=True)
    (tmp_path / "drivers/x86/Kconfig").write_text('config PCI\n\tbool "PCI"\n\tdepends on !UML\n')
    (tmp_path / "Makefile").write_text("VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 1\n")
    return tmp_path


def losses(tree: Path, request: str, config: str) -> list[str]:
    requests = kconfig.parse(request, "options")
    return [str(loss) for loss in kconfig.check(config, requests, tree, "x86")]


@pytest.mark.parametrize(
    ("request_line", "config", "why"),
    [
        ("CONFIG_NOPE=y", "", "this kernel has no such option"),
        ("CONFIG_INNET=y", "", "this kernel has no such option; did you mean INET?"),
        (
            "CONFIG_MITIGATION_RETPOLINE=y",
            "",
            "this kernel has no such option; did you mean RENAMED_MITIGATION_RETPOLINE?",
        ),
        ("CONFIG_FAKE=y", "", "this kernel has no such option"),
        ("CONFIG_INET=y", "", "it needs NET"),
        ("CONFIG_WIRELESS=y", "CONFIG_NET=y", "it needs EXPERT, INET || PCI"),
        ("CONFIG_WIRELESS=y", "CONFIG_NET=y\nCONFIG_PCI=y", "it needs EXPERT"),
        ("CONFIG_PCI=y", "", "it needs NET"),
        ("CONFIG_PCI=y", "CONFIG_NET=y\nCONFIG_UML=y", "it needs !UML"),
        ("CONFIG_CRC=y", "", "it cannot be set by hand, only through INET"),
        ("CONFIG_ARCH_LIMIT=64", "CONFIG_ARCH_LIMIT=32", "it cannot be set by hand"),
        ("# CONFIG_CRC is not set", "CONFIG_INET=y\nCONFIG_CRC=y", "it is forced on by INET"),
        ("CONFIG_XZ=y", "CONFIG_GZIP=y", "it is one of several of which GZIP was taken"),
        ("CONFIG_MODULE_SIG=y", "CONFIG_MODULES=y", "it needs EXPERT"),
        ("CONFIG_MODULE_SIG=y", "CONFIG_EXPERT=y", "it needs MODULES"),
        ("CONFIG_TWICE=y", "CONFIG_NET=y", "it needs PCI = y"),
        ("CONFIG_SIZE=11", "CONFIG_SIZE=10", "the kernel made it 10"),
        ("CONFIG_COMPILER=y", "", "the kernel's own rules made it n"),
    ],
)
def test_why_an_option_was_lost(tree: Path, request_line: str, config: str, why: str) -> None:
    name = kconfig.parse(request_line)[0]
    said = f"options:1: CONFIG_{name.option}={name.value} was not kept: {why}"
    assert losses(tree, request_line, config) == [said]


def test_what_was_kept_is_no_loss(tree: Path) -> None:
    config = 'CONFIG_A=y\nCONFIG_B=0x10\nCONFIG_C="a b"\n# CONFIG_D is not set\n'
    assert losses(tree, 'CONFIG_A=y\nCONFIG_B=16\nCONFIG_C="a b"\n', config) == []
    assert losses(tree, "# CONFIG_D is not set\n# CONFIG_E is not set\n", config) == []


def test_the_last_request_counts() -> None:
    requests = kconfig.parse("CONFIG_A=y\nCONFIG_B=1\n# CONFIG_A is not set\n")
    last = kconfig.last(requests)
    assert [(r.option, r.value) for r in last.values()] == [("B", "1"), ("A", "n")]
    assert kconfig.render(last) == "CONFIG_B=1\n# CONFIG_A is not set\n"


def test_a_line_that_is_no_option_is_an_error() -> None:
    with pytest.raises(ValueError, match="debug:2: not a kernel option: IKCONFIG=y"):
        kconfig.parse("# a comment\nIKCONFIG=y\n", "debug")


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("A", 2),
        ("M", 1),
        ("!A", 0),
        ("!M", 1),
        ("A && M", 1),
        ("NOPE || M", 1),
        ("(A && !NOPE) || NOPE", 2),
        ("A = y", 2),
        ("A != y", 0),
        ("NOPE = n", 2),
        ("N > 3 && N <= 10", 2),
        ('S = "text"', 2),
        ("$(cc-option,-m64 (x))", 2),
    ],
)
def test_expressions(expression: str, value: int) -> None:
    values = {"A": "y", "M": "m", "N": "10", "S": '"text"'}
    assert evaluate(expression, values) == value


def test_terms_of_a_condition() -> None:
    assert conjuncts("A && (B || C) && (D && !E)") == ["A", "B || C", "D", "!E"]
    assert conjuncts("A || B && C") == ["A || B && C"]


def test_report_and_who_may_lose_what(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    (ours / "00-tiny.config").write_text("CONFIG_INET=y\n#@ before 6.10\nCONFIG_OLD=y\n#@ all\n")
    (theirs / "00").write_text("# CONFIG_NET is not set\nCONFIG_WIRELESS=y\n")
    config, report, out = (tmp_path / name for name in ("config", "report", "out"))
    config.write_text("CONFIG_EXPERT=y\n")
    check = ["check", "--source", str(tree), "--srcarch", "x86", "--config", str(config)]
    check += ["--report", str(report)]
    require = ["require", "--report", str(report), "--config", str(config), "--out", str(out)]

    # Ours alone: its line has to hold. The one for older series is not even asked for.
    assert kconfig.main([*check, str(ours / "00-tiny.config")]) == 0
    found = kconfig.read_report(report.read_bytes())
    assert [(loss.option, loss.fragment, loss.line) for loss in found] == [
        ("INET", "ours/00-tiny.config", 1)
    ]
    assert kconfig.main(require) == 3
    assert not out.exists()
    assert "CONFIG_INET=y was not kept: it needs NET" in capsys.readouterr().err

    # A user who turns off what ours needs has the last word; the user's own line has to hold.
    assert kconfig.main([*check, str(ours / "00-tiny.config"), str(theirs / "00")]) == 0
    found = kconfig.read_report(report.read_bytes())
    assert [(loss.option, loss.fragment, loss.line) for loss in found] == [
        ("WIRELESS", "theirs/00", 2)
    ]

    # Nothing lost: the configuration goes on as it is.
    config.write_text("CONFIG_NET=y\nCONFIG_INET=y\nCONFIG_CRC=y\n")
    assert kconfig.main([*check, str(ours / "00-tiny.config")]) == 0
    assert kconfig.main(require) == 0
    assert out.read_text() == config.read_text()


def test_merge_takes_the_lines_of_the_series(tree: Path, tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "a").write_text("CONFIG_A=y\n#@ before 6.9\nCONFIG_B=y\n#@ from 6.9\nCONFIG_C=y\n")
    (folder / "b").write_text("# CONFIG_A is not set\n")
    out = tmp_path / "out"
    arguments = ["merge", "--source", str(tree), "--out", str(out)]
    assert kconfig.main([*arguments, str(folder / "a"), str(folder / "b")]) == 0
    assert out.read_text() == "CONFIG_C=y\n# CONFIG_A is not set\n"


def test_limit_keeps_line_numbers() -> None:
    text = "A\n#@ before 6.9\nB\n#@ all\nC\n"
    assert limit(text, "6.1").splitlines() == ["A", "#@ before 6.9", "B", "#@ all", "C"]
    assert limit(text, "6.12").splitlines() == ["A", "", "", "#@ all", "C"]
    assert limit(text, "10.0").splitlines()[2] == ""


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
@pytest.mark.parametrize("version", kconfig.VERIFIED)
def test_our_own_fragments(name: str, architecture: str, version: str) -> None:
    """No option is asked for twice in one configuration, and none as a module."""
    requests: list[Request] = []
    for file, text in fragments(name, architecture):
        requests += kconfig.parse(limit(text, version), file)
    names = [request.option for request in requests]
    assert sorted(set(names)) == sorted(names)
    assert all(request.value != "m" for request in requests)
    assert "BLK_DEV_INITRD" in names
    assert ("VIRTIO_NET" in names) == (name != "tiny")


def test_nearest_is_silent_when_nothing_is_near(tree: Path) -> None:
    assert Tree(tree, "x86").nearest("ZFS_ENTERPRISE") == ""
