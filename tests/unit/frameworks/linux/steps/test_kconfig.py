"""Kernel configurations: what is asked for, what was kept, and why something was not."""

from __future__ import annotations

from pathlib import Path

import pytest

from frameworks.kit.kconfig import Request, limit, read_report
from frameworks.kit.steps.kconfig import check, last, parse, render
from frameworks.kit.steps.kconfig_tree import Kconfig, conjuncts, evaluate
from frameworks.linux.configs import LAYERS, fragments
from frameworks.linux.steps import kconfig

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

config NAME
    string "Name"

config SHOWN
    bool "Shown to experts" if EXPERT
    default y

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
    requests, wrong = parse(request.encode(), "options")
    found = check(config.encode(), requests, Kconfig.linux(tree, "x86"))
    return [str(loss) for loss in wrong + found]


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
        ("CONFIG_SIZE=11", "CONFIG_SIZE=10", "the kernel's own rules made it 10"),
        ('CONFIG_SIZE="2"', "CONFIG_SIZE=10", "it takes a number, and the kernel made it 10"),
        (
            "CONFIG_NAME=20",
            'CONFIG_NAME=""',
            'it takes a text in quotes, and the kernel made it ""',
        ),
        ("CONFIG_CRC=m", "CONFIG_CRC=m", "it is a module, and no module is ever loaded"),
        ("CONFIG_NET=y # on", "", "it takes y or n, and the kernel made it n"),
        ("# CONFIG_INNET is not set", "", "this kernel has no such option; did you mean INET?"),
        ("# CONFIG_SHOWN is not set", "CONFIG_SHOWN=y", "it needs EXPERT"),
        ("CONFIG_COMPILER=y", "", "the kernel's own rules made it n"),
    ],
)
def test_why_an_option_was_lost(tree: Path, request_line: str, config: str, why: str) -> None:
    (name,), _ = parse(request_line.encode())
    said = f"options:1: CONFIG_{name.option}={name.value} was not kept: {why}"
    assert losses(tree, request_line, config) == [said]


def test_what_was_kept_is_no_loss(tree: Path) -> None:
    config = 'CONFIG_A=y\nCONFIG_B=0x10\nCONFIG_C="a b"\n# CONFIG_D is not set\n'
    assert losses(tree, 'CONFIG_A=y\nCONFIG_B=16\nCONFIG_C="a b"\n', config) == []
    # What is off is not in the .config when its dependencies are off, too.
    assert losses(tree, "# CONFIG_D is not set\n# CONFIG_INET is not set\n", config) == []
    # In a kernel without modules a module is built in.
    assert losses(tree, "CONFIG_A=m\n", config) == []


def test_the_last_request_counts() -> None:
    requests, _ = parse(b"CONFIG_A=y\nCONFIG_B=1\n# CONFIG_A is not set\n")
    final = last(requests)
    assert [(r.option, r.value) for r in final.values()] == [("B", "1"), ("A", "n")]
    assert render(final) == "CONFIG_B=1\n# CONFIG_A is not set\n"


def test_a_line_that_is_no_option_is_a_loss() -> None:
    text = "\ufeff# a comment\r\nIKCONFIG=y\nCONFIG_A=y\nset NET\n".encode()
    requests, losses = parse(text + b'# caf\xe9\nCONFIG_B="caf\xe9"\n', "debug")
    assert [(r.option, r.value, r.line) for r in requests] == [("A", "y", 3)]
    assert [str(loss) for loss in losses] == [
        "debug:2: 'IKCONFIG=y' is no line of a kernel configuration; did you mean "
        "CONFIG_IKCONFIG=y?",
        "debug:4: 'set NET' is no line of a kernel configuration",
        "debug:6: 'CONFIG_B=\"caf\ufffd\"' is no line of a kernel configuration",
    ]


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


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Where fragments of ours are, and a user's."""
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
    return tmp_path / "ours", tmp_path / "theirs"


def checked(tree: Path, config: Path, *fragments: Path) -> list[tuple[str, str, int]]:
    """What a check finds worth ending the build: option, fragment, line."""
    report = tree / "report"
    check = ["check", "--source", str(tree), "--srcarch", "x86", "--config", str(config)]
    check += ["--report", str(report), *map(str, fragments)]
    assert kconfig.main(check) == 0
    found = read_report(report.read_bytes())
    return [(loss.option, loss.fragment, loss.line) for loss in found]


