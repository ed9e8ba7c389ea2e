"""The init programs' portable parts: configuration, arguments, accounts, filesystem marks.

They are C; a driver is compiled once, with the address and undefined-behaviour sanitizers.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import frameworks
from frameworks.init.config import render
from frameworks.process import Process
from frameworks.rootfs.filesystems import TABLE
from tests.places import ROOT

HERE = Path(__file__).parent
SOURCES = ROOT / "frameworks" / "init"

PARTS = ("config.c", "args.c", "environment.c", "fstype.c", "accounts.c", "volumes.c")

Driver = Callable[..., bytes]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Driver:
    """Run one command of the driver: its standard output for arguments and standard input."""
    program = tmp_path_factory.mktemp("init") / "driver"
    parts = [SOURCES / name for name in PARTS]
    flags = ["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror"]
    flags += ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", f"-I{SOURCES}"]
    command = ["gcc", *flags, "-o", str(program), str(HERE / "driver.c"), *map(str, parts)]
    subprocess.run(command, check=True)

    def run(*arguments: str, data: bytes = b"") -> bytes:
        done = subprocess.run([program, *arguments], input=data, capture_output=True, check=False)
        assert done.returncode in (0, 3), done.stderr.decode()
        return done.stdout if done.returncode == 0 else b"none"

    return run


def fields(output: bytes) -> list[tuple[str, str]]:
    found = []
    for entry in output.split(b"\0")[:-1]:
        name, _, value = entry.partition(b"=")
        found.append((name.decode(), value.decode("latin-1")))
    return found


def lines(*records: str) -> bytes:
    return "".join(f"{record}\n" for record in records).encode()


def nuls(*records: str) -> bytes:
    return b"".join(record.encode() + b"\0" for record in ("URUNIT1", *records))


FORMATS = pytest.mark.parametrize("wire", [lines, nuls], ids=["lines", "nuls"])


@FORMATS
def test_config_as_urunc_writes_it(driver: Driver, wire: Callable[..., bytes]) -> None:
    data = wire(
        *("UES", "PATH=/usr/bin", "FOO=a b", "UEE"),
        *("UCS", "UID:1000", "GID:1001", "WD:/tmp", "UCE"),
        *("UBS", "ID:vol0", "MP:/data", "ID:annot_vol", "MP:/srv/x", "UBE"),
    )
    assert fields(driver("config", data=data)) == [
        ("env", "PATH=/usr/bin"),
        ("env", "FOO=a b"),
        ("uid", "1000"),
        ("gid", "1001"),
        ("workdir", "/tmp"),
        ("id", "vol0"),
        ("mount", "/data"),
        ("id", "annot_vol"),
        ("mount", "/srv/x"),
    ]


@FORMATS
def test_config_with_everything_else(driver: Driver, wire: Callable[..., bytes]) -> None:
    data = wire(
        *("UCS", "ARC:3", "ARV:/bin/sh", "ARV:-c", "ARV:echo 'a  b' \"c\"", "ARV:"),
        *("RLIMIT:RLIMIT_NOFILE:1024:18446744073709551615", "WD:", "FUTURE:1", "UCE"),
        *("UNS", "IP:10.1.2.3", "GW:10.1.2.1", "MSK:255.255.255.0", "DNS:10.1.2.53", "DNS:::1"),
        *("UNE", "PAD", "PAD"),
    )
    assert fields(driver("config", data=data)) == [
        ("workdir", ""),
        ("arg", "/bin/sh"),
        ("arg", "-c"),
        ("arg", "echo 'a  b' \"c\""),
        ("arg", ""),
        ("limit", "RLIMIT_NOFILE"),
        ("values", "1024:18446744073709551615"),
        ("ip", "10.1.2.3"),
        ("gateway", "10.1.2.1"),
        ("netmask", "255.255.255.0"),
        ("server", "10.1.2.53"),
        ("server", "::1"),
    ]


@FORMATS
def test_only_the_whole_word_ends_a_section(driver: Driver, wire: Callable[..., bytes]) -> None:
    data = wire("UES", "UEEFOO=1", "UCS=2", "X=UEE", "UEE", "UCS", "UIDX:7", "UCE")
    names = fields(driver("config", data=data))
    assert names == [("env", "UEEFOO=1"), ("env", "UCS=2"), ("env", "X=UEE")]


def test_values_with_newlines(driver: Driver) -> None:
    value = "KEY=-----BEGIN\nUEE\nUCS\nend"
    assert fields(driver("config", data=nuls("UES", value, "B=2", "UEE"))) == [
        ("env", value),
        ("env", "B=2"),
    ]
    # In the line format what is no assignment belongs to the value above it.
    data = lines("UES", "A=one", "two words", "", "B=2", "UEE")
    assert fields(driver("config", data=data)) == [("env", "A=one\ntwo words\n"), ("env", "B=2")]


@pytest.mark.parametrize(
    "value",
    [
        "KEY=a\nLD_PRELOAD=/x",
        "KEY=-----BEGIN KEY-----\nUEE\nUCS\nUID:0\nUCE\n-----END KEY-----",
        "KEY=\n\n=\n",
        "KEY=a\nB=2",
    ],
)
def test_values_with_newlines_that_the_image_has(driver: Driver, value: str) -> None:
    """Lines cannot carry them; where the text is the image's, its value is known."""
    known = ["OTHER=x\ny", value, "KEY2=a\nb"]
    data = lines("UES", "A=1", value, "B=2", "UEE", "UCS", "UID:7", "UCE")
    expected = [("env", "A=1"), ("env", value), ("env", "B=2"), ("uid", "7")]
    assert fields(driver("config", *known, data=data)) == expected
    # The last one, whatever follows it; and where values are whole, nothing is guessed.
    assert fields(driver("config", *known, data=lines("UES", value, "UEE"))) == [("env", value)]
    data = nuls("UES", "KEY=a", "LD_PRELOAD=/x", "UEE")
    assert len(fields(driver("config", "KEY=a\nLD_PRELOAD=/x", data=data))) == 2


