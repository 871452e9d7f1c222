"""wget, in the forms of BusyBox and of GNU."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from minik8s.guests.addresses import is_address, with_port
from minik8s.guests.base import Process, Sleep, Steps
from minik8s.guests.errors import strerror
from minik8s.guests.fetching import Fetched, connect_and_fetch
from minik8s.guests.http import Headers, Request
from minik8s.guests.options import OptionError, getopt
from minik8s.guests.resolver import NOT_FOUND, lookup
from minik8s.guests.urls import DEFAULT_PORTS, MalformedUrl, Url, parse_url


@dataclass(slots=True)
class _Plan:
    """What the command line asks for."""

    urls: list[str] = field(default_factory=list)
    output: str = ""
    folder: str = ""
    quiet: bool = False
    brief: bool = False
    spider: bool = False
    server_response: bool = False
    insecure: bool = False
    agent: str = "Wget"
    timeout: float | None = None
    tries: int = 20
    headers: Headers = field(default_factory=list)
    post: str | None = None

    def take(self, name: str, value: str) -> None:
        """Note one option."""
        if name in ("O", "output-document"):
            self.output = value
        elif name in ("P", "directory-prefix"):
            self.folder = value
        elif name in ("q", "quiet"):
            self.quiet = True
        elif name in ("nv", "no-verbose"):
            self.brief = True
        elif name in ("spider", "server-response", "S"):
            self.spider = self.spider or name == "spider"
            self.server_response = self.server_response or name != "spider"
        elif name == "no-check-certificate":
            self.insecure = True
        elif name in ("U", "user-agent"):
            self.agent = value
        elif name in ("T", "timeout", "connect-timeout", "read-timeout", "dns-timeout"):
            self.timeout = float(value) or None
        elif name in ("t", "tries"):
            self.tries = int(value)
        elif name == "header":
            key, _, text = value.partition(":")
            self.headers.append((key.strip(), text.strip()))
        elif name == "post-data":
            self.post = value

    def request(self, url: Url) -> Request:
        """The request for a URL."""
        method = "HEAD" if self.spider else "GET" if self.post is None else "POST"
        headers: Headers = [("Host", url.authority), ("User-Agent", self.agent), *self.headers]
        body = (self.post or "").encode()
        if method == "POST":
            kind = "application/x-www-form-urlencoded"
            headers += [("Content-Type", kind), ("Content-Length", str(len(body)))]
        headers.append(("Connection", "close"))
        return Request(method, url.target, "HTTP/1.1", headers, body)


_LONG = (
    *("output-document=", "directory-prefix=", "quiet", "no-verbose", "spider", "server-response"),
    *("user-agent=", "no-check-certificate", "timeout=", "connect-timeout=", "read-timeout="),
    *("dns-timeout=", "tries=", "header=", "post-data=", "continue", "no-proxy", "no-cache"),
)


def _parse(process: Process, short: str, agent: str) -> _Plan:
    plan = _Plan(agent=agent)
    arguments = ["--no-verbose" if word == "-nv" else word for word in process.arguments]
    options, plan.urls = getopt(arguments, short, _LONG)
    for name, value in options:
        plan.take(name, value)
    return plan


def _save(process: Process, plan: _Plan, url: Url, body: bytes) -> str:
    """Write the body where it belongs; gives the file's name, "-" for standard output."""
    name = plan.output or url.file_name or "index.html"
    if name == "-":
        process.out(body)
        return name
    if plan.folder and not plan.output:
        name = f"{plan.folder}/{name}"
    path = process.resolve(name)
    if not path.startswith("/dev/"):
        process.container.disk.write(path, body)
    return name


# -- BusyBox

_BUSYBOX_USAGE = """\
BusyBox v1.37.0 () multi-call binary.

Usage: wget [-cqS] [--spider] [-O FILE] [-o LOGFILE] [--header STR]
	[--post-data STR | --post-file FILE] [-Y on/off]
	[-P DIR] [-U AGENT] [-T SEC] URL...

Retrieve files via HTTP or FTP

	--spider	Only check URL existence: $? is 0 if exists
	--header STR	Add STR (of form 'header: value') to headers
	--post-data STR	Send STR using POST method
	--post-file FILE	Send FILE using POST method
	-c		Continue retrieval of aborted transfer
	-q		Quiet
	-P DIR		Save to DIR (default .)
	-S    		Show server response
	-T SEC		Network read timeout is SEC seconds
	-O FILE		Save to FILE ('-' for stdout)
	-o LOGFILE	Log messages to FILE
	-U STR		Use STR for User-Agent header
	-Y on/off	Use proxy
"""
_REDIRECTIONS = 10


