"""Pure decisions about hosts, origins and addresses of requests. Must never do I/O."""

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from ccexport.settings import Settings

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
OUR_ORIGIN = "x-ccexport-origin"  # set by the middleware; what a browser sends under this name is dropped


def hosts(settings: Settings, port: int | None) -> frozenset[str]:
    """Return the accepted Host headers: the address people use, and this machine's own on our port."""
    own = urlsplit(settings.base_url).netloc.rpartition("@")[2].lower()
    return frozenset({own, *(f"{name}:{port}" for name in LOOPBACK)} if port else {own})


def is_ours(settings: Settings, port: int | None, headers: Mapping[str, str]) -> bool:
    """Whether Host and, if sent, Origin are ours. Another port of localhost is not ours."""
    ours = hosts(settings, port)
    host = headers.get("host", "").lower()
    if host not in ours:
        return False
    origin = headers.get("origin")
    if origin is None:
        return True
    given = urlsplit(origin.lower())
    scheme = urlsplit(settings.base_url)
    if given.netloc == scheme.netloc.lower():
        return given.scheme == scheme.scheme
    return given.scheme in {"http", "https"} and given.netloc == host


def address_of(settings: Settings, peer: str, forwarded: str) -> str:
    """Return the visitor's address: the last one a trusted proxy names, else the other end of the connection."""
    if forwarded and any(_within(peer, proxy) for proxy in settings.proxies):
        named = [part.strip() for part in forwarded.split(",")]
        while len(named) > 1 and any(_within(named[-1], proxy) for proxy in settings.proxies):
            named.pop()
        peer = named[-1]
    return group_of(peer)


def group_of(address: str) -> str:
    """Return the group in which an address is counted: itself, or the /64 of IPv6, which one household owns."""
    try:
        found = ip_address(address.strip("[]").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped) if mapped else str(ip_network((found, 64), strict=False))
    return str(found)


def _within(address: str, network: str) -> bool:
    try:
        return ip_address(address.strip("[]")) in ip_network(network)
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach this address."""
    if host in {"localhost", "testclient", "testserver"}:
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
