"""What a Dockerfile's labels say about its guest, and a daemon's words in the user's."""

from __future__ import annotations

import json
from base64 import b64encode
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from frameworks.diagnostics import Problems
from frameworks.spec import Text
from frontend.containerfile import Request, _bunnyfile, _stand_ins, judge, plan
from frontend.dockerui.instructions import UNKNOWN, Dockerfile
from frontend.failures import explain, with_lines
from frontend.gateway.errors import GatewayError
from frontend.lint.verdict import Verdict
from llb import Platform, Position, Range, SourceFile
from llb.pb import status_pb2

if TYPE_CHECKING:
    from frontend.session import Session

KEY = "com.urunc.unikernel."


def labels(
    text: str,
    config: dict[str, str],
    given: dict[str, str] | None = None,
    process: dict[str, object] | None = None,
    target: str = "",
) -> Request:
    data = json.dumps({"config": {"Labels": config, **(process or {})}}).encode()
    file = SourceFile("Dockerfile", text.encode(), "Dockerfile")
    return Request(file, data, given or {}, {}, Dockerfile(file.data, {}), target)


def test_defaults() -> None:
    made = _bunnyfile(labels("FROM x\n", {}), Text("Dockerfile"))
    assert (made.platforms.framework, made.platforms.monitor) == ("linux", "qemu")
    assert made.kernel is not None
    assert made.kernel.from_ == "source"
    assert made.init is None


def test_only_the_file_s_own_labels_count() -> None:
    text = f"FROM x\n# {KEY}initrd\nLABEL {KEY}hypervisor=firecracker\n"
    config = {f"{KEY}hypervisor": "firecracker", f"{KEY}binary": "/k"}
    text += f"# {KEY}binary\nLABEL x.{KEY}binary=/x {KEY}binary.more=/x\n"
    found = labels(text, config)
    assert found.keys() == {"hypervisor": "firecracker"}
    assert found.get(f"{KEY}hypervisor").at.start.line == 3
    (warning,) = found.ignored()
    assert f"{KEY}binary=/k" in warning.message
    assert labels("FROM x\n", {}, {f"{KEY}binary": "/k"}).keys() == {"binary": "/k"}


@pytest.mark.parametrize(
    "text",
    [
        'ENV NOTE="see com.urunc.unikernel.binary in the docs"',
        "RUN echo com.urunc.unikernel.binary=/k > /note",
        "RUN <<EOF\nLABEL com.urunc.unikernel.binary=/k\nEOF",
        "RUN true \\\n# LABEL com.urunc.unikernel.binary=/k\n  && false",
        "LABEL note='com.urunc.unikernel.binary=/k'",
        "LABEL note=a\\ com.urunc.unikernel.binary=/k",
        "ONBUILD LABEL com.urunc.unikernel.binary=/k",
        "FROM y AS other\nLABEL com.urunc.unikernel.binary=/k\nFROM x",
        "FROM y\nLABEL com.urunc.unikernel.binary=/k\nFROM x",
    ],
)
def test_a_label_s_name_elsewhere_is_not_the_label(text: str) -> None:
    """The base's label, which the file only mentions, tells how the base was booted."""
    found = labels(f"FROM x\n{text}\nCMD a\n", {f"{KEY}binary": "/evil"})
    assert found.keys() == {}
    assert [each.code for each in found.ignored()] == ["InheritedLabel"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("FROM x\nLABEL com.urunc.unikernel.binary=/k", 2),
        ("FROM x\nlabel a=b \\\n\n  # why\n  'com.urunc.unikernel.binary'=/k", 5),
        ("FROM x\nLABEL com.urunc.unikernel.binary /k", 2),
        ('# escape=`\nFROM x\nLABEL a=b `\n "com.urunc.unikernel.binary"=/k', 4),
        ("FROM x\nARG P=com.urunc\nENV Q=$P.unikernel\nLABEL ${Q}.${N:-binary}=/k", 4),
        ("FROM y AS Base\nLABEL com.urunc.unikernel.binary=/k\nFROM base", 2),
        ("ARG B=base\nFROM y AS base\nLABEL com.urunc.unikernel.binary=/k\nFROM ${B}", 3),
        ("FROM x\nCOPY <<'E' <<-F /\nLABEL a\nE\n\tF\nLABEL com.urunc.unikernel.binary=/k", 6),
        ("FROM x\r\nLABEL com.urunc.unikernel.binary=/k\r", 2),
        ("FROM x\nLABEL com.urunc.unikernel.binary=/a\nLABEL com.urunc.unikernel.binary=/k", 3),
    ],
)
def test_a_label_of_the_file_is_found_as_buildkit_finds_it(text: str, line: int) -> None:
    found = labels(f"{text}\n", {f"{KEY}binary": "/k"}).get(f"{KEY}binary")
    assert (found, found.at.start.line) == ("/k", line)
    start, end = found.at.start, found.at.end
    word = text.split("\n")[line - 1][start.character : end.character].strip("'\"")
    assert word in (f"{KEY}binary", "${Q}.${N:-binary}")


