"""What urunc would run for an image: the monitor's command line, guest by guest.

Pure: from what an image says to lists of words. The facts are the golden command lines of
docs/contract/urunc.md 2.2, which the real urunc printed; what differs from urunc to urunc is in
`versions`. For Firecracker and Cloud Hypervisor they are urunc's own, tap device and all. For
QEMU, under which guests are booted here without urunc, three things differ:

* `-accel tcg` in place of `-enable-kvm -cpu host`, with the processor model that each guest needs
  for it (docs/contract/kernels.md 1 to 3); `kvm=True` gives urunc's own;
* QEMU's user network, with forwarded ports, in place of a tap device; `tap=True` gives urunc's
  own;
* the monitor's files are where the caller put them, not in a container's root.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from frameworks import architectures
from frameworks.architectures import AMD64, ARM64
from frameworks.runtime import monitors
from frameworks.runtime.machine import Contract, Files, Machine, NotBootable
from frameworks.runtime.urunc import ADDRESS, GATEWAY, KEYS, NAME_SERVER, SLOTS, TAP
from frameworks.runtime.urunc.versions import VERSIONS, Version, usual

MAC = "02:00:00:00:00:02"
MTU = 1500
CONFIG = "urunit.conf"
"""The file that tells an init called `urunit` about environment, user and volumes."""


def ways(contract: Contract, machine: Machine) -> Version:
    """The urunc to follow. Raises NotBootable where it has no such guests or no such monitor."""
    urunc = VERSIONS[machine.version] if machine.version else usual(contract.type)
    if contract.type == "netbsd":  # no urunc has it
        if contract.monitor not in monitors.TABLE:
            raise _unknown(contract)
        return urunc
    if contract.type not in urunc.guests:
        raise NotBootable(f"urunc {urunc.name} has no {contract.type or 'such'} guests")
    if contract.monitor not in urunc.monitors:
        raise NotBootable(f"urunc {urunc.name} does not know {contract.monitor or 'no monitor'}")
    return urunc


def command(contract: Contract, files: Files, machine: Machine) -> list[str]:
    """The monitor's command line for a contract. Raises NotBootable for what it cannot run."""
    ways(contract, machine)
    monitor = monitors.TABLE.get(contract.monitor)
    if monitor is None or monitor.command is None:
        raise _unknown(contract)
    return monitor.command(contract, files, machine)


def qemu(contract: Contract, files: Files, machine: Machine) -> list[str]:
    """QEMU's command line, most of which is the guest's."""
    urunc = ways(contract, machine)
    guest = _GUESTS.get(contract.type)
    if guest is None:
        raise _unknown(contract)
    if contract.type not in _BOARDS[machine.architecture].guests:
        raise NotBootable(
            f"{contract.type} guests cannot be booted here for {machine.architecture}"
        )
    name = architectures.TABLE[machine.architecture].qemu
    words = [f"qemu-system-{name}", "-m", f"{monitors.QEMU.memory(machine.memory)}M"]
    words += ["-L", "/usr/share/qemu"] if urunc.data else []
    words += _accelerator(contract.type, machine)
    rest = guest(contract, files, machine)
    words += urunc.display
    if urunc.console == "virtio":
        if "console=hvc0" in rest[-1]:
            words += ["-chardev", "stdio,id=urunc-console,signal=off"]
            words += ["-device", "virtio-serial-pci"]
            words += ["-device", "virtconsole,chardev=urunc-console"]
        else:
            words += ["-serial", "stdio"]
    words += ["-smp", "1"] if urunc.processors else []
    return [*words, "-kernel", files.kernel, *rest]


def firecracker(contract: Contract, files: Files, machine: Machine) -> list[str]:
    """Firecracker's command line: all the rest is in its configuration."""
    return ["firecracker", "--no-api", "--config-file", files.monitor, "--no-seccomp"]


