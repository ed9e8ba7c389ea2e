"""The command lines, against those that the real urunc printed (urunc.md, section 2.2)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any, cast

import pytest

from engine import guests
from engine.guests import Contract, Files, Machine, NotBootable, Volume

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
    assert b"UBS\nID:annot_vol\nMP:/data\nUBE\n" in guests.configuration(contract, Machine())


def test_linux_with_volumes_of_the_runtime() -> None:
    contract = linux(BLOCK, "/urunit", "/x")
    machine = Machine(volumes=(Volume("V", "/data"), Volume("W", "/more")))
    words = guests.command(contract, Files("K", block="B", config="C"), machine)
    assert pair(words, "-drive") == [
        f"format=raw,if=none,id={id},file={file}"
        for id, file in (("rootfs", "B"), ("vol0", "V"), ("vol1", "W"))
    ]
    assert guests.configuration(contract, machine).endswith(
        b"UBS\nID:vol0\nMP:/data\nID:vol1\nMP:/more\nUBE\n"
    )


def test_linux_with_a_gateway_elsewhere() -> None:
    machine = Machine(network=True, mask="255.255.255.255")
    words = guests.command(linux(INITRD, "/urunit", "/x"), Files("K", "I"), machine)
    assert append(words) == (
        "panic=-1 console=ttyS0 root=/dev/ram0 rw"
        " ip=10.0.2.15::10.0.2.2:255.255.255.255:urunc:eth0:off"
        " URUNIT_CONFIG=/urunit.conf URUNIT_DEFROUTE=1 rdinit=/urunit -- /x"
    )


def test_linux_with_a_newer_urunc() -> None:
    """A virtio console, and records that end with a NUL."""
    contract, machine = linux(INITRD, "/urunit", "/x"), Machine(newer=True)
    words = guests.command(contract, Files("K", "I"), machine)
    assert append(words).startswith("panic=-1 quiet console=hvc0 8250.nr_uarts=0 root=/dev/ram0 rw")
    assert pair(words, "-chardev") == ["stdio,id=urunc-console,signal=off"]
    assert pair(words, "-device") == ["virtio-serial-pci", "virtconsole,chardev=urunc-console"]
    assert "-serial" not in words
    assert guests.configuration(contract, machine) == (
        b"URUNIT1\0UES\0PATH=/usr/bin\0FOO=a b\0UEE\0"
        b"UCS\0UID:1000\0GID:1000\0WD:/tmp\0UCE\0UBS\0UBE\0"
    )


FIRECRACKER = {"hypervisor": "firecracker"}
CLOUD = {"hypervisor": "cloud-hypervisor"}
TAP = "ip=10.0.2.15::10.0.2.2:255.255.255.0:urunc:eth0:off"


def test_firecracker() -> None:
    """urunc's command line and JSON; disks have other names, and one initrd is all."""
    contract = linux({**BLOCK, **FIRECRACKER}, "/urunit", "/bin/sh", "-c", "a b")
    files, machine = Files("K", block="B", config="C"), Machine(network=True)
    assert guests.command(contract, files, machine) == [
        *("firecracker", "--no-api", "--config-file", "/tmp/fc.json", "--no-seccomp")
    ]
    assert guests.firecracker(contract, files, machine) == {
        "boot-source": {
            "kernel_image_path": "K",
            "boot_args": f"panic=-1 console=ttyS0 root=/dev/vda rw {TAP} retain_initrd"
            " URUNIT_CONFIG=/sys/firmware/initrd init=/urunit -- /bin/sh -c 'a b'",
            "initrd_path": "C",
        },
        "machine-config": {
            "vcpu_count": 1,
            "mem_size_mib": 256,
            "smt": False,
            "track_dirty_pages": False,
        },
        "drives": [
            {
                "drive_id": "FCrootfs",
                "is_read_only": False,
                "is_root_device": False,
                "path_on_host": "B",
            }
        ],
        "network-interfaces": [
            {
                "iface_id": "net1",
                "guest_mac": "02:00:00:00:00:02",
                "host_dev_name": "tap0_urunc",
            }
        ],
    }


def test_firecracker_with_an_initrd_and_a_volume() -> None:
    """Firecracker's serial port has one name, on arm64, too."""
    keys = {**INITRD, **FIRECRACKER, "block": "/d", "blkMntPoint": "/data"}
    contract = linux(keys, "/urunit", "/x")
    config = guests.firecracker(contract, Files("K", "I", "D"), Machine("arm64"))
    assert config["boot-source"] == {
        "kernel_image_path": "K",
        "boot_args": "panic=-1 console=ttyS0 root=/dev/ram0 rw"
        " URUNIT_CONFIG=/urunit.conf rdinit=/urunit -- /x",
        "initrd_path": "I",
    }
    assert [drive["drive_id"] for drive in cast(list[Any], config["drives"])] == ["FCannot_vol"]
    assert "network-interfaces" not in config
    assert b"UBS\nID:FCannot_vol\nMP:/data\nUBE\n" in guests.configuration(contract, Machine())


