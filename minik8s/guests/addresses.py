"""Addresses as programs print and parse them."""

from __future__ import annotations

from ipaddress import ip_address


def is_address(text: str) -> bool:
    """Whether a text is an IPv4 or IPv6 address rather than a name.

    >>> is_address("10.0.0.1"), is_address("::1"), is_address("backend")
    (True, True, False)
    """
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def with_port(address: str, port: int) -> str:
    """Address and port, an IPv6 address in brackets.

    >>> with_port("fd00::1", 80)
    '[fd00::1]:80'
    """
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def reverse_name(address: str) -> str:
    """The name under which DNS holds the PTR record of an address.

    >>> reverse_name("10.96.0.10")
    '10.0.96.10.in-addr.arpa'
    """
    return ip_address(address).reverse_pointer