def test_the_stage_that_is_built_decides() -> None:
    text = f"FROM x AS a\nLABEL {KEY}binary=/a\nFROM x AS b\nLABEL {KEY}initrd=/b\n"
    config = {f"{KEY}binary": "/a", f"{KEY}initrd": "/b"}
    assert set(labels(text, config, target="A").keys()) == {"binary"}
    assert set(labels(text, config, target="0").keys()) == {"binary"}
    assert set(labels(text, config).keys()) == {"initrd", "mountRootfs"}


@pytest.mark.parametrize(
    ("given", "init"),
    [
        ({"block": "/root.ext2", "blkMntPoint": "/"}, "none"),
        ({"initrd": "/initrd"}, "none"),
        ({"block": "/data.ext2", "blkMntPoint": "/data"}, None),
        ({}, None),
    ],
)
def test_a_prebuilt_root_gets_no_init(given: dict[str, str], init: str | None) -> None:
    text = "FROM scratch\n" + "".join(f"LABEL {KEY}{k}={v}\n" for k, v in given.items())
    all = {KEY + name: value for name, value in given.items()}
    made = _bunnyfile(labels(text, all, process={"Cmd": ["/app"]}), Text("Dockerfile"))
    assert made.init == init
    asked = _bunnyfile(labels(text, all, {"hutch.init": "auto"}), Text("Dockerfile"))
    assert asked.init == "auto"


@pytest.mark.parametrize(
    ("process", "args", "word"),
    [
        ({}, ["/sbin/init", "-a"], "is now the image's command"),
        ({"Cmd": ["/other"]}, ["/other"], "is not used"),
        ({"Cmd": ["/sbin/init", "-a"]}, ["/sbin/init", "-a"], "says the same"),
        ({"Entrypoint": ["/sbin/init"], "Cmd": ["-a"]}, ["/sbin/init", "-a"], "says the same"),
    ],
)
@pytest.mark.parametrize("type", ["linux", "unikraft", "rumprun"])
def test_a_cmdline_label_is_the_command_or_is_warned_of(
    process: dict[str, object], args: list[str], word: str, type: str
) -> None:
    given = {"unikernelType": type, "binary": "/k", "cmdline": "/sbin/init  -a"}
    given["hypervisor"] = "hvt" if type == "rumprun" else "qemu"
    text = "FROM scratch\n" + "".join(f"LABEL {KEY}{k}='{v}'\n" for k, v in given.items())
    said = labels(text, {KEY + name: value for name, value in given.items()}, process=process)
    made = plan(said, Text("Dockerfile"), Platform("linux", "amd64"), None)
    assert "cmdline" not in made.keys
    assert [*(made.settings.entrypoint or ()), *(made.settings.cmd or ())] == args
    (found,) = (each for each in made.warnings if each.code == "DeprecatedCmdline")
    assert word in found.message
    assert found.at is not None
    assert found.at.start.line == 4


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "NoCommand"),
        ({f"{KEY}hypervisor": "firecracker"}, "UnusableRootfs"),
        ({f"{KEY}unikernelType": "rumprun", f"{KEY}hypervisor": "spt"}, "UnusableRootfs"),
    ],
)
def test_what_a_bunnyfile_is_warned_of(given: dict[str, str], code: str) -> None:
    given = {**given, f"{KEY}binary": "/k"}
    process: dict[str, object] = {} if code == "NoCommand" else {"Cmd": ["/a"]}
    said = labels("FROM scratch\n", {}, given, process=process)
    made = plan(said, Text("Dockerfile"), Platform("linux", "amd64"), None)
    assert [found.code for found in made.warnings] == [code]


