"""The whole BSD init, from its first instruction, over a kernel that writes down what it asks.

`bsd_kernel.c` says how. The numbers and sizes below are the systems' own: sys/kern/syscalls.master
of NetBSD 10.99.12 and of FreeBSD 15 (__FreeBSD_version 1501502), and the headers that are named.
"""

from __future__ import annotations

import re
import socket
import struct
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tests.places import ROOT

HERE = Path(__file__).parent
SOURCES = ROOT / "frameworks" / "init"

BOTH = {
    1: "exit", 2: "fork", 3: "read", 4: "write", 5: "open", 6: "close", 10: "unlink", 12: "chdir",
    22: "unmount", 23: "setuid", 36: "sync", 54: "ioctl", 59: "execve", 90: "dup2", 136: "mkdir",
    147: "setsid", 181: "setgid", 195: "setrlimit", 202: "__sysctl",
}  # fmt: skip
FREEBSD = BOTH | {
    7: "wait4", 55: "reboot", 80: "freebsd14_setgroups", 97: "socket", 378: "nmount", 390: "kenv",
    416: "sigaction", 596: "setgroups",
}  # fmt: skip
NETBSD = BOTH | {
    80: "setgroups", 208: "reboot", 394: "socket", 410: "mount", 449: "wait4", 450: "mknod",
}  # fmt: skip
SYSTEMS = {"freebsd": FREEBSD, "netbsd": NETBSD}

# The console's number, ld's as a character and as a block device (sys/arch/amd64/conf/majors.amd64,
# aarch64/conf/majors.aarch64), how many partitions a disk has there, and which of them is the whole
# disk (amd64/include/disklabel.h; arm/include/disklabel.h: OLDMAXPARTITIONS).
DEVICES = {"netbsd": (0, 69, 19, 16, 3), "netbsd-arm64": (2, 92, 92, 8, 2)}

# The names that libc.c has in common with the library of the machine that runs the tests.
_OURS = (
    "malloc", "free", "memchr", "memcmp", "memcpy", "memmove", "memset", "strchr", "strcmp",
    "strcpy", "strcspn", "strlen", "strncmp", "strnlen",
)  # fmt: skip


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """For each system, its init with the kernel linked to it; memory is the init's own arena."""
    folder = tmp_path_factory.mktemp("start")
    flags = ["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", f"-I{SOURCES}"]
    flags += ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]

    def compiled(source: Path, *more: str) -> str:
        out = folder / f"{source.stem}.o"
        subprocess.run(["gcc", *flags, *more, "-c", "-o", out, source], check=True)
        return str(out)

    memory = ("-Dmalloc=hutch_malloc", "-Dfree=hutch_free")
    names = (
        "bsd.c",
        "bsd_say.c",
        "bsd_text.c",
        "bsd_disk.c",
        "bsd_files.c",
        "bsd_net.c",
        "bsd_process.c",
        "config.c",
        "accounts.c",
    )
    objects = [compiled(SOURCES / name, *memory) for name in names]
    renamed = [f"-D{name}=hutch_{name}" for name in _OURS]
    # Its own headers, or the renamed functions would be the library's declarations.
    freestanding = ["-ffreestanding", f"-I{SOURCES / 'freestanding'}"]
    objects.append(compiled(SOURCES / "freestanding" / "libc.c", *renamed, *freestanding))
    objects.append(compiled(HERE / "bsd_kernel.c"))
    built = {}
    # What netbsd.c knows of arm64 are numbers: they need no such machine.
    variants = {"freebsd": (), "netbsd": (), "netbsd-arm64": ("-U__x86_64__", *freestanding)}
    for name, more in variants.items():
        source = SOURCES / f"{name.partition('-')[0]}.c"
        own = compiled(source, *memory, *more, "-include", str(HERE / "bsd_kernel.h"))
        built[name] = folder / name
        subprocess.run(["gcc", *flags, "-o", built[name], own, *objects], check=True)
    return built


