"""The command lines, against those that the real urunc printed (docs/contract/urunc.md 2.2)."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from frameworks.runtime.machine import Contract, Files, Forward, Machine, NotBootable, Volume
from frameworks.runtime.urunc import guests
from frameworks.runtime.urunc.versions import NEXT, VERSIONS

ENV = ("PATH=/usr/bin", "FOO=a b")
BASE = {"hypervisor": "qemu", "binary": "/.boot/kernel", "mountRootfs": "false"}
INITRD = {**BASE, "initrd": "/.boot/rootfs"}
BLOCK = {**BASE, "block": "/.boot/rootfs", "blkMntPoint": "/"}
NET = Machine(network=True, forwards=(Forward(2080, 80),))


def linux(keys: dict[str, str], *args: str) -> Contract:
    return Contract({**keys, "unikernelType": "linux"}, args, ENV, 1000, 1000, (), "/tmp")


def firecracker(contract: Contract, files: Files, machine: Machine) -> Any:
    return json.loads(guests.firecracker_json(contract, files, machine))


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
    for word in ("-no-reboot", "-nodefaults", "-display"):
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
    contract, machine = linux(INITRD, "/urunit", "/x"), Machine(version=NEXT.name)
    words = guests.command(contract, Files("K", "I"), machine)
    assert append(words).startswith("panic=-1 quiet console=hvc0 8250.nr_uarts=0 root=/dev/ram0 rw")
    assert pair(words, "-chardev") == ["stdio,id=urunc-console,signal=off"]
    assert pair(words, "-device")[:2] == [
        *("virtio-serial-pci", "virtconsole,chardev=urunc-console")
    ]
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
    assert firecracker(contract, files, machine) == {
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
        "vsock": {"guest_cid": 0, "uds_path": "", "vsock_id": ""},
    }


def test_firecracker_with_an_initrd_and_a_volume() -> None:
    """Firecracker's serial port has one name, on arm64, too."""
    keys = {**INITRD, **FIRECRACKER, "block": "/d", "blkMntPoint": "/data"}
    contract = linux(keys, "/urunit", "/x")
    config = firecracker(contract, Files("K", "I", "D"), Machine("arm64"))
    assert config["boot-source"] == {
        "kernel_image_path": "K",
        "boot_args": "panic=-1 console=ttyS0 root=/dev/ram0 rw"
        " URUNIT_CONFIG=/urunit.conf rdinit=/urunit -- /x",
        "initrd_path": "I",
    }
    assert [drive["drive_id"] for drive in config["drives"]] == ["FCannot_vol"]
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
        *("qemu-system-x86_64", "-m", "268M", "-L", "/usr/share/qemu", "-cpu", "host"),
        *("-enable-kvm", "-display", "none", "-vga", "none", "-serial"),
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
    assert append(words) == "--ipv4=10.0.2.15/24 --ipv4-gateway=10.0.2.2 app --hello=x"
    mewz = Contract({**BASE, "unikernelType": "mewz"}, ("app",))
    words = guests.command(mewz, Files("K"), NET)
    assert append(words) == "ip=10.0.2.15/24 gateway=10.0.2.2"
    assert "isa-debug-exit,iobase=0x501,iosize=2" in words


def test_freebsd() -> None:
    keys = {**BLOCK, "unikernelType": "freebsd"}
    contract = Contract(keys, ("/urunit", "/bin/sh", "-c", "a b"), ENV)
    words = guests.command(contract, Files("K", block="B", config="C"), Machine(kvm=True))
    assert append(words) == (
        "vfs.root.mountfrom=ufs:/dev/vtbd0 init_path=/urunit URUNIT_CONFIG=/dev/vtbd1"
    )
    assert b"ARC:3\0ARV:/bin/sh\0ARV:-c\0ARV:a b\0UCE\0" in guests.configuration(
        contract, Machine()
    )


def test_freebsds_clock() -> None:
    """KVM tells the kernel the time; where QEMU emulates, nothing does but the board's own clock,
    which no table describes."""
    contract = Contract({**BLOCK, "unikernelType": "freebsd"}, ("/urunit", "/a"))
    emulated = guests.command(contract, Files("K", block="B"), Machine())
    assert "hint.atrtc.0.port=0x70" in append(emulated).split()
    virtual = guests.command(contract, Files("K", block="B"), Machine(kvm=True))
    assert "atrtc" not in append(virtual)