def firecracker_json(contract: Contract, files: Files, machine: Machine) -> str:
    """What Firecracker reads from `files.monitor`. Raises NotBootable, too."""
    urunc = ways(contract, machine)
    monitor = monitors.FIRECRACKER
    whole = urunc.disks == "hd0"  # that urunc says that its one disk is the root
    source = {
        "kernel_image_path": files.kernel,
        "boot_args": boot_parameters(contract, files, machine),
    }
    # There is one initrd: the root filesystem, or else the configuration.
    if initrd := files.initrd or files.config:
        source["initrd_path"] = initrd
    config: dict[str, object] = {
        "boot-source": source,
        "machine-config": {
            "vcpu_count": 1,
            "mem_size_mib": monitor.memory(machine.memory),
            "smt": False,
            "track_dirty_pages": False,
        },
        "drives": [
            {"drive_id": "rootfs" if whole else monitor.disk_prefix + id, "is_read_only": False}
            | {"is_root_device": whole, "path_on_host": file}
            for id, file in _disks(contract, files, machine)
        ],
    }
    if machine.network:
        config["network-interfaces"] = [
            {"iface_id": "net1", "guest_mac": MAC, "host_dev_name": TAP}
        ]
    elif urunc.interfaces:
        config["network-interfaces"] = []
    if urunc.vsock:
        config["vsock"] = {"guest_cid": 0, "uds_path": "", "vsock_id": ""}
    return json.dumps(config)


def _unknown(contract: Contract) -> NotBootable:
    what = f"{contract.type or 'no'} guests on {contract.monitor or 'nothing'}"
    return NotBootable(f"{what} cannot be booted here")


def cloud_hypervisor(contract: Contract, files: Files, machine: Machine) -> list[str]:
    """Cloud Hypervisor's command line. It runs Linux."""
    memory = monitors.CLOUD_HYPERVISOR.memory(machine.memory)
    shared = ",shared=on" if contract.rootfs == "share" else ""
    words = ["cloud-hypervisor", "--memory", f"size={memory}M{shared}"]
    words += ["--cpus", "boot=1", "--kernel", files.kernel, "--console", "off", "--serial", "tty"]
    words += ["--seccomp", "false"]
    words += ["--net", f"tap={TAP},mac={MAC},mtu={MTU}"] if machine.network else []
    for id, file in _disks(contract, files, machine):
        words += ["--disk", f"path={file},id={id}"]
    if initrd := files.initrd or files.config:
        words += ["--initramfs", initrd]
    words += ["--fs", "tag=fs0,socket=/tmp/vhostqemu"] if shared else []
    return [*words, "--cmdline", boot_parameters(contract, files, machine)]


def has_urunit(contract: Contract) -> bool:
    """Whether the guest's init is one that urunc writes a configuration for.

    For Linux urunc looks for the word anywhere in the init's path, for FreeBSD at its end.
    NetBSD starts /sbin/init, whatever the image's first word; another than hutch's looks at no
    disk for it.
    """
    init = contract.args[0] if contract.args else ""
    if contract.type == "linux":
        return "urunit" in init
    return init.rpartition("/")[2] == "urunit" or contract.type == "netbsd"


def _is_bsd(contract: Contract) -> bool:
    return contract.type in ("freebsd", "netbsd")