@pytest.mark.parametrize(
    ("text", "given", "args", "line"),
    [
        ("LABEL hutch.init=none\nUSER 1\n", {}, {}, 2),
        ("USER 1\nLABEL bunny.urunit=false\n", {}, {}, 3),
        ("WORKDIR /srv\n", {"hutch.init": "none"}, {}, 1),
        ("ENV A='b c'\n", {}, {"HUTCH_INIT": "none"}, 1),
        ("CMD a b\nLABEL hutch.init=none\n", {}, {}, 3),
        ("USER 1\n", {}, {}, 0),
        ("USER root\nLABEL hutch.init=none\n", {}, {}, 0),
        # Ours cannot be put into a root that is a file: nobody asked for what is lost.
        (f"LABEL {KEY}initrd=/i\nUSER 1\n", {}, {}, 0),
        ("LABEL hutch.init=none\nUSER $FROM_THE_BASE\n", {}, {}, 0),
    ],
)
def test_what_is_lost_without_an_init(
    text: str, given: dict[str, str], args: dict[str, str], line: int
) -> None:
    """It is found at what switches the init off."""
    verdict = checked(f"FROM x\n{text}", given, args)
    assert verdict.problems is None
    found = [each for each in verdict.findings if each.code == "LostWithoutInit"]
    assert [each.at and each.at.start.line for each in found] == ([line] if line else [])


def checked(text: str, given: dict[str, str], args: dict[str, str], target: str = "") -> Verdict:
    file = SourceFile("Dockerfile", text.encode())
    platform = Platform("linux", "amd64")
    return judge(file, platform, args=args, labels=given, target=target, epoch=None)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"FROM scratch\nLABEL {KEY}x=y", "unknown-key"),
        (f"FROM x\nARG A=y\nENV B=${{A}}2\nLABEL {KEY}x=$B", "unknown-key"),
        (f"FROM y AS b\nENV K=qemo\nFROM b\nLABEL {KEY}hypervisor=$K", "unsupported-monitor"),
        (f"FROM scratch\nLABEL {KEY}hypervisor=$K", "unsupported-monitor"),  # it is empty
        (f"FROM x\nLABEL {KEY}hypervisor=$K {KEY}x=y", ""),  # the base may say K
        ("FROM x\nLABEL other=$K hutch.kernel=local", "missing-key"),
        (f"FROM scratch AS a\nLABEL {KEY}x=y\nFROM scratch", "NoCommand"),
        ("FROM x", ""),  # the base may have a command
        ("FROM scratch\nSHELL ['x']\nCMD a", ""),
        (f"FROM x\nLABEL {KEY}cmdline=a", ""),  # and an entrypoint
        (f'FROM x\nLABEL {KEY}cmdline=a\nENTRYPOINT ["b"]', "DeprecatedCmdline"),
        ("# check=error=true\nFROM scratch", "NoCommand"),
    ],
)
def test_what_the_text_alone_tells(text: str, code: str) -> None:
    verdict = checked(text + "\n", {}, {})
    found = [*verdict.findings, *(verdict.problems.diagnostics if verdict.problems else ())]
    assert {each.code for each in found} == ({code} if code else set())
    assert verdict.fails is text.startswith("# check=error")
    assert not checked(text + "\n", {}, {}, target="none").findings


