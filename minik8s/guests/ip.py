"""ip: the addresses, links and routes of the pod."""

from __future__ import annotations

from ipaddress import ip_address

from minik8s.guests.base import Process, Steps

_USAGE = "Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }\n"


def _hardware(address: str) -> str:
    """A MAC address made from an IP address, as some network plugins do."""
    return ":".join(f"{byte:02x}" for byte in b"\x0a\x58" + ip_address(address).packed[-4:])


def _link(process: Process, number: int, name: str) -> str:
    if name == "lo":
        return (
            f"{number}: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN "
            "group default qlen 1000\n"
            "    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n"
        )
    mac = _hardware(process.host.addresses[0])
    return (
        f"{number}: eth0@if{number + 8}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 "
        "qdisc noqueue state UP group default qlen 1000\n"
        f"    link/ether {mac} brd ff:ff:ff:ff:ff:ff link-netnsid 0\n"
    )


def _address_lines(address: str, interface: str) -> str:
    if ":" in address:
        return (
            f"    inet6 {address}/128 scope global\n"
            "       valid_lft forever preferred_lft forever\n"
        )
    return (
        f"    inet {address}/32 scope global {interface}\n"
        "       valid_lft forever preferred_lft forever\n"
    )


def _show_addresses(process: Process) -> str:
    text = _link(process, 1, "lo")
    text += "    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n"
    text += _link(process, 2, "eth0")
    return text + "".join(_address_lines(each, "eth0") for each in process.host.addresses)


def _show_brief(process: Process) -> str:
    own = " ".join(f"{each}/{128 if ':' in each else 32}" for each in process.host.addresses)
    return f"lo               UNKNOWN        127.0.0.1/8\neth0@if10        UP             {own}\n"


def _show_routes(process: Process) -> str:
    own = next((each for each in process.host.addresses if ":" not in each), "")
    if not own:
        return ""
    gateway = own.rsplit(".", 1)[0] + ".1"
    return f"default via {gateway} dev eth0\n{gateway} dev eth0 scope link\n"


def ip(process: Process) -> Steps[int]:
    """ip addr, ip link and ip route, shown."""
    yield from ()
    words = [word for word in process.arguments if not word.startswith("-")]
    options = [word for word in process.arguments if word.startswith("-")]
    if not words:
        process.err(_USAGE)
        return 255
    subject = words[0]
    if "address".startswith(subject):
        brief = any(option in ("-br", "-brief") for option in options)
        process.out(_show_brief(process) if brief else _show_addresses(process))
    elif "link".startswith(subject):
        process.out(_link(process, 1, "lo") + _link(process, 2, "eth0"))
    elif "route".startswith(subject):
        process.out(_show_routes(process))
    elif "neighbour".startswith(subject) or "neighbor".startswith(subject):
        process.out("")
    else:
        process.err(f'Object "{subject}" is unknown, try "ip help".\n')
        return 1
    return 0
