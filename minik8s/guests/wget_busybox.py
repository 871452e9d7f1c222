"""wget of BusyBox."""

from __future__ import annotations

from minik8s.guests.addresses import with_port
from minik8s.guests.base import Process, Steps
from minik8s.guests.errors import strerror
from minik8s.guests.fetching import Fetched, connect_and_fetch
from minik8s.guests.options import OptionError
from minik8s.guests.resolver import lookup
from minik8s.guests.urls import DEFAULT_PORTS, MalformedUrl, Url, parse_url
from minik8s.guests.wget import Plan, parse, save

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
        plan = parse(process, "cqSO:o:P:Y:U:T:t:46", "Wget")
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


def _busybox_fetch(process: Process, plan: Plan, url: Url) -> Steps[int]:
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
            verify=False,
        )
        if url.scheme == "https" and not fetched.error:
            process.err("wget: note: TLS certificate validation not implemented\n")
        reader = fetched.reader
        if plan.server_response and reader.head:
            process.err("".join(f"  {line}\n" for line in reader.head.decode().splitlines()))
        location = reader.header("Location")
        if fetched.error or not 300 <= reader.status < 400 or not location:
            return _busybox_finish(process, plan, url, fetched, address)
        url = url.join(location)
    process.err("wget: too many redirections\n")
    return 1


def _busybox_finish(process: Process, plan: Plan, url: Url, fetched: Fetched, address: str) -> int:
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
    save(process, plan, url, fetched.body)
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
    return "error getting response"


def _busybox_bar(name: str, size: int) -> str:
    return f"{name[:20]:<20} 100% |{'*' * 32}|{size:6d}  0:00:00 ETA\n"
