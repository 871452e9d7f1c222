"""wget of GNU."""

from __future__ import annotations

from datetime import UTC, datetime

from minik8s.guests.addresses import is_address
from minik8s.guests.base import Process, Sleep, Steps
from minik8s.guests.errors import strerror
from minik8s.guests.fetching import Fetched, connect_and_fetch
from minik8s.guests.options import OptionError
from minik8s.guests.resolver import lookup
from minik8s.guests.urls import MalformedUrl, Url, parse_url
from minik8s.guests.wget import Plan, parse, save

_GNU_USAGE = "Usage: wget [OPTION]... [URL]...\n\nTry `wget --help' for more options.\n"
GENERIC, NETWORK, SSL, SERVER = 1, 4, 5, 8


def gnu_wget(process: Process) -> Steps[int]:
    """wget of GNU."""
    try:
        plan = parse(process, "cqSO:o:P:U:T:t:46", "Wget/1.25.0")
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

    def __init__(self, process: Process, plan: Plan) -> None:
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
        self._say(f"failed: {answer.gai_error}.\n")
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
            verify=not self.plan.insecure,
        )
        if not fetched.connected:
            self._say(f"failed: {strerror(fetched.error, self.process.container.image.libc)}.\n")
            return fetched
        self._say("connected.\n")
        if fetched.error == "certificate":
            self.process.err(
                f"ERROR: cannot verify {url.host}'s certificate, issued by ‘CN=kubernetes-ca’:\n"
                "  Unable to locally verify the issuer's authority.\n"
                f"To connect to {url.host} insecurely, use `--no-check-certificate'.\n"
            )
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
        save(self.process, self.plan, url, body)
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