def init_file(contract: Contract, machine: Machine) -> bytes | None:
    """What tells the guest's init its configuration: an archive to append to the initrd that is its
    root, or else a file of its own, for the BSDs a disk in whole sectors. None for no such init."""
    urunc = ways(contract, machine)
    if not has_urunit(contract) or not urunc.configuration:
        return None
    text = configuration(contract, machine)
    if contract.rootfs == "initrd":
        return cpio(CONFIG, text)
    if _is_bsd(contract):
        if urunc.configuration == "lines":
            text += b"PAD\n" * (-(-(-len(text) % 512) // 4))
        text += b"\0" * (-len(text) % 512)
    return text


def configuration(contract: Contract, machine: Machine) -> bytes:
    """The text that urunc hands to `urunit` (docs/contract/urunc.md 3).

    The BSDs' kernels start init without arguments, and with no address.
    """
    records = ["UES", *contract.env, "UEE", "UCS"]
    records += [f"UID:{contract.uid}", f"GID:{contract.gid}", f"WD:{contract.workdir or '/'}"]
    if _is_bsd(contract):
        # FreeBSD's kernel is told the init by its name, which is the first word; NetBSD's is not.
        rest = contract.args[1:] if contract.type == "freebsd" else contract.args
        records += [f"ARC:{len(rest)}", *(f"ARV:{word}" for word in rest)]
    records += ["UCE", "UBS"]
    prefix = monitors.get(contract.monitor).disk_prefix
    if contract.keys.get(KEYS.disk) and contract.keys.get(KEYS.mount) != "/":
        records += [f"ID:{prefix}annot_vol", f"MP:{contract.keys.get(KEYS.mount, '')}"]
    for number, volume in enumerate(machine.volumes):
        records += [f"ID:{prefix}vol{number}", f"MP:{volume.mount}"]
    records += ["UBE"]
    if _is_bsd(contract):
        address, gateway, mask = ("", "", "")
        if machine.network:
            address, gateway, mask = ADDRESS, GATEWAY, machine.mask
        records += ["UNS", f"IP:{address}", f"GW:{gateway}", f"MSK:{mask}"]
        if contract.type == "netbsd" and machine.network and not machine.tap:
            # No urunc says what NetBSD is told, so here it is also what urunc tells no guest.
            records.append(f"DNS:{NAME_SERVER}")
        records.append("UNE")
    if ways(contract, machine).configuration == "records":
        return b"".join(record.encode() + b"\0" for record in ["URUNIT1", *records])
    return ("\n".join(records) + "\n").encode()


def cpio(name: str, data: bytes) -> bytes:
    """A newc archive with one file, as urunc appends it to an initrd."""

    def entry(name: str, mode: int, data: bytes) -> bytes:
        fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % value for value in fields) + name.encode() + b"\0"
        return _pad(_pad(head, 4) + data, 4)

    return _pad(entry(name, 0o100644, data) + entry("TRAILER!!!", 0, b""), 512)


def _pad(data: bytes, to: int) -> bytes:
    return data + b"\0" * (-len(data) % to)


def _accelerator(type: str, machine: Machine) -> list[str]:
    board = _BOARDS[machine.architecture]
    known = board.own.get(type, board.usual)
    cpu = "host" if machine.kvm else known.cpu
    name = known.machine if machine.kvm else known.emulated
    words = ["-cpu", cpu, *(["-enable-kvm"] if machine.kvm else ["-accel", "tcg"])]
    return [*words, "-M", name] if name else words


def _net(
    contract: Contract, machine: Machine, device: str | None = None, options: str = ""
) -> list[str]:
    """A network device: `device` with `options` where the guest has ones of its own."""
    urunc = ways(contract, machine)
    if not machine.network:
        return ["-nic", "none"] if urunc.no_network else []
    if machine.tap:
        kind, behind = "tap", f",script=no,downscript=no,ifname={TAP}"
    else:
        kind = "user"
        behind = "".join(
            f",hostfwd={each.protocol}:{each.address}:{each.host}-:{each.guest}"
            for each in machine.forwards
        )
    if device is None:
        if urunc.network != "netdev":
            mac = "" if urunc.network == "nic" else f",macaddr={MAC}"
            return ["-net", f"nic,model=virtio{mac}", "-net", f"{kind}{behind}"]
        device = f"virtio-net-{_BOARDS[machine.architecture].net}"
        options = f",host_mtu={MTU}"
    return [
        *("-netdev", f"{kind},id=net0{behind}"),
        *("-device", f"{device},netdev=net0{options},mac={MAC}"),
    ]


def _disk(id: str, file: str, device: str = "virtio-blk-pci") -> list[str]:
    return [
        *("-device", f"{device},serial={id},drive={id}"),
        *("-drive", f"format=raw,if=none,id={id},file={file}"),
    ]


def _only_disk(file: str) -> list[str]:
    """The one disk of older uruncs."""
    return [
        *("-device", "virtio-blk-pci,id=blk0,drive=hd0"),
        *("-drive", f"format=raw,if=none,id=hd0,file={file}"),
    ]


def _disks(contract: Contract, files: Files, machine: Machine) -> list[tuple[str, str]]:
    """The disks of a Linux guest in their order: urunc's name for each, and its file."""
    disks = []
    if contract.keys.get(KEYS.disk) and files.block:
        disks.append(("rootfs" if contract.rootfs == "block" else "annot_vol", files.block))
    return disks + _volumes(machine)


def _volumes(machine: Machine) -> list[tuple[str, str]]:
    """The volumes in their order: urunc's name for each, and its file."""
    return [(f"vol{number}", volume.file) for number, volume in enumerate(machine.volumes)]


def _console(contract: Contract, machine: Machine) -> str:
    if contract.monitor == monitors.QEMU.name and ways(contract, machine).console == "virtio":
        return "console=hvc0 8250.nr_uarts=0"
    if contract.monitor == monitors.QEMU.name:
        return f"console={_BOARDS[machine.architecture].linux_console}"
    return f"console={monitors.get(contract.monitor).console}"


_SHARED: Mapping[monitors.Share, tuple[str, ...]] = {
    "9p": (
        "rootfstype=9p",
        "rootflags=trans=virtio,version=9p2000.L,msize=5000000,cache=mmap,posixacl",
    ),
    "virtiofs": ("rootfstype=virtiofs",),
}
"""How Linux is told to mount what is shared."""


def boot_parameters(contract: Contract, files: Files, machine: Machine) -> str:
    """Linux's command line. `args[0]` is its init; words with spaces go between single quotes."""
    if contract.type != "linux":
        raise _unknown(contract)
    if not contract.args:
        raise NotBootable("the image has neither an entrypoint nor a command: no init for Linux")
    urunc = ways(contract, machine)
    quiet = ["quiet"] if urunc.console == "virtio" else []  # it came with the virtio console
    boot = ["panic=-1", *quiet, _console(contract, machine)]
    init = "init"
    if contract.rootfs == "initrd" and files.initrd:
        boot += ["root=/dev/ram0", "rw"]
        init = "rdinit"
    elif contract.rootfs == "block" and files.block:
        boot += ["root=/dev/vda", "rw"]
    elif contract.rootfs == "share" and files.share:
        shares = monitors.get(contract.monitor).shares
        if not shares:
            raise NotBootable(f"{contract.monitor} cannot share a directory with its guest")
        boot += ["root=fs0", "rw", *_SHARED[shares[0]]]
    if machine.network:
        ip = "dhcp" if machine.dhcp else f"{ADDRESS}::{GATEWAY}:{machine.mask}:urunc:eth0:off"
        boot.append(f"ip={ip}")
    if not has_urunit(contract) or not urunc.configuration:
        boot += contract.env
    elif contract.rootfs == "initrd":
        boot.append(f"URUNIT_CONFIG=/{CONFIG}")
    elif files.config:
        boot += ["retain_initrd", "URUNIT_CONFIG=/sys/firmware/initrd"]
    far = machine.network and not machine.dhcp and not _is_near(GATEWAY, machine.mask)
    if urunc.default_route and far:
        boot.append("URUNIT_DEFROUTE=1")
    first, *rest = spelled(contract.args, urunc)
    return " ".join([*boot, *machine.parameters, f"{init}={first}", "--", *rest])


# What Go's strings.TrimSpace takes for a blank (unicode.IsSpace).
_BLANKS = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
)
_BLANKS += "\u2028\u2029\u202f\u205f\u3000"