@pytest.mark.parametrize(
    ("type", "disks"), [("freebsd", ["B", "C", "one", "two"]), ("netbsd", ["B", "one", "two", "C"])]
)
def test_volumes_of_the_bsds(type: str, disks: list[str]) -> None:
    """Init finds the disks by their names; of FreeBSD's the kernel is told where init's own is."""
    contract = Contract({**BLOCK, "unikernelType": type}, ("/urunit", "/a"))
    machine = Machine(volumes=(Volume("one", "/data"), Volume("two", "/more")))
    words = guests.command(contract, Files("K", block="B", config="C"), machine)
    assert [word.rpartition("=")[2] for word in words if word.startswith("format=raw")] == disks
    assert [word for word in words if "serial=vol1,drive=vol1" in word]
    text = guests.configuration(contract, machine).replace(b"\0", b"\n")
    assert b"UBS\nID:vol0\nMP:/data\nID:vol1\nMP:/more\nUBE\n" in text


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
    assert guests.has_urunit(contract)
    machine = Machine(network=True, forwards=(Forward(8080, 80),))
    words = guests.command(contract, Files("K", block="B", config="C"), machine)
    assert append(words) == "console=com root=ld0a"
    disks = [word for word in words if word.startswith("format=raw")]
    assert disks == ["format=raw,if=none,id=rootfs,file=B", "format=raw,if=none,id=urunit,file=C"]
    assert b"ARC:2\nARV:/a\nARV:b c\nUCE\n" in guests.configuration(contract, Machine())


@pytest.mark.parametrize("type", ["freebsd", "netbsd"])
def test_the_network_of_the_bsds(type: str) -> None:
    """Their kernels are told no address: init is."""
    contract = Contract({**BLOCK, "unikernelType": type}, ("/urunit", "/a"), ENV)
    text = guests.configuration(contract, Machine()).replace(b"\0", b"\n")
    assert text.endswith(b"UBE\nUNS\nIP:\nGW:\nMSK:\nUNE\n")
    text = guests.configuration(contract, NET).replace(b"\0", b"\n")
    servers = {"netbsd": b"DNS:10.0.2.3\n", "freebsd": b""}[type]
    network = b"IP:10.0.2.15\nGW:10.0.2.2\nMSK:255.255.255.0\n" + servers
    assert text.endswith(b"UBE\nUNS\n" + network + b"UNE\n")
    # The name server is QEMU's.
    text = guests.configuration(contract, replace(NET, tap=True)).replace(b"\0", b"\n")
    assert text.endswith(b"MSK:255.255.255.0\nUNE\n")
    assert b"UNS" not in guests.configuration(linux(INITRD, "/urunit"), NET)


