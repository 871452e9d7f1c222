"""`sudo`: runs the rest of the line as root, without asking for a password."""

from __future__ import annotations

from minik8s.terminal.io import LaptopIO

_USAGE = """\
usage: sudo -h | -K | -k | -V
usage: sudo [-E] [-u user] [VAR=value] [command [arg ...]]
"""


def main(argv: list[str], io: LaptopIO) -> int:
    """Run `sudo ARGV...`."""
    rest, user = list(argv), "root"
    while rest and (rest[0].startswith("-") or "=" in rest[0].split(" ")[0]):
        word = rest.pop(0)
        if word in ("-u", "--user") and rest:
            user = rest.pop(0)
        elif word == "--":
            break
        elif word in ("-i", "-s") and not rest:
            io.err("sudo: an interactive root shell is not simulated; put sudo before a command\n")
            return 1
    if not rest:
        io.err(_USAGE)
        return 1
    return io.run(rest, user)