def test_the_config_that_a_text_tells() -> None:
    text = (
        'FROM x AS a\nENV P=/p\nCMD ["c"]\nFROM a\nUSER $U\nWORKDIR $P\nWORKDIR b/..\n'
        'SHELL ["/sh", "-x"]\nENTRYPOINT e  $f\nENV Q="$P q" R=$S\nCMD []\n'
    )
    config = Dockerfile(text.encode(), {}).process("")
    env = {"P": "/p", "U": UNKNOWN, "S": UNKNOWN, "f": UNKNOWN, "Q": "/p q", "R": UNKNOWN}
    assert set(config.pop("Env")) == {f"{name}={value}" for name, value in env.items()}
    assert config == {
        "WorkingDir": "/p",
        "Entrypoint": ["/sh", "-x", "e  $f"],
        "Cmd": [],
        "Labels": {},
    }
    assert Dockerfile(text.encode(), {}).process("a")["Cmd"] == ["c"]


def test_a_base_whose_files_are_packed() -> None:
    config = {f"{KEY}initrd": "/.boot/rootfs", f"{KEY}unikernelType": "linux"}
    with pytest.raises(Problems) as raised:
        plan(
            labels("FROM scratch AS a\nFROM made\n", config),
            Text("Dockerfile"),
            Platform("linux", "amd64"),
            None,
        )
    (found,) = raised.value.diagnostics
    assert (found.code, found.at and found.at.start.line) == ("packed-base", 2)


@pytest.mark.parametrize(
    ("given", "mounted"),
    [
        ({"initrd": "/i"}, "false"),
        ({"block": "/b", "blkMntPoint": "/"}, "false"),
        ({"block": "/b", "blkMntPoint": "/data"}, None),
        ({"initrd": "/i", "mountRootfs": "true"}, "true"),
        ({}, None),
    ],
)
def test_mount_rootfs_follows(given: dict[str, str], mounted: str | None) -> None:
    found = labels("FROM x\n", {}, {KEY + name: value for name, value in given.items()}).keys()
    assert found.get("mountRootfs") == mounted


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({f"{KEY}unikernelType": "unikraft"}, "missing-kernel"),
        ({f"{KEY}unikernelType": "linus"}, "unknown-framework"),
        ({"hutch.kernel": "local"}, "missing-key"),
    ],
)
def test_what_makes_no_sense(given: dict[str, str], code: str) -> None:
    with pytest.raises(Problems) as raised:
        _bunnyfile(labels("FROM x\n", {}, given), Text("Dockerfile"))
    assert [found.code for found in raised.value.diagnostics] == [code]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"bootKernel": "/boot/x"}, "reserved-annotation"),
        ({"hypervisr": "qemu"}, "unknown-key"),
        ({"binary": "/a b"}, "bad-path"),
        ({"block": "../z", "blkMntPoint": "/"}, "bad-path"),
        ({"block": "/z"}, "missing-key"),
        ({"blkMntPoint": "/z"}, "missing-key"),
        ({"mountRootfs": "yes"}, "bad-value"),
        ({"solo5NetDev": "net-0"}, "bad-value"),
    ],
)
def test_keys_that_urunc_would_not_take(given: dict[str, str], code: str) -> None:
    (name, value), *_ = given.items()
    text = f"FROM x\nLABEL {KEY}{name}='{value}'\n"
    with pytest.raises(Problems) as raised:
        labels(text, {}, {KEY + name: value for name, value in given.items()}).keys()
    (found,) = raised.value.diagnostics
    assert (found.code, found.at and found.at.start.line) == (code, 2)