def test_other_values_than_the_images(driver: Driver) -> None:
    known = ["KEY=a\nb=c", "PEM=x\ny"]
    data = lines("UES", "KEY=a", "b=d", "PEM=x", "yes", "z", "UEE")
    assert fields(driver("config", *known, data=data)) == [
        ("env", "KEY=a"),
        ("env", "b=d"),
        ("env", "PEM=x\nyes\nz"),
    ]
    assert fields(driver("config", *known, data=b"UES\nKEY=a")) == [
        ("wrong", "the environment has no end (UEE)"),
        ("env", "KEY=a"),
    ]


KEY = "M" * 64


@pytest.mark.parametrize(
    ("records", "values"),
    [
        # Only a name can begin a variable.
        (["A=1", "1=2", "x y=3", "a/b=4", "-c=5", "=6", "f(x)=7"], 1),
        (["A=1", "b=2", "_C.D-e=3", "F="], 4),
        # A key in PEM, whose last line may be padded.
        (["K=-----BEGIN KEY-----", KEY, "abcdefg=", "-----END KEY-----", "B="], 2),
        (["K=-----BEGIN KEY-----", KEY, "abcdef==", "-----END KEY-----", "BB=="], 1),
        (["K=-----BEGIN KEY-----", "abc=", "-----END KEY-----", "B=1"], 2),
        (["K=", KEY, KEY, "abc="], 1),
        # Variables without a value, below what is no such text.
        (["A=1", "ABC=", "ABCDEFG=", "B=2"], 4),
        (["A=one", "word", "ABC=", "B=second line", "ABCDEFG="], 4),
        (["A=one", "two words", "ABC="], 2),
    ],
)
def test_where_a_variable_begins(driver: Driver, records: list[str], values: int) -> None:
    found = fields(driver("config", data=lines("UES", *records, "UEE")))
    assert "\n".join(value for _, value in found) == "\n".join(records)
    assert len(found) == values


@pytest.mark.parametrize("pad", [b"\0", b"\0" * 511, b"PAD\n" * 100, b"PAD\n\0\0\0"])
def test_padding_of_a_block_device(driver: Driver, pad: bytes) -> None:
    data = lines("UES", "A=1", "UEE") + pad
    assert fields(driver("config", data=data)) == [("env", "A=1")]
    data = nuls("UES", "A=1", "UEE") + b"\0" * len(pad)
    assert fields(driver("config", data=data)) == [("env", "A=1")]