def spelled(args: Sequence[str], urunc: Version) -> list[str]:
    """`args` as Linux's command line has them: some trimmed, those with a space quoted."""
    found = []
    for word in args:
        trimmed = word.strip(_BLANKS)
        if " " in trimmed:
            found.append(f"'{trimmed}'")
        else:
            found.append(trimmed if urunc.trims == "all" else word)
    return found


def _is_near(address: str, mask: str) -> bool:
    """Whether an address is in the guest's own network."""
    return ip_address(address) in ip_network(f"{ADDRESS}/{mask}", strict=False)


def _linux(contract: Contract, files: Files, machine: Machine) -> list[str]:
    urunc = ways(contract, machine)
    options = _net(contract, machine)
    for id, file in _disks(contract, files, machine):
        options += _disk(id, file) if urunc.disks == "serial" else _only_disk(file)
    if files.initrd:
        options += ["-initrd", files.initrd]
    if contract.rootfs == "share" and files.share:
        remap = ",multidevs=remap" if urunc.remap else ""
        options += [
            *("-fsdev", f"local,id=rootfs9p,security_model=none{remap},path={files.share}"),
            *("-device", "virtio-9p-pci,fsdev=rootfs9p,mount_tag=fs0"),
        ]
    if files.config:
        options += ["-initrd", files.config]
    options += ["-no-reboot", *(["-serial", "stdio"] if urunc.serial == "guest" else [])]
    return [*options, "-nodefaults", "-append", boot_parameters(contract, files, machine)]


