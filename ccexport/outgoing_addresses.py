"""Which address of a host a request may go to that a person, not the operator, has chosen.

Such a request must not reach this machine, its network or a cloud's metadata service. The host is resolved once
and the connection is made to just the address that was checked, so that a second answer of a name server cannot
lead elsewhere. Must never be used for the API, whose address the operator sets.
"""

import ipaddress
import socket
from collections.abc import Collection, Iterator
from urllib.request import getproxies, proxy_bypass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Addresses that carry an IPv4 address (https://www.rfc-editor.org/rfc/rfc6052.html): a gateway would send on to it.
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))


class NotPublic(Exception):
    """The host is, or resolves to, an address that is not a public one."""


def checked_address(host: str, port: int, allowed: Collection[str] = ()) -> str:
    """Return the address to connect to: of a host in `allowed` its name, of any other its first, public address.

    Every address of the host must be public. Raises `NotPublic`, and `OSError` when the name cannot be resolved.
    """
    name = host.strip("[]").lower()
    if name in allowed or _goes_through_a_proxy(name):
        return host
    found = [info[4][0] for info in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)]
    if not found or not all(is_public(str(address)) for address in found):
        raise NotPublic(name)
    return str(found[0])


def is_public(text: str) -> bool:
    """Return whether an IP address, and every address it carries, is one of the public internet."""
    address = ipaddress.ip_address(text.partition("%")[0])
    return all(one.is_global and not one.is_multicast for one in (address, *_carried(address)))


def _carried(address: Address) -> Iterator[Address]:
    """Yield the IPv4 addresses inside an IPv6 address: mapped, compatible, 6to4, Teredo and NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return
    if address.ipv4_mapped:
        yield address.ipv4_mapped
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo
    if any(address in network for network in _NAT64) or int(address) < 1 << 32:
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


def _goes_through_a_proxy(host: str) -> bool:
    """Return whether the operator's proxy makes the connection; it resolves the name itself, and decides."""
    return bool(getproxies().get("https") or getproxies().get("all")) and not proxy_bypass(host)