def test_the_end_may_be_missing_its_separator(driver: Driver) -> None:
    assert fields(driver("config", data=b"UES\nA=1\nUEE")) == [("env", "A=1")]
    assert driver("config", data=b"") == b""


@pytest.mark.parametrize(
    ("records", "wrong"),
    [
        (("UES", "A=1"), "the environment has no end (UEE)"),
        (("UCS", "UID:1"), "the process section has no end (UCE)"),
        (("UCS", "UID:x", "UCE"), "UID is not a number"),
        (("UCS", "UID:", "UCE"), "UID is not a number"),
        (("UCS", "UID:-1", "UCE"), "UID is not a number"),
        (("UCS", "GID:4294967296", "UCE"), "GID is not a number"),
        (("UCS", "GID:99999999999999999999999", "UCE"), "GID is not a number"),
        (("UCS", "RLIMIT:NOFILE:1", "UCE"), "a resource limit is not RLIMIT:type:soft:hard"),
        (("UCS", "RLIMIT:NOFILE:1:x", "UCE"), "a resource limit is not a number"),
        (("UCS", "RLIMIT:N:1:18446744073709551616", "UCE"), "a resource limit is not a number"),
        (("UBS", "ID:a", "ID:b", "UBE"), "a volume has no mount point"),
        (("UBS", "ID:a", "UBE"), "a volume has no mount point"),
        (("UBS", "MP:/a", "UBE"), "a mount point has no volume"),
        (("UBS", "ID:a", "MP:a", "UBE"), "a volume's mount point is not an absolute path"),
        (("UBS", "ID:a", "MP:/a"), "the volumes have no end (UBE)"),
        (("UNS", "IP:1"), "the network section has no end (UNE)"),
        (("HELLO",), "something that is no section"),
    ],
)
@FORMATS
def test_malformed(
    driver: Driver, wire: Callable[..., bytes], records: tuple[str, ...], wrong: str
) -> None:
    assert ("wrong", wrong) in fields(driver("config", data=wire(*records)))


def test_a_stray_nul_is_noticed(driver: Driver) -> None:
    assert fields(driver("config", data=b"UES\nA=1\0B=2\nUEE\n")) == [
        ("wrong", "a NUL in the middle of the lines")
    ]


def test_huge_configuration(driver: Driver) -> None:
    records = [f"VAR{i}={'x' * 1000}" for i in range(5000)]
    found = fields(driver("config", data=nuls("UES", *records, "UEE", "UCS", "WD:/", "UCE")))
    assert len(found) == 5001
    assert found[4999] == ("env", records[4999])


def test_what_the_build_writes_is_what_init_reads(driver: Driver) -> None:
    process = Process(
        entrypoint=("/bin/app",),
        cmd=("", "a b", "line\nline", "--x='y'"),
        env={"A": "1", "PEM": "x\ny=z\n"},
        user="www:data",
        workdir="/srv/app dir",
        ports=("80/tcp", "53/udp"),
    )
    assert fields(driver("config", data=render(process))) == [
        ("env", "A=1"),
        ("env", "PEM=x\ny=z\n"),
        ("user", "www:data"),
        ("workdir", "/srv/app dir"),
        ("port", "80/tcp"),
        ("port", "53/udp"),
        ("arg", "/bin/app"),
        ("arg", ""),
        ("arg", "a b"),
        ("arg", "line\nline"),
        ("arg", "--x='y'"),
    ]
    assert ("uid", "0") in fields(driver("config", data=render(Process())))
    ended = fields(driver("config", data=render(Process(), power_off=True)))
    assert ("end", "poweroff") in ended
    with pytest.raises(ValueError, match="NUL"):
        render(Process(cmd=("a\0b",)))


# --- Arguments ----------------------------------------------------------------------------------


def as_urunc(arguments: Sequence[str], trims: bool = False) -> str:
    """The tail of a kernel command line as urunc writes it (docs/contract/urunc.md 2.2); newer
    ones trim all."""
    words = []
    for argument in arguments:
        trimmed = argument.strip()
        plain = trimmed if trims else argument
        words.append(f"'{trimmed}'" if trimmed.find(" ") > 0 else plain)
    return " ".join(words)