def busybox_wget(process: Process) -> Steps[int]:
    """wget of BusyBox."""
    try:
        plan = _parse(process, "cqSO:o:P:Y:U:T:t:46", "Wget")
    except OptionError as error:
        process.err(f"wget: {error.busybox}\n{_BUSYBOX_USAGE}")
        return 1
    except ValueError:
        process.err("wget: invalid number\n")
        return 1
    if not plan.urls:
        process.err(_BUSYBOX_USAGE)
        return 1
    plan.timeout = plan.timeout or 900.0
    for text in plan.urls:
        try:
            url = parse_url(text)
        except MalformedUrl:
            process.err(f"wget: bad address '{text}'\n")
            return 1
        if url.scheme not in DEFAULT_PORTS:
            process.err(f"wget: not an http or ftp url: {text}\n")
            return 1
        code = yield from _busybox_fetch(process, plan, url)
        if code:
            return code
    return 0


def _busybox_fetch(process: Process, plan: _Plan, url: Url) -> Steps[int]:
    for _ in range(_REDIRECTIONS):
        typed = url.authority
        answer = yield from lookup(process, url.host)
        if not answer.addresses:
            process.err(f"wget: bad address '{typed}'\n")
            return 1
        address = answer.addresses[0]
        if not plan.quiet:
            process.err(f"Connecting to {typed} ({with_port(address, url.port)})\n")
        fetched = yield from connect_and_fetch(
            address,
            url.port,
            plan.request(url),
            timeout=plan.timeout,
            server_name=url.host if url.scheme == "https" else "",
        )
        reader = fetched.reader
        if plan.server_response and reader.head:
            process.err("".join(f"  {line}\n" for line in reader.head.decode().splitlines()))
        location = reader.header("Location")
        if fetched.error or not 300 <= reader.status < 400 or not location:
            return _busybox_finish(process, plan, url, fetched, address)
        url = url.join(location)
    process.err("wget: too many redirections\n")
    return 1


def _busybox_finish(process: Process, plan: _Plan, url: Url, fetched: Fetched, address: str) -> int:
    reader = fetched.reader
    if fetched.error:
        process.err(f"wget: {_busybox_error(process, fetched, address)}\n")
        return 1
    if not 200 <= reader.status < 300:
        process.err(
            f"wget: server returned error: {reader.version} {reader.status} {reader.reason}\n"
        )
        return 1
    if plan.spider:
        if not plan.quiet:
            process.err("remote file exists\n")
        return 0
    name = plan.output or url.file_name or "index.html"
    if not plan.quiet:
        process.err("writing to stdout\n" if name == "-" else f"saving to '{name}'\n")
    _save(process, plan, url, fetched.body)
    if not plan.quiet:
        process.err(_busybox_bar(name, len(fetched.body)))
        process.err("written to stdout\n" if name == "-" else f"'{name}' saved\n")
    return 0


def _busybox_error(process: Process, fetched: Fetched, address: str) -> str:
    if fetched.error == "timed out" and fetched.gave_up:
        return "download timed out"
    if not fetched.connected:
        why = strerror(fetched.error, process.container.image.libc)
        return f"can't connect to remote host ({address}): {why}"
    if fetched.error == "certificate":
        return "note: TLS certificate validation not implemented"
    return "error getting response"


def _busybox_bar(name: str, size: int) -> str:
    return f"{name[:20]:<20} 100% |{'*' * 32}|{size:6d}  0:00:00 ETA\n"


# -- GNU

_GNU_USAGE = "Usage: wget [OPTION]... [URL]...\n\nTry `wget --help' for more options.\n"
GENERIC, NETWORK, SSL, SERVER = 1, 4, 5, 8


def gnu_wget(process: Process) -> Steps[int]:
    """wget of GNU."""
    try:
        plan = _parse(process, "cqSO:o:P:U:T:t:46", "Wget/1.25.0")
    except OptionError as error:
        process.err(f"wget: {error.gnu}\n{_GNU_USAGE}")
        return 2
    except ValueError:
        process.err(f"wget: invalid number\n{_GNU_USAGE}")
        return 2
    if not plan.urls:
        process.err(f"wget: missing URL\n{_GNU_USAGE}")
        return GENERIC
    code = 0
    for text in plan.urls:
        code = (yield from _Gnu(process, plan).fetch(text)) or code
    return code


