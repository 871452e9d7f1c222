"""Addresses and blocks in documents (k8s.io/apimachinery/pkg/util/validation/ip.go).

Old fields take sloppy spellings when they are stored already; new values must be strict: no
leading zeros, no IPv4-mapped IPv6 address, no bits beyond the prefix.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from minik8s.admission.problems import Problems

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NOT_A_BLOCK = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
_NOT_AN_ADDRESS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"


def _without_zeros(address: str) -> str:
    """The address with the leading zeros of its decimal bytes gone."""
    if ":" in address and "." not in address:
        return address
    head, colon, tail = address.rpartition(":")
    parts = tail.split(".")
    if not all(part.isascii() and part.isdigit() for part in parts):
        return address
    return head + colon + ".".join(part.lstrip("0") or "0" for part in parts)


@lru_cache(maxsize=4096)
def parse_network(text: str) -> tuple[Network, str] | None:
    """The block that a text means, and what a strict reader says against it; None if it is none."""
    address, slash, prefix = text.partition("/")
    if not slash or not (prefix.isascii() and prefix.isdigit()) or "%" in address:
        return None
    plain = _without_zeros(address)
    try:
        start = ip_address(plain)
        network = ip_network(f"{plain}/{int(prefix)}", strict=False)
    except ValueError:
        return None
    return network, _strictly(start, network, plain != address or prefix != str(int(prefix)))


def _strictly(start: Address, network: Network, zeros: bool) -> str:
    if zeros:
        return "must not have leading 0s in IP or prefix length"
    if isinstance(start, IPv6Address) and start.ipv4_mapped is not None:
        return "must not have an IPv4-mapped IPv6 address"
    if start != network.network_address:
        return "must not have bits set beyond the prefix length"
    return ""


def check_block(problems: Problems, path: str, text: str) -> None:
    """A CIDR block, strictly written."""
    parsed = parse_network(text)
    if parsed is None:
        problems.invalid(path, text, _NOT_A_BLOCK)
    elif parsed[1]:
        problems.invalid(path, text, parsed[1])


def check_address(problems: Problems, path: str, text: str) -> bool:
    """An IP address, strictly written; False if it is none."""
    try:
        address = ip_address(text if "%" not in text else "")  # a zone is no part of one
    except ValueError:
        problems.invalid(path, text, _NOT_AN_ADDRESS)
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        problems.invalid(path, text, "must not be an IPv4-mapped IPv6 address")
        return False
    return True


def check_ordinary(problems: Problems, path: str, text: str) -> None:
    """An address that can be an endpoint: not loopback, link-local, multicast or unspecified."""
    address = ip_address(text)
    if address.is_unspecified:
        problems.invalid(path, text, f"may not be unspecified ({text})")
    if address.is_loopback:
        problems.invalid(path, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)")
    if address.is_link_local:
        problems.invalid(
            path, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"
        )
    if address.is_multicast and str(address).startswith(("224.0.0.", "ff02:")):
        problems.invalid(
            path, text, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"
        )


def is_ipv6(text: str) -> bool:
    """Whether an address is written the way of IPv6."""
    return ":" in text