def restore(driver: Driver, cmdline: str) -> list[str]:
    words = driver("cmdline", data=cmdline.encode())
    return driver("join", data=words).decode().split("\0")[:-1]


@pytest.mark.parametrize(
    "arguments",
    [
        ["/bin/app"],
        ["/bin/sh", "-c", "echo hi there"],
        # What follows the first argument with spaces counts, too.
        ["/bin/sh", "-c", "echo a b", "x", "y z", "last"],
        ["a b", "c d", "e f"],
        ["sh", "-c", "echo 'hi there'"],
        ["sh", "-c", "echo 'hi there' && ls 'a b' 'c d'", "tail"],
        ["sh", "-c", "FOO='a b' exec prog", "x y"],
        ["x", "'a b' c", "d"],
        ["x", "'a b'", "d e"],
        ["say", "it's here", "it's there"],
        ["say", "it's here", "x", "don't do that", "y"],
        ["printf", 'a "b c" d', '"q"'],
        ["two", "a  b   c"],
        ["empty", "", "x"],
        ["tab", "a\tb", "new\nline"],
        ["quote", "'one'", "'", "''"],
        ["daemon", "-g", "daemon off; worker_processes 1;"],
        ["--", "-x", "--", "a -- b"],
        ["ünï", "cö dé", "日本 語"],
    ],
    ids=lambda arguments: "|".join(arguments).replace("\n", "^"),
)
def test_arguments_come_back(driver: Driver, arguments: list[str]) -> None:
    cmdline = f"panic=-1 console=ttyS0 root=/dev/vda rw init=/urunit -- {as_urunc(arguments)}"
    assert restore(driver, cmdline) == arguments
    assert restore(driver, cmdline + "\n") == arguments


@pytest.mark.parametrize(
    "arguments",
    [
        ["/bin/app"],
        ["redis-server", "--save", ""],
        ["a", "", "", "b c", ""],
        ["say", "it's ' not ' balanced", "x'"],
        ["a\tb", "  padded word  ", "trailing ", "x"],
        [],
    ],
)
def test_the_images_own_arguments_are_known(driver: Driver, arguments: list[str]) -> None:
    def match(cmdline: str, words: list[str]) -> bool:
        data = "".join(f"{word}\0" for word in [cmdline, *words]).encode()
        return driver("match", data=data) == b"1"

    assert match(f"console=ttyS0 init=/urunit -- {as_urunc(arguments, trims=True)}", arguments)
    cmdline = f"console=ttyS0 init=/urunit -- {as_urunc(arguments)}"
    assert match(cmdline, arguments)
    # Monitors and kernels may trim the end.
    assert match(f"{cmdline.rstrip()}\n", arguments)
    assert not match(f"{cmdline} x", arguments)
    assert not match(cmdline, [*arguments, "y"])
    assert not match("console=ttyS0", arguments)
    if arguments:
        assert not match(cmdline, ["other", *arguments[1:]])


def test_all_of_very_many_arguments(driver: Driver) -> None:
    arguments = [f"word number {i}" if i % 2 else f"--flag{i}" for i in range(3000)]
    assert restore(driver, f"-- {as_urunc(arguments)}") == arguments
    long = ["sh", "-c", "echo " + "x" * 100_000 + " y", "end"]
    assert restore(driver, f"-- {as_urunc(long)}") == long


def test_a_quote_that_nothing_closes_is_a_quote(driver: Driver) -> None:
    assert restore(driver, "-- 'a b c") == ["'a", "b", "c"]
    assert restore(driver, "-- '") == ["'"]
    # Unbalanced inside: it ends at the first word that can end it.
    assert restore(driver, "-- 'a 'b c' d") == ["a 'b c", "d"]


def test_where_the_arguments_begin(driver: Driver) -> None:
    assert driver("cmdline", data=b"console=ttyS0 quiet") == b"none"
    assert driver("cmdline", data=b'x="a -- b" y') == b"none"
    assert driver("cmdline", data=b"a --b c") == b"none"
    assert driver("cmdline", data=b"init=/urunit -- ") == b""
    assert driver("cmdline", data=b"init=/urunit --") == b""
    assert driver("cmdline", data=b"-- a") == b"a\0"