class World:
    """What a kernel of `system` finds: the guest's files, its disks and variables."""

    def __init__(self, folder: Path, name: str, program: Path) -> None:
        self.folder, self.program = folder, program
        self.system = system = name.partition("-")[0]
        self.calls = dict(SYSTEMS[system])
        (folder / "root").mkdir()
        if system == "freebsd":
            self.write("kenv", "vfs.root.mountfrom=ufs:/dev/vtbd0\n")
        else:
            self.write("rootdev", "ld0\n")
            self.write("devices", " ".join(map(str, DEVICES[name])))
        self.file("/bin/app", "", 0o755)
        self.write("disk0", "the root\n")

    def write(self, name: str, content: str | bytes) -> None:
        data = content.encode() if isinstance(content, str) else content
        (self.folder / name).write_bytes(data)

    def file(self, path: str, content: str, mode: int = 0o644) -> None:
        to = self.folder / "root" / path.lstrip("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(content)
        to.chmod(mode)

    def image(self, *records: str) -> None:
        """What the build left in the image."""
        self.file("/.hutch/init.conf", "\n".join(records) + "\n")

    def variable(self, name: str, value: str) -> None:
        assert self.system == "freebsd"
        with (self.folder / "kenv").open("a") as file:
            file.write(f"{name}={value}\n")

    def boot(self) -> list[str]:
        """Run it to its end; what the kernel noted."""
        calls = "".join(f"{number} {name}\n" for number, name in self.calls.items())
        self.write("calls", calls)
        done = subprocess.run(
            [self.program, self.folder], capture_output=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        log = (self.folder / "log").read_text().splitlines()
        assert not [line for line in log if line.startswith(("unknown", "sysctl", "write to"))]
        return log


Make = Callable[[str], World]


@pytest.fixture
def make(tmp_path: Path, programs: Mapping[str, Path]) -> Make:
    def made(name: str) -> World:
        return World(tmp_path, name, programs[name])

    return made


@pytest.fixture(params=SYSTEMS)
def world(request: pytest.FixtureRequest, make: Make) -> World:
    """Of each system in turn."""
    found = make(request.param)
    found.image(*APP)
    return found


APP = ("UES", "A=b c", "UEE", "UCS", "WD:/", "ARC:2", "ARV:/bin/app", "ARV:two words", "UCE")


def said(log: Sequence[str]) -> list[str]:
    """What was on the console."""
    return [line.removeprefix("say hutch-init: ") for line in log if line.startswith("say ")]


def calls(log: Sequence[str], *names: str) -> list[str]:
    """The calls of these names, in order."""
    return [line for line in log if line.split()[0] in names]


def test_from_the_first_call_to_the_last(world: World) -> None:
    log = world.boot()
    path = "PATH=/sbin:/bin:/usr/sbin:/usr/bin:/usr/pkg/sbin:/usr/pkg/bin:/usr/local/sbin:"
    assert calls(log, "execve") == [
        f"execve /bin/app </bin/app> <two words> {{A=b c}} {{{path}/usr/local/bin}} {{HOME=/}}"
    ]
    order = [line.split()[0] for line in log]
    assert order[-4:] == ["execve", "say", "sync", "reboot"]
    assert log[-1] == "reboot 0"  # RB_AUTOBOOT of both (sys/reboot.h)
    assert said(log) == ["exit status 0"]
    # TIOCSCTTY of both (sys/ttycom.h), in a session of its own.
    start = log.index("setsid")
    assert log[start + 1] == "ioctl 0x20007461 "
    assert "setuid" not in order


@pytest.mark.parametrize("type", ["ufs", "ext2fs"])
def test_the_root_of_freebsd(make: Make, type: str) -> None:
    """The kernel mounts it read-only; MNT_UPDATE is in sys/mount.h."""
    freebsd = make("freebsd")
    freebsd.image(*APP)
    freebsd.write("kenv", f"vfs.root.mountfrom={type}:/dev/vtbd0\n")
    assert freebsd.boot()[0] == f"mount fstype={type} fspath=/ noro flags 0x10000"


@pytest.mark.parametrize(
    ("name", "numbers", "disk"),
    [
        ("netbsd", {"console": 0, "tty": 1, "mem": 2, "random": 46}, "rld1d major 69 minor 19"),
        (
            "netbsd-arm64",
            {"console": 2, "tty": 3, "mem": 0, "random": 52},
            "rld1c major 92 minor 10",
        ),
    ],
)
def test_the_devices_of_netbsd(make: Make, name: str, numbers: dict[str, int], disk: str) -> None:
    """Their numbers are in the majors.* of `DEVICES`, their modes in etc/MAKEDEV.tmpl."""
    netbsd = make(name)
    netbsd.image(*APP)
    netbsd.write("disk1", disk_of(*OTHER))
    log = netbsd.boot()
    assert log[:3] == [
        "mount ffs / from nothing flags 0x10000 size 8",
        "mkdir /dev 755",
        "mount tmpfs /dev flags 0 version 1 mode 755 size 40",
    ]
    assert [line for line in log if line.startswith("mknod") and "ld" not in line] == [
        f"mknod /dev/console 20600 major {numbers['console']} minor 0",
        f"mknod /dev/tty 20666 major {numbers['tty']} minor 0",
        f"mknod /dev/null 20666 major {numbers['mem']} minor 2",
        f"mknod /dev/zero 20666 major {numbers['mem']} minor 12",
        f"mknod /dev/random 20444 major {numbers['random']} minor 0",
        f"mknod /dev/urandom 20644 major {numbers['random']} minor 1",
    ]
    device, _, number = disk.partition(" ")
    assert f"mknod /dev/{device} 20640 {number}" in log
    assert "<given>" in calls(log, "execve")[0]


def test_an_image_with_devices_keeps_them(make: Make) -> None:
    netbsd = make("netbsd")
    netbsd.image(*APP)
    netbsd.file("/dev/console", "")
    log = netbsd.boot()
    assert not [line for line in log if "tmpfs" in line or "/dev/null" in line]


@pytest.mark.parametrize(
    ("program", "status"), [("exit 0", 0), ("exit 4", 4), ("kill 9", 137), ("kill 15", 143)]
)
def test_exit_status(world: World, program: str, status: int) -> None:
    world.write("program", program)
    world.write("orphans", "2")
    assert said(world.boot()) == [f"exit status {status}"]


def test_a_program_that_there_is_not(world: World) -> None:
    world.image("UCS", "ARV:nothere", "UCE", "UES", "PATH=/bin:/other", "UEE")
    log = world.boot()
    assert [line.split()[1] for line in calls(log, "execve")] == ["/bin/nothere", "/other/nothere"]
    assert said(log) == ["cannot run nothere: error 2", "exit status 127"]


def test_a_program_that_cannot_be_run(world: World) -> None:
    world.file("/bin/text", "", 0o644)
    world.image("UCS", "ARV:text", "UCE", "UES", "PATH=/other:/bin", "UEE")
    assert said(world.boot()) == ["cannot run text: error 13", "exit status 126"]


PASSWD = "root:*:0:0::/root:/bin/sh\nweb:*:12:34::/srv:/sbin/nologin\n"
GROUP = "wheel:*:0:root\nlog:*:56:other,web\n"


def test_a_user_by_name(world: World) -> None:
    """Groups before the group, the group before the user, then the directory, then the program."""
    world.file("/etc/passwd", PASSWD)
    world.file("/etc/group", GROUP)
    world.file("/srv/x", "")
    world.image("UCS", "USR:web", "WD:/srv", "ARV:/bin/app", "UCE")
    log = world.boot()
    order = calls(log, "setgroups", "setgid", "setuid", "chdir", "execve")
    assert [line.split(" <")[0] for line in order] == [
        "setgroups 34 56",
        "setgid 34",
        "setuid 12",
        "chdir /srv",
        "execve /bin/app",
    ]
    assert "{HOME=/srv}" in order[-1]


def test_the_groups_of_freebsd_14(make: Make) -> None:
    """It has one call, which takes the effective group first; SIGSYS (12) must not end us."""
    freebsd = make("freebsd")
    freebsd.calls[80] = "setgroups"
    freebsd.write("fail", "setgroups15\n")
    freebsd.calls[596] = "setgroups15"
    freebsd.image("UCS", "USR:12:34", "ARV:/bin/app", "UCE")
    log = freebsd.boot()
    assert calls(log, "sigaction", "setgroups15", "setgroups") == [
        "sigaction 12 1",  # SIG_IGN
        "setgroups15 fails",
        "setgroups 34 34",
        "sigaction 12 0",  # SIG_DFL
    ]


@pytest.mark.parametrize("call", ["setgroups", "setgid", "setuid"])
def test_a_user_that_cannot_be_had(world: World, call: str) -> None:
    """Nothing runs as another than was asked for."""
    failing = [name for name in world.calls.values() if name.endswith(call)]
    world.write("fail", "\n".join(failing))
    world.image("UCS", "USR:12:34", "ARV:/bin/app", "UCE")
    log = world.boot()
    assert not calls(log, "execve")
    assert said(log) == ["cannot become the user 12:34", "exit status 125"]


def test_a_user_that_there_is_not(world: World) -> None:
    world.image("UCS", "USR:nobody", "ARV:/bin/app", "UCE")
    log = world.boot()
    assert not calls(log, "execve", "setuid")
    assert said(log)[-1] == "exit status 125"


def test_a_directory_that_there_is_not(world: World) -> None:
    world.image("UCS", "WD:/nowhere", "ARV:/bin/app", "UCE")
    assert said(world.boot()) == ["cannot go to the directory /nowhere", "exit status 125"]


def test_nothing_to_run(world: World) -> None:
    world.image("UES", "UEE")
    assert said(world.boot())[-1] == "exit status 125"


def test_limits_and_hostname(world: World) -> None:
    """Numbers of resources: sys/resource.h of both."""
    limits = ("RLIMIT:RLIMIT_NOFILE:10:20", "RLIMIT:AS:30:18446744073709551615", "RLIMIT:X:1:2")
    world.image("UCS", "HN:box", *limits, "ARV:/bin/app", "UCE")
    log = world.boot()
    assert calls(log, "setrlimit", "hostname") == [
        "hostname box",
        "setrlimit 8 10 20",
        f"setrlimit 10 30 {2**63 - 1}",
    ]
    assert said(log)[0] == "the limit X cannot be set"


# --- Where the configuration is found ---------------------------------------------------------

OTHER = ("UCS", "UID:5", "GID:6", "WD:/", "ARV:/bin/app", "ARV:given", "UCE")


def disk_of(*records: str, separator: str = "\n", size: int = 0) -> bytes:
    """A disk with a configuration, in whole sectors, in one wire format or the other."""
    head = ["URUNIT1"] if separator == "\0" else []
    data = "".join(record + separator for record in (*head, *records)).encode()
    return data.ljust(max(size, -(-len(data) // 512) * 512), b"\0")


@pytest.mark.parametrize("separator", ["\n", "\0"], ids=["lines", "NULs"])
def test_a_value_with_a_newline(world: World, separator: str) -> None:
    """Lines cannot carry it, which is how released uruncs hand it over; the image has it whole."""
    own = ("URUNIT1", "UES", "A=b\nC=d", "UEE", "UCS", "WD:/", "ARC:1", "ARV:/bin/app", "UCE")
    world.file("/.hutch/init.conf", "".join(f"{record}\0" for record in own))
    said = ("UES", "A=b\nC=d", "D=e", "UEE", "UCS", "WD:/", "ARC:1", "ARV:/bin/app", "UCE")
    world.write("disk1", disk_of(*said, separator=separator))
    if world.system == "freebsd":
        world.variable("URUNIT_CONFIG", "/dev/vtbd1")
    assert "{A=b\nC=d} {D=e} " in "\n".join(world.boot())


@pytest.mark.parametrize("separator", ["\n", "\0"], ids=["lines", "NULs"])
@pytest.mark.parametrize("size", [0, 1 << 20, 8 << 20])
def test_the_last_disk(world: World, separator: str, size: int) -> None:
    """Of any size: what is behind the text costs no memory."""
    world.write("disk1", disk_of("UCS", "ARV:/bin/wrong", "UCE"))
    world.write("disk2", disk_of(*OTHER, separator=separator, size=size))
    log = world.boot()
    # A section that the disk lacks is the image's.
    assert calls(log, "execve")[0].startswith("execve /bin/app </bin/app> <given> {A=b c}")
    assert calls(log, "setuid") == ["setuid 5"]


def test_a_disk_that_a_variable_names(make: Make) -> None:
    """Then no other disk is looked at, whatever it begins with."""
    freebsd = make("freebsd")
    freebsd.image(*APP)
    freebsd.write("disk1", disk_of(*OTHER))
    freebsd.write("disk2", disk_of("UCS", "ARV:/bin/wrong", "UCE"))
    freebsd.variable("URUNIT_CONFIG", "/dev/vtbd1")
    assert "<given>" in calls(freebsd.boot(), "execve")[0]


def test_a_file_that_a_variable_names(make: Make) -> None:
    freebsd = make("freebsd")
    freebsd.file("/etc/mine", "\n".join(OTHER) + "\n")
    freebsd.variable("URUNIT_CONFIG", "/etc/mine")
    assert "<given>" in calls(freebsd.boot(), "execve")[0]


def test_a_variable_that_names_nothing(make: Make) -> None:
    freebsd = make("freebsd")
    freebsd.image(*APP)
    freebsd.variable("URUNIT_CONFIG", "/dev/vtbd7")
    assert said(freebsd.boot()) == ["cannot read /dev/vtbd7", "exit status 125"]


@pytest.mark.parametrize("separator", ["\n", "\0"], ids=["lines", "NULs"])
def test_a_broken_configuration_runs_nothing(world: World, separator: str) -> None:
    world.write("disk1", disk_of("UES", "A=b", separator=separator))
    log = world.boot()
    assert not calls(log, "execve")
    disk = {"freebsd": "vtbd1", "netbsd": "rld1d"}[world.system]
    assert said(log) == [
        f"/dev/{disk} is not a configuration: the environment has no end (UEE)",
        "exit status 125",
    ]


# --- Volumes ----------------------------------------------------------------------------------


def ext2() -> bytes:
    disk = bytearray(4096)
    disk[0x438:0x43A] = b"\x53\xef"
    return bytes(disk)


def ufs() -> bytes:
    disk = bytearray(0x11000)
    struct.pack_into("<I", disk, 8192 + 1372, 0x011954)
    return bytes(disk)


def volumes(world: World, *pairs: tuple[str, str]) -> list[str]:
    """The mounts of a boot with these volumes, as "TYPE DISK PATH"."""
    records = [record for id, path in pairs for record in (f"ID:{id}", f"MP:{path}")]
    world.image(*APP, "UBS", *records, "UBE")
    pattern = {
        "freebsd": r"mount fstype=(\w+) fspath=(\S+) from=/dev/vtbd(\d+) flags 0$",
        "netbsd": r"mount (\w+) (\S+) from /dev/ld(\d+)d flags 0 size 8$",
    }[world.system]
    found = [re.match(pattern, line) for line in calls(world.boot(), "mount")]
    return [f"{match[1]} {match[3]} {match[2]}" for match in found if match]


def test_volumes_in_order(world: World) -> None:
    """Where no disk tells a serial number; the root and the configuration are none of them."""
    world.write("disk1", ext2())
    world.write("disk2", ufs())
    world.write("disk3", disk_of("UNS", "UNE"))
    made = volumes(world, ("a", "/data"), ("b", "/var/db/x"), ("c", "/none"))
    types = {"freebsd": ("ext2fs", "ufs"), "netbsd": ("ext2fs", "ffs")}[world.system]
    assert made == [f"{types[0]} 1 /data", f"{types[1]} 2 /var/db/x"]
    log = (world.folder / "log").read_text().splitlines()
    assert said(log)[0] == "there is no disk for the volume /none"
    assert calls(log, "mkdir")[-3:] == [
        "mkdir /var 755",
        "mkdir /var/db 755",
        "mkdir /var/db/x 755",
    ]
    # In the reverse order, before the end.
    assert calls(log, "unmount", "reboot") == ["unmount /var/db/x 0", "unmount /data 0", "reboot 0"]


def test_volumes_by_serial_number(make: Make) -> None:
    """Whatever their order; of a long name virtio keeps 20 characters."""
    freebsd = make("freebsd")
    long = "a-name-longer-than-20-characters"
    for number, serial in enumerate(("rootfs", "two", long[:20], "one")):
        freebsd.write(f"disk{number}", ext2())
        freebsd.write(f"serial{number}", serial)
    made = volumes(freebsd, ("one", "/1"), ("two", "/2"), (long, "/3"))
    assert made == ["ext2fs 3 /1", "ext2fs 1 /2", "ext2fs 2 /3"]


def test_a_volume_whose_disk_is_missing_gets_no_other(make: Make) -> None:
    freebsd = make("freebsd")
    for number, serial in enumerate(("rootfs", "two", "three")):
        freebsd.write(f"disk{number}", ext2())
        freebsd.write(f"serial{number}", serial)
    assert volumes(freebsd, ("one", "/1"), ("two", "/2"), ("rootfs", "/3")) == ["ext2fs 1 /2"]


def test_firecrackers_volumes_are_in_order(make: Make) -> None:
    """Its serial numbers are its own, and the runtime's names begin with FC."""
    freebsd = make("freebsd")
    for number in range(4):
        freebsd.write(f"disk{number}", ext2())
        freebsd.write(f"serial{number}", f"fc-{number}")
    freebsd.write("serial1", "two")
    made = volumes(freebsd, ("FCa", "/a"), ("two", "/2"), ("FCb", "/b"))
    assert made == ["ext2fs 2 /a", "ext2fs 1 /2", "ext2fs 3 /b"]


@pytest.mark.parametrize("root", ["ufs:/dev/vtbd1", "ufs:vtbd1", "ufs:/dev/vtbd1p2"])
def test_the_root_is_no_volume(make: Make, root: str) -> None:
    freebsd = make("freebsd")
    freebsd.write("kenv", f"vfs.root.mountfrom={root}\n")
    for number in range(3):
        freebsd.write(f"disk{number}", ext2())
    assert volumes(freebsd, ("a", "/a"), ("b", "/b")) == ["ext2fs 0 /a", "ext2fs 2 /b"]


def test_a_root_with_two_digits(world: World) -> None:
    names = {"netbsd": ("rootdev", "ld10"), "freebsd": ("kenv", "vfs.root.mountfrom=ufs:vtbd10")}
    world.write(*names[world.system])
    for number in (1, 10):
        world.write(f"disk{number}", ext2())
    assert volumes(world, ("a", "/a"), ("b", "/b"), ("c", "/c")) == ["ext2fs 1 /b"]


def test_a_volume_of_no_known_file_system(world: World) -> None:
    world.write("disk1", bytes(4096))
    assert volumes(world, ("a", "/a")) == []
    log = (world.folder / "log").read_text().splitlines()
    assert said(log)[0] == "the volume /a holds no file system that is known here"


# --- The network ------------------------------------------------------------------------------


def request(direction: int, group: str, number: int, size: int) -> int:
    """An ioctl's number, as _IOW and its kin make it (sys/ioccom.h of both)."""
    return direction | size << 16 | ord(group) << 8 | number


IN, INOUT = 0x80000000, 0xC0000000
# sys/sockio.h, net/if.h: struct ifreq has a name of 16 bytes and a union of 16, on NetBSD 128;
# struct ifaliasreq has a name and three addresses of 16 bytes, on FreeBSD an int more.
REQUESTS = {
    "freebsd": {
        "flags": request(IN, "i", 16, 32),
        "alias": request(IN, "i", 43, 68),
        "index": request(INOUT, "i", 32, 32),
        "get": request(INOUT, "i", 17, 32),
    },
    "netbsd": {
        "flags": request(IN, "i", 16, 144),
        "alias": request(IN, "i", 26, 64),
        "index": request(INOUT, "i", 140, 144),
        "get": request(INOUT, "i", 17, 144),
    },
}
INTERFACE = {"freebsd": b"vtnet0", "netbsd": b"vioif0"}
ROUTE = {"freebsd": (17, 5, 152, 54), "netbsd": (34, 4, 120, 32)}
"""AF_ROUTE (sys/socket.h), RTM_VERSION and sizeof(struct rt_msghdr) (net/route.h),
sizeof(struct sockaddr_dl) (net/if_dl.h)."""


def requests(log: Sequence[str], system: str, name: str) -> list[bytes]:
    wanted = f"{REQUESTS[system][name]:#x}"
    found = [line.split() for line in calls(log, "ioctl")]
    return [bytes.fromhex(words[2]) for words in found if words[1] == wanted]


def address(text: str) -> bytes:
    """A struct sockaddr_in of either system."""
    return b"\x10\x02\0\0" + socket.inet_aton(text) + bytes(8)


def network(world: World, *records: str) -> list[str]:
    world.write("disk1", disk_of("UNS", *records, "UNE"))
    return world.boot()


def test_loopback_alone(world: World) -> None:
    log = world.boot()
    (alias,) = requests(log, world.system, "alias")
    assert alias[:64] == b"lo0".ljust(16, b"\0") + address("127.0.0.1") + bytes(16) + address(
        "255.0.0.0"
    )
    (flags,) = requests(log, world.system, "flags")
    assert flags[:18] == b"lo0".ljust(16, b"\0") + b"\1\0"  # IFF_UP
    assert not calls(log, "route")


def test_an_address_and_a_gateway(world: World) -> None:
    log = network(world, "IP:10.0.2.15", "GW:10.0.2.2", "MSK:255.255.255.0")
    name = INTERFACE[world.system].ljust(16, b"\0")
    alias = requests(log, world.system, "alias")[1]
    broadcast = address("10.0.2.255")
    assert alias[:64] == name + address("10.0.2.15") + broadcast + address("255.255.255.0")
    assert requests(log, world.system, "flags")[1][:18] == name + b"\1\0"
    for asked in ("get", "index"):
        assert requests(log, world.system, asked)[-1].startswith(name)
    family, version, header, _ = ROUTE[world.system]
    assert calls(log, "socket")[-1] == f"socket {family} 3 0"  # SOCK_RAW
    (route,) = [bytes.fromhex(line.split()[1]) for line in calls(log, "route")]
    assert struct.unpack_from("<HBB", route) == (header + 48, version, 1)
    assert struct.unpack_from("<II", route, 8) == (0x803, 7)
    assert route[header:] == address("0.0.0.0") + address("10.0.2.2") + address("0.0.0.0")


def test_a_gateway_outside_the_network(world: World) -> None:
    """As some networks of Kubernetes have it: a route to the gateway first, by the interface."""
    log = network(world, "IP:10.0.2.15", "GW:169.254.1.1", "MSK:255.255.255.255")
    _, _, header, link = ROUTE[world.system]
    first, second = (bytes.fromhex(line.split()[1]) for line in calls(log, "route"))
    assert struct.unpack_from("<I", first, 8) == (0x805,)
    assert first[header : header + 16] == address("169.254.1.1")
    assert first[header + 16 : header + 20] == struct.pack("<BBH", link, 18, 7)
    assert second[header + 16 : header + 32] == address("169.254.1.1")


def test_a_default_route_by_the_interface(make: Make) -> None:
    freebsd = make("freebsd")
    freebsd.image(*APP)
    freebsd.variable("URUNIT_DEFROUTE", "1")
    log = network(freebsd, "IP:10.0.2.15", "MSK:255.255.255.0")
    (route,) = [bytes.fromhex(line.split()[1]) for line in calls(log, "route")]
    assert struct.unpack_from("<I", route, 8) == (0x801,)


def test_an_address_that_is_none(world: World) -> None:
    log = network(world, "IP:10.0.2", "GW:10.0.2.2")
    assert said(log)[0] == "the network's address is none: 10.0.2"
    assert len(requests(log, world.system, "alias")) == 1


def test_an_interface_that_is_not_there(world: World) -> None:
    """A route that leads nowhere has brought NetBSD's kernel down."""
    world.write("fail", "ioctl\n")
    log = network(world, "IP:10.0.2.15", "GW:10.0.2.2", "MSK:255.255.255.0")
    name = INTERFACE[world.system].decode()
    assert f"cannot set the address of {name} to 10.0.2.15" in said(log)
    assert not calls(log, "route")
    assert not [line for line in said(log) if "route" in line]


def etc(world: World, name: str) -> Path:
    return world.folder / "root/etc" / name


SERVERS = ("IP:10.0.2.15", "DNS:10.0.2.3", "DNS:192.0.2.53")


@pytest.mark.parametrize("there", [None, "", "search example.org\n"])
def test_name_servers(world: World, there: str | None) -> None:
    if there is not None:
        world.file("/etc/resolv.conf", there)
    network(world, *SERVERS)
    assert etc(world, "resolv.conf").read_text() == "nameserver 10.0.2.3\nnameserver 192.0.2.53\n"


def test_name_servers_of_the_root(world: World) -> None:
    world.file("/etc/resolv.conf", "search a\nnameserver 192.0.2.1\n")
    world.file("/etc/hosts", "192.0.2.2 here\n")
    log = network(world, *SERVERS)
    assert not calls(log, "create")
    assert not calls(log, "unlink")


def test_name_servers_that_nobody_names(world: World) -> None:
    network(world, "IP:10.0.2.15")
    assert not etc(world, "resolv.conf").exists()


def test_a_link_that_leads_nowhere(world: World) -> None:
    """As those of images whose file is made when they start."""
    etc(world, "").mkdir()
    etc(world, "resolv.conf").symlink_to("../run/resolv.conf")
    network(world, *SERVERS)
    assert not etc(world, "resolv.conf").is_symlink()
    assert "nameserver 10.0.2.3\n" in etc(world, "resolv.conf").read_text()


def test_a_file_that_cannot_be_written(world: World) -> None:
    world.file("/etc", "")
    log = network(world, *SERVERS)
    assert said(log)[:2] == [
        f"cannot write /etc/{name}: error 30" for name in ("resolv.conf", "hosts")
    ]


@pytest.mark.parametrize("there", [None, ""])
def test_hosts(world: World, there: str | None) -> None:
    if there is not None:
        world.file("/etc/hosts", there)
    log = world.boot()
    assert etc(world, "hosts").read_text() == "127.0.0.1\tlocalhost\n::1\tlocalhost\n"
    assert calls(log, "create") == ["create /etc/hosts flags 0x601 mode 644"]
