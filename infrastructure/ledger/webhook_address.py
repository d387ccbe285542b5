"""Which addresses checkpoints may be posted to: what an operator may name, and what a name may lead to."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

ADDRESS_CHARACTERS_MAX: Final = 2_000
PORTS: Final = (443, 8_443)
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_PRINTABLE: Final = re.compile(r"[!-~]+")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_LOW_BITS: Final = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Target:
    """Where to post; ``private`` is whether it may be a machine that the internet does not reach."""

    secure: bool
    host: str
    port: int
    path: str
    """With the query; it may hold a secret, so it is never shown."""
    private: bool

    def may_lead_to(self, address: str) -> bool:
        """Whether an address that the host has may be connected to; without TLS only this machine may."""
        found = _meant(ip_address(address.partition("%")[0]))
        if not self.secure:
            return self.private and found.is_loopback
        if self.private:
            return not (found.is_multicast or found.is_unspecified)
        return _public(found)


def read_target(text: str, *, private: bool) -> Target:
    """Raises ValueError with words that do not repeat the address."""
    if len(text) > ADDRESS_CHARACTERS_MAX or not _PRINTABLE.fullmatch(text):
        raise ValueError(
            f"checkpoints are posted to an https address of up to {ADDRESS_CHARACTERS_MAX} printable characters"
        )
    parts = urlsplit(text)
    if parts.scheme != "https" and not (parts.scheme == "http" and private):
        raise ValueError(
            "checkpoints are posted to an https address; http only where private ones are allowed, to this machine"
        )
    host = parts.hostname or ""
    if not host or "@" in parts.netloc or parts.fragment:
        raise ValueError("the address names a host, and neither a user nor a fragment")
    if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]) and not _canonical(host):
        raise ValueError("an IPv4 address is written as four decimal numbers")
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    if port not in PORTS and not private:
        raise ValueError(
            f"the address has port {' or '.join(str(one) for one in PORTS)}; others where private ones are allowed"
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme == "https", host, port, path, private)


def _canonical(host: str) -> bool:
    try:
        return str(ip_address(host)) == host
    except ValueError:
        return False


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that is inside of another one, where packets to that would go there."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & _LOW_BITS) if address in _NAT64 else address


def _public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and (address.sixtofour or address.teredo or address.is_site_local):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)