def test_cloud_hypervisor_with_a_disk() -> None:
    contract = linux({**BLOCK, **CLOUD}, "/urunit", "/bin/sh")
    files = Files("K", block="B", config="C")
    assert guests.command(contract, files, Machine(network=True)) == [
        *("cloud-hypervisor", "--memory", "size=268M", "--cpus", "boot=1", "--kernel", "K"),
        *("--console", "off", "--serial", "tty", "--seccomp", "false"),
        *("--net", "tap=tap0_urunc,mac=02:00:00:00:00:02,mtu=1500"),
        *("--disk", "path=B,id=rootfs", "--initramfs", "C", "--cmdline"),
        f"panic=-1 console=ttyS0 root=/dev/vda rw {TAP} retain_initrd"
        " URUNIT_CONFIG=/sys/firmware/initrd init=/urunit -- /bin/sh",
    ]


def test_cloud_hypervisor_with_shared_files_and_with_an_initrd() -> None:
    contract = linux({**BASE, **CLOUD, "mountRootfs": "true"}, "/urunit", "/x")
    words = guests.command(contract, Files("K", share="D", config="C"), Machine())
    assert pair(words, "--memory") == ["size=268M,shared=on"]
    assert pair(words, "--fs") == ["tag=fs0,socket=/tmp/vhostqemu"]
    assert pair(words, "--initramfs") == ["C"]
    assert words[-1] == (
        "panic=-1 console=ttyS0 root=fs0 rw rootfstype=virtiofs retain_initrd"
        " URUNIT_CONFIG=/sys/firmware/initrd init=/urunit -- /x"
    )
    words = guests.command(linux({**INITRD, **CLOUD}, "/init", "x"), Files("K", "I"), Machine())
    assert pair(words, "--memory") == ["size=268M"]
    assert words[-3:] == [
        *("I", "--cmdline"),
        "panic=-1 console=ttyS0 root=/dev/ram0 rw PATH=/usr/bin FOO=a b rdinit=/init -- x",
    ]


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
    assert guests.configuration(linux(INITRD, "/urunit"), Machine()) == (
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
    assert b"ARC:3\nARV:/bin/sh\nARV:-c\nARV:a b\nUCE\n" in guests.configuration(
        contract, Machine()
    )


def test_freebsd_on_arm64() -> None:
    """The board's kernel ignores boot parameters that do not begin with its name."""
    contract = Contract({**BLOCK, "unikernelType": "freebsd"}, ("/urunit", "/a"))
    files = Files("K", block="B", config="C")
    words = guests.command(contract, files, Machine(architecture="arm64"))
    assert words[0] == "qemu-system-aarch64"
    assert words[words.index("-M") + 1] == "virt"
    assert append(words).startswith("FreeBSD:vfs.root.mountfrom=ufs:/dev/vtbd0 init_path=/urunit")
    assert "virtio-blk-pci,serial=urunit,drive=urunit" in words


def test_netbsd() -> None:
    """The disks are the root's and, last, the configuration's, which has all arguments."""
    contract = Contract({**BLOCK, "unikernelType": "netbsd"}, ("/a", "b c"), ENV)
    assert contract.has_urunit
    machine = Machine(network=True, forwards={8080: 80})
    words = guests.command(contract, Files("K", block="B", config="C"), machine)
    assert append(words) == "console=com root=ld0a"
    disks = [word for word in words if word.startswith("format=raw")]
    assert disks == ["format=raw,if=none,id=rootfs,file=B", "format=raw,if=none,id=urunit,file=C"]
    assert b"ARC:2\nARV:/a\nARV:b c\nUCE\n" in guests.configuration(contract, Machine())


@pytest.mark.parametrize("type", ["freebsd", "netbsd"])
def test_the_network_of_the_bsds(type: str) -> None:
    """Their kernels are told no address: init is."""
    contract = Contract({**BLOCK, "unikernelType": type}, ("/urunit", "/a"), ENV)
    assert b"UNS" not in guests.configuration(contract, Machine())
    text = guests.configuration(contract, NET)
    assert text.endswith(b"UBE\nUNS\nIP:10.0.2.15\nGW:10.0.2.2\nMSK:255.255.255.0\nUNE\n")
    assert b"UNS" not in guests.configuration(linux(INITRD, "/urunit"), NET)


@pytest.mark.parametrize(
    ("keys", "args", "machine"),
    [
        ({**BASE, "unikernelType": "rumprun", "hypervisor": "hvt"}, ("a",), Machine()),
        ({**BASE, "unikernelType": "linux", "hypervisor": "hvt"}, ("a",), Machine()),
        ({**INITRD, "unikernelType": "linux"}, (), Machine()),
        ({**BASE, "unikernelType": "mewz"}, ("a",), Machine("arm64")),
        ({**INITRD, "unikernelType": "freebsd"}, ("a",), Machine()),
        (INITRD, ("a",), Machine()),
        ({**INITRD, **CLOUD, "unikernelType": "unikraft"}, ("a",), Machine()),
        ({**INITRD, **CLOUD, "unikernelType": "linux"}, (), Machine()),
    ],
)
def test_what_cannot_be_booted_is_said(
    keys: dict[str, str], args: tuple[str, ...], machine: Machine
) -> None:
    with pytest.raises(NotBootable):
        guests.command(Contract(keys, args), Files("K", "I"), machine)


@pytest.mark.parametrize(
    ("keys", "files"),
    [
        ({**BASE, "unikernelType": "linux", "mountRootfs": "true"}, Files("K", share="D")),
        ({**INITRD, "unikernelType": "unikraft"}, Files("K", "I")),
    ],
)
def test_what_firecracker_cannot_boot_is_said(keys: dict[str, str], files: Files) -> None:
    with pytest.raises(NotBootable):
        guests.firecracker(Contract({**keys, **FIRECRACKER}, ("a",)), files, Machine())