def _unikraft(contract: Contract, files: Files, machine: Machine) -> list[str]:
    """Unikraft: urunc names every parameter of the network, also where there is none."""
    urunc = ways(contract, machine)
    options = _net(contract, machine)
    options += ["-initrd", files.initrd] if files.initrd else []
    if contract.rootfs == "share" and files.share:
        options += [
            *("-fsdev", f"local,id=rootfs9p,security_model=none,path={files.share}"),
            *("-device", "virtio-9p-pci,fsdev=rootfs9p,mount_tag=fs0"),
        ]
    address, gateway, mask = (ADDRESS, GATEWAY, machine.mask) if machine.network else ("", "", "")
    console = _BOARDS[machine.architecture].unikraft_console
    old = _is_old_unikraft(contract.keys.get(KEYS.version, ""))
    env = f"env.vars=[ {' '.join(contract.env)} ]" if contract.env and not old else ""
    if old:
        vfs = "vfs.rootfs=initrd" if files.initrd else ""
        net = [f"netdev.ipv4_addr={address}", f"netdev.ipv4_gw_addr={gateway}"]
        net.append(f"netdev.ipv4_subnet_mask={mask}")
    else:
        vfs = 'vfs.fstab=[ "initrd0:/:extract:::" ]' if files.initrd else ""
        vfs = 'vfs.fstab=[ "fs0:/:9pfs:::" ]' if files.share else vfs
        bits = _bits(mask) if mask and "unikraft" in urunc.masks else 24
        net = [f"netdev.ip={address}/{bits}:{gateway}:8.8.8.8", "", ""]
    args = " ".join(contract.args)
    if urunc.arguments == "cmdline":
        name, _, rest = args.partition(" ")
        rest = f" {rest}" if rest else name
        return [*options, "-append", " ".join([name, *net, vfs, "--", rest])]
    return [*options, "-append", " ".join(["Unikraft", console, env, *net, vfs, "--", args])]


def _is_old_unikraft(version: str) -> bool:
    """Whether a version is below 0.16.1; none, or one that is not numbers, counts as the newest."""
    parts = version.removeprefix("v").split(".")
    return all(part.isdigit() for part in parts) and tuple(map(int, parts)) < (0, 16, 1)


def _bits(mask: str) -> int:
    return ip_network(f"0.0.0.0/{mask}").prefixlen


def _mirage(contract: Contract, files: Files, machine: Machine) -> list[str]:
    """MirageOS: on QEMU urunc gives it no disk."""
    urunc = ways(contract, machine)
    net = ["", ""]
    if machine.network:
        bits = _bits(machine.mask) if "mirage" in urunc.masks else 24
        name = contract.keys.get(KEYS.solo5_net, "service") if urunc.names_devices else "service"
        prefix = "--" if name == "service" else f"--{name}-"
        net = [f"{prefix}ipv4={ADDRESS}/{bits}", f"{prefix}ipv4-gateway={GATEWAY}"]
    return [*_net(contract, machine), "-append", " ".join([*net, *contract.args])]


