"""URLs as command line tools read them: the scheme may be missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urljoin

DEFAULT_PORTS = {"http": 80, "https": 443}


class MalformedUrl(ValueError):
    """Something that is no URL."""


@dataclass(frozen=True, slots=True)
class Url:
    """A URL in parts; `target` is the path with its query, as it goes into the request."""

    scheme: str
    host: str
    port: int
    target: str = "/"
    user: str = ""

    @property
    def authority(self) -> str:
        """Host and port, as the Host header has them: the default port stays away."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS.get(self.scheme) else f"{host}:{self.port}"

    @property
    def file_name(self) -> str:
        """The last part of the path."""
        return self.target.partition("?")[0].rpartition("/")[2]

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"

    def join(self, location: str) -> Url:
        """Where a Location header of an answer from here leads."""
        return parse_url(urljoin(str(self), location))

    def with_query(self, query: str) -> Url:
        """The same URL with more of a query (`curl -G`)."""
        sign = "&" if "?" in self.target else "?"
        return replace(self, target=self.target + sign + query)


def parse_url(text: str) -> Url:
    """The parts of a URL; raises MalformedUrl.

    >>> str(parse_url("backend:8080"))
    'http://backend:8080/'
    """
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "http", text
    rest = rest.partition("#")[0]
    authority, slash, path = _cut(rest)
    user, _, place = authority.rpartition("@")
    host, port = _host_and_port(place, DEFAULT_PORTS.get(scheme.lower(), 0))
    if not host or re.search(r"[\s<>\"{}|\\^`]", place):
        raise MalformedUrl(text)
    target = (slash + path) if slash == "/" else "/" + slash + path
    return Url(scheme.lower(), host, port, target.replace(" ", "%20"), user)


def _cut(rest: str) -> tuple[str, str, str]:
    match = re.search(r"[/?]", rest)
    if match is None:
        return rest, "", ""
    place = match.start()
    return rest[:place], rest[place], rest[place + 1 :]


def _host_and_port(place: str, default: int) -> tuple[str, int]:
    match = re.fullmatch(r"(\[[^\]]+\]|[^:]*)(?::(\d*))?", place)
    if match is None:
        raise MalformedUrl(place)
    port = int(match[2]) if match[2] else default
    if port > 65535:
        raise MalformedUrl(place)
    return match[1].strip("[]"), port


def expand_globs(text: str) -> Iterator[str]:
    """The URLs that curl's `{a,b}` and `[1-3]` stand for.

    >>> list(expand_globs("http://web-[0-1]/{a,b}"))
    ['http://web-0/a', 'http://web-0/b', 'http://web-1/a', 'http://web-1/b']
    """
    match = re.search(r"\{([^{}]*)\}|\[(\d+)-(\d+)(?::(\d+))?\]|\[([a-zA-Z])-([a-zA-Z])\]", text)
    if match is None:
        yield text
        return
    if match[1] is not None:
        choices = match[1].split(",")
    elif match[2]:
        width = len(match[2]) if match[2].startswith("0") else 0
        numbers = range(int(match[2]), int(match[3]) + 1, int(match[4] or 1))
        choices = [f"{number:0{width}d}" for number in numbers]
    else:
        choices = [chr(code) for code in range(ord(match[5]), ord(match[6]) + 1)]
    for choice in choices:
        yield from expand_globs(text[: match.start()] + choice + text[match.end() :])
