"""What both kinds of wget share: the plan of a command line, requests and files."""

from __future__ import annotations

from dataclasses import dataclass, field

from minik8s.guests.base import Process
from minik8s.guests.http import Headers, Request
from minik8s.guests.options import getopt
from minik8s.guests.urls import Url


@dataclass(slots=True)
class Plan:
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


def parse(process: Process, short: str, agent: str) -> Plan:
    """Read a command line; raises OptionError, or ValueError for a bad number."""
    plan = Plan(agent=agent)
    arguments = ["--no-verbose" if word == "-nv" else word for word in process.arguments]
    options, plan.urls = getopt(arguments, short, _LONG)
    for name, value in options:
        plan.take(name, value)
    return plan


def save(process: Process, plan: Plan, url: Url, body: bytes) -> str:
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
