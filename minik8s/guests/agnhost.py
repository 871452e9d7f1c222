"""agnhost, the test image of Kubernetes' own network tests: one program, many subcommands."""

from __future__ import annotations

from collections.abc import Callable

from minik8s.guests.agnhost_connect import connect
from minik8s.guests.agnhost_serve import netexec, porter, serve_hostname
from minik8s.guests.base import Forever, Process, Steps

_HELP = """\
Usage:
  app [command]

Available Commands:
  connect           Attempts a TCP, UDP or SCTP connection and returns useful errors
  help              Help about any command
  netexec           Creates an HTTP(S), UDP, and (optionally) SCTP server with various endpoints
  pause             Pauses
  porter            Serves requested data on ports specified in ENV variables
  serve-hostname    Serves the hostname

Flags:
  -h, --help      help for app
  -v, --version   version for app

Use "app [command] --help" for more information about a command.
"""
VERSION = "2.57"


def _pause(process: Process) -> Steps[int]:
    process.out("Paused\n")
    yield Forever()
    return 0


_COMMANDS: dict[str, Callable[[Process], Steps[int]]] = {
    "connect": connect,
    "netexec": netexec,
    "pause": _pause,
    "porter": porter,
    "serve-hostname": serve_hostname,
}


def agnhost(process: Process) -> Steps[int]:
    """Run one of agnhost's subcommands."""
    words = process.arguments
    if not words or words[0] in ("help", "-h", "--help"):
        process.out(_HELP)
        return 0
    if words[0] in ("-v", "--version"):
        process.out(f"app version {VERSION}\n")
        return 0
    command = _COMMANDS.get(words[0])
    if command is None:
        process.err(
            f'Error: unknown command "{words[0]}" for "app"\nRun \'app --help\' for usage.\n'
        )
        return 1
    return (yield from command(process.child(words)))