def test_a_report_ends_the_build(
    tree: Path, folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    ours, _ = folders
    fragment, config, out = ours / "00-tiny.config", tree / "config", tree / "out"
    fragment.write_text("CONFIG_INET=y\n#@ before 6.10\nCONFIG_OLD=y\n#@ all\n")
    require = ["require", "--report", str(tree / "report"), "--config", str(config)]
    require += ["--out", str(out)]

    # A line of ours has to hold. The one for older series is not even asked for.
    config.write_text("CONFIG_EXPERT=y\n")
    assert checked(tree, config, fragment) == [("INET", "ours/00-tiny.config", 1)]
    assert kconfig.main(require) == 3
    assert not out.exists()
    assert "CONFIG_INET=y was not kept: it needs NET" in capsys.readouterr().err

    # Nothing lost: the configuration goes on as it is.
    config.write_text("CONFIG_NET=y\nCONFIG_INET=y\nCONFIG_CRC=y\n")
    assert checked(tree, config, fragment) == []
    assert kconfig.main(require) == 0
    assert out.read_text() == config.read_text()


@pytest.mark.parametrize(
    ("asked", "config", "lost"),
    [
        # Who turns off what ours needs, if only by way of others, has the last word.
        ("# CONFIG_NET is not set", "CONFIG_EXPERT=y\nCONFIG_GZIP=y", []),
        # Who turns on what forces another on means that, too.
        (
            "CONFIG_INET=y",
            "CONFIG_NET=y\nCONFIG_INET=y\nCONFIG_CRC=y\nCONFIG_PCI=y\nCONFIG_GZIP=y",
            ["WIRELESS"],
        ),
        ("CONFIG_XZ=y", "CONFIG_NET=y\nCONFIG_PCI=y\nCONFIG_XZ=y", ["WIRELESS"]),
        # An option that has nothing to do with it excuses nothing.
        ("CONFIG_TWICE=y", "CONFIG_NET=y\nCONFIG_TWICE=y", ["PCI", "GZIP", "WIRELESS"]),
        # The user's own lines have to hold, and be lines.
        ("# CONFIG_NET is not set\nCONFIG_INET=y", "CONFIG_GZIP=y", ["INET"]),
        ("NET=y\n# CONFIG_NET is not set", "CONFIG_GZIP=y", [""]),
    ],
)
def test_who_may_lose_what(
    tree: Path, folders: tuple[Path, Path], asked: str, config: str, lost: list[str]
) -> None:
    ours, theirs = folders
    (ours / "a").write_text(
        "CONFIG_PCI=y\nCONFIG_GZIP=y\nCONFIG_WIRELESS=y\n# CONFIG_CRC is not set\n"
    )
    (theirs / "00").write_text(asked)
    path = tree / "config"
    path.write_text(config + "\n")
    found = checked(tree, path, ours / "a", theirs / "00")
    assert sorted(option for option, _, _ in found) == sorted(lost)


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
@pytest.mark.parametrize("monitor", ["qemu", "firecracker", "cloud-hypervisor"])
@pytest.mark.parametrize("version", kconfig.VERIFIED)
def test_our_own_fragments(name: str, architecture: str, monitor: str, version: str) -> None:
    """No fragment takes back what another asks for, and none asks for a module."""
    requests: list[Request] = []
    for file, text in fragments(name, architecture, monitor):
        found, wrong = parse(limit(text, version).encode(), file)
        assert not wrong
        assert len({request.option for request in found}) == len(found)
        requests += found
    wanted = {(request.option, request.value) for request in requests}
    assert len(dict(wanted)) == len(wanted)
    assert "m" not in dict(wanted).values()
    assert "BLK_DEV_INITRD" in dict(wanted)
    assert ("VIRTIO_NET" in dict(wanted)) == (name != "tiny")


def test_a_monitor_may_need_more() -> None:
    """Cloud Hypervisor ends a guest that powers off by ACPI, and starts one anew that reboots."""
    for monitor, files in (
        ("firecracker", ["tiny.config", "tiny.x86_64.config"]),
        ("qemu", ["tiny.config", "tiny.x86_64.config", "tiny.qemu.config"]),
        (
            "cloud-hypervisor",
            ["tiny.config", "tiny.x86_64.config", "tiny.cloud-hypervisor.x86_64.config"],
        ),
    ):
        assert [file for file, _ in fragments("tiny", "amd64", monitor)] == files


def test_nearest_is_silent_when_nothing_is_near(tree: Path) -> None:
    assert Kconfig.linux(tree, "x86").nearest("ZFS_ENTERPRISE") == ""


@pytest.mark.parametrize(
    ("line", "character"),
    [
        ('CONFIG_INITRAMFS_SOURCE="$(shell id >&2)"', "$"),
        ("CONFIG_INITRAMFS_SOURCE=$(shell id)", "$"),
        ('CONFIG_INITRAMFS_SOURCE="x; id"', ";"),
        ('CONFIG_LOCALVERSION="`id`"', "`"),
        ('CONFIG_BUILD_SALT="a | sh"', "|"),
        ('CONFIG_CMDLINE="a=$(shell id)"', "$"),
        ('CONFIG_CC_VERSION_TEXT="$(shell id)"', "$"),
        # Only text of a C file.
        ('CONFIG_CMDLINE="dyndbg=\\"func x +p; func y +p\\""', ""),
        ('CONFIG_DEFAULT_HOSTNAME="(none)"', ""),
        ('CONFIG_CC_VERSION_TEXT="gcc (Debian 14.2.0-19) 14.2.0"', ""),
        ('CONFIG_LOCALVERSION="-my \\"one\\""', ""),
        ("CONFIG_LOG_BUF_SHIFT=0x12", ""),
    ],
)
def test_what_make_would_run_is_no_request(line: str, character: str) -> None:
    requests, losses = parse(line.encode(), "theirs/00")
    assert [loss.missing for loss in losses] == ([(character,)] if character else [])
    assert len(requests) == (not character)
    assert all(loss.reason == "code" and f"('{character}')" in str(loss) for loss in losses)


def test_code_is_lost_from_fragments_and_whole_configurations(tmp_path: Path) -> None:
    source = tmp_path / "src"
    source.mkdir()
    (source / "Makefile").write_text("VERSION = 6\nPATCHLEVEL = 12\n")
    (source / "Kconfig").write_text('config LOCALVERSION\n\tstring "Version"\n')
    evil = 'CONFIG_LOCALVERSION="$(shell touch /pwned)"\n'
    for name in ("fragment", "base"):
        (tmp_path / name).write_text(f"# $(shell id)\n{evil}")
    (tmp_path / ".config").write_text(evil)
    paths = ["--source", str(source)]
    request, report = tmp_path / "request", tmp_path / "report"
    fragment = str(tmp_path / "fragment")
    assert kconfig.main(["merge", *paths, "--out", str(request), fragment]) == 0
    assert request.read_text() == ""
    config = ["--config", str(tmp_path / ".config"), "--srcarch", "x86"]
    files = ["--report", str(report), "--base", str(tmp_path / "base")]
    assert kconfig.main(["check", *paths, *config, *files, fragment]) == 0
    losses = read_report(report.read_bytes())
    assert [(loss.reason, loss.line) for loss in losses] == [("code", 2)] * 2
    out = ["--config", str(tmp_path / ".config"), "--out", str(tmp_path / "out")]
    assert kconfig.main(["require", "--report", str(report), *out]) == 3
    assert not (tmp_path / "out").exists()


def test_a_tree_without_end(tmp_path: Path) -> None:
    """A source may be anybody's: what it nests is read to a depth, and never by recursion alone."""
    deep = "(" * 5000 + "A" + ")" * 5000
    (tmp_path / "Kconfig").write_text(
        f"source Kconfig\nsource k0\nconfig A\n\tbool\n\tdepends on {deep}\n"
    )
    for number in range(300):
        (tmp_path / f"k{number}").write_text(f"source k{number + 1}\n")
    tree = Kconfig.linux(tmp_path, "x86")
    assert list(tree.definitions) == ["A"]
    assert evaluate(deep, {}) == 2
    assert evaluate("!" * 5000 + "A", {}) == 2
    assert conjuncts(deep) == [deep]


def test_blanks_and_comments_are_as_they_like(tmp_path: Path) -> None:
    """As in net/netfilter/ipvs/Kconfig, drivers/clk/Kconfig and sound/soc/codecs/Kconfig."""
    (tmp_path / "Kconfig").write_text(
        'config\tTABBED\n\ttristate\t"Tab # no comment"\n\tdepends\ton NET\n'
        "config LEGACY # TODO: remove\n\tbool # why\n\tdepends on NET # and no more\n"
    )
    tree = Kconfig.linux(tmp_path, "x86")
    (tabbed,), (legacy,) = tree.definitions["TABBED"], tree.definitions["LEGACY"]
    assert (tabbed.kind, tabbed.prompt, tabbed.conditions) == ("tristate", True, ("NET",))
    assert (legacy.kind, legacy.prompt, legacy.conditions) == ("bool", False, ("NET",))