class _Gnu:
    """GNU wget's way through one URL."""

    def __init__(self, process: Process, plan: _Plan) -> None:
        self.process = process
        self.plan = plan
        self.started = process.clock.now

    def _say(self, text: str) -> None:
        if not self.plan.quiet and not self.plan.brief:
            self.process.err(text)

    @property
    def _stamp(self) -> str:
        return datetime.fromtimestamp(self.process.clock.now, UTC).strftime("%Y-%m-%d %H:%M:%S")

    def fetch(self, text: str) -> Steps[int]:
        """Fetch it; gives wget's exit status."""
        try:
            url = parse_url(text)
        except MalformedUrl:
            self.process.err(f"{text}: Invalid host name.\n")
            return GENERIC
        if self.plan.spider:
            self._say("Spider mode enabled. Check if remote file exists.\n")
        tries = 1
        while True:
            mark = f"  (try:{tries:2d})  " if tries > 1 else "  "
            self._say(f"--{self._stamp}--{mark}{url}\n")
            address = yield from self._resolve(url)
            if not address:
                return NETWORK
            fetched = yield from self._connect(url, address)
            if fetched.error in ("timed out", "reset", "closed"):
                if tries >= self.plan.tries:
                    self._say("Giving up.\n\n")
                    return NETWORK
                self._say("Retrying.\n\n")
                yield Sleep(min(tries, 10))
                tries += 1
                continue
            if fetched.error:
                return SSL if fetched.error in ("tls", "certificate") else NETWORK
            location = fetched.reader.header("Location")
            if 300 <= fetched.reader.status < 400 and location:
                self._say(f"Location: {location} [following]\n")
                url = url.join(location)
                continue
            return self._finish(url, fetched)

    def _resolve(self, url: Url) -> Steps[str]:
        if is_address(url.host):
            return url.host
        self._say(f"Resolving {url.host} ({url.host})... ")
        answer = yield from lookup(self.process, url.host)
        if answer.addresses:
            self._say(", ".join(answer.addresses[:3]) + "\n")
            return answer.addresses[0]
        known = answer.reason == NOT_FOUND
        why = "Name or service not known" if known else "Temporary failure in name resolution"
        self._say(f"failed: {why}.\n")
        if not self.plan.quiet:
            self.process.err(f"wget: unable to resolve host address ‘{url.host}’\n")
        return ""

    def _connect(self, url: Url, address: str) -> Steps[Fetched]:
        place = f"{url.host} ({url.host})|{address}|" if url.host != address else address
        self._say(f"Connecting to {place}:{url.port}... ")
        self.started = self.process.clock.now
        fetched = yield from connect_and_fetch(
            address,
            url.port,
            self.plan.request(url),
            timeout=self.plan.timeout,
            server_name=url.host if url.scheme == "https" else "",
        )
        if fetched.error == "certificate" and self.plan.insecure:
            fetched.error = ""
        if not fetched.connected:
            self._say(f"failed: {strerror(fetched.error, self.process.container.image.libc)}.\n")
            return fetched
        self._say("connected.\n")
        if fetched.error == "certificate":
            self.process.err(f"ERROR: cannot verify {url.host}'s certificate\n")
        elif fetched.error == "tls":
            self._say("Unable to establish SSL connection.\n")
        elif fetched.error:
            self._say("HTTP request sent, awaiting response... ")
            late = fetched.error == "timed out"
            self._say(
                "Read error (Connection timed out) in headers.\n" if late else "No data received.\n"
            )
        else:
            self._say("HTTP request sent, awaiting response... ")
            self._show_status(fetched)
        return fetched

    def _show_status(self, fetched: Fetched) -> None:
        reader = fetched.reader
        if self.plan.server_response:
            head = reader.head.decode("latin-1").strip()
            self._say("\n" + "".join(f"  {line}\n" for line in head.splitlines()))
        else:
            self._say(f"{reader.status} {reader.reason}\n")

    def _finish(self, url: Url, fetched: Fetched) -> int:
        reader, body = fetched.reader, fetched.body
        if reader.status >= 400:
            if self.plan.spider:
                self._say("Remote file does not exist -- broken link!!!\n\n")
            else:
                self._say(f"{self._stamp} ERROR {reader.status}: {reader.reason}.\n\n")
            return SERVER
        kind = reader.header("Content-Type").partition(";")[0]
        known = str(reader.length) if reader.length is not None else "unspecified"
        self._say(f"Length: {known}" + (f" [{kind}]\n" if kind else "\n"))
        if self.plan.spider:
            self._say("Remote file exists.\n\n")
            return 0
        name = self.plan.output or url.file_name or "index.html"
        shown = "STDOUT" if name == "-" else name
        self._say(f"Saving to: ‘{shown}’\n")
        _save(self.process, self.plan, url, body)
        seconds = max(1e-6, self.process.clock.now - self.started)
        rate, unit = _rate(len(body) / seconds)
        share = "100%" if reader.length is not None else "    "
        self._say(f"\n     0K {' ' * 54}{share} {rate}{unit}={_seconds(seconds)}s\n\n")
        size = f"[{len(body)}/{len(body)}]" if reader.length is not None else f"[{len(body)}]"
        what = "written to stdout" if name == "-" else f"‘{name}’ saved"
        self._say(f"{self._stamp} ({rate} {unit}B/s) - {what} {size}\n\n")
        if self.plan.brief and not self.plan.quiet:
            self.process.err(f'{self._stamp} URL:{url} {size} -> "{name}" [1]\n')
        return 0


def _rate(speed: float) -> tuple[str, str]:
    """Bytes a second in three digits, and their unit.

    >>> _rate(2170000)
    ('2.07', 'M')
    """
    for unit in ("", "K", "M"):
        if speed < 1024:
            return f"{speed:.{2 if speed < 10 else 1 if speed < 100 else 0}f}", unit
        speed /= 1024
    return f"{speed:.2f}", "G"


def _seconds(seconds: float) -> str:
    return "0" if seconds < 0.001 else f"{seconds:.3f}" if seconds < 10 else f"{seconds:.1f}"
