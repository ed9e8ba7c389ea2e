"""The command lines, against those that the real urunc printed (urunc.md, section 2.2)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from engine import guests
from engine.guests import Contract, Files, Machine, NotBootable

ENV = ("PATH=/usr/bin", "FOO=a b")
BASE = {"hypervisor": "qemu", "binary": "/.boot/kernel", "mountRootfs": "false"}
INITRD = {**BASE, "initrd": "/.boot/rootfs"}
BLOCK = {**BASE, "block": "/.boot/rootfs", "blkMntPoint": "/"}
NET = Machine(network=True, forwards={2080: 80})


def linux(keys: dict[str, str], *args: str) -> Contract:
    return Contract({**keys, "unikernelType": "linux"}, args, ENV, 1000, 1000, "/tmp")


def append(words: list[str]) -> str:
    return words[words.index("-append") + 1]


def pair(words: list[str], option: str) -> list[str]:
    return [words[i + 1] for i, word in enumerate(words) if word == option]


def test_linux_initrd_with_urunit() -> None:
    contract = linux(INITRD, "/urunit", "/bin/sh", "-c", "echo hi there")
    words = guests.command(contract, Files("K", "I"), NET)
    assert append(words) == (
        "panic=-1 console=ttyS0 root=/dev/ram0 rw"
        " ip=10.0.2.15::10.0.2.2:255.255.255.0:urunc:eth0:off"
        " URUNIT_CONFIG=/urunit.conf rdinit=/urunit -- /bin/sh -c 'echo hi there'"
    )
    assert pair(words, "-initrd") == ["I"]
    assert pair(words, "-kernel") == ["K"]
    assert pair(words, "-m") == ["268M"]
    assert pair(words, "-netdev") == ["user,id=net0,hostfwd=tcp:127.0.0.1:2080-:80"]
    for word in ("-no-reboot", "-nodefaults", "-nographic"):
        assert word in words


def test_linux_block_with_urunit() -> None:
    contract = linux(BLOCK, "/urunit", "/bin/sh")
    words = guests.command(contract, Files("K", block="B", config="C"), Machine())
    assert append(words) == (
        "panic=-1 console=ttyS0 root=/dev/vda rw retain_initrd"
        " URUNIT_CONFIG=/sys/firmware/initrd init=/urunit -- /bin/sh"
    )
    assert pair(words, "-device") == ["virtio-blk-pci,serial=rootfs,drive=rootfs"]
    assert pair(words, "-drive") == ["format=raw,if=none,id=rootfs,file=B"]
    assert pair(words, "-initrd") == ["C"]
    assert pair(words, "-nic") == ["none"]


def test_linux_shared_over_9p() -> None:
    contract = linux({**BASE, "mountRootfs": "true"}, "/init", "x")
    words = guests.command(contract, Files("K", share="D"), Machine())
    assert append(words) == (
        "panic=-1 console=ttyS0 root=fs0 rw rootfstype=9p"
        " rootflags=trans=virtio,version=9p2000.L,msize=5000000,cache=mmap,posixacl"
        " PATH=/usr/bin FOO=a b init=/init -- x"
    )
    assert pair(words, "-fsdev") == ["local,id=rootfs9p,security_model=none,path=D"]


def test_linux_with_another_disk() -> None:
    contract = linux({**INITRD, "block": "/d", "blkMntPoint": "/data"}, "/urunit", "/x")
    words = guests.command(contract, Files("K", "I", "B"), Machine())
    assert pair(words, "-device") == ["virtio-blk-pci,serial=annot_vol,drive=annot_vol"]
    assert b"UBS\nID:annot_vol\nMP:/data\nUBE\n" in guests.configuration(contract)


def test_arm64() -> None:
    words = guests.command(linux(INITRD, "/a"), Files("K", "I"), Machine("arm64"))
    assert words[0] == "qemu-system-aarch64"
    assert pair(words, "-M") == ["virt"]
    assert "console=ttyAMA0" in append(words)


def test_kvm_is_as_urunc_has_it() -> None:
    words = guests.command(linux(INITRD, "/a"), Files("K", "I"), Machine(kvm=True))
    assert words[:13] == [
        *("qemu-system-x86_64", "-m", "268M", "-cpu", "host", "-enable-kvm"),
        *("-nographic", "-vga", "none", "-smp", "1", "-kernel", "K"),
    ]


def test_configuration() -> None:
    assert guests.configuration(linux(INITRD, "/urunit")) == (
        b"UES\nPATH=/usr/bin\nFOO=a b\nUEE\nUCS\nUID:1000\nGID:1000\nWD:/tmp\nUCE\nUBS\nUBE\n"
    )


def test_appended_archive_is_what_gnu_cpio_reads(tmp_path: Path) -> None:
    if shutil.which("cpio") is None:
        pytest.skip("cpio is not installed")
    data = guests.cpio("urunit.conf", b"some text")
    subprocess.run(["cpio", "-id", "--quiet"], cwd=tmp_path, input=data, check=True)
    assert (tmp_path / "urunit.conf").read_bytes() == b"some text"
    assert len(data) % 512 == 0


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (
            "0.18.0",
            "Unikraft  env.vars=[ PATH=/usr/bin FOO=a b ]"
            " netdev.ip=10.0.2.15/24:10.0.2.2:8.8.8.8  "
            ' vfs.fstab=[ "initrd0:/:extract:::" ] -- nginx -c /nginx/conf/nginx.conf',
        ),
        (
            "v0.15.0",
            "Unikraft   netdev.ipv4_addr=10.0.2.15 netdev.ipv4_gw_addr=10.0.2.2"
            " netdev.ipv4_subnet_mask=255.255.255.0 vfs.rootfs=initrd"
            " -- nginx -c /nginx/conf/nginx.conf",
        ),
    ],
)
def test_unikraft(version: str, expected: str) -> None:
    keys = {**INITRD, "unikernelType": "unikraft", "unikernelVersion": version}
    contract = Contract(keys, ("nginx", "-c", "/nginx/conf/nginx.conf"), ENV)
    assert append(guests.command(contract, Files("K", "I"), NET)) == expected


def test_mirage_and_mewz() -> None:
    mirage = Contract({**BASE, "unikernelType": "mirage"}, ("app", "--hello=x"))
    words = guests.command(mirage, Files("K"), NET)
    assert append(words) == "--ipv4=10.0.2.15/24 --ipv4-gateway=10.0.2.2 --hello=x"
    mewz = Contract({**BASE, "unikernelType": "mewz"}, ("app",))
    words = guests.command(mewz, Files("K"), NET)
    assert append(words) == "ip=10.0.2.15/24 gateway=10.0.2.2 "
    assert "isa-debug-exit,iobase=0x501,iosize=2" in words


def test_freebsd() -> None:
    keys = {**BLOCK, "unikernelType": "freebsd"}
    contract = Contract(keys, ("/urunit", "/bin/sh", "-c", "a b"), ENV)
    words = guests.command(contract, Files("K", block="B", config="C"), Machine(kvm=True))
    assert append(words) == (
        "vfs.root.mountfrom=ufs:/dev/vtbd0 init_path=/urunit URUNIT_CONFIG=/dev/vtbd1"
    )
    assert b"ARC:3\nARV:/bin/sh\nARV:-c\nARV:a b\nUCE\n" in guests.configuration(contract)


def test_netbsd() -> None:
    """The disks are the root's and, last, the configuration's, which has all arguments."""
    contract = Contract({**BLOCK, "unikernelType": "netbsd"}, ("/a", "b c"), ENV)
    assert contract.has_urunit
    machine = Machine(network=True, forwards={8080: 80})
    words = guests.command(contract, Files("K", block="B", config="C"), machine)
    assert append(words) == "console=com root=ld0a"
    disks = [word for word in words if word.startswith("format=raw")]
    assert disks == ["format=raw,if=none,id=rootfs,file=B", "format=raw,if=none,id=urunit,file=C"]
    assert b"ARC:2\nARV:/a\nARV:b c\nUCE\n" in guests.configuration(contract)


@pytest.mark.parametrize("type", ["freebsd", "netbsd"])
def test_the_network_of_the_bsds(type: str) -> None:
    """Their kernels are told no address: init is."""
    contract = Contract({**BLOCK, "unikernelType": type}, ("/urunit", "/a"), ENV)
    assert b"UNS" not in guests.configuration(contract)
    text = guests.configuration(contract, network=True)
    assert text.endswith(b"UBE\nUNS\nIP:10.0.2.15\nGW:10.0.2.2\nMSK:255.255.255.0\nUNE\n")
    assert b"UNS" not in guests.configuration(linux(INITRD, "/urunit"), network=True)


@pytest.mark.parametrize(
    ("keys", "args", "machine"),
    [
        ({**BASE, "unikernelType": "rumprun", "hypervisor": "hvt"}, ("a",), Machine()),
        ({**BASE, "unikernelType": "linux", "hypervisor": "hvt"}, ("a",), Machine()),
        ({**INITRD, "unikernelType": "linux"}, (), Machine()),
        ({**BASE, "unikernelType": "mewz"}, ("a",), Machine("arm64")),
        ({**INITRD, "unikernelType": "freebsd"}, ("a",), Machine()),
        (INITRD, ("a",), Machine()),
    ],
)
def test_what_cannot_be_booted_is_said(
    keys: dict[str, str], args: tuple[str, ...], machine: Machine
) -> None:
    with pytest.raises(NotBootable):
        guests.command(Contract(keys, args), Files("K", "I"), machine)
