"""curl's command line: options as data, and the settings that they make.

Each URL of one command is fetched with the same settings; `--next` is not known here.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote


@dataclass(slots=True)
class Settings:
    """What one curl command asks for."""

    urls: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    remote_name: int = 0
    head: bool = False
    include: bool = False
    silent: bool = False
    show_error: bool = False
    fail: bool = False
    fail_with_body: bool = False
    verbose: bool = False
    follow: bool = False
    insecure: bool = False
    globoff: bool = False
    get: bool = False
    progress_bar: bool = False
    no_meter: bool = False
    family: str = ""
    http_version: str = "HTTP/1.1"
    http09: bool = False
    method: str = ""
    write_out: str = ""
    dump_header: str = ""
    max_time: float = 0.0
    connect_timeout: float = 0.0
    max_redirects: int = 50
    retry: int = 0
    retry_delay: float = 0.0
    retry_refused: bool = False
    retry_all: bool = False
    headers: list[str] = field(default_factory=list)
    removed_headers: set[str] = field(default_factory=set)
    data: list[bytes] = field(default_factory=list)
    has_data: bool = False
    json: bool = False
    user_agent: str | None = None
    referer: str = ""
    cookie: str = ""
    user: str = ""
    resolve: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    connect_to: list[tuple[str, str, str, str]] = field(default_factory=list)
    local_port: int = 0
    range: str = ""
    show_version: bool = False
    show_help: bool = False
    written: set[str] = field(default_factory=set)


class UsageError(Exception):
    """A command line that curl refuses: what it says, behind `curl: `."""


ReadFile = Callable[[str], bytes | None]
Setter = Callable[[Settings, str, ReadFile], None]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FLAGS: dict[str, tuple[str, bool]] = {
    "head": ("head", True),
    "include": ("include", True),
    "show-headers": ("include", True),
    "silent": ("silent", True),
    "show-error": ("show_error", True),
    "fail": ("fail", True),
    "fail-with-body": ("fail_with_body", True),
    "verbose": ("verbose", True),
    "location": ("follow", True),
    "location-trusted": ("follow", True),
    "insecure": ("insecure", True),
    "globoff": ("globoff", True),
    "get": ("get", True),
    "progress-bar": ("progress_bar", True),
    "progress-meter": ("no_meter", False),
    "http0.9": ("http09", True),
    "retry-connrefused": ("retry_refused", True),
    "retry-all-errors": ("retry_all", True),
    "version": ("show_version", True),
    "help": ("show_help", True),
}

_IGNORED_FLAGS = _words(
    "no-buffer buffer compressed tcp-nodelay keepalive tr-encoding path-as-is raw fail-early "
    "parallel styled-output sessionid alpn npn create-dirs remote-time tlsv1 tlsv1.2 tlsv1.3 "
    "http2 http2-prior-knowledge tcp-fastopen disable xattr ssl-reqd post301 post302 "
    "post303 suppress-connect-headers"
)
_IGNORED_VALUES = _words(
    "noproxy interface keepalive-time cacert capath cert key ciphers max-filesize limit-rate "
    "speed-limit speed-time cookie-jar happy-eyeballs-timeout-ms expect100-timeout "
    "retry-max-time time-cond proto proto-default proto-redir tls-max"
)

_SHORT = {
    "0": "http1.0",
    "4": "ipv4",
    "6": "ipv6",
    "A": "user-agent",
    "b": "cookie",
    "c": "cookie-jar",
    "d": "data",
    "D": "dump-header",
    "e": "referer",
    "E": "cert",
    "f": "fail",
    "g": "globoff",
    "G": "get",
    "H": "header",
    "h": "help",
    "I": "head",
    "i": "include",
    "k": "insecure",
    "L": "location",
    "m": "max-time",
    "N": "no-buffer",
    "O": "remote-name",
    "o": "output",
    "q": "disable",
    "R": "remote-time",
    "r": "range",
    "S": "show-error",
    "s": "silent",
    "T": "upload-file",
    "u": "user",
    "V": "version",
    "v": "verbose",
    "w": "write-out",
    "X": "request",
    "x": "proxy",
    "y": "speed-time",
    "Y": "speed-limit",
    "z": "time-cond",
    "Z": "parallel",
    "#": "progress-bar",
    "1": "tlsv1",
}


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise UsageError(f"option {name}: expected a proper numerical parameter") from None
    if value < 0:
        raise UsageError(f"option {name}: expected a positive numerical parameter")
    return value


def _header(settings: Settings, text: str, read: ReadFile) -> None:
    if text.startswith("@"):
        for line in (read(text[1:]) or b"").decode().splitlines():
            _header(settings, line, read)
        return
    name, colon, value = text.partition(":")
    if colon and value.strip():
        settings.headers.append(text)
    elif colon:
        settings.removed_headers.add(name.strip().lower())
    elif text.endswith(";"):
        settings.headers.append(f"{text[:-1]}:")


def _data(settings: Settings, text: str, read: ReadFile) -> None:
    data = text.encode()
    if text.startswith("@"):
        data = (read(text[1:]) or b"").replace(b"\r", b"").replace(b"\n", b"")
    _add_data(settings, data)


def _data_binary(settings: Settings, text: str, read: ReadFile) -> None:
    _add_data(settings, (read(text[1:]) or b"") if text.startswith("@") else text.encode())


def _data_raw(settings: Settings, text: str, _read: ReadFile) -> None:
    _add_data(settings, text.encode())


def _data_urlencode(settings: Settings, text: str, read: ReadFile) -> None:
    name, equals, value = text.partition("=")
    if not equals and "@" in text:
        name, _, path = text.partition("@")
        value = (read(path) or b"").decode()
    elif not equals:
        name, value = "", text
    encoded = quote(value, safe="-._~")
    _add_data(settings, (f"{name}={encoded}" if name else encoded).encode())


def _json(settings: Settings, text: str, read: ReadFile) -> None:
    _data_binary(settings, text, read)
    settings.json = True
    settings.headers += ["Content-Type: application/json", "Accept: application/json"]


def _add_data(settings: Settings, data: bytes) -> None:
    settings.has_data = True
    settings.data.append(data)


def _resolve(settings: Settings, text: str, _read: ReadFile) -> None:
    host, _, rest = text.lstrip("+").partition(":")
    port, _, addresses = rest.partition(":")
    if not addresses:
        raise UsageError(f"Couldn't parse CURLOPT_RESOLVE entry '{text}'")
    settings.resolve[host.lower(), port] = [a.strip("[]") for a in addresses.split(",")]


def _connect_to(settings: Settings, text: str, _read: ReadFile) -> None:
    parts = [*text.split(":"), "", "", ""]
    settings.connect_to.append((parts[0], parts[1], parts[2], parts[3]))


def _write_out(settings: Settings, text: str, read: ReadFile) -> None:
    if text.startswith("@"):
        text = (read(text[1:]) or b"").decode()
    settings.write_out = text


def _text(attribute: str) -> Setter:
    def store(settings: Settings, text: str, _read: ReadFile) -> None:
        setattr(settings, attribute, text)

    return store


def _real(attribute: str, option: str) -> Setter:
    def store(settings: Settings, text: str, _read: ReadFile) -> None:
        setattr(settings, attribute, _number(option, text))

    return store


def _whole(attribute: str, option: str) -> Setter:
    def store(settings: Settings, text: str, _read: ReadFile) -> None:
        value = -1 if text == "-1" else int(_number(option, text))
        setattr(settings, attribute, value)

    return store


def _append_output(settings: Settings, text: str, _read: ReadFile) -> None:
    settings.outputs.append(text)


def _url(settings: Settings, text: str, _read: ReadFile) -> None:
    settings.urls.append(text)


_VALUES: dict[str, Setter] = {
    "header": _header,
    "data": _data,
    "data-ascii": _data,
    "data-binary": _data_binary,
    "data-raw": _data_raw,
    "data-urlencode": _data_urlencode,
    "json": _json,
    "resolve": _resolve,
    "connect-to": _connect_to,
    "write-out": _write_out,
    "output": _append_output,
    "url": _url,
    "request": _text("method"),
    "user-agent": _text("user_agent"),
    "referer": _text("referer"),
    "cookie": _text("cookie"),
    "user": _text("user"),
    "dump-header": _text("dump_header"),
    "range": _text("range"),
    "max-time": _real("max_time", "-m"),
    "connect-timeout": _real("connect_timeout", "--connect-timeout"),
    "retry-delay": _real("retry_delay", "--retry-delay"),
    "retry": _whole("retry", "--retry"),
    "max-redirs": _whole("max_redirects", "--max-redirs"),
    "local-port": _whole("local_port", "--local-port"),
}
_UNSUPPORTED = _words(
    "proxy upload-file socks4 socks4a socks5 socks5-hostname form form-string unix-socket "
    "abstract-unix-socket ftp-port quote http3 config netrc-file doh-url dns-servers aws-sigv4 "
    "next"
)


def _flag(settings: Settings, name: str) -> bool:
    """Set a flag; False if there is no such flag."""
    wanted = True
    if name.startswith("no-") and name[3:] in {*_FLAGS, *_IGNORED_FLAGS}:
        name, wanted = name[3:], False
    if name in _FLAGS:
        attribute, value = _FLAGS[name]
        setattr(settings, attribute, value is wanted)
    elif name in ("ipv4", "ipv6"):
        settings.family = name
    elif name in ("http1.0", "http1.1"):
        settings.http_version = name.upper().replace("HTTP", "HTTP/")
    elif name in ("remote-name", "remote-name-all"):
        settings.remote_name += 1
        settings.outputs.append("")
    else:
        return name in _IGNORED_FLAGS
    return True


def takes_value(name: str) -> bool:
    """Whether an option has an argument."""
    return name in _VALUES or name in _IGNORED_VALUES or name in _UNSUPPORTED


def _long_name(name: str) -> str:
    """The full name of an option that may have been shortened."""
    known = [*_FLAGS, *_VALUES, *_IGNORED_FLAGS, *_IGNORED_VALUES, *_UNSUPPORTED]
    known += ["ipv4", "ipv6", "http1.0", "http1.1", "remote-name"]
    if name in known or name.startswith("no-"):
        return name
    matches = [option for option in known if option.startswith(name)]
    if len(matches) == 1:
        return matches[0]
    raise UsageError(f"option --{name}: is {'ambiguous' if matches else 'unknown'}")


class Parser:
    """Reads one command line into Settings; raises UsageError."""

    def __init__(self, arguments: list[str], read: ReadFile) -> None:
        self.settings = Settings()
        self._arguments = arguments
        self._read = read
        self._place = 0

    def parse(self) -> Settings:
        """The settings of the whole command line."""
        options = True
        while self._place < len(self._arguments):
            argument = self._next()
            if options and argument == "--":
                options = False
            elif options and argument.startswith("--"):
                self._apply(argument, _long_name(argument[2:]), None)
            elif options and argument.startswith("-") and argument != "-":
                self._short(argument)
            else:
                self.settings.urls.append(argument)
        return self.settings

    def _next(self) -> str:
        self._place += 1
        return self._arguments[self._place - 1]

    def _short(self, cluster: str) -> None:
        letters = cluster[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            name = _SHORT.get(letter)
            if name is None:
                raise UsageError(f"option {cluster}: is unknown")
            if takes_value(name):
                self._apply(f"-{letter}", name, letters or None)
                return
            self._apply(f"-{letter}", name, None)

    def _apply(self, typed: str, name: str, value: str | None) -> None:
        if not takes_value(name):
            if not _flag(self.settings, name):
                raise UsageError(f"option {typed}: is unknown")
            return
        if value is None:
            if self._place >= len(self._arguments):
                raise UsageError(f"option {typed}: requires parameter")
            value = self._next()
        if name in _UNSUPPORTED:
            raise UsageError(f"option {typed}: the installed libcurl version doesn't support this")
        if name in _VALUES:
            _VALUES[name](self.settings, value, self._read)


def basic_authorization(user: str) -> str:
    """The value of an Authorization header for `-u name:password`."""
    return "Basic " + base64.b64encode(user.encode()).decode()
