"""The BSD init's portable parts, and that its programs are what the kernels take."""

from __future__ import annotations

import socket
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import frameworks
from tests.places import ROOT

HERE = Path(__file__).parent
SOURCES = ROOT / "frameworks" / "init"
FREEBSD = ("5", "152", "54")
NETBSD = ("4", "120", "32")
"""RTM_VERSION, and the sizes of struct rt_msghdr (net/route.h) and sockaddr_dl (net/if_dl.h)."""

Driver = Callable[..., bytes]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Driver:
    program = tmp_path_factory.mktemp("bsd") / "driver"
    names = ("bsd_net.c", "bsd_disk.c", "bsd_process.c", "config.c", "accounts.c")
    flags = ["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror"]
    flags += ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", f"-I{SOURCES}"]
    parts = [
        str(HERE / "bsd_driver.c"),
        str(HERE / "bsd_nothing.c"),
        *(str(SOURCES / name) for name in names),
    ]
    subprocess.run(["gcc", *flags, "-o", str(program), *parts], check=True)

    def run(*arguments: str, data: bytes = b"") -> bytes:
        done = subprocess.run([program, *arguments], input=data, capture_output=True)
        assert done.returncode in (0, 3), done.stderr.decode()
        return done.stdout if done.returncode == 0 else b"none"

    return run


@pytest.mark.parametrize("good", ["0.0.0.0", "10.0.2.15", "255.255.255.255"])
def test_addresses(driver: Driver, good: str) -> None:
    assert driver("address", good) == socket.inet_aton(good)


@pytest.mark.parametrize(
    "bad",
    ["", "10", "10.0.0", "10.0.0.", "10.0.0.256", "10.0.0.1.2", "a.b.c.d", "10.0.0.1x", "1..2.3"],
)
def test_no_addresses(driver: Driver, bad: str) -> None:
    assert driver("address", bad) == b"none"


@pytest.mark.parametrize("abi", [FREEBSD, NETBSD], ids=["freebsd", "netbsd"])
def test_the_default_route(driver: Driver, abi: tuple[str, str, str]) -> None:
    message = driver("route", *abi, "0.0.0.0", "0.0.0.0", "10.0.2.2", "0")
    header = int(abi[1])
    assert len(message) == header + 3 * 16
    size, version, kind = struct.unpack_from("<HBB", message)
    assert (size, version, kind) == (len(message), int(abi[0]), 1)
    # Up, through a gateway, static; with destination, gateway and netmask.
    assert struct.unpack_from("<II", message, 8) == (0x803, 7)
    gateway = message[header + 16 : header + 32]
    assert gateway == b"\x10\x02\0\0" + socket.inet_aton("10.0.2.2") + bytes(8)


@pytest.mark.parametrize("abi", [FREEBSD, NETBSD], ids=["freebsd", "netbsd"])
def test_a_route_to_a_gateway_elsewhere(driver: Driver, abi: tuple[str, str, str]) -> None:
    message = driver("route", *abi, "169.254.1.1", "255.255.255.255", "0.0.0.0", "3")
    header, link = int(abi[1]), int(abi[2])
    assert struct.unpack_from("<I", message, 8) == (0x805,)  # a host, and no gateway
    assert message[header + 16 : header + 20] == struct.pack("<BBH", link, 18, 3)
    assert len(message) == header + 16 + (link + 7 & ~7) + 16


@pytest.mark.parametrize("head", [b"UES\nA=b\n", b"UCS\n", b"UNS\nIP:", b"URUNIT1\0UES\0"])
def test_a_disk_with_a_configuration(driver: Driver, head: bytes) -> None:
    assert driver("config", data=head + bytes(512)) == b"yes\n"


@pytest.mark.parametrize(
    "head", [b"", b"UES", b"UESX", b"URUNIT2\0", b"URUNIT1", b"\x7fELF", bytes(512)]
)
def test_a_disk_without(driver: Driver, head: bytes) -> None:
    assert driver("config", data=head) == b"no\n"


def _disk(at: int, magic: bytes, size: int = 0x11000) -> bytes:
    disk = bytearray(size)
    disk[at : at + len(magic)] = magic
    return bytes(disk)


@pytest.mark.parametrize("system", ["netbsd", "freebsd"])
def test_what_a_guest_mounts_as_its_root_is_known_as_a_volume(driver: Driver, system: str) -> None:
    for each in frameworks.get(system).guest.filesystems:
        for at, mark in each.marks:
            assert driver("disk", data=_disk(at, mark)) in (b"ext2\n", b"ffs\n")


def test_file_systems(driver: Driver) -> None:
    ufs1, ufs2 = struct.pack("<I", 0x011954), struct.pack("<I", 0x19540119)
    assert driver("disk", data=_disk(0x438, b"\x53\xef")) == b"ext2\n"
    assert driver("disk", data=_disk(8192 + 1372, ufs1)) == b"ffs\n"
    assert driver("disk", data=_disk(65536 + 1372, ufs2)) == b"ffs\n"
    assert driver("disk", data=bytes(0x11000)) == b"none\n"
    assert driver("disk", data=_disk(0x438, b"\x53\xef")[:0x430]) == b"none\n"


