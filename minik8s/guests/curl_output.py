"""Where curl puts what it fetches: standard output, files, header dumps."""

from __future__ import annotations

from minik8s.guests.base import Process
from minik8s.guests.curl_options import Settings
from minik8s.guests.curl_texts import WRITE_ERROR, Failure
from minik8s.guests.urls import Url

_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"
_BINARY_WARNING = (
    'Warning: Binary output can mess up your terminal. Use "--output -" to tell \n'
    'Warning: curl to output it to your terminal anyway, or consider "--output \n'
    'Warning: <FILE>" to save to a file.\n'
)


class Sink:
    """The destination of one transfer; `output` is None for standard output."""

    def __init__(
        self, process: Process, settings: Settings, output: str | None, *, links: bool = False
    ) -> None:
        self._process = process
        self._settings = settings
        self._output = output
        self._links = links

    @property
    def to_stdout(self) -> bool:
        """Whether the body goes to standard output."""
        return self._output in (None, "-")

    @property
    def file(self) -> str:
        """The file that the body goes to, if any."""
        return "" if self.to_stdout else self._output or ""

    def name_after(self, url: Url) -> None:
        """Take the server's name for the file (`-O`)."""
        if self._output == "":
            self._output = url.file_name or "curl_response"

    def write_head(self, head: bytes) -> None:
        """Headers, where the settings want them."""
        dump = self._settings.dump_header
        if dump == "-":
            self._process.out(head)
        elif dump:
            self._append(dump, head)
        if not (self._settings.include or self._settings.head):
            return
        if self.to_stdout and self._process.tty:
            self._process.out(self._styled(head.decode("latin-1")))
        else:
            self.write(head)

    def write(self, data: bytes) -> Failure | None:
        """A part of the body; gives the reason if it cannot be written."""
        if not self.to_stdout:
            self._append(self.file, data)
            return None
        if self._process.tty and self._output is None and b"\0" in data:
            self._process.err(_BINARY_WARNING)
            return Failure(WRITE_ERROR, "")  # the warning says it all
        self._process.out(data)
        return None

    def _append(self, path: str, data: bytes) -> None:
        path = self._process.resolve(path)
        if path.startswith("/dev/"):
            if path in ("/dev/stdout", "/dev/stderr"):
                self._process.output(2 if path.endswith("err") else 1, data)
            return
        disk = self._process.container.disk
        old = (disk.read(path) or b"") if path in self._settings.written else b""
        self._settings.written.add(path)
        disk.write(path, old + data)

    def _styled(self, head: str) -> str:
        """Headers on a terminal: bold names, and the location as a link in newer versions."""
        lines = []
        for line in head.splitlines(keepends=True):
            name, colon, value = line.partition(":")
            if not colon or line.startswith("HTTP/"):
                lines.append(line)
            elif name.lower() == "location" and self._links:
                link = f"\x1b]8;;{value.strip()}\x1b\\{value}\x1b]8;;\x1b\\"
                lines.append(f"{_BOLD}{name}{_PLAIN}:{link}")
            else:
                lines.append(f"{_BOLD}{name}{_PLAIN}:{value}")
        return "".join(lines)
