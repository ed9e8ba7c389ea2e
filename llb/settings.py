"""Settings: what commands on a State start with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from llb.exec import Network, Security, Ulimit
from llb.platform import Platform


@dataclass(frozen=True, slots=True)
class Settings:
    """What `State.run` starts with. `env` keeps its order; a later value of a name moves to the
    end.
    """

    env: tuple[tuple[str, str], ...] = ()
    cwd: str = "/"
    user: str = ""
    platform: Platform | None = None
    network: Network = Network.SANDBOX
    security: Security = Security.SANDBOX
    hosts: tuple[tuple[str, str], ...] = ()
    ulimits: tuple[Ulimit, ...] = ()
    hostname: str = ""
    cgroup_parent: str = ""


def override(
    env: tuple[tuple[str, str], ...], more: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """Return `env` with the variables of `more` at its end, in place of older ones."""
    for name in more:
        if not name or "=" in name:
            raise ValueError(f"{name!r} cannot be the name of an environment variable")
    return tuple(pair for pair in env if pair[0] not in more) + tuple(more.items())


def check_hosts(hosts: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return pairs of a name and an IP address in normal form. Raises ValueError for no address."""
    pairs = tuple(hosts)
    if not pairs:
        return ()
    from ipaddress import IPv6Address, ip_address  # rare

    checked = []
    for name, address in pairs:
        ip = ip_address(address)
        # Go prints an IPv4 address in IPv6's clothes as IPv4.
        plain = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
        checked.append((name, str(plain or ip)))
    return tuple(checked)