@pytest.mark.parametrize(
    ("typed", "arguments"),
    [
        ('/bin/sh -c "echo hi there" x', ["/bin/sh", "-c", "echo hi there", "x"]),
        ("/bin/sh -c 'echo \"a b\"; x=1'", ["/bin/sh", "-c", 'echo "a b"; x=1']),
        ("sh -c \"grep -E 'a|b' f\" \"one\" 'two'", ["sh", "-c", "grep -E 'a|b' f", "one", "two"]),
        ("a   b  c", ["a", "b", "c"]),
        ("a \"b  c\" ''", ["a", "b  c", ""]),
        ('say "unclosed', ["say", '"unclosed']),
    ],
)
def test_typed_by_hand(driver: Driver, typed: str, arguments: list[str]) -> None:
    words = driver("cmdline", data=f"console=ttyS0 -- {typed}".encode())
    assert driver("join", "by-hand", data=words).decode().split("\0")[:-1] == arguments


def test_words_of_the_kernel_are_recognised(driver: Driver) -> None:
    def same(one: list[str], other: list[str]) -> bool:
        data = "\0".join([*one, "", *other]).encode() + b"\0"
        return driver("same", data=data) == b"1"

    assert same(["sh", "-c", "'echo", '"a', "b\"'"], ["sh", "-c", "'echo", "a b'"])
    assert same(["a", "b"], ["a b"])
    assert not same(["a"], ["b"])
    assert not same(["a", "b"], ["a"])


@pytest.mark.parametrize(
    ("cmdline", "argv", "same"),
    [
        ("quiet -- a b", ["a", "b"], True),
        # A value that was cut at blanks: its rest is no argument of the application's.
        ('A=one two "three" init=/urunit -- a b', ["two", "three", "a", "b"], True),
        ("A=one two -- ", ["two"], True),
        ("A=one two -- a", ["b", "a"], False),
        ("A=one two -- ", ["three"], False),
        ("A=onetwo -- a", ["two", "a"], False),
        # An initramfs starts init with words of its own.
        ("A=one two -- a", ["two", "b"], False),
    ],
)
def test_words_before_the_arguments(
    driver: Driver, cmdline: str, argv: list[str], same: bool
) -> None:
    data = "".join(f"{word}\0" for word in [cmdline, *argv]).encode()
    assert driver("from", data=data) == (b"1" if same else b"0")


# --- The environment of a urunc that has no configuration for an init -----------------------------

IMAGE = ["PATH=/bin", "MOTTO=more than one word", 'QUOTED=say "hi" now', "panic=no way", "a.b=c d"]


def environment(driver: Driver, cmdline: str, kernel: list[str], image: list[str]) -> list[str]:
    data = "".join(f"{word}\0" for word in [cmdline, *kernel, "/", *image]).encode()
    return driver("environment", data=data).decode().split("\0")[:-1]


def test_the_images_own_environment_is_whole(driver: Driver) -> None:
    cmdline = f"panic=-1 root=/dev/vda rw {' '.join(IMAGE)} init=/urunit -- /app --x=y z\n"
    kernel = ["HOME=/", "TERM=linux", "PATH=/bin", "MOTTO=more", "QUOTED=say"]
    assert environment(driver, cmdline, kernel, IMAGE) == [*IMAGE, "TERM=linux"]


def test_what_is_inside_of_a_value_is_no_variable(driver: Driver) -> None:
    image = ["TWO=a\nLD_PRELOAD=/x", "OPTS=-Dx=y FOO=bar z", "FOO=own"]
    cmdline = f"rw FOO=own {image[0]} {image[1]} init=/urunit -- /app"
    kernel = ["HOME=/", "FOO=bar", "TWO=a", "LD_PRELOAD=/x", "OPTS=-Dx=y"]
    assert environment(driver, cmdline, kernel, image) == image