def tender(contract: Contract, files: Files, machine: Machine) -> list[str]:
    """A Solo5 tender's command line: devices by their names in the kernel's manifest."""
    urunc = ways(contract, machine)
    guest = _TENDED.get(contract.type)
    if guest is None:
        raise _unknown(contract)
    monitor = monitors.get(contract.monitor)
    names = {}
    for slot in SLOTS[contract.type]:
        named = contract.keys.get(slot.key, "") if urunc.names_devices else ""
        names[slot.kind] = named or slot.name
    words = [f"solo5-{monitor.solo5}", f"--mem={monitor.memory(machine.memory)}"]
    if machine.network:
        words += [f"--net:{names['net']}={TAP}", f"--net-mac:{names['net']}={MAC}"]
    words += [f"--block:{names['block']}={files.block}"] if files.block else []
    return [*words, files.kernel, *guest(contract, files, machine)]


def _mirage_words(contract: Contract, files: Files, machine: Machine) -> list[str]:
    *_, words = _mirage(contract, files, machine)
    return words.split(" ") if machine.network else list(contract.args)


def _rumprun_words(contract: Contract, files: Files, machine: Machine) -> list[str]:
    """One JSON object, in which a key may be there more than once."""
    said = [("cmdline", " ".join(contract.args)), *(("env", each) for each in contract.env)]
    parts = [f"{json.dumps(key)}:{json.dumps(value)}" for key, value in said]
    if machine.network:
        net = {"if": "ukvmif0", "cloner": "True", "type": "inet", "method": "static"}
        net |= {"addr": ADDRESS, "mask": str(_bits(machine.mask)), "gw": GATEWAY}
        parts.append(f'"net":{json.dumps(net, separators=(",", ":"))}')
    if files.block:
        disk = {"source": "etfs", "path": "/dev/ld0a", "fstype": "blk"}
        disk["mountpoint"] = contract.keys.get(KEYS.mount, "")
        parts.append(f'"blk":{json.dumps(disk, separators=(",", ":"))}')
    return ["{" + ",".join(parts) + "}"]


def _mewz(contract: Contract, files: Files, machine: Machine) -> list[str]:
    urunc = ways(contract, machine)
    options = _net(
        contract, machine, "virtio-net-pci", options=",disable-legacy=on,disable-modern=off"
    )
    options += ["-no-reboot", "-device", "isa-debug-exit,iobase=0x501,iosize=2"]
    net = f"ip={ADDRESS}/{_bits(machine.mask)} gateway={GATEWAY}" if machine.network else ""
    if urunc.trails:
        net = f"{net or 'ip=/0 gateway='} "
    return [*options, "-append", net]


def _freebsd(contract: Contract, files: Files, machine: Machine) -> list[str]:
    """FreeBSD: each word is a variable of the kernel's environment; init reads its configuration
    from the last disk."""
    if contract.rootfs != "block" or not files.block or not contract.args:
        raise NotBootable("FreeBSD guests are booted here from a block image, with a command")
    options = []
    board = _BOARDS[machine.architecture]
    bus = board.freebsd_bus
    if bus == "device" and not machine.kvm:
        options += ["-global", "virtio-mmio.force-legacy=false"]
    options += _net(contract, machine, f"virtio-net-{bus}")
    options += _disk("rootfs", files.block, f"virtio-blk-{bus}")
    kenv = ["vfs.root.mountfrom=ufs:/dev/vtbd0", f"init_path={contract.args[0]}"]
    if has_urunit(contract) and files.config:
        options += _disk("urunit", files.config, f"virtio-blk-{bus}")
        kenv.append("URUNIT_CONFIG=/dev/vtbd1")
        if machine.network and not _is_near(GATEWAY, machine.mask):
            kenv.append("URUNIT_DEFROUTE=1")
    # By the names of the disks, which init finds them by.
    for id, file in _volumes(machine):
        options += _disk(id, file, f"virtio-blk-{bus}")
    if not machine.kvm:
        kenv += ["boot_serial=1", *board.freebsd_clock]
    words = board.freebsd_prefix + " ".join(kenv)
    return [*options, "-nodefaults", "-no-reboot", "-append", words]


