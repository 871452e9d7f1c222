"""curl's `-w`: variables of a finished transfer, put into a text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from minik8s.guests.http import Headers, find_header


@dataclass(slots=True)
class Report:
    """What one transfer has been; times are seconds since its start, 0 if not reached."""

    url: str
    number: int = 0
    effective: str = ""
    method: str = "GET"
    status: int = 0
    version: str = ""
    headers: Headers = field(default_factory=list)
    header_size: int = 0
    request_size: int = 0
    downloaded: int = 0
    uploaded: int = 0
    redirects: int = 0
    redirect_url: str = ""
    connects: int = 0
    remote: tuple[str, int] = ("", 0)
    local: tuple[str, int] = ("", 0)
    scheme: str = ""
    file: str = ""
    verify_result: int = 0
    lookup: float = 0.0
    connect: float = 0.0
    app_connect: float = 0.0
    pretransfer: float = 0.0
    start_transfer: float = 0.0
    redirect: float = 0.0
    total: float = 0.0
    exit_code: int = 0
    error: str = ""

    @property
    def speed(self) -> int:
        """Bytes a second."""
        return int(self.downloaded / self.total) if self.total else 0


def _time(seconds: float) -> str:
    return f"{seconds:.6f}"


_VARIABLES: dict[str, Callable[[Report], str]] = {
    "content_type": lambda r: find_header(r.headers, "Content-Type"),
    "errormsg": lambda r: r.error,
    "exitcode": lambda r: str(r.exit_code),
    "filename_effective": lambda r: r.file,
    "http_code": lambda r: f"{r.status:03d}",
    "http_connect": lambda _: "000",
    "http_version": lambda r: {"HTTP/1.0": "1", "HTTP/1.1": "1.1"}.get(r.version, "0"),
    "local_ip": lambda r: r.local[0],
    "local_port": lambda r: str(r.local[1]),
    "method": lambda r: r.method,
    "num_connects": lambda r: str(r.connects),
    "num_headers": lambda r: str(len(r.headers)),
    "num_redirects": lambda r: str(r.redirects),
    "redirect_url": lambda r: r.redirect_url,
    "referer": lambda _: "",
    "remote_ip": lambda r: r.remote[0],
    "remote_port": lambda r: str(r.remote[1]),
    "response_code": lambda r: f"{r.status:03d}",
    "scheme": lambda r: r.scheme.upper(),
    "size_download": lambda r: str(r.downloaded),
    "size_header": lambda r: str(r.header_size),
    "size_request": lambda r: str(r.request_size),
    "size_upload": lambda r: str(r.uploaded),
    "speed_download": lambda r: str(r.speed),
    "speed_upload": lambda r: str(int(r.uploaded / r.total) if r.total else 0),
    "ssl_verify_result": lambda r: str(r.verify_result),
    "time_appconnect": lambda r: _time(r.app_connect),
    "time_connect": lambda r: _time(r.connect),
    "time_namelookup": lambda r: _time(r.lookup),
    "time_pretransfer": lambda r: _time(r.pretransfer),
    "time_redirect": lambda r: _time(r.redirect),
    "time_starttransfer": lambda r: _time(r.start_transfer),
    "time_total": lambda r: _time(r.total),
    "url": lambda r: r.url,
    "url_effective": lambda r: r.effective,
    "urlnum": lambda r: str(r.number),
}
_NUMBERS = (
    "num_",
    "size_",
    "speed_",
    "time_",
    "urlnum",
    "exitcode",
    "_port",
    "_code",
    "_result",
    "http_connect",
)


def _json(report: Report, version: str) -> str:
    values: dict[str, object] = {}
    for name, value in _VARIABLES.items():
        text = value(report)
        if any(part in name for part in _NUMBERS):
            values[name] = float(text) if "." in text else int(text)
        else:
            values[name] = text or None
    values["curl_version"] = f"libcurl/{version}"
    return json.dumps(values, separators=(",", ":"))


_ESCAPES = {r"\n": "\n", r"\r": "\r", r"\t": "\t", "%%": "%"}


def write_out(template: str, report: Report, version: str, put: Callable[[int, str], None]) -> None:
    """Write a `-w` text; `put` gets stream (1 or 2) and text.

    `%{stderr}` and `%{stdout}` choose where the rest goes.
    """
    stream = 1
    place = 0
    for match in re.finditer(r"%\{([^}]*)\}|%%|\\[nrt]|%header\{([^}]*)\}", template):
        put(stream, template[place : match.start()])
        place = match.end()
        name = match[1]
        if match[0] in _ESCAPES:
            put(stream, _ESCAPES[match[0]])
        elif match[2] is not None:
            put(stream, find_header(report.headers, match[2]))
        elif name in ("stdout", "stderr"):
            stream = 1 if name == "stdout" else 2
        elif name == "onerror":
            if not report.exit_code:
                return
        elif name == "json":
            put(stream, _json(report, version))
        elif name in _VARIABLES:
            put(stream, _VARIABLES[name](report))
        else:
            put(2, f"curl: unknown --write-out variable: '{name}'\n")
    put(stream, template[place:])