def test_the_engines_environment_over_the_images(driver: Driver) -> None:
    """As in `docker run -e MOTTO=... -e NEW=...`, which puts PATH and HOSTNAME first."""
    given = ["PATH=/bin", "HOSTNAME=ab12", "MOTTO=less of words", "HOME=/my home", "NEW=a  b -x"]
    cmdline = f"root=fs0 rw {' '.join(given)} init=/urunit -- /app"
    kernel = ["HOME=/my", "TERM=linux", "PATH=/bin", "HOSTNAME=ab12", "MOTTO=less", "NEW=a"]
    assert environment(driver, cmdline, kernel, IMAGE[:2]) == [
        "PATH=/bin",
        "MOTTO=less of words",
        "HOME=/my home",
        "TERM=linux",
        "HOSTNAME=ab12",
        "NEW=a  b -x",
    ]
    # Without an environment in the image HOSTNAME tells who wrote the line.
    assert environment(driver, cmdline, kernel[3:], []) == [
        "HOSTNAME=ab12",
        "MOTTO=less of words",
        "NEW=a  b -x",
    ]


def test_an_environment_typed_by_hand(driver: Driver) -> None:
    """The kernel takes quotes as a shell does, and words without a value are its own."""
    cmdline = 'console=ttyS0 FOO="a b" BAR=c quiet HUTCH_DEBUG_EXIT=0x501 -- /app X=1 y'
    kernel = ["HOME=/", "TERM=linux", "FOO=a b", "BAR=c", "HUTCH_DEBUG_EXIT=0x501", "URUNIT_A=1"]
    assert environment(driver, cmdline, kernel, ["MOTTO=two words"]) == [
        "MOTTO=two words",
        "TERM=linux",
        "FOO=a b",
        "BAR=c",
    ]


# --- Accounts -------------------------------------------------------------------------------------

PASSWD = b"root:x:0:0:root:/root:/bin/sh\nwww:x:33:33::/var/www:/bin/false\nlost:x:77:5::\n"
GROUP = (
    b"root:x:0:\nwww:x:33:\nvideo:x:44:root,www\naudio:x:29:www\nwwwx:x:30:xwww,wwwy\nbad:x::www"
)


@pytest.mark.parametrize(
    ("who", "found"),
    [
        ("", "0:0 root /root 0 44"),
        ("root", "0:0 root /root 0 44"),
        ("www", "33:33 www /var/www 33 44 29"),
        ("33", "33:33 www /var/www 33 44 29"),
        # A group that is named stands alone, as in a container.
        ("www:video", "33:44 www /var/www 44"),
        ("33:7", "33:7 www /var/www 7"),
        ("lost", "77:5 lost / 5"),
        ("1234", "1234:0  / 0"),
        ("1234:5678", "1234:5678  / 5678"),
        ("nobody", "no such user in /etc/passwd"),
        ("www:nogroup", "no such group in /etc/group"),
        ("4294967296", "no such user in /etc/passwd"),
    ],
)
def test_accounts(driver: Driver, who: str, found: str) -> None:
    assert driver("account", who, data=PASSWD + b"\0" + GROUP).decode() == found


def test_accounts_without_files(driver: Driver) -> None:
    assert driver("account", "1000:1000", data=b"\0").decode() == "1000:1000  / 1000"
    many = b"".join(b"g%d:x:%d:www\n" % (i, i) for i in range(1000, 2000))
    found = driver("account", "www", data=PASSWD + b"\0" + many).decode().split()
    assert len(found) == 3 + 256