def _netbsd(contract: Contract, files: Files, machine: Machine) -> list[str]:
    """NetBSD: no urunc takes it yet; this is what the prototype for it did
    (docs/contract/urunc.md 2.3), with the
    configuration on the last disk, where hutch's init looks for it."""
    if contract.rootfs != "block" or not files.block:
        raise NotBootable("NetBSD guests are booted here from a block image")
    options = ["-nodefaults", "-no-reboot", "-global", "virtio-mmio.force-legacy=false"]
    options += _disk("rootfs", files.block, "virtio-blk-device")
    options += _net(contract, machine, "virtio-net-device")
    for id, file in _volumes(machine):
        options += _disk(id, file, "virtio-blk-device")
    options += _disk("urunit", files.config, "virtio-blk-device") if files.config else []
    return [*options, "-append", "console=com root=ld0a"]


_GUESTS: Mapping[str, Callable[[Contract, Files, Machine], list[str]]] = {
    "linux": _linux,
    "unikraft": _unikraft,
    "mirage": _mirage,
    "mewz": _mewz,
    "freebsd": _freebsd,
    "netbsd": _netbsd,
}


@dataclass(frozen=True, slots=True)
class _Model:
    """A machine of QEMU by its name, with KVM and emulated, and the processor of the latter.

    "" is the machine that QEMU takes when it is told none.
    """

    machine: str
    emulated: str
    cpu: str


@dataclass(frozen=True, slots=True)
class _Board:
    """What QEMU's machines for one architecture are like, and what urunc says to guests on them.

    `guests` are those that can be booted here. `usual` is the machine of all guests but those in
    `own`. `net` is the end of the name of the network device, `linux_console` Linux's serial line,
    `unikraft_console` the parameter that names Unikraft's. `freebsd_bus` is what FreeBSD's devices
    are attached to, `freebsd_prefix` stands before its parameters, and `freebsd_clock` says where
    the clock is that nothing else describes: on KVM the kernel asks KVM.
    """

    guests: frozenset[str]
    usual: _Model
    own: Mapping[str, _Model]
    net: str
    linux_console: str
    unikraft_console: str
    freebsd_bus: str
    freebsd_prefix: str
    freebsd_clock: tuple[str, ...]


_BOARDS: Mapping[str, _Board] = {
    AMD64.name: _Board(
        guests=frozenset(_GUESTS),
        usual=_Model("", "", "max"),
        # Without kvmclock FreeBSD and NetBSD want an older PC, and FreeBSD a known processor.
        own={
            "freebsd": _Model(
                "microvm,acpi=on,pic=on,pit=on,rtc=on",
                "microvm,x-option-roms=off,rtc=on,acpi=off,pic=on,pit=on",
                "max,-hypervisor,vendor=GenuineIntel,family=6,model=85,"
                "model-id=Intel QEMU CPU @ 2.60GHz",
            ),
            "netbsd": _Model(
                "microvm,rtc=on,acpi=off,pic=off",
                "microvm,x-option-roms=off,rtc=on,acpi=off,pic=on",
                "qemu64,-apic",
            ),
        },
        net="pci",
        linux_console="ttyS0",
        unikraft_console="",
        freebsd_bus="device",
        freebsd_prefix="",
        freebsd_clock=(
            "hint.atrtc.0.at=isa",
            "hint.atrtc.0.port=0x70",
            "hint.atrtc.0.irq=8",
        ),
    ),
    ARM64.name: _Board(
        guests=frozenset(("freebsd", "linux", "unikraft")),
        usual=_Model("virt", "virt", "max,pauth-impdef=on"),
        own={},
        net="device",
        linux_console="ttyAMA0",
        unikraft_console="console=ttyS0",
        # urunc does not say anything of FreeBSD on it. Its kernel takes parameters only after its
        # name (sys/arm64/arm64/machdep_boot.c).
        freebsd_bus="pci",
        freebsd_prefix="FreeBSD:",
        freebsd_clock=(),
    ),
}
"""By the architecture's name in `frameworks.architectures`."""

_TENDED: Mapping[str, Callable[[Contract, Files, Machine], list[str]]] = {
    "mirage": _mirage_words,
    "rumprun": _rumprun_words,
}
"""What the guests of Solo5's tenders are told, by their type."""
