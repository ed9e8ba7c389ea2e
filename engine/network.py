"""The bridges of the engine's daemons.

dockerd runs with its own packet filter rules switched off: they have fixed names, and a second
daemon that wrote them would cut off the containers of the host's Docker. Three rules per bridge do
what a builder needs, and they can be removed exactly as they were added.
"""

import fcntl
import ipaddress
import json
import socket
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

from engine.layout import BRIDGES, Place
from engine.report import EngineError

FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
# linux/sockios.h
SIOCSIFFLAGS, SIOCGIFFLAGS = 0x8914, 0x8913
SIOCSIFADDR, SIOCSIFNETMASK = 0x8916, 0x891C
SIOCBRADDBR, SIOCBRDELBR = 0x89A0, 0x89A1
IFF_UP = 1


def rules(place: Place) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """The packet filter rules of one bridge: table, chain, and the rule's arguments."""
    bridge = place.bridge
    return (
        ("nat", "POSTROUTING", ("-s", place.subnet, "!", "-o", bridge, "-j", "MASQUERADE")),
        ("filter", "FORWARD", ("-i", bridge, "-j", "ACCEPT")),
        ("filter", "FORWARD", ("-o", bridge, "-j", "ACCEPT")),
    )


def _iptables(root: Path, *arguments: str) -> bool:
    """Run the root's own iptables, for the host may have none."""
    done = subprocess.run(
        ("chroot", str(root), "/usr/sbin/iptables", "-w", "10", *arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0 and "-C" not in arguments:
        raise EngineError(f"iptables {' '.join(arguments)}: {done.stderr.strip()}")
    return done.returncode == 0


def _present(root: Path, place: Place) -> Iterator[tuple[tuple[str, str, tuple[str, ...]], bool]]:
    for rule in rules(place):
        table, chain, arguments = rule
        yield rule, _iptables(root, "-t", table, "-C", chain, *arguments)


def _request(name: str, payload: bytes = b"") -> bytes:
    """A ``struct ifreq``: a name of 16 bytes and a union of 24."""
    return struct.pack("16s24s", name.encode(), payload)


def _address(text: str) -> bytes:
    """A ``struct sockaddr_in`` without a port."""
    return struct.pack("HH4s", socket.AF_INET, 0, ipaddress.IPv4Address(text).packed)


def exists(name: str) -> bool:
    """Whether there is a network interface of this name."""
    return Path("/sys/class/net", name).exists()


def raise_bridge(root: Path, place: Place, saved: Path) -> None:
    """Make a daemon's bridge, its rules, and let the host forward packets; does nothing twice."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        if not exists(place.bridge):
            fcntl.ioctl(control, SIOCBRADDBR, place.bridge.encode() + b"\0")
        fcntl.ioctl(control, SIOCSIFADDR, _request(place.bridge, _address(place.address)))
        fcntl.ioctl(control, SIOCSIFNETMASK, _request(place.bridge, _address("255.255.255.0")))
        _set_up(control, place.bridge, True)
    for (table, chain, arguments), present in _present(root, place):
        if not present:
            # First, for a host's own Docker or firewall may end the chain with a refusal.
            _iptables(root, "-t", table, "-I", chain, "1", *arguments)
    forwarding = FORWARDING.read_text().strip()
    if forwarding != "1":
        saved.write_text(json.dumps({"ip_forward": forwarding}) + "\n")
        FORWARDING.write_text("1\n")


def _set_up(control: socket.socket, name: str, up: bool) -> None:
    answer = fcntl.ioctl(control, SIOCGIFFLAGS, _request(name))
    flags: int = struct.unpack_from("H", answer, 16)[0]
    flags = flags | IFF_UP if up else flags & ~IFF_UP
    fcntl.ioctl(control, SIOCSIFFLAGS, _request(name, struct.pack("H", flags)))


def lower_bridge(root: Path | None, place: Place) -> None:
    """Remove a daemon's rules and its bridge, if they are there."""
    if root is not None:
        for (table, chain, arguments), present in _present(root, place):
            if present:
                _iptables(root, "-t", table, "-D", chain, *arguments)
    if exists(place.bridge):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            _set_up(control, place.bridge, False)
            fcntl.ioctl(control, SIOCBRDELBR, place.bridge.encode() + b"\0")


def restore_forwarding(saved: Path) -> None:
    """Put the host's forwarding back to what it was, once no engine has a bridge left."""
    if not saved.exists() or any(Path("/sys/class/net").glob(f"{BRIDGES}*-*")):
        return
    value: str = json.loads(saved.read_text())["ip_forward"]
    FORWARDING.write_text(value + "\n")
    saved.unlink()


def resolver(candidates: tuple[Path, ...] = ()) -> str:
    """A resolv.conf that works in a container, where a loopback address is not the host's.

    systemd-resolved keeps the real servers in a file of its own.
    """
    chosen = ""
    for path in candidates or (
        Path("/etc/resolv.conf"),
        Path("/run/systemd/resolve/resolv.conf"),
    ):
        try:
            text = path.read_text()
        except OSError:
            continue
        chosen = chosen or text
        servers = [
            words[1]
            for words in map(str.split, text.splitlines())
            if len(words) > 1 and words[0] == "nameserver"
        ]
        if servers and not all(s.startswith("127.") or s == "::1" for s in servers):
            return text
    return chosen