IMAGE = b"UES\nA=1\nUEE\nUCS\nUSR:web\nWD:/srv\nARC:1\nARV:/app\nUCE\nUBS\nUBE\n"


def test_a_runtime_that_says_nothing_of_the_application(driver: Driver) -> None:
    """A network alone, say: the image's own words count for the rest."""
    said = driver("complete", "UNS\nIP:10.0.0.2\nGW:10.0.0.1\nMSK:255.255.255.0\nUNE\n", data=IMAGE)
    assert said.decode().splitlines() == [
        "env A=1",
        "arg /app",
        "user web uid -1",
        "workdir /srv",
        "ip 10.0.0.2 gateway 10.0.0.1",
    ]


def test_a_runtime_that_says_all(driver: Driver) -> None:
    said = driver(
        "complete",
        "UES\nB=2\nUEE\nUCS\nUID:0\nGID:0\nWD:/\nARC:2\nARV:/other\nARV:two words\nUCE\nUBS\nUBE\n",
        data=IMAGE,
    )
    assert said.decode().splitlines() == [
        "env B=2",
        "arg /other",
        "arg two words",
        "user none uid 0",
        "workdir /",
        "ip none gateway none",
    ]


ALLOCATE = r"""
#include <stdint.h>
#include <stddef.h>

void *hutch_malloc(size_t size);

int main(void)
{
	/* Fill it to each distance from its end, and ask for too much there. */
	static const size_t greedy[] = {1, 16, 17, 4096, (size_t)1 << 40, SIZE_MAX - 15, SIZE_MAX};
	unsigned char *first = hutch_malloc(1), *last = first, *block;
	size_t taken = 1;

	while ((block = hutch_malloc(65521))) {
		if (block != last + (taken == 1 ? 16 : 65536))
			return 1;
		last = block;
		taken++;
	}
	for (size_t left = 65520; left > 0; left -= 16) {
		if (!hutch_malloc(left > 16 ? 15 : 16))
			return 2;
		for (size_t i = 0; i < sizeof(greedy) / sizeof(*greedy); i++)
			if (greedy[i] > left - 16 && hutch_malloc(greedy[i]))
				return 3;
	}
	return hutch_malloc(1) || hutch_malloc(0) == NULL ? 4 : 0;
}
"""


def test_memory_ends_where_it_ends(tmp_path: Path) -> None:
    """The arena is of 8 MiB; near its end the count of what is left must not wrap."""
    (tmp_path / "main.c").write_text(ALLOCATE)
    names = ["malloc", "free", "memchr", "memcmp", "memcpy", "memmove", "memset", "strchr"]
    names += ["strcmp", "strcpy", "strcspn", "strlen", "strncmp", "strnlen"]
    flags = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-ffreestanding"]
    flags += [f"-I{SOURCES / 'freestanding'}", *(f"-D{name}=hutch_{name}" for name in names)]
    library = [str(SOURCES / "freestanding" / "libc.c"), "-c", "-o", str(tmp_path / "libc.o")]
    subprocess.run(["gcc", *flags, *library], check=True)
    program = str(tmp_path / "main")
    objects = [str(tmp_path / "main.c"), str(tmp_path / "libc.o")]
    subprocess.run(["gcc", "-std=gnu11", "-O1", "-o", program, *objects], check=True)
    assert subprocess.run([program], check=False).returncode == 0


@pytest.mark.parametrize(
    ("system", "note"),
    [("freebsd", b"FreeBSD\0"), ("netbsd", b"NetBSD\0\0")],
)
def test_programs(tmp_path: Path, system: str, note: bytes) -> None:
    """Static, without a library, with the note that tells the kernel whose it is."""
    program = tmp_path / "init"
    names = (
        f"{system}.c",
        "bsd.c",
        "bsd_say.c",
        "bsd_text.c",
        "bsd_disk.c",
        "bsd_files.c",
        "bsd_net.c",
        "bsd_process.c",
        "config.c",
    )
    flags = ["-std=gnu11", "-Os", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fno-builtin"]
    flags += ["-fno-tree-loop-distribute-patterns", "-fno-stack-protector", "-fno-pie", "-no-pie"]
    flags += ["-nostdlib", "-static", "-Wl,--build-id=none", f"-I{SOURCES / 'freestanding'}"]
    sources = [str(SOURCES / name) for name in (*names, "accounts.c", "freestanding/libc.c")]
    subprocess.run(["gcc", *flags, "-o", str(program), *sources], check=True)
    elf = program.read_bytes()
    offset, size, count = (*struct.unpack_from("<Q", elf, 32), *struct.unpack_from("<HH", elf, 54))
    kinds: dict[int, bytes] = {}
    for index in range(count):
        kind, _, start, _, _, length = struct.unpack_from("<IIQQQQ", elf, offset + index * size)
        kinds[kind] = kinds.get(kind, b"") + elf[start : start + length]
    assert 3 not in kinds, "a static program names no interpreter"
    assert struct.pack("<I", 1) + note in kinds[4]
