"""The laptop's own curl: downloads of releases, and forwarded ports on localhost."""

from __future__ import annotations

import posixpath
from urllib.parse import urlsplit

from minik8s.terminal.io import LaptopIO
from minik8s.terminal.standins.downloads import NOT_FOUND, Download, fetch
from minik8s.terminal.standins.flags import Flags, UsageError, parse
from minik8s.terminal.standins.forwarded import LOCAL, request

VERSION_TEXT = """\
curl 7.88.1 (x86_64-pc-linux-gnu) libcurl/7.88.1
Release-Date: 2023-02-20
Protocols: http https
"""
_SECONDS = 1.4
"""How long a download takes, in simulated seconds."""

_HEADER = (
    "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n"
    "                                 Dload  Upload   Total   Spent    Left  Speed\n"
)
_SWITCHES = (
    "location",
    "remote-name",
    "remote-header-name",
    "silent",
    "show-error",
    "fail",
    "head",
    "include",
    "verbose",
    "insecure",
    "progress-bar",
    "version",
    "compressed",
    "ipv4",
)
_VALUED = (
    "output",
    "header",
    "request",
    "data",
    "user-agent",
    "max-time",
    "connect-timeout",
    "retry",
    "write-out",
)
_SHORT = {
    "L": "location",
    "O": "remote-name",
    "J": "remote-header-name",
    "s": "silent",
    "S": "show-error",
    "f": "fail",
    "I": "head",
    "i": "include",
    "v": "verbose",
    "k": "insecure",
    "#": "progress-bar",
    "V": "version",
    "4": "ipv4",
    "o": "output",
    "H": "header",
    "X": "request",
    "d": "data",
    "A": "user-agent",
    "m": "max-time",
    "w": "write-out",
}


def main(argv: list[str], io: LaptopIO) -> int:
    """Run `curl ARGV...`."""
    try:
        flags = parse(argv, valued=_VALUED, switches=_SWITCHES, short=_SHORT)
    except UsageError as error:
        option = str(error).rpartition(": ")[2]
        io.err(f"curl: option {option}: is unknown\n")
        io.err("curl: try 'curl --help' or 'curl --manual' for more information\n")
        return 2
    if flags.on("version"):
        io.out(VERSION_TEXT)
        return 0
    if not flags.words:
        io.err("curl: try 'curl --help' or 'curl --manual' for more information\n")
        return 2
    code = 0
    for url in flags.words:
        code = _transfer(url, flags, io)
    return code


def _transfer(typed: str, flags: Flags, io: LaptopIO) -> int:
    url = typed if "://" in typed else f"http://{typed}"
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in LOCAL:
        return request(url, flags, io)
    if host != "github.com":
        return _fail(6, f"Could not resolve host: {host}", flags, io)
    found = fetch(url)
    if flags.on("head"):
        io.out("HTTP/2 404 \r\n\r\n" if found is None else "HTTP/2 302 \r\n\r\n")
        return 0
    if found is None and flags.on("fail"):
        return _fail(22, "The requested URL returned error: 404", flags, io)
    if found is not None and not flags.on("location"):
        found = Download(b"", 0)
    return _save(url, found or NOT_FOUND, flags, io, moved=found is not None)


def _fail(code: int, message: str, flags: Flags, io: LaptopIO) -> int:
    if not flags.on("silent") or flags.on("show-error"):
        io.err(f"curl: ({code}) {message}\n")
    return code


def _save(url: str, found: Download, flags: Flags, io: LaptopIO, *, moved: bool) -> int:
    name = flags.get("output")
    if flags.on("remote-name"):
        name = posixpath.basename(urlsplit(url).path)
        if not name:
            return _fail(23, "Failed writing received data to disk/application", flags, io)
    io.sleep(_SECONDS)
    if name in ("", "-"):
        io.out(found.data.decode(errors="replace"))
        return 0
    if not flags.on("silent"):
        io.err(_HEADER + (meter(0, 0) if moved else "") + meter(found.size, _SECONDS))
    if name == "/dev/null":
        return 0
    try:
        io.write_file(name, found.data)
    except IsADirectoryError:
        return _fail(23, "Failure writing output to destination", flags, io)
    return 0


def meter(size: int, seconds: float) -> str:
    """One row of the progress meter, at the end of a transfer; rows begin with CR."""
    if not size:
        clock = "--:--:-- --:--:-- --:--:--"
        return f"\r  0     0    0     0    0     0      0      0 {clock}     0\n"
    speed = int(size / seconds) if seconds else size
    total = _short(size)
    spent = f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02d}:{int(seconds) % 60:02d}"
    return (
        f"\r100 {total:>5}  100 {total:>5}    0     0 {_short(speed):>6}      0  "
        f"{spent}  {spent} --:--:-- {_short(int(speed * 1.04)):>5}\n"
    )


def _short(size: int) -> str:
    """A size in five characters (libcurl's max5data)."""
    if size < 100_000:
        return f"{size:5d}".strip()
    if size < 10_000 * 1024:
        return f"{size // 1024}k"
    if size < 100 * 1024 * 1024:
        whole, rest = divmod(size, 1024 * 1024)
        return f"{whole}.{rest * 10 // (1024 * 1024)}M"
    return f"{size // (1024 * 1024)}M"