@pytest.mark.parametrize(
    ("keys", "args", "machine"),
    [
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
        firecracker(Contract({**keys, **FIRECRACKER}, ("a",)), files, Machine())


WORDS = ("/urunit", "", " lead", "trail ", "\ttab\t", "a b", " a b ", "it's", "x' y", '"q" $c\\')


@pytest.mark.parametrize(
    ("urunc", "expected"),
    [
        ("0.6.0", "  lead trail  \ttab\t 'a b' 'a b' it's 'x' y' '\"q\" $c\\'"),
        ("0.7.0", " lead trail tab 'a b' 'a b' it's 'x' y' '\"q\" $c\\'"),
        ("next", " lead trail tab 'a b' 'a b' it's 'x' y' '\"q\" $c\\'"),
    ],
)
def test_words_as_each_urunc_spells_them(urunc: str, expected: str) -> None:
    """A word with a blank goes between quotes; the others keep theirs in 0.6 alone."""
    machine = Machine(version=urunc)
    line = append(guests.command(linux(INITRD, *WORDS), Files("K", "I"), machine))
    assert line.partition(" -- ")[2] == expected


@pytest.mark.parametrize(
    ("urunc", "expected"),
    [
        (
            "0.6.0",
            "-L /usr/share/qemu -cpu host -enable-kvm -nographic -vga none -kernel K"
            " -net nic,model=virtio -net tap,script=no,downscript=no,ifname=tap0_urunc"
            " -device virtio-blk-pci,id=blk0,drive=hd0 -drive format=raw,if=none,id=hd0,file=B"
            " -no-reboot -serial stdio -nodefaults -append panic=-1 console=ttyS0 root=/dev/vda rw"
            f" {TAP} PATH=/usr/bin FOO=a b init=/urunit -- /x",
        ),
        (
            "0.7.0",
            "-L /usr/share/qemu -cpu host -enable-kvm -nographic -vga none -smp 1 -kernel K"
            " -net nic,model=virtio,macaddr=02:00:00:00:00:02"
            " -net tap,script=no,downscript=no,ifname=tap0_urunc"
            " -device virtio-blk-pci,serial=rootfs,drive=rootfs"
            " -drive format=raw,if=none,id=rootfs,file=B"
            " -initrd C -no-reboot -serial stdio -nodefaults"
            f" -append panic=-1 console=ttyS0 root=/dev/vda rw {TAP}"
            " retain_initrd URUNIT_CONFIG=/sys/firmware/initrd init=/urunit -- /x",
        ),
        (
            "2026-08",
            "-L /usr/share/qemu -cpu host -enable-kvm -display none -vga none -serial stdio"
            " -monitor null -smp 1 -kernel K"
            " -netdev tap,id=net0,script=no,downscript=no,ifname=tap0_urunc"
            " -device virtio-net-pci,netdev=net0,host_mtu=1500,mac=02:00:00:00:00:02"
            " -device virtio-blk-pci,serial=rootfs,drive=rootfs"
            " -drive format=raw,if=none,id=rootfs,file=B -initrd C -no-reboot -nodefaults"
            f" -append panic=-1 console=ttyS0 root=/dev/vda rw {TAP}"
            " retain_initrd URUNIT_CONFIG=/sys/firmware/initrd init=/urunit -- /x",
        ),
        (
            "next",
            "-L /usr/share/qemu -cpu host -enable-kvm -display none -vga none -monitor null"
            " -chardev stdio,id=urunc-console,signal=off -device virtio-serial-pci"
            " -device virtconsole,chardev=urunc-console -smp 1 -kernel K"
            " -netdev tap,id=net0,script=no,downscript=no,ifname=tap0_urunc"
            " -device virtio-net-pci,netdev=net0,host_mtu=1500,mac=02:00:00:00:00:02"
            " -device virtio-blk-pci,serial=rootfs,drive=rootfs"
            " -drive format=raw,if=none,id=rootfs,file=B -initrd C -no-reboot -nodefaults"
            " -append panic=-1 quiet console=hvc0 8250.nr_uarts=0 root=/dev/vda rw"
            f" {TAP} retain_initrd URUNIT_CONFIG=/sys/firmware/initrd init=/urunit -- /x",
        ),
    ],
)
def test_qemu_as_each_urunc_starts_it(urunc: str, expected: str) -> None:
    """Exactly, tap device and all; without `tap` it is QEMU's user network."""
    machine = Machine(network=True, tap=True, kvm=True, version=urunc)
    config = "C" if VERSIONS[urunc].configuration else None
    words = guests.command(
        linux(BLOCK, "/urunit", "/x"), Files("K", None, "B", None, config), machine
    )
    assert " ".join(words[3:]) == expected
    user = guests.command(
        linux(BLOCK, "/urunit", "/x"),
        Files("K", None, "B", None, config),
        replace(machine, tap=False, forwards=(Forward(2080, 80),)),
    )
    ((ours, theirs),) = [each for each in zip(words, user, strict=True) if each[0] != each[1]]
    behind = ",script=no,downscript=no,ifname=tap0_urunc"
    assert ours.startswith("tap")
    assert ours.endswith(behind)
    forwarded = ours.replace("tap", "user", 1).replace(behind, ",hostfwd=tcp:127.0.0.1:2080-:80")
    assert theirs == forwarded


def test_a_shared_tree_of_several_devices() -> None:
    contract = linux({**BASE, "mountRootfs": "true"}, "/init")
    words = guests.command(contract, Files("K", share="D"), Machine(version=NEXT.name))
    assert pair(words, "-fsdev") == ["local,id=rootfs9p,security_model=none,multidevs=remap,path=D"]


@pytest.mark.parametrize("name", VERSIONS)
def test_firecrackers_file_as_each_urunc_writes_it(name: str) -> None:
    contract = linux({**BLOCK, **FIRECRACKER}, "/urunit", "/x")
    machine = Machine(version=name)
    if name == "0.5.0":
        with pytest.raises(NotBootable, match=r"^urunc 0\.5\.0 has no linux guests$"):
            firecracker(contract, Files("K", block="B"), machine)
        return
    config = firecracker(contract, Files("K", block="B"), machine)
    assert ("vsock" in config) == (name in ("0.7.0", "2026-05", "2026-08"))
    assert ("network-interfaces" in config) == (name == "0.6.0")
    (drive,) = config["drives"]
    assert drive["is_root_device"] == (name == "0.6.0")


def test_a_monitor_that_came_later() -> None:
    with pytest.raises(NotBootable, match=r"^urunc 0\.7\.0 does not know cloud-hypervisor$"):
        guests.command(linux({**BLOCK, **CLOUD}, "/urunit"), Files("K"), Machine(version="0.7.0"))


def test_unikraft_without_a_network_and_shared() -> None:
    keys = {**BASE, "mountRootfs": "true", "unikernelType": "unikraft"}
    contract = Contract(keys, ("nginx",))
    words = guests.command(contract, Files("K", share="D"), Machine())
    assert append(words) == (
        'Unikraft   netdev.ip=/24::8.8.8.8   vfs.fstab=[ "fs0:/:9pfs:::" ] -- nginx'
    )
    keys = {**INITRD, "unikernelType": "unikraft"}
    old = Machine(version="0.5.0")
    words = guests.command(Contract(keys, ("nginx", "-c", "x")), Files("K", "I"), old)
    assert append(words) == (
        'nginx netdev.ip=/24::8.8.8.8   vfs.fstab=[ "initrd0:/:extract:::" ] --  -c x'
    )


def test_mirage_with_another_device_and_mask() -> None:
    keys = {**BASE, "unikernelType": "mirage", "solo5NetDev": "out"}
    machine = Machine(network=True, mask="255.255.0.0")
    words = guests.command(Contract(keys, ("a",)), Files("K"), machine)
    assert append(words) == "--out-ipv4=10.0.2.15/16 --out-ipv4-gateway=10.0.2.2 a"
    old = Machine(network=True, mask="255.255.0.0", version="0.7.0")
    words = guests.command(Contract(keys, ("a",)), Files("K"), old)
    assert append(words) == "--ipv4=10.0.2.15/24 --ipv4-gateway=10.0.2.2 a"


def test_urunit_anywhere_in_the_path() -> None:
    """Linux: urunc looks for the word in the whole path of the init."""
    assert guests.has_urunit(linux(INITRD, "/opt/urunit/bin/x"))
    assert not guests.has_urunit(Contract({"unikernelType": "freebsd"}, ("/opt/urunit/x",)))


SPT = {"hypervisor": "spt", "binary": "/.boot/kernel"}


def test_mirage_on_a_tender() -> None:
    """As urunc has it, but for the network's addresses (docs/contract/urunc.md 2.2)."""
    contract = Contract({**SPT, "unikernelType": "mirage"}, ("--hello=x",))
    words = guests.command(contract, Files("K", block="B"), Machine(network=True))
    assert words == [
        *("solo5-spt", "--mem=268", "--net:service=tap0_urunc"),
        *("--net-mac:service=02:00:00:00:00:02", "--block:storage=B", "K"),
        *("--ipv4=10.0.2.15/24", "--ipv4-gateway=10.0.2.2", "--hello=x"),
    ]
    named = replace(contract, keys={**contract.keys, "solo5NetDev": "eth", "solo5BlkDev": "d"})
    words = guests.command(named, Files("K", block="B"), Machine(network=True))
    assert "--net:eth=tap0_urunc" in words
    assert "--block:d=B" in words
    assert "--eth-ipv4=10.0.2.15/24" in words
    assert guests.command(contract, Files("K"), Machine()) == [
        *("solo5-spt", "--mem=268", "K", "--hello=x")
    ]


def test_rumprun_on_a_tender() -> None:
    keys = {**SPT, "hypervisor": "hvt", "unikernelType": "rumprun", "blkMntPoint": "/data"}
    contract = Contract(keys, ("hello", "a", "b"), ENV)
    assert guests.command(contract, Files("K"), Machine()) == [
        *("solo5-hvt", "--mem=268", "K"),
        '{"cmdline":"hello a b","env":"PATH=/usr/bin","env":"FOO=a b"}',
    ]
    words = guests.command(contract, Files("K", block="B"), Machine(network=True))
    assert words[2:5] == [
        *("--net:tap=tap0_urunc", "--net-mac:tap=02:00:00:00:00:02", "--block:rootfs=B")
    ]
    assert words[-1].endswith(
        '"net":{"if":"ukvmif0","cloner":"True","type":"inet","method":"static",'
        '"addr":"10.0.2.15","mask":"24","gw":"10.0.2.2"},'
        '"blk":{"source":"etfs","path":"/dev/ld0a","fstype":"blk","mountpoint":"/data"}}'
    )


def test_no_other_guest_on_a_tender() -> None:
    with pytest.raises(NotBootable, match="linux guests on spt cannot be booted here"):
        guests.command(Contract({**SPT, "unikernelType": "linux"}, ()), Files("K"), Machine())