@pytest.mark.parametrize(("type", "mounted"), [("linux", True), ("mirage", False)])
def test_guests_that_cannot_mount_the_image(type: str, mounted: bool) -> None:
    given = {f"{KEY}unikernelType": type, f"{KEY}binary": "/k"}
    if type == "mirage":
        given[f"{KEY}hypervisor"] = "spt"
    made = plan(labels("FROM x\n", {}, given), Text("Dockerfile"), Platform("linux", "amd64"), None)
    assert made.rootfs.type == "raw"
    assert (made.keys.get("mountRootfs", "true") == "true") is mounted


@pytest.mark.parametrize(("label", "init"), [("false", "none"), ("true", None)])
def test_bunny_s_own_label(label: str, init: str | None) -> None:
    made = _bunnyfile(labels("FROM x\n", {}, {"bunny.urunit": label}), Text("Dockerfile"))
    assert made.init == init


def failure(message: str, filename: str) -> GatewayError:
    status = status_pb2.Status(code=2, message=message)
    source = {
        "info": {"filename": filename},
        "ranges": [{"start": {"line": 7}, "end": {"line": 7}}],
    }
    status.details.add(
        type_url="github.com/moby/buildkit/errdefs.Source+json", value=json.dumps(source).encode()
    )
    return GatewayError(status)


def test_a_missing_file_is_explained_at_its_line() -> None:
    file = SourceFile("bunnyfile", b"")
    message = 'failed to calculate checksum of ref a::b: "/hello": not found'
    problems = explain(failure(message, "bunnyfile"), file)
    assert problems is not None
    (found,) = problems.diagnostics
    assert (found.code, found.at and found.at.start.line) == ("no-such-file", 7)
    assert "'/hello'" in found.message
    assert explain(failure(message, "Dockerfile"), file) is None
    assert explain(failure("exit code: 1", "bunnyfile"), file) is None


def test_an_old_daemon_blames_a_line_in_its_own_words() -> None:
    """BuildKit 0.8 of Docker 20.10: other names for a position, another message."""
    status = status_pb2.Status(code=2)
    status.message = 'failed to compute cache key: "/hello" not found: not found'
    ranges = [{"start": {"Line": 2, "Character": 2}, "end": {"Line": 2, "Character": 8}}]
    info = {"filename": "bunnyfile", "data": b64encode(b"include:\n- hello\n").decode()}
    status.details.add(
        type_url="github.com/moby/buildkit/errdefs.Source+json",
        value=json.dumps({"info": info, "ranges": ranges}).encode(),
    )
    problems = explain(GatewayError(status), SourceFile("bunnyfile", b""))
    assert problems is not None
    (found,) = problems.diagnostics
    assert (found.code, found.at) == ("no-such-file", Range(Position(2, 2), Position(2, 8)))
    said = with_lines(GatewayError(status)).message
    assert said.startswith(
        status.message + "\nbunnyfile:2\n   1 |     include:\n   2 | >>> - hello\n"
    )
    assert with_lines(failure("exit code: 1", "bunnyfile")).message.startswith("exit code: 1\n")


def test_a_monitor_that_nobody_knows_has_no_images_of_its_own() -> None:
    """The plan says that there is none, at the label's line; no image is asked for before."""
    labels = 'com.urunc.unikernel.unikernelType="unikraft" com.urunc.unikernel.hypervisor="qemuu"'
    text = f"FROM unikraft.org/base\nLABEL {labels} com.urunc.unikernel.binary=/k\n"
    session = SimpleNamespace(options=SimpleNamespace(labels={}, target=""))
    platform = Platform("linux", "amd64")
    assert _stand_ins(cast("Session", session), Dockerfile(text.encode(), {}), platform) == {}
    problems = judge(
        SourceFile("Dockerfile", text.encode()), platform, args={}, labels={}, target="", epoch=None
    ).problems
    assert problems is not None
    assert [found.code for found in problems.diagnostics] == ["unsupported-monitor"]