# --- Volumes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "serials", "ids", "disks"),
    [
        # QEMU: by serial number, whatever the order.
        (1, ["rootfs", "vol1", "vol0"], ["vol0", "vol1"], [2, 1]),
        # Firecracker and Cloud Hypervisor: by the order, the root aside.
        (1, ["", "", ""], ["FCvol0", "FCvol1"], [1, 2]),
        (1, ["a1b2", "c3d4"], ["annot_vol"], [1]),
        (0, ["", ""], ["vol0"], [0]),
        # One that is missing gets no other's disk.
        (1, ["rootfs", "vol1"], ["vol0", "vol1"], [-1, 1]),
        (1, ["rootfs", "", "vol1"], ["vol0", "vol1"], [-1, 2]),
        (1, ["", ""], ["vol0", "vol1"], [1, -1]),
        # No disk is mounted twice, and the root never.
        (0, ["vol0", "other"], ["vol0", "vol0"], [0, -1]),
        (1, ["vol0", "x"], ["vol0"], [1]),
        # virtio cuts a serial number at 20 bytes.
        (0, ["12345678901234567890"], ["12345678901234567890abc"], [0]),
        (0, ["123456789", ""], ["123456789abc"], [0]),
        (0, [], ["vol0"], [-1]),
        (0, ["vol0"], [], []),
    ],
)
def test_disks_of_volumes(
    driver: Driver, first: int, serials: list[str], ids: list[str], disks: list[int]
) -> None:
    data = "".join(f"{word}\0" for word in [*serials, "/", *ids]).encode()
    found = driver("volumes", str(first), data=data).decode().split()
    assert [int(word) for word in found] == disks


# --- Filesystems ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "offset", "mark"),
    [
        ("ext4", 0x438, b"\x53\xef"),
        ("squashfs", 0, b"hsqs"),
        ("erofs", 1024, b"\xe2\xe1\xf5\xe0"),
        ("xfs", 0, b"XFSB"),
        ("btrfs", 0x10040, b"_BHRfS_M"),
        ("vfat", 0x36, b"FAT16   "),
        ("vfat", 0x52, b"FAT32   "),
        ("iso9660", 0x8001, b"CD001"),
    ],
)
def test_filesystem_marks(driver: Driver, name: str, offset: int, mark: bytes) -> None:
    head = bytearray(0x10048)
    head[offset : offset + len(mark)] = mark
    assert driver("fstype", data=bytes(head)).decode() == name
    # A device that ends in the middle of a mark has none.
    assert driver("fstype", data=bytes(head[: offset + 1])) == b""


@pytest.mark.parametrize("name", [each.name for each in frameworks.get("linux").guest.filesystems])
def test_what_a_guest_mounts_as_its_root_is_known_as_a_volume(driver: Driver, name: str) -> None:
    for offset, mark in TABLE[name].marks:
        head = bytearray(0x10048)
        head[offset : offset + len(mark)] = mark
        assert driver("fstype", data=bytes(head))


def test_real_filesystems(driver: Driver, tmp_path: Path) -> None:
    image = tmp_path / "image"
    for kind in ("ext2", "ext3", "ext4"):
        image.write_bytes(b"")
        image.touch()
        with image.open("wb") as file:
            file.truncate(4 << 20)
        subprocess.run(["/sbin/mke2fs", "-q", "-F", "-t", kind, image], check=True)
        assert driver("fstype", data=image.read_bytes()[:0x10048]) == b"ext4"


def test_nothing_breaks_on_random_input(driver: Driver) -> None:
    for seed in range(4):
        assert driver("fuzz", str(seed), "4000") == b""
    generator = random.Random(1)
    for _ in range(20):
        data = generator.randbytes(generator.randrange(2000))
        driver("config", data=data)
        driver("config", data=b"URUNIT1\0" + data)
        driver("fstype", data=data)


def test_the_seeds_of_the_fuzzer(tmp_path: Path) -> None:
    """`make fuzz-init` begins with them: each is read, whole and cut short."""
    names = (*PARTS, "bsd_disk.c", "bsd_net.c")
    sources = [HERE / "fuzz.c", HERE / "bsd_nothing.c"]
    sources += [SOURCES / name for name in names]
    flags = ["-std=gnu11", "-g", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-DREPLAY"]
    flags += ["-fsanitize=undefined", "-fno-sanitize-recover=all", f"-I{SOURCES}"]
    program = tmp_path / "replay"
    subprocess.run(["gcc", *flags, "-o", program, *sources], check=True)
    seeds = sorted((HERE / "seeds").iterdir())
    assert {seed.read_bytes()[:1] for seed in seeds} == {bytes([each]) for each in b"aceflnv"}
    for seed in seeds:
        data = seed.read_bytes()
        for size in {0, 1, len(data) // 3, len(data) // 2, len(data) - 1, len(data)}:
            subprocess.run([program], input=data[:size], check=True)
